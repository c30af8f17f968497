//! The filter `truncate`: a text of a given length at most.

use tera::{Kwargs, TeraResult};
use unicode_segmentation::UnicodeSegmentation;

use super::arguments::{self, given};
use super::excerpt::{Document, Kind, with_document};
use super::sentence;

/// The mark of a cut.
const ELLIPSIS: &str = "…";
/// A grapheme of more bytes than this is no character of any script.
const LONGEST_GRAPHEME_BYTES: usize = 256;
/// What does not stand before the mark of a cut.
const LOOSE_ENDS: &[char] = &[',', ';', ':', '-'];

/// Returns at most `length` characters of a text, the mark of the cut among them. Characters of markup do not count.
pub(super) fn cut_by_arguments(text: &str, arguments: &Kwargs) -> TeraResult<String> {
    let length = arguments::count("truncate", "length", arguments)?;
    let length = given("truncate", "length", length)?;
    let end = arguments::text("truncate", "end", arguments)?.unwrap_or(ELLIPSIS);
    Ok(cut(text, length, end))
}

/// Cuts before a word where that keeps at least half, else between two graphemes. Never inside `` `code` ``, and
/// what is bold stays bold.
fn cut(text: &str, length: usize, end: &str) -> String {
    if text.char_indices().nth(length).is_none() {
        return text.to_owned();
    }
    with_document(text, |document| {
        let plain = Some(document.source()).filter(|_| !document.has_markup()).map(Document::plain);
        cut_document(plain.as_ref().unwrap_or(document), length, end)
    })
}

fn cut_document(document: &Document<'_>, length: usize, end: &str) -> String {
    let room = length.saturating_sub(end.chars().count());
    let Some(first) = document.blocks.first().filter(|_| room > 0) else {
        return end.chars().take(length).collect();
    };
    if document.shown.char_indices().nth(length).is_none() {
        return document.source().to_owned();
    }
    let cut = document.settle(end_of_words(&document.shown, room, room.div_ceil(2)), LOOSE_ENDS);
    if cut == 0 {
        return match first.kind {
            Kind::Code | Kind::Table => sentence::lines(document, first, room),
            Kind::Words | Kind::List | Kind::Heading | Kind::Rule => {
                document.inside_code(first, room, end).unwrap_or_else(|| end.to_owned())
            }
        };
    }
    document.beginning(first, cut, end)
}

/// Returns where so many characters end: before a word where that keeps at least `least` characters, else between
/// two graphemes.
pub(super) fn end_of_words(text: &str, room: usize, least: usize) -> usize {
    let mut kept = 0;
    let (mut at, mut word) = (0, 0);
    for (offset, piece) in text.grapheme_indices(true) {
        let piece = if piece.len() > LONGEST_GRAPHEME_BYTES { "" } else { piece };
        if piece.starts_with(char::is_whitespace) && kept >= least {
            word = offset;
        }
        kept += piece.chars().count();
        if kept > room || piece.is_empty() {
            break;
        }
        at = offset + piece.len();
        if at == text.len() {
            break;
        }
    }
    let continues = text.get(at..).is_some_and(|rest| !rest.starts_with(char::is_whitespace));
    if continues && word > 0 { word } else { at }
}

#[cfg(test)]
mod tests;
