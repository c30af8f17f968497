//! Slack's `rich_text` block: text whose looks are data, not marks in it.
//!
//! Source: <https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>, read 2026-09-20.

use serde_json::Value;

use super::slack::quoted;
use super::{Style, code_box};
use crate::demo::body::{list_at, text_at};
use crate::demo::text::{Line, Look, Span, hang, wrap};

/// Slack indents no list deeper than this.
const MAX_INDENT: usize = 8;

/// Draws a `rich_text` block.
pub(super) fn lines(block: &Value, style: Style) -> Vec<Line> {
    let mut lines = Vec::new();
    for element in list_at(block, "elements") {
        match text_at(element, "type") {
            "rich_text_list" => lines.extend(list(element, style)),
            "rich_text_quote" => lines.extend(quoted(wrap(&spans(element), style.narrower(2)))),
            "rich_text_preformatted" => {
                lines.extend(code_box(wrap(&spans(element), style.narrower(4)), style));
            }
            _ => lines.extend(section(element, style)),
        }
    }
    lines
}

/// A section that ends in a line break shows no empty line for it.
fn section(element: &Value, style: Style) -> Vec<Line> {
    let mut lines = wrap(&spans(element), style);
    if lines.len() > 1 && lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

fn list(element: &Value, style: Style) -> Vec<Line> {
    let number =
        |key| element.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let indent = number("indent").unwrap_or_default().min(MAX_INDENT);
    let offset = number("offset").unwrap_or_default();
    let ordered = text_at(element, "style") == "ordered";
    let margin = " ".repeat(indent * 3);
    let mut lines = Vec::new();
    for (at, item) in list_at(element, "elements").iter().enumerate() {
        let mark =
            if ordered { numeral(offset.saturating_add(at + 1), indent) } else { bullet(indent).to_owned() };
        let mark = format!("{margin}{mark} ");
        let columns = mark.chars().count();
        let item = wrap(&spans(item), style.narrower(columns));
        lines.extend(hang(&Span::new(&mark, Look::QUIET), &Span::plain(&" ".repeat(columns)), item));
    }
    lines
}

fn bullet(indent: usize) -> &'static str {
    match indent % 3 {
        0 => "•",
        1 => "◦",
        _ => "▪",
    }
}

/// Slack counts 1, a, i by depth.
fn numeral(number: usize, indent: usize) -> String {
    match indent % 3 {
        0 => format!("{number}."),
        1 => format!("{}.", letters(number)),
        _ => format!("{}.", roman(number)),
    }
}

fn letters(number: usize) -> String {
    let mut rest = number;
    let mut letters = Vec::new();
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'a' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

fn roman(number: usize) -> String {
    const NUMERALS: [(usize, &str); 9] =
        [(100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")];
    if number >= 400 {
        return number.to_string();
    }
    let mut rest = number;
    let mut roman = String::new();
    for (value, numeral) in NUMERALS {
        roman.push_str(&numeral.repeat(rest / value));
        rest %= value;
    }
    roman
}

fn spans(element: &Value) -> Vec<Span> {
    list_at(element, "elements").iter().map(span).collect()
}

fn span(element: &Value) -> Span {
    let look = look(element);
    let text = text_at(element, "text");
    match text_at(element, "type") {
        "text" => Span::new(text, look),
        "link" => {
            let target = text_at(element, "url");
            Span::link(if text.is_empty() { target } else { text }, target, look)
        }
        "emoji" => Span::new(&emoji(element), look),
        "date" => Span::new(text_at(element, "fallback"), look),
        "user" => Span::new(&format!("@{}", text_at(element, "user_id")), Look::MENTION),
        "usergroup" => Span::new(&format!("@{}", text_at(element, "usergroup_id")), Look::MENTION),
        "broadcast" => Span::new(&format!("@{}", text_at(element, "range")), Look::MENTION),
        "channel" => Span::new(&format!("#{}", text_at(element, "channel_id")), Look::MENTION),
        other => Span::new(&format!("[{other}]"), Look::QUIET),
    }
}

fn look(element: &Value) -> Look {
    let style = element.get("style");
    let has = |key: &str| style.and_then(|style| style.get(key)).and_then(Value::as_bool) == Some(true);
    [
        ("bold", Look::BOLD),
        ("italic", Look::ITALIC),
        ("strike", Look::STRIKE),
        ("underline", Look::UNDERLINE),
        ("code", Look::CODE),
    ]
    .into_iter()
    .filter(|(key, _)| has(key))
    .fold(Look::PLAIN, |look, (_, mark)| look.and(mark))
}

/// Slack gives the code points in hexadecimal, joined by `-`.
fn emoji(element: &Value) -> String {
    let points = text_at(element, "unicode");
    let drawn: Option<String> =
        points.split('-').map(|point| u32::from_str_radix(point, 16).ok().and_then(char::from_u32)).collect();
    drawn.filter(|drawn| !drawn.is_empty()).unwrap_or_else(|| format!(":{}:", text_at(element, "name")))
}
