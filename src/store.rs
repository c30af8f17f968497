//! The store: what it promises, as two traits, whatever database keeps it.
//!
//! [`Queue`] is what the drivers write through; [`History`] is what people read. Neither knows a destination's
//! address, a template or Sentry's wire format. Everything is durable before a method answers `Ok`.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::delivery::{
    Attempt, Delivery, DeliveryId, DeliveryState, DestinationKind, DestinationName, Reason, Rung,
};
use crate::event::{Event, EventId, Organization};
use crate::run::Run;
use crate::sentry::payload::AcceptedEvent;

/// Settings of the `[store]` table.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Absolute path of the SQLite file. Default `sqlite:data/relay.db`, relative to the working directory.
    pub path: std::path::PathBuf,
    /// How long a run is kept after its last event. Default 90 d; 1 h to 10 years.
    pub retention: Duration,
}

/// Why the store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It cannot write or read now: the disk is full, fsync failed, the file is damaged or gone. May pass.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// There is no store where one was expected.
    #[error("there is no store at `{path}`")]
    Missing {
        /// Absolute path that was looked at.
        path: String,
    },
    /// The file is not one that this program may open; says what to do.
    #[error("{message}")]
    Refused {
        /// What is wrong with it.
        message: String,
        /// How to mend it.
        hint: String,
    },
    /// Another `serve` holds the store.
    #[error("the store `{path}` is in use by another `seer-relay serve` ({holder})")]
    InUse {
        /// Absolute path of the store.
        path: String,
        /// Who holds it, for example `process 4711`.
        holder: String,
    },
}

/// What became of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// Stored and committed.
    Stored(EventId),
    /// An equal one was accepted within the dedupe window; its id.
    Duplicate(EventId),
}

/// A claimed event, waiting to be routed.
#[derive(Debug, Clone)]
pub struct EventClaim {
    /// Proves that the event is still ours when the plan is written.
    pub ticket: EventTicket,
    /// The events of its run from the first one to this one, in order of acceptance; the last is the claimed one.
    pub story: Vec<Event>,
    /// Whether somebody asked for it to be routed anew.
    pub replay: bool,
}

/// A lease on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTicket {
    /// The order of acceptance.
    pub sequence: i64,
    /// Goes up with each claim; a plan with an old one changes nothing.
    pub fence: i64,
}

/// The routing decision for one claimed event.
#[derive(Debug, Clone)]
pub struct Plan {
    /// From the claim.
    pub ticket: EventTicket,
    /// Names of the routes that matched, in order; empty is "no route".
    pub routes: Vec<String>,
    /// One per destination.
    pub deliveries: Vec<PlannedDelivery>,
}

/// A delivery to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedDelivery {
    /// Where it goes.
    pub destination: DestinationName,
    /// What kind of service that is.
    pub kind: DestinationKind,
    /// The template set that the route named, if any.
    pub template_set: Option<String>,
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
    /// It is needless where a delivery of this other event was planned for the same destination; else it waits.
    SupersededBy(EventId),
}

/// A destination that may be called now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDestination {
    /// Its name.
    pub name: DestinationName,
    /// How many deliveries may be claimed for it, at least 1.
    pub allowance: usize,
}

/// A claimed delivery.
#[derive(Debug, Clone)]
pub struct DeliveryClaim {
    /// Proves that the delivery is still ours when its attempt is written.
    pub ticket: DeliveryTicket,
    /// The delivery.
    pub delivery: Delivery,
}

/// A lease on a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryTicket {
    /// The store's own number of the delivery.
    pub number: i64,
    /// Goes up with each claim; a record with an old one changes nothing.
    pub fence: i64,
}

/// What a claim brought.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// At most `allowance` per open destination, oldest first.
    pub deliveries: Vec<DeliveryClaim>,
    /// When the next delivery of each asked destination falls due, where one waits; in the past where more is due.
    pub next_due: Vec<(DestinationName, Timestamp)>,
}

/// One attempt and what follows from it, written in one transaction.
#[derive(Debug, Clone)]
pub struct Record {
    /// From the claim.
    pub ticket: DeliveryTicket,
    /// The attempt, where one was made.
    pub attempt: Option<Attempt>,
    /// What follows for the delivery.
    pub next: Next,
    /// What follows for its destination.
    pub destination: DestinationChange,
}

/// What follows for a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The destination took it.
    Delivered,
    /// It is tried again.
    Retry {
        /// When.
        due_at: Timestamp,
        /// Whether the attempt counts for the back-off.
        counted: bool,
        /// Which form of the message is tried then.
        rung: Rung,
    },
    /// It becomes a dead letter.
    Dead(Reason),
    /// A newer delivery made it needless.
    Superseded,
    /// It is due again at once, as if it had not been claimed: the relay stops.
    GivenBack,
}

/// What follows for a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationChange {
    /// Nothing.
    None,
    /// It is not to be called before then.
    HeldUntil(Timestamp),
    /// It no longer exists: no more calls until its address changes or a test succeeds.
    Gone,
}

/// Whether a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Written.
    Done,
    /// The lease had run out and somebody else has the delivery; nothing was written.
    LeaseLost,
}

/// A destination as the configuration names it.
#[derive(Debug, Clone)]
pub struct DestinationEntry {
    /// Its name.
    pub name: DestinationName,
    /// What kind of service it is.
    pub kind: DestinationKind,
    /// Its address, of which only a keyed fingerprint is kept; `None` while its secret is unset.
    pub address: Option<SecretString>,
}

/// What the store remembers of a destination over a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationStatus {
    /// Its name.
    pub name: DestinationName,
    /// Not to be called before then.
    pub held_until: Option<Timestamp>,
    /// Since when it no longer exists.
    pub gone_since: Option<Timestamp>,
}

/// What is to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayTarget {
    /// One delivery goes again to its destination, unrouted.
    Delivery(DeliveryId),
    /// One event is routed anew.
    Event(EventId),
    /// Every event of a run, named as it is shown or by its id alone, is routed anew.
    Run(String),
    /// Every dead letter that was not replayed yet.
    Dead {
        /// Only of this destination.
        destination: Option<DestinationName>,
        /// Only of deliveries that died since then.
        since: Option<Timestamp>,
    },
}

/// What a replay queued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// New deliveries, with the ones they repeat: (old, new).
    pub deliveries: Vec<(DeliveryId, DeliveryId)>,
    /// Events that will be routed anew.
    pub events: Vec<EventId>,
}

/// What the drivers write through.
///
/// Every method that changes something is one transaction, durable when it answers.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Stores an event, or finds the equal one accepted less than `dedupe_window` before `event.received_at()`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it could not be committed.
    async fn accept(&self, event: AcceptedEvent, dedupe_window: Duration) -> Result<Acceptance, StoreError>;

    /// Claims up to `limit` events that wait to be routed, in order of acceptance.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn claim_events(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<EventClaim>, StoreError>;

    /// Writes routing decisions and queues their deliveries. Plans whose lease was lost are left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn plan(&self, plans: Vec<Plan>, now: Timestamp) -> Result<(), StoreError>;

    /// Claims deliveries that are due: for one run and destination only ever the oldest unfinished one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn claim_deliveries(
        &self,
        open: Vec<OpenDestination>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Claims, StoreError>;

    /// Writes an attempt and what follows from it, if the lease is still ours.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn record(&self, record: Record, now: Timestamp) -> Result<Recorded, StoreError>;

    /// Makes the configured destinations known and tells what is remembered of them. A new address ends "gone" and
    /// any hold.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn register_destinations(
        &self,
        destinations: Vec<DestinationEntry>,
    ) -> Result<Vec<DestinationStatus>, StoreError>;

    /// Tells what is remembered of every destination, configured or not, that has unfinished deliveries or is gone
    /// or held.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn destinations(&self) -> Result<Vec<DestinationStatus>, StoreError>;

    /// Forgets that a destination is gone or held: a test succeeded.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn reopen_destination(&self, name: &DestinationName) -> Result<(), StoreError>;

    /// Queues deliveries again.
    ///
    /// # Errors
    /// [`FindError`]: nothing of that name, a name that means several things, or the store.
    async fn replay(&self, target: ReplayTarget, now: Timestamp) -> Result<Replayed, FindError>;

    /// Removes up to `limit` runs whose last event is older than `before` and of which nothing waits; returns how
    /// many went.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn prune(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Commits a trifle, to learn whether the store can write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason.
    async fn probe(&self) -> Result<(), StoreError>;
}

/// Why a name led nowhere.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FindError {
    /// Nothing has that id.
    #[error("no event, run or delivery is known as `{0}`")]
    Unknown(String),
    /// A run id that several organizations have; the full names.
    #[error("`{name}` is the id of several runs: {}", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The runs, as they are shown.
        candidates: Vec<String>,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An event with everything that a message about it needs.
#[derive(Debug, Clone)]
pub struct Story {
    /// The events of its run from the first one to this one, in order of acceptance; the last is the one asked for.
    pub events: Vec<Event>,
    /// The webhook's body as Sentry sent it.
    pub payload: Bytes,
}

/// One run in a list.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The run as it is now.
    pub run: Run,
    /// How many events it has.
    pub events: u64,
    /// How many deliveries it has.
    pub deliveries: u64,
    /// How many of them are dead letters.
    pub dead: u64,
}

/// One event in a run's history.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The event.
    pub event: Event,
    /// Names of the routes that matched; `None` while it waits to be routed, empty for "no route".
    pub routes: Option<Vec<String>>,
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
    /// The delivery that it repeats.
    pub replay_of: Option<DeliveryId>,
    /// The delivery that repeats it.
    pub replayed_by: Option<DeliveryId>,
}

/// A run with its history.
#[derive(Debug, Clone)]
pub struct RunHistory {
    /// The run as it is now.
    pub run: Run,
    /// Its events, in order of acceptance.
    pub events: Vec<EventRow>,
    /// Its deliveries, in order of planning.
    pub deliveries: Vec<DeliveryRow>,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only to this destination.
    pub destination: Option<DestinationName>,
    /// At most so many, newest first.
    pub limit: usize,
}

/// How much waits, for the metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that wait to be routed.
    pub events: u64,
    /// Unfinished and dead deliveries per destination: (name, state, how many).
    pub deliveries: Vec<(DestinationName, DeliveryState, u64)>,
}

/// What people read. Works beside a running `serve`.
#[async_trait]
pub trait History: Send + Sync {
    /// Returns an event with its run up to it; `None` where there is none of this id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn story(&self, event: &EventId) -> Result<Option<Story>, StoreError>;

    /// Lists runs, the newest event first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn runs(&self, limit: usize) -> Result<Vec<RunRow>, StoreError>;

    /// Returns one run, named as it is shown (`acme/12345`, `acme/evt_…`) or by an id alone where that is unique.
    ///
    /// # Errors
    /// [`FindError::Unknown`], [`FindError::Ambiguous`] or the store.
    async fn run(&self, name: &str) -> Result<RunHistory, FindError>;

    /// Lists deliveries, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        now: Timestamp,
    ) -> Result<Vec<DeliveryRow>, StoreError>;

    /// Counts what waits.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}
