//! Mentions: whom a message pings. A route names them; nothing else in a message pings anybody.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::DestinationKind;

/// How many one message mentions at most, of all routes by which it goes; the first ones count.
pub const MOST_MENTIONS: usize = 40;

/// Digits of an id of Discord's, at most: they are 64-bit numbers.
// Source: https://docs.discord.com/developers/reference#snowflakes, read 2026-11-30.
const DISCORD_ID: usize = 20;

/// Letters and digits of an id of Slack's, at most; today they are 9 to 11.
// Source: https://docs.slack.dev/messaging/formatting-message-text#advanced, read 2026-11-30.
const SLACK_ID: usize = 20;

/// Somebody whom a message pings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Mention {
    /// A user of Slack, by id: `U012AB3CD`.
    SlackUser(String),
    /// A user group of Slack, by id: `S0614TZR7`.
    SlackGroup(String),
    /// A user of Discord, by id.
    DiscordUser(String),
    /// A role of Discord, by id.
    DiscordRole(String),
    /// Those of the channel who are there now.
    Here,
    /// All of the channel; Slack alone.
    Channel,
    /// Everybody.
    Everyone,
}

/// A word that mentions nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mention")]
pub struct NoMention;

impl Mention {
    /// Reads a word as it stands in the routing file, for a kind of destination.
    pub fn for_kind(kind: DestinationKind, word: &str) -> Option<Self> {
        Self::from_word(word).filter(|mention| mention.is_for(kind))
    }

    /// Tells whether a kind of destination knows such a mention.
    pub fn is_for(&self, kind: DestinationKind) -> bool {
        match self {
            Self::SlackUser(_) | Self::SlackGroup(_) | Self::Channel => kind == DestinationKind::Slack,
            Self::DiscordUser(_) | Self::DiscordRole(_) => kind == DestinationKind::Discord,
            Self::Here | Self::Everyone => kind != DestinationKind::Webhook,
        }
    }

    /// Tells whether it names one of Slack's own ids, which services that only speak as Slack does do not know.
    pub fn is_id_of_slack(&self) -> bool {
        matches!(self, Self::SlackUser(_) | Self::SlackGroup(_))
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "here" => return Some(Self::Here),
            "channel" => return Some(Self::Channel),
            "everyone" => return Some(Self::Everyone),
            _ => {}
        }
        if let Some((what, id)) = word.split_once(':') {
            let is_id = (1..=DISCORD_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
            return match what {
                "user" if is_id => Some(Self::DiscordUser(id.to_owned())),
                "role" if is_id => Some(Self::DiscordRole(id.to_owned())),
                _ => None,
            };
        }
        let is_id = (2..=SLACK_ID).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        match word.chars().next() {
            Some('U' | 'W') if is_id => Some(Self::SlackUser(word.to_owned())),
            Some('S') if is_id => Some(Self::SlackGroup(word.to_owned())),
            Some(_) | None => None,
        }
    }
}

impl fmt::Display for Mention {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlackUser(id) | Self::SlackGroup(id) => formatter.write_str(id),
            Self::DiscordUser(id) => write!(formatter, "user:{id}"),
            Self::DiscordRole(id) => write!(formatter, "role:{id}"),
            Self::Here => formatter.write_str("here"),
            Self::Channel => formatter.write_str("channel"),
            Self::Everyone => formatter.write_str("everyone"),
        }
    }
}

impl From<Mention> for String {
    fn from(mention: Mention) -> Self {
        mention.to_string()
    }
}

impl TryFrom<String> for Mention {
    type Error = NoMention;

    fn try_from(word: String) -> Result<Self, NoMention> {
        Self::from_word(&word).ok_or(NoMention)
    }
}

/// Whom a route mentions, by kind of destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// In Slack.
    pub slack: Vec<Mention>,
    /// In Discord.
    pub discord: Vec<Mention>,
}

impl Mentions {
    /// Returns those for a kind of destination.
    pub fn of(&self, kind: DestinationKind) -> &[Mention] {
        match kind {
            DestinationKind::Slack => &self.slack,
            DestinationKind::Discord => &self.discord,
            DestinationKind::Webhook => &[],
        }
    }
}

/// Adds whom `others` names and `mentions` does not, up to [`MOST_MENTIONS`].
pub fn unite(mentions: &mut Vec<Mention>, others: &[Mention]) {
    for other in others {
        if mentions.len() < MOST_MENTIONS && !mentions.contains(other) {
            mentions.push(other.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_for_its_kind_and_written_as_it_was_read() {
        for (kind, words) in [
            (DestinationKind::Slack, &["U012AB3CD", "W1", "S0614TZR7", "here", "channel", "everyone"][..]),
            (DestinationKind::Discord, &["role:123", "user:18446744073709551615", "here", "everyone"]),
        ] {
            for word in words {
                let mention = Mention::for_kind(kind, word).unwrap_or_else(|| panic!("{word}"));
                assert_eq!(mention.to_string(), *word);
                let kept = serde_json::to_string(&mention).unwrap();
                assert_eq!(serde_json::from_str::<Mention>(&kept).unwrap(), mention);
            }
        }
        assert_eq!(Mention::for_kind(DestinationKind::Slack, "role:1"), None);
        assert_eq!(Mention::for_kind(DestinationKind::Discord, "U012AB3CD"), None);
        assert_eq!(Mention::for_kind(DestinationKind::Discord, "channel"), None);
        assert_eq!(Mention::for_kind(DestinationKind::Webhook, "here"), None);
    }

    #[test]
    fn what_could_leave_its_place_is_no_mention() {
        for word in [
            "",
            "U",
            "u012AB3CD",
            "U1> <!channel",
            "U1>",
            "<@U1>",
            "!channel",
            "@here",
            "Here",
            "S061\u{2060}",
            "UÄ1",
            "U1|x",
            "C012AB3CD",
            "role:",
            "role:1>",
            "role:-1",
            "user:1 2",
            "user:123456789012345678901",
            "users:1",
            " here",
            "here\n",
        ] {
            assert_eq!(Mention::from_word(word), None, "{word}");
        }
        assert!(serde_json::from_str::<Mention>("\"U1> <!channel\"").is_err());
    }

    #[test]
    fn united_each_stands_once_in_order_and_no_more_than_the_most() {
        let user = |number: usize| Mention::DiscordUser(number.to_string());
        let mut united = vec![user(1), user(2)];
        unite(&mut united, &[user(2), user(3), user(1)]);
        assert_eq!(united, [user(1), user(2), user(3)]);
        unite(&mut united, &(4..100).map(user).collect::<Vec<_>>());
        assert_eq!(united.len(), MOST_MENTIONS);
    }
}
