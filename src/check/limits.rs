//! What a platform takes at most, for bodies that a `.json.tera` template makes: no ladder of ours cuts those.
//!
//! Messages of Markdown templates fit by construction; that is the notifiers' work.

use serde_json::Value;

use crate::delivery::DestinationKind;

// Source: https://docs.slack.dev/reference/block-kit/blocks, read 2026-11-23.
const SLACK_BLOCKS: usize = 50;
const SLACK_SECTION_CHARS: usize = 3_000;
const SLACK_HEADER_CHARS: usize = 150;
// Source: https://docs.slack.dev/changelog/2018-truncating-really-long-messages, read 2026-11-23.
const SLACK_TEXT_CHARS: usize = 40_000;
// Source: https://docs.discord.com/developers/resources/webhook#execute-webhook, read 2026-11-23.
const DISCORD_CONTENT_CHARS: usize = 2_000;
const DISCORD_EMBEDS: usize = 10;
// Source: https://docs.discord.com/developers/resources/message#embed-object-embed-limits, read 2026-11-23.
const DISCORD_EMBED_CHARS: usize = 6_000;
const DISCORD_TITLE_CHARS: usize = 256;
const DISCORD_DESCRIPTION_CHARS: usize = 4_096;
const DISCORD_FIELDS: usize = 25;
const DISCORD_FIELD_NAME_CHARS: usize = 256;
const DISCORD_FIELD_VALUE_CHARS: usize = 1_024;

/// What of a body is more than the platform takes.
#[derive(Debug, PartialEq)]
pub(super) struct Excess {
    /// As the object of a sentence.
    pub(super) what: String,
    /// The text that is too long, or the name of what is too many.
    pub(super) text: String,
}

/// Finds what of a body is more than the platform takes.
pub(super) fn excess(kind: DestinationKind, body: &Value) -> Option<Excess> {
    match kind {
        DestinationKind::Slack => slack(body),
        DestinationKind::Discord => discord(body),
        DestinationKind::Webhook => None,
    }
}

fn slack(body: &Value) -> Option<Excess> {
    let blocks = items(body, "/blocks");
    too_many(blocks.len(), SLACK_BLOCKS, "blocks", "blocks")
        .or_else(|| too_long(body, "/text", SLACK_TEXT_CHARS, "characters of `text`"))
        .or_else(|| {
            blocks.iter().find_map(|block| match block.get("type").and_then(Value::as_str) {
                Some("section") => {
                    too_long(block, "/text/text", SLACK_SECTION_CHARS, "characters in a `section`")
                }
                Some("header") => {
                    too_long(block, "/text/text", SLACK_HEADER_CHARS, "characters in a `header`")
                }
                Some(_) | None => None,
            })
        })
}

fn discord(body: &Value) -> Option<Excess> {
    let embeds = items(body, "/embeds");
    let sum = embeds.iter().map(embed_chars).sum();
    too_long(body, "/content", DISCORD_CONTENT_CHARS, "characters of `content`")
        .or_else(|| too_many(embeds.len(), DISCORD_EMBEDS, "embeds", "embeds"))
        .or_else(|| embeds.iter().find_map(embed))
        .or_else(|| too_many(sum, DISCORD_EMBED_CHARS, "characters in all embeds", "embeds"))
}

fn embed(embed: &Value) -> Option<Excess> {
    let fields = items(embed, "/fields");
    let name = |field| too_long(field, "/name", DISCORD_FIELD_NAME_CHARS, "characters in a field's `name`");
    let value =
        |field| too_long(field, "/value", DISCORD_FIELD_VALUE_CHARS, "characters in a field's `value`");
    let description = "characters in an embed's `description`";
    too_long(embed, "/title", DISCORD_TITLE_CHARS, "characters in an embed's `title`")
        .or_else(|| too_long(embed, "/description", DISCORD_DESCRIPTION_CHARS, description))
        .or_else(|| too_many(fields.len(), DISCORD_FIELDS, "fields in an embed", "fields"))
        .or_else(|| fields.iter().find_map(|field| name(field).or_else(|| value(field))))
}

fn embed_chars(embed: &Value) -> usize {
    let own: usize = ["/title", "/description", "/footer/text", "/author/name"]
        .iter()
        .map(|pointer| chars(embed, pointer))
        .sum();
    own + items(embed, "/fields")
        .iter()
        .map(|field| chars(field, "/name") + chars(field, "/value"))
        .sum::<usize>()
}

fn too_many(count: usize, most: usize, what: &str, name: &str) -> Option<Excess> {
    let what = || format!("{count} {what}, of which {most} are allowed");
    (count > most).then(|| Excess { what: what(), text: name.to_owned() })
}

fn too_long(object: &Value, pointer: &str, most: usize, what: &str) -> Option<Excess> {
    let text = object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    too_many(text.chars().count(), most, what, text)
}

fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn chars(value: &Value, pointer: &str) -> usize {
    value.pointer(pointer).and_then(Value::as_str).map_or(0, |text| text.chars().count())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_within_the_limits_is_fine() {
        let block = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(3_000) } });
        assert_eq!(excess(DestinationKind::Slack, &json!({ "text": "x", "blocks": vec![block; 50] })), None);
        let embed = json!({ "title": "x".repeat(256), "description": "x".repeat(4_096) });
        assert_eq!(excess(DestinationKind::Discord, &json!({ "embeds": [embed] })), None);
        assert_eq!(excess(DestinationKind::Webhook, &json!({ "text": "x".repeat(100_000) })), None);
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let slack = |body: Value| excess(DestinationKind::Slack, &body).unwrap().what;
        assert_eq!(slack(json!({ "blocks": vec![json!({}); 51] })), "51 blocks, of which 50 are allowed");
        assert!(
            slack(json!({ "blocks": [{ "type": "header", "text": { "text": "x".repeat(151) } }] }))
                .contains("151")
        );
        assert!(
            slack(json!({ "blocks": [{ "type": "section", "text": { "text": "x".repeat(3001) } }] }))
                .contains("3001")
        );
        assert!(slack(json!({ "text": "x".repeat(40_001) })).contains("40001"));
        let discord = |body: Value| excess(DestinationKind::Discord, &body).unwrap().what;
        assert!(discord(json!({ "content": "ü".repeat(2_001) })).contains("2001"));
        assert!(discord(json!({ "embeds": vec![json!({}); 11] })).contains("11 embeds"));
        assert!(
            discord(json!({ "embeds": vec![json!({ "description": "x".repeat(3_001) }); 2] }))
                .contains("6002")
        );
        assert!(discord(json!({ "embeds": [{ "fields": vec![json!({}); 26] }] })).contains("26 fields"));
        assert!(
            discord(json!({ "embeds": [{ "fields": [{ "name": "n", "value": "x".repeat(1_025) }] }] }))
                .contains("1025")
        );
        assert!(discord(json!({ "embeds": [{ "title": "x".repeat(257) }] })).contains("257"));
    }
}
