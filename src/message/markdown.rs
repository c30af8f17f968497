//! Markdown: turns what a template made into a [`Message`], and sanitises it on the way.
//!
//! The parser sees a value as an opaque token, so what a value holds decides nothing; it is decoded in the leaves.
//! A value that *is* Markdown is parsed apart, and put in where its token stands. No HTML, no images and no link but
//! http and https comes out, whoever wrote it. Knows no platform: every text that comes out is literal.

mod builder;
mod html;
mod leaf;
mod links;
mod node;
mod splice;
mod tokens;

pub use tokens::{Values, strip};

use std::borrow::Cow;

use pulldown_cmark::{OffsetIter, Parser};

use crate::message::{Block, Inline, Message};

/// A template's text beyond this is cut; values do not count, as they are tokens in it.
const MAX_SOURCE_BYTES: usize = 1024 * 1024;
/// So much of the `| markdown` values of one message is parsed; what comes after is shown unformatted.
const MAX_FRAGMENT_BYTES: usize = 256 * 1024;
/// Containers deeper than this are opened no more; what they hold stands in the one around them. A tree without a
/// limit overflows the stack when it is dropped: 64 KiB of `>` suffice.
const MAX_DEPTH: usize = 24;

/// Where the parts of a message begin in the text that it was parsed from: how many characters other than white space
/// stand before each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The title.
    pub title: usize,
    /// Each of the blocks.
    pub blocks: Vec<usize>,
    /// Each of the buttons.
    pub buttons: Vec<usize>,
}

/// Parses a rendered template, in which `values` stand as tokens.
pub fn parse(source: &str, values: &Values) -> Message {
    let whole = source.get(..source.floor_char_boundary(MAX_SOURCE_BYTES)).unwrap_or_default();
    let is_cut = whole.len() < source.len();
    let leaves = leaf::Leaves::new(values);
    let mut message = builder::message(&html::hide(whole), &leaves);
    if is_cut {
        message.blocks.push(Block::Paragraph(vec![Inline::Text("…".to_owned())]));
    }
    message
}

/// Returns where the parts of the message stand that [`parse`] makes of the same.
pub fn places(source: &str, values: &Values) -> Places {
    let whole = source.get(..source.floor_char_boundary(MAX_SOURCE_BYTES)).unwrap_or_default();
    builder::places(&html::hide(whole), &leaf::Leaves::new(values))
}

/// Returns a value that is Markdown as [`events`] take it: no angle bracket of it opens HTML.
pub(crate) fn hide_html(source: &str) -> Cow<'_, str> {
    html::hide(source)
}

/// Returns the Markdown that [`hide_html`] was given, or a part of it.
pub(crate) fn show_html(hidden: String) -> String {
    if hidden.contains(tokens::LESS_THAN) { hidden.replace(tokens::LESS_THAN, "<") } else { hidden }
}

/// Reads a value that is Markdown as a message does, for those who cut it before.
pub(crate) fn events(hidden: &str) -> OffsetIter<'_> {
    Parser::new_ext(hidden, builder::EXTENSIONS).into_offset_iter()
}

#[cfg(test)]
mod tests;
