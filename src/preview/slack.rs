//! Reads a Slack message: Block Kit, classic attachments, or `text` alone.
//!
//! Source: <https://docs.slack.dev/reference/block-kit/blocks>, read 2026-09-20.

mod rich;

use serde_json::Value;

use super::body::{list_at, nested_text_at, text_at};
use super::markdown::{self, Flavour};
use super::markup::{self, Dialect};
use super::post::{Block, Button, Card, Code, Field, Marks, Part, Post, Run, Words, text_of};

const NAME: &str = "Seer";

/// Reads a request body of an incoming webhook.
pub(super) fn post(body: &Value) -> Post {
    let text = text_at(body, "text");
    let mut blocks: Vec<Block> = list_at(body, "blocks").iter().map(block).collect();
    if blocks.is_empty() {
        blocks.push(mrkdwn(text));
    }
    blocks.extend(attachments(body, &mrkdwn, &|title| vec![Run::new(title, Marks::BOLD)]));
    made(text_of(&markup::read(text, Dialect::Mrkdwn)), blocks)
}

/// Reads a request body for a service that knows only Slack's classic form, and Markdown in it.
pub(super) fn compatible_post(body: &Value) -> Post {
    let text = text_at(body, "text");
    let read = |text: &str| markdown::read(text, Flavour::CommonMark);
    let mut blocks = vec![read(text)];
    blocks.extend(attachments(body, &read, &|title| markup::read(title, Dialect::Markdown)));
    made(text_of(&markup::read(text, Dialect::Markdown)), blocks)
}

fn made(notification: String, mut blocks: Vec<Block>) -> Post {
    blocks.retain(|block| !block.is_empty());
    Post { author: NAME.to_owned(), notification, blocks }
}

fn block(block: &Value) -> Block {
    match text_at(block, "type") {
        "header" => vec![Part::Heading(1, words_of(block.get("text")))],
        "section" => section(block),
        "rich_text" => rich::read(block),
        "context" => vec![Part::Small(context(block))],
        "divider" => vec![Part::Rule],
        "actions" => actions(list_at(block, "elements")),
        "markdown" => markdown::read(text_at(block, "text"), Flavour::CommonMark),
        "table" => vec![Part::Table(table(block))],
        "image" => vec![Part::Placeholder(format!("image: {}", text_at(block, "alt_text")))],
        other => vec![Part::Placeholder(other.to_owned())],
    }
}

/// Returns the words of a text object in one line.
fn words_of(text: Option<&Value>) -> Words {
    let Some(text) = text else { return Vec::new() };
    let words = text_at(text, "text");
    match text_at(text, "type") {
        "mrkdwn" => markup::read(words, Dialect::Mrkdwn),
        _ => vec![Run::plain(words)],
    }
}

fn text_object(text: &Value) -> Vec<Part> {
    match text_at(text, "type") {
        "mrkdwn" => mrkdwn(text_at(text, "text")),
        _ => vec![Part::Text(vec![Run::plain(text_at(text, "text"))])],
    }
}

fn section(block: &Value) -> Block {
    let mut parts = block.get("text").map(text_object).unwrap_or_default();
    let field = |field: &Value| Field { name: Vec::new(), value: text_object(field), is_inline: true };
    let fields: Vec<Field> = list_at(block, "fields").iter().map(field).collect();
    if !fields.is_empty() {
        parts.push(Part::Fields(fields));
    }
    let accessory = block.get("accessory").map(std::slice::from_ref).unwrap_or_default();
    parts.extend(actions(accessory));
    parts
}

fn context(block: &Value) -> Words {
    let mut words = Words::new();
    for element in list_at(block, "elements") {
        if !words.is_empty() {
            words.push(Run::plain("  "));
        }
        match text_at(element, "type") {
            "image" => words.push(Run::plain(format!("[{}]", text_at(element, "alt_text")))),
            _ => words.extend(words_of(Some(element))),
        }
    }
    words
}

fn actions(elements: &[Value]) -> Vec<Part> {
    let mut buttons = Vec::new();
    let mut others = Vec::new();
    for element in elements {
        match text_at(element, "type") {
            "button" => buttons.push(Button {
                label: nested_text_at(element, "text", "text").to_owned(),
                target: text_at(element, "url").to_owned(),
                is_primary: text_at(element, "style") == "primary",
            }),
            other => others.push(Part::Placeholder(other.to_owned())),
        }
    }
    let buttons = (!buttons.is_empty()).then_some(Part::Buttons(buttons));
    buttons.into_iter().chain(others).collect()
}

fn table(block: &Value) -> Vec<Vec<Vec<Part>>> {
    let cell = |cell: &Value| match text_at(cell, "type") {
        "rich_text" => rich::read(cell),
        _ => vec![Part::Text(vec![Run::plain(text_at(cell, "text"))])],
    };
    let row = |row: &Value| row.as_array().into_iter().flatten().map(cell).collect();
    list_at(block, "rows").iter().map(row).collect()
}

/// Reads classic attachments: a coloured bar with blocks, or with title, text and fields.
fn attachments(body: &Value, read: &dyn Fn(&str) -> Vec<Part>, title: &dyn Fn(&str) -> Words) -> Vec<Block> {
    let blocks = list_at(body, "attachments").iter().flat_map(|attachment| {
        let mut parts: Vec<Block> = list_at(attachment, "blocks").iter().map(block).collect();
        let words = text_at(attachment, "title");
        if !words.is_empty() {
            let link = text_at(attachment, "title_link");
            parts.push(vec![Part::Heading(4, linked(title(words), link))]);
        }
        parts.push(read(text_at(attachment, "text")));
        parts.extend(list_at(attachment, "fields").iter().map(|field| {
            let name = Part::Text(vec![Run::new(text_at(field, "title"), Marks::BOLD)]);
            std::iter::once(name).chain(read(text_at(field, "value"))).collect()
        }));
        parts.retain(|part| !part.is_empty());
        let colour = text_at(attachment, "color").trim_start_matches('#');
        let colour = u32::from_str_radix(colour, 16).ok();
        [read(text_at(attachment, "pretext")), vec![Part::Card(Card { colour, blocks: parts })]]
    });
    blocks.collect()
}

fn linked(words: Words, target: &str) -> Words {
    if target.is_empty() {
        return words;
    }
    words.into_iter().map(|run| Run::link(run.text, target, run.marks)).collect()
}

/// Reads mrkdwn: fences, quotes, lines.
fn mrkdwn(words: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for (at, part) in words.split("```").enumerate() {
        let part = if at == 0 { part } else { part.strip_prefix('\n').unwrap_or(part) };
        if at % 2 == 1 {
            parts.push(Part::Code(Code { is_diff: false, text: markup::unescape(part.trim_end()) }));
            continue;
        }
        let lines: Vec<&str> = part.split_terminator('\n').collect();
        for group in lines.chunk_by(|one, other| kind(one) == kind(other)) {
            let text: Vec<&str> = group.iter().map(|line| quoted(line).unwrap_or(line)).collect();
            let text = Part::Text(markup::read(&text.join("\n"), Dialect::Mrkdwn));
            match group.first().map(|line| kind(line)) {
                Some(Line::Quote) => parts.push(Part::Quote(vec![text])),
                Some(Line::Blank) => parts.extend(group.iter().map(|_| Part::Gap)),
                Some(Line::Text) | None => parts.push(text),
            }
        }
    }
    parts
}

#[derive(PartialEq)]
enum Line {
    Blank,
    Quote,
    Text,
}

fn kind(line: &str) -> Line {
    if quoted(line).is_some() {
        Line::Quote
    } else if line.trim().is_empty() {
        Line::Blank
    } else {
        Line::Text
    }
}

fn quoted(line: &str) -> Option<&str> {
    line.strip_prefix("&gt;").or_else(|| line.strip_prefix('>')).map(str::trim_start)
}
