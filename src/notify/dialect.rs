//! Dialects: how the chat platforms' three markups write what is meant, and keep literal what is not.
//!
//! Knows characters only, no structure. Where a dialect has an escape it is used; where it has none, an invisible
//! character keeps a sequence from being what it looks like.

use std::fmt::Write;

use url::Url;

/// Keeps a sequence from being read as markup, takes no space and breaks no line.
pub(crate) const WORD_JOINER: char = '\u{2060}';

/// Breaks what the word joiner does not, on Discord.
pub(crate) const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// A chat platform's markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Discord's Markdown.
    Discord,
    /// Mattermost's and Rocket.Chat's Markdown, read after Slack's `<…>` sequences.
    Mattermost,
    /// Slack's mrkdwn.
    Slack,
}

/// What stands before a character on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing but space: a character here can open a list, a heading or a quotation.
    LineStart,
    /// Digits and nothing else: `.` or `)` would make a list item of them.
    AfterDigits,
    /// Anything else.
    Inside,
}

impl Place {
    /// Returns what stands before the character after this one.
    pub(crate) fn after(self, character: char) -> Self {
        match self {
            Self::LineStart if character.is_whitespace() => Self::LineStart,
            Self::LineStart | Self::AfterDigits if character.is_ascii_digit() => Self::AfterDigits,
            Self::LineStart | Self::AfterDigits | Self::Inside => Self::Inside,
        }
    }
}

/// A styled run of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Bold.
    Strong,
    /// Italic.
    Emphasis,
    /// Struck through.
    Strike,
}

impl Dialect {
    /// Returns what opens and closes a styled run.
    pub(crate) fn marker(self, style: Style) -> &'static str {
        match (self, style) {
            (Self::Discord | Self::Mattermost, Style::Strong) => "**",
            (Self::Discord | Self::Mattermost, Style::Emphasis) | (Self::Slack, Style::Strong) => "*",
            (Self::Discord | Self::Mattermost, Style::Strike) => "~~",
            (Self::Slack, Style::Emphasis) => "_",
            (Self::Slack, Style::Strike) => "~",
        }
    }

    /// Writes a character of a literal text so that it is shown and means nothing.
    pub(crate) fn escape(self, out: &mut String, character: char, rest: &str, place: Place) {
        match self {
            Self::Discord => escape_discord(out, character, rest, place),
            Self::Mattermost => escape_mattermost(out, character, rest, place),
            Self::Slack => escape_slack(out, character, rest, place),
        }
    }

    /// Writes a character inside a code span or a fence.
    ///
    /// No two backticks come to stand side by side, so that neither can be closed from within.
    pub(crate) fn escape_code(self, out: &mut String, character: char, rest: &str) {
        match self {
            Self::Discord => {
                if character == '`' && out.ends_with('`') {
                    out.push(ZERO_WIDTH_SPACE);
                }
                out.push(character);
                if opens_discord_mention(character, rest) {
                    out.push(ZERO_WIDTH_SPACE);
                }
            }
            Self::Mattermost => {
                if character == '`' && out.ends_with('`') {
                    out.push(WORD_JOINER);
                }
                out.push(character);
                if opens_slack_sequence(character, rest) || opens_word(character, rest) {
                    out.push(WORD_JOINER);
                }
            }
            Self::Slack => {
                escape_entity(out, character);
                if opens_slack_broadcast(character, rest) {
                    out.push(WORD_JOINER);
                }
            }
        }
    }
}

fn escape_discord(out: &mut String, character: char, rest: &str, place: Place) {
    let always = matches!(character, '\\' | '*' | '_' | '~' | '|' | '`' | '[' | ']' | '<' | '@');
    let opens_a_line = place == Place::LineStart && matches!(character, '#' | '-' | '+' | '>' | '=');
    let numbers_a_line = place == Place::AfterDigits && matches!(character, '.' | ')');
    let colon = character == ':' && (rest.starts_with("//") || opens_shortcode(rest));
    if always || opens_a_line || numbers_a_line || colon {
        out.push('\\');
    }
    out.push(character);
    if opens_discord_mention(character, rest) {
        out.push(ZERO_WIDTH_SPACE);
    }
}

fn escape_mattermost(out: &mut String, character: char, rest: &str, place: Place) {
    let always = matches!(character, '\\' | '*' | '_' | '~' | '|' | '`' | '[' | ']');
    let opens_a_line = place == Place::LineStart && matches!(character, '#' | '-' | '+' | '>');
    let numbers_a_line = place == Place::AfterDigits && matches!(character, '.' | ')');
    if always || opens_a_line || numbers_a_line {
        out.push('\\');
    }
    // Bare addresses become links by themselves, as in GitHub's Markdown.
    // Source: https://github.github.com/gfm/#autolinks-extension-, read 2026-11-25.
    let site = character == '.' && ends_with_www(out);
    if site || (place == Place::LineStart && character == '=') {
        out.push(WORD_JOINER);
    }
    out.push(character);
    let shortcode = character == ':' && (rest.starts_with("//") || opens_shortcode(rest));
    // What ends a text may come to stand before the words of a link that is too long to be one.
    let last = rest.is_empty() && matches!(character, '<' | '@');
    let tag = character == '<' && rest.starts_with(|next: char| next.is_ascii_alphabetic() || next == '/');
    let sequence = opens_slack_sequence(character, rest) || opens_word(character, rest);
    if last || shortcode || tag || sequence || (character == '&' && opens_entity(rest)) {
        out.push(WORD_JOINER);
    }
}

fn ends_with_www(out: &str) -> bool {
    out.len()
        .checked_sub(3)
        .and_then(|start| out.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// Slack has no escape for its marks. One inside a word (`user_id`) marks nothing and is left alone, any other gets
/// a joiner on either side.
fn escape_slack(out: &mut String, character: char, rest: &str, place: Place) {
    if matches!(character, '*' | '_' | '~' | '`') {
        let inside_a_word = out.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric);
        if inside_a_word && character != '`' {
            out.push(character);
            return;
        }
        if !out.ends_with(WORD_JOINER) {
            out.push(WORD_JOINER);
        }
        out.push(character);
        out.push(WORD_JOINER);
        return;
    }
    if character == '>' && place == Place::LineStart {
        out.push(WORD_JOINER);
    }
    escape_entity(out, character);
    let last = rest.is_empty() && character == '@';
    if last || (character == ':' && opens_shortcode(rest)) || opens_slack_broadcast(character, rest) {
        out.push(WORD_JOINER);
    }
}

/// Writes `&`, `<` and `>` as Slack wants them wherever it reads mrkdwn, code included.
// Source: https://docs.slack.dev/messaging/formatting-message-text, "Escaping text", read 2026-11-23.
fn escape_entity(out: &mut String, character: char) {
    match character {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        other => out.push(other),
    }
}

/// Writes a character where Slack reads no markup at all (`plain_text`, `rich_text`), and so that it would be
/// harmless even if it did.
pub(crate) fn write_plain(out: &mut String, character: char, rest: &str) {
    out.push(character);
    let last = rest.is_empty() && matches!(character, '<' | '@');
    let mention = opens_slack_sequence(character, rest) || opens_slack_broadcast(character, rest);
    if last || mention || (character == '&' && opens_entity(rest)) {
        out.push(WORD_JOINER);
    }
}

/// Returns whether `<` and what follows would be a mention, a command or a link on Slack.
fn opens_slack_sequence(character: char, rest: &str) -> bool {
    character == '<' && (rest.starts_with(['!', '@', '#']) || opens_scheme(rest))
}

impl Dialect {
    /// Returns whether a character and what follows it would ping somebody, as markup that a platform reads.
    pub(crate) fn pings(self, character: char, rest: &str) -> bool {
        let sequence = character == '<' && rest.starts_with(['!', '@']) && !rest.starts_with("!date^");
        match self {
            Self::Slack => sequence || opens_slack_broadcast(character, rest),
            Self::Mattermost => sequence || opens_word(character, rest),
            // It is told whom it may ping, whatever stands in the text.
            Self::Discord => false,
        }
    }
}

/// Returns whether `@` and what follows would mention everybody where Slack is told to look for names in a text.
// Source: https://docs.slack.dev/messaging/formatting-message-text, "Automatic parsing", read 2026-11-23.
fn opens_slack_broadcast(character: char, rest: &str) -> bool {
    let mentions = |word: &str| {
        let (head, tail) = (rest.get(..word.len()), rest.get(word.len()..));
        head.is_some_and(|head| head.eq_ignore_ascii_case(word))
            && tail.is_some_and(|tail| !tail.starts_with(char::is_alphanumeric))
    };
    character == '@' && ["channel", "everyone", "here"].into_iter().any(mentions)
}

/// Returns whether `@` and what follows would be a mention on Mattermost.
fn opens_word(character: char, rest: &str) -> bool {
    character == '@' && rest.starts_with(char::is_alphanumeric)
}

fn opens_scheme(rest: &str) -> bool {
    let scheme = rest
        .find(|next: char| !(next.is_ascii_alphanumeric() || matches!(next, '+' | '-' | '.')))
        .and_then(|end| rest.split_at_checked(end));
    scheme.is_some_and(|(scheme, tail)| {
        let bare = ["mailto", "tel", "slack", "http", "https"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
        tail.starts_with("://") || (bare && tail.starts_with(':'))
    })
}

fn opens_entity(rest: &str) -> bool {
    rest.starts_with('#')
        || rest
            .bytes()
            .take(12)
            .position(|byte| !byte.is_ascii_alphanumeric())
            .is_some_and(|end| end > 0 && rest.as_bytes().get(end) == Some(&b';'))
}

/// Returns whether a `:` before `rest` opens an emoji's name.
fn opens_shortcode(rest: &str) -> bool {
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'-');
    let length = rest.bytes().take(100).take_while(|byte| name(byte)).count();
    length > 0 && rest.as_bytes().get(length) == Some(&b':')
}

/// Returns whether a character and what follows would be one of Discord's `<…>` sequences or a mass mention.
// Source: https://docs.discord.com/developers/reference#message-formatting, read 2026-11-23.
fn opens_discord_mention(character: char, rest: &str) -> bool {
    let starts = |word: &str| rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    match character {
        '@' => starts("everyone") || starts("here"),
        '<' => ["@", "#", ":", "/", "a:", "t:", "id:"].into_iter().any(starts),
        _other => false,
    }
}

/// Returns a link's address such that it can close neither a Markdown link nor Slack's `<…|…>`, nor mention anybody.
pub(crate) fn link_address(url: &Url) -> String {
    let mut address = String::with_capacity(url.as_str().len());
    for character in url.as_str().chars() {
        let closes = matches!(
            character,
            '(' | ')' | '<' | '>' | '[' | ']' | '{' | '}' | '|' | '\\' | '^' | '`' | '"' | '\'' | ' ' | '@'
        );
        if closes {
            // Writing to a `String` cannot fail.
            let _ = write!(address, "%{:02X}", u32::from(character));
        } else {
            address.push(character);
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(dialect: Dialect, text: &str) -> String {
        let mut out = String::new();
        let mut place = Place::LineStart;
        for (index, character) in text.char_indices() {
            dialect.escape(&mut out, character, &text[index + character.len_utf8()..], place);
            place = place.after(character);
        }
        out
    }

    #[test]
    fn discord_markup_is_escaped_where_it_means_something() {
        for (text, expected) in [
            ("*b* _i_ ~~s~~ ||x|| `c`", r"\*b\* \_i\_ \~\~s\~\~ \|\|x\|\| \`c\`"),
            ("[a](https://x.y)", r"\[a\](https\://x.y)"),
            ("# h", r"\# h"),
            ("  - item", r"  \- item"),
            ("1. item", r"1\. item"),
            ("pre-commit > 1.5 #7", "pre-commit > 1.5 #7"),
            ("12:30 :tada:", r"12:30 \:tada:"),
            ("@everyone", "\\@\u{200b}everyone"),
            ("<@123> <#4> <t:1:R>", "\\<\u{200b}\\@123> \\<\u{200b}#4> \\<\u{200b}t\\:1:R>"),
        ] {
            assert_eq!(escaped(Dialect::Discord, text), expected, "{text}");
        }
    }

    #[test]
    fn slack_markup_is_escaped_or_joined() {
        for (text, expected) in [
            ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
            ("@here @Channel, @everyone", "@\u{2060}here @\u{2060}Channel, @\u{2060}everyone"),
            ("@hereafter a@b.dev", "@hereafter a@b.dev"),
            ("snake_case_name", "snake_case_name"),
            ("*b*", "\u{2060}*\u{2060}b\u{2060}*\u{2060}"),
            ("> quote", "\u{2060}&gt; quote"),
            (":tada:", ":\u{2060}tada:"),
        ] {
            assert_eq!(escaped(Dialect::Slack, text), expected, "{text}");
        }
    }

    #[test]
    fn mattermost_markup_is_escaped_and_mentions_are_broken() {
        for (text, expected) in [
            ("@channel <!here>", "@\u{2060}channel <\u{2060}!here>"),
            ("[a](b) *c*", r"\[a\](b) \*c\*"),
            ("&lt;", "&\u{2060}lt;"),
            ("a <", "a <\u{2060}"),
            ("a @", "a @\u{2060}"),
            ("https://x.y www.z", "https:\u{2060}//x.y www\u{2060}.z"),
        ] {
            assert_eq!(escaped(Dialect::Mattermost, text), expected, "{text}");
        }
    }

    #[test]
    fn plain_text_holds_no_raw_slack_sequence() {
        for (text, expected) in [
            ("<!channel> @everyone", "<\u{2060}!channel> @\u{2060}everyone"),
            ("<https://evil.dev|click>", "<\u{2060}https://evil.dev|click>"),
            ("<mailto:a@b>", "<\u{2060}mailto:a@b>"),
            ("Vec<std::string::String>", "Vec<std::string::String>"),
            ("a < b", "a < b"),
            ("&amp; &", "&\u{2060}amp; &"),
        ] {
            let mut out = String::new();
            for (index, character) in text.char_indices() {
                write_plain(&mut out, character, &text[index + character.len_utf8()..]);
            }
            assert_eq!(out, expected, "{text}");
        }
    }

    #[test]
    fn an_address_cannot_close_the_link_that_it_stands_in() {
        let url = Url::parse("https://x.dev/a(b)?q=[c]|d&e=@here").unwrap();
        assert_eq!(link_address(&url), "https://x.dev/a%28b%29?q=%5Bc%5D%7Cd&e=%40here");
    }
}
