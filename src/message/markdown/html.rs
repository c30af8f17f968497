//! HTML in Markdown: tags go, the words between them stay, and angle brackets that are no HTML stay as well.
//!
//! The parser would take `Vec<String>` for a tag and a line that begins with `<div>` for a block without Markdown
//! in it. So it never sees an opening bracket: [`hide`] replaces it before, [`strip_tags`] looks at it afterwards.

mod names;

use std::borrow::Cow;

use self::names::{BLOCKS, ELEMENTS, FLAGS, TYPE_NAMES};
use super::tokens::{BREAK, LESS_THAN};

/// No longer markup is looked for, so that ten thousand unclosed comments cost no more than one each.
const LONGEST_MARKUP_BYTES: usize = 2048;

/// Replaces each `<` that could open HTML. Escaped ones, autolinks and the `<` of a link's address stay.
pub(super) fn hide(source: &str) -> Cow<'_, str> {
    if !source.contains('<') {
        return Cow::Borrowed(source);
    }
    let mut hidden = String::with_capacity(source.len() + 64);
    let mut rest = source;
    while let Some(at) = rest.find('<') {
        let (before, bracket) = rest.split_at(at);
        hidden.push_str(before);
        rest = bracket.get(1..).unwrap_or_default();
        let opens = rest.starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next));
        let escaped = hidden.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        let address = hidden.ends_with("](") || hidden.ends_with("]: ");
        let keeps = !opens || escaped || address || is_autolink(rest);
        hidden.push(if keeps { '<' } else { LESS_THAN });
    }
    hidden.push_str(rest);
    Cow::Owned(hidden)
}

/// Removes the tags and comments of HTML from a text whose brackets are hidden. Tokens inside a tag go with it.
pub(super) fn strip_tags(text: &str) -> Cow<'_, str> {
    if !text.contains(LESS_THAN) {
        return Cow::Borrowed(text);
    }
    let mut words = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(LESS_THAN) {
        let (before, bracket) = rest.split_at(at);
        words.push_str(before);
        rest = bracket.get(LESS_THAN.len_utf8()..).unwrap_or_default();
        let window = rest.get(..rest.floor_char_boundary(LONGEST_MARKUP_BYTES)).unwrap_or_default();
        match read_markup(window, words.ends_with(|last: char| last.is_alphanumeric() || last == '_')) {
            Some((length, replacement)) => {
                words.push_str(replacement);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => words.push('<'),
        }
    }
    words.push_str(rest);
    Cow::Owned(words)
}

/// Whether `<` and this text are an autolink: a scheme of at least two characters and a colon.
fn is_autolink(rest: &str) -> bool {
    let is_scheme = |character: char| character.is_ascii_alphanumeric() || "+.-".contains(character);
    rest.find(|character| !is_scheme(character)).is_some_and(|end| {
        (2..=32).contains(&end) && rest.get(end..).is_some_and(|rest| rest.starts_with(':'))
    })
}

/// Reads a comment, a declaration or a tag behind its `<`; returns its length and what stands in its place.
fn read_markup(text: &str, glued: bool) -> Option<(usize, &'static str)> {
    for (opening, closing) in [("!--", "-->"), ("![CDATA[", "]]>"), ("!", ">"), ("?", "?>")] {
        if let Some(inside) = text.strip_prefix(opening) {
            return inside.find(closing).map(|at| (opening.len() + at + closing.len(), ""));
        }
    }
    read_tag(text, glued)
}

fn read_tag(text: &str, glued: bool) -> Option<(usize, &'static str)> {
    let inside = text.strip_prefix('/').unwrap_or(text);
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let end = inside.find(|character| !is_name(character))?;
    let (written, attributes) = inside.split_at(end);
    let name = element(written)?;
    let length = attributes_length(attributes)?;
    let is_type = inside.len() == text.len() && length == 1 && is_in(TYPE_NAMES, &name);
    if glued && is_type {
        return None;
    }
    let replacement = match name.as_str() {
        "br" => BREAK_TEXT,
        name if is_in(BLOCKS, name) => " ",
        _ => "",
    };
    Some((text.len() - inside.len() + end + length, replacement))
}

const BREAK_TEXT: &str = "\u{FDD4}";
const _: () = assert!(BREAK as u32 == 0xFDD4, "`BREAK_TEXT` is `BREAK` as text");

/// Returns the name in lower case where it is an element's. `Button`, with one capital, is a type or a component.
fn element(written: &str) -> Option<String> {
    let mut characters = written.chars();
    let first = characters.next()?;
    let capitalised = first.is_ascii_uppercase()
        && written.len() > 1
        && characters.all(|character| !character.is_ascii_uppercase())
        && !written.ends_with(|last: char| last.is_ascii_digit());
    let name = written.to_ascii_lowercase();
    let single_capital = first.is_ascii_uppercase() && written.len() == 1;
    (!capitalised && !single_capital && is_in(ELEMENTS, &name)).then_some(name)
}

/// Looks a word up in one of the lists above, which are sorted.
fn is_in(words: &[&str], word: &str) -> bool {
    words.binary_search(&word).is_ok()
}

/// Returns the length of the attributes up to and including the `>`; `None` where they are none.
fn attributes_length(text: &str) -> Option<usize> {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start();
        for ending in [">", "/>"] {
            if let Some(behind) = trimmed.strip_prefix(ending) {
                return Some(text.len() - behind.len());
            }
        }
        if trimmed.len() == rest.len() {
            return None;
        }
        rest = skip_attribute(trimmed)?;
    }
}

fn skip_attribute(text: &str) -> Option<&str> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || "_:.@-".contains(character);
    let end = text.find(|character| !is_name(character))?;
    let (name, rest) = text.split_at(end);
    let Some(value) = rest.trim_start().strip_prefix('=') else {
        return is_in(FLAGS, &name.to_ascii_lowercase()).then_some(rest);
    };
    let value = value.trim_start();
    match value.chars().next()? {
        quote @ ('"' | '\'') => {
            let inside = value.get(1..)?;
            inside.get(inside.find(quote)? + 1..)
        }
        '>' => None,
        _ => value.get(value.find(|character: char| character.is_whitespace() || character == '>')?..),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> String {
        strip_tags(&hide(source)).replace(LESS_THAN, "<").replace(BREAK, "⏎")
    }

    #[test]
    fn the_lists_are_sorted() {
        for list in [ELEMENTS, BLOCKS, TYPE_NAMES, FLAGS] {
            assert!(list.is_sorted());
        }
    }

    #[test]
    fn tags_go_and_words_stay() {
        for (source, expected) in [
            ("<b>bold</b> and <i class=x>italic</i>", "bold and italic"),
            ("<img src=x onerror=alert(1)>after", "after"),
            ("<a href=\"https://evil.example/?a>b\">here</a>", "here"),
            ("one<br>two<BR/>three", "one⏎two⏎three"),
            ("<p>one</p><p>two</p>", " one  two "),
            ("a <!-- hidden <b> --> b", "a  b"),
            ("<!DOCTYPE html><?php echo 1 ?>x", "x"),
            ("<ScRiPt>alert(1)</sCrIpT>", "alert(1)"),
            ("<details open><summary>more</summary></details>", "  more  "),
            ("<H1>title</H1>", " title "),
        ] {
            assert_eq!(words(source), expected, "{source}");
        }
    }

    #[test]
    fn angle_brackets_that_are_no_tags_stay() {
        for text in [
            "Vec<String>",
            "Result<Vec<u8>, Error>",
            "a < b and b > c",
            "if a <b and c> d",
            "Option<T> and HashMap<K, V>",
            "/users/<id>/posts",
            "the <Button> component and <Link to='/x'>",
            "Array<object>",
            "<unclosed",
            "<b unclosed",
            "<b title=\"never closed>",
            "<!-- never closed",
            "<",
            "<>",
            "</>",
            "<@U123> <!channel",
        ] {
            assert_eq!(words(text), text);
        }
    }

    #[test]
    fn addresses_and_escaped_brackets_are_left_to_the_parser() {
        for source in
            ["<https://sentry.io>", "\\<b>", "[a](<https://x.example/a b>)", "[a]: <https://x.example>"]
        {
            assert_eq!(hide(source), source);
        }
        assert_eq!(hide("\\\\<b>"), format!("\\\\{LESS_THAN}b>"));
    }
}
