//! Excess: why a platform would refuse a body that a `.json.tera` template made; no ladder of ours cuts those.
//!
//! Messages of Markdown templates fit by construction. Each platform's limits stand with its notifier.

use serde_json::Value;

use crate::delivery::DestinationKind;

use super::{discord, slack};

/// Why a platform would refuse a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    /// To complete "the body …".
    pub what: String,
    /// The text in the body that is too long, or the name of what is too many; `None` where the whole is at fault.
    pub text: Option<String>,
}

/// Returns why the platform would refuse a body; `None` where it would take it.
pub fn excess(kind: DestinationKind, body: &Value) -> Option<Excess> {
    let no_object = || Excess { what: "is not a JSON object".to_owned(), text: None };
    let words = |found: Option<Excess>| if body.is_object() { found } else { Some(no_object()) };
    match kind {
        DestinationKind::Slack => words(slack::excess(body)),
        DestinationKind::Discord => words(discord::excess(body)),
        DestinationKind::Webhook => None,
    }
}

/// Says where there is more of something than a platform takes; `name` is what the body calls it.
pub(super) fn too_many(count: usize, most: usize, what: &str, name: &str) -> Option<Excess> {
    (count > most).then(|| Excess {
        what: format!("has {count} {what}, of which {most} are allowed"),
        text: Some(name.to_owned()),
    })
}

/// Says where a text in a body is longer than a platform takes.
pub(super) fn too_long(value: &Value, pointer: &str, most: usize, what: &str) -> Option<Excess> {
    let text = value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    too_many(text.chars().count(), most, what, text)
}

/// Says where a body holds none of what a message is made of.
pub(super) fn is_wordless(body: &Value, keys: &[&str]) -> Option<Excess> {
    let says = |value: &Value| match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::Object(_) => true,
    };
    let is_silent = keys.iter().all(|key| !body.get(key).is_some_and(says));
    is_silent
        .then(|| Excess { what: format!("says nothing: it has none of `{}`", keys.join("`, `")), text: None })
}

/// Returns the list at a place in a body, empty where there is none.
pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns how many code points a text in a body has.
pub(super) fn chars(value: &Value, pointer: &str) -> usize {
    value.pointer(pointer).and_then(Value::as_str).map_or(0, |text| text.chars().count())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slack(body: &Value) -> String {
        excess(DestinationKind::Slack, body).map(|found| found.what).unwrap_or_default()
    }

    fn discord(body: &Value) -> String {
        excess(DestinationKind::Discord, body).map(|found| found.what).unwrap_or_default()
    }

    #[test]
    fn a_body_within_the_limits_is_fine() {
        let block = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(3_000) } });
        assert_eq!(slack(&json!({ "text": "x", "blocks": vec![block; 50] })), "");
        assert_eq!(slack(&json!({ "attachments": [{ "text": "x" }] })), "");
        let embed = json!({ "title": "x".repeat(256), "description": "x".repeat(4_096) });
        assert_eq!(discord(&json!({ "embeds": [embed] })), "");
        assert_eq!(excess(DestinationKind::Webhook, &json!([{ "text": "x".repeat(100_000) }])), None);
    }

    #[test]
    fn what_is_too_much_is_counted() {
        assert_eq!(
            slack(&json!({ "blocks": vec![json!({}); 51] })),
            "has 51 blocks, of which 50 are allowed"
        );
        let header = json!({ "type": "header", "text": { "text": "x".repeat(151) } });
        assert!(slack(&json!({ "blocks": [header] })).contains("151"));
        let section = json!({ "type": "section", "text": { "text": "x".repeat(3_001) } });
        assert!(slack(&json!({ "blocks": [section] })).contains("3001"));
        let fields = json!({ "type": "section", "fields": vec![json!({ "text": "x" }); 11] });
        assert!(slack(&json!({ "blocks": [fields] })).contains("11 fields"));
        assert!(slack(&json!({ "text": "x".repeat(40_001) })).contains("40001"));
        assert!(discord(&json!({ "content": "ü".repeat(2_001) })).contains("2001"));
        assert!(discord(&json!({ "embeds": vec![json!({}); 11] })).contains("11 embeds"));
        let long = json!({ "description": "x".repeat(3_001) });
        assert!(discord(&json!({ "embeds": vec![long; 2] })).contains("6002"));
        assert!(discord(&json!({ "embeds": [{ "fields": vec![json!({}); 26] }] })).contains("26 fields"));
        let field = json!({ "name": "n", "value": "x".repeat(1_025) });
        assert!(discord(&json!({ "embeds": [{ "fields": [field] }] })).contains("1025"));
        assert!(discord(&json!({ "embeds": [{ "title": "x".repeat(257) }] })).contains("257"));
    }

    #[test]
    fn what_is_too_much_is_named() {
        let text = |kind, body: &Value| excess(kind, body).and_then(|found| found.text);
        let long = "x".repeat(257);
        let body = json!({ "embeds": [{ "title": long }] });
        assert_eq!(text(DestinationKind::Discord, &body), Some(long));
        let body = json!({ "blocks": vec![json!({}); 51] });
        assert_eq!(text(DestinationKind::Slack, &body).as_deref(), Some("blocks"));
        assert_eq!(text(DestinationKind::Slack, &json!({})), None);
    }

    #[test]
    fn a_body_that_says_nothing_is_told() {
        for body in [json!([1]), json!("x"), json!(null)] {
            assert_eq!(slack(&body), "is not a JSON object");
            assert_eq!(discord(&body), "is not a JSON object");
        }
        for body in [json!({}), json!({ "text": " " }), json!({ "blocks": [] })] {
            assert_eq!(slack(&body), "says nothing: it has none of `text`, `blocks`, `attachments`");
        }
        assert!(discord(&json!({ "text": "x" })).starts_with("says nothing: it has none of `content`"));
    }
}
