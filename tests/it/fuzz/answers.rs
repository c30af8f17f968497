//! Answers of Slack, Discord and other services, as bytes on the wire: what is believed of them is bounded, and no
//! failure tells a secret.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use seer_relay::client::HttpClient;
use seer_relay::delivery::{DeliveryId, DestinationName, Reason};
use seer_relay::notify::discord::DiscordConfig;
use seer_relay::notify::slack::SlackConfig;
use seer_relay::notify::webhook::WebhookConfig;
use seer_relay::notify::{Call, Destination, Rate, SendError, Sent, Service, Style, Verdict, notifier};
use seer_relay::secret::Secret;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use super::Target;
use super::mutation::Structure;

/// A part of the address that no text may show.
const TOKEN: &str = "token-of-the-hook";
/// Longer than any pause that is believed.
const YEAR: Duration = Duration::from_hours(24 * 365);
const MINUTE: Duration = Duration::from_mins(1);

const WORDS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.0 429 \r\n",
    " 100 Continue",
    " 204 No Content",
    " 301 Moved",
    " 429 ",
    " 503 ",
    " 999 ",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "Retry-After: ",
    "Retry-After: 1e300\r\n",
    "Retry-After: -1\r\n",
    "Retry-After: NaN\r\n",
    "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
    "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
    "retry-after: inf\r\n",
    "X-RateLimit-Remaining: 0\r\n",
    "X-RateLimit-Reset-After: ",
    "X-RateLimit-Reset-After: 1e99\r\n",
    "X-RateLimit-Reset-After: -5\r\n",
    "Content-Type: text/html\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Location: http://127.0.0.1:1/\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Encoding: gzip\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "FFFFFFFFFFFFFFFFF\r\n",
    "token-of-the-hook",
    "TOKEN-OF-THE-HOOK",
    "token-of\u{0}-the-hook",
    "token-of\n-the-hook",
    "/hooks/token-of-the-hook",
    "ok",
    "no_service",
    "ratelimited",
    "invalid_blocks",
    "channel_is_archived",
    "\"ok\":true",
    "\"id\":\"1\"",
    "id",
    "error",
    "code",
    "message",
    "errors",
    "_errors",
    "retry_after",
    "global",
    "50035",
    "10015",
    "<!DOCTYPE html>",
    "\u{0}",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{80}",
    "💥",
    ":",
    ",",
    "{",
    "}",
];

const SEEDS: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 400 Bad Request\r\n\r\ninvalid_blocks",
    "HTTP/1.1 403 Forbidden\r\n\r\naction_prohibited: token-of-the-hook",
    "HTTP/1.1 404 Not Found\r\n\r\nno_service",
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\n\r\n{\"ok\":false,\"error\":\"ratelimited\"}",
    "HTTP/1.1 204 No Content\r\nX-RateLimit-Limit: 5\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: 1.5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: 0.43\r\n\r\n{\"id\":\"1\",\"type\":0,\"content\":\"x\"}",
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 65\r\nX-RateLimit-Global: true\r\n\r\n{\"message\":\"You are being rate limited.\",\"retry_after\":64.57,\"global\":true,\"code\":0}",
    "HTTP/1.1 400 Bad Request\r\n\r\n{\"code\":50035,\"message\":\"Invalid Form Body\",\"errors\":{\"embeds\":{\"0\":{\"title\":{\"_errors\":[{\"code\":\"X\",\"message\":\"Must be 256 or fewer in length.\"}]}}}}}",
    "HTTP/1.1 404 Not Found\r\n\r\n{\"message\":\"Unknown Webhook\",\"code\":10015}",
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: Mon, 23 Nov 2026 10:01:00 GMT\r\nContent-Type: text/html\r\n\r\n<html>down</html>",
    "HTTP/1.1 301 Moved Permanently\r\nLocation: https://elsewhere.example/token-of-the-hook\r\n\r\n",
];

#[test]
fn an_answer_of_slack_is_believed_within_bounds() {
    fuzz(
        "slack-answers",
        |address| Service::Slack(SlackConfig::of_webhook(address)),
        |sent, body| {
            let says_ok = serde_json::from_str::<Value>(body).is_ok_and(|json| json["ok"] == true);
            assert!(body.trim() == "ok" || says_ok, "{body:?} is no delivery");
            assert_eq!(sent.pause, None);
        },
    );
}

#[test]
fn an_answer_of_discord_is_believed_within_bounds() {
    fuzz(
        "discord-answers",
        |address| Service::Discord(DiscordConfig::of_webhook(address)),
        |sent, body| {
            assert!(body.contains("id"), "{body:?} is no delivery");
            assert!(sent.pause.is_none_or(|pause| pause <= MINUTE), "{sent:?}");
        },
    );
}

#[test]
fn an_answer_of_any_service_is_believed_within_bounds() {
    fuzz(
        "webhook-answers",
        |address| {
            let secret = None;
            Service::Webhook(WebhookConfig { url: address, secret, headers: Vec::new(), thin: false })
        },
        |sent, _| assert!(sent.pause.is_none_or(|pause| pause <= YEAR), "{sent:?}"),
    );
}

/// Sends to a service that answers each input, and holds what comes of it.
fn fuzz(name: &'static str, service: impl Fn(Secret) -> Service, is_delivery: impl Fn(&Sent, &str)) {
    let wire = Wire::new(service);
    let seeds = SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let target = Target { name, cases: 200, seeds, words: WORDS, structure: Structure::Json };
    target.fuzz(|bytes| match wire.send(bytes) {
        Ok(sent) => {
            assert!((200..300).contains(&sent.status), "{sent:?}");
            if let Some(body) = plain_body(bytes) {
                is_delivery(&sent, &body);
            }
        }
        Err(error) => holds(&error, bytes),
    });
}

fn holds(error: &SendError, bytes: &[u8]) {
    let words = error.words.as_deref().unwrap_or_default();
    assert!(words.chars().count() <= 200 && !words.contains(char::is_control), "{words:?}");
    for shown in [words.to_lowercase(), format!("{error} {error:?}").to_lowercase()] {
        assert!(!shown.contains(TOKEN), "{shown}");
    }
    let longest = match error.verdict {
        Verdict::Retry | Verdict::RetryUncounted | Verdict::RetryAtMost(_) => YEAR,
        // The window of the destination is used up, whatever was wrong with this message.
        Verdict::NextRung | Verdict::Afresh | Verdict::GiveUp => MINUTE,
        Verdict::Gone => Duration::ZERO,
    };
    assert!(error.retry_after.is_none_or(|pause| pause <= longest && longest > Duration::ZERO), "{error:?}");
    assert_eq!(error.verdict == Verdict::Gone, error.reason == Reason::Gone, "{error:?}");
    assert_eq!(error.verdict == Verdict::RetryUncounted, error.reason == Reason::RateLimited, "{error:?}");
    // What a connection that broke off says is no word of the platform: it is tried again.
    if error.status.is_none() {
        assert_eq!(error.verdict, Verdict::Retry, "{error:?} of {}", bytes.escape_ascii());
    }
}

/// Returns the body of an answer that says nothing of its length, so that it goes on to the end.
fn plain_body(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let lower = text.to_lowercase();
    let is_plain = ["transfer-encoding", "content-length"].iter().all(|name| !lower.contains(name));
    let is_final = text.starts_with("HTTP/1.1 2");
    let end = ["\n\r\n", "\n\n"].iter().filter_map(|end| Some(text.find(end)? + end.len())).min()?;
    (is_plain && is_final).then(|| text[end..].to_owned())
}

/// A service at the end of a wire: it reads a request, writes the bytes that it is given, and closes the connection.
struct Wire {
    runtime: Runtime,
    local: LocalSet,
    answer: Rc<RefCell<Vec<u8>>>,
    destination: Destination,
    client: HttpClient,
}

impl Wire {
    fn new(service: impl Fn(Secret) -> Service) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = LocalSet::new();
        let answer = Rc::new(RefCell::new(Vec::new()));
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let url = format!("http://{}/hooks/{TOKEN}", listener.local_addr().unwrap());
        let shared = Rc::clone(&answer);
        local.spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = shared.borrow().clone();
                tokio::task::spawn_local(serve(stream, answer));
            }
        });
        let destination = Destination {
            name: DestinationName::new("x"),
            template_set: None,
            rate: Rate::Unlimited,
            in_flight: 1,
            timeout: Duration::from_secs(20),
            expire_after: None,
            fallback: None,
            diff_lines: 0,
            style: Style::Messages,
            digest: None,
            announce: Vec::new(),
            service: service(Secret::Known(SecretString::from(url))),
        };
        Self { runtime, local, answer, destination, client: HttpClient::new(None).unwrap() }
    }

    fn send(&self, answer: &[u8]) -> Result<Sent, SendError> {
        *self.answer.borrow_mut() = answer.to_vec();
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let call = Call::new(DeliveryId::new("dlv_1"), now);
        // A new one each time: an answer may keep a notifier from calling for a while.
        let notifier = notifier(&self.destination, &self.client).unwrap();
        self.local.block_on(&self.runtime, notifier.send(Bytes::from_static(b"{}"), &call))
    }
}

async fn serve(mut stream: TcpStream, answer: Vec<u8>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n{}") {
        if !matches!(stream.read_buf(&mut request).await, Ok(1..)) {
            return;
        }
    }
    // The relay may have heard enough before the end.
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
    while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {}
}
