//! Streams: pages of which the beginning is seen before the rest is known.

use std::pin::Pin;
use std::time::Duration;

use actix_web::Error;
use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::timeout;

/// Where in a template what comes later has its place.
const LATER: &str = "<!--later-->";

/// How often something is said while nothing is known. A connection on which nothing is answered for 15 s ends; and only
/// by writing it is found out that nobody reads any more.
const HEARTBEAT: Duration = Duration::from_secs(1);
const ALIVE: &[u8] = b"<!-- -->\n";

/// What is still to be said of a page.
struct Rest {
    head: Option<Bytes>,
    later: Option<Pin<Box<dyn Future<Output = String>>>>,
    tail: Option<Bytes>,
}

impl Rest {
    async fn next(mut self) -> Option<(Result<Bytes, Error>, Self)> {
        if let Some(head) = self.head.take() {
            return Some((Ok(head), self));
        }
        if let Some(later) = &mut self.later {
            let Ok(text) = timeout(HEARTBEAT, later.as_mut()).await else {
                return Some((Ok(Bytes::from_static(ALIVE)), self));
            };
            self.later = None;
            return Some((Ok(Bytes::from(text)), self));
        }
        let tail = self.tail.take()?;
        Some((Ok(tail), self))
    }
}

/// Returns a page in pieces: what stands before its mark at once, what comes later at its place, and the end. Where the
/// page has no mark it comes at the end.
pub(super) fn in_pieces(
    mut page: String,
    later: impl Future<Output = String> + 'static,
) -> impl Stream<Item = Result<Bytes, Error>> + 'static {
    let mark = page.find(LATER).unwrap_or(page.len());
    let tail = page.split_off(mark);
    let tail = tail.strip_prefix(LATER).unwrap_or(&tail).to_owned();
    let rest = Rest { head: Some(page.into()), later: Some(Box::pin(later)), tail: Some(tail.into()) };
    unfold(rest, Rest::next)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use futures_util::StreamExt;
    use tokio::time::{Instant, sleep};

    use super::*;

    async fn said(stream: &mut (impl Stream<Item = Result<Bytes, Error>> + Unpin)) -> Option<String> {
        let piece = stream.next().await?.unwrap();
        Some(String::from_utf8(piece.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn the_beginning_is_said_at_once_and_something_while_nothing_is_known() {
        let later = async {
            sleep(Duration::from_millis(2_500)).await;
            "the numbers".to_owned()
        };
        let mut stream = pin!(in_pieces("<h1>Report</h1><!--later--><footer>".to_owned(), later));
        let began = Instant::now();
        assert_eq!(said(&mut stream).await.unwrap(), "<h1>Report</h1>");
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(said(&mut stream).await.unwrap(), "<!-- -->\n");
        assert_eq!(said(&mut stream).await.unwrap(), "<!-- -->\n");
        assert_eq!(said(&mut stream).await.unwrap(), "the numbers");
        assert_eq!(said(&mut stream).await.unwrap(), "<footer>");
        assert_eq!(said(&mut stream).await, None);
        assert_eq!(began.elapsed(), Duration::from_millis(2_500));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_ends_what_is_done_for_them() {
        struct Told(std::rc::Rc<std::cell::Cell<bool>>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let is_over = std::rc::Rc::new(std::cell::Cell::new(false));
        let told = Told(is_over.clone());
        let later = async move {
            let _told = told;
            pending::<String>().await
        };
        let mut stream = Box::pin(in_pieces("a<!--later-->b".to_owned(), later));
        said(&mut stream).await.unwrap();
        said(&mut stream).await.unwrap();
        drop(stream);
        assert!(is_over.get());
    }

    #[tokio::test]
    async fn a_page_without_a_mark_is_said_whole() {
        let mut stream = pin!(in_pieces("page".to_owned(), ready("rest".to_owned())));
        let mut all = String::new();
        while let Some(piece) = said(&mut stream).await {
            all.push_str(&piece);
        }
        assert_eq!(all, "pagerest");
    }
}
