//! Exports: every event with its deliveries, page after page, for whoever takes the record away.

use jiff::Timestamp;

use super::{DeliveryRow, EventRow};
use crate::delivery::Origin;
use crate::event::{Organization, PullRequest};

/// Which events to export; what is `None` lets every event through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportFilter {
    /// It was received then or later.
    pub since: Option<Timestamp>,
    /// It was received before.
    pub until: Option<Timestamp>,
    /// Whose it is.
    pub organization: Option<Organization>,
    /// One of the repositories that its run is about now.
    pub repo: Option<String>,
}

/// What is left of an export: events in order of acceptance, up to the newest one when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The next event's number, or a smaller one.
    pub(super) next: i64,
    /// The last event's number.
    pub(super) last: i64,
}

impl Stretch {
    /// Returns how many numbers are left: no fewer than events.
    pub fn left(&self) -> u64 {
        u64::try_from(self.last.saturating_sub(self.next).saturating_add(1)).unwrap_or_default()
    }
}

/// A page of an export.
#[derive(Debug)]
pub struct ExportPage {
    /// The events on it that the filter lets through; maybe none, though there are more pages.
    pub events: Vec<ExportedEvent>,
    /// What is left behind it; `None` where it is the last one.
    pub rest: Option<Stretch>,
}

/// An event with its deliveries.
#[derive(Debug)]
pub struct ExportedEvent {
    /// The event; without what its payload says, and without the reasons of its routes.
    pub row: EventRow,
    /// Its run as it is shown: `acme/12345`; `None` where it is about none.
    pub run: Option<String>,
    /// The repositories that the run is about now.
    pub repos: Vec<String>,
    /// What Seer says is to be done about the run's cause.
    pub classification: Option<String>,
    /// Every pull request that the run named.
    pub pull_requests: Vec<PullRequest>,
    /// What people call the run's issue, for example `API-1X`.
    pub issue_short_id: Option<String>,
    /// What went wrong.
    pub issue_title: Option<String>,
    /// Its deliveries, in order of planning.
    pub deliveries: Vec<ExportedDelivery>,
}

/// A delivery of an event.
#[derive(Debug)]
pub struct ExportedDelivery {
    /// As it is listed.
    pub row: DeliveryRow,
    /// Where it came from.
    pub origin: Origin,
    /// When it was delivered, superseded or became a dead letter.
    pub finished_at: Option<Timestamp>,
}
