//! What the drivers write through: the trait [`Queue`], and what goes in and comes out of it.
//!
//! Knows neither a destination's address nor a template; time is a value that the callers bring.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use super::{
    DeadTold, Doomed, Downtime, FindError, ForgetEnd, ForgetTarget, HandOver, HandedOver, HealthChange,
    HealthSettled, Hearing, IssueSource, Look, Notice, Plan, SilentFor, SilentRuns, StoreError, WaitingEvent,
};
use crate::delivery::{
    Attempt, Delivery, DeliveryId, DestinationKind, DestinationName, Fingerprint, FirstMessage, Reason, Rung,
};
use crate::event::{EventId, GroupId, Organization};
use crate::issue::Issue;
use crate::sentry::payload::AcceptedEvent;

/// What became of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// Stored and committed.
    Stored(EventId),
    /// An equal one was accepted within the dedupe window; its id.
    Duplicate(EventId),
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
    /// When the next delivery of each asked destination falls due, or its next lease ends, where there is one; in the
    /// past where more is due.
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
    /// What follows for the first message of its run there.
    pub message: MessageChange,
    /// Whether an attempt, this one or one before it, may have arrived, though no answer said so.
    pub in_doubt: bool,
}

/// What follows for the first message of a run at a destination: the card, or what further messages answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageChange {
    /// Nothing.
    None,
    /// This one is the first, unless one is remembered.
    First(FirstMessage),
    /// It was edited, and shows this.
    Shows(Fingerprint),
    /// It is no longer there: the next one is the first.
    Lost,
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
    /// It was needless: the card shows everything already.
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
    /// The destination that stands in for it, where one does.
    pub fallback: Option<DestinationName>,
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

impl ReplayTarget {
    /// Reads what an id means: that of a delivery, of an event, or else the name of a run.
    pub fn of(id: &str) -> Self {
        if id.starts_with("dlv_") {
            Self::Delivery(DeliveryId::new(id))
        } else if id.starts_with("evt_") {
            Self::Event(EventId::new(id))
        } else {
            Self::Run(id.to_owned())
        }
    }
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
/// Every method that changes something is one transaction, durable when it answers unless it says otherwise;
/// [`Queue::prune`] and the replay of dead letters, which may be very many, are several, so that nobody waits behind
/// them.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Stores an event, or finds the equal one accepted less than `dedupe_window` before `event.received_at()`. With an
    /// alert its issue is kept.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it could not be committed.
    async fn accept(&self, event: AcceptedEvent, dedupe_window: Duration) -> Result<Acceptance, StoreError>;

    /// Reads up to `limit` events that wait to be routed, in order of acceptance; fewer, one at least, where their
    /// stories are heavy. Of a story that takes more than `light_bytes` the payload is left out. Those `left_aside`, by
    /// their places in the order of acceptance, are not read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn waiting_events(
        &self,
        limit: usize,
        light_bytes: usize,
        left_aside: Vec<i64>,
    ) -> Result<Vec<WaitingEvent>, StoreError>;

    /// Writes routing decisions and queues their deliveries; plans whose ticket counts no longer are left out. An event
    /// and a destination always make the same delivery id. May answer before it is on disk: what is lost with the
    /// machine is decided again. Returns the destinations where an edit of a card took the place of one that waited, each
    /// as often as that happened.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn plan(&self, plans: Vec<Plan>, now: Timestamp) -> Result<Vec<DestinationName>, StoreError>;

    /// Claims deliveries that are due: for one run and destination only ever the oldest unfinished one. May answer
    /// before it is on disk: a lease ends with the process that holds it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn claim_deliveries(
        &self,
        open: Vec<OpenDestination>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Claims, StoreError>;

    /// Writes an attempt and what follows from it, if the lease is still ours. A lease that has run out is, until
    /// somebody claims the delivery. What becomes a dead letter goes to its destination's fallback in the same
    /// transaction, where there is one, unless its destination is no longer configured. May answer about a second before it is on disk: what is lost with the machine is
    /// sent again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn record(&self, record: Record, now: Timestamp) -> Result<Recorded, StoreError>;

    /// Hands over to a destination's fallback what has waited too long, in the order in which its time began: each
    /// becomes a delivery of the same event there, and is superseded, but for a card, which goes on waiting. No more than
    /// lets `limit` of the fallback's be due. May answer before it is on disk: what is lost with the machine is handed
    /// over again, with the same id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn hand_over(&self, wanted: HandOver, now: Timestamp) -> Result<HandedOver, StoreError>;

    /// Begins to tell of destinations; returns which of them took nothing when that was written last. Dead letters are
    /// counted from now on, or no longer, and then those that were not told are forgotten. May answer before it is on
    /// disk.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn begin_heralding(&self, counts_dead: bool) -> Result<Vec<Downtime>, StoreError>;

    /// Writes whether a destination takes deliveries. That it takes none, and that it takes them again, becomes each an
    /// event that waits to be routed, in the same transaction: once, and the former not more often than
    /// `at_most_every`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn settle_health(&self, change: HealthChange, now: Timestamp) -> Result<HealthSettled, StoreError>;

    /// Makes notices of the dead letters that were counted and not told yet: one for each destination, `gather` after the
    /// first of them, and not more often than `at_most_every`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn tell_dead(
        &self,
        gather: Duration,
        at_most_every: Duration,
        now: Timestamp,
    ) -> Result<DeadTold, StoreError>;

    /// Keeps what Sentry said of an issue, under the id that was asked for; `None` says that Sentry has none, which
    /// leaves what was known of it. May answer before it is on disk: what is lost with the machine is asked again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn keep_issue(
        &self,
        organization: &Organization,
        group: &GroupId,
        issue: Option<Issue>,
        source: IssueSource,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Begins to watch runs, or notes that nobody does. Where nobody did before, what was accepted before `since` is never
    /// looked at. May answer before it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn begin_watch(&self, is_on: bool, since: Timestamp) -> Result<(), StoreError>;

    /// Reads up to `limit` runs of which nothing was heard for as long as `silence` says, each once: those whose newest
    /// event lies behind the last one that was looked at, and those that are to be looked at again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn silent_runs(
        &self,
        silence: SilentFor,
        now: Timestamp,
        limit: usize,
    ) -> Result<SilentRuns, StoreError>;

    /// Writes how a look at a run ended, and with it that no event up to that one is looked at any more. A notice becomes
    /// an event that waits to be routed, in the same transaction, unless the run's newest event is another one by now;
    /// returns its id. What is no notice may be answered before it is on disk: what is lost with the machine is looked
    /// at again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn settle_look(&self, look: Look, now: Timestamp) -> Result<Option<EventId>, StoreError>;

    /// Begins to listen to these organizations; returns what is known of them, in this order. Where nobody listened for
    /// longer than `longest_break`, the relay counts as listening from now on. May answer before it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn begin_hearing(
        &self,
        organizations: Vec<Organization>,
        longest_break: Duration,
        now: Timestamp,
    ) -> Result<Vec<Hearing>, StoreError>;

    /// Writes what was heard of an organization up to now. A notice becomes an event that waits to be routed, in the same
    /// transaction, unless one was written since something was heard; returns its id. What is no notice may be answered
    /// before it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn settle_hearing(
        &self,
        hearing: Hearing,
        notice: Option<Notice>,
        now: Timestamp,
    ) -> Result<Option<EventId>, StoreError>;

    /// Makes the configured destinations known and tells what is remembered of them. A new address ends "gone" and
    /// any hold. Where the clock was set back while no relay ran, nothing stays due, and nobody held, for longer than
    /// until `latest_due`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn register_destinations(
        &self,
        destinations: Vec<DestinationEntry>,
        now: Timestamp,
        latest_due: Timestamp,
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

    /// Queues what several names mean again, each once: all of it, or nothing where one of them means nothing.
    ///
    /// # Errors
    /// As [`Queue::replay`].
    async fn replay_named(&self, names: Vec<String>, now: Timestamp) -> Result<Replayed, FindError>;

    /// Removes up to `limit` runs whose last event is older than `before` and of which nothing waits, and every issue
    /// of which nothing was said since; returns how many runs went.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn prune(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Removes the payloads and diffs of events that were received before `before` and that no message needs any more;
    /// returns of how many events something went.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn strip(&self, before: Timestamp) -> Result<usize, StoreError>;

    /// Finds what [`forget`](Self::forget) would remove.
    ///
    /// # Errors
    /// [`FindError`]: nothing of that name, a name that means several things, or the store.
    async fn doomed(&self, target: ForgetTarget) -> Result<Doomed, FindError>;

    /// Removes runs for good, with everything that was written of them, and writes down that it did. What is removed is
    /// overwritten. Nothing of it is sent from then on, but for what is under way. Where it fails in the middle, what is
    /// gone is gone, and it can be called again for the rest.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn forget(&self, doomed: Doomed, now: Timestamp) -> Result<ForgetEnd, StoreError>;

    /// Brings the catalogue, by which runs are listed and counted, up to date by one step; returns whether there may be more
    /// to do. A step is light, and nobody waits for it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn catalogue(&self) -> Result<bool, StoreError>;

    /// Commits as much as an event takes, to learn whether the store can write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason.
    async fn probe(&self) -> Result<(), StoreError>;
}
