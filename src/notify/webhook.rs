//! Any HTTP service, by Standard Webhooks: its settings, its body, and how it is called.
//!
//! Knows no signature (`webhook/signature.rs`).
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, read 2026-11-23.

mod body;
mod signature;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

use crate::client::HttpClient;
use crate::delivery::{DestinationKind, Rung};
use crate::notify::answer::{Class, Reading, failed, unreached};
use crate::notify::endpoint::Endpoint;
use crate::notify::{Call, Envelope, Notifier, SendError, Sent};
use crate::render::Rendered;
use crate::secret::Secret;

pub(crate) use body::body;
pub use signature::{SigningKey, SigningKeyError};

/// Settings of a `[webhook.NAME]` table.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// The address.
    pub url: Secret,
    /// Standard Webhooks secret, `whsec_` and base64 of 24 to 64 bytes.
    pub secret: Option<Secret>,
    /// Further request headers: name and value.
    pub headers: Vec<(String, Secret)>,
    /// Whether diffs and the payload are left out. Default false.
    pub thin: bool,
}

/// Returns whether a header is the relay's own or the connection's, so that a destination cannot set it.
pub fn is_reserved_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("webhook-")
        || matches!(
            name.as_str(),
            "connection"
                | "content-length"
                | "host"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "user-agent"
        )
}

/// Speaks to one HTTP service.
#[derive(Debug)]
pub(crate) struct WebhookNotifier {
    thin: bool,
    endpoint: Endpoint,
    key: Option<SigningKey>,
    headers: Vec<(String, SecretString)>,
    client: HttpClient,
    timeout: Duration,
}

impl WebhookNotifier {
    /// Returns a notifier of this service; its headers and its key with their values known.
    pub(crate) fn new(
        thin: bool,
        endpoint: Endpoint,
        key: Option<SigningKey>,
        headers: Vec<(String, SecretString)>,
        client: HttpClient,
        timeout: Duration,
    ) -> Self {
        Self { thin, endpoint, key, headers, client, timeout }
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    fn body(&self, rendered: &Rendered, rung: Rung, _: &Envelope) -> Bytes {
        body(self.thin, rendered, rung)
    }

    fn next_rung(&self, rung: Rung, status: Option<u16>) -> Option<Rung> {
        match rung {
            Rung::Whole if status == Some(413) && !self.thin => Some(Rung::Brief),
            Rung::Whole | Rung::Brief | Rung::Line => None,
        }
    }

    async fn send(&self, body: Bytes, call: &Call) -> Result<Sent, SendError> {
        let id = call.delivery_id.as_str();
        let timestamp = call.now.as_second().to_string();
        let signature = self.key.as_ref().map(|key| key.sign(id, &timestamp, &body));
        let mut headers = vec![("content-type", "application/json")];
        let own = self.headers.iter().filter(|(name, _)| !is_reserved_header(name));
        headers.extend(own.map(|(name, value)| (name.as_str(), value.expose_secret())));
        headers.extend([("webhook-id", id), ("webhook-timestamp", &timestamp)]);
        headers.extend(signature.as_deref().map(|signature| ("webhook-signature", signature)));
        let answer = self
            .client
            .post(&self.endpoint.url, &headers, body, self.timeout, false)
            .await
            .map_err(|error| unreached(&error))?;
        match Class::of_status(answer.status) {
            None => Ok(Sent { status: answer.status, ..Sent::default() }),
            Some(class) => {
                let words =
                    if answer.is_html() { "a web page".to_owned() } else { answer.text().into_owned() };
                let reading = Reading::new(class, words);
                Err(failed(DestinationKind::Webhook, &self.endpoint, &answer, reading, call.now))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::clock::Clock;
    use crate::delivery::{DeliveryId, Reason};
    use crate::notify::Verdict;

    /// The published example; it protects nothing.
    const EXAMPLE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn notifier(server: &MockServer, headers: &[(&str, &str)]) -> WebhookNotifier {
        let address = SecretString::from(format!("{}/in/secret-path?key=k3y-value", server.uri()));
        let headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value))).collect();
        let key = SigningKey::parse(&SecretString::from(EXAMPLE)).unwrap();
        let client = HttpClient::new(None).unwrap();
        let endpoint = Endpoint::parse(&address).unwrap();
        WebhookNotifier::new(false, endpoint, Some(key), headers, client, Duration::from_secs(20))
    }

    fn call() -> Call {
        Call::new(DeliveryId::new("dlv_1"), Clock::system().now())
    }

    async fn server(answer: ResponseTemplate) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        server
    }

    #[tokio::test]
    async fn a_request_is_signed_and_a_header_of_one_s_own_cannot_change_that() {
        let server = server(ResponseTemplate::new(204)).await;
        let headers = [
            ("Authorization", "Bearer x"),
            ("Content-Type", "application/vnd.acme+json"),
            ("Webhook-Id", "forged"),
            ("webhook-signature", "forged"),
            ("Host", "elsewhere"),
        ];
        let body = Bytes::from_static(b"{\"type\":\"seer.pr_created\"}");
        let sent = notifier(&server, &headers).send(body.clone(), &call()).await.unwrap();
        assert_eq!(sent, Sent { status: 204, ..Sent::default() });
        let requests = server.received_requests().await.unwrap();
        let request = &requests[0];
        standardwebhooks::Webhook::new(EXAMPLE).unwrap().verify(&request.body, &request.headers).unwrap();
        assert_eq!(request.headers["webhook-id"], "dlv_1");
        assert_eq!(request.headers["authorization"], "Bearer x");
        assert_eq!(request.headers["content-type"], "application/vnd.acme+json");
        assert_eq!(request.headers["user-agent"], concat!("seer-relay/", env!("CARGO_PKG_VERSION")));
        assert_eq!(request.url.query(), Some("key=k3y-value"));
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_words_but_no_secret() {
        let text = "no route to /in/secret-path with k3y-value for Bearer-t0ken";
        let answer = ResponseTemplate::new(404).insert_header("retry-after", "7").set_body_string(text);
        let server = server(answer).await;
        let notifier = notifier(&server, &[("authorization", "Bearer-t0ken")]);
        let mut notifier = notifier;
        notifier.endpoint.add_secret("Bearer-t0ken");
        let error = notifier.send(Bytes::new(), &call()).await.unwrap_err();
        assert_eq!(
            (error.reason, error.verdict, error.status),
            (Reason::ClientError, Verdict::Retry, Some(404))
        );
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(error.words.as_deref(), Some("no route to [redacted] with [redacted] for [redacted]"));
        let debug = format!("{notifier:?}");
        for secret in ["secret-path", "k3y", "t0ken", "MfKQ9"] {
            assert!(!debug.contains(secret), "{debug}");
        }
    }

    #[tokio::test]
    async fn only_a_body_called_too_large_has_a_plainer_form() {
        let server = MockServer::start().await;
        let mut notifier = notifier(&server, &[]);
        assert_eq!(notifier.next_rung(Rung::Whole, Some(413)), Some(Rung::Brief));
        assert_eq!(notifier.next_rung(Rung::Whole, Some(400)), None);
        assert_eq!(notifier.next_rung(Rung::Brief, Some(413)), None);
        notifier.thin = true;
        assert_eq!(notifier.next_rung(Rung::Whole, Some(413)), None);
    }
}
