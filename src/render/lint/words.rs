//! The words inside a template's tags. Knows no grammar: only names, dots, texts and signs, and where a tag ends.

/// A word in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// As it stands there.
    pub(super) text: &'a str,
    /// Its offset in the template.
    pub(super) at: usize,
}

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{{` or `{%`.
    Begin,
    /// `}}` or `%}`.
    End,
    /// A name or keyword.
    Name,
    /// `.` or `?.`.
    Dot,
    /// Text in quotes, or a number.
    Literal,
    /// Any other character.
    Sign,
}

/// Returns the words of all tags of a template; comments and raw text have none.
pub(super) fn words(source: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some((start, open)) = next_tag(source, at) {
        if open == "{#" {
            at = find(source, start + 2, "#}").map_or(source.len(), |end| end + 2);
            continue;
        }
        let first = words.len();
        at = read_tag(source, start, open, &mut words);
        let is_raw = words.get(first + 1).is_some_and(|word: &Word<'_>| word.text == "raw");
        if open == "{%" && is_raw {
            at = find(source, at, "endraw").unwrap_or(source.len());
            at = find(source, at, "%}").map_or(source.len(), |end| end + 2);
        }
    }
    words
}

fn next_tag(source: &str, from: usize) -> Option<(usize, &'static str)> {
    ["{{", "{%", "{#"].into_iter().filter_map(|open| Some((find(source, from, open)?, open))).min()
}

fn find(source: &str, from: usize, text: &str) -> Option<usize> {
    source.get(from..)?.find(text).map(|at| from + at)
}

/// Reads one tag and returns where it ends.
fn read_tag<'a>(source: &'a str, start: usize, open: &str, words: &mut Vec<Word<'a>>) -> usize {
    let close = if open == "{{" { "}}" } else { "%}" };
    let mut at = start;
    let mut add = |kind, length: usize, at: &mut usize| {
        words.push(Word { kind, text: source.get(*at..*at + length).unwrap_or_default(), at: *at });
        *at += length;
    };
    add(Kind::Begin, open.len(), &mut at);
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(close) {
            add(Kind::End, close.len(), &mut at);
            break;
        }
        let (kind, length) = word(rest);
        match kind {
            Some(kind) => add(kind, length, &mut at),
            None => at += length,
        }
    }
    at
}

/// Returns what a text begins with, and how long that is; white space and the `-` that trims it are nothing.
fn word(rest: &str) -> (Option<Kind>, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    let run = |belongs: fn(char) -> bool| rest.find(|c: char| !belongs(c)).unwrap_or(rest.len());
    match first {
        '"' | '\'' | '`' => (Some(Kind::Literal), text_length(rest, first)),
        '.' => (Some(Kind::Dot), 1),
        '?' if rest.starts_with("?.") => (Some(Kind::Dot), 2),
        '-' => (None, 1),
        first if first.is_whitespace() => (None, first.len_utf8()),
        first if first.is_ascii_digit() => (Some(Kind::Literal), run(|c| c.is_ascii_digit())),
        first if is_name(first) => (Some(Kind::Name), run(is_name)),
        first => (Some(Kind::Sign), first.len_utf8()),
    }
}

fn text_length(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if character == quote && !is_escaped {
            return at + character.len_utf8();
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    rest.len()
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        words(source).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn only_tags_have_words() {
        assert_eq!(
            texts("a.b {{- run?.id | f(x=\"}} \\\" a\") -}} {# {{ no }} #}{% if a[0] %}"),
            [
                "{{",
                "run",
                "?.",
                "id",
                "|",
                "f",
                "(",
                "x",
                "=",
                "\"}} \\\" a\"",
                ")",
                "}}",
                "{%",
                "if",
                "a",
                "[",
                "0",
                "]",
                "%}"
            ]
        );
        assert_eq!(texts("{% raw %}{{ run.nope }}{% endraw %}{{ x }}"), ["{%", "raw", "%}", "{{", "x", "}}"]);
    }

    #[test]
    fn broken_templates_end() {
        for source in ["{{", "{{ \"", "{#", "{% raw %}", "{{ ß.ü", "{%%}{{}}{", "{{ 'a\\"] {
            assert!(words(source).len() <= 6, "{source}");
        }
    }
}
