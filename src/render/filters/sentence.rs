//! The filter `sentence`: cuts a text where a reader would.

mod ends;

use tera::{Kwargs, TeraResult};

use super::arguments;
use super::excerpt::{Block, Document, Kind, slice, with_document};
use super::truncate::end_of_words;

/// As many characters as fit into a glance.
const DEFAULT_LENGTH: usize = 300;
/// The mark of a cut.
const ELLIPSIS: &str = "…";
/// What does not stand before the mark of a cut.
const LOOSE_ENDS: &[char] = &[',', ';', ':', '.', '-', '–', '—'];

/// Returns the first `count` sentences of a text, or as many words of them as `length` characters hold.
pub(super) fn cut_by_arguments(text: &str, arguments: &Kwargs) -> TeraResult<String> {
    let count = arguments::count("sentence", "count", arguments)?.unwrap_or(1).max(1);
    let length = arguments::count("sentence", "length", arguments)?.unwrap_or(DEFAULT_LENGTH).max(1);
    Ok(cut(text, count, length))
}

/// Headings and rules before the first words are passed over. What a paragraph announces, and code or a table that
/// the text begins with, is kept where it is short. `…` ends what is not all.
fn cut(text: &str, count: usize, length: usize) -> String {
    let text = text.trim();
    let mut listed = None;
    let shown = with_document(text, |document| {
        let is_telling = |block: &&Block| !matches!(block.kind, Kind::Heading | Kind::Rule);
        let first = document.blocks.iter().find(is_telling);
        let first = first.or_else(|| document.blocks.iter().find(|block| block.kind == Kind::Heading));
        let Some(first) = first else { return String::new() };
        listed = document.without_marker(first);
        if listed.is_some() { String::new() } else { Choice::of(document, first, count, length).cut(length) }
    });
    // A list of one item is a sentence with a mark before it.
    match listed {
        Some(item) => cut(&item, count, length),
        None => shown,
    }
}

/// What is to be kept of a text.
struct Choice<'a> {
    document: &'a Document<'a>,
    first: &'a Block,
    /// The block in which it ends.
    last: &'a Block,
    /// Where it ends, as shown.
    end: usize,
    /// Whether something before it is left out.
    skips: bool,
}

impl<'a> Choice<'a> {
    fn of(document: &'a Document<'a>, first: &'a Block, count: usize, length: usize) -> Self {
        let behind = |block: &Block| {
            let start = block.shown.start;
            document.blocks.iter().filter(move |each| each.shown.start > start)
        };
        let tells = |block: &&Block| matches!(block.kind, Kind::Words | Kind::List);
        let is_short = |from: &Block, to: &Block| {
            slice(&document.shown, from.shown.start..to.shown.end).chars().nth(length).is_none()
        };
        let whole =
            |block: &'a Block| Self { document, first, last: block, end: block.shown.end, skips: false };
        let (first, main, skips) = match first.kind {
            Kind::Words | Kind::List | Kind::Heading | Kind::Rule => (first, first, false),
            Kind::Code | Kind::Table if is_short(first, first) => match behind(first).next().filter(tells) {
                Some(next) => (first, next, false),
                None => return whole(first),
            },
            Kind::Code | Kind::Table => match behind(first).find(tells) {
                Some(words) => (words, words, true),
                None => return whole(first),
            },
        };
        let end = ends::of_sentences(document, main, count).unwrap_or(main.shown.end);
        let chosen = Self { document, first, last: main, end, skips };
        let announces = main.kind == Kind::Words && document.words(main).trim_end().ends_with([':', '：']);
        let next = behind(main).next().filter(|_| announces && end == main.shown.end);
        match next {
            Some(next) if next.kind == Kind::List => Self { last: next, end: next.shown.end, ..chosen },
            Some(next) if next.kind == Kind::Words => {
                let end = ends::of_sentences(document, next, count).unwrap_or(next.shown.end);
                Self { last: next, end, ..chosen }
            }
            Some(next) if matches!(next.kind, Kind::Code | Kind::Table) && is_short(first, next) => {
                Self { last: next, end: next.shown.end, ..chosen }
            }
            Some(_) | None => chosen,
        }
    }

    fn cut(&self, length: usize) -> String {
        let (document, start) = (self.document, self.first.shown.start);
        let kept = slice(&document.shown, start..self.end).trim_end();
        let fits = kept.chars().nth(length).is_none();
        let is_all = start + kept.len() == document.shown.trim_end().len() && !self.skips;
        if fits && is_all {
            let is_first = std::ptr::eq(self.first, document.blocks.first().unwrap_or(self.first));
            return if is_first && self.first.kind != Kind::Heading {
                document.source().to_owned()
            } else {
                document.beginning(self.first, self.end, "")
            };
        }
        let end = if fits {
            self.end
        } else {
            let end = start + end_of_words(kept, length, 0);
            let item = self.last.items.iter().rev().find(|item| **item <= end && **item > start);
            item.copied().unwrap_or(end)
        };
        let whole = document.settle(end, &[]);
        let is_sentence = slice(&document.shown, start..whole).ends_with(ends::is_end);
        let end = if is_sentence { whole } else { document.settle(end, LOOSE_ENDS) };
        if end <= start {
            return match self.first.kind {
                Kind::Code | Kind::Table => lines(document, self.first, length),
                Kind::Words | Kind::List | Kind::Heading | Kind::Rule => {
                    let code = document.inside_code(self.first, length, ELLIPSIS);
                    code.unwrap_or_else(|| ELLIPSIS.to_owned())
                }
            };
        }
        document.beginning(self.first, end, mark(document, end))
    }
}

/// Returns what tells behind this place that something is left out.
fn mark(document: &Document<'_>, end: usize) -> &'static str {
    let words = slice(&document.shown, 0..end);
    if words.ends_with(ELLIPSIS) {
        ""
    } else if words.ends_with(ends::is_spaced_end) {
        " …"
    } else {
        ELLIPSIS
    }
}

/// Returns whole lines of fenced code, and its fence closed, or whole rows of a table.
pub(super) fn lines(document: &Document<'_>, block: &Block, length: usize) -> String {
    let mut used = 0;
    let fits = |line: &&str| {
        used += line.chars().count();
        used <= length
    };
    let kept: Vec<&str> = document.lines(block).take_while(fits).collect();
    let is_table = block.kind == Kind::Table;
    let head = kept.first().copied().unwrap_or_default().trim();
    let ticks = head.chars().next().filter(|first| !is_table && matches!(first, '`' | '~'));
    let fence = ticks.map_or("", |tick| slice(head, 0..head.len() - head.trim_start_matches(tick).len()));
    let shown = kept.concat();
    match kept.len() {
        0 | 1 => ELLIPSIS.to_owned(),
        2 if is_table => ELLIPSIS.to_owned(),
        _ if fence.is_empty() => format!("{}\n\n{ELLIPSIS}", shown.trim_end()),
        _ => format!("{shown}{ELLIPSIS}\n{fence}"),
    }
}

#[cfg(test)]
mod tests;
