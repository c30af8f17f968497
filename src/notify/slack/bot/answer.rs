//! Answers of Slack's Web API. Knows no consequence (`notify/answer.rs`).
//!
//! Every answer is JSON with `ok`, and a refusal mostly comes with status 200.
// Source: https://docs.slack.dev/reference/methods/chat.postMessage and
// https://docs.slack.dev/reference/methods/chat.update, read 2026-11-25.

use serde_json::Value;

use crate::client::Answer;
use crate::delivery::MessageRef;
use crate::notify::Position;
use crate::notify::answer::{Class, Reading};
use crate::notify::slack::answer::class_of_word;

/// Reads an answer to a message in this position: where it stands, as far as that is said. `home` is the id of the bot's
/// channel, where that is known.
///
/// # Errors
/// [`Reading`] when the message was not taken.
pub(super) fn read(
    answer: &Answer,
    position: &Position,
    home: Option<&str>,
) -> Result<Option<MessageRef>, Reading> {
    let json = parse(answer, |error| class_of(error, position, home))?;
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let channel = text("channel").or_else(|| home.map(str::to_owned));
    Ok(channel.zip(text("ts")).map(|(channel, id)| MessageRef { channel, id }))
}

/// Returns what a successful answer says; `class_of` knows Slack's words for what is not.
///
/// # Errors
/// [`Reading`] of everything else.
pub(super) fn parse(answer: &Answer, class_of: impl FnOnce(&str) -> Option<Class>) -> Result<Value, Reading> {
    if answer.is_html() {
        return Err(Reading::of_web_page(answer.status));
    }
    let text = answer.text();
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let is_success = (200..300).contains(&answer.status);
    match (json.get("ok").and_then(Value::as_bool), json.get("error").and_then(Value::as_str)) {
        (Some(true), _) if is_success => Ok(json),
        (_, Some(error)) => {
            let class = class_of(error).or_else(|| Class::of_status(answer.status));
            Err(Reading::new(class.unwrap_or(Class::Unwanted), words(error, &json)))
        }
        (_, None) => {
            Err(Reading::new(Class::of_status(answer.status).unwrap_or(Class::Unreadable), text.into_owned()))
        }
    }
}

/// Returns what a word means for a message in this position: whether it speaks of the other message that this one was to
/// answer or to take the place of. That may also stand in a channel that was this destination's before.
fn class_of(error: &str, position: &Position, home: Option<&str>) -> Option<Class> {
    let is_lost = match position {
        Position::Alone => false,
        // The bot left the channel that was this destination's before; its own it may yet be let into again.
        Position::Under { message, .. } | Position::Instead(message) if error == "not_in_channel" => {
            home.is_some_and(|home| home != message.channel)
        }
        Position::Under { .. } => matches!(
            error,
            "cannot_reply_to_message"
                | "channel_not_found"
                | "invalid_thread_ts"
                | "is_archived"
                | "message_not_found"
                | "thread_not_found"
        ),
        Position::Instead(_) => matches!(
            error,
            "block_mismatch"
                | "cant_update_message"
                | "channel_not_found"
                | "edit_window_closed"
                | "is_archived"
                | "is_inactive"
                | "message_not_found"
        ),
    };
    if is_lost { Some(Class::Lost) } else { class_of_word(error) }
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

    fn read_at(position: &Position, status: u16, body: &str) -> Option<(Class, String)> {
        let reading = read(&Answer::for_tests(status, &[], body), position, Some("C0")).err()?;
        Some((reading.class, reading.words.unwrap_or_default()))
    }

    fn reading(status: u16, body: &str) -> Option<(Class, String)> {
        read_at(&Position::Alone, status, body)
    }

    #[test]
    fn only_ok_in_json_is_delivered() {
        let taken_at =
            |home, body: &str| read(&Answer::for_tests(200, &[], body), &Position::Alone, home).unwrap();
        let taken = |body: &str| taken_at(None, body);
        let message = MessageRef { channel: "C1".to_owned(), id: "1.2".to_owned() };
        assert_eq!(taken(r#"{"ok":true,"channel":"C1","ts":"1.2"}"#), Some(message.clone()));
        assert_eq!(taken_at(Some("C1"), r#"{"ok":true,"ts":"1.2"}"#), Some(message));
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
            ("thread_not_found", Class::Unwanted),
        ] {
            let body = format!(r#"{{"ok":false,"error":"{error}"}}"#);
            assert_eq!(reading(200, &body), Some((class, error.to_owned())));
        }
        let limited = reading(429, r#"{"ok":false,"error":"of_tomorrow"}"#).unwrap();
        assert_eq!(limited.0, Class::TooMany);
    }

    #[test]
    fn what_a_word_says_of_another_message_ends_nothing_but_that() {
        let message = MessageRef { channel: "C0".to_owned(), id: "1.0".to_owned() };
        let under = Position::Under { message: message.clone(), announced: false };
        let instead = Position::Instead(message);
        for (error, alone, answering, editing) in [
            ("message_not_found", Class::Unwanted, Class::Lost, Class::Lost),
            ("thread_not_found", Class::Unwanted, Class::Lost, Class::Unwanted),
            ("cant_update_message", Class::Unwanted, Class::Unwanted, Class::Lost),
            ("edit_window_closed", Class::Unwanted, Class::Unwanted, Class::Lost),
            ("block_mismatch", Class::Unwanted, Class::Unwanted, Class::Lost),
            ("channel_not_found", Class::Gone, Class::Lost, Class::Lost),
            ("invalid_auth", Class::NoAccess, Class::NoAccess, Class::NoAccess),
        ] {
            let body = format!(r#"{{"ok":false,"error":"{error}"}}"#);
            let class = |position| read_at(position, 200, &body).unwrap().0;
            assert_eq!(
                [class(&Position::Alone), class(&under), class(&instead)],
                [alone, answering, editing],
                "{error}"
            );
        }
    }

    #[test]
    fn a_message_in_a_channel_that_the_bot_left_is_lost_only_where_that_is_no_longer_its_own() {
        let body = r#"{"ok":false,"error":"not_in_channel"}"#;
        for (channel, class) in [("C0", Class::NoAccess), ("C9", Class::Lost)] {
            let message = MessageRef { channel: channel.to_owned(), id: "1.0".to_owned() };
            let under = Position::Under { message: message.clone(), announced: true };
            for position in [under, Position::Instead(message)] {
                assert_eq!(read_at(&position, 200, body).unwrap().0, class, "{position:?}");
            }
        }
        assert_eq!(reading(200, body).unwrap().0, Class::NoAccess);
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
}
