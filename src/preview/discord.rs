//! Reads a Discord message: content, embeds, link buttons.
//!
//! Source: <https://discord.com/developers/docs/resources/message#embed-object>, read 2026-09-20.

use serde_json::Value;

use super::body::{list_at, nested_text_at, text_at};
use super::markdown::{self, Flavour};
use super::markup::{self, Dialect};
use super::post::{Block, Button, Card, Field, Marks, Part, Post, Role, Run, Words, text_of};

const NAME: &str = "Seer";

/// Reads a request body of a webhook.
pub(super) fn post(body: &Value) -> Post {
    let name = text_at(body, "username");
    let content = text_at(body, "content");
    let embeds = list_at(body, "embeds");
    let rows = list_at(body, "components").iter().map(action_row);
    let mut blocks = vec![markdown::read(content, Flavour::Discord)];
    blocks.extend(embeds.iter().map(|embed| vec![Part::Card(card(embed))]));
    blocks.extend(rows.flatten().map(|row| vec![row]));
    blocks.retain(|block| !block.is_empty());
    Post {
        author: if name.is_empty() { NAME } else { name }.to_owned(),
        notification: notification(content, embeds.first()),
        blocks,
    }
}

/// A phone shows the content, where there is none the first embed's title and description.
fn notification(content: &str, embed: Option<&Value>) -> String {
    let embed = embed.into_iter().flat_map(|embed| [text_at(embed, "title"), text_at(embed, "description")]);
    let texts = if content.trim().is_empty() { embed.collect() } else { vec![content] };
    let words = texts.iter().filter(|text| !text.is_empty());
    let words = words.map(|text| text_of(&markup::read(text, Dialect::Markdown)));
    words.collect::<Vec<_>>().join("\n")
}

fn card(embed: &Value) -> Card {
    let author = nested_text_at(embed, "author", "name");
    let part = |text: &str, make: &dyn Fn(&str) -> Vec<Part>| {
        if text.is_empty() { Vec::new() } else { make(text) }
    };
    let mut blocks: Vec<Block> = vec![
        part(author, &|author| vec![Part::Text(vec![Run::new(author, Marks::BOLD)])]),
        part(text_at(embed, "title"), &|title| vec![Part::Heading(4, linked(title, text_at(embed, "url")))]),
        markdown::read(text_at(embed, "description"), Flavour::Discord),
        fields(list_at(embed, "fields")),
        footer(embed),
    ];
    blocks.retain(|block| !block.is_empty());
    let colour = embed.get("color").and_then(Value::as_u64).and_then(|colour| u32::try_from(colour).ok());
    Card { colour, blocks }
}

/// Discord shows escapes and emphasis in a title, but no links; the whole title is one where there is a `url`.
fn linked(title: &str, url: &str) -> Words {
    let mut words = markup::read(title, Dialect::Markdown);
    for run in &mut words {
        run.role = if url.is_empty() { Role::Plain } else { Role::Link(url.to_owned()) };
    }
    words
}

fn fields(fields: &[Value]) -> Block {
    let field = |field: &Value| Field {
        name: markup::read(text_at(field, "name"), Dialect::Markdown),
        value: markdown::read(text_at(field, "value"), Flavour::Discord),
        is_inline: field.get("inline").and_then(Value::as_bool) == Some(true),
    };
    let fields: Vec<Field> = fields.iter().map(field).collect();
    if fields.is_empty() { Vec::new() } else { vec![Part::Fields(fields)] }
}

fn footer(embed: &Value) -> Block {
    let footer = nested_text_at(embed, "footer", "text");
    let time = text_at(embed, "timestamp").parse::<jiff::Timestamp>().ok();
    let time = time.map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let parts = [footer, time.as_deref().unwrap_or_default()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { Vec::new() } else { vec![Part::Small(vec![Run::plain(parts.join(" • "))])] }
}

fn action_row(row: &Value) -> Option<Part> {
    let button = |button: &Value| Button {
        label: text_at(button, "label").to_owned(),
        target: text_at(button, "url").to_owned(),
        is_primary: false,
    };
    let buttons: Vec<Button> = list_at(row, "components").iter().map(button).collect();
    (!buttons.is_empty()).then_some(Part::Buttons(buttons))
}
