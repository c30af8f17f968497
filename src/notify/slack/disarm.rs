//! Bodies that a team's own template wrote: nothing in them pings anybody, whoever wrote it.
//!
//! Only a route's `mention` pings; what it names is put above the text afterwards.

use serde_json::{Value, json};

use crate::notify::dialect::{Dialect, WORD_JOINER};

/// What has Slack look for names in plain text, and link them.
/// Source: <https://docs.slack.dev/messaging/formatting-message-text>, read 2026-11-30.
const LINKING: [&str; 2] = ["link_names", "parse"];

/// Keeps a body from pinging.
pub(super) fn disarm(body: &mut Value, dialect: Dialect) {
    if let Some(fields) = body.as_object_mut() {
        for name in LINKING {
            fields.remove(name);
        }
    }
    disarm_value(body, dialect);
}

fn disarm_value(value: &mut Value, dialect: Dialect) {
    match value {
        Value::String(text) => disarm_text(text, dialect),
        Value::Array(items) => items.iter_mut().for_each(|item| disarm_value(item, dialect)),
        Value::Object(fields) => {
            if let Some(shown) = shown_instead(fields) {
                *value = json!({ "type": "text", "text": shown });
                return;
            }
            let is_address = |name: &str| name == "url" || name.ends_with("_url") || name.ends_with("_link");
            for (_, field) in fields.iter_mut().filter(|(name, _)| !is_address(name)) {
                disarm_value(field, dialect);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns what an element of rich text shows that would ping; `None` for any other.
/// Source: <https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>, read 2026-11-30.
fn shown_instead(element: &serde_json::Map<String, Value>) -> Option<String> {
    let text = |name: &str| element.get(name).and_then(Value::as_str);
    let named = match text("type")? {
        "broadcast" => text("range")?,
        "user" => text("user_id")?,
        "usergroup" => text("usergroup_id")?,
        _ => return None,
    };
    Some(format!("@{WORD_JOINER}{named}"))
}

fn disarm_text(text: &mut String, dialect: Dialect) {
    let rest_of =
        |place: usize, character: char| text.get(place + character.len_utf8()..).unwrap_or_default();
    let places: Vec<usize> = text
        .char_indices()
        .filter(|(place, character)| dialect.pings(*character, rest_of(*place, *character)))
        .map(|(place, character)| place + character.len_utf8())
        .collect();
    for place in places.into_iter().rev() {
        text.insert(place, WORD_JOINER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disarmed(dialect: Dialect, mut body: Value) -> Value {
        disarm(&mut body, dialect);
        body
    }

    #[test]
    fn no_sequence_and_no_element_that_a_template_wrote_pings() {
        let section = |text: &str| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
        let rich = |element: Value| json!({ "type": "rich_text_section", "elements": [element] });
        let body = json!({
            "text": "<!channel> @here <@U012> <!subteam^S1|ops> <!date^1^{date}|now> @Everyone a@b.c",
            "link_names": true, "parse": "full", "mrkdwn": true,
            "blocks": [section("<!here>"), rich(json!({ "type": "broadcast", "range": "channel" })),
                rich(json!({ "type": "user", "user_id": "U012", "style": {} })),
                rich(json!({ "type": "link", "url": "https://x.y/<!channel>", "text": "@channel" }))],
            "attachments": [{ "pretext": "<!everyone>", "title_link": "https://x.y/@here" }],
        });
        assert_eq!(
            disarmed(Dialect::Slack, body),
            json!({
                "text": "<\u{2060}!channel> @\u{2060}here <\u{2060}@U012> <\u{2060}!subteam^S1|ops> <!date^1^{date}|now> \
                         @\u{2060}Everyone a@b.c",
                "mrkdwn": true,
                "blocks": [section("<\u{2060}!here>"), rich(json!({ "type": "text", "text": "@\u{2060}channel" })),
                    rich(json!({ "type": "text", "text": "@\u{2060}U012" })),
                    rich(json!({ "type": "link", "url": "https://x.y/<!channel>", "text": "@\u{2060}channel" }))],
                "attachments": [{ "pretext": "<\u{2060}!everyone>", "title_link": "https://x.y/@here" }],
            })
        );
    }

    #[test]
    fn where_a_bare_name_pings_none_is_left() {
        let body = json!({ "text": "@ada and @all, a@b, @ 1", "props": { "card": "@channel" } });
        let shown = json!({ "text": "@\u{2060}ada and @\u{2060}all, a@\u{2060}b, @ 1", "props": { "card": "@\u{2060}channel" } });
        assert_eq!(disarmed(Dialect::Mattermost, body), shown);
    }
}
