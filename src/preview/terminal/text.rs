//! Styled text for a terminal: cleaned, wrapped and painted.
//!
//! The one gate between a stranger's text and the terminal: a [`Span`] is made only by cleaning, so that no escape
//! sequence and no invisible character of a body gets out. Knows no platform.

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use super::Style;

/// One line of a picture, no wider than what it was wrapped for.
pub(crate) type Line = Vec<Span>;

/// How characters look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    marks: u8,
    ink: Option<u8>,
    ground: Option<u8>,
}

impl Look {
    pub(crate) const PLAIN: Self = Self { marks: 0, ink: None, ground: None };
    pub(crate) const BOLD: Self = Self::mark(1);
    pub(crate) const DIM: Self = Self::mark(1 << 1);
    pub(crate) const ITALIC: Self = Self::mark(1 << 2);
    pub(crate) const UNDERLINE: Self = Self::mark(1 << 3);
    pub(crate) const STRIKE: Self = Self::mark(1 << 4);
    pub(crate) const LINK: Self = Self { marks: Self::UNDERLINE.marks, ink: Some(33), ground: None };
    pub(crate) const CODE: Self = Self { marks: 1 << 5, ink: Some(216), ground: Some(236) };
    pub(crate) const BUTTON: Self = Self { marks: 1, ink: Some(255), ground: Some(240) };
    pub(crate) const PRIMARY_BUTTON: Self = Self { marks: 1, ink: Some(255), ground: Some(29) };
    pub(crate) const MENTION: Self = Self { marks: 1, ink: Some(16), ground: Some(221) };
    pub(crate) const FRAME: Self = Self::ink(242);
    pub(crate) const QUIET: Self = Self::ink(245);

    /// How each mark is asked for: its bit and its code.
    const CODES: [(Self, &'static str); 5] = [
        (Self::BOLD, "1"),
        (Self::DIM, "2"),
        (Self::ITALIC, "3"),
        (Self::UNDERLINE, "4"),
        (Self::STRIKE, "9"),
    ];

    const fn mark(marks: u8) -> Self {
        Self { marks, ink: None, ground: None }
    }

    /// Returns a look in one of the 256 colours.
    pub(crate) const fn ink(colour: u8) -> Self {
        Self { marks: 0, ink: Some(colour), ground: None }
    }

    /// Returns this look on a ground of one of the 256 colours.
    pub(crate) const fn and_ground(self, colour: u8) -> Self {
        Self { marks: self.marks, ink: self.ink, ground: Some(colour) }
    }

    /// Returns the look in the one of the 256 colours that is nearest to a 24-bit colour.
    pub(crate) fn rgb(colour: u32) -> Self {
        let level = |shift: u32| match (colour >> shift) & 0xff {
            0..48 => 0,
            48..115 => 1,
            other => u8::try_from((other - 35) / 40).unwrap_or(5),
        };
        Self::ink(16 + 36 * level(16) + 6 * level(8) + level(0))
    }

    /// Returns this look with another on top.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            marks: self.marks | other.marks,
            ink: other.ink.or(self.ink),
            ground: other.ground.or(self.ground),
        }
    }

    fn has(self, other: Self) -> bool {
        self.marks & other.marks != 0
    }

    fn escape(self) -> String {
        let marks =
            Self::CODES.iter().filter(|(mark, _)| self.has(*mark)).map(|(_, code)| (*code).to_owned());
        let ink = self.ink.map(|colour| format!("38;5;{colour}"));
        let ground = self.ground.map(|colour| format!("48;5;{colour}"));
        marks.chain(ink).chain(ground).collect::<Vec<_>>().join(";")
    }
}

/// Characters of one look; the text is clean: its only control character is the line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    text: String,
    look: Look,
    target: Option<String>,
}

impl Span {
    /// Cleans a text: control characters become pictures of themselves, invisible ones go.
    pub(crate) fn new(text: &str, look: Look) -> Self {
        Self { text: clean(text), look, target: None }
    }

    /// Returns a text without a look.
    pub(crate) fn plain(text: &str) -> Self {
        Self::new(text, Look::PLAIN)
    }

    /// Returns words that lead somewhere.
    pub(crate) fn link(words: &str, target: &str, look: Look) -> Self {
        Self { target: Some(clean(target)), ..Self::new(words, look.and(Look::LINK)) }
    }

    /// Returns the text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns where the words lead.
    pub(crate) fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    fn part(&self, text: &str) -> Self {
        Self { text: text.to_owned(), look: self.look, target: self.target.clone() }
    }

    /// Without colours code and links would look like any word: marks and the address stand in.
    fn marked(&self, style: Style) -> Self {
        if style.colour || self.text.trim().is_empty() {
            return self.clone();
        }
        if self.look.has(Look::CODE) {
            return self.part(&format!("`{}`", self.text));
        }
        match self.target() {
            Some(target) if target != self.text => self.part(&format!("{} ({target})", self.text)),
            _ => self.clone(),
        }
    }
}

fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\n' => cleaned.push('\n'),
            '\t' => cleaned.push_str("    "),
            '\u{7f}' => cleaned.push('\u{2421}'),
            '\0'..='\u{1f}' => {
                cleaned.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'));
            }
            control if control.is_control() => cleaned.push('\u{fffd}'),
            invisible if is_invisible(invisible) => {}
            visible => cleaned.push(visible),
        }
    }
    cleaned
}

/// Characters that turn the direction of writing, join or vary others, or take no room: a terminal and
/// `display_width` disagree on them, and a frame would break.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns how many columns a line takes.
pub(crate) fn width(line: &[Span]) -> usize {
    line.iter().map(|span| display_width(&span.text)).sum()
}

/// Breaks text into lines that fit, at spaces where there are any.
pub(crate) fn wrap(spans: &[Span], style: Style) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = Line::new();
    for span in spans {
        let span = span.marked(style);
        let mut pieces = span.text.split('\n');
        line.extend(pieces.next().map(|piece| span.part(piece)));
        for piece in pieces {
            lines.extend(wrap_line(&line, style.width));
            line = vec![span.part(piece)];
        }
    }
    lines.extend(wrap_line(&line, style.width));
    lines
}

fn wrap_line(spans: &[Span], columns: usize) -> Vec<Line> {
    let text: String = spans.iter().map(Span::text).collect();
    let options = Options::new(columns.max(1))
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let mut cursor = 0;
    let mut lines = Vec::new();
    for piece in textwrap::wrap(&text, options) {
        // Only spaces lie between two pieces, and no piece but the first begins with one: the next find is it.
        let skipped = text.get(cursor..).and_then(|rest| rest.find(piece.as_ref())).unwrap_or_default();
        let start = cursor + skipped;
        cursor = start + piece.len();
        lines.push(cut(spans, start, cursor));
    }
    lines
}

fn cut(spans: &[Span], start: usize, end: usize) -> Line {
    let mut line = Line::new();
    let mut offset = 0;
    for span in spans {
        let from = start.saturating_sub(offset).min(span.text.len());
        let to = end.saturating_sub(offset).min(span.text.len());
        offset += span.text.len();
        line.extend(span.text.get(from..to).filter(|part| !part.is_empty()).map(|part| span.part(part)));
    }
    line
}

/// Puts one span before the first line and another before all others.
pub(crate) fn hang(first: &Span, others: &Span, lines: Vec<Line>) -> Vec<Line> {
    let heads = std::iter::once(first).chain(std::iter::repeat(others));
    heads.zip(lines).map(|(head, line)| std::iter::once(head.clone()).chain(line).collect()).collect()
}

/// Puts a head before text, which is wrapped beside it.
pub(crate) fn beside(head: &Span, spans: &[Span], style: Style) -> Vec<Line> {
    let columns = display_width(&head.text);
    let margin = Span::plain(&" ".repeat(columns));
    hang(head, &margin, wrap(spans, style.narrower(columns)))
}

/// Fills a line up with spaces.
pub(crate) fn pad(mut line: Line, columns: usize) -> Line {
    line.push(Span::plain(&" ".repeat(columns.saturating_sub(width(&line)))));
    line
}

/// Puts cells beside one another, so many in a row.
pub(crate) fn columns(cells: Vec<Vec<Line>>, per_row: usize, column: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut cells = cells.into_iter().peekable();
    while cells.peek().is_some() {
        let row: Vec<_> = cells.by_ref().take(per_row.max(1)).collect();
        let height = row.iter().map(Vec::len).max().unwrap_or_default();
        lines.extend((0..height).map(|at| {
            row.iter()
                .flat_map(|cell| pad(cell.get(at).cloned().unwrap_or_default(), column))
                .collect::<Line>()
        }));
    }
    lines
}

/// Writes a line, with escape sequences of its own only where colours are asked for.
pub(crate) fn paint(line: &[Span], style: Style) -> String {
    let mut painted = String::new();
    for span in line {
        let text = span.text.replace('\n', " ");
        if style.colour && span.look != Look::PLAIN && !text.is_empty() {
            painted.extend(["\u{1b}[", &span.look.escape(), "m", &text, "\u{1b}[0m"]);
        } else {
            painted.push_str(&text);
        }
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { colour: false, width: 12 };

    fn painted(spans: &[Span], style: Style) -> Vec<String> {
        wrap(spans, style).iter().map(|line| paint(line, style)).collect()
    }

    #[test]
    fn control_characters_become_pictures_and_invisible_ones_go() {
        let span = Span::plain("a\u{1b}[31m\u{7}\u{9b}b\u{202e}\u{200b}c\r\nd\te\u{7f}");
        assert_eq!(span.text(), "a␛[31m␇\u{fffd}bc\nd    e␡");
    }

    #[test]
    fn looks_go_on_over_a_line_break() {
        let spans = [Span::plain("one "), Span::new("two three four", Look::BOLD)];
        let style = Style { colour: true, width: 8 };
        assert_eq!(
            painted(&spans, style),
            ["one \u{1b}[1mtwo\u{1b}[0m", "\u{1b}[1mthree\u{1b}[0m", "\u{1b}[1mfour\u{1b}[0m"]
        );
    }

    #[test]
    fn long_words_are_broken_and_leading_spaces_are_kept() {
        assert_eq!(
            painted(&[Span::plain("    indented\nabcdefghijklmnop")], PLAIN),
            ["    indented", "abcdefghijkl", "mnop"]
        );
    }

    #[test]
    fn empty_lines_are_kept() {
        assert_eq!(painted(&[Span::plain("a\n\nb")], PLAIN), ["a", "", "b"]);
    }

    #[test]
    fn code_keeps_its_marks_only_where_there_are_no_colours() {
        let code = [Span::new("x", Look::CODE)];
        assert_eq!(painted(&code, PLAIN), ["`x`"]);
        assert_eq!(
            painted(&code, Style { colour: true, width: 12 }),
            ["\u{1b}[38;5;216;48;5;236mx\u{1b}[0m"]
        );
    }

    #[test]
    fn links_show_their_address_only_where_there_are_no_colours() {
        let link = [Span::link("PR", "https://a.dev", Look::PLAIN)];
        assert_eq!(painted(&link, Style { colour: false, width: 40 }), ["PR (https://a.dev)"]);
        assert_eq!(painted(&link, Style { colour: true, width: 40 }), ["\u{1b}[4;38;5;33mPR\u{1b}[0m"]);
    }

    #[test]
    fn columns_stand_beside_one_another() {
        let cells = ["a\nb", "c", "d"].map(|text| wrap(&[Span::plain(text)], PLAIN)).to_vec();
        let lines: Vec<_> = columns(cells, 2, 4).iter().map(|line| paint(line, PLAIN)).collect();
        assert_eq!(lines, ["a   c   ", "b       ", "d   "]);
    }
}
