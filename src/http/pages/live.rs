//! Live: tells open pages that there is something new to see, so that they ask for it.
//!
//! One question to the store a second serves everybody who listens; where nobody does, none is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use futures_util::stream::unfold;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::answer::{as_json, guarded};
use super::visit::Visit;
use crate::http::AppState;
use crate::http::error::ErrorCode;
use crate::store::{History, Pulse};

/// How often the store is asked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After how long something is said where nothing happens: a connection on which nothing is answered for 15 s ends.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How many pages listen at most.
const MOST_LISTENERS: usize = 48;

/// What those are told who listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// There is something new to see.
    Changed,
    /// The relay stops.
    Over,
}

/// Tells those who listen what is new, until told to stop.
pub async fn follow(state: Data<AppState>, stop: impl Future<Output = ()>) {
    state.memory.live.follow(state.history.as_ref(), stop).await;
}

/// Everybody who listens.
pub(in crate::http) struct Live {
    news: watch::Sender<News>,
    listeners: AtomicUsize,
}

impl Default for Live {
    fn default() -> Self {
        Self { news: watch::Sender::new(News::Changed), listeners: AtomicUsize::new(0) }
    }
}

impl Live {
    /// Looks for what is new while somebody listens; in the end sends everybody away.
    async fn follow(&self, history: &dyn History, stop: impl Future<Output = ()>) {
        let look = async {
            let mut last: Option<Pulse> = None;
            loop {
                sleep(LOOK_EVERY).await;
                if self.listeners.load(Ordering::Relaxed) == 0 {
                    last = None;
                    continue;
                }
                // What cannot be asked now is asked in a second.
                let Ok(pulse) = history.pulse().await else { continue };
                if last.replace(pulse).is_some_and(|last| last != pulse) {
                    self.news.send_replace(News::Changed);
                }
            }
        };
        tokio::select! {
            () = look => {}
            () = stop => {}
        }
        self.news.send_replace(News::Over);
    }

    fn listen(self: &Arc<Self>) -> Option<Listener> {
        let before = self.listeners.fetch_add(1, Ordering::Relaxed);
        // Given back when it is dropped, at once where there are too many.
        let listener = Listener { live: Arc::clone(self), news: self.news.subscribe(), has_begun: false };
        (before < MOST_LISTENERS).then_some(listener)
    }
}

/// One page that listens.
struct Listener {
    live: Arc<Live>,
    news: watch::Receiver<News>,
    has_begun: bool,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.live.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Listener {
    /// Waits for what is to be said next; `None` where the relay stops.
    async fn next(mut self) -> Option<(Result<Bytes, Error>, Self)> {
        if !self.has_begun {
            self.has_begun = true;
            return Some((Ok(Bytes::from_static(b"retry: 3000\nevent: hello\ndata: 1\n\n")), self));
        }
        let said = match timeout_at(Instant::now() + HEARTBEAT, self.news.changed()).await {
            Err(_) => b": alive\n\n".as_slice(),
            Ok(Err(_)) => return None,
            Ok(Ok(())) if *self.news.borrow_and_update() == News::Over => return None,
            Ok(Ok(())) => b"event: changed\ndata: 1\n\n".as_slice(),
        };
        Some((Ok(Bytes::from_static(said)), self))
    }
}

/// Tells a page what is new, for as long as it is open.
pub(super) async fn listen(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    if let Err(refusal) = Visit::admitted(&request, &state) {
        return *refusal;
    }
    let Some(listener) = state.memory.live.listen() else { return as_json(&ErrorCode::Busy.into()) };
    guarded(StatusCode::OK)
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .streaming(unfold(listener, Listener::next))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    async fn said(listener: Listener) -> Option<(String, Listener)> {
        let (bytes, listener) = listener.next().await?;
        Some((String::from_utf8_lossy(&bytes.unwrap()).into_owned(), listener))
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_is_greeted_told_kept_alive_and_sent_away() {
        let live = Arc::new(Live::default());
        let (greeting, listener) = said(live.listen().unwrap()).await.unwrap();
        assert!(greeting.contains("event: hello"), "{greeting}");
        let (heartbeat, listener) = said(listener).await.unwrap();
        assert!(heartbeat.starts_with(':'), "{heartbeat}");
        live.news.send_replace(News::Changed);
        let (news, listener) = said(listener).await.unwrap();
        assert!(news.contains("event: changed"), "{news}");
        live.news.send_replace(News::Over);
        assert!(said(listener).await.is_none());
    }

    #[test]
    fn no_more_listen_than_may_and_a_place_that_falls_free_is_given_again() {
        let live = Arc::new(Live::default());
        let mut listeners: Vec<Listener> = (0..MOST_LISTENERS).filter_map(|_| live.listen()).collect();
        assert_eq!(listeners.len(), MOST_LISTENERS);
        assert!(live.listen().is_none());
        listeners.pop();
        assert!(live.listen().is_some());
        drop(listeners);
        assert_eq!(live.listeners.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_is_sent_away_when_the_relay_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let config =
            crate::store::StoreConfig { path, retention: Duration::from_hours(1), payload_retention: None };
        let store = crate::store::open(&config, crate::store::Access::Serve).await.unwrap();
        let live = Arc::new(Live::default());
        let (_, listener) = said(live.listen().unwrap()).await.unwrap();
        live.follow(store.as_ref(), async {}).await;
        assert!(said(listener).await.is_none());
        let unheard =
            tokio::time::timeout(Duration::from_mins(1), live.follow(store.as_ref(), pending())).await;
        assert!(unheard.is_err(), "it goes on for as long as it is not told to stop");
    }
}
