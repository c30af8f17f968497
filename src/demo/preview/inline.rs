//! Marked-up lines: Slack's mrkdwn and Discord's Markdown, as far as a relay's message can hold them.
//!
//! Reads one run of text; lists, quotes and fences are the callers'.

use crate::demo::text::{Look, Span};

/// Deeper markup than this is shown as it is written.
const MAX_DEPTH: usize = 8;

/// Whose markup it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Slack: `*bold*`, `<url|words>`, `&amp;`; nothing can be escaped.
    Mrkdwn,
    /// Discord: `**bold**`, `[words](url)`, `\*`.
    Markdown,
}

impl Dialect {
    fn delimiters(self) -> &'static [(&'static str, Look)] {
        match self {
            Self::Mrkdwn => &[("*", Look::BOLD), ("_", Look::ITALIC), ("~", Look::STRIKE)],
            Self::Markdown => &[
                ("**", Look::BOLD),
                ("__", Look::UNDERLINE),
                ("~~", Look::STRIKE),
                ("||", Look::DIM),
                ("*", Look::ITALIC),
                ("_", Look::ITALIC),
            ],
        }
    }

    /// Whether a delimiter only counts at the edge of a word.
    fn wants_word_edge(self, delimiter: &str) -> bool {
        self == Self::Mrkdwn || delimiter.starts_with('_')
    }
}

/// Reads a text and returns it styled on top of `look`.
pub(super) fn read(text: &str, dialect: Dialect, look: Look) -> Vec<Span> {
    let mut reader = Reader { dialect, spans: Vec::new(), literal: String::new() };
    reader.read(text, look, 0);
    reader.spans
}

struct Reader {
    dialect: Dialect,
    spans: Vec<Span>,
    literal: String,
}

impl Reader {
    fn read(&mut self, text: &str, look: Look, depth: usize) {
        let mut rest = text;
        let mut before = None;
        while let Some(character) = rest.chars().next() {
            let special = match character {
                '\\' | '&' => self.escape(rest),
                '`' => self.code(rest, look),
                '<' => self.angle(rest, look),
                '[' => self.masked_link(rest, look),
                'h' if before.is_none_or(|before: char| !before.is_alphanumeric()) => {
                    self.bare_link(rest, look)
                }
                _ => self.emphasis(rest, before, look, depth),
            };
            before = Some(character);
            rest = special.unwrap_or_else(|| {
                self.literal.push(character);
                skip(rest, character)
            });
        }
        self.flush(look);
    }

    fn flush(&mut self, look: Look) {
        let literal = std::mem::take(&mut self.literal);
        if !literal.is_empty() {
            self.spans.push(Span::new(&literal, look));
        }
    }

    fn push(&mut self, span: Span, look: Look) {
        self.flush(look);
        self.spans.push(span);
    }

    fn escape<'text>(&mut self, rest: &'text str) -> Option<&'text str> {
        let entities = [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&')];
        let (character, rest) = match self.dialect {
            Dialect::Mrkdwn => entities
                .into_iter()
                .find_map(|(entity, character)| Some((character, rest.strip_prefix(entity)?)))?,
            Dialect::Markdown => {
                let rest = rest.strip_prefix('\\')?;
                let character = rest.chars().next().filter(char::is_ascii_punctuation)?;
                (character, skip(rest, character))
            }
        };
        self.literal.push(character);
        Some(rest)
    }

    fn code<'text>(&mut self, rest: &'text str, look: Look) -> Option<&'text str> {
        let fence: String = rest.chars().take_while(|character| *character == '`').collect();
        let (code, rest) = rest.strip_prefix(fence.as_str())?.split_once(fence.as_str())?;
        if code.is_empty() || (self.dialect == Dialect::Mrkdwn && code.contains('\n')) {
            return None;
        }
        self.push(Span::new(&self.unescaped(code), look.and(Look::CODE)), look);
        Some(rest)
    }

    fn unescaped(&self, text: &str) -> String {
        match self.dialect {
            Dialect::Mrkdwn => unescape(text),
            Dialect::Markdown => text.to_owned(),
        }
    }

    fn angle<'text>(&mut self, rest: &'text str, look: Look) -> Option<&'text str> {
        let (inside, rest) = rest.strip_prefix('<')?.split_once('>')?;
        let span = match self.dialect {
            Dialect::Mrkdwn => slack_reference(inside, look),
            Dialect::Markdown => discord_reference(inside, look)?,
        };
        self.push(span, look);
        Some(rest)
    }

    fn masked_link<'text>(&mut self, rest: &'text str, look: Look) -> Option<&'text str> {
        if self.dialect == Dialect::Mrkdwn {
            return None;
        }
        let inner = rest.strip_prefix('[')?;
        let (words, rest) = inner.split_at_checked(closing_bracket(inner)?)?;
        let (target, rest) = rest.strip_prefix("](")?.split_once(')')?;
        let target = target.trim_start_matches('<').trim_end_matches('>');
        is_web(target).then_some(())?;
        self.flush(look);
        for span in read(words, self.dialect, look) {
            self.spans.push(Span::link(span.text(), target, look));
        }
        Some(rest)
    }

    fn bare_link<'text>(&mut self, rest: &'text str, look: Look) -> Option<&'text str> {
        is_web(rest).then_some(())?;
        let end = rest.find(|character: char| character.is_whitespace() || "<>|".contains(character));
        let address =
            rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
        self.push(Span::link(&self.unescaped(address), address, look), look);
        rest.strip_prefix(address)
    }

    fn emphasis<'text>(
        &mut self,
        rest: &'text str,
        before: Option<char>,
        look: Look,
        depth: usize,
    ) -> Option<&'text str> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let (delimiter, mark) = self.dialect.delimiters().iter().find(|(mark, _)| rest.starts_with(mark))?;
        let edge = self.dialect.wants_word_edge(delimiter);
        if edge && before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let inner = rest.strip_prefix(delimiter)?;
        let (content, tail) = inner.split_at_checked(closing(inner, delimiter, edge, self.dialect)?)?;
        self.flush(look);
        self.read(content, look.and(*mark), depth + 1);
        tail.strip_prefix(delimiter)
    }
}

fn skip(text: &str, character: char) -> &str {
    text.get(character.len_utf8()..).unwrap_or_default()
}

/// Finds where the delimiter closes what it opened: behind a character that is no space, outside of code.
fn closing(inner: &str, delimiter: &str, edge: bool, dialect: Dialect) -> Option<usize> {
    let mut before = ' ';
    let mut code = false;
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        let after = inner.get(at..)?.strip_prefix(delimiter);
        if let Some(after) = after.filter(|_| !code) {
            let doubled = delimiter.len() == 1 && after.starts_with(delimiter);
            let in_word = edge && after.chars().next().is_some_and(char::is_alphanumeric);
            if !doubled && !in_word && !before.is_whitespace() {
                return Some(at);
            }
            characters.by_ref().take(usize::from(doubled)).for_each(drop);
        }
        match character {
            '\\' if dialect == Dialect::Markdown => before = characters.next().map_or(' ', |(_, next)| next),
            '\n' if dialect == Dialect::Mrkdwn => return None,
            _ => before = character,
        }
        code ^= character == '`';
    }
    None
}

fn closing_bracket(inner: &str) -> Option<usize> {
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            ']' => return (at > 0).then_some(at),
            _ => {}
        }
    }
    None
}

fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// Undoes Slack's three escapes.
pub(super) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Reads what stands between `<` and `>` in mrkdwn.
fn slack_reference(inside: &str, look: Look) -> Span {
    let (reference, words) = inside.split_once('|').unwrap_or((inside, ""));
    let words = if words.is_empty() { reference } else { words };
    if reference.starts_with("!date") {
        return Span::new(&unescape(words), look);
    }
    if let Some(name) = reference.strip_prefix(['@', '!', '#']) {
        let sign = if reference.starts_with('#') { '#' } else { '@' };
        let name = if words == reference { name } else { words };
        return Span::new(&format!("{sign}{}", unescape(name)), look.and(Look::MENTION));
    }
    Span::link(&unescape(words), &unescape(reference), look)
}

/// Reads what stands between `<` and `>` in Discord's Markdown; `None` where that is plain text.
fn discord_reference(inside: &str, look: Look) -> Option<Span> {
    if is_web(inside) {
        return Some(Span::link(inside, inside, look));
    }
    if let Some(time) = inside.strip_prefix("t:") {
        let seconds = time.split(':').next()?.parse().ok()?;
        let moment = jiff::Timestamp::from_second(seconds).ok()?;
        return Some(Span::new(&moment.strftime("%Y-%m-%d %H:%M UTC").to_string(), look));
    }
    let name = inside.strip_prefix(['@', '#'])?;
    Some(Span::new(&format!("@{name}"), look.and(Look::MENTION)))
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::*;
    use crate::demo::text::{paint, wrap};

    fn plain(text: &str, dialect: Dialect) -> String {
        read(text, dialect, Look::PLAIN).iter().map(Span::text).collect()
    }

    fn painted(text: &str, dialect: Dialect) -> String {
        let style = Style { colour: true, width: 200 };
        let lines = wrap(&read(text, dialect, Look::PLAIN), style);
        lines.iter().map(|line| paint(line, style)).collect::<Vec<_>>().join("\n").replace('\u{1b}', "^")
    }

    #[test]
    fn slack_marks_are_styled_at_the_edge_of_words_only() {
        assert_eq!(painted("*a* _b_ ~c~", Dialect::Mrkdwn), "^[1ma^[0m ^[3mb^[0m ^[9mc^[0m");
        assert_eq!(painted("2*3*4 snake_case_name * a *", Dialect::Mrkdwn), "2*3*4 snake_case_name * a *");
    }

    #[test]
    fn slack_links_show_their_words_and_mentions_stand_out() {
        assert_eq!(
            plain("<https://a.dev/x|PR &amp; more> &lt;!channel&gt;", Dialect::Mrkdwn),
            "PR & more <!channel>"
        );
        assert_eq!(painted("<!channel>", Dialect::Mrkdwn), "^[1;38;5;16;48;5;221m@channel^[0m");
        assert_eq!(plain("<!date^1700000000^{date}|today>", Dialect::Mrkdwn), "today");
    }

    #[test]
    fn discord_escapes_are_undone() {
        assert_eq!(plain(r"\*not bold\* a\_b \\ \[x\]\(y\)", Dialect::Markdown), r"*not bold* a_b \ [x](y)");
        assert_eq!(painted(r"**a \*\* b**", Dialect::Markdown), "^[1ma ** b^[0m");
    }

    #[test]
    fn discord_marks_nest() {
        assert_eq!(painted("**a *b* c**", Dialect::Markdown), "^[1ma ^[0m^[1;3mb^[0m^[1m c^[0m");
        assert_eq!(painted("*a **b***", Dialect::Markdown), "^[3ma ^[0m^[1;3mb^[0m");
    }

    #[test]
    fn discord_links_show_their_words() {
        let spans = read("see [PR \\[12\\]](<https://a.dev/x>).", Dialect::Markdown, Look::PLAIN);
        assert_eq!(spans.iter().map(Span::text).collect::<String>(), "see PR [12].");
        assert_eq!(spans.iter().find_map(Span::target), Some("https://a.dev/x"));
        assert_eq!(plain("[x](javascript:1)", Dialect::Markdown), "[x](javascript:1)");
    }

    #[test]
    fn markup_in_code_is_text() {
        assert_eq!(painted("`*a*`", Dialect::Mrkdwn), "^[38;5;216;48;5;236m*a*^[0m");
        assert_eq!(plain("``a`b``", Dialect::Markdown), "a`b");
    }

    #[test]
    fn a_flood_of_marks_loses_no_word() {
        let text = plain(&"*x_".repeat(2_000), Dialect::Mrkdwn);
        assert_eq!(text.matches('x').count(), 2_000);
    }
}
