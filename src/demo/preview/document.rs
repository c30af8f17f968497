//! Discord's Markdown in several lines: headings, lists, quotes, fences. Also Slack's `markdown` block.
//!
//! Source: <https://support.discord.com/hc/en-us/articles/210298617>, read 2026-09-20.

use super::inline::{self, Dialect};
use super::{Style, code_box};
use crate::demo::text::{Line, Look, Span, hang, wrap};

/// Draws Markdown.
pub(super) fn lines(markdown: &str, style: Style) -> Vec<Line> {
    let mut drawn = Vec::new();
    let mut rest = markdown;
    while !rest.is_empty() {
        if let Some((language, code, after)) = fence(rest) {
            let code = code.lines().flat_map(|line| code_line(line, language, style.narrower(4)));
            drawn.extend(code_box(code.collect(), style));
            rest = after;
            continue;
        }
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        drawn.extend(line_of(line, style));
        rest = after;
    }
    drawn
}

/// Splits a fence off: its language, its text, and what follows.
fn fence(text: &str) -> Option<(&str, &str, &str)> {
    let (info, rest) = text.strip_prefix("```")?.split_once('\n')?;
    let (code, after) = rest.split_once("```")?;
    Some((info.trim(), code.strip_suffix('\n').unwrap_or(code), after.strip_prefix('\n').unwrap_or(after)))
}

/// Discord colours a diff; other languages are left as they are.
fn code_line(line: &str, language: &str, style: Style) -> Vec<Line> {
    let look = match line.chars().next().filter(|_| language == "diff") {
        Some('+') => Look::ink(2),
        Some('-') => Look::ink(1),
        Some('@') => Look::ink(6),
        _ => Look::PLAIN,
    };
    wrap(&[Span::new(line, look)], style)
}

fn line_of(line: &str, style: Style) -> Vec<Line> {
    let read = |text: &str, look: Look| inline::read(text, Dialect::Markdown, look);
    if let Some(text) = line.strip_prefix("-# ") {
        return wrap(&read(text, Look::QUIET), style);
    }
    if let Some(text) = ["# ", "## ", "### "].iter().find_map(|mark| line.strip_prefix(mark)) {
        return wrap(&read(text, Look::BOLD), style);
    }
    if let Some(text) = line.strip_prefix("> ").or_else(|| (line == ">").then_some("")) {
        let bar = Span::new("▎ ", Look::QUIET);
        return hang(&bar, &bar, line_of(text, style.narrower(2)));
    }
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    if let Some((mark, text)) = item(text, indent) {
        let mark = format!("{}{mark} ", " ".repeat(indent));
        let columns = mark.chars().count();
        let others = Span::plain(&" ".repeat(columns));
        let text = wrap(&read(text, Look::PLAIN), style.narrower(columns));
        return hang(&Span::new(&mark, Look::QUIET), &others, text);
    }
    wrap(&read(line, Look::PLAIN), style)
}

/// Splits the mark of a list's item off.
fn item(text: &str, indent: usize) -> Option<(String, &str)> {
    if let Some(text) = text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
        return Some((if indent == 0 { "•" } else { "◦" }.to_owned(), text));
    }
    let (number, text) = text.split_once(". ")?;
    let is_number = (1..=9).contains(&number.len()) && number.chars().all(|digit| digit.is_ascii_digit());
    is_number.then(|| (format!("{number}."), text))
}
