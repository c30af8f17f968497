//! Ends of sentences, as far as they can be told from the characters around them.

use super::super::excerpt::{Block, Document, PieceKind, slice};

/// Short forms whose full stop never ends a sentence.
const SHORT_FORMS: &[&str] =
    &["approx", "ca", "cf", "dr", "e.g", "i.e", "incl", "mr", "mrs", "ms", "prof", "resp", "st", "viz", "vs"];
/// Short forms that stand before a number.
const NUMBERED: &[&str] = &["ch", "eq", "fig", "figs", "no", "nos", "nr", "p", "pp", "sec", "vol"];
/// Short forms that may stand at the end of a sentence; what comes then tells.
const LAST_WORDS: &[&str] = &["al", "co", "corp", "etc", "inc", "jr", "ltd", "sr"];

/// Returns where so many sentences of a block end; `None` where it has no more than these. A full stop inside
/// `` `code` `` ends none.
pub(super) fn of_sentences(document: &Document<'_>, block: &Block, count: usize) -> Option<usize> {
    if block.kind != super::Kind::Words {
        return None;
    }
    let shown = slice(&document.shown, 0..block.shown.end);
    let mut left = count;
    let mut behind = block.shown.start;
    for piece in document.pieces(block) {
        let is_text = matches!(piece.kind, PieceKind::Text | PieceKind::Glyph);
        for (offset, character) in slice(shown, piece.shown.clone()).char_indices() {
            let at = piece.shown.start + offset;
            if !is_text || at < behind || !is_mark(character) {
                continue;
            }
            let after = slice(shown, at..shown.len());
            behind = at + (after.len() - after.trim_start_matches(is_end).len());
            let before = slice(shown, block.shown.start..at);
            let rest = slice(shown, behind..shown.len());
            let is_apart = rest.chars().next().is_none_or(char::is_whitespace) || is_wide(character);
            if is_apart && !(character == '.' && is_short_form(before, rest)) {
                left -= 1;
            }
            if left == 0 {
                return (!rest.trim().is_empty()).then_some(behind);
            }
        }
    }
    None
}

/// Whether a character ends sentences.
fn is_mark(character: char) -> bool {
    matches!(character, '.' | '!' | '?' | '؟' | '۔' | '।' | '॥' | '։') || is_wide(character)
}

/// Whether a character ends sentences where no spaces stand between words.
fn is_wide(character: char) -> bool {
    matches!(character, '。' | '！' | '？' | '｡' | '．')
}

/// Whether a character ends sentences or closes what one is in.
pub(super) fn is_end(character: char) -> bool {
    is_mark(character) || matches!(character, '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '」' | '』' | '）')
}

/// Whether a space belongs behind it.
pub(super) fn is_spaced_end(character: char) -> bool {
    is_end(character) && !is_wide(character) && !matches!(character, '」' | '』' | '）')
}

/// Whether the full stop between these belongs to a short form, or to a number that the text begins with.
fn is_short_form(before: &str, after: &str) -> bool {
    let is_edge = |character: char| character.is_whitespace() || "([\"'“‘/".contains(character);
    let written = before.rsplit(is_edge).next().unwrap_or_default();
    if !written.is_empty() && before == written && written.chars().all(|each| each.is_ascii_digit()) {
        return true;
    }
    let word = written.to_lowercase();
    let next = after.trim_start().chars().next();
    let is_in = |words: &[&str]| words.contains(&word.as_str());
    is_in(SHORT_FORMS)
        || (is_in(NUMBERED) && next.is_some_and(|next| next.is_numeric() || next == '#'))
        || (is_in(LAST_WORDS) && next.is_some_and(|next| !next.is_uppercase()))
}
