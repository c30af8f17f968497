//! The store: what it promises, as two traits, whatever database keeps it.
//!
//! [`Queue`] is what the drivers write through; [`History`] is what people read; [`open`] finds or makes the store
//! that both are had from. None of them knows a destination's address, a template or Sentry's wire format.
//! What is promised to anybody outside is durable before a method answers `Ok`.

mod account;
mod catalogue;
mod export;
mod forget;
mod health;
mod history;
mod issue;
mod plan;
mod queue;
mod report;
mod sqlite;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use account::{Account, Decided, EventHistory, MadeBy, Needless, RunNumber, Tale, Try};
pub use catalogue::{Choices, Cursor, Page, RunFilter, RunRow};
pub use export::{ExportFilter, ExportPage, ExportedDelivery, ExportedEvent, Stretch};
pub use forget::{Doomed, ForgetEnd, ForgetTarget, Forgotten};
pub use health::{
    DeadTold, Downtime, HandOver, HandedOver, Health, HealthChange, HealthSettled, Routed, ToldNotice,
};
pub use history::{
    Backlog, DeliveryFilter, DeliveryRow, EventRow, History, Pulse, QueueLength, Reach, RunHistory, Story,
    Told, Wanted,
};
pub use issue::{IssueSource, KeptIssue};
pub use plan::{CardKeeper, Entry, EventTicket, LaterStep, Plan, PlannedDelivery, Reasons, WaitingEvent};
pub use queue::{
    Acceptance, Claims, DeliveryClaim, DeliveryTicket, DestinationChange, DestinationEntry,
    DestinationStatus, MessageChange, Next, OpenDestination, Queue, Record, Recorded, ReplayTarget, Replayed,
};
pub use report::{
    Classified, Counted, Day, DeliveryCounts, DestinationCounts, Outcome, REACHED, Reached, Report,
    ReportFilter, RunCounts, StageTimes, Tally, day_of,
};
pub use sqlite::{Store, holder};
pub use watch::{AfterLook, Hearing, Look, Notice, SilentFor, SilentRun, SilentRuns};

/// Settings of the `[store]` table.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Absolute path of the SQLite file. Default `sqlite:data/relay.db`, relative to the working directory.
    pub path: PathBuf,
    /// How long a run is kept after its last event. Default 90 d; 1 h to 10 years.
    pub retention: Duration,
    /// How long the payload of an event and its diffs are kept, where that is shorter; 1 h to `retention`.
    pub payload_retention: Option<Duration>,
}

/// In what role a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The relay itself: makes the store where there is none, brings an older one up to date, holds the lock, and
    /// ends the leases of whoever held it before.
    Serve,
    /// A command beside the relay, running or not: the store must exist and is only read, except for
    /// [`Queue::replay`], [`Queue::forget`] and [`Queue::reopen_destination`].
    Beside,
}

/// Opens the store.
///
/// # Errors
/// [`StoreError::Refused`] for a file that this program may not or cannot open, [`StoreError::Missing`] where
/// [`Access::Beside`] finds none, [`StoreError::InUse`] where another `serve` has it.
pub async fn open(config: &StoreConfig, access: Access) -> Result<Arc<Store>, StoreError> {
    Store::open(config.path.clone(), access).await.map(Arc::new)
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

impl StoreError {
    /// Returns how to mend it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable(_) => Some("look at the disk: room, permissions, hardware".to_owned()),
            Self::Missing { .. } => Some(
                "`seer-relay serve` makes one; run the command in the same working directory, or set `store.url`".to_owned(),
            ),
            Self::Refused { hint, .. } => Some(hint.clone()),
            Self::InUse { .. } => Some(
                "one `serve` at a time has a store: stop that one, or name another place in `store.url`".to_owned(),
            ),
        }
    }
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
