//! Plans: the events that wait to be routed, and what was decided of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::KeptIssue;
use crate::delivery::{DestinationKind, DestinationName, Mention, Muting, Part};
use crate::event::{Event, EventId};
use crate::routing::Basis;
use crate::routing::answers::Answers;
use crate::run::StepSign;

/// An event that waits to be routed.
#[derive(Debug, Clone)]
pub struct WaitingEvent {
    /// What its plan is written with.
    pub ticket: EventTicket,
    /// The events of its run from the first one to this one, in order of acceptance; the last is the waiting one.
    pub events: Vec<Event>,
    /// The webhook's body as Sentry sent it, where the whole story is light.
    pub payload: Option<Bytes>,
    /// What is kept of the run's issue.
    pub issue: Option<KeptIssue>,
    /// About how much memory these take.
    pub bytes: usize,
    /// Of an alert: which steps were accepted in its run after it.
    pub later: Vec<LaterStep>,
    /// Whether somebody asked for it to be routed anew.
    pub replay: bool,
}

/// A step that was accepted after an event of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterStep {
    /// Which step it speaks of.
    pub sign: StepSign,
    /// Whether it was planned already.
    pub is_planned: bool,
}

/// An event as it waits: once it is planned or waits anew, a plan with this changes nothing. So planning needs no lease:
/// of two plans for an event, the first one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTicket {
    /// The order of acceptance.
    pub sequence: i64,
    /// Goes up each time the event waits anew.
    pub fence: i64,
}

/// The routing decision for one event.
#[derive(Debug, Clone)]
pub struct Plan {
    /// From the event as it waited.
    pub ticket: EventTicket,
    /// Names of the routes that matched, in order; empty is "no route".
    pub routes: Vec<String>,
    /// Why; `None` where that is not known.
    pub reasons: Option<Reasons>,
    /// Whether a route asks for the issue, which was not known in time.
    pub issue_unknown: bool,
    /// What it becomes, in order.
    pub deliveries: Vec<PlannedDelivery>,
    /// The destinations that keep cards: where the event's run has one, and the event has no delivery there, the card is
    /// edited all the same.
    pub card_keepers: Vec<CardKeeper>,
}

/// Why an event was routed as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reasons {
    /// The table that it was routed by; the same for all events until the configuration changes.
    pub basis: Arc<Basis>,
    /// What its conditions said.
    pub answers: Answers,
}

/// A destination that keeps one card per run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardKeeper {
    /// Its name.
    pub name: DestinationName,
    /// What kind of service it is.
    pub kind: DestinationKind,
}

/// A delivery to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedDelivery {
    /// Where it goes.
    pub destination: DestinationName,
    /// What kind of service that is.
    pub kind: DestinationKind,
    /// Which of the event's messages there it is. A card takes the place of one that waits: then that one is superseded.
    pub part: Part,
    /// The template set that the route named, if any.
    pub template_set: Option<String>,
    /// Whom it mentions.
    pub mentions: Vec<Mention>,
    /// Why it is held back or dropped, where it is. What only edits a card that stands, or is about to, is neither.
    pub muting: Option<Muting>,
    /// How it enters the queue.
    pub entry: Entry,
}

/// How a delivery enters the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It waits for its turn.
    Waiting,
    /// It is needless from the start, but on record.
    Superseded,
    /// It is needless where the same part of this other event was planned for the same destination; else it waits.
    SupersededBy(EventId),
    /// It joins the digest that gathers at its destination; where none does, it opens one.
    Gathered {
        /// When one that it opens is due.
        within: Duration,
        /// It is needless where this other event was told in an earlier digest there.
        unless: Option<EventId>,
    },
}
