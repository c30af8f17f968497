//! A message as Block Kit: title, body, links or buttons, and what is said where it had to be shortened.
//!
//! Knows no rung but the whole message (`slack/body.rs`).

use serde_json::{Value, json};

use super::limit;
use super::rich::{ELEMENT, Rich, container};
use crate::message::{Block, Button, Inline, Message};
use crate::notify::dialect::{Dialect, WORD_JOINER, write_plain};
use crate::notify::fit::{self, Boundary};
use crate::notify::inline::InlineWriter;
use crate::notify::shortening::{self, Missing, block_is_blank, inlines_are_blank};
use crate::notify::summary;
use crate::notify::table::{self, Pair};

/// Room that the links at the end of a message may take.
const LINKS: usize = 4_000;

/// With less room than this a block is not begun.
const SMALLEST_ROOM: usize = 16;

/// Returns the blocks of a message, at most `most` of them with at most `room` code points of text in them.
pub(super) fn blocks(message: &Message, buttons: bool, room: usize, most: usize) -> Vec<Value> {
    let (blocks, missing) = Composer::new(room, most, 0).compose(message, buttons, Missing::default());
    if missing.is_nothing() {
        return blocks;
    }
    let link = shortening::source(message).map_or(0, |button| button.url.as_str().len() + limit::BUTTON);
    let note = shortening::SENTENCE_ROOM + 3 * ELEMENT + link.min(LINKS / 2);
    Composer::new(room.saturating_sub(note), most, note).compose(message, buttons, missing).0
}

/// Returns whether all of a message fits into so many code points.
pub(super) fn fit(message: &Message, buttons: bool, room: usize) -> bool {
    Composer::new(room, limit::BLOCKS, 0).compose(message, buttons, Missing::default()).1.is_nothing()
}

/// Puts blocks together.
struct Composer {
    blocks: Vec<Value>,
    rich: Rich,
    most: usize,
    note: usize,
}

impl Composer {
    fn new(room: usize, most: usize, note: usize) -> Self {
        Self { blocks: Vec::new(), rich: Rich::new(room), most, note }
    }

    fn compose(mut self, message: &Message, buttons: bool, known: Missing) -> (Vec<Value>, Missing) {
        self.header(message);
        let (links, dropped) = self.links(message, buttons);
        let last = links.len() + usize::from(!known.is_nothing());
        let missing = self.body(&message.blocks, self.most - last).and(dropped);
        if !known.is_nothing() {
            let missing = if missing.is_nothing() { known } else { missing };
            self.shortened(missing, message);
        }
        self.blocks.extend(links);
        (self.blocks, missing)
    }

    fn header(&mut self, message: &Message) {
        let title = plain(&summary::title(message), limit::HEADER);
        if !title.is_empty() {
            self.rich.spend(title.chars().count());
            let text = json!({ "type": "plain_text", "text": title, "emoji": false });
            self.blocks.push(json!({ "type": "header", "text": text }));
        }
    }

    /// Makes the last blocks: buttons where they are wanted and fit, links for the others.
    fn links(&mut self, message: &Message, buttons: bool) -> (Vec<Value>, Missing) {
        let mut room = LINKS;
        let mut actions = Vec::new();
        let mut links = Vec::new();
        let mut dropped = 0;
        for button in &message.buttons {
            let (label, address) = (shortening::label(button), button.url.as_str().chars().count());
            let cost = address + label.chars().count().min(limit::BUTTON) + 3 * ELEMENT;
            if cost > room {
                dropped += 1;
                continue;
            }
            room -= cost;
            if buttons && actions.len() < limit::ACTIONS && address <= limit::BUTTON_URL {
                actions.push(action(actions.len(), &label, button));
            } else {
                let mut words = Rich::new(cost);
                let separator = if links.is_empty() { "" } else { " · " };
                words.plain_text(separator, &mut links);
                words.plain_link(&button.url, &plain(&label, limit::BUTTON), &mut links);
            }
        }
        self.rich.spend(LINKS - room);
        let mut blocks = Vec::new();
        if !actions.is_empty() {
            blocks.push(json!({ "type": "actions", "elements": actions }));
        }
        if !links.is_empty() {
            let section = container("rich_text_section", links);
            blocks.push(rich_text(vec![section]));
        }
        (blocks, Missing::parts(dropped))
    }

    /// Makes the body, in at most `most` blocks with what stands already.
    fn body(&mut self, blocks: &[Block], most: usize) -> Missing {
        let mut missing = Missing::default();
        for (index, block) in blocks.iter().enumerate() {
            if block_is_blank(block) {
                continue;
            }
            if self.rich.room() < SMALLEST_ROOM {
                return missing.and(Missing::parts(blocks.len() - index));
            }
            if self.block(block, most) {
                missing = missing.and(Missing::rest_of(block, 0));
            }
            if self.rich.is_full() {
                return missing.and(Missing::parts(blocks.len() - index - 1));
            }
        }
        missing
    }

    /// Adds a block of the message and returns whether something of it was left out.
    fn block(&mut self, block: &Block, most: usize) -> bool {
        // The last block that may be made is a `rich_text` and takes everything that follows.
        let free = self.blocks.len() + 1 < most;
        if free && *block == Block::Rule {
            self.blocks.push(json!({ "type": "divider" }));
            return false;
        }
        let pairs = table::pairs(block).filter(|pairs| free && (1..=limit::FIELDS).contains(&pairs.len()));
        if let Some(pairs) = pairs {
            return self.fields(&pairs);
        }
        let elements = self.rich.block(block);
        if elements.is_empty() {
            return self.rich.is_full();
        }
        let is_last = self.blocks.len() >= most;
        match self.blocks.last_mut().and_then(|last| last.get_mut("elements")).and_then(Value::as_array_mut) {
            Some(last) if is_last => last.extend(elements),
            Some(_) | None => self.blocks.push(rich_text(elements)),
        }
        self.rich.is_full()
    }

    fn fields(&mut self, pairs: &[Pair<'_>]) -> bool {
        let mut fields = Vec::new();
        let mut cut = false;
        for (name, value) in pairs {
            if self.rich.room() < SMALLEST_ROOM {
                self.rich.stop();
                cut = true;
                break;
            }
            let (field, used, field_is_cut) = field(name, value, limit::FIELD.min(self.rich.room()));
            self.rich.spend(used);
            fields.push(field);
            cut |= field_is_cut;
        }
        if !fields.is_empty() {
            self.blocks.push(json!({ "type": "section", "fields": fields }));
        }
        cut
    }

    /// Says what is missing and where it can be read.
    fn shortened(&mut self, missing: Missing, message: &Message) {
        let mut rich = Rich::new(self.note);
        let mut words = Vec::new();
        rich.plain_text(&missing.sentence(), &mut words);
        if let Some(button) = shortening::source(message) {
            rich.plain_text(" ", &mut words);
            rich.plain_link(&button.url, &plain(&shortening::label(&button), limit::BUTTON), &mut words);
        }
        let section = container("rich_text_section", words);
        self.blocks.push(rich_text(vec![section]));
    }
}

/// Returns a field and its length, and whether it was cut: mrkdwn, or plain text where mrkdwn could not show its
/// words as they are.
fn field(name: &[Inline], value: &[Inline], room: usize) -> (Value, usize, bool) {
    let mut writer = InlineWriter::new(Dialect::Slack, room);
    writer.inlines(&[Inline::Strong(name.to_vec())]);
    if !inlines_are_blank(name) {
        writer.new_line();
    }
    let dash = [Inline::Text("–".to_owned())];
    writer.inlines(if inlines_are_blank(value) { &dash } else { value });
    let cut = writer.is_full();
    let text = writer.finish();
    let is_plain = !table::has_link(&[], &[vec![value.to_vec()]]);
    if is_plain && text.contains(WORD_JOINER) {
        let [name, value] = [name, value].map(crate::message::plain_text);
        let text = format!("{}\n{}", fit::one_line(&name), fit::one_line(&value));
        let mut out = String::new();
        let written = fit::write(&mut out, room, text.trim(), Boundary::Prose, write_plain);
        return (json!({ "type": "plain_text", "text": out, "emoji": false }), written.used, written.cut);
    }
    let used = text.chars().count();
    (json!({ "type": "mrkdwn", "text": text }), used, cut)
}

fn action(index: usize, label: &str, button: &Button) -> Value {
    json!({
        "type": "button",
        "action_id": format!("link-{}", index + 1),
        "text": { "type": "plain_text", "text": plain(label, limit::BUTTON), "emoji": false },
        "url": button.url.as_str(),
    })
}

fn rich_text(elements: Vec<Value>) -> Value {
    container("rich_text", elements)
}

/// Returns a text as Slack's `plain_text` takes it.
pub(super) fn plain(text: &str, room: usize) -> String {
    let mut out = String::new();
    fit::write(&mut out, room, fit::one_line(text).trim(), Boundary::Prose, write_plain);
    out
}
