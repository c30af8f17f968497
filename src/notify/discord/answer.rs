//! Discord's answers: the message that was saved, or JSON with `code` and `message`. Knows no consequence
//! (`notify/answer.rs`).

use std::time::Duration;

use serde_json::Value;

use crate::client::pause_of_seconds;
use crate::client::{Answer, End};
use crate::delivery::MessageRef;
use crate::notify::Position;
use crate::notify::answer::{Class, Reading};

/// The longest pause that is believed of a window. Discord's windows are seconds long; were a slip of a
/// gateway believed, everything would wait unseen, and if more is meant, the next answer is a 429 that says so.
const LONGEST_WINDOW: Duration = Duration::from_mins(1);

/// Reads an answer to a message in this position: where it stands, as far as that is said.
///
/// # Errors
/// [`Reading`] when the message was not taken.
pub(super) fn read(answer: &Answer, position: &Position) -> Result<Option<MessageRef>, Reading> {
    let text = answer.text();
    let json = serde_json::from_str::<Value>(&text).unwrap_or_default();
    let is_success = (200..300).contains(&answer.status);
    if is_success && (is_message(&json) || is_begun_message(answer, &text)) {
        return Ok(message(&json));
    }
    if answer.is_html() {
        return Err(Reading::of_web_page(answer.status));
    }
    let code = json.get("code").and_then(Value::as_u64);
    let class = code
        .and_then(|code| class_of_code(code, position))
        .or_else(|| Class::of_status(answer.status))
        .unwrap_or(Class::Unreadable);
    let asked = json.get("retry_after").and_then(Value::as_f64).and_then(pause_of_seconds);
    let pause = asked.filter(|_| class == Class::TooMany).max(pause(answer));
    let words = words(&json, code).unwrap_or_else(|| text.into_owned());
    Err(Reading { class, words: Some(words), pause })
}

/// Returns how long Discord asks to be left alone after an answer, because nothing remains of its window.
// Source: https://docs.discord.com/developers/topics/rate-limits#header-format, read 2026-11-23.
pub(super) fn pause(answer: &Answer) -> Option<Duration> {
    let remaining = answer.header("x-ratelimit-remaining")?.trim();
    let after = answer.header("x-ratelimit-reset-after")?.trim();
    if remaining != "0" {
        return None;
    }
    after.parse::<f64>().ok().and_then(pause_of_seconds).map(|pause| pause.min(LONGEST_WINDOW))
}

fn is_message(json: &Value) -> bool {
    text_of(json, "id").is_some()
}

fn message(json: &Value) -> Option<MessageRef> {
    let id = text_of(json, "id")?;
    // The thread that a message began has its id.
    let channel = text_of(json, "channel_id").unwrap_or_else(|| id.clone());
    Some(MessageRef { channel, id })
}

fn text_of(json: &Value, name: &str) -> Option<String> {
    json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns whether the answer is a message of which only the beginning was read: it repeats all of its text.
fn is_begun_message(answer: &Answer, text: &str) -> bool {
    answer.end == End::Capped && text.trim_start().starts_with('{') && text.contains("\"id\"")
}

/// Returns code, message, and the first of the faults that Discord found in the body.
fn words(json: &Value, code: Option<u64>) -> Option<String> {
    let message = json.get("message").and_then(Value::as_str)?;
    let code = code.filter(|code| *code != 0).map(|code| format!("{code} ")).unwrap_or_default();
    let fault =
        json.get("errors").and_then(|errors| first_fault(errors, 0)).map(|fault| format!(" ({fault})"));
    Some(format!("{code}{message}{}", fault.unwrap_or_default()))
}

/// Finds the first `_errors` in Discord's tree of faults.
fn first_fault(errors: &Value, depth: usize) -> Option<String> {
    let errors = errors.as_object().filter(|_| depth < 16)?;
    if let Some(message) = errors.get("_errors").and_then(|list| list.pointer("/0/message")) {
        return message.as_str().map(str::to_owned);
    }
    errors.iter().find_map(|(name, inner)| {
        let fault = first_fault(inner, depth + 1)?;
        let separator = if fault.starts_with(|first: char| first.is_uppercase()) { ": " } else { "." };
        Some(format!("{name}{separator}{fault}"))
    })
}

/// Returns what one of Discord's codes means for a message in this position; `None` for one that says no more than the
/// status.
// Source: https://docs.discord.com/developers/topics/opcodes-and-status-codes#json, read 2026-11-23.
fn class_of_code(code: u64, position: &Position) -> Option<Class> {
    let class = match (code, position) {
        // The message, or its thread, is not there, archived or locked, or it is too old to be edited once more.
        (10003 | 10008 | 30046 | 50083 | 160_005, Position::Under { .. } | Position::Instead(_)) => {
            Class::Lost
        }
        (code, _) => class_of_any(code)?,
    };
    Some(class)
}

fn class_of_any(code: u64) -> Option<Class> {
    let class = match code {
        // Unknown channel, unknown webhook, invalid webhook token, archived thread.
        10003 | 10015 | 50027 | 50083 => Class::Gone,
        // Missing access, missing permissions.
        50001 | 50013 => Class::NoAccess,
        // Empty message, invalid form body.
        50006 | 50035 => Class::Malformed,
        // Rate limits of a channel, of a server, of a resource, and of edits.
        20028 | 20029 | 30046 | 40062 => Class::TooMany,
        // Unknown message; refused by the gateway for the `User-Agent`; a forum's tag, thread and name rules; locked
        // thread; AutoMod; harmful link.
        10008 | 40333 | 40067 | 220_001 | 220_002 | 220_003 | 160_005 | 200_000 | 240_000 => Class::Unwanted,
        // Overloaded.
        130_000 => Class::Failed,
        _ => return None,
    };
    Some(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> Option<Class> {
        read(&Answer::for_tests(status, &[], body), &Position::Alone).err().map(|reading| reading.class)
    }

    #[test]
    fn the_code_decides_before_the_status() {
        let table: [(Class, &[u64]); 6] = [
            (Class::Gone, &[10003, 10015, 50027, 50083]),
            (Class::NoAccess, &[50001, 50013]),
            (Class::Malformed, &[50006, 50035]),
            (Class::TooMany, &[20028, 20029, 30046, 40062]),
            (Class::Unwanted, &[10008, 40333, 40067, 220_001, 220_002, 220_003, 160_005, 200_000, 240_000]),
            (Class::Failed, &[130_000]),
        ];
        for (expected, codes) in table {
            for code in codes {
                for status in [200, 400, 401, 403, 404, 429, 500] {
                    let body = format!("{{\"code\":{code},\"message\":\"m\"}}");
                    assert_eq!(class(status, &body), Some(expected), "{status} {code}");
                }
            }
        }
    }

    #[test]
    fn a_message_that_can_no_longer_be_edited_or_answered_is_lost_and_says_nothing_of_the_webhook() {
        let message = MessageRef { channel: "7".to_owned(), id: "9".to_owned() };
        let under = Position::Under { message: message.clone(), announced: false };
        for position in [under, Position::Instead(message)] {
            for code in [10003, 10008, 30046, 50083, 160_005] {
                let body = format!("{{\"code\":{code},\"message\":\"m\"}}");
                let reading = read(&Answer::for_tests(404, &[], &body), &position).unwrap_err();
                assert_eq!(reading.class, Class::Lost, "{code}");
            }
            let gone = read(&Answer::for_tests(404, &[], r#"{"code":10015}"#), &position).unwrap_err();
            assert_eq!(gone.class, Class::Gone);
        }
    }

    #[test]
    fn an_answer_says_where_the_message_stands() {
        let answer = Answer::for_tests(200, &[], r#"{"id":"9","channel_id":"7"}"#);
        let message = MessageRef { channel: "7".to_owned(), id: "9".to_owned() };
        assert_eq!(read(&answer, &Position::Alone), Ok(Some(message)));
        let answer = Answer::for_tests(200, &[], r#"{"id":"9"}"#);
        let message = MessageRef { channel: "9".to_owned(), id: "9".to_owned() };
        assert_eq!(
            read(&answer, &Position::Alone),
            Ok(Some(message)),
            "no card twice, though little is said"
        );
    }

    #[test]
    fn only_a_saved_message_is_delivered() {
        for status in 200..300 {
            assert_eq!(class(status, r#"{"id":"1","channel_id":"2"}"#), None);
            for body in ["", "ok", "{}", "null", r#"{"id":1}"#, r#"{"id":""}"#, "<html>"] {
                assert_eq!(class(status, body), Some(Class::Unreadable), "{status} {body}");
            }
        }
        assert_eq!(class(500, r#"{"id":"1"}"#), Some(Class::Failed));
    }

    #[test]
    fn a_message_too_long_to_be_read_to_its_end_is_delivered() {
        let mut answer = Answer::for_tests(200, &[], r#"{"type":0,"id":"1","content":"…"#);
        assert!(read(&answer, &Position::Alone).is_err());
        answer.end = End::Capped;
        assert_eq!(read(&answer, &Position::Alone), Ok(None));
    }

    #[test]
    fn without_a_known_code_every_status_counts_and_a_web_page_is_no_answer() {
        for status in (100..600).filter(|status| !(200..300).contains(status)) {
            for body in ["", "who knows", r#"{"code":0,"message":"404: Not Found"}"#, r#"{"code":99999}"#] {
                assert_eq!(class(status, body), Class::of_status(status), "{status} {body}");
            }
            let html =
                if matches!(status, 401 | 403) { Some(Class::Unreadable) } else { Class::of_status(status) };
            assert_eq!(class(status, "<html>"), html, "{status}");
        }
    }

    #[test]
    fn words_name_the_fault_in_the_body() {
        let body = r#"{"code":50035,"message":"Invalid Form Body","errors":{"embeds":{"0":{"title":
            {"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 256 or fewer in length."}]}}}}}"#;
        let reading = read(&Answer::for_tests(400, &[], body), &Position::Alone).unwrap_err();
        assert_eq!(
            reading.words.unwrap(),
            "50035 Invalid Form Body (embeds.0.title: Must be 256 or fewer in length.)"
        );
    }

    #[test]
    fn pauses_are_read_from_headers_and_body() {
        let headers = |remaining| [("X-RateLimit-Remaining", remaining), ("X-RateLimit-Reset-After", "1.5")];
        assert_eq!(pause(&Answer::for_tests(200, &headers("0"), "")), Some(Duration::from_millis(1_500)));
        assert_eq!(pause(&Answer::for_tests(200, &headers("1"), "")), None);
        let slip = [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset-After", "1e99")];
        assert_eq!(pause(&Answer::for_tests(200, &slip, "")), Some(LONGEST_WINDOW));
        assert_eq!(pause(&Answer::for_tests(200, &[], "")), None);
        let body = r#"{"message":"You are being rate limited.","retry_after":0.65,"global":false}"#;
        let reading = read(&Answer::for_tests(429, &[], body), &Position::Alone).unwrap_err();
        assert_eq!(reading.pause, Some(Duration::from_millis(650)));
        for status in [400, 429] {
            let reading =
                read(&Answer::for_tests(status, &headers("0"), body), &Position::Alone).unwrap_err();
            assert_eq!(reading.pause, Some(Duration::from_millis(1_500)));
        }
    }
}
