//! Slack's answers: one word of plain text, or JSON with `ok` and `error`. Knows no consequence (`notify/answer.rs`).

use serde_json::Value;

use crate::client::Answer;
use crate::notify::answer::{Class, Reading};

/// Reads an answer.
///
/// # Errors
/// [`Reading`] when the message was not taken.
pub(super) fn read(answer: &Answer, compatible: bool) -> Result<(), Reading> {
    let text = answer.text();
    let is_success = (200..300).contains(&answer.status);
    let json = serde_json::from_str::<Value>(&text).ok();
    let says_ok = json.as_ref().and_then(|json| json.get("ok")).and_then(Value::as_bool) == Some(true);
    if is_success && (compatible || text.trim() == "ok" || says_ok) {
        return Ok(());
    }
    if answer.is_html() {
        return Err(Reading::of_web_page(answer.status));
    }
    let word = match json.as_ref().and_then(|json| json.get("error")).and_then(Value::as_str) {
        Some(error) => error,
        None => leading_word(&text),
    };
    let class = class_of_word(word).or_else(|| Class::of_status(answer.status)).unwrap_or(Class::Unreadable);
    Err(Reading::new(class, text))
}

fn leading_word(text: &str) -> &str {
    text.trim()
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .next()
        .unwrap_or_default()
}

/// Returns what one of Slack's words means; `None` for a word that is not Slack's.
// Source: https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks and
// https://docs.slack.dev/reference/methods/chat.postMessage, read 2026-11-23.
pub(super) fn class_of_word(word: &str) -> Option<Class> {
    let class = match word {
        "invalid_payload"
        | "no_text"
        | "invalid_blocks"
        | "invalid_blocks_format"
        | "too_many_attachments"
        | "user_not_found"
        | "msg_blocks_too_long"
        | "msg_too_long" => Class::Malformed,
        "invalid_token"
        | "action_prohibited"
        | "posting_to_general_channel_denied"
        | "invalid_auth"
        | "not_authed"
        | "token_revoked"
        | "token_expired"
        | "account_inactive"
        | "missing_scope"
        | "org_login_required"
        | "not_in_channel"
        | "no_permission" => Class::NoAccess,
        word if word.starts_with("restricted_action") => Class::NoAccess,
        "channel_not_found"
        | "no_service"
        | "no_service_id"
        | "no_team"
        | "no_active_hooks"
        | "team_disabled"
        | "channel_is_archived"
        | "is_archived" => Class::Gone,
        "rollup_error"
        | "service_unavailable"
        | "fatal_error"
        | "internal_error"
        | "request_timeout"
        | "team_added_to_org"
        | "update_failed"
        | "external_channel_migrating" => Class::Failed,
        "ratelimited" | "rate_limited" => Class::TooMany,
        // What only an edit can be told.
        "message_not_found"
        | "cant_update_message"
        | "edit_window_closed"
        | "is_inactive"
        | "block_mismatch" => Class::Unwanted,
        _ => return None,
    };
    Some(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> Option<Class> {
        read(&Answer::for_tests(status, &[], body), false).err().map(|reading| reading.class)
    }

    #[test]
    fn the_word_decides_before_the_status() {
        let table = [
            (
                Class::Malformed,
                "invalid_payload no_text invalid_blocks invalid_blocks_format too_many_attachments user_not_found msg_blocks_too_long msg_too_long",
            ),
            (
                Class::NoAccess,
                "invalid_token action_prohibited posting_to_general_channel_denied invalid_auth not_authed token_revoked token_expired account_inactive missing_scope org_login_required not_in_channel no_permission restricted_action restricted_action_read_only_channel",
            ),
            (
                Class::Gone,
                "channel_not_found no_service no_service_id no_team no_active_hooks team_disabled channel_is_archived is_archived",
            ),
            (
                Class::Failed,
                "rollup_error service_unavailable fatal_error internal_error request_timeout team_added_to_org update_failed external_channel_migrating",
            ),
            (Class::TooMany, "ratelimited rate_limited"),
            (
                Class::Unwanted,
                "message_not_found cant_update_message edit_window_closed is_inactive block_mismatch",
            ),
        ];
        for (expected, words) in table {
            for word in words.split(' ') {
                for status in [200, 400, 403, 404, 410, 429, 500] {
                    assert_eq!(class(status, word), Some(expected), "{status} {word}");
                    assert_eq!(
                        class(status, &format!("{{\"ok\":false,\"error\":\"{word}\"}}")),
                        Some(expected)
                    );
                }
                assert_eq!(class(400, &format!("{word}: details\n")), Some(expected), "{word}");
            }
        }
    }

    #[test]
    fn only_ok_is_delivered() {
        for status in 200..300 {
            assert_eq!(class(status, "ok"), None);
            assert_eq!(class(status, " ok\n"), None);
            assert_eq!(class(status, "{\"ok\":true}"), None);
            for body in ["", "okay", "OK", "{}", "[]", "null", "<html>ok</html>", "{\"ok\":\"true\"}"] {
                assert_eq!(class(status, body), Some(Class::Unreadable), "{status} {body}");
            }
        }
        assert_eq!(class(500, "ok"), Some(Class::Failed));
    }

    #[test]
    fn a_compatible_receiver_answers_what_it_likes() {
        for body in ["", "ok", "<html>", "{\"id\":\"x\"}"] {
            assert_eq!(read(&Answer::for_tests(200, &[], body), true), Ok(()));
        }
        assert!(read(&Answer::for_tests(400, &[], "ok"), true).is_err());
    }

    #[test]
    fn without_a_word_every_status_counts_and_a_web_page_is_no_answer() {
        for status in (100..600).filter(|status| !(200..300).contains(status)) {
            assert_eq!(class(status, ""), Class::of_status(status), "{status}");
            assert_eq!(class(status, "who knows"), Class::of_status(status), "{status}");
            let html =
                if matches!(status, 401 | 403) { Some(Class::Unreadable) } else { Class::of_status(status) };
            assert_eq!(class(status, "<!DOCTYPE html><p>no_service"), html, "{status}");
        }
    }
}
