//! What people read: the trait [`History`], and the rows that it lists.
//!
//! Nothing here changes the store; every method works beside a running `serve`.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Account, Choices, Cursor, Decided, EventHistory, ExportFilter, ExportPage, FindError, Forgotten,
    KeptIssue, Page, Report, ReportFilter, RunFilter, RunNumber, RunRow, StoreError, Stretch, Tale,
};
use crate::delivery::{
    DeliveryId, DeliveryState, DestinationKind, DestinationName, Mention, Muting, Part, Reason,
};
use crate::event::{Event, EventId, GroupId, Organization};
use crate::issue::Issue;
use crate::render::digest::Digest;
use crate::run::Run;

/// A story that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// An event.
    pub event: EventId,
    /// How far its story reaches.
    pub reach: Reach,
}

/// How far a story reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From the run's first event to the one that is asked for, with its payload.
    UpToEvent,
    /// To the run's newest event, without a payload.
    WholeRun,
}

/// An event with everything that a message about it needs.
#[derive(Debug, Clone)]
pub struct Story {
    /// The events of its run from the first one to the last that the story reaches to, in order of acceptance.
    pub events: Vec<Event>,
    /// The webhook's body as Sentry sent it; empty in the story of a whole run.
    pub payload: Bytes,
    /// What Sentry said last of the run's issue.
    pub issue: Option<Box<Issue>>,
}

/// A story, or how much memory it would take.
#[derive(Debug, Clone)]
pub enum Told {
    /// The story.
    Story(Story),
    /// It takes more than was asked for.
    Heavy {
        /// About how much it takes.
        bytes: usize,
    },
}

/// One event in a run's history.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The event.
    pub event: Event,
    /// Names of the routes that matched; `None` while it waits to be routed, empty for "no route".
    pub routes: Option<Vec<String>>,
    /// Whether a route asked for the issue, which was not known in time: no condition on it held.
    pub issue_unknown: bool,
    /// When it was routed last.
    pub planned_at: Option<Timestamp>,
    /// How often it was routed anew because somebody replayed it.
    pub replays: u32,
    /// Why it was routed so; `None` while it waits, and where an older version routed it.
    pub decided: Option<Decided>,
}

/// One delivery in a list.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// The delivery's id.
    pub id: DeliveryId,
    /// Its event.
    pub event_id: EventId,
    /// Its run, as it is shown: `acme/12345`.
    pub run: String,
    /// The organization.
    pub organization: Organization,
    /// Sentry's `run_id`, where there is one.
    pub run_id: Option<String>,
    /// The event's action.
    pub action: String,
    /// Which of the event's messages there it is.
    pub part: Part,
    /// Where it goes.
    pub destination: DestinationName,
    /// What kind of service that is.
    pub kind: DestinationKind,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts made.
    pub attempts: u32,
    /// The HTTP status of the last attempt.
    pub last_status: Option<u16>,
    /// Why the last attempt failed or the delivery died.
    pub last_reason: Option<Reason>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it is tried next, where it waits and is first in its lane.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// Why it was held back or dropped, where a mute did that.
    pub muting: Option<Muting>,
    /// Until when mutes hold it back, itself or what stands before it.
    pub held_until: Option<Timestamp>,
    /// Whom it mentions.
    pub mentions: Vec<Mention>,
    /// The delivery that it repeats.
    pub replay_of: Option<DeliveryId>,
    /// The delivery that repeats it.
    pub replayed_by: Option<DeliveryId>,
    /// The delivery that it stands for, and whose destination did not take it.
    pub fallback_for: Option<(DeliveryId, DestinationName)>,
    /// The delivery that stands for it, at its destination's fallback.
    pub fallback_by: Option<(DeliveryId, DestinationName)>,
    /// The digest that it is told in, or that it repeats: the delivery that was opened for it.
    pub digest: Option<DeliveryId>,
    /// Where a digest was opened for it: how many events are in that.
    pub gathered: Option<u64>,
}

/// A run with its history.
#[derive(Debug, Clone)]
pub struct RunHistory {
    /// The run as it is now.
    pub run: Run,
    /// What is known of its issue now.
    pub issue: Option<Issue>,
    /// Its events, in order of acceptance.
    pub events: Vec<EventRow>,
    /// Those of them whose payload is kept.
    pub payloads: BTreeSet<EventId>,
    /// Its deliveries, in order of planning.
    pub deliveries: Vec<DeliveryRow>,
    /// What else was written down of each of them.
    pub accounts: BTreeMap<DeliveryId, Account>,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only to this destination.
    pub destination: Option<DestinationName>,
    /// Planned then or later.
    pub since: Option<Timestamp>,
    /// Planned before.
    pub until: Option<Timestamp>,
}

/// Tells one state of the lists from another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulse(pub(super) [i64; 5]);

/// How much waits, for the metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that wait to be routed.
    pub events: u64,
    /// What is queued for each destination, by its name.
    pub queues: Vec<QueueLength>,
}

/// How much is queued for a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueLength {
    /// The destination.
    pub destination: DestinationName,
    /// How many deliveries wait.
    pub waiting: u64,
    /// How many are being sent.
    pub sending: u64,
    /// How many dead letters there are.
    pub dead: u64,
    /// When the unfinished one was due that was due first; in the future where none has been due yet.
    pub first_due_at: Option<Timestamp>,
}

/// What people read. Works beside a running `serve`.
#[async_trait]
pub trait History: Send + Sync {
    /// Returns events with their runs, from one state of the store, in the order of `wanted`; `None` where there is none of
    /// an id. A story that takes more than `most_bytes` is not read but weighed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn stories(&self, wanted: &[Wanted], most_bytes: usize) -> Result<Vec<Option<Told>>, StoreError>;

    /// Returns what a delivery of the part [`Part::Digest`] tells, the same at each attempt where one may have arrived;
    /// `None` where it is no longer there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn digest(&self, delivery: &DeliveryId) -> Result<Option<Digest>, StoreError>;

    /// Returns what Sentry said last of the issue that has, or had, this id; `None` where nobody ever asked or told.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn issue(
        &self,
        organization: &Organization,
        group: &GroupId,
    ) -> Result<Option<KeptIssue>, StoreError>;

    /// Lists runs, the newest event first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn runs(&self, limit: usize) -> Result<Vec<RunRow>, StoreError>;

    /// Lists the runs that a filter lets through, the newest first, behind a place in the list; as the catalogue has them,
    /// which is a moment behind.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn find_runs(
        &self,
        filter: RunFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<RunRow>, StoreError>;

    /// Lists what runs can be filtered by.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn choices(&self) -> Result<Choices, StoreError>;

    /// Tells how many events the catalogue has not seen yet: more than a few only while an older store is catalogued.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn catalogue_lag(&self) -> Result<u64, StoreError>;

    /// Returns one run, named as it is shown (`acme/12345`, `acme/evt_…`) or by an id alone where that is unique.
    ///
    /// # Errors
    /// [`FindError::Unknown`], [`FindError::Ambiguous`] or the store.
    async fn run(&self, name: &str) -> Result<RunHistory, FindError>;

    /// Returns the run of one event, named by its own id or by that of one of its deliveries.
    ///
    /// # Errors
    /// [`FindError::Unknown`] or the store.
    async fn event(&self, name: &str) -> Result<EventHistory, FindError>;

    /// Lists the runs that have an event which was received since, in order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn runs_since(&self, since: Timestamp) -> Result<Vec<RunNumber>, StoreError>;

    /// Reads the first of these runs, as many as are light together, one at least; one that was removed meanwhile is
    /// without events.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn tales(&self, runs: &[RunNumber]) -> Result<Vec<Tale>, StoreError>;

    /// Lists deliveries, newest first, behind a place in the list. Where few fit, a page may end early, even empty, and
    /// name where to go on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        after: Option<Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<DeliveryRow>, StoreError>;

    /// Counts runs and deliveries; runs as the catalogue has them, which is a moment behind.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn report(&self, filter: ReportFilter) -> Result<Report, StoreError>;

    /// Begins an export: returns which events have to be looked at for it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn begin_export(&self, filter: ExportFilter) -> Result<Stretch, StoreError>;

    /// Reads the next page of an export, from one state of the store; nothing is held between two pages.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn export(&self, filter: ExportFilter, stretch: Stretch) -> Result<ExportPage, StoreError>;

    /// Lists what was removed for good, the newest first; where a name is given, what was removed under it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn forgotten(&self, name: Option<String>) -> Result<Vec<Forgotten>, StoreError>;
    /// Counts the dead letters that were not replayed yet, by destination, in order of their names.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn dead_letters(
        &self,
        destination: Option<DestinationName>,
    ) -> Result<Vec<(DestinationName, u64)>, StoreError>;

    /// Returns what is another value whenever lists may show something else than before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn pulse(&self) -> Result<Pulse, StoreError>;

    /// Counts what waits.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}
