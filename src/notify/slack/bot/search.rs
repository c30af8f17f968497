//! The search for a message whose answer was lost: by the mark that it carries in its `metadata`.
//!
//! It takes a scope beside `chat:write`: `channels:history`, for private channels `groups:history`. Without it nothing
//! can be known, and the message is posted again.
// Source: https://docs.slack.dev/reference/methods/conversations.history and
// https://docs.slack.dev/reference/methods/conversations.replies, read 2026-11-30.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{Bot, Page};
use crate::delivery::MessageRef;
use crate::notify::slack::body::{EVENT_TYPE, MARK};
use crate::notify::{Envelope, Position, SendError};

/// Messages on a page.
const PAGE: &str = "100";

/// How many pages are read: the newest come first, and the message is not old.
const MOST_PAGES: usize = 10;

/// How much of a page is read.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// By how much Slack's clock may be behind ours.
const SKEW: Duration = Duration::from_mins(5);

/// What a search brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// It stands there.
    Found(MessageRef),
    /// It does not.
    Absent,
    /// Slack does not say.
    Unknown,
}

impl Bot {
    /// Looks for a message that was sent since then, for at most `patience`.
    ///
    /// # Errors
    /// [`SendError`] where Slack says when it may be asked again: then it can be known.
    pub(super) async fn search(
        &self,
        envelope: &Envelope,
        since: Timestamp,
        patience: Duration,
        now: Timestamp,
    ) -> Result<Finding, SendError> {
        let deadline = Instant::now() + patience;
        let (method, channel, thread) = match &envelope.position {
            Position::Under { message, .. } => {
                ("conversations.replies", Some(message.channel.clone()), message.id.as_str())
            }
            Position::Alone | Position::Instead(_) => {
                ("conversations.history", self.channel_id(deadline, now).await?, "")
            }
        };
        let Some(channel) = channel else { return Ok(Finding::Unknown) };
        let oldest = since.as_second().saturating_sub(SKEW.as_secs().cast_signed()).to_string();
        let mut cursor = String::new();
        for _ in 0..MOST_PAGES {
            let mut question = vec![
                ("channel", channel.as_str()),
                ("oldest", &oldest),
                ("include_all_metadata", "true"),
                ("limit", PAGE),
            ];
            question.extend((!thread.is_empty()).then_some(("ts", thread)));
            question.extend((!cursor.is_empty()).then_some(("cursor", cursor.as_str())));
            let Page::Read(page) = self.page(method, &question, deadline, PAGE_BYTES, now).await? else {
                return Ok(Finding::Unknown);
            };
            if let Some(id) = find(&page, &envelope.mark) {
                return Ok(Finding::Found(MessageRef { channel, id }));
            }
            match next_page(&page) {
                Some(next) => cursor = next,
                None => return Ok(Finding::Absent),
            }
        }
        Ok(Finding::Unknown)
    }
}

/// Finds the message that carries a mark.
fn find(page: &Value, mark: &str) -> Option<String> {
    let messages = page.get("messages").and_then(Value::as_array)?;
    let is_ours = |message: &&Value| {
        message.pointer("/metadata/event_type").and_then(Value::as_str) == Some(EVENT_TYPE)
            && message.pointer("/metadata/event_payload").and_then(|payload| payload.get(MARK))
                == Some(&Value::from(mark))
    };
    messages
        .iter()
        .find(is_ours)
        .and_then(|message| message.get("ts"))
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// Returns what leads to the next page, where there is one.
pub(super) fn next_page(page: &Value) -> Option<String> {
    let cursor = page.pointer("/response_metadata/next_cursor").and_then(Value::as_str)?;
    (!cursor.is_empty()).then(|| cursor.to_owned())
}
