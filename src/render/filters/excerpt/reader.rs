//! Reading: turns the parser's events into what a reader sees.
//!
//! Knows nothing of cutting.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag};

use super::{Block, Document, Kind, Mark, Piece, PieceKind, Span, slice};
use crate::message::markdown;

/// Reads Markdown whose HTML is hidden.
pub(super) fn read(source: &str) -> Document<'_> {
    let mut reader = Reader {
        source,
        shown: String::with_capacity(source.len()),
        marks: Vec::new(),
        blocks: Vec::new(),
        open: Vec::new(),
        whole: None,
        at: 0,
    };
    for (event, range) in markdown::events(source) {
        reader.event(event, range);
    }
    Document { source, shown: Cow::Owned(reader.shown), marks: reader.marks, blocks: reader.blocks }
}

struct Reader<'a> {
    source: &'a str,
    shown: String,
    marks: Vec<Mark>,
    blocks: Vec<Block>,
    /// For each open tag, what it is.
    open: Vec<Opened>,
    /// Where something is shown that is one piece, the number of open tags around it and where it begins.
    whole: Option<(usize, usize)>,
    /// How far the source is read.
    at: usize,
}

/// A tag that was opened.
enum Opened {
    /// A span, by the place of its mark; with a reference, by its address.
    Span { mark: usize, address: Option<String> },
    /// An address in angle brackets.
    Address,
    /// A block of code or a table.
    Whole,
    /// An item of a list at the top.
    Item,
    /// What has no marks of its own.
    Other,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, &range),
            Event::End(_) => self.end(range),
            Event::Code(code) => self.push(&code, range, PieceKind::Code),
            Event::SoftBreak => self.push(" ", range, PieceKind::Glyph),
            Event::HardBreak => self.push("\n", range, PieceKind::Glyph),
            Event::Rule if self.open.is_empty() => {
                self.begin(Kind::Rule, &range);
            }
            Event::Rule | Event::TaskListMarker(_) => {}
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => {
                let is_written = slice(self.source, range.clone()) == text.as_ref();
                self.push(&text, range, if is_written { PieceKind::Text } else { PieceKind::Glyph });
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: &Range<usize>) {
        let kind = kind_of(tag);
        if kind.is_some() || matches!(tag, Tag::Item | Tag::TableRow | Tag::TableCell) {
            self.separate(if matches!(tag, Tag::TableCell) { ' ' } else { '\n' });
        }
        if self.open.is_empty() {
            self.begin(kind.unwrap_or(Kind::Words), range);
        }
        let opened = if self.whole.is_some() { Opened::Other } else { self.opened(tag, range) };
        if matches!(opened, Opened::Whole | Opened::Address) {
            self.whole = Some((self.open.len(), self.shown.len()));
        }
        self.open.push(opened);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's other tags and links have no marks of their own"
    )]
    fn opened(&mut self, tag: &Tag<'_>, range: &Range<usize>) -> Opened {
        let address = match tag {
            Tag::CodeBlock(_) | Tag::Table(_) => return Opened::Whole,
            Tag::Item if self.open.len() == 1 => return Opened::Item,
            Tag::Strong | Tag::Emphasis | Tag::Strikethrough => None,
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => match link_type
            {
                LinkType::Autolink | LinkType::Email => return Opened::Address,
                LinkType::Inline => None,
                _ => Some(dest_url.to_string()),
            },
            _ => return Opened::Other,
        };
        self.marks.push(Mark::Open(Span { source: range.clone(), ..Span::default() }));
        Opened::Span { mark: self.marks.len() - 1, address }
    }

    fn end(&mut self, range: Range<usize>) {
        let opened = self.open.pop();
        match opened {
            Some(Opened::Span { mark, address }) => self.close(mark, address, &range),
            Some(Opened::Whole) => self.end_whole(range.clone(), PieceKind::Block),
            Some(Opened::Address) => self.end_whole(range.clone(), PieceKind::Code),
            Some(Opened::Item) => {
                let end = self.shown.trim_end().len();
                if let Some(block) = self.blocks.last_mut() {
                    block.items.push(end);
                }
            }
            Some(Opened::Other) | None => {}
        }
        if self.open.is_empty()
            && let Some(block) = self.blocks.last_mut()
        {
            block.shown.end = self.shown.len();
            block.marks.end = self.marks.len();
            block.source.end = block.source.end.max(range.end);
        }
    }

    fn close(&mut self, mark: usize, address: Option<String>, range: &Range<usize>) {
        let written = slice(self.source, self.at.max(range.start)..range.end).to_owned();
        if let Some(Mark::Open(span)) = self.marks.get_mut(mark) {
            span.source = range.clone();
            span.is_reference = address.is_some();
            span.closing = address.map_or(written, |address| format!("]({})", target(&address)));
        }
        self.marks.push(Mark::Close);
        self.at = range.end;
    }

    fn end_whole(&mut self, range: Range<usize>, kind: PieceKind) {
        let Some((_, start)) = self.whole.take() else { return };
        self.shown.truncate(self.shown.trim_end().len().max(start));
        let end = range.start + slice(self.source, range.clone()).trim_end().len();
        self.at = end;
        self.marks.push(Mark::Piece(Piece {
            shown: start..self.shown.len(),
            source: range.start..end,
            kind,
        }));
    }

    fn push(&mut self, text: &str, range: Range<usize>, kind: PieceKind) {
        let start = self.shown.len();
        self.shown.push_str(text);
        if self.whole.is_none() {
            self.at = range.end;
            self.marks.push(Mark::Piece(Piece { shown: start..self.shown.len(), source: range, kind }));
        }
    }

    fn separate(&mut self, separator: char) {
        if !self.shown.is_empty() && !self.shown.ends_with('\n') {
            self.shown.push(separator);
        }
    }

    fn begin(&mut self, kind: Kind, range: &Range<usize>) {
        let (shown, marks) = (self.shown.len(), self.marks.len());
        self.blocks.push(Block {
            kind,
            source: range.clone(),
            shown: shown..shown,
            marks: marks..marks,
            items: Vec::new(),
        });
    }
}

/// Returns what a tag makes that stands in lines of its own.
#[expect(clippy::wildcard_enum_match_arm, reason = "of the parser's many tags only these stand in own lines")]
fn kind_of(tag: &Tag<'_>) -> Option<Kind> {
    match tag {
        Tag::Paragraph | Tag::BlockQuote(_) | Tag::HtmlBlock => Some(Kind::Words),
        Tag::Heading { .. } => Some(Kind::Heading),
        Tag::CodeBlock(_) => Some(Kind::Code),
        Tag::List(_) => Some(Kind::List),
        Tag::Table(_) => Some(Kind::Table),
        _ => None,
    }
}

/// Returns an address as it stands in `[words](…)`.
fn target(address: &str) -> String {
    let is_simple = !address.is_empty()
        && !address.contains(|character: char| {
            character.is_whitespace() || character.is_control() || "()<>\\&".contains(character)
        });
    if is_simple {
        return address.to_owned();
    }
    let address = address.replace('\\', "%5C").replace('<', "%3C").replace('>', "%3E").replace('\n', "%0A");
    format!("<{}>", address.replace('&', "&amp;"))
}
