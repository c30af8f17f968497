//! What a Slack incoming webhook refuses, and in which word.
//!
//! Source: <https://docs.slack.dev/reference/block-kit/blocks> and
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>, read 2026-09-20.

pub(super) mod api;

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::preview::body::{list_at, text_at};

const MAX_ATTACHMENTS: usize = 100;
const MAX_BLOCKS: usize = 50;
const HEADER: RangeInclusive<usize> = 1..=150;
const SECTION_TEXT: RangeInclusive<usize> = 1..=3_000;
const SECTION_FIELDS: RangeInclusive<usize> = 1..=10;
const FIELD: RangeInclusive<usize> = 1..=2_000;
const CONTEXT_ELEMENTS: RangeInclusive<usize> = 1..=10;
const ACTIONS: RangeInclusive<usize> = 1..=25;
const BUTTON_LABEL: RangeInclusive<usize> = 1..=75;
const BUTTON_URL: RangeInclusive<usize> = 1..=3_000;
const MARKDOWN: RangeInclusive<usize> = 1..=12_000;
const ALT_TEXT: RangeInclusive<usize> = 1..=2_000;
const TABLE_ROWS: RangeInclusive<usize> = 1..=100;
const MAX_BLOCK_ID: usize = 255;

/// Returns Slack's word for what is wrong with a body; `None` where it takes it.
pub(super) fn refusal(body: &Value) -> Option<&'static str> {
    if !body.is_object() {
        return Some("invalid_payload");
    }
    let blocks = list_at(body, "blocks");
    let attachments = list_at(body, "attachments");
    if attachments.len() > MAX_ATTACHMENTS {
        return Some("too_many_attachments");
    }
    let nested = attachments.iter().map(|attachment| list_at(attachment, "blocks"));
    if std::iter::once(blocks).chain(nested).any(|blocks| !are_valid(blocks)) {
        return Some("invalid_blocks");
    }
    let has_text = !text_at(body, "text").trim().is_empty();
    (!has_text && blocks.is_empty() && attachments.is_empty()).then_some("no_text")
}

fn are_valid(blocks: &[Value]) -> bool {
    blocks.len() <= MAX_BLOCKS && blocks.iter().all(is_valid)
}

fn is_valid(block: &Value) -> bool {
    let elements = list_at(block, "elements");
    let known = match text_at(block, "type") {
        "header" => is_text(block.get("text"), &["plain_text"], &HEADER),
        "section" => is_section(block),
        "context" => CONTEXT_ELEMENTS.contains(&elements.len()) && elements.iter().all(is_context_element),
        "actions" => ACTIONS.contains(&elements.len()) && elements.iter().all(is_button),
        "rich_text" => !elements.is_empty() && elements.iter().all(is_rich_element),
        "markdown" => fits(text_at(block, "text"), &MARKDOWN),
        "image" => fits(text_at(block, "alt_text"), &ALT_TEXT),
        "table" => TABLE_ROWS.contains(&list_at(block, "rows").len()),
        "divider" => true,
        _ => false,
    };
    known && text_at(block, "block_id").chars().count() <= MAX_BLOCK_ID
}

fn is_section(block: &Value) -> bool {
    let fields = list_at(block, "fields");
    let kinds = ["mrkdwn", "plain_text"];
    let has_text = block.get("text").is_some();
    (has_text || !fields.is_empty())
        && (!has_text || is_text(block.get("text"), &kinds, &SECTION_TEXT))
        && (fields.is_empty() || SECTION_FIELDS.contains(&fields.len()))
        && fields.iter().all(|field| is_text(Some(field), &kinds, &FIELD))
}

fn is_context_element(element: &Value) -> bool {
    match text_at(element, "type") {
        "image" => fits(text_at(element, "alt_text"), &ALT_TEXT),
        _ => is_text(Some(element), &["mrkdwn", "plain_text"], &SECTION_TEXT),
    }
}

fn is_button(element: &Value) -> bool {
    let url = element.get("url");
    text_at(element, "type") == "button"
        && is_text(element.get("text"), &["plain_text"], &BUTTON_LABEL)
        && url.is_none_or(|_| is_web(text_at(element, "url")))
}

fn is_rich_element(element: &Value) -> bool {
    let elements = list_at(element, "elements");
    match text_at(element, "type") {
        "rich_text_list" => {
            matches!(text_at(element, "style"), "bullet" | "ordered")
                && !elements.is_empty()
                && elements
                    .iter()
                    .all(|item| text_at(item, "type") == "rich_text_section" && is_rich_element(item))
        }
        "rich_text_section" | "rich_text_quote" | "rich_text_preformatted" => {
            elements.iter().all(is_rich_leaf)
        }
        _ => false,
    }
}

fn is_rich_leaf(leaf: &Value) -> bool {
    match text_at(leaf, "type") {
        "text" => !text_at(leaf, "text").is_empty(),
        "link" => is_web(text_at(leaf, "url")),
        "emoji" | "user" | "usergroup" | "channel" | "broadcast" | "date" | "color" => true,
        _ => false,
    }
}

fn is_text(object: Option<&Value>, kinds: &[&str], length: &RangeInclusive<usize>) -> bool {
    object.is_some_and(|object| {
        kinds.contains(&text_at(object, "type")) && fits(text_at(object, "text"), length)
    })
}

fn is_web(url: &str) -> bool {
    fits(url, &BUTTON_URL) && (url.starts_with("https://") || url.starts_with("http://"))
}

fn fits(text: &str, length: &RangeInclusive<usize>) -> bool {
    length.contains(&text.chars().count())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_within_the_limits_is_taken() {
        assert_eq!(refusal(&json!({ "text": "hello" })), None);
        let blocks = json!([
            { "type": "header", "text": { "type": "plain_text", "text": "t".repeat(150) } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "t".repeat(3_000) } },
            { "type": "rich_text", "elements": [
                { "type": "rich_text_list", "style": "bullet", "elements": [
                    { "type": "rich_text_section", "elements": [{ "type": "text", "text": "x" }] }] }] },
            { "type": "divider" },
        ]);
        assert_eq!(refusal(&json!({ "text": "hello", "blocks": blocks })), None);
    }

    #[test]
    fn each_fault_has_slacks_word_for_it() {
        let block = |block: Value| json!({ "text": "hello", "blocks": [block] });
        let mrkdwn = |text: String| json!({ "type": "mrkdwn", "text": text });
        let cases = [
            (json!(null), "invalid_payload"),
            (json!([]), "invalid_payload"),
            (json!({}), "no_text"),
            (json!({ "text": " " }), "no_text"),
            (json!({ "attachments": vec![json!({}); 101] }), "too_many_attachments"),
            (json!({ "blocks": vec![json!({ "type": "divider" }); 51] }), "invalid_blocks"),
            (block(json!({ "type": "alert" })), "invalid_blocks"),
            (block(json!({ "type": "header", "text": mrkdwn("t".into()) })), "invalid_blocks"),
            (block(json!({ "type": "section", "text": mrkdwn(String::new()) })), "invalid_blocks"),
            (block(json!({ "type": "section", "text": mrkdwn("t".repeat(3_001)) })), "invalid_blocks"),
            (block(json!({ "type": "section", "fields": vec![mrkdwn("t".into()); 11] })), "invalid_blocks"),
            (block(json!({ "type": "context", "elements": vec![mrkdwn("t".into()); 11] })), "invalid_blocks"),
            (
                block(json!({ "type": "actions", "elements": [{ "type": "button", "url": "/relative",
                    "text": { "type": "plain_text", "text": "Open" } }] })),
                "invalid_blocks",
            ),
            (
                json!({ "text": "x", "attachments": [{ "blocks": [{ "type": "unheard_of" }] }] }),
                "invalid_blocks",
            ),
        ];
        for (body, word) in cases {
            assert_eq!(refusal(&body), Some(word), "{body}");
        }
    }
}
