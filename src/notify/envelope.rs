//! Envelopes: where a message goes within its destination, how it is known again, and what is known of one whose answer was
//! lost.

use jiff::Timestamp;

use crate::delivery::{Mention, MessageRef};
use crate::event::words;

/// Where a message goes within its destination, and how it is known again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Where it goes.
    pub position: Position,
    /// Whom it mentions, above its text; an edit pings nobody all the same.
    pub mentions: Vec<Mention>,
    /// What tells it from every other message, where the platform keeps such a thing (Slack's `metadata`).
    pub mark: String,
    /// What its run is about, in a few words: may name a thread.
    pub subject: String,
    /// Where it may stand there already, because an answer was lost: since when.
    pub in_doubt_since: Option<Timestamp>,
}

impl Envelope {
    /// Returns what is known of a message that cannot be looked for.
    pub(super) fn doubt(&self) -> Option<Doubt> {
        match self.position {
            // To make the same edit twice changes nothing.
            Position::Instead(_) => None,
            Position::Alone | Position::Under { .. } => self.in_doubt_since.map(|_| Doubt::Unknown),
        }
    }
}

/// Where a message goes within its destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Position {
    /// It stands for itself.
    #[default]
    Alone,
    /// It answers another one.
    Under {
        /// That one.
        message: MessageRef,
        /// Whether everybody in the channel is to see it all the same.
        announced: bool,
    },
    /// It takes the place of another one: that is edited.
    Instead(MessageRef),
}

words! {
    /// What is known of a message whose first answer was lost, when it is sent again.
    Doubt {
        /// It stood there, and was not sent again.
        Found = "found",
        /// It did not stand there.
        Absent = "absent",
        /// Nobody could say: it may stand there twice.
        Unknown = "unknown",
    }
}
