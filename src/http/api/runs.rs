//! Runs as JSON: a row of a list, and one run with everything that is known of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ToldDeliveryJson, ToldEventJson};
use crate::delivery::DeliveryState;
use crate::event::{PullRequest, RepositoryChange, RootCause, SentryRunId, Solution, Stage};
use crate::render::context::{IssueData, Links, StageData, issue_document, rfc3339, stage_documents};
use crate::run::{Outline, RunState, StageOutline, StageState};
use crate::store::{RunHistory, RunRow};

/// One run in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ListedRun")]
pub struct RunJson {
    /// What it is.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// What people call its issue, where that is known.
    pub short_id: Option<String>,
    /// The title of its issue, where that is known.
    pub title: Option<String>,
    /// What Seer says is to be done about the cause.
    pub classification: Option<String>,
    /// How far each of its four stages is.
    pub stages: [StageJson; 4],
    /// Its pull requests.
    pub pull_requests: Vec<PullRequestJson>,
    /// How many events it has.
    pub events: u64,
    /// How many deliveries it has.
    pub deliveries: u64,
    /// How many of them are dead letters.
    pub dead: u64,
}

/// One stage in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ListedStage")]
pub struct StageJson {
    /// Which one.
    pub stage: Stage,
    /// How far it is.
    pub state: StageState,
    /// When it began last.
    pub started_at: Option<String>,
    /// When it ended last.
    pub completed_at: Option<String>,
}

/// One pull request in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ListedPullRequest")]
pub struct PullRequestJson {
    /// The repository.
    pub repo: Option<String>,
    /// Its number.
    pub number: Option<u64>,
    /// Its address.
    pub url: Option<String>,
    /// Whether opening it failed.
    pub failed: bool,
    /// True once it waits for a review.
    pub ready: Option<bool>,
}

impl From<&RunRow> for RunJson {
    fn from(row: &RunRow) -> Self {
        let issue = row.issue.as_ref();
        let stage = |stage: &StageOutline| StageJson {
            stage: stage.stage,
            state: stage.state,
            started_at: stage.started_at.map(rfc3339),
            completed_at: stage.completed_at.map(rfc3339),
        };
        let pull_request = |each: &PullRequest| PullRequestJson {
            repo: each.repo.clone(),
            number: each.number,
            url: each.url.clone(),
            failed: each.failed,
            ready: each.ready,
        };
        Self {
            summary: RunSummary::from(&row.run),
            short_id: issue.and_then(|issue| issue.short_id.clone()),
            title: issue.and_then(|issue| issue.title.clone()),
            classification: row.run.classification.clone(),
            stages: row.run.stages.each_ref().map(stage),
            pull_requests: row.run.pull_requests.iter().map(pull_request).collect(),
            events: row.events,
            deliveries: row.deliveries,
            dead: row.dead,
        }
    }
}

/// What a list and a history say of a run alike.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunSummary {
    /// As it is shown: `acme/12345`.
    pub id: String,
    /// Whose it is.
    pub organization: String,
    /// Sentry's id, where it is known.
    pub run_id: Option<String>,
    /// The issue, where it is known.
    pub group_id: Option<String>,
    /// How far it has come.
    pub state: RunState,
    /// The repositories it names.
    pub repos: Vec<String>,
    /// When its first event was received.
    pub started_at: String,
    /// When its newest event was received.
    pub updated_at: String,
}

impl From<&Outline> for RunSummary {
    fn from(run: &Outline) -> Self {
        Self {
            id: run.label(),
            organization: run.organization.to_string(),
            run_id: run.run_id.as_ref().map(ToString::to_string),
            group_id: run.group_id.as_ref().map(ToString::to_string),
            state: run.state,
            repos: run.repos.clone(),
            started_at: rfc3339(run.started_at),
            updated_at: rfc3339(run.updated_at),
        }
    }
}

/// One run with its history.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct RunHistoryJson<'a> {
    /// What it is.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Sentry's other id of it, where it is known.
    pub sentry_run_id: Option<&'a str>,
    /// How far each of its four stages is: root cause, solution, coding, pull request.
    pub stages: Vec<StageData>,
    /// The newest root cause.
    pub root_cause: Option<&'a RootCause>,
    /// The newest plan.
    pub solution: Option<&'a Solution>,
    /// The newest code of each repository.
    pub changes: &'a [RepositoryChange],
    /// Every pull request, and every failed try to open one.
    pub pull_requests: &'a [PullRequest],
    /// Further rounds so far.
    pub iterations: u64,
    /// What is analysed.
    pub issue: IssueData<'a>,
    /// Its events, in the order of acceptance.
    pub events: Vec<ToldEventJson>,
    /// Its deliveries, in the order of planning.
    pub deliveries: Vec<ToldDeliveryJson<'a>>,
    /// How many of them are dead letters.
    pub dead: usize,
}

/// Returns one run with its history: the fields of the list, what is known of it, its events and its deliveries.
pub fn run_history<'a>(history: &'a RunHistory, links: &Links) -> RunHistoryJson<'a> {
    let run = &history.run;
    let deliveries = history.deliveries.iter();
    RunHistoryJson {
        summary: RunSummary::from(&Outline::from(run)),
        sentry_run_id: run.sentry_run_id.as_ref().map(SentryRunId::as_str),
        stages: stage_documents(run),
        root_cause: run.root_cause.as_ref(),
        solution: run.solution.as_ref(),
        changes: &run.changes,
        pull_requests: &run.pull_requests,
        iterations: run.iterations,
        issue: issue_document(run, history.issue.as_ref(), links),
        events: history.events.iter().map(ToldEventJson::from).collect(),
        deliveries: deliveries.clone().map(|row| ToldDeliveryJson::of(history, row)).collect(),
        dead: deliveries.filter(|row| row.state == DeliveryState::Dead).count(),
    }
}
