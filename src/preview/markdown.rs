//! Markdown in several lines, as Discord and Mattermost show it: headings, lists, quotes, fences. Also Slack's
//! `markdown` block.
//!
//! Source: <https://support.discord.com/hc/en-us/articles/210298617>, read 2026-09-20.

use super::markup::{self, Dialect};
use super::post::{Code, Item, Part, Run};

/// Whose Markdown it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// Discord's: lines of a fence are shown as they stand, in a list, too.
    Discord,
    /// `CommonMark`: lines of a fence lose the indentation of its first.
    CommonMark,
}

/// Reads Markdown.
pub(super) fn read(markdown: &str, flavour: Flavour) -> Vec<Part> {
    let mut reader = Reader::new(flavour);
    reader.read(markdown, false);
    reader.parts
}

struct Reader<'text> {
    flavour: Flavour,
    parts: Vec<Part>,
    /// Lines that belong together and are nothing but text.
    lines: Vec<&'text str>,
    /// How far the items of the list were indented that go on, outermost first.
    margins: Vec<usize>,
}

impl<'text> Reader<'text> {
    fn new(flavour: Flavour) -> Self {
        Self { flavour, parts: Vec::new(), lines: Vec::new(), margins: Vec::new() }
    }

    fn read(&mut self, markdown: &'text str, is_quoted: bool) {
        let mut rest = markdown;
        while !rest.is_empty() {
            rest = match fence(rest, self.flavour) {
                Some((code, after)) => {
                    self.push(Part::Code(code));
                    after
                }
                None if !is_quoted && is_quote(rest) => self.quote(rest),
                None => {
                    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
                    self.line(line);
                    after
                }
            };
        }
        self.flush();
    }

    fn push(&mut self, part: Part) {
        self.flush();
        self.margins.clear();
        self.parts.push(part);
    }

    fn flush(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            self.parts.push(Part::Text(markup::read(&lines.join("\n"), Dialect::Markdown)));
        }
    }

    /// Reads a quotation and returns what follows it. Inside, a further `>` is text.
    fn quote(&mut self, text: &'text str) -> &'text str {
        let mut quoted = Vec::new();
        let mut rest = text;
        if let Some(all) = text.strip_prefix(">>> ") {
            (quoted, rest) = (vec![all], "");
        }
        while !rest.is_empty() && is_quote(rest) {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            quoted.push(line.strip_prefix("> ").unwrap_or_default());
            rest = after;
        }
        let quoted = quoted.join("\n");
        let mut inside = Reader::new(self.flavour);
        inside.read(&quoted, true);
        self.push(Part::Quote(inside.parts));
        rest
    }

    fn line(&mut self, line: &'text str) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        let words = |text: &str| markup::read(text, Dialect::Markdown);
        if line.trim().is_empty() {
            self.push(Part::Gap);
        } else if let Some(text) = line.strip_prefix("-# ") {
            self.push(Part::Small(words(text)));
        } else if let Some((level, text)) = heading(line) {
            self.push(Part::Heading(level, words(text)));
        } else if let Some((mark, text)) = item(text) {
            self.item(indent, mark, text);
        } else if let Some(item) = self.open_item().filter(|_| indent > 0) {
            item.words.push(Run::plain("\n"));
            item.words.extend(words(text));
        } else {
            self.margins.clear();
            self.lines.push(line);
        }
    }

    fn item(&mut self, indent: usize, mark: Option<&str>, text: &str) {
        self.flush();
        while self.margins.last().is_some_and(|margin| *margin >= indent) {
            self.margins.pop();
        }
        let depth = self.margins.len();
        self.margins.push(indent);
        let bullet = if depth == 0 { "•" } else { "◦" };
        let mark = mark.map_or_else(|| bullet.to_owned(), |number| format!("{number}."));
        let item = Item { depth, mark, words: markup::read(text, Dialect::Markdown) };
        match self.parts.last_mut() {
            Some(Part::List(items)) => items.push(item),
            Some(_) | None => self.parts.push(Part::List(vec![item])),
        }
    }

    /// Returns the item that an indented line goes on with.
    fn open_item(&mut self) -> Option<&mut Item> {
        match self.parts.last_mut() {
            Some(Part::List(items)) if self.lines.is_empty() => items.last_mut(),
            Some(_) | None => None,
        }
    }
}

/// Splits a fence off, which may stand in an item of a list: its language and text, and what follows.
fn fence(text: &str, flavour: Flavour) -> Option<(Code, &str)> {
    let fence = text.trim_start_matches(' ');
    let (info, rest) = fence.strip_prefix("```")?.split_once('\n')?;
    let (code, after) = rest.split_once("```")?;
    let indent = match flavour {
        Flavour::Discord => 0,
        Flavour::CommonMark => text.len() - fence.len(),
    };
    let code = code.trim_end_matches(' ');
    let lines = code.strip_suffix('\n').unwrap_or(code).split('\n');
    let lines: Vec<&str> = lines.map(|line| without_indent(line, indent)).collect();
    let code = Code { is_diff: info.trim() == "diff", text: lines.join("\n") };
    Some((code, after.strip_prefix('\n').unwrap_or(after)))
}

fn without_indent(line: &str, most: usize) -> &str {
    let spaces = line.len() - line.trim_start_matches(' ').len();
    line.get(spaces.min(most)..).unwrap_or_default()
}

fn is_quote(text: &str) -> bool {
    let line = text.split('\n').next().unwrap_or_default();
    line.starts_with("> ") || line == ">" || line.starts_with(">>> ")
}

fn heading(line: &str) -> Option<(u8, &str)> {
    [(1, "# "), (2, "## "), (3, "### ")]
        .into_iter()
        .find_map(|(level, mark)| Some((level, line.strip_prefix(mark)?)))
}

/// Splits the mark of a list's item off: its number, and what it says.
fn item(text: &str) -> Option<(Option<&str>, &str)> {
    if let Some(text) = text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
        return Some((None, text));
    }
    let (number, text) = text.split_once(". ")?;
    let is_number = (1..=9).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then_some((Some(number), text))
}

#[cfg(test)]
mod tests {
    use super::super::post::text_of;
    use super::*;

    fn outline(parts: &[Part]) -> String {
        let of = |part: &Part| match part {
            Part::Text(words) => format!("text({})", text_of(words)),
            Part::Heading(level, words) => format!("h{level}({})", text_of(words)),
            Part::Small(words) => format!("small({})", text_of(words)),
            Part::Gap => "gap".to_owned(),
            Part::Quote(parts) => format!("quote({})", outline(parts)),
            Part::Code(code) => format!("{}({})", if code.is_diff { "diff" } else { "code" }, code.text),
            Part::List(items) => {
                let items =
                    items.iter().map(|item| format!("{}{}{}", item.depth, item.mark, text_of(&item.words)));
                format!("list({})", items.collect::<Vec<_>>().join("|"))
            }
            Part::Fields(_)
            | Part::Table(_)
            | Part::Rule
            | Part::Buttons(_)
            | Part::Card(_)
            | Part::Placeholder(_) => format!("{part:?}"),
        };
        parts.iter().map(of).collect::<Vec<_>>().join(" ").replace('\n', "/")
    }

    #[test]
    fn lines_that_belong_together_stay_together() {
        assert_eq!(
            outline(&read("a\nb\n\n## c\nd\n-# e", Flavour::Discord)),
            "text(a/b) gap h2(c) text(d) small(e)"
        );
    }

    #[test]
    fn a_fence_may_stand_in_a_list() {
        assert_eq!(
            outline(&read("1. a\n   ```diff\n+b\n```\n2. c", Flavour::Discord)),
            "list(01.a) diff(+b) list(02.c)"
        );
    }

    #[test]
    fn lists_nest_by_their_indentation_and_items_may_have_further_lines() {
        assert_eq!(
            outline(&read("- a\n  - b\n    more\n- c\n\n3. d\n   - e\n   still e\nafter", Flavour::Discord)),
            "list(0•a|1◦b/more|0•c) gap list(03.d|1◦e/still e) text(after)"
        );
    }

    #[test]
    fn quotations_hold_whatever_stands_between_them() {
        assert_eq!(
            outline(&read("> a\n> \n> ```diff\n> -b\n> ```\nc\n>>> d\n> e", Flavour::Discord)),
            "quote(text(a) gap diff(-b)) text(c) quote(text(d/> e))"
        );
    }

    #[test]
    fn what_is_not_closed_is_text() {
        assert_eq!(outline(&read("```rust\nx", Flavour::Discord)), "text(```rust/x)");
        assert_eq!(outline(&read("#no heading\n1.no item", Flavour::Discord)), "text(#no heading/1.no item)");
    }
}
