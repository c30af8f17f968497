//! Slack's Web API, as a bot speaks to it: its settings, what a body needs beside the message, and what an answer says.
//!
//! Every answer is JSON with `ok`, and a refusal mostly comes with status 200.
// Source: https://docs.slack.dev/reference/methods/chat.postMessage, read 2026-11-25.

use serde_json::Value;
use url::Url;

use super::answer::class_of_word;
use crate::client::Answer;
use crate::delivery::MessageRef;
use crate::notify::answer::{Class, Reading};
use crate::secret::Secret;

/// Where Slack's Web API is.
pub const API_URL: &str = "https://slack.com/api/";

/// A bot that posts into a channel.
#[derive(Debug, Clone)]
pub struct SlackBot {
    /// Its token, `xoxb-…`, with scope `chat:write`.
    pub token: Secret,
    /// The channel: its id, or `#name`.
    pub channel: String,
    /// Where the Web API is; ends with a slash. Default [`API_URL`].
    pub api_url: Url,
}

impl SlackBot {
    /// Returns the address of a method.
    pub(super) fn method(&self, name: &str) -> Url {
        let mut url = self.api_url.clone();
        url.set_path(&format!("{}{name}", url.path()));
        url
    }
}

/// Reads an answer of the Web API: where the message stands, as far as that is said.
///
/// # Errors
/// [`Reading`] when the message was not taken.
pub(super) fn read(answer: &Answer) -> Result<Option<MessageRef>, Reading> {
    if answer.is_html() {
        return Err(Reading::of_web_page(answer.status));
    }
    let text = answer.text();
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let is_success = (200..300).contains(&answer.status);
    match (json.get("ok").and_then(Value::as_bool), json.get("error").and_then(Value::as_str)) {
        (Some(true), _) if is_success => {
            let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
            Ok(text("channel").zip(text("ts")).map(|(channel, id)| MessageRef { channel, id }))
        }
        (_, Some(error)) => {
            let class = match error {
                // What only an answer to another message can be told.
                "cannot_reply_to_message"
                | "invalid_thread_ts"
                | "message_not_found"
                | "thread_not_found" => Class::Lost,
                error => class_of_word(error)
                    .or_else(|| Class::of_status(answer.status))
                    .unwrap_or(Class::Unwanted),
            };
            Err(Reading::new(class, words(error, &json)))
        }
        (_, None) => {
            Err(Reading::new(Class::of_status(answer.status).unwrap_or(Class::Unreadable), text.into_owned()))
        }
    }
}

/// Returns the word, and what Slack says besides: where the body is wrong, or which scope it wants.
fn words(error: &str, json: &Value) -> String {
    let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str);
    let more = text("/response_metadata/messages/0").or_else(|| text("/errors/0"));
    match (more, text("/needed")) {
        (Some(more), _) => format!("{error}: {more}"),
        (None, Some(scope)) => format!("{error}: {scope}"),
        (None, None) => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(status: u16, body: &str) -> Option<(Class, String)> {
        let reading = read(&Answer::for_tests(status, &[], body)).err()?;
        Some((reading.class, reading.words.unwrap_or_default()))
    }

    #[test]
    fn only_ok_in_json_is_delivered() {
        let taken = |body: &str| read(&Answer::for_tests(200, &[], body)).unwrap();
        let message = MessageRef { channel: "C1".to_owned(), id: "1.2".to_owned() };
        assert_eq!(taken(r#"{"ok":true,"channel":"C1","ts":"1.2"}"#), Some(message));
        assert_eq!(taken(r#"{"ok":true,"ts":"1.2"}"#), None);
        for body in ["ok", "", "{}", r#"{"ok":"true"}"#, "[]", "null"] {
            assert_eq!(reading(200, body).unwrap().0, Class::Unreadable, "{body}");
        }
        assert_eq!(reading(500, r#"{"ok":true}"#).unwrap().0, Class::Failed);
        assert_eq!(reading(403, "<!DOCTYPE html>").unwrap().0, Class::Unreadable);
    }

    #[test]
    fn a_refusal_is_read_by_its_word_whatever_the_status() {
        for (error, class) in [
            ("invalid_auth", Class::NoAccess),
            ("not_in_channel", Class::NoAccess),
            ("channel_not_found", Class::Gone),
            ("ratelimited", Class::TooMany),
            ("fatal_error", Class::Failed),
            ("msg_too_long", Class::Malformed),
            ("of_tomorrow", Class::Unwanted),
            ("thread_not_found", Class::Lost),
        ] {
            let body = format!(r#"{{"ok":false,"error":"{error}"}}"#);
            assert_eq!(reading(200, &body), Some((class, error.to_owned())));
        }
        let limited = reading(429, r#"{"ok":false,"error":"of_tomorrow"}"#).unwrap();
        assert_eq!(limited.0, Class::TooMany);
    }

    #[test]
    fn slacks_words_say_where_the_body_is_wrong_and_which_scope_is_missing() {
        let blocks = r#"{"ok":false,"error":"invalid_blocks","errors":["no more than 50 items [json-pointer:/blocks]"],
            "response_metadata":{"messages":["[ERROR] no more than 50 items [json-pointer:/blocks]"]}}"#;
        assert_eq!(
            reading(200, blocks).unwrap().1,
            "invalid_blocks: [ERROR] no more than 50 items [json-pointer:/blocks]"
        );
        let scope =
            r#"{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"channels:read"}"#;
        assert_eq!(reading(200, scope), Some((Class::NoAccess, "missing_scope: chat:write".to_owned())));
    }

    #[test]
    fn a_method_lies_below_the_address() {
        for (base, url) in [
            (API_URL, "https://slack.com/api/chat.postMessage"),
            ("http://127.0.0.1:1/", "http://127.0.0.1:1/chat.postMessage"),
        ] {
            let bot = SlackBot {
                token: Secret::Known("x".into()),
                channel: String::new(),
                api_url: base.parse().unwrap(),
            };
            assert_eq!(bot.method("chat.postMessage").as_str(), url);
        }
    }
}
