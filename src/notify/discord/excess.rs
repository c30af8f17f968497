//! Why Discord would refuse a body. Knows only bodies, not how ours are made.

use serde_json::Value;

use super::limit;
use crate::notify::excess::{chars, is_wordless, items, over};

/// What makes a message.
// Source: https://docs.discord.com/developers/resources/webhook#execute-webhook, read 2026-11-23.
const SAYING: [&str; 5] = ["content", "embeds", "components", "poll", "attachments"];

/// Returns why Discord would refuse a body, to complete "the body …".
pub(crate) fn excess(body: &Value) -> Option<String> {
    let embeds = items(body, "/embeds");
    is_wordless(body, &SAYING)
        .or_else(|| over(chars(body, "/content"), limit::CONTENT, "characters of `content`"))
        .or_else(|| over(embeds.len(), limit::EMBED_COUNT, "embeds"))
        .or_else(|| embeds.iter().find_map(embed))
        .or_else(|| over(embeds.iter().map(embed_chars).sum(), limit::EMBEDS, "characters in all embeds"))
}

fn embed(embed: &Value) -> Option<String> {
    let fields = items(embed, "/fields");
    over(chars(embed, "/title"), limit::TITLE, "characters in an embed's `title`")
        .or_else(|| {
            over(chars(embed, "/description"), limit::DESCRIPTION, "characters in an embed's `description`")
        })
        .or_else(|| over(fields.len(), limit::FIELDS, "fields in an embed"))
        .or_else(|| fields.iter().find_map(field))
}

fn field(field: &Value) -> Option<String> {
    over(chars(field, "/name"), limit::FIELD_NAME, "characters in a field's `name`")
        .or_else(|| over(chars(field, "/value"), limit::FIELD_VALUE, "characters in a field's `value`"))
}

fn embed_chars(embed: &Value) -> usize {
    let own = ["/title", "/description", "/footer/text", "/author/name"];
    let fields = items(embed, "/fields").iter();
    own.iter().map(|pointer| chars(embed, pointer)).sum::<usize>()
        + fields.map(|field| chars(field, "/name") + chars(field, "/value")).sum::<usize>()
}
