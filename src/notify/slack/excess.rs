//! Why Slack would refuse a body. Knows only bodies, not how ours are made.

use serde_json::Value;

use super::limit;
use crate::notify::excess::{chars, is_wordless, items, over};

/// Returns why Slack would refuse a body, to complete "the body …".
pub(crate) fn excess(body: &Value) -> Option<String> {
    let blocks = items(body, "/blocks");
    is_wordless(body, &["text", "blocks", "attachments"])
        .or_else(|| over(blocks.len(), limit::BLOCKS, "blocks"))
        .or_else(|| over(chars(body, "/text"), limit::TEXT_REFUSED, "characters of `text`"))
        .or_else(|| blocks.iter().find_map(block))
}

fn block(block: &Value) -> Option<String> {
    match block.get("type").and_then(Value::as_str) {
        Some("section") => over(chars(block, "/text/text"), limit::SECTION, "characters in a `section`")
            .or_else(|| over(items(block, "/fields").len(), limit::FIELDS, "fields in a `section`"))
            .or_else(|| {
                let longest = items(block, "/fields").iter().map(|field| chars(field, "/text")).max();
                over(longest.unwrap_or_default(), limit::FIELD, "characters in a field")
            }),
        Some("header") => over(chars(block, "/text/text"), limit::HEADER, "characters in a `header`"),
        Some("actions") => over(items(block, "/elements").len(), limit::ACTIONS, "elements in an `actions`"),
        Some(_) | None => None,
    }
}
