//! The filter `sentence`: cuts a text where a reader would.

mod paragraph;

use tera::{Kwargs, TeraResult};

use self::paragraph::Kind;

/// As many characters as fit into a glance.
const DEFAULT_LENGTH: usize = 300;

/// Returns the first `count` sentences of a text, or as many words of them as `length` characters hold.
pub(super) fn cut_by_arguments(text: &str, arguments: &Kwargs) -> TeraResult<String> {
    let count = arguments.get::<usize>("count")?.unwrap_or(1).max(1);
    let length = arguments.get::<usize>("length")?.unwrap_or(DEFAULT_LENGTH).max(1);
    Ok(cut(text, count, length))
}

/// The first paragraph of words counts alone: headings, rules and code before it are passed over. A full stop inside
/// `` `code` `` ends no sentence.
fn cut(text: &str, count: usize, length: usize) -> String {
    let text = text.trim();
    match paragraph::most_telling(text) {
        (Kind::Words, paragraph) => cut_words(paragraph, paragraph.len() < text.len(), count, length),
        (Kind::Code, code) => cut_code(code, length),
        (Kind::Heading, heading) => cut_words(heading.trim_start_matches('#').trim(), false, count, length),
        (Kind::Rule, _) => String::new(),
    }
}

fn cut_words(paragraph: &str, more_follows: bool, count: usize, length: usize) -> String {
    // What is announced stands in another paragraph, or in code that is too long to stand here.
    let (paragraph, more_follows) = match paragraph::code_in(paragraph) {
        Some(at) if paragraph.chars().nth(length).is_some() => {
            (paragraph.get(..at).unwrap_or_default().trim_end(), true)
        }
        _other => (paragraph, more_follows),
    };
    if let Some(announcement) = paragraph.strip_suffix(':').filter(|_| more_follows) {
        return cut_words(&format!("{announcement}…"), false, count, length);
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

/// Returns whole lines of fenced code, and its fence closed.
fn cut_code(code: &str, length: usize) -> String {
    let mut used = 0;
    let fits = |line: &&str| {
        used += line.chars().count();
        used <= length
    };
    let kept: String = code.split_inclusive('\n').take_while(fits).collect();
    let marker = paragraph::fence(code.lines().next().unwrap_or_default()).unwrap_or("```");
    match kept.len() {
        all if all == code.len() => kept,
        _ if kept.lines().count() > 1 => format!("{kept}…\n{marker}"),
        _ => "…".to_owned(),
    }
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
            (1, "Guard it like this:\n```\nx\n```", "Guard it like this:\n```\nx\n```"),
            (1, "# Summary\n\nThe worker dies. Often.", "The worker dies."),
            (1, "---\n\n```\na. b\n\nc\n```\n\nIt dies.", "It dies."),
            (1, "First line\r\n\r\nsecond", "First line"),
            (1, "First line\n  \nsecond", "First line"),
            (1, "## Only a heading", "Only a heading"),
            (1, "```py\na = 1\n\nb = 2\n```", "```py\na = 1\n\nb = 2\n```"),
            (1, "#hashtag is no heading", "#hashtag is no heading"),
            (1, "***", ""),
            (1, "```x``` is a span. Yes.", "```x``` is a span."),
        ] {
            assert_eq!(cut(text, count, 300), expected);
        }
    }

    #[test]
    fn code_that_is_too_long_ends_at_a_line_and_its_fence_is_closed() {
        assert_eq!(cut("~~~py\none\ntwo\nthree\n~~~", 1, 14), "~~~py\none\ntwo\n…\n~~~");
        assert_eq!(cut(&format!("```\n{}\n```", "x".repeat(500)), 1, 300), "…");
        assert_eq!(cut(&format!("Run:\n```\n{}\n```", "x\n".repeat(500)), 1, 300), "Run…");
    }

    #[test]
    fn what_is_too_long_ends_at_a_word() {
        assert_eq!(cut("one two, three four", 1, 10), "one two…");
        assert_eq!(cut("one `two three four five`", 1, 15), "one…");
        assert_eq!(cut(&"x".repeat(500), 1, 300), format!("{}…", "x".repeat(300)));
        assert_eq!(cut(&"💥".repeat(11), 1, 10).chars().count(), 11);
    }
}
