//! Runs: everything known of one Seer analysis so far, as the fold of its events. Pure.
//!
//! Knows neither how events are kept nor how a run is shown.

mod fold;
mod need;
mod outline;
mod pairs;

use std::time::Duration;

use jiff::Timestamp;

use crate::event::{
    Event, EventId, GroupId, Organization, PullRequest, RepositoryChange, RootCause, RunId, SentryRunId,
    Solution, Stage, words,
};

pub use fold::{ends, is_late_start, pair_of_ready};
pub use need::Need;
pub use outline::{Outline, StageOutline};
pub use pairs::{StepSign, twin_of};

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
    /// How far the run has come, which never turns back; or what the relay noticed of it, until the next step is heard
    /// of.
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
    /// The stage that began and has not ended, whatever was noticed since; `None` where the last that was heard is an end.
    pub at_work: Option<Stage>,
}

words! {
    /// How far a run has come.
    RunState {
        /// Only actions that this version does not know were seen.
        Unknown = "unknown",
        /// Seer looks for the cause.
        RootCauseStarted = "root_cause_started",
        /// The cause is known.
        RootCauseCompleted = "root_cause_completed",
        /// Seer makes a plan.
        SolutionStarted = "solution_started",
        /// The plan is made.
        SolutionCompleted = "solution_completed",
        /// Seer writes code.
        CodingStarted = "coding_started",
        /// The code is written.
        CodingCompleted = "coding_completed",
        /// Pull requests are open.
        PrCreated = "pr_created",
        /// Pull requests wait for a review.
        PrReady = "pr_ready",
        /// Seer works on the pull requests again.
        Iterating = "iterating",
        /// An iteration was pushed.
        PrUpdated = "pr_updated",
        /// Sentry says that the run failed.
        Failed = "failed",
        /// Sentry says that the run waits for somebody's answer.
        WaitingForUser = "waiting_for_user",
        /// A stage began, and nothing was heard for long.
        Stalled = "stalled",
    }
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

words! {
    /// How far a stage is.
    StageState {
        /// Nothing was heard of it.
        Pending = "pending",
        /// It began.
        Running = "running",
        /// It ended.
        Completed = "completed",
        /// It began, and seems not to end: the run failed, or waits for somebody, or nothing is heard of it.
        Stalled = "stalled",
    }
}

/// Returns how long it was from one time to another as both are shown, in whole milliseconds; `None` where the clock was
/// set back.
pub fn shown_span(from: Timestamp, to: Timestamp) -> Option<Duration> {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).ok().map(Duration::from_millis)
}

impl Run {
    /// Returns how the run is named to people: `acme/12345`, by `sentry_run_id` where Sentry gave no `run_id`, by its
    /// first event where it gave neither.
    pub fn label(&self) -> String {
        label(&self.organization, self.run_id.as_ref(), self.sentry_run_id.as_ref(), &self.first_event)
    }

    /// Returns the label of the run that these events tell of, without folding them; `None` without events.
    pub fn label_of(events: &[Event]) -> Option<String> {
        let first = events.first()?;
        let run_id = events.iter().find_map(|event| event.run_id.as_ref());
        let sentry_run_id = events.iter().find_map(|event| event.sentry_run_id.as_ref());
        Some(label(&first.organization, run_id, sentry_run_id, &first.id))
    }

    /// Returns the issue that these events are about, as [`fold`](Self::fold) would; `None` where none of them names it.
    pub fn group_of(events: &[Event]) -> Option<&GroupId> {
        events.iter().find_map(|event| event.group_id.as_ref())
    }

    /// Returns the repositories that the run is about, each once: where the cause lies, where code was written, where
    /// pull requests were opened. While none of these is known, those of the files that cause and plan speak of.
    pub fn repos(&self) -> Vec<&str> {
        let cause = self.root_cause.iter().filter_map(|root_cause| root_cause.repo.as_deref());
        let changes = self.changes.iter().filter_map(|change| change.repo.as_deref());
        let pull_requests = self.pull_requests.iter().filter_map(|pull_request| pull_request.repo.as_deref());
        let repos = each_once(cause.chain(changes).chain(pull_requests));
        if !repos.is_empty() {
            return repos;
        }
        let reasons = self.root_cause.iter().flat_map(|root_cause| &root_cause.reasons);
        let steps = self.solution.iter().flat_map(|solution| &solution.steps);
        let reasons = reasons.filter_map(|reason| reason.repo.as_deref());
        each_once(reasons.chain(steps.filter_map(|step| step.repo.as_deref())))
    }

    /// Returns what Seer says is to be done about the cause, once it says so.
    pub fn classification(&self) -> Option<&str> {
        self.root_cause.as_ref()?.classification.as_deref()
    }

    /// Returns the providers of the pull requests, each once.
    pub fn providers(&self) -> Vec<&str> {
        each_once(self.pull_requests.iter().filter_map(|pull_request| pull_request.provider.as_deref()))
    }

    /// Returns the paths of the changed files, each once.
    pub fn paths(&self) -> Vec<&str> {
        each_once(
            self.changes.iter().flat_map(|change| &change.files).filter_map(|file| file.path.as_deref()),
        )
    }
}

fn label(
    organization: &Organization,
    run_id: Option<&RunId>,
    sentry_run_id: Option<&SentryRunId>,
    first_event: &EventId,
) -> String {
    let id = run_id.map(RunId::as_str).or(sentry_run_id.map(SentryRunId::as_str));
    format!("{organization}/{}", id.unwrap_or(first_event.as_str()))
}

fn each_once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Action, Artifacts, Step};

    fn run(artifacts: Artifacts) -> Run {
        let event = Event {
            id: EventId::new("evt_1"),
            organization: Organization::new("acme"),
            resource: "seer".to_owned(),
            action: Action::PrCreated,
            run_id: None,
            sentry_run_id: None,
            group_id: None,
            iteration: None,
            received_at: Timestamp::UNIX_EPOCH,
            sent_at: None,
            artifacts,
        };
        Run::fold([&event]).unwrap()
    }

    #[test]
    fn repositories_are_those_of_cause_code_and_pull_requests_each_once() {
        let repo = |name: &str| Some(name.to_owned());
        let elsewhere = Step { repo: repo("acme/elsewhere"), ..Step::default() };
        let cause = RootCause { repo: repo("acme/api"), reasons: vec![elsewhere], ..RootCause::default() };
        let change = |name: &str| RepositoryChange { repo: repo(name), ..RepositoryChange::default() };
        let pull_request = PullRequest { repo: repo("acme/docs"), ..PullRequest::default() };
        let run = run(Artifacts {
            root_cause: Some(RootCause { classification: repo("code_fix"), ..cause }),
            changes: Some(vec![change("acme/web"), change("acme/api")]),
            pull_requests: Some(vec![pull_request]),
            ..Artifacts::default()
        });
        assert_eq!(run.repos(), ["acme/api", "acme/web", "acme/docs"]);
        assert_eq!(run.classification(), Some("code_fix"));
    }

    #[test]
    fn while_nothing_else_names_a_repository_the_files_that_are_spoken_of_do() {
        let reason = Step { repo: Some("acme/api".to_owned()), ..Step::default() };
        let reasons = vec![Step::default(), reason.clone(), reason];
        let root_cause = RootCause { reasons, ..RootCause::default() };
        let run = run(Artifacts { root_cause: Some(root_cause), ..Artifacts::default() });
        assert_eq!(run.repos(), ["acme/api"]);
        assert_eq!(run.classification(), None);
        assert!(run.providers().is_empty() && run.paths().is_empty());
    }
}
