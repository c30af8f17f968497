//! Accounts: of one event and its deliveries everything that was written down, for whoever asks what happened and why.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::RunHistory;
use crate::delivery::{DeliveryId, Origin, Reason, Rung};
use crate::event::EventId;
use crate::routing::{Decision, RoutingTable};

/// One event, and everything of its run.
#[derive(Debug, Clone)]
pub struct EventHistory {
    /// The event that was asked for.
    pub event: EventId,
    /// Its run, with the account of each delivery.
    pub history: RunHistory,
}

/// What was decided of an event when it was routed.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The table that was in force.
    pub table: Arc<RoutingTable>,
    /// The decision.
    pub decision: Decision,
}

/// What was written down of a delivery beside its row in a list.
#[derive(Debug, Clone)]
pub struct Account {
    /// The template set that a route named, if any.
    pub template_set: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// When it was delivered, superseded or became a dead letter.
    pub finished_at: Option<Timestamp>,
    /// While it waits for another one of its run and destination: that one.
    pub behind: Option<DeliveryId>,
    /// While it waits: until when its destination is to be left alone.
    pub paused_until: Option<Timestamp>,
    /// While it waits: since when its destination no longer exists.
    pub gone_since: Option<Timestamp>,
    /// Where it was superseded: why.
    pub needless: Option<Needless>,
    /// Every attempt, in order.
    pub tries: Vec<Try>,
}

/// Why a delivery was superseded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needless {
    /// It tells of a beginning whose end was told already.
    Late,
    /// This other event tells the same, and went there.
    ToldBy(EventId),
    /// This newer delivery of the same card took its place.
    NewerCard(DeliveryId),
    /// When it was to be sent, it would have changed nothing.
    NothingNew,
    /// A mute dropped it.
    Dropped,
    /// Its destination did not take it in time, and another delivery stands in for it.
    TakenOver,
    /// A digest that another delivery was opened for tells it.
    Gathered,
}

/// One attempt of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Try {
    /// From 1.
    pub number: u32,
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
    /// What made the message.
    pub template: MadeBy,
}

/// What made a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MadeBy {
    /// A template that came with the relay, or the documented JSON.
    BuiltIn,
    /// A template of the team's own: its path in the templates folder.
    Template(String),
    /// It was not written down: an older version made it.
    Unknown,
}

/// A run as it is kept, for asking again what would become of its events.
#[derive(Debug, Clone)]
pub struct Tale {
    /// Its events, in order of acceptance.
    pub events: Vec<crate::event::Event>,
    /// What is known of its issue now.
    pub issue: Option<crate::issue::Issue>,
}

/// The store's own number of a run; the smaller, the older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunNumber(pub(super) i64);
