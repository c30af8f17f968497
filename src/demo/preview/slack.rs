//! A Slack message: Block Kit, classic attachments, or `text` alone.
//!
//! Source: <https://docs.slack.dev/reference/block-kit/blocks>, read 2026-09-20.

use serde_json::Value;

use super::document;
use super::inline::{self, Dialect};
use super::{Style, buttons, sender, slack_rich, spaced};
use crate::demo::body::{list_at, nested_text_at, text_at};
use crate::demo::text::{Line, Look, Span, columns, hang, wrap};

const NAME: &str = "Seer";
const BADGE: Look = Look::ink(252).and_ground(239);

/// Draws a request body of an incoming webhook.
pub(super) fn lines(body: &Value, time: &str, style: Style) -> Vec<Line> {
    let blocks = list_at(body, "blocks");
    let attachments = list_at(body, "attachments");
    let mut parts = vec![vec![sender(NAME, BADGE, time)]];
    if blocks.is_empty() {
        parts.push(mrkdwn(text_at(body, "text"), Look::PLAIN, style));
    }
    parts.extend(grouped(blocks, style));
    parts.extend(attachments.iter().map(|attachment| attachment_lines(attachment, style)));
    spaced(parts)
}

/// Puts what follows a heading close to it.
fn grouped(blocks: &[Value], style: Style) -> Vec<Vec<Line>> {
    let mut parts: Vec<Vec<Line>> = Vec::new();
    let mut below_heading = false;
    for block in blocks {
        let lines = block_lines(block, style);
        let bold = lines.len() == 1 && lines.iter().flatten().all(Span::is_bold);
        match parts.last_mut().filter(|_| below_heading) {
            Some(part) => part.extend(lines),
            None => parts.push(lines),
        }
        below_heading = bold && text_at(block, "type") != "header";
    }
    parts
}

fn block_lines(block: &Value, style: Style) -> Vec<Line> {
    match text_at(block, "type") {
        "header" => text_object(block.get("text"), Look::BOLD, style),
        "section" => section(block, style),
        "rich_text" => slack_rich::lines(block, style),
        "context" => context(block, style),
        "divider" => vec![vec![Span::new(&"─".repeat(style.width), Look::FRAME)]],
        "actions" => actions(list_at(block, "elements"), style),
        "markdown" => document::lines(text_at(block, "text"), style),
        "table" => table(block, style),
        "image" => {
            wrap(&[Span::new(&format!("[image: {}]", text_at(block, "alt_text")), Look::QUIET)], style)
        }
        other => wrap(&[Span::new(&format!("[{other}]"), Look::QUIET)], style),
    }
}

fn text_object(text: Option<&Value>, look: Look, style: Style) -> Vec<Line> {
    let Some(text) = text else { return Vec::new() };
    let words = text_at(text, "text");
    if text_at(text, "type") == "mrkdwn" {
        mrkdwn(words, look, style)
    } else {
        wrap(&[Span::new(words, look)], style)
    }
}

fn section(block: &Value, style: Style) -> Vec<Line> {
    let mut lines = text_object(block.get("text"), Look::PLAIN, style);
    let fields = list_at(block, "fields");
    let column = style.width / 2;
    let cell = Style { width: column.saturating_sub(2), ..style };
    let cells = fields.iter().map(|field| text_object(Some(field), Look::PLAIN, cell)).collect();
    lines.extend(columns(cells, 2, column));
    let accessory = block.get("accessory").map(std::slice::from_ref).unwrap_or_default();
    lines.extend(actions(accessory, style));
    lines
}

fn context(block: &Value, style: Style) -> Vec<Line> {
    let mut spans = Vec::new();
    for element in list_at(block, "elements") {
        if !spans.is_empty() {
            spans.push(Span::plain("  "));
        }
        let words = text_at(element, "text");
        match text_at(element, "type") {
            "mrkdwn" => spans.extend(inline::read(words, Dialect::Mrkdwn, Look::QUIET)),
            "image" => spans.push(Span::new(&format!("[{}]", text_at(element, "alt_text")), Look::QUIET)),
            _ => spans.push(Span::new(words, Look::QUIET)),
        }
    }
    wrap(&spans, style)
}

fn actions(elements: &[Value], style: Style) -> Vec<Line> {
    let labelled: Vec<_> = elements
        .iter()
        .filter(|element| text_at(element, "type") == "button")
        .map(|button| {
            let label = nested_text_at(button, "text", "text");
            let look =
                if text_at(button, "style") == "primary" { Look::PRIMARY_BUTTON } else { Look::BUTTON };
            (label.to_owned(), text_at(button, "url").to_owned(), look)
        })
        .collect();
    if labelled.is_empty() { Vec::new() } else { buttons(&labelled, style) }
}

fn table(block: &Value, style: Style) -> Vec<Line> {
    let rows = list_at(block, "rows");
    let count = rows.iter().filter_map(Value::as_array).map(Vec::len).max().unwrap_or(1).max(1);
    let column = style.width / count;
    let cell = Style { width: column.saturating_sub(2), ..style };
    let mut lines = Vec::new();
    for row in rows {
        let row = row.as_array().map(Vec::as_slice).unwrap_or_default();
        let cells = row.iter().map(|value| match text_at(value, "type") {
            "rich_text" => slack_rich::lines(value, cell),
            _ => wrap(&[Span::plain(text_at(value, "text"))], cell),
        });
        lines.extend(columns(cells.collect(), count, column));
    }
    lines
}

/// A classic attachment: a coloured bar with blocks, or with title, text and fields.
fn attachment_lines(attachment: &Value, style: Style) -> Vec<Line> {
    let inner = style.narrower(2);
    let blocks = list_at(attachment, "blocks");
    let mut parts: Vec<_> = blocks.iter().map(|block| block_lines(block, inner)).collect();
    let title = text_at(attachment, "title");
    if !title.is_empty() {
        let link = text_at(attachment, "title_link");
        let title =
            if link.is_empty() { Span::new(title, Look::BOLD) } else { Span::link(title, link, Look::BOLD) };
        parts.push(wrap(&[title], inner));
    }
    for key in ["pretext", "text"] {
        let words = text_at(attachment, key);
        parts.push(if words.is_empty() { Vec::new() } else { mrkdwn(words, Look::PLAIN, inner) });
    }
    parts.extend(list_at(attachment, "fields").iter().map(|field| {
        let mut lines = wrap(&[Span::new(text_at(field, "title"), Look::BOLD)], inner);
        lines.extend(mrkdwn(text_at(field, "value"), Look::PLAIN, inner));
        lines
    }));
    let colour = text_at(attachment, "color").trim_start_matches('#');
    let bar = Span::new("▎ ", Look::rgb(u32::from_str_radix(colour, 16).unwrap_or(0x00dd_dddd)));
    hang(&bar, &bar, spaced(parts))
}

/// Reads mrkdwn: fences become boxes, `>` quotes, everything else lines.
pub(super) fn mrkdwn(words: &str, look: Look, style: Style) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, part) in words.split("```").enumerate() {
        let part = if at == 0 { part } else { part.strip_prefix('\n').unwrap_or(part) };
        if at % 2 == 1 {
            let code = wrap(&[Span::plain(&inline::unescape(part.trim_end()))], style.narrower(4));
            lines.extend(super::code_box(code, style));
            continue;
        }
        for line in part.split_terminator('\n') {
            let quote = line.strip_prefix("&gt;").or_else(|| line.strip_prefix('>'));
            let spans = inline::read(quote.map_or(line, str::trim_start), Dialect::Mrkdwn, look);
            lines.extend(if quote.is_some() {
                quoted(wrap(&spans, style.narrower(2)))
            } else {
                wrap(&spans, style)
            });
        }
    }
    lines
}

/// Puts Slack's grey bar before lines.
pub(super) fn quoted(lines: Vec<Line>) -> Vec<Line> {
    let bar = Span::new("▎ ", Look::QUIET);
    hang(&bar, &bar, lines)
}
