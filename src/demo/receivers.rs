//! Stand-ins for Slack, Discord and any HTTP service, on loopback: they take, refuse and remember as the real ones do.
//!
//! Each request is handed to a channel with what was answered. They know nothing of the relay that calls them.

mod discord;
pub mod sentry;
mod slack;
mod webhook;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock::Clock;

/// The largest body that the stand-ins read.
const MAX_BODY_BYTES: usize = 32 << 20;

/// One of the stand-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Receiver {
    /// A Slack incoming webhook.
    Slack,
    /// A Discord webhook.
    Discord,
    /// An HTTP service that verifies Standard Webhooks signatures.
    Webhook,
}

impl Receiver {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Slack, Self::Discord, Self::Webhook];

    /// Returns what people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Webhook => "webhook",
        }
    }

    /// Returns the channel that it shows messages in.
    pub fn channel(self) -> &'static str {
        match self {
            Self::Slack => "#seer-fixes",
            Self::Discord => "#code-review",
            Self::Webhook => "",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Slack => "/services/T0DEMO/B0DEMO/stand-in",
            Self::Discord => "/api/webhooks/1400000000000000001/stand-in",
            Self::Webhook => "/audit",
        }
    }
}

/// A request that a stand-in got, and what it answered.
#[derive(Debug, Clone)]
pub struct Received {
    /// Who got it.
    pub receiver: Receiver,
    /// The body; null where it is no JSON.
    pub body: Value,
    /// How large the body is, in bytes.
    pub bytes: usize,
    /// What was answered.
    pub answer: Answer,
    /// Header `webhook-id`, where there is one.
    pub webhook_id: Option<String>,
    /// Whether the Standard Webhooks signature held; only the webhook receiver looks.
    pub signature: SignatureCheck,
    /// Whether a request with this `webhook-id` was taken before.
    pub repeated: bool,
    /// When it came.
    pub arrived: Instant,
}

/// What a stand-in answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The message is there.
    Taken,
    /// The request is wrong; status and the platform's words.
    Refused(u16, String),
    /// 503, as it was told to.
    Unavailable,
    /// 429 with `Retry-After`, as it was told to.
    RateLimited(Duration),
}

/// Whether a signature held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureCheck {
    /// There was none to look at.
    None,
    /// It held.
    Verified,
    /// It is missing, old or wrong.
    Failed,
}

/// What a stand-in is to answer instead of taking its next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 503.
    Unavailable,
    /// 429 with this `Retry-After`.
    RateLimited(Duration),
}

/// The running stand-ins.
pub struct Receivers {
    address: SocketAddr,
    state: Arc<State>,
    handle: ServerHandle,
}

struct State {
    clock: Clock,
    secret: SecretString,
    arrivals: mpsc::UnboundedSender<Received>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    troubles: Vec<(Receiver, VecDeque<Trouble>)>,
    webhook_ids: HashSet<String>,
    messages: u64,
}

impl Receivers {
    /// Starts the stand-ins on a free port of loopback; what they get comes out of the channel. The webhook's
    /// signatures are verified with `secret` (`whsec_…`).
    ///
    /// # Errors
    /// Where no port can be had.
    pub fn start(
        clock: Clock,
        secret: SecretString,
    ) -> io::Result<(Self, mpsc::UnboundedReceiver<Received>)> {
        let (arrivals, received) = mpsc::unbounded_channel();
        let state = Arc::new(State { clock, secret, arrivals, memory: Mutex::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
                .route(Receiver::Slack.path(), web::post().to(take_slack))
                .route(Receiver::Discord.path(), web::post().to(take_discord))
                .route(Receiver::Webhook.path(), web::post().to(take_webhook))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok((Self { address, state, handle }, received))
    }

    /// Returns the address to configure as a destination.
    pub fn url(&self, receiver: Receiver) -> String {
        format!("http://{}{}", self.address, receiver.path())
    }

    /// Lets a receiver's next request meet trouble; several wait in line.
    pub fn trouble(&self, receiver: Receiver, trouble: Trouble) {
        let mut memory = self.state.memory();
        match memory.troubles.iter_mut().find(|(whose, _)| *whose == receiver) {
            Some((_, waiting)) => waiting.push_back(trouble),
            None => memory.troubles.push((receiver, VecDeque::from([trouble]))),
        }
    }

    /// Stops listening.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

impl State {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_trouble(&self, receiver: Receiver) -> Option<Trouble> {
        let mut memory = self.memory();
        memory.troubles.iter_mut().find(|(whose, _)| *whose == receiver)?.1.pop_front()
    }

    /// Answers with the trouble that is due, else with what `judge` makes of the body; tells of it in any case.
    fn take(
        &self,
        mut received: Received,
        judge: impl FnOnce(&mut Received) -> HttpResponse,
    ) -> HttpResponse {
        let response = match self.next_trouble(received.receiver) {
            None => judge(&mut received),
            Some(Trouble::Unavailable) => {
                received.answer = Answer::Unavailable;
                HttpResponse::ServiceUnavailable().body("service_unavailable")
            }
            Some(Trouble::RateLimited(pause)) => {
                received.answer = Answer::RateLimited(pause);
                rate_limited(received.receiver, pause)
            }
        };
        // Nobody listens any more once the demo stops.
        drop(self.arrivals.send(received));
        response
    }
}

fn rate_limited(receiver: Receiver, pause: Duration) -> HttpResponse {
    let mut response = HttpResponse::TooManyRequests();
    response.insert_header(("retry-after", pause.as_secs().to_string()));
    match receiver {
        Receiver::Discord => response.json(discord::rate_limited(pause)),
        Receiver::Slack => response.body("rate_limited"),
        Receiver::Webhook => response.body("too many requests"),
    }
}

fn received(receiver: Receiver, body: &[u8]) -> Received {
    Received {
        receiver,
        body: serde_json::from_slice(body).unwrap_or_default(),
        bytes: body.len(),
        answer: Answer::Taken,
        webhook_id: None,
        signature: SignatureCheck::None,
        repeated: false,
        arrived: Instant::now(),
    }
}

async fn take_slack(state: web::Data<State>, body: web::Bytes) -> HttpResponse {
    state.take(received(Receiver::Slack, &body), |received| match slack::refusal(&received.body) {
        None => HttpResponse::Ok().content_type("text/plain").body("ok"),
        Some(word) => {
            received.answer = Answer::Refused(400, word.to_owned());
            HttpResponse::BadRequest().content_type("text/plain").body(word)
        }
    })
}

async fn take_discord(state: web::Data<State>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let query = request.query_string();
    state.take(received(Receiver::Discord, &body), |received| {
        if !discord::asks(query, "with_components") {
            discord::drop_components(&mut received.body);
        }
        if let Some(refusal) = discord::refusal(&received.body) {
            received.answer = Answer::Refused(400, discord::words(&refusal));
            return HttpResponse::BadRequest().json(refusal);
        }
        if !discord::asks(query, "wait") {
            return HttpResponse::NoContent().finish();
        }
        let mut memory = state.memory();
        memory.messages += 1;
        HttpResponse::Ok().json(discord::message(memory.messages, &received.body))
    })
}

async fn take_webhook(state: web::Data<State>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let signed = webhook::Signed {
        id: header("webhook-id").unwrap_or_default(),
        timestamp: header("webhook-timestamp").unwrap_or_default(),
        signatures: header("webhook-signature").unwrap_or_default(),
    };
    state.take(received(Receiver::Webhook, &body), |received| {
        received.webhook_id = (!signed.id.is_empty()).then(|| signed.id.clone());
        if !signed.verify(&body, &state.secret, state.clock.now()) {
            received.signature = SignatureCheck::Failed;
            received.answer = Answer::Refused(401, "signature wrong".to_owned());
            return HttpResponse::Unauthorized().body("signature wrong");
        }
        received.signature = SignatureCheck::Verified;
        received.repeated = !state.memory().webhook_ids.insert(signed.id.clone());
        HttpResponse::Ok().body("thanks")
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use secrecy::ExposeSecret;
    use serde_json::json;
    use standardwebhooks::Webhook;

    use super::*;
    use crate::client::HttpClient;

    const TIMEOUT: Duration = Duration::from_secs(5);

    struct Caller {
        receivers: Receivers,
        arrivals: mpsc::UnboundedReceiver<Received>,
        client: HttpClient,
        secret: SecretString,
    }

    impl Caller {
        fn start() -> Self {
            let secret = SecretString::from(format!("whsec_{}", "c2VjcmV0".repeat(4)));
            let (receivers, arrivals) = Receivers::start(Clock::system(), secret.clone()).unwrap();
            Self { receivers, arrivals, client: HttpClient::new(None).unwrap(), secret }
        }

        /// Returns status and body of the answer, and what came out of the channel.
        async fn post(
            &mut self,
            receiver: Receiver,
            query: &str,
            headers: &[(&str, &str)],
            body: &Value,
        ) -> (u16, String, Received) {
            let url = (self.receivers.url(receiver) + query).parse().unwrap();
            let body = Bytes::from(body.to_string());
            let answer = self.client.post(&url, headers, body, TIMEOUT, true).await.unwrap();
            let arrived = self.arrivals.recv().await.unwrap();
            (answer.status, String::from_utf8(answer.body).unwrap(), arrived)
        }
    }

    #[tokio::test]
    async fn slack_answers_ok_or_the_word_for_the_fault() {
        let mut caller = Caller::start();

        let (status, body, received) =
            caller.post(Receiver::Slack, "", &[], &json!({ "text": "hello" })).await;
        assert_eq!((status, body.as_str(), received.answer), (200, "ok", Answer::Taken));

        let (status, body, received) = caller.post(Receiver::Slack, "", &[], &json!({ "text": "" })).await;
        assert_eq!((status, body.as_str()), (400, "no_text"));
        assert_eq!(received.answer, Answer::Refused(400, "no_text".to_owned()));
    }

    #[tokio::test]
    async fn discord_answers_with_the_message_only_where_it_is_waited_for() {
        let mut caller = Caller::start();
        let message = json!({ "content": "hello", "components": [{ "type": 1, "components": [] }] });

        let (status, _, received) = caller.post(Receiver::Discord, "", &[], &message).await;
        assert_eq!((status, received.body.get("components")), (204, None));

        let query = "?wait=true&with_components=true";
        let (status, body, received) = caller.post(Receiver::Discord, query, &[], &message).await;
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &answer["channel_id"]), (200, &json!("1400000000000000002")));
        assert!(answer["id"].is_string() && received.body.get("components").is_some());

        let long = json!({ "content": "x".repeat(2_001) });
        let (status, body, received) = caller.post(Receiver::Discord, query, &[], &long).await;
        assert!(status == 400 && body.contains("50035"), "{body}");
        assert_eq!(received.answer, Answer::Refused(400, "50035 Invalid Form Body".to_owned()));
    }

    #[tokio::test]
    async fn a_webhook_is_verified_and_its_repeats_are_known() {
        let mut caller = Caller::start();
        let body = json!({ "type": "seer.pr_created" });
        let now = Clock::system().now().as_second();
        let signer = Webhook::new(caller.secret.expose_secret()).unwrap();
        let signature = signer.sign("dlv_1", now, body.to_string().as_bytes()).unwrap();
        let now = now.to_string();
        let headers =
            [("webhook-id", "dlv_1"), ("webhook-timestamp", &now), ("webhook-signature", &signature)];

        for repeated in [false, true] {
            let (status, _, received) = caller.post(Receiver::Webhook, "", &headers, &body).await;
            assert_eq!(
                (status, received.signature, received.repeated),
                (200, SignatureCheck::Verified, repeated)
            );
        }
        let (status, _, received) = caller.post(Receiver::Webhook, "", &headers, &json!({})).await;
        assert_eq!((status, received.signature), (401, SignatureCheck::Failed));
        let (status, _, _) = caller.post(Receiver::Webhook, "", &[], &body).await;
        assert_eq!(status, 401);
    }

    #[tokio::test]
    async fn trouble_comes_once_and_only_to_whom_it_is_meant_for() {
        let mut caller = Caller::start();
        let message = json!({ "text": "hello", "content": "hello" });
        caller.receivers.trouble(Receiver::Slack, Trouble::Unavailable);
        caller.receivers.trouble(Receiver::Slack, Trouble::RateLimited(Duration::from_secs(1)));

        let (status, _, _) = caller.post(Receiver::Discord, "?wait=true", &[], &message).await;
        assert_eq!(status, 200);
        for (expected, answer) in [
            (503, Answer::Unavailable),
            (429, Answer::RateLimited(Duration::from_secs(1))),
            (200, Answer::Taken),
        ] {
            let (status, _, received) = caller.post(Receiver::Slack, "", &[], &message).await;
            assert_eq!((status, received.answer), (expected, answer));
        }
    }
}
