//! Rich text: blocks as elements of Slack's `rich_text`, whose texts are literal by themselves.
//!
//! mrkdwn has no escape for `*`, `_`, `~` and the backtick, so a stranger's text never goes through it here. No
//! element that mentions anybody is ever made.

use serde_json::{Map, Value, json};
use url::Url;

use super::limit;
use crate::message::{Block, Inline, ListItem, plain_text};
use crate::notify::dialect::write_plain;
use crate::notify::fit::{self, Boundary};
use crate::notify::shortening::{block_is_blank, inlines_are_blank, item_is_blank};
use crate::notify::table;
use crate::words::is_blank;

/// What an element costs beside its text: Slack's limit of a message counts containers, too.
pub(super) const ELEMENT: usize = 10;

/// Makes elements within a number of code points.
#[derive(Debug)]
pub(super) struct Rich {
    room: usize,
    full: bool,
}

/// The styles of a run of text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Styles(u8);

impl Styles {
    const NAMES: [&str; 4] = ["bold", "italic", "strike", "code"];
    const BOLD: Self = Self(1);
    const ITALIC: Self = Self(2);
    const STRIKE: Self = Self(4);
    const CODE: Self = Self(8);

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn json(self) -> Option<Value> {
        let names = Self::NAMES.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0);
        let styles: Map<String, Value> = names.map(|(_, name)| ((*name).to_owned(), json!(true))).collect();
        (!styles.is_empty()).then_some(Value::Object(styles))
    }
}

impl Rich {
    /// Returns a maker of elements with at most `room` code points.
    pub(super) fn new(room: usize) -> Self {
        Self { room, full: false }
    }

    /// Returns whether something was left out; then nothing more is taken.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Returns how many code points may still be used.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Takes room for something that is made elsewhere.
    pub(super) fn spend(&mut self, code_points: usize) {
        self.room = self.room.saturating_sub(code_points);
    }

    /// Takes nothing more.
    pub(super) fn stop(&mut self) {
        self.full = true;
    }

    /// Returns a block as elements of a `rich_text`; none where it shows nothing or nothing of it fits.
    pub(super) fn block(&mut self, block: &Block) -> Vec<Value> {
        let mut out = Vec::new();
        self.elements(block, &mut out);
        out
    }

    fn elements(&mut self, block: &Block, out: &mut Vec<Value>) {
        if self.full || block_is_blank(block) {
            return;
        }
        let mut words = Vec::new();
        match block {
            Block::Paragraph(content) => {
                self.inlines(content, Styles::default(), &mut words);
                push("rich_text_section", words, out);
            }
            Block::Heading { content, .. } => {
                self.inlines(content, Styles::BOLD, &mut words);
                push("rich_text_section", words, out);
            }
            Block::List { start, items } => self.list(*start, items, 0, out),
            Block::Quote(blocks) => {
                self.flat(blocks, "", &mut words);
                push("rich_text_quote", words, out);
            }
            Block::Code { text, .. } => self.preformatted(text, out),
            Block::Table { header, rows } if table::is_told_by_rows(header, rows) => {
                self.rows(header, rows, out);
            }
            Block::Table { header, rows } => {
                let text = table::columns(header, rows, self.room);
                self.preformatted(&text, out);
            }
            Block::Rule => {
                self.text("———", Styles::default(), Boundary::Prose, &mut words);
                push("rich_text_section", words, out);
            }
        }
    }

    fn preformatted(&mut self, text: &str, out: &mut Vec<Value>) {
        let mut words = Vec::new();
        let text = fit::lines(text);
        self.text(text.trim_end(), Styles::default(), Boundary::Lines, &mut words);
        push("rich_text_preformatted", words, out);
    }

    /// Makes a list, which Slack knows only flat: an inner one is a list of its own that is indented further, and
    /// the outer one goes on behind it, counting on.
    fn list(&mut self, start: Option<u64>, items: &[ListItem], indent: usize, out: &mut Vec<Value>) {
        let mut list = List { start, indent, done: 0, sections: Vec::new() };
        for item in items.iter().filter(|item| start.is_some() || !item_is_blank(item)) {
            if self.full {
                break;
            }
            self.item(item, &mut list, out);
        }
        list.flush(out);
    }

    fn item(&mut self, item: &ListItem, list: &mut List, out: &mut Vec<Value>) {
        let mut words = Vec::new();
        if let Some(done) = item.checked {
            let sign = if done { "☑ " } else { "☐ " };
            self.text(sign, Styles::default(), Boundary::Prose, &mut words);
        }
        let mut blocks = item.blocks.iter().filter(|block| !block_is_blank(block)).peekable();
        let mut first = true;
        while let Some(block) =
            blocks.next_if(|block| matches!(block, Block::Paragraph(_) | Block::Heading { .. }))
        {
            if !first {
                self.text("\n", Styles::default(), Boundary::Prose, &mut words);
            }
            first = false;
            self.flat_block(block, "", &mut words);
        }
        if words.is_empty() {
            self.text("–", Styles::default(), Boundary::Prose, &mut words);
        }
        list.add(words);
        for block in blocks {
            list.flush(out);
            match block {
                Block::List { start, items } => self.list(*start, items, list.indent + 1, out),
                Block::Paragraph(_)
                | Block::Heading { .. }
                | Block::Quote(_)
                | Block::Code { .. }
                | Block::Table { .. }
                | Block::Rule => self.elements(block, out),
            }
        }
    }

    /// Makes a list of a table that aligned columns would not show whole.
    fn rows(&mut self, header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>], out: &mut Vec<Value>) {
        let mut list = List { start: None, indent: 0, done: 0, sections: Vec::new() };
        for row in std::iter::once(header).chain(rows.iter().map(Vec::as_slice)) {
            let mut words = Vec::new();
            self.row(row, &mut words);
            list.add(words);
        }
        list.flush(out);
    }

    /// Makes one line of a row.
    fn row(&mut self, row: &[Vec<Inline>], words: &mut Vec<Value>) {
        let mut first = true;
        for cell in row.iter().filter(|cell| !inlines_are_blank(cell)) {
            if !first {
                self.text(" · ", Styles::default(), Boundary::Prose, words);
            }
            first = false;
            self.inlines(cell, Styles::default(), words);
        }
    }

    /// Makes one run of text of many blocks, for a quotation, which holds no other element.
    fn flat(&mut self, blocks: &[Block], indent: &str, words: &mut Vec<Value>) {
        for block in blocks.iter().filter(|block| !block_is_blank(block)) {
            if !words.is_empty() {
                self.text("\n", Styles::default(), Boundary::Prose, words);
            }
            self.flat_block(block, indent, words);
        }
    }

    fn flat_block(&mut self, block: &Block, indent: &str, words: &mut Vec<Value>) {
        match block {
            Block::Paragraph(content) => self.inlines(content, Styles::default(), words),
            Block::Heading { content, .. } => self.inlines(content, Styles::BOLD, words),
            Block::Quote(blocks) => self.flat(blocks, indent, words),
            Block::Code { text, .. } => {
                self.text(fit::lines(text).trim_end(), Styles::CODE, Boundary::Lines, words);
            }
            Block::Table { header, rows } if table::is_told_by_rows(header, rows) => {
                for (index, row) in std::iter::once(header).chain(rows).enumerate() {
                    let before = if index == 0 { "• " } else { "\n• " };
                    self.text(&format!("{before}{indent}"), Styles::default(), Boundary::Prose, words);
                    self.row(row, words);
                }
            }
            Block::Table { header, rows } => {
                let text = table::columns(header, rows, self.room);
                self.text(&text, Styles::CODE, Boundary::Lines, words);
            }
            Block::Rule => self.text("———", Styles::default(), Boundary::Prose, words),
            Block::List { start, items } => {
                for (index, item) in items.iter().enumerate() {
                    let number = start.map(|start| start.saturating_add(u64::try_from(index).unwrap_or(0)));
                    let marker = number.map_or_else(|| "• ".to_owned(), |number| format!("{number}. "));
                    let sign = item.checked.map_or("", |done| if done { "☑ " } else { "☐ " });
                    let before = if index == 0 { "" } else { "\n" };
                    let marker = format!("{before}{indent}{marker}{sign}");
                    self.text(&marker, Styles::default(), Boundary::Prose, words);
                    self.flat(&item.blocks, &format!("{indent}    "), words);
                }
            }
        }
    }

    /// Makes elements of words.
    fn inlines(&mut self, inlines: &[Inline], styles: Styles, out: &mut Vec<Value>) {
        for inline in inlines {
            if self.full {
                return;
            }
            match inline {
                Inline::Text(text) => self.text(&fit::one_line(text), styles, Boundary::Prose, out),
                Inline::Code(text) => {
                    self.text(&fit::one_line(text), styles.with(Styles::CODE), Boundary::Prose, out);
                }
                Inline::Strong(content) => self.inlines(content, styles.with(Styles::BOLD), out),
                Inline::Emphasis(content) => self.inlines(content, styles.with(Styles::ITALIC), out),
                Inline::Strike(content) => self.inlines(content, styles.with(Styles::STRIKE), out),
                Inline::Link { url, content } => {
                    self.link(url, &plain_text(content), styles.with(common_styles(content)), out);
                }
                Inline::Break => self.text("\n", styles, Boundary::Prose, out),
            }
        }
    }

    /// Makes a link; where its address does not fit, of its words alone.
    pub(super) fn plain_link(&mut self, url: &Url, label: &str, out: &mut Vec<Value>) {
        self.link(url, label, Styles::default(), out);
    }

    /// Makes an element of a text of our own or of a stranger.
    pub(super) fn plain_text(&mut self, text: &str, out: &mut Vec<Value>) {
        self.text(text, Styles::default(), Boundary::Prose, out);
    }

    fn link(&mut self, url: &Url, label: &str, styles: Styles, out: &mut Vec<Value>) {
        let label = fit::one_line(label);
        let label = if is_blank(&label) { url.as_str() } else { label.trim() };
        let address = url.as_str().chars().count();
        if address > limit::BUTTON_URL || address + ELEMENT + 2 > self.room {
            self.text(label, styles, Boundary::Prose, out);
            return;
        }
        self.spend(address);
        if let Some(text) = self.take(label, Boundary::Prose) {
            let mut element = json!({ "type": "link", "url": url.as_str(), "text": text });
            set_style(&mut element, styles);
            out.push(element);
        }
    }

    fn text(&mut self, text: &str, styles: Styles, boundary: Boundary, out: &mut Vec<Value>) {
        let Some(text) = self.take(text, boundary) else { return };
        let mut element = json!({ "type": "text" });
        set_style(&mut element, styles);
        if let Some(last) = out.last_mut().filter(|last| is_text_with_style(last, element.get("style")))
            && let Some(Value::String(before)) = last.get_mut("text")
        {
            before.push_str(&text);
            return;
        }
        if let Some(element) = element.as_object_mut() {
            element.insert("text".to_owned(), Value::String(text));
        }
        out.push(element);
    }

    fn take(&mut self, text: &str, boundary: Boundary) -> Option<String> {
        if self.full || text.is_empty() {
            return None;
        }
        if self.room <= ELEMENT {
            self.full = true;
            return None;
        }
        let mut out = String::new();
        let written = fit::write(&mut out, self.room - ELEMENT, text, boundary, write_plain);
        self.room -= written.used + ELEMENT;
        self.full = written.cut;
        (!out.is_empty()).then_some(out)
    }
}

/// A list that is being made.
struct List {
    start: Option<u64>,
    indent: usize,
    done: u64,
    sections: Vec<Value>,
}

impl List {
    fn add(&mut self, words: Vec<Value>) {
        push("rich_text_section", words, &mut self.sections);
    }

    fn flush(&mut self, out: &mut Vec<Value>) {
        if self.sections.is_empty() {
            return;
        }
        let sections = std::mem::take(&mut self.sections);
        let count = u64::try_from(sections.len()).unwrap_or_default();
        let style = if self.start.is_some() { "ordered" } else { "bullet" };
        let mut list = container("rich_text_list", sections);
        let before = self.start.unwrap_or(1).saturating_sub(1).saturating_add(self.done);
        if let Some(list) = list.as_object_mut() {
            list.insert("style".to_owned(), json!(style));
            list.insert("indent".to_owned(), json!(self.indent.min(limit::INDENT)));
            if self.start.is_some() && before > 0 {
                list.insert("offset".to_owned(), json!(before.min(1_000_000_000)));
            }
        }
        self.done += count;
        out.push(list);
    }
}

/// Adds a container of elements, where it would show something.
fn push(kind: &str, elements: Vec<Value>, out: &mut Vec<Value>) {
    let text = |element: &Value| {
        element.get("url").is_some()
            || element.get("text").and_then(Value::as_str).is_some_and(|text| !is_blank(text))
    };
    if elements.iter().any(text) {
        out.push(container(kind, elements));
    }
}

/// Returns an element that holds others. They are moved into it: `json!` would copy them with all that they hold.
pub(super) fn container(kind: &str, elements: Vec<Value>) -> Value {
    let fields = [("type", Value::from(kind)), ("elements", Value::Array(elements))];
    Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
}

fn set_style(element: &mut Value, styles: Styles) {
    if let (Some(element), Some(style)) = (element.as_object_mut(), styles.json()) {
        element.insert("style".to_owned(), style);
    }
}

fn is_text_with_style(element: &Value, style: Option<&Value>) -> bool {
    element.get("type").and_then(Value::as_str) == Some("text") && element.get("style") == style
}

/// Returns the styles that all of a link's words have, as far as they are wrapped in them.
fn common_styles(content: &[Inline]) -> Styles {
    match content {
        [Inline::Strong(inner)] => Styles::BOLD.with(common_styles(inner)),
        [Inline::Emphasis(inner)] => Styles::ITALIC.with(common_styles(inner)),
        [Inline::Strike(inner)] => Styles::STRIKE.with(common_styles(inner)),
        [Inline::Code(_)] => Styles::CODE,
        _ => Styles::default(),
    }
}
