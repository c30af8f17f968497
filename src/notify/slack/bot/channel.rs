//! The channel of a bot: it may be configured by its name, but most methods know it by its id alone.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::search::next_page;
use super::{Bot, Page};
use crate::notify::SendError;

/// Channels on a page of the list. Slack takes 1,000, and asks for fewer.
// Source: https://docs.slack.dev/reference/methods/conversations.list, read 2026-11-30.
const PAGE: &str = "200";

/// How much of a page is read: a channel takes about 2 KiB of it.
const PAGE_BYTES: usize = 1024 * 1024;

/// A channel as it is configured, and its id once that is known.
#[derive(Debug)]
pub(super) struct Channel {
    /// Its name; `None` where it is configured by its id.
    name: Option<String>,
    id: OnceLock<String>,
    /// Whether Slack was asked for the id and does not tell it.
    is_untold: AtomicBool,
}

impl Channel {
    /// Takes what is configured.
    pub(super) fn new(configured: &str) -> Self {
        if is_id(configured) {
            return Self { name: None, id: configured.to_owned().into(), is_untold: AtomicBool::new(false) };
        }
        let name = Some(configured.trim_start_matches('#').to_owned());
        Self { name, id: OnceLock::new(), is_untold: AtomicBool::new(false) }
    }

    /// Tells whether it is configured by its name.
    pub(super) fn is_named(&self) -> bool {
        self.name.is_some()
    }

    /// Returns its id, where that is known.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.get().map(String::as_str)
    }

    /// Takes note of its id, by which Slack answered.
    pub(super) fn learn(&self, id: &str) {
        // What was learned first is as good.
        let _ = self.id.set(id.to_owned());
    }
}

/// Tells whether this is an id by its looks: names have no letters in upper case.
fn is_id(channel: &str) -> bool {
    channel.starts_with(['C', 'G', 'D'])
        && channel.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl Bot {
    /// Returns the id of its channel; asks for it where only its name is known. `None` where Slack does not say: a bot that
    /// may not list channels can still post by the name.
    ///
    /// # Errors
    /// [`SendError`] where Slack says when it may be asked again.
    pub(super) async fn channel_id(
        &self,
        deadline: Instant,
        now: Timestamp,
    ) -> Result<Option<String>, SendError> {
        if let Some(id) = self.channel.id() {
            return Ok(Some(id.to_owned()));
        }
        let Some(name) = self.channel.name.as_deref() else { return Ok(None) };
        let mut cursor = String::new();
        while !self.channel.is_untold.load(Ordering::Relaxed) {
            let question = [
                ("types", "public_channel,private_channel"),
                ("exclude_archived", "true"),
                ("limit", PAGE),
                ("cursor", &cursor),
            ];
            let page = match self.page("conversations.list", &question, deadline, PAGE_BYTES, now).await? {
                Page::Read(page) => page,
                Page::Refused => break,
                Page::Missing => return Ok(None),
            };
            if let Some(id) = find(&page, name) {
                self.channel.learn(&id);
                return Ok(Some(id));
            }
            match next_page(&page) {
                Some(next) => cursor = next,
                None => break,
            }
        }
        self.channel.is_untold.store(true, Ordering::Relaxed);
        Ok(None)
    }
}

fn find(page: &Value, name: &str) -> Option<String> {
    let channels = page.get("channels").and_then(Value::as_array)?;
    let is_ours = |channel: &&Value| channel.get("name").and_then(Value::as_str) == Some(name);
    let id = channels.iter().find(is_ours)?.get("id").and_then(Value::as_str)?;
    Some(id.to_owned())
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
            ("C1", Some("C1")),
            ("CODE-REVIEW", None),
        ] {
            let channel = Channel::new(configured);
            assert_eq!((channel.id(), channel.is_named()), (id, id.is_none()), "{configured}");
        }
    }

    #[test]
    fn an_id_is_learned_once() {
        let channel = Channel::new("#fixes");
        channel.learn("C0123ABCD");
        channel.learn("C9999ZZZZ");
        assert_eq!(channel.id(), Some("C0123ABCD"));
    }
}
