//! Inline writer: words with styles, code and links, in one of the dialects and within a limit.
//!
//! What was opened is always closed: room for it is set aside on opening. Knows no blocks (`markdown.rs`).

use crate::message::{Inline, plain_text};
use crate::notify::dialect::{Dialect, Place, Style, ZERO_WIDTH_SPACE, link_address};
use crate::notify::fit::{self, Boundary};
use crate::words::is_blank;

/// A link whose address is longer than this is shown as its words alone.
const LONGEST_ADDRESS: usize = 2_000;

/// Writes words within a limit.
#[derive(Debug)]
pub(crate) struct InlineWriter {
    dialect: Dialect,
    out: String,
    used: usize,
    limit: usize,
    reserved: usize,
    full: bool,
    place: Place,
    prefix: String,
    waiting: Vec<Style>,
    open: Vec<Style>,
}

impl InlineWriter {
    /// Returns a writer of at most `limit` code points.
    pub(crate) fn new(dialect: Dialect, limit: usize) -> Self {
        Self {
            dialect,
            out: String::new(),
            used: 0,
            limit,
            reserved: 0,
            full: false,
            place: Place::LineStart,
            prefix: String::new(),
            waiting: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Returns what was written.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// Returns whether something was left out; then nothing more is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Returns whether nothing was written yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Returns how many code points may still be written.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.used + self.reserved)
    }

    /// Takes nothing more.
    pub(crate) fn stop(&mut self) {
        self.full = true;
    }

    /// Sets room aside for something that [`Self::close_with`] writes.
    pub(crate) fn reserve(&mut self, code_points: usize) {
        self.reserved += code_points;
    }

    /// Writes markup for which room was set aside.
    pub(crate) fn close_with(&mut self, markup: &str) {
        self.reserved = self.reserved.saturating_sub(markup.chars().count());
        self.push(markup);
    }

    /// Replaces what each further line begins with, and returns what it was.
    pub(crate) fn set_prefix(&mut self, prefix: String) -> String {
        std::mem::replace(&mut self.prefix, prefix)
    }

    /// Returns what each line begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Writes markup of our own; without room for it, nothing more is taken.
    pub(crate) fn markup(&mut self, markup: &str) -> bool {
        if self.full || markup.chars().count() > self.room() {
            self.full = true;
            return false;
        }
        self.push(markup);
        true
    }

    /// Says that the next character stands where a line begins.
    pub(crate) fn start_line(&mut self) {
        self.place = Place::LineStart;
    }

    /// Begins a new line.
    pub(crate) fn new_line(&mut self) -> bool {
        let line = format!("\n{}", self.prefix);
        let written = self.markup(&line);
        self.start_line();
        written
    }

    /// Writes words in the styles they have.
    pub(crate) fn inlines(&mut self, inlines: &[Inline]) {
        for inline in inlines {
            if self.full {
                return;
            }
            match inline {
                Inline::Text(text) => self.text(text),
                Inline::Code(text) => self.code(text),
                Inline::Strong(content) => self.styled(Style::Strong, content),
                Inline::Emphasis(content) => self.styled(Style::Emphasis, content),
                Inline::Strike(content) => self.styled(Style::Strike, content),
                Inline::Link { url, content } => self.link(url, content),
                Inline::Break => {
                    self.new_line();
                }
            }
        }
    }

    /// Writes a literal text.
    pub(crate) fn text(&mut self, literal: &str) {
        let literal = fit::one_line(literal);
        let mut text = literal.as_ref();
        if self.place == Place::LineStart && self.waiting.is_empty() {
            text = text.trim_start();
        }
        if !self.waiting.is_empty() {
            let words = text.trim_start();
            let space = text.split_at(text.len() - words.len()).0;
            self.escaped(space);
            if words.is_empty() || !self.open_waiting() {
                return;
            }
            text = words;
        }
        self.escaped(text);
    }

    fn escaped(&mut self, text: &str) {
        if self.full || text.is_empty() {
            return;
        }
        let (dialect, mut place, room) = (self.dialect, self.place, self.room());
        let written = fit::write(&mut self.out, room, text, Boundary::Prose, |out, character, rest| {
            dialect.escape(out, character, rest, place);
            place = place.after(character);
        });
        self.place = place;
        self.used += written.used;
        self.full = written.cut;
    }

    fn styled(&mut self, style: Style, content: &[Inline]) {
        if self.open.contains(&style) || self.waiting.contains(&style) {
            self.inlines(content);
            return;
        }
        self.waiting.push(style);
        self.inlines(content);
        if self.waiting.last() == Some(&style) {
            self.waiting.pop();
        } else if self.open.last() == Some(&style) {
            self.open.pop();
            self.close_style(style);
        }
    }

    /// Opens the styles that wait for their first word.
    fn open_waiting(&mut self) -> bool {
        for style in std::mem::take(&mut self.waiting) {
            let marker = self.dialect.marker(style);
            let touches = self.out.ends_with(|last| marker.starts_with(last));
            let apart = if touches { ZERO_WIDTH_SPACE.to_string() } else { String::new() };
            let opener = format!("{apart}{marker}");
            if self.room() <= opener.chars().count() + marker.len() {
                self.cut_here();
                return false;
            }
            self.push(&opener);
            self.reserve(marker.len());
            self.open.push(style);
        }
        true
    }

    /// Closes a style before the spaces that its words end in, where a marker would not close.
    fn close_style(&mut self, style: Style) {
        let words = self.out.trim_end_matches(' ').len();
        let spaces = self.out.split_off(words);
        self.close_with(self.dialect.marker(style));
        self.out.push_str(&spaces);
    }

    fn code(&mut self, literal: &str) {
        let literal = fit::one_line(literal);
        let has_backtick = literal.contains('`');
        if is_blank(&literal) || (has_backtick && self.dialect == Dialect::Slack) {
            self.text(&literal);
            return;
        }
        if !self.waiting.is_empty() && !self.open_waiting() {
            return;
        }
        let (fence, pad) = if has_backtick { ("``", " ") } else { ("`", "") };
        let touches = if self.out.ends_with('`') { ZERO_WIDTH_SPACE.to_string() } else { String::new() };
        let opener = format!("{touches}{fence}{pad}");
        let closer = format!("{pad}{fence}");
        if self.room() <= opener.chars().count() + closer.len() + 1 {
            self.cut_here();
            return;
        }
        self.push(&opener);
        self.reserve(closer.len());
        let (dialect, room) = (self.dialect, self.room());
        let written = fit::write(&mut self.out, room, &literal, Boundary::Prose, |out, character, rest| {
            dialect.escape_code(out, character, rest);
        });
        self.used += written.used;
        self.full = written.cut;
        self.close_with(&closer);
        self.place = Place::Inside;
    }

    fn link(&mut self, url: &url::Url, content: &[Inline]) {
        let address = link_address(url);
        let words = plain_text(content);
        let bare = is_blank(&words) || words == url.as_str() || words == address;
        if self.dialect == Dialect::Discord && has_open_bracket(&words) {
            // Discord balances brackets before it takes escapes away: no mask can hold such words.
            self.text(&words);
            self.text(" ");
            self.masked(&address, None);
        } else {
            self.masked(&address, (!bare).then_some((words.as_str(), content)));
        }
    }

    /// Writes a link with words, or without any; where it does not fit, the words alone.
    fn masked(&mut self, address: &str, label: Option<(&str, &[Inline])>) {
        let (opener, closer) = match (self.dialect, label.is_some()) {
            (Dialect::Slack, false) => (format!("<{}", address.replace('&', "&amp;")), ">".to_owned()),
            (Dialect::Slack, true) => (format!("<{}|", address.replace('&', "&amp;")), ">".to_owned()),
            (Dialect::Discord | Dialect::Mattermost, false) => (format!("<{address}"), ">".to_owned()),
            (Dialect::Discord | Dialect::Mattermost, true) => ("[".to_owned(), format!("]({address})")),
        };
        if self.full || (!self.waiting.is_empty() && !self.open_waiting()) {
            return;
        }
        let cost = opener.chars().count() + closer.chars().count();
        if address.len() > LONGEST_ADDRESS || cost + 2 > self.room() {
            self.text(label.map_or(address, |(words, _)| words));
            return;
        }
        self.push(&opener);
        self.reserve(closer.chars().count());
        if let Some((words, content)) = label {
            self.label(words, content);
        }
        self.close_with(&closer);
        self.place = Place::Inside;
    }

    /// Writes a link's words. Discord shows a mask that holds an address as it stands, so none may.
    // Source: https://github.com/discord/discord-api-docs/issues/7721, read 2026-11-23.
    fn label(&mut self, words: &str, content: &[Inline]) {
        self.place = Place::Inside;
        if self.dialect == Dialect::Discord && words.contains("://") {
            self.text(&words.replace("://", &format!(":{ZERO_WIDTH_SPACE}//")));
        } else if content.contains(&Inline::Break) {
            self.text(words);
        } else {
            self.inlines(content);
        }
    }

    /// Marks a cut before something that no longer fits.
    fn cut_here(&mut self) {
        if !self.full && self.room() > 0 {
            self.push("…");
        }
        self.full = true;
    }

    fn push(&mut self, markup: &str) {
        self.out.push_str(markup);
        self.used += markup.chars().count();
        self.place = Place::Inside;
    }

    /// Writes the text of a fence, which is cut between lines.
    pub(crate) fn fenced(&mut self, text: &str) {
        let (dialect, room, prefix) = (self.dialect, self.room(), self.prefix.clone());
        let written = fit::write(&mut self.out, room, text, Boundary::Lines, |out, character, rest| {
            dialect.escape_code(out, character, rest);
            if character == '\n' {
                out.push_str(&prefix);
            }
        });
        self.used += written.used;
        self.full |= written.cut;
    }
}

/// Returns whether a `[` is not closed.
fn has_open_bracket(words: &str) -> bool {
    let mut open = 0_usize;
    for character in words.chars() {
        match character {
            '[' => open += 1,
            ']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Inline {
        Inline::Text(words.to_owned())
    }

    fn written(dialect: Dialect, limit: usize, inlines: &[Inline]) -> String {
        let mut writer = InlineWriter::new(dialect, limit);
        writer.inlines(inlines);
        writer.finish()
    }

    fn link(words: &str) -> Inline {
        Inline::Link { url: url::Url::parse("https://x.dev/a?b=1&c=2").unwrap(), content: vec![text(words)] }
    }

    #[test]
    fn styles_code_and_links_are_written_in_each_dialect() {
        let inlines = [
            Inline::Strong(vec![text("bold")]),
            text(" and "),
            Inline::Emphasis(vec![text("italic")]),
            text(" "),
            Inline::Code("a<b".to_owned()),
            text(" "),
            link("there"),
        ];
        assert_eq!(
            written(Dialect::Discord, 500, &inlines),
            "**bold** and *italic* `a<b` [there](https://x.dev/a?b=1&c=2)"
        );
        assert_eq!(
            written(Dialect::Slack, 500, &inlines),
            "*bold* and _italic_ `a&lt;b` <https://x.dev/a?b=1&amp;c=2|there>"
        );
    }

    #[test]
    fn a_style_without_words_is_not_opened_and_spaces_stay_outside() {
        let inlines = [
            text("a"),
            Inline::Strong(vec![text(" ")]),
            Inline::Strong(vec![text(" b ")]),
            Inline::Emphasis(vec![Inline::Strong(vec![])]),
            text("c"),
        ];
        assert_eq!(written(Dialect::Discord, 100, &inlines), "a  **b** c");
    }

    #[test]
    fn a_style_inside_itself_is_opened_once() {
        let inlines = [Inline::Strong(vec![text("a"), Inline::Strong(vec![text("b")])])];
        assert_eq!(written(Dialect::Discord, 100, &inlines), "**ab**");
    }

    #[test]
    fn backticks_in_code_cannot_close_it() {
        let code = |words: &str| [Inline::Code(words.to_owned())];
        assert_eq!(written(Dialect::Discord, 100, &code("a`b")), "`` a`b ``");
        assert_eq!(written(Dialect::Discord, 100, &code("```")), "`` `\u{200b}`\u{200b}` ``");
        assert_eq!(written(Dialect::Slack, 100, &code("a`b")), "a\u{2060}`\u{2060}b");
    }

    #[test]
    fn what_is_open_is_closed_at_any_limit() {
        let inlines = [
            Inline::Strong(vec![
                text("some bold words "),
                Inline::Code("code in them".to_owned()),
                link("x"),
            ]),
            text("more"),
        ];
        for dialect in [Dialect::Discord, Dialect::Mattermost, Dialect::Slack] {
            for limit in 0..120 {
                let out = written(dialect, limit, &inlines);
                assert!(out.chars().count() <= limit, "{dialect:?} {limit} {out}");
                assert_eq!(out.matches('*').count() % 2, 0, "{dialect:?} {limit} {out}");
                assert_eq!(out.matches('`').count() % 2, 0, "{dialect:?} {limit} {out}");
            }
        }
    }

    #[test]
    fn a_link_whose_words_are_its_address_is_written_bare() {
        let url = url::Url::parse("https://x.dev/").unwrap();
        let bare = [Inline::Link { url: url.clone(), content: vec![text("https://x.dev/")] }];
        assert_eq!(written(Dialect::Discord, 100, &bare), "<https://x.dev/>");
        let brackets = |words: &str| [Inline::Link { url: url.clone(), content: vec![text(words)] }];
        assert_eq!(written(Dialect::Discord, 100, &brackets("[a] b")), r"[\[a\] b](https://x.dev/)");
        assert_eq!(written(Dialect::Discord, 100, &brackets("a [ b")), r"a \[ b <https://x.dev/>");
        let masked = [Inline::Link { url, content: vec![text("see https://y.dev")] }];
        assert_eq!(written(Dialect::Discord, 100, &masked), "[see https:\u{200b}//y.dev](https://x.dev/)");
    }
}
