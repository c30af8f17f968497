//! Tokens: opaque stand-ins for values on their way through the Markdown parser.
//!
//! A token is a kind, an index in hexadecimal and an end, all of them Unicode noncharacters: the parser takes them
//! for letters, never splits and never escapes them, and nothing real is lost when they are stripped from input.
//! So a value can neither make structure nor break it, wherever it stands. Knows nothing of templates.

use std::borrow::Cow;

/// Opens a token whose value is literal text.
const TEXT: char = '\u{FDD0}';
/// Opens a token whose value is Markdown of its own.
const MARKDOWN: char = '\u{FDD1}';
/// Ends a token.
const END: char = '\u{FDD2}';
/// Stands for a `<` that the parser must not take for HTML.
pub(super) const LESS_THAN: char = '\u{FDD3}';
/// Stands for a line break that a `<br>` asked for.
pub(super) const BREAK: char = '\u{FDD4}';
/// The sixteen digits of an index.
const ZERO: u32 = 0xFDE0;

/// The values that the tokens of one text stand for.
#[derive(Debug, Default)]
pub struct Values(Vec<String>);

impl Values {
    /// Keeps literal text and returns its token. Tokens that the text holds already are replaced by their values.
    pub fn text(&mut self, value: &str) -> String {
        self.keep(TEXT, value)
    }

    /// Keeps Markdown, to be parsed apart from the text around it, and returns its token.
    pub fn markdown(&mut self, value: &str) -> String {
        self.keep(MARKDOWN, value)
    }

    /// Returns the text with the value of each token in its place.
    pub fn flatten<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !text.contains(is_reserved) {
            return Cow::Borrowed(text);
        }
        let mut flat = String::with_capacity(text.len());
        for segment in self.segments(text) {
            match segment {
                Segment::Source(source) => push_source(&mut flat, source),
                Segment::Text(value) | Segment::Markdown(value) => flat.push_str(value),
            }
        }
        Cow::Owned(flat)
    }

    /// Takes a text apart into what its author wrote and the values in it. Broken tokens are left out.
    pub(super) fn segments<'a>(&'a self, text: &'a str) -> Vec<Segment<'a>> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(is_token_part) {
            let (before, token) = rest.split_at(at);
            if !before.is_empty() {
                segments.push(Segment::Source(before));
            }
            let (segment, length) = self.read(token);
            segments.extend(segment);
            rest = token.get(length..).unwrap_or_default();
        }
        if !rest.is_empty() {
            segments.push(Segment::Source(rest));
        }
        segments
    }

    fn keep(&mut self, kind: char, value: &str) -> String {
        let value = self.flatten(value).into_owned();
        let index = self.0.len();
        self.0.push(value);
        let mut token = String::from(kind);
        token.extend(
            format!("{index:x}")
                .chars()
                .filter_map(|digit| digit.to_digit(16).and_then(|digit| char::from_u32(ZERO + digit))),
        );
        token.push(END);
        token
    }

    /// Reads one token at the start of `text`; returns its value, and how many bytes to skip.
    fn read<'a>(&'a self, text: &'a str) -> (Option<Segment<'a>>, usize) {
        let mut characters = text.char_indices();
        let kind = characters.next().map_or(END, |(_, kind)| kind);
        let broken = (None, kind.len_utf8());
        if kind != TEXT && kind != MARKDOWN {
            return broken;
        }
        let mut index = 0_usize;
        for (at, character) in characters {
            if character == END {
                let Some(value) = self.0.get(index) else { return broken };
                let segment = if kind == TEXT { Segment::Text(value) } else { Segment::Markdown(value) };
                return (Some(segment), at + END.len_utf8());
            }
            let digit = u32::from(character).wrapping_sub(ZERO);
            if digit > 15 || index > self.0.len() {
                return broken;
            }
            index = index * 16 + digit as usize;
        }
        broken
    }
}

/// A part of a text with tokens in it.
#[derive(Debug, PartialEq)]
pub(super) enum Segment<'a> {
    /// As the author wrote it; may hold [`LESS_THAN`] and [`BREAK`].
    Source(&'a str),
    /// Literal text.
    Text(&'a str),
    /// Markdown to be parsed apart.
    Markdown(&'a str),
}

/// Appends what an author wrote, with the stand-ins turned back.
pub(super) fn push_source(text: &mut String, source: &str) {
    text.extend(source.chars().filter_map(|character| match character {
        LESS_THAN => Some('<'),
        BREAK => Some(' '),
        character => (!is_reserved(character)).then_some(character),
    }));
}

/// Returns the text without the characters that tokens are made of and without control characters: NUL and the rest
/// of C0 and C1 except tab and line feed, and the marks that turn the direction of writing. CR LF becomes LF.
pub fn strip(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b' '..=b'~');
    if text.as_bytes().iter().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let drops = |character: char| is_reserved(character) || is_control(character);
    if !text.contains(drops) {
        return Cow::Borrowed(text);
    }
    let text = if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    let kept = text.chars().map(|character| if character == '\r' { '\n' } else { character });
    Cow::Owned(kept.filter(|character| !drops(*character)).collect())
}

fn is_control(character: char) -> bool {
    match character {
        '\t' | '\n' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    }
}

fn is_reserved(character: char) -> bool {
    ('\u{FDD0}'..='\u{FDEF}').contains(&character)
}

fn is_token_part(character: char) -> bool {
    is_reserved(character) && character != LESS_THAN && character != BREAK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_as_its_value() {
        let mut values = Values::default();
        for index in 0..300 {
            let token = values.text(&format!("value {index}"));
            assert_eq!(values.flatten(&format!("a{token}b")), format!("avalue {index}b"));
        }
    }

    #[test]
    fn a_value_that_holds_tokens_is_flattened() {
        let mut values = Values::default();
        let inner = values.markdown("*inner*");
        let outer = values.text(&format!("<{inner}>"));

        assert_eq!(values.segments(&outer), [Segment::Text("<*inner*>")]);
    }

    #[test]
    fn broken_tokens_vanish() {
        let values = Values::default();
        for broken in ["\u{FDD0}", "\u{FDD0}\u{FDE0}", "\u{FDD0}\u{FDE0}\u{FDD2}", "\u{FDD2}", "\u{FDEF}"] {
            assert_eq!(values.flatten(&format!("a{broken}b")), "ab");
        }
        assert_eq!(values.flatten(&format!("\u{FDD0}{}", "\u{FDEF}".repeat(100))), "");
    }

    #[test]
    fn control_and_reserved_characters_are_stripped_and_the_rest_stays() {
        assert_eq!(strip("a\0b\u{7}c\u{7f}\u{85}\u{202e}d\u{2067}\u{fdd0}\u{fdef}e\tf\ng"), "abcde\tf\ng");
        assert_eq!(strip("one\r\ntwo\rthree"), "one\ntwo\nthree");
        assert!(matches!(strip("harmless \u{e000} \u{200f} 💥"), Cow::Borrowed(_)));
    }
}
