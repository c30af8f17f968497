//! Paragraphs of Markdown, as far as is needed to find the one that tells the most.
//!
//! No parser: what it takes for code or a heading, the parser that reads the result does, too.

/// What a paragraph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Prose, or a list or quotation, which hold some.
    Words,
    /// Fenced code.
    Code,
    /// `# Heading`.
    Heading,
    /// `---`.
    Rule,
}

/// Returns the first paragraph of words; where there is none, the first code, heading or rule, in this order.
pub(super) fn most_telling(text: &str) -> (Kind, &str) {
    let mut best = (Kind::Rule, "");
    let mut rest = text;
    while let Some((paragraph, after)) = split(rest) {
        rest = after;
        let kind = kind(paragraph);
        if kind == Kind::Words {
            return (kind, paragraph);
        }
        let better = best.1.is_empty() || (kind == Kind::Code && best.0 != Kind::Code);
        if better || (kind == Kind::Heading && best.0 == Kind::Rule) {
            best = (kind, paragraph);
        }
    }
    best
}

/// Returns where fenced code begins inside a paragraph.
pub(super) fn code_in(paragraph: &str) -> Option<usize> {
    let mut at = 0;
    for line in paragraph.split_inclusive('\n') {
        if fence(line).is_some() {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Returns the marker of a line that opens fenced code.
pub(super) fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let marker = line.chars().next().filter(|first| matches!(first, '`' | '~'))?;
    let end = line.find(|next| next != marker).unwrap_or(line.len());
    let (marker, info) = line.split_at_checked(end)?;
    let is_span = marker.starts_with('`') && info.contains('`');
    (marker.len() >= 3 && !is_span).then_some(marker)
}

/// Splits the first paragraph off: up to a blank line outside code, and a heading or leading code by itself.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(['\n', '\r']);
    let kind = kind(text);
    let mut open: Option<&str> = None;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        match open {
            Some(marker) if closes(line, marker) => open = None,
            Some(_) => {}
            None if line.trim().is_empty() => break,
            None => open = fence(line),
        }
        end += line.len();
        if kind == Kind::Heading || (kind == Kind::Code && open.is_none()) {
            break;
        }
    }
    let (paragraph, rest) = text.split_at_checked(end)?;
    (!paragraph.is_empty())
        .then_some((paragraph.trim_end(), rest.trim_start_matches(['\n', '\r', ' ', '\t'])))
}

fn closes(line: &str, marker: &str) -> bool {
    let line = line.trim();
    line.len() >= marker.len() && line.starts_with(marker) && fence(line) == Some(line)
}

fn kind(paragraph: &str) -> Kind {
    let first = paragraph.lines().next().unwrap_or_default().trim();
    let words = first.trim_start_matches('#');
    let level = first.len() - words.len();
    let is_rule = first.len() >= 3
        && ["-", "*", "_"].iter().any(|mark| first.split(mark).all(|between| between.trim().is_empty()));
    if fence(first).is_some() {
        Kind::Code
    } else if (1..=6).contains(&level) && (words.is_empty() || words.starts_with([' ', '\t'])) {
        Kind::Heading
    } else if is_rule {
        Kind::Rule
    } else {
        Kind::Words
    }
}
