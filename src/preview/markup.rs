//! Marked-up lines: Slack's mrkdwn and Discord's Markdown, as far as a relay's message can hold them.
//!
//! Reads one run of text; lists, quotes and fences are the callers'.

use super::post::{Marks, Run, Words};

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
    fn delimiters(self) -> &'static [(&'static str, Marks)] {
        match self {
            Self::Mrkdwn => &[("*", Marks::BOLD), ("_", Marks::ITALIC), ("~", Marks::STRIKE)],
            Self::Markdown => &[
                ("**", Marks::BOLD),
                ("__", Marks::UNDERLINE),
                ("~~", Marks::STRIKE),
                ("||", Marks::SPOILER),
                ("*", Marks::ITALIC),
                ("_", Marks::ITALIC),
            ],
        }
    }

    /// Whether a delimiter only counts at the edge of a word.
    fn wants_word_edge(self, delimiter: &str) -> bool {
        self == Self::Mrkdwn || delimiter.starts_with('_')
    }
}

/// Reads a text.
pub(super) fn read(text: &str, dialect: Dialect) -> Words {
    read_marked(text, dialect, Marks::NONE, 0)
}

fn read_marked(text: &str, dialect: Dialect, marks: Marks, depth: usize) -> Words {
    let mut reader = Reader { dialect, words: Vec::new(), literal: String::new() };
    reader.read(text, marks, depth);
    reader.words
}

struct Reader {
    dialect: Dialect,
    words: Words,
    literal: String,
}

impl Reader {
    fn read(&mut self, text: &str, marks: Marks, depth: usize) {
        let mut rest = text;
        let mut before = None;
        while let Some(character) = rest.chars().next() {
            let special = match character {
                '\\' | '&' => self.escape(rest),
                '`' => self.code(rest, marks),
                '<' => self.angle(rest, marks),
                '@' => self.broadcast(rest, before, marks),
                '[' => self.masked_link(rest, marks),
                'h' if before.is_none_or(|before: char| !before.is_alphanumeric()) => {
                    self.bare_link(rest, marks)
                }
                _ => self.emphasis(rest, before, marks, depth),
            };
            before = Some(character);
            rest = special.unwrap_or_else(|| {
                self.literal.push(character);
                skip(rest, character)
            });
        }
        self.flush(marks);
    }

    fn flush(&mut self, marks: Marks) {
        let literal = std::mem::take(&mut self.literal);
        if !literal.is_empty() {
            self.words.push(Run::new(literal, marks));
        }
    }

    fn push(&mut self, run: Run, marks: Marks) {
        self.flush(marks);
        self.words.push(run);
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

    fn code<'text>(&mut self, rest: &'text str, marks: Marks) -> Option<&'text str> {
        let fence: String = rest.chars().take_while(|character| *character == '`').collect();
        let (code, rest) = rest.strip_prefix(fence.as_str())?.split_once(fence.as_str())?;
        if code.is_empty() || (self.dialect == Dialect::Mrkdwn && code.contains('\n')) {
            return None;
        }
        self.push(Run::new(self.unescaped(code), marks | Marks::CODE), marks);
        Some(rest)
    }

    fn unescaped(&self, text: &str) -> String {
        match self.dialect {
            Dialect::Mrkdwn => unescape(text),
            Dialect::Markdown => text.to_owned(),
        }
    }

    fn angle<'text>(&mut self, rest: &'text str, marks: Marks) -> Option<&'text str> {
        let (inside, rest) = rest.strip_prefix('<')?.split_once('>')?;
        (!inside.is_empty() && !inside.contains('\n')).then_some(())?;
        let run = match self.dialect {
            Dialect::Mrkdwn => slack_reference(inside, marks),
            Dialect::Markdown => discord_reference(inside, marks)?,
        };
        self.push(run, marks);
        Some(rest)
    }

    /// Reads what pings everybody; Slack writes that between `<` and `>`.
    fn broadcast<'text>(
        &mut self,
        rest: &'text str,
        before: Option<char>,
        marks: Marks,
    ) -> Option<&'text str> {
        let is_free =
            self.dialect == Dialect::Markdown && before.is_none_or(|before| !before.is_alphanumeric());
        let name = ["here", "channel", "everyone", "all"].into_iter().filter(|_| is_free).find(|name| {
            let after = rest.strip_prefix('@').and_then(|rest| rest.strip_prefix(name));
            after.is_some_and(|after| !after.starts_with(char::is_alphanumeric))
        })?;
        self.push(Run::mention(format!("@{name}"), marks), marks);
        rest.get(1 + name.len()..)
    }

    fn masked_link<'text>(&mut self, rest: &'text str, marks: Marks) -> Option<&'text str> {
        if self.dialect == Dialect::Mrkdwn {
            return None;
        }
        let inner = rest.strip_prefix('[')?;
        let (words, rest) = inner.split_at_checked(closing_bracket(inner)?)?;
        let (target, rest) = rest.strip_prefix("](")?.split_once(')')?;
        let target = target.trim_start_matches('<').trim_end_matches('>');
        is_web(target).then_some(())?;
        self.flush(marks);
        for run in read_marked(words, self.dialect, marks, MAX_DEPTH) {
            self.words.push(Run::link(run.text, target, run.marks));
        }
        Some(rest)
    }

    fn bare_link<'text>(&mut self, rest: &'text str, marks: Marks) -> Option<&'text str> {
        is_web(rest).then_some(())?;
        let end = rest.find(|character: char| character.is_whitespace() || "<>|".contains(character));
        let address =
            rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
        self.push(Run::link(self.unescaped(address), address, marks), marks);
        rest.strip_prefix(address)
    }

    fn emphasis<'text>(
        &mut self,
        rest: &'text str,
        before: Option<char>,
        marks: Marks,
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
        self.flush(marks);
        self.read(content, marks | *mark, depth + 1);
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
fn slack_reference(inside: &str, marks: Marks) -> Run {
    let (reference, words) = inside.split_once('|').unwrap_or((inside, ""));
    let words = if words.is_empty() { reference } else { words };
    if reference.starts_with("!date") {
        return Run::new(unescape(words), marks);
    }
    if let Some(name) = reference.strip_prefix(['@', '!', '#']) {
        let sign = if reference.starts_with('#') { '#' } else { '@' };
        let name = if words == reference { name.trim_start_matches("subteam^") } else { words };
        return Run::mention(format!("{sign}{}", unescape(name)), marks);
    }
    Run::link(unescape(words), unescape(reference), marks)
}

/// Reads what stands between `<` and `>` in Discord's Markdown; `None` where that is plain text.
fn discord_reference(inside: &str, marks: Marks) -> Option<Run> {
    if is_web(inside) {
        return Some(Run::link(inside, inside, marks));
    }
    if let Some(time) = inside.strip_prefix("t:") {
        let seconds = time.split(':').next()?.parse().ok()?;
        let moment = jiff::Timestamp::from_second(seconds).ok()?;
        return Some(Run::new(moment.strftime("%Y-%m-%d %H:%M UTC").to_string(), marks));
    }
    let name = inside.strip_prefix(['@', '#'])?;
    Some(Run::mention(format!("@{}", name.trim_start_matches('&')), marks))
}

#[cfg(test)]
mod tests {
    use super::super::post::{Role, text_of};
    use super::*;

    fn plain(text: &str, dialect: Dialect) -> String {
        text_of(&read(text, dialect))
    }

    /// Shows looks as `{b words}`, links as `{words → address}`, mentions as `{! words}`.
    fn marked(text: &str, dialect: Dialect) -> String {
        let marks = [
            ("b", Marks::BOLD),
            ("i", Marks::ITALIC),
            ("s", Marks::STRIKE),
            ("u", Marks::UNDERLINE),
            ("c", Marks::CODE),
            ("h", Marks::SPOILER),
        ];
        let run = |run: &Run| {
            let set = marks.iter().filter(|(_, mark)| run.marks.has(*mark)).map(|(name, _)| *name);
            let set: String = set.collect();
            let text = &run.text;
            let text = if set.is_empty() { text.clone() } else { format!("{{{set} {text}}}") };
            match &run.role {
                Role::Plain => text,
                Role::Link(target) => format!("{{{text} → {target}}}"),
                Role::Mention => format!("{{! {text}}}"),
            }
        };
        read(text, dialect).iter().map(run).collect()
    }

    #[test]
    fn slack_marks_count_at_the_edge_of_words_only() {
        assert_eq!(marked("*a* _b_ ~c~", Dialect::Mrkdwn), "{b a} {i b} {s c}");
        assert_eq!(marked("2*3*4 snake_case_name * a *", Dialect::Mrkdwn), "2*3*4 snake_case_name * a *");
    }

    #[test]
    fn slack_links_show_their_words_and_mentions_stand_out() {
        assert_eq!(
            marked("<https://a.dev/x|PR &amp; more> &lt;!channel&gt;", Dialect::Mrkdwn),
            "{PR & more → https://a.dev/x} <!channel>"
        );
        assert_eq!(marked("<!channel> a < b\n> c", Dialect::Mrkdwn), "{! @channel} a < b\n> c");
        assert_eq!(marked("<@U1> <!subteam^S1>", Dialect::Mrkdwn), "{! @U1} {! @S1}");
        assert_eq!(marked("<!date^1700000000^{date}|today>", Dialect::Mrkdwn), "today");
    }

    #[test]
    fn discord_mentions_stand_out_where_nothing_keeps_them_from_pinging() {
        assert_eq!(marked("<@&12> <@34> @here", Dialect::Markdown), "{! @12} {! @34} {! @here}");
        assert_eq!(
            marked("a@here @hereby \\@\u{200b}everyone", Dialect::Markdown),
            "a@here @hereby @\u{200b}everyone"
        );
        assert_eq!(marked("@here", Dialect::Mrkdwn), "@here");
    }

    #[test]
    fn discord_escapes_are_undone() {
        assert_eq!(marked(r"\*not bold\* a\_b \\ \[x\]\(y\)", Dialect::Markdown), r"*not bold* a_b \ [x](y)");
        assert_eq!(marked(r"**a \*\* b**", Dialect::Markdown), "{b a ** b}");
    }

    #[test]
    fn discord_marks_nest() {
        assert_eq!(marked("**a *b* c**", Dialect::Markdown), "{b a }{bi b}{b  c}");
        assert_eq!(marked("*a **b***", Dialect::Markdown), "{i a }{bi b}");
        assert_eq!(marked("||a|| __b__ ~~c~~", Dialect::Markdown), "{h a} {u b} {s c}");
    }

    #[test]
    fn discord_links_show_their_words() {
        assert_eq!(
            marked("see [PR \\[12\\]](<https://a.dev/x>).", Dialect::Markdown),
            "see {PR [12] → https://a.dev/x}."
        );
        assert_eq!(marked("[`a`](https://a.dev)", Dialect::Markdown), "{{c a} → https://a.dev}");
        assert_eq!(marked("[x](javascript:1)", Dialect::Markdown), "[x](javascript:1)");
    }

    #[test]
    fn markup_in_code_is_text() {
        assert_eq!(marked("`*a*`", Dialect::Mrkdwn), "{c *a*}");
        assert_eq!(marked("``a`b``", Dialect::Markdown), "{c a`b}");
    }

    #[test]
    fn a_flood_of_marks_loses_no_word() {
        let text = plain(&"*x_".repeat(2_000), Dialect::Mrkdwn);
        assert_eq!(text.matches('x').count(), 2_000);
    }
}
