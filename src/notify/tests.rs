//! Notifiers as the dispatcher sees them: over HTTP, for every kind.

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::notify::discord::DiscordConfig;
use crate::notify::slack::{SlackAccess, SlackBot, SlackConfig};

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn known_secret(value: &str) -> Secret {
    Secret::Known(SecretString::from(value))
}

fn missing() -> Secret {
    Secret::Missing("environment variable `X` is not set".to_owned())
}

fn destination(name: &str, service: Service) -> Destination {
    Destination {
        name: DestinationName::new(name),
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
        service,
    }
}

fn slack(webhook_url: Secret) -> Service {
    Service::Slack(SlackConfig::of_webhook(webhook_url))
}

fn bot(token: Secret) -> Service {
    let api_url = "https://slack.example/api/".parse().unwrap();
    let access = SlackAccess::Bot(SlackBot { token, channel: "C1".to_owned(), api_url });
    Service::Slack(SlackConfig { access, ..SlackConfig::of_webhook(missing()) })
}

fn discord(webhook_url: Secret) -> Service {
    Service::Discord(DiscordConfig {
        thread_id: Some("42".to_owned()),
        ..DiscordConfig::of_webhook(webhook_url)
    })
}

fn webhook(url: Secret, secret: Option<Secret>, header: Secret) -> Service {
    Service::Webhook(WebhookConfig { url, secret, headers: vec![("x-key".to_owned(), header)], thin: false })
}

fn service(kind: DestinationKind, address: &str) -> Service {
    match kind {
        DestinationKind::Slack => slack(known_secret(address)),
        DestinationKind::Discord => discord(known_secret(address)),
        DestinationKind::Webhook => webhook(known_secret(address), None, known_secret("header-value")),
    }
}

async fn sent_to(kind: DestinationKind, answer: ResponseTemplate) -> (Result<Sent, SendError>, MockServer) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let address = format!("{}/services/T0000/s3cret-token", server.uri());
    let destination = destination("x", service(kind, &address));
    let notifier = notifier(&destination, &HttpClient::new(None).unwrap()).unwrap();
    let call = Call::new(DeliveryId::new("dlv_1"), now());
    (notifier.send(Bytes::from_static(b"{}"), &call).await, server)
}

#[tokio::test]
async fn what_each_kind_calls_delivered_is_delivered() {
    for kind in DestinationKind::ALL.iter().copied() {
        let answer = match kind {
            DestinationKind::Slack => ResponseTemplate::new(200).set_body_string("ok"),
            DestinationKind::Discord => ResponseTemplate::new(200)
                .insert_header("x-ratelimit-remaining", "0")
                .insert_header("x-ratelimit-reset-after", "0.5")
                .set_body_string("{\"id\":\"1\"}"),
            DestinationKind::Webhook => ResponseTemplate::new(202),
        };
        let (sent, server) = sent_to(kind, answer).await;
        let pause = (kind == DestinationKind::Discord).then_some(Duration::from_millis(500));
        assert_eq!(sent.unwrap().pause, pause, "{kind}");
        let requests = server.received_requests().await.unwrap();
        let agent = requests[0].headers["user-agent"].to_str().unwrap();
        match kind {
            DestinationKind::Slack | DestinationKind::Webhook => assert!(agent.starts_with("seer-relay/")),
            DestinationKind::Discord => {
                assert!(agent.starts_with("DiscordBot (https://"));
                assert_eq!(requests[0].url.query(), Some("wait=true&with_components=true&thread_id=42"));
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_is_classed_and_its_words_hold_no_secret() {
    for kind in DestinationKind::ALL.iter().copied() {
        let answer = ResponseTemplate::new(429)
            .insert_header("retry-after", "30")
            .set_body_string("slow down, /services/T0000/s3cret-token");
        let error = sent_to(kind, answer).await.0.unwrap_err();
        assert_eq!(error.reason, Reason::RateLimited, "{kind}");
        assert_eq!(error.verdict, Verdict::RetryUncounted);
        assert_eq!(error.status, Some(429));
        assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
        assert_eq!(error.to_string(), "rate_limited: slow down, [redacted]");
    }
}

#[tokio::test]
async fn a_bot_says_its_channel_in_the_body_and_its_token_in_the_header_alone() {
    const TOKEN: &str = "xoxb-s3cret-token";
    let server = MockServer::start().await;
    let refusal = r#"{"ok":false,"error":"of_tomorrow xoxb-s3cret-token"}"#;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(refusal)).mount(&server).await;
    let bot = SlackBot {
        token: known_secret(TOKEN),
        channel: "C1".to_owned(),
        api_url: format!("{}/api/", server.uri()).parse().unwrap(),
    };
    let config = SlackConfig { access: SlackAccess::Bot(bot), ..SlackConfig::of_webhook(missing()) };
    let destination = destination("x", Service::Slack(config));
    let notifier = notifier(&destination, &HttpClient::new(None).unwrap()).unwrap();
    let rendered = Rendered::Body(serde_json::json!({ "text": "hello" }));
    for rung in Rung::ALL {
        let body: serde_json::Value =
            serde_json::from_slice(&notifier.body(&rendered, *rung, &Envelope::default())).unwrap();
        assert_eq!((&body["channel"], &body["text"]), (&"C1".into(), &"hello".into()));
    }
    let call = Call::new(DeliveryId::new("dlv_1"), now());
    let error =
        notifier.send(notifier.body(&rendered, Rung::Whole, &Envelope::default()), &call).await.unwrap_err();

    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.path(), "/api/chat.postMessage");
    assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}").as_str());
    assert!(!String::from_utf8(request.body).unwrap().contains(TOKEN));
    assert_eq!((error.reason, error.verdict), (Reason::ClientError, Verdict::GiveUp));
    assert_eq!(error.words.as_deref(), Some("of_tomorrow [redacted]"));
    assert!(!format!("{destination:?} {error:?}").contains(TOKEN));
}

#[tokio::test]
async fn no_answer_at_all_is_tried_again() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for kind in DestinationKind::ALL.iter().copied() {
        let destination = destination("x", service(kind, &format!("http://{address}/s3cret-token")));
        let notifier = notifier(&destination, &HttpClient::new(None).unwrap()).unwrap();
        let call = Call::new(DeliveryId::new("dlv_1"), now());
        let error = notifier.send(Bytes::new(), &call).await.unwrap_err();
        assert_eq!((error.reason, error.verdict, error.status), (Reason::Connect, Verdict::Retry, None));
        assert_eq!(error.to_string(), "connect: connection refused");
    }
}

#[test]
fn a_destination_whose_secret_cannot_be_used_has_no_notifier() {
    let url = || known_secret("https://a.example/s3cret");
    let destinations = [
        destination("slack", slack(missing())),
        destination("discord", discord(missing())),
        destination("url", webhook(missing(), None, known_secret("v"))),
        destination("key", webhook(url(), Some(missing()), known_secret("v"))),
        destination("odd-key", webhook(url(), Some(known_secret("hunter2")), known_secret("v"))),
        destination("header", webhook(url(), None, missing())),
        destination("odd-url", slack(known_secret("hunter2"))),
        destination("bot", bot(missing())),
        destination("fine", slack(url())),
    ];
    let client = HttpClient::new(None).unwrap();
    let notifiers = build(&destinations, &client, &Arc::default());
    for destination in &destinations {
        let name = destination.name.as_str();
        assert_eq!(notifiers.get(&destination.name).is_some(), name == "fine", "{name}");
        if let Err(error) = notifier(destination, &client) {
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
    assert!(!format!("{notifiers:?} {destinations:?}").contains("s3cret"));
}

#[test]
fn the_ladder_goes_down_to_one_line_for_chats() {
    let client = HttpClient::new(None).unwrap();
    for kind in [DestinationKind::Slack, DestinationKind::Discord] {
        let destination = destination("x", service(kind, "https://a.example/"));
        let notifier = notifier(&destination, &client).unwrap();
        let rungs: Vec<Rung> =
            std::iter::successors(Some(Rung::Whole), |rung| notifier.next_rung(*rung, Some(400))).collect();
        assert_eq!(rungs, [Rung::Whole, Rung::Brief, Rung::Line]);
    }
}

#[tokio::test]
async fn a_global_limit_of_discord_closes_its_other_webhooks_too_and_nobody_else() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(429)
        .insert_header("retry-after", "65")
        .insert_header("x-ratelimit-global", "true")
        .set_body_string(r#"{"message":"You are being rate limited.","retry_after":64.57,"global":true}"#);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let destinations: Vec<Destination> = [
        ("one", DestinationKind::Discord),
        ("other", DestinationKind::Discord),
        ("audit", DestinationKind::Webhook),
    ]
    .map(|(name, kind)| destination(name, service(kind, &format!("{}/{name}", server.uri()))))
    .into();
    let notifiers = build(&destinations, &HttpClient::new(None).unwrap(), &Arc::default());
    let call = Call::new(DeliveryId::new("dlv_1"), now());

    let mut waits = Vec::new();
    for destination in &destinations {
        let sent = notifiers.get(&destination.name).unwrap().send(Bytes::new(), &call).await;
        let error = sent.unwrap_err();
        assert_eq!((error.reason, error.verdict), (Reason::RateLimited, Verdict::RetryUncounted));
        waits.push(error.retry_after.unwrap());
    }

    let paths: Vec<String> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|request| request.url.path().to_owned())
        .collect();
    assert_eq!(paths, ["/one", "/audit"]);
    assert!(waits.iter().all(|wait| *wait > Duration::from_secs(64) && *wait <= Duration::from_secs(65)));
}
