//! Excerpts: the beginning of a text that is Markdown, with its markup closed.
//!
//! What is cut is what a reader sees; the source follows, so that lengths count characters that are shown. Knows
//! nothing of where a text should be cut.

mod reader;

use std::borrow::Cow;
use std::ops::Range;

use crate::message::markdown;

/// A text as a reader sees it, and the way back to its source.
pub(super) struct Document<'a> {
    /// The source, its HTML hidden.
    source: &'a str,
    /// What a reader sees: no markup, and a line break between blocks.
    pub(super) shown: Cow<'a, str>,
    marks: Vec<Mark>,
    /// What stands at the top.
    pub(super) blocks: Vec<Block>,
}

/// A block at the top of a text.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: Kind,
    source: Range<usize>,
    pub(super) shown: Range<usize>,
    /// Where its marks begin and end.
    marks: Range<usize>,
    /// Where each item of a list ends, as shown.
    pub(super) items: Vec<usize>,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A paragraph or a quotation.
    Words,
    List,
    Code,
    Table,
    Heading,
    Rule,
}

#[derive(Debug)]
enum Mark {
    Piece(Piece),
    Open(Span),
    Close,
}

/// A part of the source without markup in it.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) shown: Range<usize>,
    source: Range<usize>,
    pub(super) kind: PieceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// Shown as it is written.
    Text,
    /// A line break or an entity.
    Glyph,
    /// Code in a line, or a bare address: never cut inside.
    Code,
    /// A block of code or a table: never cut inside.
    Block,
}

/// Bold text, a link and the like.
#[derive(Debug, Default)]
struct Span {
    source: Range<usize>,
    /// What closes it.
    closing: String,
    /// Whether that stands elsewhere in the source: the address of `[words][reference]`.
    is_reference: bool,
}

/// Cuts a text that may be Markdown; what is plain at a glance is not read.
pub(super) fn with_document(text: &str, cut: impl FnOnce(&Document<'_>) -> String) -> String {
    if is_plain(text) {
        return cut(&Document::plain(text));
    }
    let hidden = markdown::hide_html(text);
    markdown::show_html(cut(&Document::parse(&hidden)))
}

/// Whether a text holds nothing that could be markup; that is seen at a glance, without reading it as Markdown.
fn is_plain(text: &str) -> bool {
    let behind_digits = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let is_numbered = behind_digits.len() < text.len() && behind_digits.starts_with(['.', ')']);
    let starts_plainly = !text.starts_with(['-', '+', ' ', '\t']) && !is_numbered;
    starts_plainly && !text.bytes().any(|byte| b"*_~`[\\&<#>|\n\r".contains(&byte))
}

impl<'a> Document<'a> {
    /// Takes words as they stand for one paragraph.
    pub(super) fn plain(text: &'a str) -> Self {
        let all = 0..text.len();
        let piece = Piece { shown: all.clone(), source: all.clone(), kind: PieceKind::Text };
        let block =
            Block { kind: Kind::Words, source: all.clone(), shown: all, marks: 0..1, items: Vec::new() };
        let blocks = if text.is_empty() { Vec::new() } else { vec![block] };
        Self { source: text, shown: Cow::Borrowed(text), marks: vec![Mark::Piece(piece)], blocks }
    }

    /// Reads Markdown whose HTML is hidden.
    fn parse(source: &'a str) -> Self {
        reader::read(source)
    }

    /// The source, as it was given.
    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    /// Whether anything is shown otherwise than it is written.
    pub(super) fn has_markup(&self) -> bool {
        let mut at = 0;
        let is_paragraph = |block: &Block| block.kind == Kind::Words;
        let stands = |mark: &Mark| match mark {
            Mark::Piece(Piece { kind: PieceKind::Text | PieceKind::Glyph, source, shown }) => {
                let gap = slice(self.source, at..source.start);
                let own = slice(self.source, source.clone());
                at = source.end;
                gap.trim().is_empty() && (own.trim().is_empty() || own == slice(&self.shown, shown.clone()))
            }
            Mark::Piece(_) | Mark::Open(_) | Mark::Close => false,
        };
        let is_plain = self.blocks.iter().all(is_paragraph) && self.marks.iter().all(stands);
        !(is_plain && slice(self.source, at..self.source.len()).trim().is_empty())
    }

    /// Returns the pieces of a block.
    pub(super) fn pieces(&self, block: &Block) -> impl DoubleEndedIterator<Item = &Piece> {
        pieces(self.marks.get(block.marks.clone()).unwrap_or_default())
    }

    /// Returns the piece that holds the last character before a place.
    fn last_piece(&self, end: usize) -> Option<&Piece> {
        pieces(&self.marks).rev().find(|piece| piece.shown.start < end)
    }

    /// Returns the words of a block.
    pub(super) fn words(&self, block: &Block) -> &str {
        slice(&self.shown, block.shown.clone())
    }

    /// Moves a cut before what is never cut inside, and before white space and any of these characters.
    pub(super) fn settle(&self, end: usize, dropped: &[char]) -> usize {
        let is_dropped = |character: char| character.is_whitespace() || dropped.contains(&character);
        let mut end = end;
        for piece in pieces(&self.marks).rev() {
            if piece.shown.start >= end {
                continue;
            }
            let is_whole = piece.shown.end <= end;
            let words = slice(&self.shown, piece.shown.start..piece.shown.end.min(end));
            match piece.kind {
                PieceKind::Text if !words.trim_end_matches(is_dropped).is_empty() => {
                    return piece.shown.start + words.trim_end_matches(is_dropped).len();
                }
                PieceKind::Glyph if is_whole && !words.chars().all(is_dropped) => return piece.shown.end,
                PieceKind::Code | PieceKind::Block if is_whole => return piece.shown.end,
                PieceKind::Text | PieceKind::Glyph | PieceKind::Code | PieceKind::Block => {
                    end = piece.shown.start;
                }
            }
        }
        0
    }

    /// Returns a list of one item, followed by what follows it, without the mark of the item.
    pub(super) fn without_marker(&self, block: &Block) -> Option<String> {
        if block.kind != Kind::List || block.items.len() != 1 {
            return None;
        }
        let content = self.start_of_content(block);
        let marker = slice(self.source, block.source.start..content);
        if content >= block.source.end || marker.contains(['[', '\n']) {
            return None;
        }
        let mut words = String::with_capacity(self.source.len());
        let list = slice(self.source, content..block.source.end);
        for (index, line) in list.split_inclusive('\n').enumerate() {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let indent = if index == 0 { 0 } else { indent.min(marker.len()) };
            words.push_str(slice(line, indent..line.len()));
        }
        words.push_str(slice(self.source, block.source.end..self.source.len()));
        Some(markdown::show_html(words))
    }

    /// Returns the source of a block, line by line.
    pub(super) fn lines(&self, block: &Block) -> impl Iterator<Item = &'a str> + use<'a> {
        slice(self.source, block.source.clone()).trim_end().split_inclusive('\n')
    }

    /// Returns the Markdown of what is shown from a block on up to a place, every span of it closed, and `mark`; behind
    /// a block of code in a paragraph of its own.
    pub(super) fn beginning(&self, first: &Block, end: usize, mark: &str) -> String {
        let is_behind_block = self.last_piece(end).is_some_and(|piece| piece.kind == PieceKind::Block);
        let apart = if is_behind_block && !mark.is_empty() { "\n\n" } else { "" };
        let markdown = self.cut(first, end, &format!("{apart}{mark}"));
        if matches!(self.shown, Cow::Borrowed(_)) {
            return markdown;
        }
        // Cut in an unlucky place, what was literal may become markup; then words without markup are better.
        let words = slice(&self.shown, first.shown.start..end);
        let visible = |text: &str| {
            let text = markdown::show_html(text.to_owned());
            text.chars().filter(|each| !each.is_whitespace()).collect::<String>()
        };
        let read_again = markdown::show_html(markdown.clone());
        let read_again = markdown::hide_html(&read_again);
        let is_sound = visible(&Document::parse(&read_again).shown).starts_with(&visible(words));
        if is_sound { markdown } else { format!("{}{mark}", literal(words)) }
    }

    fn cut(&self, first: &Block, end: usize, mark: &str) -> String {
        let mut at = self.start_of(first);
        let mut markdown = String::with_capacity(end + 64);
        let mut open: Vec<&Span> = Vec::new();
        for part in self.marks.get(first.marks.start..).unwrap_or_default() {
            match part {
                Mark::Piece(piece) if piece.shown.start >= end => break,
                Mark::Piece(piece) => {
                    let is_whole = piece.shown.end <= end;
                    let length = end - piece.shown.start;
                    let stop = if is_whole { piece.source.end } else { piece.source.start + length };
                    markdown.push_str(slice(self.source, at..stop));
                    at = stop;
                    if !is_whole {
                        break;
                    }
                }
                Mark::Open(span) => open.push(span),
                Mark::Close => {
                    let Some(span) = open.pop() else { continue };
                    let is_empty = at <= span.source.start;
                    let rest = match span.is_reference {
                        false => slice(self.source, at..span.source.end),
                        true if is_empty => slice(self.source, at..span.source.start),
                        true => &span.closing,
                    };
                    markdown.push_str(rest);
                    at = span.source.end;
                }
            }
        }
        let closings = open.iter().rev().filter(|span| span.source.start < at);
        let closing: String = closings.map(|span| span.closing.as_str()).collect();
        let inside = if mark.starts_with(char::is_whitespace) { "" } else { mark.trim_end() };
        let outside = slice(mark, inside.len()..mark.len());
        format!("{markdown}{inside}{closing}{outside}")
    }

    /// Returns where the source of an excerpt begins: a heading's behind its mark.
    fn start_of(&self, block: &Block) -> usize {
        if block.kind == Kind::Heading { self.start_of_content(block) } else { block.source.start }
    }

    fn start_of_content(&self, block: &Block) -> usize {
        match self.marks.get(block.marks.clone()).and_then(<[Mark]>::first) {
            Some(Mark::Piece(piece)) => piece.source.start,
            Some(Mark::Open(span)) => span.source.start,
            Some(Mark::Close) | None => block.source.end,
        }
    }

    /// Returns the beginning of code that stands first, with its ticks closed.
    pub(super) fn inside_code(&self, first: &Block, length: usize, mark: &str) -> Option<String> {
        let piece = self.pieces(first).next().filter(|piece| piece.kind == PieceKind::Code)?;
        let source = slice(self.source, piece.source.clone());
        let code = source.trim_start_matches('`');
        let ticks = slice(source, 0..source.len() - code.len());
        if ticks.is_empty() {
            return Some(source.to_owned());
        }
        let words = slice(&self.shown, piece.shown.clone());
        let words: String = words.chars().take(length).collect();
        Some(format!("{ticks}{words}{ticks}{mark}"))
    }
}

fn pieces(marks: &[Mark]) -> impl DoubleEndedIterator<Item = &Piece> {
    marks.iter().filter_map(|mark| match mark {
        Mark::Piece(piece) => Some(piece),
        Mark::Open(_) | Mark::Close => None,
    })
}

/// Returns words as Markdown that shows them.
fn literal(words: &str) -> String {
    let mut markdown = String::with_capacity(words.len() + 16);
    for character in words.chars() {
        let is_number = || markdown.chars().all(|before| before.is_ascii_digit());
        if r"\`*_[]<>~|#&-+=".contains(character) || (matches!(character, '.' | ')') && is_number()) {
            markdown.push('\\');
        }
        markdown.push(if character == '\n' { ' ' } else { character });
    }
    markdown
}

/// Returns a part of a text; nothing where there is none.
pub(super) fn slice(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

#[cfg(test)]
mod tests;
