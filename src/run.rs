//! Runs: everything known of one Seer analysis so far, as the fold of its events. Pure.
//!
//! Knows neither how events are kept nor how a run is shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{
    EventId, GroupId, Organization, PullRequest, RepositoryChange, RootCause, RunId, SentryRunId, Solution,
    Stage,
};

/// Everything known of one run up to and including one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Whose run it is.
    pub organization: Organization,
    /// Sentry's `run_id`, once an event named it.
    pub run_id: Option<RunId>,
    /// Sentry's `sentry_run_id`, once an event named it.
    pub sentry_run_id: Option<SentryRunId>,
    /// The issue, once an event named it.
    pub group_id: Option<GroupId>,
    /// The event that opened the run; names a run that has no ids.
    pub first_event: EventId,
    /// How far the run has come; never turns back.
    pub state: RunState,
    /// When the relay received its first event.
    pub started_at: Timestamp,
    /// When the relay received its newest event.
    pub updated_at: Timestamp,
    /// Root cause, solution, coding and pull request, always these four in this order.
    pub stages: [StageProgress; 4],
    /// The newest root cause.
    pub root_cause: Option<RootCause>,
    /// The newest plan.
    pub solution: Option<Solution>,
    /// The newest code of each repository, in order of first mention.
    pub changes: Vec<RepositoryChange>,
    /// Every pull request that was named, in order of first mention, with what was said of it last.
    pub pull_requests: Vec<PullRequest>,
    /// How many iterations were completed or begun: the highest index seen.
    pub iterations: u64,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Only actions that this version does not know were seen.
    Unknown,
    /// Seer looks for the cause.
    RootCauseStarted,
    /// The cause is known.
    RootCauseCompleted,
    /// Seer makes a plan.
    SolutionStarted,
    /// The plan is made.
    SolutionCompleted,
    /// Seer writes code.
    CodingStarted,
    /// The code is written.
    CodingCompleted,
    /// Pull requests are open.
    PrCreated,
    /// Pull requests wait for a review.
    PrReady,
    /// Seer works on the pull requests again.
    Iterating,
    /// An iteration was pushed.
    PrUpdated,
}

/// One stage of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StageProgress {
    /// Which one.
    pub stage: Stage,
    /// How far it is.
    pub state: StageState,
    /// When the newest `started` was received; `None` where only the `completed` came.
    pub started_at: Option<Timestamp>,
    /// When the newest `completed` was received.
    pub completed_at: Option<Timestamp>,
    /// How often it was completed; 0 while it never was.
    pub times: u32,
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Nothing was heard of it.
    Pending,
    /// It began.
    Running,
    /// It ended.
    Completed,
    /// Nothing was heard for too long.
    Stalled,
}
