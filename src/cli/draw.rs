//! Pages for people: indented lines that are wrapped where a terminal ends, and a little colour.
//!
//! `route`, `explain`, `show` and `backtest` draw with these; what they say is theirs.

pub(super) mod deliveries;
pub(super) mod routes;

use textwrap::core::display_width;

use super::Terminal;
use super::table::clean;
use crate::delivery::Part;

/// How wide the labels of facts are.
const LABEL: usize = 9;

/// What follows stands so much further to the right.
pub(super) const STEP: usize = 4;

/// How a piece of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// As the terminal writes.
    Plain,
    /// What one looks for.
    Strong,
    /// What one may skip.
    Quiet,
    /// It went well.
    Good,
    /// It is on its way.
    Busy,
    /// It went wrong.
    Bad,
}

impl Look {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Quiet => Some("2"),
            Self::Good => Some("32"),
            Self::Busy => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// A piece of a line.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    look: Look,
    text: String,
}

/// Makes a piece; strangers' text can do no harm in it.
pub(super) fn piece(look: Look, text: impl AsRef<str>) -> Piece {
    Piece { look, text: clean(text.as_ref()) }
}

/// Makes a plain piece.
pub(super) fn plain(text: impl AsRef<str>) -> Piece {
    piece(Look::Plain, text)
}

/// Returns the word of a part behind `before`; nothing for a message, which is what one expects.
pub(super) fn beside(before: &str, part: Part) -> String {
    if part == Part::Message { String::new() } else { format!("{before}{part}") }
}

/// A page as it grows.
#[derive(Debug)]
pub(super) struct Page {
    terminal: Terminal,
    text: String,
}

impl Page {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, text: String::new() }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Leaves a line empty.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds what is known of something, under its label.
    pub(super) fn fact(&mut self, label: &str, value: impl IntoIterator<Item = Piece>) {
        let label = piece(Look::Quiet, format!("{label:<LABEL$}"));
        self.line(0, LABEL, std::iter::once(label).chain(value));
    }

    /// Adds a line that begins `indent` columns from the left. Where it is too long, what follows begins `hang` columns
    /// further to the right.
    pub(super) fn line(&mut self, indent: usize, hang: usize, pieces: impl IntoIterator<Item = Piece>) {
        let width = if self.terminal.is_terminal { self.terminal.width } else { usize::MAX };
        self.text.extend(std::iter::repeat_n(' ', indent));
        let mut column = indent;
        let mut is_first = true;
        for piece in pieces {
            for (number, part) in words(&piece.text).into_iter().enumerate() {
                let wide = display_width(part.trim_end());
                let is_new_word = number > 0 || self.text.ends_with(' ') || is_first;
                if is_new_word && !is_first && column + wide > width && column > indent + hang {
                    let kept = self.text.trim_end_matches(' ').len();
                    self.text.truncate(kept);
                    self.text.push('\n');
                    self.text.extend(std::iter::repeat_n(' ', indent + hang));
                    column = indent + hang;
                }
                self.paint(piece.look, part);
                column += display_width(part);
                is_first = false;
            }
        }
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }

    /// Writes a word in its look; the spaces behind it have none.
    fn paint(&mut self, look: Look, word: &str) {
        let bare = word.trim_end_matches(' ');
        match look.code().filter(|_| self.terminal.colour && !bare.is_empty()) {
            None => self.text.push_str(word),
            Some(code) => {
                self.text += "\u{1b}[";
                self.text += code;
                self.text.push('m');
                self.text += bare;
                self.text += "\u{1b}[0m";
                self.text.push_str(word.get(bare.len()..).unwrap_or_default());
            }
        }
    }
}

/// Parts a text into words, each with the spaces behind it.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(' ').unwrap_or(rest.len());
        let spaces = rest.get(word..).map_or(0, |after| after.len() - after.trim_start_matches(' ').len());
        let (first, after) = rest.split_at(word + spaces);
        words.push(first);
        rest = after;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: usize, colour: bool, draw: impl Fn(&mut Page)) -> String {
        let mut page = Page::new(Terminal { is_terminal: true, colour, width });
        draw(&mut page);
        page.into_text()
    }

    #[test]
    fn a_long_line_goes_on_further_to_the_right() {
        let line = |page: &mut Page| page.line(2, 3, [piece(Look::Strong, "one "), plain("two  three four")]);
        assert_eq!(drawn(80, false, line), "  one two  three four\n");
        assert_eq!(drawn(11, false, line), "  one two\n     three\n     four\n");
        assert_eq!(drawn(3, false, line), "  one\n     two\n     three\n     four\n", "no word is broken");
    }

    #[test]
    fn what_belongs_together_is_not_parted_where_a_piece_ends() {
        let line = |page: &mut Page| {
            page.line(0, 2, [plain("see `"), piece(Look::Strong, "acme/api"), plain("`, too")]);
        };
        assert_eq!(drawn(9, false, line), "see `acme/api`,\n  too\n");
    }

    #[test]
    fn colour_is_put_around_words_and_counts_for_no_width() {
        let line = |page: &mut Page| page.fact("run", [piece(Look::Good, "a b"), plain("")]);
        assert_eq!(
            drawn(80, true, line),
            "\u{1b}[2mrun\u{1b}[0m      \u{1b}[32ma\u{1b}[0m \u{1b}[32mb\u{1b}[0m\n"
        );
        assert_eq!(drawn(80, false, line), "run      a b\n");
    }

    #[test]
    fn strangers_text_moves_no_cursor() {
        let line = |page: &mut Page| page.line(0, 0, [plain("a\u{1b}[2Jb\nc")]);
        assert_eq!(drawn(80, true, line), "a[2Jbc\n");
    }
}
