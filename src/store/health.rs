//! Destinations that do not take what they should: what their fallbacks take over, and what is told of them.

use std::time::Duration;

use jiff::Timestamp;

use crate::delivery::{DeliveryId, DestinationName, Reason};
use crate::event::{Action, EventId};

/// What a destination's fallback is to take over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The destination that does not take it.
    pub from: DestinationName,
    /// After how long.
    pub after: Duration,
    /// Why it takes nothing now, where that is known; of what was tried, its own last reason counts.
    pub reason: Option<Reason>,
    /// How many deliveries of the fallback may be due at once.
    pub limit: usize,
}

/// What was handed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// What waited, in order.
    pub deliveries: Vec<DeliveryId>,
    /// When the next one has waited long enough; in the past where it has, and could not be handed over yet.
    pub next_due: Option<Timestamp>,
}

/// What is remembered of a destination that took nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downtime {
    /// Its name.
    pub name: DestinationName,
    /// Whether that was told.
    pub is_told: bool,
}

/// Whether a destination takes deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Takes,
    /// It keeps refusing, or no longer exists.
    Refuses {
        /// Since when.
        since: Timestamp,
        /// Why, by its last answer.
        reason: Reason,
    },
}

/// Which of two notices some route names: others are not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed {
    /// That a destination takes nothing.
    pub down: bool,
    /// That it takes deliveries again.
    pub up: bool,
}

/// What is known of a destination now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthChange {
    /// Its name.
    pub name: DestinationName,
    /// Whether it takes deliveries.
    pub health: Health,
    /// How many wait for it.
    pub waiting: u64,
    /// What is to be told.
    pub routed: Routed,
    /// How often it is told at most that it takes nothing.
    pub at_most_every: Duration,
}

/// What became of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthSettled {
    /// The notice that was made.
    pub notice: Option<ToldNotice>,
    /// When it may be told that it takes nothing, where that is not told yet.
    pub tell_at: Option<Timestamp>,
}

/// A notice that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldNotice {
    /// What it says.
    pub action: Action,
    /// Its id.
    pub id: EventId,
    /// Which destination it is about.
    pub destination: DestinationName,
}

/// What was told of dead letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadTold {
    /// The notices that were made.
    pub notices: Vec<ToldNotice>,
    /// When the next one falls due.
    pub next_due: Option<Timestamp>,
}
