//! The stand-ins, called as a relay calls them.

use bytes::Bytes;
use secrecy::ExposeSecret;
use serde_json::json;
use standardwebhooks::Webhook;

use super::*;
use crate::client::HttpClient;

const TIMEOUT: Duration = Duration::from_secs(5);
const TOKEN: &str = "known-to-the-stand-ins";

struct Caller {
    receivers: Receivers,
    arrivals: mpsc::UnboundedReceiver<Received>,
    client: HttpClient,
    secret: SecretString,
}

impl Caller {
    fn start() -> Self {
        let secret = SecretString::from(format!("whsec_{}", "c2VjcmV0".repeat(4)));
        let keys = Keys { slack_token: TOKEN.into(), audit_secret: secret.clone() };
        let (receivers, arrivals) = Receivers::start(Clock::system(), keys).unwrap();
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

    let (status, body, received) = caller.post(Receiver::Slack, "", &[], &json!({ "text": "hello" })).await;
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
    let headers = [("webhook-id", "dlv_1"), ("webhook-timestamp", &now), ("webhook-signature", &signature)];

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
    for (expected, answer) in
        [(503, Answer::Unavailable), (429, Answer::RateLimited(Duration::from_secs(1))), (200, Answer::Taken)]
    {
        let (status, _, received) = caller.post(Receiver::Slack, "", &[], &message).await;
        assert_eq!((status, received.answer), (expected, answer));
    }
}

impl Caller {
    /// Calls a method of Slack's Web API; returns the answer and what came out of the channel.
    async fn slack(&mut self, method: &str, body: &Value) -> (u16, Value, Received) {
        let url = (self.receivers.slack_api_url() + method).parse().unwrap();
        let headers = [("authorization", format!("Bearer {TOKEN}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let body = Bytes::from(body.to_string());
        let answer = self.client.post(&url, &headers, body, TIMEOUT, true).await.unwrap();
        let arrived = self.arrivals.recv().await.unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default(), arrived)
    }
}

#[tokio::test]
async fn slacks_api_keeps_a_message_and_its_edits() {
    let mut caller = Caller::start();
    let (_, answer, received) =
        caller.slack("chat.postMessage", &json!({ "channel": "#seer-fixes", "text": "a" })).await;
    assert_eq!((&answer["ok"], received.deed), (&json!(true), Some(Deed::Posted)));
    let edit = json!({ "channel": answer["channel"], "ts": answer["ts"], "text": "b" });
    let (_, _, received) = caller.slack("chat.update", &edit).await;
    assert!(matches!(received.deed, Some(Deed::Edited { before }) if before["text"] == "a"));

    let id = answer["ts"].as_str().unwrap();
    let messages = caller.receivers.messages(Receiver::Slack);
    assert_eq!((messages.len(), messages[0].edits, &messages[0].body["text"]), (1, 1, &json!("b")));
    caller.receivers.close(Receiver::Slack, id);
    assert_eq!(caller.slack("chat.update", &edit).await.1["error"], "edit_window_closed");
    caller.receivers.delete(Receiver::Slack, id);
    let (status, answer, received) = caller.slack("chat.update", &edit).await;
    assert_eq!((status, &answer["error"]), (200, &json!("message_not_found")));
    assert_eq!(received.answer, Answer::Refused(200, "message_not_found".to_owned()));
}

#[tokio::test]
async fn slacks_history_is_asked_for_by_a_query_and_is_no_message() {
    let mut caller = Caller::start();
    caller.slack("chat.postMessage", &json!({ "channel": "seer-fixes", "text": "a" })).await;
    caller.receivers.trouble(Receiver::Slack, Trouble::Unavailable);
    for (query, token, expected) in [
        ("channel=C0SEERFIXES", TOKEN, json!("a")),
        ("channel=C0SEERFIXES", "other", json!(null)),
        ("channel=seer-fixes", TOKEN, json!(null)),
    ] {
        let url = format!("{}conversations.history?{query}", caller.receivers.slack_api_url());
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        let answer = caller.client.get(&url.parse().unwrap(), &headers, TIMEOUT, 1 << 20).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer["messages"][0]["text"], expected, "{answer}");
    }
    assert!(caller.arrivals.try_recv().is_err());
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_stands_there() {
    let mut caller = Caller::start();
    caller.receivers.trouble(Receiver::Slack, Trouble::AnswerLost);
    let body = json!({ "channel": "seer-fixes", "text": "a" });
    let (status, _, received) = caller.slack("chat.postMessage", &body).await;
    assert_eq!((status, received.answer), (502, Answer::Lost));
    assert_eq!(caller.receivers.messages(Receiver::Slack).len(), 1);
    caller.receivers.trouble(Receiver::Slack, Trouble::RateLimited(Duration::from_millis(1_500)));
    let (status, answer, _) = caller.slack("chat.postMessage", &body).await;
    assert_eq!((status, &answer["error"]), (429, &json!("ratelimited")));
    assert_eq!(caller.receivers.messages(Receiver::Slack).len(), 1);
}

#[tokio::test]
async fn calls_beyond_a_limit_are_refused() {
    let mut caller = Caller::start();
    caller.receivers.limit(Receiver::Discord, 1);
    let body = json!({ "content": "a" });
    let (status, ..) = caller.post(Receiver::Discord, "", &[], &body).await;
    let (limited, words, _) = caller.post(Receiver::Discord, "", &[], &body).await;
    assert_eq!((status, limited), (204, 429));
    assert!(words.contains("\"retry_after\":1.0"), "{words}");
}

#[tokio::test]
async fn what_might_ping_somebody_at_discord_is_a_fault() {
    let mut caller = Caller::start();
    for (content, allowed) in [
        ("a", json!(null)),
        ("a", json!({ "parse": ["users"] })),
        ("a\n@here", json!({ "parse": ["everyone"] })),
        ("<@12>\na", json!({ "parse": [], "users": ["12"], "roles": ["12"] })),
        ("a", json!({ "parse": [] })),
        ("@here <@12> <@&34>\na", json!({ "parse": ["everyone"], "users": ["12"], "roles": ["34"] })),
    ] {
        let body = json!({ "content": content, "allowed_mentions": allowed });
        caller.post(Receiver::Discord, "", &[], &body).await;
    }
    let faults = caller.receivers.faults(Receiver::Discord);
    assert_eq!(
        faults,
        [
            "`allowed_mentions` is null",
            "`allowed_mentions` is {\"parse\":[\"users\"]}",
            "`allowed_mentions` is {\"parse\":[\"everyone\"]}",
            "`allowed_mentions` is {\"parse\":[],\"roles\":[\"12\"],\"users\":[\"12\"]}",
        ]
    );
}

#[tokio::test]
async fn a_forum_takes_only_what_has_a_thread() {
    let mut caller = Caller::start();
    caller.receivers.set_forum(true);
    let (status, body, _) = caller.post(Receiver::Discord, "", &[], &json!({ "content": "a" })).await;
    assert!(status == 400 && body.contains("220001"), "{body}");
}
