//! Outlines: what lists show of a run, without what was written in it. Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Run, RunState, StageState, label, shown_span};
use crate::event::{EventId, GroupId, Organization, PullRequest, RunId, SentryRunId, Stage};

/// What lists show of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    /// Whose run it is.
    pub organization: Organization,
    /// Sentry's `run_id`, once an event named it.
    pub run_id: Option<RunId>,
    /// Sentry's `sentry_run_id`, once an event named it.
    pub sentry_run_id: Option<SentryRunId>,
    /// The issue, once an event named it.
    pub group_id: Option<GroupId>,
    /// The event that opened the run.
    pub first_event: EventId,
    /// How far the run has come, or what was noticed of it.
    pub state: RunState,
    /// When the relay received its first event.
    pub started_at: Timestamp,
    /// When the relay received its newest event.
    pub updated_at: Timestamp,
    /// Root cause, solution, coding and pull request, always these four in this order.
    pub stages: [StageOutline; 4],
    /// What Seer says is to be done about the cause.
    pub classification: Option<String>,
    /// The repositories that the run is about, each once.
    pub repos: Vec<String>,
    /// Every pull request that was named.
    pub pull_requests: Vec<PullRequest>,
}

/// What lists show of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageOutline {
    /// Which one.
    pub stage: Stage,
    /// How far it is.
    pub state: StageState,
    /// When the newest `started` was received; `None` where only the `completed` came.
    pub started_at: Option<Timestamp>,
    /// When the newest `completed` was received.
    pub completed_at: Option<Timestamp>,
}

impl Outline {
    /// Returns how the run is named to people, as [`Run::label`] does.
    pub fn label(&self) -> String {
        label(&self.organization, self.run_id.as_ref(), self.sentry_run_id.as_ref(), &self.first_event)
    }

    /// Returns how far the run came, whatever was noticed of it since.
    pub fn reached(&self) -> RunState {
        let furthest = self.stages.iter().rfind(|stage| stage.state != StageState::Pending);
        let Some(StageOutline { stage, state, .. }) = furthest else { return RunState::Unknown };
        let is_over = *state == StageState::Completed;
        match stage {
            Stage::RootCause if is_over => RunState::RootCauseCompleted,
            Stage::RootCause => RunState::RootCauseStarted,
            Stage::Solution if is_over => RunState::SolutionCompleted,
            Stage::Solution => RunState::SolutionStarted,
            Stage::Coding if is_over => RunState::CodingCompleted,
            Stage::Coding => RunState::CodingStarted,
            Stage::PullRequest | Stage::Iteration => RunState::PrCreated,
        }
    }
}

impl StageOutline {
    /// Returns how long it took; `None` where an end is not known, or the clock was set back.
    pub fn took(self) -> Option<Duration> {
        shown_span(self.started_at?, self.completed_at?)
    }
}

impl From<&Run> for Outline {
    fn from(run: &Run) -> Self {
        let stages = run.stages.each_ref().map(|progress| StageOutline {
            stage: progress.stage,
            state: progress.state,
            started_at: progress.started_at,
            completed_at: progress.completed_at,
        });
        Self {
            organization: run.organization.clone(),
            run_id: run.run_id.clone(),
            sentry_run_id: run.sentry_run_id.clone(),
            group_id: run.group_id.clone(),
            first_event: run.first_event.clone(),
            state: run.state,
            started_at: run.started_at,
            updated_at: run.updated_at,
            stages,
            classification: run.classification().map(str::to_owned),
            repos: run.repos().into_iter().map(str::to_owned).collect(),
            pull_requests: run.pull_requests.clone(),
        }
    }
}
