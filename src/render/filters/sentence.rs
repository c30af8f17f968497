//! The filter `sentence`: cuts a text where a reader would.

use tera::{Kwargs, TeraResult};

/// As many characters as fit into a glance.
const DEFAULT_LENGTH: usize = 300;

/// Returns the first `count` sentences of a text, or as many words of them as `length` characters hold.
pub(super) fn cut_by_arguments(text: &str, arguments: &Kwargs) -> TeraResult<String> {
    let count = arguments.get::<usize>("count")?.unwrap_or(1).max(1);
    let length = arguments.get::<usize>("length")?.unwrap_or(DEFAULT_LENGTH).max(1);
    Ok(cut(text, count, length))
}

/// The first paragraph counts alone; a full stop inside `` `code` `` ends no sentence.
fn cut(text: &str, count: usize, length: usize) -> String {
    let text = text.trim();
    let paragraph = text.split("\n\n").next().unwrap_or_default().trim_end();
    if let Some(announcement) = paragraph.strip_suffix(':').filter(|_| paragraph.len() < text.len()) {
        return cut(&format!("{announcement}…"), count, length);
    }
    let sentences = paragraph.get(..end_of_sentences(paragraph, count)).unwrap_or(paragraph);
    let Some((end, _)) = sentences.char_indices().nth(length) else { return sentences.to_owned() };
    let head = sentences.get(..end).unwrap_or_default();
    let mut words = head.rfind(char::is_whitespace).and_then(|space| head.get(..space)).unwrap_or(head);
    if words.matches('`').count() % 2 == 1 {
        words = words
            .rfind('`')
            .and_then(|tick| words.get(..tick))
            .filter(|words| !words.trim().is_empty())
            .unwrap_or(words);
    }
    format!("{}…", words.trim_end().trim_end_matches([',', ';', ':', '.', '-']))
}

/// Returns where so many sentences end.
fn end_of_sentences(text: &str, count: usize) -> usize {
    let mut left = count;
    let mut in_code = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        in_code ^= character == '`';
        let ends = matches!(character, '.' | '!' | '?' | '。' | '！' | '？')
            && !in_code
            && (next.is_none_or(char::is_whitespace) || !character.is_ascii())
            && !is_abbreviation(text.get(..at).unwrap_or_default());
        if ends {
            left -= 1;
            if left == 0 {
                return at + character.len_utf8();
            }
        }
    }
    text.len()
}

/// Whether the full stop behind this belongs to a short form.
fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(|character: char| character.is_whitespace() || "(".contains(character)).next();
    let word = word.unwrap_or_default().to_lowercase();
    matches!(word.as_str(), "e.g" | "i.e" | "etc" | "vs" | "cf" | "resp" | "approx" | "no" | "fig")
        || (word == before && word.chars().all(|character| character.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_text_ends_with_its_sentences() {
        for (count, text, expected) in [
            (1, "One. Two. Three.", "One."),
            (2, "One. Two! Three.", "One. Two!"),
            (9, "One. Two", "One. Two"),
            (
                1,
                "Calls `a. b` in v1.2.3 of x.py, e.g. here. Then",
                "Calls `a. b` in v1.2.3 of x.py, e.g. here.",
            ),
            (1, "No full stop\n\nNext paragraph.", "No full stop"),
            (1, "値がない。次の文。", "値がない。"),
            (1, "  ", ""),
            (1, "Guard it like this:\n\n```\nx\n```", "Guard it like this…"),
        ] {
            assert_eq!(cut(text, count, 300), expected);
        }
    }

    #[test]
    fn what_is_too_long_ends_at_a_word() {
        assert_eq!(cut("one two, three four", 1, 10), "one two…");
        assert_eq!(cut("one `two three four five`", 1, 15), "one…");
        assert_eq!(cut(&"x".repeat(500), 1, 300), format!("{}…", "x".repeat(300)));
        assert_eq!(cut(&"💥".repeat(11), 1, 10).chars().count(), 11);
    }
}
