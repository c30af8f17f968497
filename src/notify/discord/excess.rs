//! Why Discord would refuse a body. Knows only bodies, not how ours are made.

use serde_json::Value;

use super::limit;
use crate::notify::excess::{Excess, chars, is_wordless, items, too_long, too_many};

/// What makes a message.
// Source: https://docs.discord.com/developers/resources/webhook#execute-webhook, read 2026-11-23.
const SAYING: [&str; 5] = ["content", "embeds", "components", "poll", "attachments"];

/// Returns why Discord would refuse a body.
pub(crate) fn excess(body: &Value) -> Option<Excess> {
    let embeds = items(body, "/embeds");
    let sum = embeds.iter().map(embed_chars).sum();
    is_wordless(body, &SAYING)
        .or_else(|| too_long(body, "/content", limit::CONTENT, "characters of `content`"))
        .or_else(|| too_many(embeds.len(), limit::EMBED_COUNT, "embeds", "embeds"))
        .or_else(|| embeds.iter().find_map(embed))
        .or_else(|| too_many(sum, limit::EMBEDS, "characters in all embeds", "embeds"))
}

fn embed(embed: &Value) -> Option<Excess> {
    let fields = items(embed, "/fields");
    let description = "characters in an embed's `description`";
    too_long(embed, "/title", limit::TITLE, "characters in an embed's `title`")
        .or_else(|| too_long(embed, "/description", limit::DESCRIPTION, description))
        .or_else(|| too_many(fields.len(), limit::FIELDS, "fields in an embed", "fields"))
        .or_else(|| fields.iter().find_map(field))
}

fn field(field: &Value) -> Option<Excess> {
    too_long(field, "/name", limit::FIELD_NAME, "characters in a field's `name`")
        .or_else(|| too_long(field, "/value", limit::FIELD_VALUE, "characters in a field's `value`"))
}

fn embed_chars(embed: &Value) -> usize {
    let own = ["/title", "/description", "/footer/text", "/author/name"];
    let fields = items(embed, "/fields").iter();
    own.iter().map(|pointer| chars(embed, pointer)).sum::<usize>()
        + fields.map(|field| chars(field, "/name") + chars(field, "/value")).sum::<usize>()
}
