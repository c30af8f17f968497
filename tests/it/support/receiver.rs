//! A destination that keeps what it gets and answers as it is told.

use std::collections::{HashSet, VecDeque};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::PATIENCE;

/// How a receiver answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// As the platform does when it takes a message.
    Take,
    /// With this status, these headers and this body.
    Refuse(u16, Vec<(&'static str, String)>, String),
    /// Never.
    Hang,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Path and query.
    pub(crate) target: String,
    /// Headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Bytes,
    /// Whether it was taken.
    pub(crate) taken: bool,
    /// When it was here.
    pub(crate) at: Instant,
}

impl Received {
    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the relay sends JSON")
    }

    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }
}

struct State {
    script: Mutex<VecDeque<Answer>>,
    always: Mutex<Answer>,
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
}

/// A destination on loopback.
pub(crate) struct Receiver {
    port: u16,
    state: Arc<State>,
    server: ServerHandle,
}

impl Receiver {
    /// Starts a receiver that takes everything.
    pub(crate) fn start() -> Self {
        Self::start_with(Answer::Take)
    }

    /// Starts a receiver that always answers like this.
    pub(crate) fn start_with(always: Answer) -> Self {
        let state = Arc::new(State {
            script: Mutex::default(),
            always: Mutex::new(always),
            received: Mutex::default(),
            count: watch::channel(0).0,
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let data = Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(PayloadConfig::new(64 * 1024 * 1024))
                .default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { port, state, server: handle }
    }

    /// Returns an address here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers the next requests like this, one each, before going on as always.
    pub(crate) fn next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.script.lock().unwrap().extend(answers);
    }

    /// Answers like this from now on.
    pub(crate) fn always(&self, answer: Answer) {
        *self.state.always.lock().unwrap() = answer;
    }

    /// Returns everything that arrived.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Returns everything that was taken.
    pub(crate) fn taken(&self) -> Vec<Received> {
        self.received().into_iter().filter(|each| each.taken).collect()
    }

    /// Returns what arrived after the first so many requests.
    pub(crate) fn received_after(&self, count: usize) -> Vec<Received> {
        self.state.received.lock().unwrap()[count..].to_vec()
    }

    /// Returns how many requests arrived.
    pub(crate) fn count(&self) -> usize {
        self.state.received.lock().unwrap().len()
    }

    /// Waits until more than so many requests arrived.
    pub(crate) async fn more_than(&self, count: usize) {
        let mut changes = self.state.count.subscribe();
        let in_time = tokio::time::timeout(PATIENCE, changes.wait_for(|received| *received > count)).await;
        assert!(in_time.is_ok(), "expected more than {count} requests within {PATIENCE:?}");
    }

    /// Waits until so many messages were taken; returns all of them.
    pub(crate) async fn took(&self, count: usize) -> Vec<Received> {
        let mut changes = self.state.count.subscribe();
        let waiting = async {
            let (mut read, mut taken) = (0, 0);
            loop {
                let new = self.received_after(read);
                read += new.len();
                taken += new.iter().filter(|each| each.taken).count();
                if taken >= count {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(in_time, "expected {count} messages within {PATIENCE:?}, got {}", self.taken().len());
        self.taken()
    }

    /// Waits until so many messages were taken that `key` tells apart.
    pub(crate) async fn took_different(&self, count: usize, key: impl Fn(&Received) -> String) {
        let mut keys = HashSet::new();
        let mut read = 0;
        let mut changes = self.state.count.subscribe();
        let waiting = async {
            loop {
                let new = self.received_after(read);
                read += new.len();
                keys.extend(new.iter().filter(|each| each.taken).map(&key));
                if keys.len() >= count {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(in_time, "expected {count} different messages within {PATIENCE:?}, got {}", keys.len());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let server = self.server.clone();
        tokio::spawn(async move { server.stop(false).await });
    }
}

async fn answer(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    let scripted = state.script.lock().unwrap().pop_front();
    let answer = scripted.unwrap_or_else(|| state.always.lock().unwrap().clone());
    let taken = matches!(answer, Answer::Take);
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let received = Received { target: request.uri().to_string(), headers, body, taken, at: Instant::now() };
    let asked = received.clone();
    let number = {
        let mut all = state.received.lock().unwrap();
        all.push(received);
        all.len()
    };
    state.count.send_modify(|count| *count += 1);
    match answer {
        Answer::Take => take(request.path(), number, &asked),
        Answer::Refuse(status, headers, body) => {
            let mut response = HttpResponse::build(status.try_into().unwrap());
            for header in headers {
                response.insert_header(header);
            }
            response.body(body)
        }
        Answer::Hang => std::future::pending().await,
    }
}

/// As the platform does that the path is named after.
fn take(path: &str, number: usize, received: &Received) -> HttpResponse {
    if path.starts_with("/slack") {
        HttpResponse::Ok().content_type("text/plain").body("ok")
    } else if path.starts_with("/api/chat.update") {
        let body = received.json();
        HttpResponse::Ok().json(json!({ "ok": true, "channel": body["channel"], "ts": body["ts"] }))
    } else if path.starts_with("/api/chat.") {
        let channel = format!("C-of-{}", received.json()["channel"].as_str().unwrap());
        HttpResponse::Ok().json(json!({ "ok": true, "channel": channel, "ts": format!("{number}.0") }))
    } else if path.starts_with("/discord") {
        let id = path.rsplit_once("/messages/").map_or_else(|| number.to_string(), |(_, id)| id.to_owned());
        HttpResponse::Ok().json(json!({ "id": id, "channel_id": "2" }))
    } else {
        HttpResponse::NoContent().finish()
    }
}
