//! Why Slack would refuse a body. Knows only bodies, not how ours are made.

use serde_json::Value;

use super::limit;
use crate::notify::excess::{Excess, is_wordless, items, too_long, too_many};

/// Returns why Slack would refuse a body.
pub(crate) fn excess(body: &Value) -> Option<Excess> {
    let blocks = items(body, "/blocks");
    is_wordless(body, &["text", "blocks", "attachments"])
        .or_else(|| too_many(blocks.len(), limit::BLOCKS, "blocks", "blocks"))
        .or_else(|| too_long(body, "/text", limit::TEXT_REFUSED, "characters of `text`"))
        .or_else(|| blocks.iter().find_map(block))
}

fn block(block: &Value) -> Option<Excess> {
    match block.get("type").and_then(Value::as_str) {
        Some("section") => {
            let fields = items(block, "/fields");
            let field = |field| too_long(field, "/text", limit::FIELD, "characters in a field");
            too_long(block, "/text/text", limit::SECTION, "characters in a `section`")
                .or_else(|| too_many(fields.len(), limit::FIELDS, "fields in a `section`", "fields"))
                .or_else(|| fields.iter().find_map(field))
        }
        Some("header") => too_long(block, "/text/text", limit::HEADER, "characters in a `header`"),
        Some("actions") => {
            let elements = items(block, "/elements").len();
            too_many(elements, limit::ACTIONS, "elements in an `actions`", "elements")
        }
        Some(_) | None => None,
    }
}
