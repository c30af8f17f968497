//! Visits: whether a destination can be reached and lets us in, found out without sending anything.
//!
//! What a platform cannot be asked without posting is not asked: of an incoming webhook of Slack and of a `webhook` no
//! more than the host is called, and neither path nor header nor body goes there.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::answer::{Class, Reading};
use super::endpoint::Endpoint;
use super::slack::{Bot, SlackAccess};
use super::{BuildError, Destination, Service, discord, known, webhook_notifier};
use crate::client::{Answer, HttpClient, TransportError};

/// How much of a host's answer is read, which is not looked at.
const GLANCE_BYTES: usize = 1024;

/// What a visit brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The host that was called.
    pub host: String,
    /// What it said.
    pub welcome: Welcome,
    /// What time it is there.
    pub date: Option<Timestamp>,
}

/// What was said to a visitor. No text holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Welcome {
    /// The destination knows us; says what it knows.
    Known(String),
    /// The host answers, with this status; whether it takes a message only a message tells.
    Answers(u16),
    /// It does not let us in.
    Refused(String),
    /// It cannot answer now, or not as itself.
    Trouble(String),
    /// Its certificate is not one that we trust.
    Untrusted(String),
    /// No answer came; the fault may be this machine's.
    Unreachable(String),
}

/// Visits a destination, the whole of it within `timeout`.
///
/// # Errors
/// [`BuildError`] when one of its secrets is missing or cannot be used, so that it could not be called.
pub async fn visit(
    destination: &Destination,
    client: &HttpClient,
    timeout: Duration,
) -> Result<Visit, BuildError> {
    match &destination.service {
        Service::Slack(config) => match &config.access {
            SlackAccess::Bot(bot) => Ok(Bot::new(bot.clone(), client.clone(), timeout)?.visit().await),
            SlackAccess::Webhook(url) => host(known(url)?, client, timeout).await,
        },
        Service::Discord(config) => {
            let endpoint = Endpoint::parse(known(&config.webhook_url)?)?;
            Ok(discord::visit(&endpoint, client, timeout).await)
        }
        Service::Webhook(config) => {
            webhook_notifier(config, client.clone(), timeout)?;
            host(known(&config.url)?, client, timeout).await
        }
    }
}

/// Calls the host of an address, and nothing below it.
async fn host(address: &SecretString, client: &HttpClient, timeout: Duration) -> Result<Visit, BuildError> {
    let endpoint = Endpoint::parse(address)?;
    let mut url = endpoint.url.clone();
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    // An address with a host takes both.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let answered = client.get(&url, &[], timeout, GLANCE_BYTES).await;
    Ok(Visit::of(&endpoint, answered, |answer| match answer.status {
        502..=504 => {
            Welcome::Trouble(format!("nobody answers behind its gateway (status {})", answer.status))
        }
        status => Welcome::Answers(status),
    }))
}

impl Visit {
    /// Makes a visit of what came back.
    pub(super) fn of(
        endpoint: &Endpoint,
        answered: Result<Answer, TransportError>,
        read: impl FnOnce(&Answer) -> Welcome,
    ) -> Self {
        let host = endpoint.url.host_str().unwrap_or_default().to_owned();
        match answered {
            Ok(answer) => Self { host, welcome: read(&answer), date: answer.date() },
            Err(error) => {
                let says = error.to_string();
                let welcome = match error {
                    TransportError::Tls(_) => Welcome::Untrusted(says),
                    TransportError::Timeout
                    | TransportError::Connect(_)
                    | TransportError::Broken(_)
                    | TransportError::Dns
                    | TransportError::Unsendable(_) => Welcome::Unreachable(says),
                };
                Self { host, welcome, date: None }
            }
        }
    }
}

impl Welcome {
    /// Returns what a platform's refusal means to a visitor.
    pub(super) fn refused(reading: &Reading, endpoint: &Endpoint) -> Self {
        let words = reading.words.as_deref().and_then(|words| endpoint.words(words));
        let words = words.unwrap_or_else(|| "it says no more".to_owned());
        match reading.class {
            Class::Failed | Class::TooMany | Class::Unreadable => Self::Trouble(words),
            Class::Malformed
            | Class::NoAccess
            | Class::Gone
            | Class::Redirect
            | Class::Refused
            | Class::Lost
            | Class::Unwanted => Self::Refused(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{any, header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::delivery::DestinationName;
    use crate::notify::discord::DiscordConfig;
    use crate::notify::slack::{SlackBot, SlackConfig};
    use crate::notify::webhook::WebhookConfig;
    use crate::notify::{Rate, Style};
    use crate::secret::Secret;

    /// Long enough for loopback on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(20);
    const TOKEN: &str = "xoxb-of-the-tests";

    fn secret(value: impl Into<String>) -> Secret {
        Secret::Known(SecretString::from(value.into()))
    }

    fn destination(service: Service) -> Destination {
        Destination {
            name: DestinationName::new("x"),
            template_set: None,
            rate: Rate::Unlimited,
            in_flight: 1,
            timeout: PATIENCE,
            expire_after: None,
            fallback: None,
            digest: None,
            diff_lines: 0,
            style: Style::Messages,
            announce: Vec::new(),
            service,
        }
    }

    fn discord(server: &MockServer) -> Service {
        Service::Discord(DiscordConfig::of_webhook(secret(format!(
            "{}/api/webhooks/1/hunter2",
            server.uri()
        ))))
    }

    fn bot(server: &MockServer) -> Service {
        let api_url = format!("{}/api/", server.uri()).parse().unwrap();
        let access =
            SlackAccess::Bot(SlackBot { token: secret(TOKEN), channel: "C0123ABC".to_owned(), api_url });
        Service::Slack(SlackConfig { access, ..SlackConfig::of_webhook(secret("")) })
    }

    async fn visited(service: Service) -> Welcome {
        let client = HttpClient::new(None).unwrap();
        visit(&destination(service), &client, PATIENCE).await.unwrap().welcome
    }

    #[tokio::test]
    async fn a_webhook_of_discord_is_asked_for_itself() {
        for (status, body, welcome) in [
            (
                200,
                r#"{"id":"1","channel_id":"2","name":"hunter2"}"#,
                Welcome::Known("channel `2`".to_owned()),
            ),
            (
                404,
                r#"{"code":10015,"message":"Unknown Webhook"}"#,
                Welcome::Refused("10015 Unknown Webhook".to_owned()),
            ),
            (
                401,
                r#"{"code":50027,"message":"Invalid Webhook Token"}"#,
                Welcome::Refused("50027 Invalid Webhook Token".to_owned()),
            ),
            (
                429,
                r#"{"message":"You are being rate limited.","retry_after":1}"#,
                Welcome::Trouble("You are being rate limited.".to_owned()),
            ),
            (403, "<html>no</html>", Welcome::Trouble("a web page instead of an answer".to_owned())),
            (200, "{}", Welcome::Trouble("{}".to_owned())),
        ] {
            let server = MockServer::start().await;
            let answer = ResponseTemplate::new(status).set_body_string(body);
            Mock::given(method("GET"))
                .and(path("/api/webhooks/1/hunter2"))
                .respond_with(answer)
                .mount(&server)
                .await;
            assert_eq!(visited(discord(&server)).await, welcome, "{status}");
        }
    }

    #[tokio::test]
    async fn a_bot_is_asked_who_it_is_and_what_it_may() {
        let known = r#"{"ok":true,"team":"Acme","user":"seer"}"#;
        let who = "`seer` in workspace `Acme`";
        for (scopes, body, welcome) in [
            (Some("chat:write,channels:history"), known, Welcome::Known(who.to_owned())),
            (None, known, Welcome::Known(who.to_owned())),
            (
                Some("channels:read"),
                known,
                Welcome::Refused("the bot lacks scope `chat:write`; it has `channels:read`".to_owned()),
            ),
            (None, r#"{"ok":false,"error":"invalid_auth"}"#, Welcome::Refused("invalid_auth".to_owned())),
            (None, r#"{"ok":false,"error":"ratelimited"}"#, Welcome::Trouble("ratelimited".to_owned())),
        ] {
            let server = MockServer::start().await;
            let mut answer = ResponseTemplate::new(200).set_body_string(body);
            if let Some(scopes) = scopes {
                answer = answer.insert_header("x-oauth-scopes", scopes);
            }
            Mock::given(method("POST"))
                .and(path("/api/auth.test"))
                .and(header("authorization", "Bearer xoxb-of-the-tests"))
                .respond_with(answer)
                .mount(&server)
                .await;
            assert_eq!(visited(bot(&server)).await, welcome, "{body}");
        }
    }

    #[tokio::test]
    async fn of_others_the_host_alone_is_called_and_hears_no_secret() {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(404)).mount(&server).await;
        let address =
            server.uri().replace("http://", "http://user:hunter2@") + "/services/hunter2?key=hunter2";
        let webhook = WebhookConfig {
            url: secret(&address),
            secret: None,
            headers: vec![("x-key".to_owned(), secret("hunter2"))],
            thin: false,
        };
        for service in [Service::Webhook(webhook), Service::Slack(SlackConfig::of_webhook(secret(&address)))]
        {
            assert_eq!(visited(service).await, Welcome::Answers(404));
        }
        for request in server.received_requests().await.unwrap() {
            assert_eq!(
                (request.method.as_str(), request.url.path(), request.url.query()),
                ("GET", "/", None)
            );
            assert!(!format!("{:?}{:?}", request.headers, request.body).contains("hunter2"));
            assert!(request.headers.get("authorization").is_none());
        }
    }

    #[tokio::test]
    async fn nobody_at_home_is_told_without_the_address() {
        let webhook = WebhookConfig {
            url: secret("http://127.0.0.1:1/hunter2"),
            secret: None,
            headers: Vec::new(),
            thin: false,
        };
        assert_eq!(
            visited(Service::Webhook(webhook)).await,
            Welcome::Unreachable("connection refused".to_owned())
        );
    }

    #[tokio::test]
    async fn without_its_secrets_a_destination_is_not_visited() {
        let client = HttpClient::new(None).unwrap();
        let missing = Secret::Missing("environment variable `X` is not set".to_owned());
        let service = Service::Slack(SlackConfig::of_webhook(missing));
        let error = visit(&destination(service), &client, PATIENCE).await.unwrap_err();
        assert_eq!(error.to_string(), "environment variable `X` is not set");
    }
}
