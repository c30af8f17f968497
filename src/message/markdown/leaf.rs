//! Leaves: the ends of the tree, where tokens become the literal text of their values.
//!
//! What an author wrote loses its HTML here; what a value holds is taken as it is, control characters aside. Knows
//! nothing of structure.

use std::cell::Cell;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::tokens::{BREAK, Segment, Values, push_source, strip};
use super::{MAX_FRAGMENT_BYTES, html, links};
use crate::message::Inline;

/// What stays as it is where a value stands in the middle of an address.
// Source: RFC 3986, section 2.3 (unreserved characters), and `/`, so that `owner/name` is one path.
const IN_ADDRESS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A part of a line before its place in the tree is known.
#[derive(Debug)]
pub(super) enum Piece {
    /// Literal text or a finished part.
    Inline(Inline),
    /// A link that wants to be a button.
    Button(Inline),
    /// Markdown that is parsed apart.
    Fragment(String),
}

/// Decodes leaves.
pub(super) struct Leaves<'a> {
    values: &'a Values,
    /// How many bytes of Markdown values may still be parsed.
    budget: Cell<usize>,
}

impl<'a> Leaves<'a> {
    pub(super) fn new(values: &'a Values) -> Self {
        Self { values, budget: Cell::new(MAX_FRAGMENT_BYTES) }
    }

    /// Whether another Markdown value of this length may be parsed; counts it.
    pub(super) fn affords(&self, bytes: usize) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(bytes));
        bytes <= left
    }

    /// Decodes running text.
    pub(super) fn text(&self, text: &str, pieces: &mut Vec<Piece>) {
        let text = html::strip_tags(text);
        let mut line = String::with_capacity(text.len());
        let end_line = |line: &mut String, pieces: &mut Vec<Piece>| {
            if !line.is_empty() {
                pieces.push(Piece::Inline(Inline::Text(one_line(line))));
                line.clear();
            }
        };
        for segment in self.values.segments(&text) {
            match segment {
                Segment::Source(source) => {
                    for (index, part) in source.split(BREAK).enumerate() {
                        if index > 0 {
                            end_line(&mut line, pieces);
                            pieces.push(Piece::Inline(Inline::Break));
                        }
                        for (words, address) in links::bare(part) {
                            let Some(url) = address else {
                                push_source(&mut line, words);
                                continue;
                            };
                            end_line(&mut line, pieces);
                            let content = vec![Inline::Text(words.to_owned())];
                            pieces.push(Piece::Inline(Inline::Link { url, content }));
                        }
                    }
                }
                Segment::Text(value) => line.push_str(value),
                Segment::Markdown(value) => {
                    end_line(&mut line, pieces);
                    pieces.push(Piece::Fragment(value.to_owned()));
                }
            }
        }
        end_line(&mut line, pieces);
    }

    /// Decodes the text of a code block.
    pub(super) fn code(&self, text: &str) -> String {
        strip(&self.values.flatten(text)).into_owned()
    }

    /// Decodes a code span.
    pub(super) fn code_span(&self, text: &str) -> String {
        one_line(&self.values.flatten(text))
    }

    /// Decodes the word behind a fence.
    pub(super) fn language(&self, info: &str) -> Option<String> {
        let info = self.values.flatten(info);
        let word = info.split_whitespace().next().unwrap_or_default();
        let is_plain = |character: &char| character.is_ascii_alphanumeric() || "+-_#".contains(*character);
        let language: String = word.chars().take(32).take_while(is_plain).collect();
        (!language.is_empty()).then_some(language)
    }

    /// Decodes a link's address: a value at its start is taken as it is, one further on is percent-encoded. Only
    /// http and https without credentials is an address.
    pub(super) fn address(&self, address: &str) -> Option<Url> {
        let mut decoded = String::with_capacity(address.len());
        for (index, segment) in self.values.segments(address).into_iter().enumerate() {
            match segment {
                Segment::Source(source) => push_source(&mut decoded, source),
                Segment::Text(value) | Segment::Markdown(value) if index == 0 => decoded.push_str(value),
                Segment::Text(value) | Segment::Markdown(value) => {
                    push_in_address(&mut decoded, value);
                }
            }
        }
        links::web_address(&decoded)
    }
}

/// Appends a value that stands in the middle of an address, such that it stays where it stands: `..` in it leads to no
/// other folder, encoded once or not.
fn push_in_address(address: &mut String, value: &str) {
    for (index, segment) in value.split('/').enumerate() {
        if index > 0 {
            address.push('/');
        }
        if matches!(segment, "." | "..") {
            address.push_str(&"%252E".repeat(segment.len()));
        } else {
            address.extend(utf8_percent_encode(segment, IN_ADDRESS));
        }
    }
}

/// Returns the text on one line, without control characters.
fn one_line(text: &str) -> String {
    strip(text).replace(['\n', '\t'], " ")
}
