//! A channel: the messages that stand in it, as they are now. Knows no platform.

use serde_json::Value;

/// A message of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Slack's `ts`, Discord's id.
    pub id: String,
    /// Slack: the `ts` of the message that it answers. Discord: the id of the thread that it stands in.
    pub thread: Option<String>,
    /// What was posted, as the edits since made it.
    pub body: Value,
    /// How often it was edited.
    pub edits: usize,
    /// Whether somebody deleted it.
    pub deleted: bool,
    /// Whether it is too old to be edited once more.
    pub closed: bool,
}

/// All that was ever said in one channel, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Channel {
    messages: Vec<Message>,
}

impl Channel {
    /// Takes a new message.
    pub(super) fn post(&mut self, id: String, thread: Option<String>, body: Value) {
        self.messages.push(Message { id, thread, body, edits: 0, deleted: false, closed: false });
    }

    /// Returns every message, the deleted ones too.
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Returns the messages that stand there.
    pub(super) fn standing(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(|message| !message.deleted)
    }

    /// Finds a message that stands there.
    pub(super) fn find(&self, id: &str) -> Option<&Message> {
        self.standing().find(|message| message.id == id)
    }

    /// Gives a message another body, and returns the one before.
    pub(super) fn edit(&mut self, id: &str, body: Value) -> Option<Value> {
        let message = self.find_mut(id)?;
        message.edits += 1;
        Some(std::mem::replace(&mut message.body, body))
    }

    /// Lets somebody delete a message.
    pub(super) fn delete(&mut self, id: &str) {
        if let Some(message) = self.find_mut(id) {
            message.deleted = true;
        }
    }

    /// Lets a message become too old to be edited.
    pub(super) fn close(&mut self, id: &str) {
        if let Some(message) = self.find_mut(id) {
            message.closed = true;
        }
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| !message.deleted && message.id == id)
    }
}
