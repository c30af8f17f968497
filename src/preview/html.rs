//! The writer for a browser: posts as HTML in which no text of a body is ever markup.
//!
//! [`Html`] is the one gate: names of elements and classes are constants of this program, every element is closed
//! where it was opened, texts are escaped, and only an http or https address becomes a link. No script, no style and
//! no image of anybody gets in.

use std::collections::BTreeSet;
use std::fmt::Write;

use url::Url;

use super::post::{Block, Button, Card, Code, Field, Item, Marks, Part, Role, Run};

/// A piece of a page that is being written.
#[derive(Debug, Default)]
pub(super) struct Html {
    out: String,
    /// The colours of bars, which the page's style sheet has to know.
    colours: BTreeSet<u32>,
}

impl Html {
    /// Returns what was written.
    pub(super) fn into_text(self) -> String {
        self.out
    }

    /// Returns the colours for which there have to be rules.
    pub(super) fn colours(&self) -> &BTreeSet<u32> {
        &self.colours
    }

    /// Writes markup of this program's own.
    pub(super) fn markup(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// Writes a text that is shown as it is.
    pub(super) fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                '\n' | '\t' => self.out.push(character),
                '\u{7f}' => self.out.push('\u{2421}'),
                '\0'..='\u{1f}' => {
                    self.out.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'));
                }
                control if control.is_control() => self.out.push('\u{fffd}'),
                other => self.out.push(other),
            }
        }
    }

    /// Writes an element; `class` may be empty.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        class: &'static str,
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(name, class);
        self.out.push('>');
        self.close(name, inside);
    }

    /// Writes an element of several classes.
    pub(super) fn classed(
        &mut self,
        name: &'static str,
        classes: &[&'static str],
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(name, "");
        self.attribute("class", &classes.join(" "));
        self.out.push('>');
        self.close(name, inside);
    }

    /// Writes an element that an address of this page leads to.
    pub(super) fn target(
        &mut self,
        name: &'static str,
        class: &'static str,
        id: &str,
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(name, class);
        self.attribute("id", id);
        self.out.push('>');
        self.close(name, inside);
    }

    /// Writes an element with text alone.
    pub(super) fn line(&mut self, name: &'static str, class: &'static str, text: &str) {
        self.element(name, class, |html| html.text(text));
    }

    /// Writes a link to a place on this page.
    pub(super) fn jump(&mut self, class: &'static str, id: &str, inside: impl FnOnce(&mut Self)) {
        self.open("a", class);
        self.attribute("href", &format!("#{id}"));
        self.out.push('>');
        self.close("a", inside);
    }

    /// Writes a link, where the address is one of the web; else its words alone.
    pub(super) fn link(&mut self, class: &'static str, address: &str, inside: impl FnOnce(&mut Self)) {
        let web = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(url) = web else {
            self.element("span", class, inside);
            return;
        };
        self.open("a", class);
        self.attribute("href", url.as_str());
        self.attribute("title", url.as_str());
        self.attribute("rel", "noopener noreferrer nofollow");
        self.attribute("target", "_blank");
        self.out.push('>');
        self.close("a", inside);
    }

    /// Writes something that can be folded, and is at first where it is not `open`.
    pub(super) fn foldable(
        &mut self,
        class: &'static str,
        open: bool,
        summary: impl FnOnce(&mut Self),
        inside: impl FnOnce(&mut Self),
    ) {
        self.open("details", class);
        self.out.push_str(if open { " open>" } else { ">" });
        self.element("summary", "", summary);
        self.close("details", inside);
    }

    /// Writes something with a bar of this colour.
    fn barred(&mut self, colour: Option<u32>, inside: impl FnOnce(&mut Self)) {
        match colour.filter(|colour| *colour <= 0x00ff_ffff) {
            Some(colour) => {
                self.colours.insert(colour);
                let _ = write!(self.out, "<div class=\"card bar-{colour:06x}\">");
            }
            None => self.out.push_str("<div class=\"card\">"),
        }
        self.close("div", inside);
    }

    fn open(&mut self, name: &'static str, class: &'static str) {
        self.out.push('<');
        self.out.push_str(name);
        if !class.is_empty() {
            self.attribute("class", class);
        }
    }

    fn attribute(&mut self, name: &'static str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.text(value);
        self.out.push('"');
    }

    fn close(&mut self, name: &'static str, inside: impl FnOnce(&mut Self)) {
        inside(self);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// Writes the blocks of a post or of a card.
pub(super) fn blocks(html: &mut Html, blocks: &[Block]) {
    for block in blocks {
        html.element("div", "block", |html| parts(html, block));
    }
}

fn parts(html: &mut Html, parts: &[Part]) {
    for each in parts {
        part(html, each);
    }
}

fn part(html: &mut Html, part: &Part) {
    match part {
        Part::Heading(level, text) => {
            let class = match level {
                1 => "h1",
                2 => "h2",
                3 => "h3",
                _ => "title",
            };
            html.element("div", class, |html| words(html, text));
        }
        Part::Text(text) => html.element("p", "", |html| words(html, text)),
        Part::Small(text) => html.element("p", "small", |html| words(html, text)),
        Part::Gap => html.element("div", "gap", |_| {}),
        Part::List(items) => {
            html.element("ul", "list", |html| items.iter().for_each(|each| item(html, each)));
        }
        Part::Quote(inside) => html.element("blockquote", "", |html| parts(html, inside)),
        Part::Code(block) => code(html, block),
        Part::Fields(fields) => html.element("div", "fields", |html| {
            for each in fields {
                field(html, each);
            }
        }),
        Part::Table(rows) => table(html, rows),
        Part::Rule => html.element("div", "rule", |_| {}),
        Part::Buttons(buttons) => html.element("div", "buttons", |html| {
            for each in buttons {
                button(html, each);
            }
        }),
        Part::Card(card) => bar(html, card),
        Part::Placeholder(name) => html.line("div", "placeholder", name),
    }
}

fn words(html: &mut Html, words: &[Run]) {
    for run in words {
        match &run.role {
            Role::Plain => marked(html, run, 0),
            Role::Link(address) => html.link("link", address, |html| marked(html, run, 0)),
            Role::Mention => html.element("span", "mention", |html| marked(html, run, 0)),
        }
    }
}

/// Writes the characters of a run inside of one element for each of its marks.
fn marked(html: &mut Html, run: &Run, from: usize) {
    const ELEMENTS: [(Marks, &str, &str); 6] = [
        (Marks::BOLD, "b", ""),
        (Marks::ITALIC, "i", ""),
        (Marks::STRIKE, "s", ""),
        (Marks::UNDERLINE, "u", ""),
        (Marks::SPOILER, "span", "spoiler"),
        (Marks::CODE, "code", ""),
    ];
    let next = ELEMENTS.iter().enumerate().skip(from).find(|(_, (mark, ..))| run.marks.has(*mark));
    match next {
        Some((at, (_, name, class))) => html.element(name, class, |html| marked(html, run, at + 1)),
        None => html.text(&run.text),
    }
}

fn item(html: &mut Html, item: &Item) {
    let class = match item.depth {
        0 => "in0",
        1 => "in1",
        2 => "in2",
        _ => "in3",
    };
    html.element("li", class, |html| {
        html.line("span", "mark", &item.mark);
        html.element("span", "words", |html| words(html, &item.words));
    });
}

fn code(html: &mut Html, code: &Code) {
    html.element("pre", "", |html| {
        if code.text.starts_with('\n') {
            // A browser drops the first line break.
            html.text("\n");
        }
        if !code.is_diff {
            html.text(&code.text);
            return;
        }
        for line in code.text.split_inclusive('\n') {
            match line.chars().next() {
                Some('+') => html.line("ins", "", line),
                Some('-') => html.line("del", "", line),
                Some('@') => html.line("em", "", line),
                _ => html.text(line),
            }
        }
    });
}

fn field(html: &mut Html, field: &Field) {
    html.element("div", if field.is_inline { "field" } else { "field wide" }, |html| {
        if !field.name.is_empty() {
            html.element("div", "name", |html| words(html, &field.name));
        }
        parts(html, &field.value);
    });
}

fn table(html: &mut Html, rows: &[Vec<Vec<Part>>]) {
    html.element("table", "", |html| {
        for row in rows {
            html.element("tr", "", |html| {
                for cell in row {
                    html.element("td", "", |html| parts(html, cell));
                }
            });
        }
    });
}

fn button(html: &mut Html, button: &Button) {
    html.link(if button.is_primary { "button primary" } else { "button" }, &button.target, |html| {
        html.text(&button.label);
    });
}

fn bar(html: &mut Html, card: &Card) {
    html.barred(card.colour, |html| blocks(html, &card.blocks));
}
