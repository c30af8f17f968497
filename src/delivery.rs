//! Deliveries: one event for one destination, its attempts, and what became of it. Plain values.
//!
//! Knows neither the queue (`store`) nor any platform (`notify`).

mod mention;
mod muting;

use std::time::Duration;

use jiff::Timestamp;

use crate::event::{EventId, text_id, words};

pub use mention::{MOST_MENTIONS, Mention, Mentions, unite};
pub use muting::{Muting, name_of, zone_of};

text_id! {
    /// The relay's id of a delivery, `dlv_…`; sorts by time of planning.
    DeliveryId
}
text_id! {
    /// The name of a destination, unique over all kinds: `backend` in `[slack.backend]`.
    DestinationName
}

/// Where a message stands, in the platform's own names; what it takes to answer or to edit it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRef {
    /// The channel; on Discord of a message in a thread, the thread.
    pub channel: String,
    /// The message: on Slack its `ts`.
    pub id: String,
}

/// The first message of a run at a destination: the card that is edited, or what further messages answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstMessage {
    /// Where it stands.
    pub place: MessageRef,
    /// What it shows, where that is known.
    pub shows: Option<Fingerprint>,
    /// Whom it mentioned when it was posted: each edit says so again, and pings nobody.
    pub mentions: Vec<Mention>,
}

/// Tells what one message shows from what another does: two are equal where both show the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 16]);

words! {
    /// What kind of service a destination is.
    DestinationKind {
        /// Slack, by an incoming webhook or a bot.
        Slack = "slack",
        /// A Discord webhook.
        Discord = "discord",
        /// Any HTTP service, by Standard Webhooks.
        Webhook = "webhook",
    }
}

words! {
    /// Where a delivery stands.
    DeliveryState {
        /// It will be sent, now or later.
        Waiting = "waiting",
        /// An attempt is under way.
        Sending = "sending",
        /// The destination took it.
        Delivered = "delivered",
        /// A newer delivery of the same run and destination made it needless, or a mute dropped it.
        Superseded = "superseded",
        /// A dead letter: it will not be tried again by itself.
        Dead = "dead",
    }
}

words! {
    /// Why an attempt failed or a delivery died; a closed set, at once metric label and history's word.
    Reason {
        /// No answer in time.
        Timeout = "timeout",
        /// No connection, or one that broke.
        Connect = "connect",
        /// The host's name did not resolve.
        Dns = "dns",
        /// The TLS handshake failed.
        Tls = "tls",
        /// The destination asked for fewer calls.
        RateLimited = "rate_limited",
        /// The destination does not let us in.
        Auth = "auth",
        /// The webhook or channel no longer exists.
        Gone = "gone",
        /// The destination refused the request as wrong.
        ClientError = "client_error",
        /// The destination failed.
        ServerError = "server_error",
        /// An answer that the platform would not give.
        BadAnswer = "bad_answer",
        /// The template failed.
        Render = "render",
        /// It waited for longer than its news is worth.
        Expired = "expired",
        /// Its destination is no longer configured.
        Removed = "removed",
        /// The relay stopped in the middle of the attempt.
        Shutdown = "shutdown",
    }
}

words! {
    /// A plainer and plainer form of one message, tried when a platform calls the body malformed.
    Rung {
        /// The message as it was made.
        Whole = "whole",
        /// Title and links, without the body (chat); without diffs and payload (`webhook`).
        Brief = "brief",
        /// One plain line (chat only).
        Line = "line",
    }
}

impl Rung {
    /// Returns the next plainer form of a chat message; `None` for the plainest.
    pub fn plainer(self) -> Option<Self> {
        match self {
            Self::Whole => Some(Self::Brief),
            Self::Brief => Some(Self::Line),
            Self::Line => None,
        }
    }
}

words! {
    /// Which of an event's messages for a destination a delivery is.
    Part {
        /// The only one.
        Message = "message",
        /// The card of the event's run, as the run is when it is sent.
        Card = "card",
        /// A short one beside the card, which an edit would not make anybody look at.
        Announcement = "announcement",
        /// Told with others in one message that sums up the runs of some time. The delivery of the first event of that
        /// time is sent for all; those that join it are superseded.
        Digest = "digest",
    }
}

words! {
    /// Where a delivery came from.
    Origin {
        /// The event was routed when it came.
        Event = "event",
        /// Somebody sent it again.
        Replay = "replay",
        /// Another destination did not take it.
        Fallback = "fallback",
    }
}

/// What a delivery to a fallback stands for: one that its own destination did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandsFor {
    /// That destination.
    pub destination: DestinationName,
    /// Why it was not taken; `None` where it was never tried.
    pub reason: Option<Reason>,
}

/// One event for one destination, as the queue hands it to a sender.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The relay's id; the same on every retry.
    pub id: DeliveryId,
    /// The event that it tells of.
    pub event_id: EventId,
    /// Where it goes.
    pub destination: DestinationName,
    /// Which of the event's messages there it is.
    pub part: Part,
    /// The template set that the route named, if any.
    pub template_set: Option<String>,
    /// Whom it mentions.
    pub mentions: Vec<Mention>,
    /// Whether it is a replay.
    pub origin: Origin,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it was first due; `give_up_after` runs from here.
    pub first_due_at: Timestamp,
    /// Until when a mute held it back, itself or what stood before it; `expire_after` runs from here, where it is set.
    pub held_until: Option<Timestamp>,
    /// Attempts made before this one.
    pub attempts: u32,
    /// Attempts that failed and count for the back-off; a 429 does not.
    pub failures: u32,
    /// Which form of the message is to be tried.
    pub rung: Rung,
    /// Whether an earlier attempt may have arrived, though no answer said so.
    pub in_doubt: bool,
    /// The first message of its run at its destination, where one is remembered.
    pub first: Option<FirstMessage>,
    /// What it stands for, where another destination did not take it.
    pub stands_for: Option<StandsFor>,
}

/// One HTTP try of a delivery, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Which form of the message was tried.
    pub rung: Rung,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Why it failed; `None` where it succeeded.
    pub reason: Option<Reason>,
    /// The platform's own words, cut and free of secrets.
    pub words: Option<String>,
    /// The template of the team's own that made the message, as a path in the templates folder; `None` for a built-in one.
    pub template: Option<String>,
}
