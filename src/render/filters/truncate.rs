//! The filter `truncate`: a text of a given length at most.

use tera::{Kwargs, TeraResult};
use unicode_segmentation::UnicodeSegmentation;

/// The mark of a cut.
const ELLIPSIS: &str = "…";
/// A grapheme of more bytes than this is no character of any script.
const LONGEST_GRAPHEME_BYTES: usize = 256;

/// Returns at most `length` characters of a text, the mark of the cut among them.
pub(super) fn cut_by_arguments(text: &str, arguments: &Kwargs) -> TeraResult<String> {
    let length = arguments.must_get::<usize>("length")?;
    let end = arguments.get::<&str>("end")?.unwrap_or(ELLIPSIS);
    Ok(cut(text, length, end))
}

/// Cuts before a word where that keeps at least half, else between two graphemes. Never inside `` `code` ``.
pub(super) fn cut(text: &str, length: usize, end: &str) -> String {
    if text.char_indices().nth(length).is_none() {
        return text.to_owned();
    }
    let room = length.saturating_sub(end.chars().count());
    let mut kept = 0;
    let (mut at, mut word) = (0, 0);
    for (offset, piece) in text.grapheme_indices(true) {
        let piece = if piece.len() > LONGEST_GRAPHEME_BYTES { "" } else { piece };
        if piece.starts_with(char::is_whitespace) && kept * 2 >= room {
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
    let cut = if continues && word > 0 { word } else { at };
    let words = before_open_code(text.get(..cut).unwrap_or_default());
    let words = words.trim_end().trim_end_matches([',', ';', ':', '-']);
    if room == 0 { end.chars().take(length).collect() } else { format!("{words}{end}") }
}

/// Returns the text up to a backtick that would be left open, where something stands before it.
fn before_open_code(words: &str) -> &str {
    if words.matches('`').count().is_multiple_of(2) || words.contains("```") {
        return words;
    }
    let before = words.rfind('`').and_then(|tick| words.get(..tick)).filter(|words| !words.trim().is_empty());
    before.unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_cut_before_a_word_and_in_whole_characters() {
        for (text, length, expected) in [
            ("short", 5, "short"),
            ("one two three", 9, "one two…"),
            ("one two, three", 10, "one two…"),
            ("one two three", 8, "one two…"),
            ("abcdefghij", 5, "abcd…"),
            ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 9, "👩‍👩‍👧‍👦…"),
            ("see `a b c` there", 9, "see…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("値がない。次の文。", 5, "値がない…"),
        ] {
            assert_eq!(cut(text, length, ELLIPSIS), expected, "{text}");
        }
    }

    #[test]
    fn a_monstrous_character_is_left_out() {
        let monstrous = format!("ab{}", "\u{301}".repeat(10_000));
        assert_eq!(cut(&monstrous, 100, ELLIPSIS), "a…");
    }

    proptest! {
        #[test]
        fn what_is_cut_is_a_beginning_and_never_too_long(text in "[a` é👩\u{200d}💥値.,]{0,40}", length in 0_usize..45) {
            let shown = cut(&text, length, ELLIPSIS);
            prop_assert!(shown.chars().count() <= length || text.chars().count() <= length);
            let words = shown.strip_suffix('…').unwrap_or(&shown);
            prop_assert!(text.starts_with(words));
        }
    }
}
