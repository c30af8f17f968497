//! Reads Slack's `rich_text` block: text whose looks are data, not marks in it.
//!
//! Source: <https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>, read 2026-09-20.

use serde_json::Value;

use crate::preview::body::{list_at, text_at};
use crate::preview::post::{Block, Code, Item, Marks, Part, Run, Words, text_of};

/// Slack indents no list deeper than this.
const MAX_INDENT: usize = 8;

/// Reads a `rich_text` block.
pub(super) fn read(block: &Value) -> Block {
    let mut parts = Vec::new();
    for element in list_at(block, "elements") {
        match text_at(element, "type") {
            "rich_text_list" => match parts.last_mut() {
                Some(Part::List(items)) => items.extend(list(element)),
                Some(_) | None => parts.push(Part::List(list(element))),
            },
            "rich_text_quote" => parts.push(Part::Quote(vec![Part::Text(words(element))])),
            "rich_text_preformatted" => {
                parts.push(Part::Code(Code { is_diff: false, text: text_of(&words(element)) }));
            }
            _ => parts.push(Part::Text(section(element))),
        }
    }
    parts
}

/// A section that ends in a line break shows no empty line for it.
fn section(element: &Value) -> Words {
    let mut words = words(element);
    if let Some(last) = words.last_mut()
        && let Some(text) = last.text.strip_suffix('\n').map(str::to_owned)
    {
        last.text = text;
    }
    words
}

fn list(element: &Value) -> Vec<Item> {
    let number =
        |key| element.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let depth = number("indent").unwrap_or_default().min(MAX_INDENT);
    let offset = number("offset").unwrap_or_default();
    let ordered = text_at(element, "style") == "ordered";
    let item = |(at, item): (usize, &Value)| {
        let number = offset.saturating_add(at).saturating_add(1);
        let mark = if ordered { numeral(number, depth) } else { bullet(depth).to_owned() };
        Item { depth, mark, words: words(item) }
    };
    list_at(element, "elements").iter().enumerate().map(item).collect()
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

fn words(element: &Value) -> Words {
    list_at(element, "elements").iter().map(run).collect()
}

fn run(element: &Value) -> Run {
    let marks = marks(element);
    let text = text_at(element, "text");
    match text_at(element, "type") {
        "text" => Run::new(text, marks),
        "link" => {
            let target = text_at(element, "url");
            Run::link(if text.is_empty() { target } else { text }, target, marks)
        }
        "emoji" => Run::new(emoji(element), marks),
        "date" => Run::new(text_at(element, "fallback"), marks),
        "user" => Run::mention(format!("@{}", text_at(element, "user_id")), marks),
        "usergroup" => Run::mention(format!("@{}", text_at(element, "usergroup_id")), marks),
        "broadcast" => Run::mention(format!("@{}", text_at(element, "range")), marks),
        "channel" => Run::mention(format!("#{}", text_at(element, "channel_id")), marks),
        other => Run::plain(format!("[{other}]")),
    }
}

fn marks(element: &Value) -> Marks {
    let style = element.get("style");
    let has = |key: &str| style.and_then(|style| style.get(key)).and_then(Value::as_bool) == Some(true);
    [
        ("bold", Marks::BOLD),
        ("italic", Marks::ITALIC),
        ("strike", Marks::STRIKE),
        ("underline", Marks::UNDERLINE),
        ("code", Marks::CODE),
    ]
    .into_iter()
    .filter(|(key, _)| has(key))
    .fold(Marks::NONE, |marks, (_, mark)| marks | mark)
}

/// Slack gives the code points in hexadecimal, joined by `-`.
fn emoji(element: &Value) -> String {
    let points = text_at(element, "unicode");
    let drawn: Option<String> =
        points.split('-').map(|point| u32::from_str_radix(point, 16).ok().and_then(char::from_u32)).collect();
    drawn.filter(|drawn| !drawn.is_empty()).unwrap_or_else(|| format!(":{}:", text_at(element, "name")))
}
