//! Fitting: how a text of any size is made to keep within a limit, and what is dropped from every text.
//!
//! Limits count Unicode code points; a cut never splits a grapheme and ends in `…`. Knows no platform: how a
//! character is written is its caller's business. Costs grow with the room, not with the text.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

/// The mark of a cut.
const ELLIPSIS: char = '…';

/// A grapheme of more code points than this is no character of any script and may be split.
const LONGEST_GRAPHEME: usize = 64;

/// No dialect writes a sign of ASCII as more code points than this, and any other character as more than itself.
const WIDEST_ESCAPE: usize = 8;

/// Where a text is best cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// After a sentence, else before a word.
    Prose,
    /// After a line.
    Lines,
}

/// What [`write()`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Code points that were added, the mark of a cut included.
    pub(crate) used: usize,
    /// Whether something was left out.
    pub(crate) cut: bool,
}

/// A place where the output may end.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    bytes: usize,
    used: usize,
}

/// Writes `text` to `out`, at most `room` code points as `escape` writes them, cut at the best boundary.
///
/// `escape` gets the output, a character, and what follows it.
pub(crate) fn write(
    out: &mut String,
    room: usize,
    text: &str,
    boundary: Boundary,
    mut escape: impl FnMut(&mut String, char, &str),
) -> Written {
    let start = Mark { bytes: out.len(), used: 0 };
    if boundary == Boundary::Prose && fits_however_written(text, room) {
        // It fits whatever it holds: nobody has to look for places to cut, which costs more than all the rest.
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            escape(out, character, characters.as_str());
        }
        let used = out.get(start.bytes..).unwrap_or_default().chars().count();
        return Written { used, cut: false };
    }
    let (mut any, mut good, mut best) = (start, start, start);
    let mut used = 0;
    let mut after_stop = false;
    for (offset, piece) in pieces(text) {
        let before = out.len();
        for (index, character) in piece.char_indices() {
            let rest = text.get(offset + index + character.len_utf8()..).unwrap_or_default();
            escape(out, character, rest);
        }
        let here = Mark { bytes: before, used };
        used += out.get(before..).unwrap_or_default().chars().count();
        let fits = used < room;
        if piece.starts_with(char::is_whitespace) {
            good = if here.used < room { here } else { good };
            let ends = if boundary == Boundary::Lines { piece.contains('\n') } else { after_stop };
            best = if ends && fits { Mark { bytes: out.len(), used } } else { best };
        }
        after_stop = piece.ends_with(['.', '!', '?', '。', '！', '？']);
        any = if fits { Mark { bytes: out.len(), used } } else { any };
        if used > room {
            return cut(out, room, [best, good, any], start);
        }
    }
    Written { used, cut: false }
}

/// Whether a text of prose fits whatever its signs are written as.
fn fits_however_written(text: &str, room: usize) -> bool {
    let widest =
        |byte: u8| if byte.is_ascii_punctuation() || byte.is_ascii_control() { WIDEST_ESCAPE } else { 1 };
    text.len() <= room && text.bytes().map(widest).sum::<usize>() <= room
}

/// Ends the output at the best of the marks, in order of preference, and says so.
fn cut(out: &mut String, room: usize, marks: [Mark; 3], start: Mark) -> Written {
    let [_, _, any] = marks;
    let mark = marks.into_iter().find(|mark| mark.used > 0 && mark.used * 2 >= room).unwrap_or(any);
    if room == 0 {
        out.truncate(start.bytes);
        return Written { used: 0, cut: true };
    }
    out.truncate(mark.bytes);
    out.push(ELLIPSIS);
    Written { used: mark.used + 1, cut: true }
}

/// Returns the graphemes with their byte offsets, monstrous ones in single characters.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.grapheme_indices(true).flat_map(|(offset, grapheme)| {
        let monstrous = grapheme.len() > LONGEST_GRAPHEME && grapheme.chars().nth(LONGEST_GRAPHEME).is_some();
        let whole = (!monstrous).then_some((offset, grapheme));
        let split = if monstrous { grapheme } else { "" };
        let singles = split.char_indices().filter_map(move |(index, character)| {
            Some((offset + index, split.get(index..index + character.len_utf8())?))
        });
        whole.into_iter().chain(singles)
    })
}

/// Returns at most `room` code points of the text, unescaped.
pub(crate) fn shortened(text: &str, room: usize) -> String {
    let mut out = String::new();
    write(&mut out, room, text, Boundary::Prose, |out, character, _| out.push(character));
    out
}

/// Returns the text without control characters, line breaks and tabs as spaces.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(|character: char| character.is_control() || is_line_break(character)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|character| if is_line_break(character) || character == '\t' { ' ' } else { character })
            .filter(|character| !character.is_control())
            .collect(),
    )
}

/// Returns the text without control characters other than tabs, and with `\n` for every line break.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    let kept = |character: char| matches!(character, '\n' | '\t');
    let odd = |character: char| !kept(character) && (character.is_control() || is_line_break(character));
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n").replace(is_line_break, "\n");
    Cow::Owned(text.chars().filter(|character| !odd(*character)).collect())
}

fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str, room: usize) -> String {
        let mut out = String::new();
        write(&mut out, room, text, Boundary::Lines, |out, character, _| out.push(character));
        out
    }

    #[test]
    fn what_fits_exactly_is_left_alone() {
        assert_eq!(shortened("four", 4), "four");
        assert_eq!(shortened("", 0), "");
    }

    #[test]
    fn prose_is_cut_after_a_sentence_else_before_a_word_else_anywhere() {
        assert_eq!(shortened("One sentence here. And another one", 28), "One sentence here. …");
        assert_eq!(shortened("several words without a stop", 20), "several words…");
        assert_eq!(shortened(&"x".repeat(100_000), 5), "xxxx…");
    }

    #[test]
    fn lines_are_cut_after_a_line() {
        assert_eq!(lines_of("first line\nsecond line\nthird", 25), "first line\nsecond line\n…");
    }

    #[test]
    fn a_grapheme_is_never_split_unless_it_is_monstrous() {
        let family = "👩‍👩‍👧‍👦";
        assert_eq!(shortened(&family.repeat(3), 16), format!("{family}{family}…"));
        let monstrous = format!("a{}", "\u{301}".repeat(10_000));
        assert_eq!(shortened(&monstrous, 100).chars().count(), 100);
    }

    #[test]
    fn escapes_count_and_are_never_split() {
        let mut out = String::from("before:");
        let written = write(&mut out, 10, "&&&", Boundary::Prose, |out, _, _| out.push_str("&amp;"));
        assert_eq!((out.as_str(), written), ("before:&amp;…", Written { used: 6, cut: true }));
    }

    #[test]
    fn no_dialect_writes_a_character_wider_than_is_reckoned_with() {
        use crate::notify::dialect::{Dialect, Place, write_plain};
        let rests =
            ["", "!", "@", "#", ":", "//", "a:", "everyone", "here", "amp;", "#60;", "https://x", "`", "*"];
        let characters = (0_u8..128).map(char::from).chain(['é', '値', '\u{2060}']);
        let widest = |character: char| {
            let is_sign = character.is_ascii_punctuation() || character.is_ascii_control();
            if is_sign { WIDEST_ESCAPE } else { 1 }
        };
        for (character, rest) in characters.flat_map(|character| rests.map(|rest| (character, rest))) {
            for dialect in [Dialect::Discord, Dialect::Mattermost, Dialect::Slack] {
                for place in [Place::LineStart, Place::AfterDigits, Place::Inside] {
                    for before in ["", "a", "`"] {
                        let mut out = before.to_owned();
                        dialect.escape(&mut out, character, rest, place);
                        assert!(out.chars().count() - before.len() <= widest(character), "{out}");
                        let mut out = before.to_owned();
                        dialect.escape_code(&mut out, character, rest);
                        assert!(out.chars().count() - before.len() <= widest(character), "{out}");
                    }
                }
            }
            let mut out = String::new();
            write_plain(&mut out, character, rest);
            assert!(out.chars().count() <= widest(character), "{out}");
        }
    }

    #[test]
    fn no_room_is_no_panic() {
        assert_eq!(shortened("text", 0), "");
        assert_eq!(shortened("text", 1), "…");
    }

    #[test]
    fn control_characters_are_dropped_and_line_breaks_become_spaces_or_stay() {
        assert_eq!(one_line("a\u{0}b\r\nc\td\u{2028}e"), "ab  c d e");
        assert_eq!(lines("a\r\nb\u{7}\rc\td"), "a\nb\nc\td");
    }
}
