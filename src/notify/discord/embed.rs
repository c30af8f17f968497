//! A message as one embed and rows of link buttons.
//!
//! Knows no rung but the whole message (`discord/body.rs`).

use serde_json::{Map, Value, json};

use super::limit;
use crate::message::{Block, Button, Inline, Message, Tone, plain_text};
use crate::notify::dialect::Dialect;
use crate::notify::fit::{self, Boundary};
use crate::notify::inline::InlineWriter;
use crate::notify::markdown::{blocks_within, paragraphs};
use crate::notify::shortening::{self, Missing, inlines_are_blank};
use crate::notify::summary;
use crate::notify::table::{self, Pair};
use crate::words::is_blank;

/// Room that links which cannot be buttons may take at the end of the description.
const LINKS: usize = 1_500;

/// With less room than this a field is not begun.
const SMALLEST_ROOM: usize = 24;

/// A field with a name and a value up to so many code points stands beside others.
const INLINE_FIELD: usize = 40;

/// Returns the embed of a message; empty where the message shows nothing.
pub(super) fn embed(message: &Message) -> Map<String, Value> {
    let title = literal(&summary::title(message), limit::TITLE);
    let parts = Parts::of(message);
    let links = text_links(message);
    let (most, room) = room(message, &links);
    let (mut description, mut fields, missing) = parts.write(most, room);
    if !missing.is_nothing() {
        let note = shortening::SENTENCE_ROOM + source_link(message).chars().count() + 4;
        let (shorter, fewer, missing) = parts.write(most - note, room - note);
        description = paragraphs([shorter, format!("{} {}", missing.sentence(), source_link(message))]);
        fields = fewer;
    }
    let description = paragraphs([description, links]);

    let mut embed = Map::new();
    let address = message.buttons.iter().map(|button| button.url.as_str()).next();
    if !title.is_empty() {
        embed.insert("title".to_owned(), json!(title));
        if let Some(address) = address.filter(|address| address.chars().count() <= limit::URL) {
            embed.insert("url".to_owned(), json!(address));
        }
    }
    if !is_blank(&description) {
        embed.insert("description".to_owned(), json!(description));
    }
    if !fields.is_empty() {
        embed.insert("fields".to_owned(), Value::Array(fields));
    }
    if !embed.is_empty() {
        embed.insert("color".to_owned(), json!(color(message.tone)));
    }
    embed
}

/// Returns whether nothing of a message's blocks is left out of its embed.
pub(crate) fn fits(message: &Message) -> bool {
    let (most, room) = room(message, &text_links(message));
    Parts::of(message).write(most, room).2.is_nothing()
}

/// Returns how much the description may hold, and how much description and fields together.
fn room(message: &Message, links: &str) -> (usize, usize) {
    let title = literal(&summary::title(message), limit::TITLE);
    let reserved = if links.is_empty() { 0 } else { links.chars().count() + 2 };
    (limit::DESCRIPTION - reserved, limit::EMBEDS - title.chars().count() - reserved)
}

/// Returns the rows of link buttons.
pub(super) fn components(message: &Message) -> Vec<Value> {
    let buttons: Vec<Value> = real_buttons(message)
        .map(|button| {
            let label = label(button);
            json!({ "type": 2, "style": 5, "label": label, "url": button.url.as_str() })
        })
        .collect();
    let rows = buttons.chunks(limit::BUTTONS);
    rows.map(|row| json!({ "type": 1, "components": row })).collect()
}

/// Returns a button's words, which Discord shows as they are.
fn label(button: &Button) -> String {
    let mut out = String::new();
    let escape = |out: &mut String, character, rest: &str| Dialect::Discord.escape_code(out, character, rest);
    fit::write(&mut out, limit::LABEL, &shortening::label(button), Boundary::Prose, escape);
    out
}

fn real_buttons(message: &Message) -> impl Iterator<Item = &Button> {
    message.buttons.iter().filter(|button| is_real(button)).take(limit::ROWS * limit::BUTTONS)
}

fn is_real(button: &Button) -> bool {
    button.url.as_str().chars().count() <= limit::BUTTON_URL
}

/// Returns links for the buttons that Discord would refuse, as many as fit.
fn text_links(message: &Message) -> String {
    let real = real_buttons(message).count();
    let mut seen = 0;
    let others = message.buttons.iter().filter(|button| {
        seen += usize::from(is_real(button));
        !is_real(button) || seen > real
    });
    links(others, LINKS)
}

/// Returns as many links as fit, one behind the other.
pub(super) fn links<'a>(buttons: impl Iterator<Item = &'a Button>, room: usize) -> String {
    let mut out = String::new();
    for button in buttons {
        let link = link(button);
        let separator = if out.is_empty() { "" } else { " · " };
        if out.chars().count() + link.chars().count() + 3 > room {
            break;
        }
        out.push_str(separator);
        out.push_str(&link);
    }
    out
}

/// Returns a link, or its words alone where its address is too long for any text.
fn link(button: &Button) -> String {
    let mut writer = InlineWriter::new(Dialect::Discord, limit::DESCRIPTION);
    let label = fit::shortened(&shortening::label(button), limit::LABEL);
    writer.inlines(&[Inline::Link { url: button.url.clone(), content: vec![Inline::Text(label)] }]);
    writer.finish()
}

/// Returns the link that leads to what was left out; empty where there is none.
fn source_link(message: &Message) -> String {
    let link = shortening::source(message).as_ref().map(link).unwrap_or_default();
    if link.chars().count() > LINKS { String::new() } else { link }
}

/// Returns a text literally, in one line.
pub(super) fn literal(text: &str, room: usize) -> String {
    let mut writer = InlineWriter::new(Dialect::Discord, room);
    writer.text(text.trim());
    writer.finish()
}

/// The parts of a message: those of the description, and the tables that become fields.
struct Parts<'a> {
    blocks: Vec<&'a Block>,
    tables: Vec<(&'a Block, Vec<Pair<'a>>)>,
}

impl<'a> Parts<'a> {
    fn of(message: &'a Message) -> Self {
        let mut parts = Self { blocks: Vec::new(), tables: Vec::new() };
        let mut fields = 0;
        for block in &message.blocks {
            match table::pairs(block).filter(|pairs| fields + pairs.len() <= limit::FIELDS) {
                Some(pairs) => {
                    fields += pairs.len();
                    parts.tables.push((block, pairs));
                }
                None => parts.blocks.push(block),
            }
        }
        parts
    }

    /// Writes description and fields, at most `room` code points together.
    fn write(&self, description: usize, room: usize) -> (String, Vec<Value>, Missing) {
        let (text, mut missing) = blocks_within(Dialect::Discord, description, &self.blocks);
        let mut room = room - text.chars().count().min(room);
        let mut fields = Vec::new();
        for (block, pairs) in &self.tables {
            for (name, value) in pairs {
                if room < SMALLEST_ROOM {
                    return (text, fields, missing.and(Missing::rest_of(block, 0)));
                }
                let field = Field::write(name, value, room);
                room = room.saturating_sub(field.used);
                if field.cut {
                    missing = missing.and(Missing::rest_of(block, 0));
                }
                fields.push(field.json);
            }
        }
        (text, fields, missing)
    }
}

struct Field {
    json: Value,
    used: usize,
    cut: bool,
}

impl Field {
    fn write(name: &[Inline], value: &[Inline], room: usize) -> Self {
        let words = plain_text(name);
        let mut names = InlineWriter::new(Dialect::Discord, limit::FIELD_NAME.min(room / 2));
        // Links do not work in a field's name.
        // Source: https://github.com/discord/discord-api-docs/issues/6088, read 2026-11-23.
        names.text(if is_blank(&words) { "–" } else { words.trim() });
        let name_is_cut = names.is_full();
        let name = names.finish();
        let used = name.chars().count();
        let mut values = InlineWriter::new(Dialect::Discord, limit::FIELD_VALUE.min(room - used));
        let dash = [Inline::Text("–".to_owned())];
        values.inlines(if inlines_are_blank(value) { &dash } else { value });
        let cut = name_is_cut || values.is_full();
        let value = values.finish();
        let length = value.chars().count();
        let json = json!({ "name": name, "value": value, "inline": used.max(length) <= INLINE_FIELD });
        Self { json, used: used + length, cut }
    }
}

/// Returns the colour of a mood.
fn color(tone: Tone) -> u32 {
    match tone {
        Tone::Progress => 0x58_65_F2,
        Tone::Ready => 0xE8_A3_17,
        Tone::Done => 0x2E_A0_43,
        Tone::Trouble => 0xD1_24_2F,
    }
}
