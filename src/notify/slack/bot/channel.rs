//! The channel of a bot: messages are posted to its name as well, but looked for by its id alone.

use std::sync::OnceLock;

use serde_json::Value;
use tokio::time::Instant;

use super::{Bot, answer};
use crate::notify::slack::answer::class_of_word;

/// Channels on a page of the list. Slack takes 1,000, and asks for fewer.
// Source: https://docs.slack.dev/reference/methods/conversations.list, read 2026-11-30.
const PAGE: &str = "200";

/// How much of a page is read: a channel takes about 2 KiB of it.
const PAGE_BYTES: usize = 1024 * 1024;

/// A channel as it is configured, and its id once that is known.
#[derive(Debug)]
pub(super) struct Channel {
    name: String,
    id: OnceLock<String>,
}

impl Channel {
    /// Takes what is configured.
    pub(super) fn new(configured: &str) -> Self {
        let channel = Self { name: configured.trim_start_matches('#').to_owned(), id: OnceLock::new() };
        if is_id(configured) {
            channel.learn(configured);
        }
        channel
    }

    /// Takes note of its id, by which Slack answered.
    pub(super) fn learn(&self, id: &str) {
        // What was learned first is as good.
        let _ = self.id.set(id.to_owned());
    }
}

/// Tells whether this is an id by its looks: names are in lower case.
fn is_id(channel: &str) -> bool {
    channel.len() >= 9
        && channel.starts_with(['C', 'G', 'D'])
        && channel.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl Bot {
    /// Returns the id of its channel; asks for it, once, where only its name is known. `None` where Slack does not say.
    pub(super) async fn channel_id(&self, deadline: Instant) -> Option<String> {
        if let Some(id) = self.channel.id.get() {
            return Some(id.clone());
        }
        let mut cursor = String::new();
        while Instant::now() < deadline {
            let question = [
                ("types", "public_channel,private_channel"),
                ("exclude_archived", "true"),
                ("limit", PAGE),
                ("cursor", &cursor),
            ];
            let answer = self.ask("conversations.list", &question, deadline, PAGE_BYTES).await.ok()?;
            let page = answer::parse(&answer, class_of_word).ok()?;
            let channels = page.get("channels").and_then(Value::as_array)?;
            let ours = channels.iter().find(|channel| {
                channel.get("name").and_then(Value::as_str) == Some(self.channel.name.as_str())
            });
            if let Some(id) = ours.and_then(|channel| channel.get("id")).and_then(Value::as_str) {
                self.channel.learn(id);
                return Some(id.to_owned());
            }
            cursor = super::search::next_page(&page)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_name_by_its_looks() {
        for (configured, id) in [
            ("C0123ABCD", Some("C0123ABCD")),
            ("G01234567", Some("G01234567")),
            ("#fixes", None),
            ("fixes", None),
            ("C1", None),
            ("CODE-REVIEW", None),
        ] {
            assert_eq!(Channel::new(configured).id.get().map(String::as_str), id, "{configured}");
        }
    }

    #[test]
    fn an_id_is_learned_once() {
        let channel = Channel::new("#fixes");
        channel.learn("C0123ABCD");
        channel.learn("C9999ZZZZ");
        assert_eq!(channel.id.get().map(String::as_str), Some("C0123ABCD"));
    }
}
