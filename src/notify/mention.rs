//! Mentions as each platform writes them: the line above a message's text, and whom it may ping.
//!
//! Knows no message; what else stands in a text is kept inert where it is written.

use serde_json::{Map, Value, json};

use super::dialect::{Dialect, ZERO_WIDTH_SPACE};
use crate::delivery::Mention;

/// Returns the line that mentions these; those that a dialect does not know are left out.
pub(super) fn line(dialect: Dialect, mentions: &[Mention]) -> String {
    let words: Vec<String> = mentions.iter().filter_map(|mention| word(dialect, mention)).collect();
    words.join(" ")
}

/// Returns how much room a line takes above a text, in code points.
pub(super) fn room_of(line: &str) -> usize {
    if line.is_empty() { 0 } else { line.chars().count() + 1 }
}

// Source: https://docs.slack.dev/messaging/formatting-message-text#advanced,
// https://docs.discord.com/developers/reference#message-formatting and
// https://docs.mattermost.com/collaborate/mention-people.html, read 2026-11-30.
fn word(dialect: Dialect, mention: &Mention) -> Option<String> {
    let of_slack = |text: &str| (dialect == Dialect::Slack).then(|| text.to_owned());
    let of_discord = |text: String| (dialect == Dialect::Discord).then_some(text);
    match (mention, dialect) {
        (Mention::SlackUser(id), _) => of_slack(&format!("<@{id}>")),
        (Mention::SlackGroup(id), _) => of_slack(&format!("<!subteam^{id}>")),
        (Mention::DiscordUser(id), _) => of_discord(format!("<@{id}>")),
        (Mention::DiscordRole(id), _) => of_discord(format!("<@&{id}>")),
        (Mention::Here | Mention::Channel | Mention::Everyone, Dialect::Slack) => {
            of_slack(&format!("<!{mention}>"))
        }
        (Mention::Channel, Dialect::Discord) => None,
        (Mention::Everyone, Dialect::Mattermost) => Some("@all".to_owned()),
        (Mention::Here | Mention::Channel | Mention::Everyone, Dialect::Discord | Dialect::Mattermost) => {
            Some(format!("@{mention}"))
        }
    }
}

/// Returns Discord's `allowed_mentions`: exactly these may be pinged.
// Source: https://docs.discord.com/developers/resources/message#allowed-mentions-object, read 2026-11-30.
pub(super) fn allowed_by_discord(mentions: &[Mention]) -> Value {
    let (mut users, mut roles, mut parse) = (Vec::new(), Vec::new(), Vec::new());
    for mention in mentions {
        match mention {
            Mention::DiscordUser(id) => users.push(id.as_str()),
            Mention::DiscordRole(id) => roles.push(id.as_str()),
            Mention::Here | Mention::Everyone => parse = vec!["everyone"],
            Mention::Channel | Mention::SlackUser(_) | Mention::SlackGroup(_) => {}
        }
    }
    let lists = [("users", users), ("roles", roles)].into_iter().filter(|(_, ids)| !ids.is_empty());
    let mut allowed = Map::from_iter([("parse".to_owned(), json!(parse))]);
    allowed.extend(lists.map(|(name, ids)| (name.to_owned(), json!(ids))));
    Value::Object(allowed)
}

/// Keeps what a body says from pinging everybody, where the line above it may: Discord allows both or neither.
pub(super) fn hush(body: &mut Value) {
    match body {
        Value::String(text) => {
            for word in ["everyone", "here"] {
                if text.contains(&format!("@{word}")) {
                    *text = text.replace(&format!("@{word}"), &format!("@{ZERO_WIDTH_SPACE}{word}"));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hush),
        // An address means what it says, and pings nobody.
        Value::Object(fields) => {
            fields.iter_mut().filter(|(name, _)| *name != "url").for_each(|(_, value)| hush(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions() -> Vec<Mention> {
        vec![
            Mention::SlackUser("U012AB3CD".to_owned()),
            Mention::SlackGroup("S0614TZR7".to_owned()),
            Mention::DiscordRole("123".to_owned()),
            Mention::DiscordUser("456".to_owned()),
            Mention::Here,
            Mention::Channel,
            Mention::Everyone,
        ]
    }

    #[test]
    fn each_platform_writes_its_own_and_leaves_the_others_out() {
        assert_eq!(
            line(Dialect::Slack, &mentions()),
            "<@U012AB3CD> <!subteam^S0614TZR7> <!here> <!channel> <!everyone>"
        );
        assert_eq!(line(Dialect::Discord, &mentions()), "<@&123> <@456> @here @everyone");
        assert_eq!(line(Dialect::Mattermost, &mentions()), "@here @channel @all");
        assert_eq!(line(Dialect::Discord, &[]), "");
    }

    #[test]
    fn discord_may_ping_exactly_those() {
        assert_eq!(allowed_by_discord(&[]), json!({ "parse": [] }));
        assert_eq!(
            allowed_by_discord(&mentions()),
            json!({ "parse": ["everyone"], "users": ["456"], "roles": ["123"] })
        );
        assert_eq!(allowed_by_discord(&mentions()[..3]), json!({ "parse": [], "roles": ["123"] }));
    }

    #[test]
    fn what_a_body_says_to_everybody_is_hushed_but_for_addresses() {
        let mut body = json!({
            "content": "@everyone @here",
            "components": [{ "content": ["@here"], "url": "https://x.dev/@here" }],
            "tts": false,
        });
        hush(&mut body);
        assert_eq!(
            body,
            json!({
                "content": "@\u{200b}everyone @\u{200b}here",
                "components": [{ "content": ["@\u{200b}here"], "url": "https://x.dev/@here" }],
                "tts": false,
            })
        );
    }
}
