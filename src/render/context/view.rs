//! The shape of the context: one struct per object, serialised by the names that templates use.

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::Links;
use crate::event::{
    Event, GroupId, Phase, PullRequest, RepositoryChange, RootCause, RunId, SentryRunId, Solution, Stage,
};
use crate::run::{Run, RunState, StageProgress, StageState};

/// The whole context.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    event: EventData<'a>,
    run: RunData<'a>,
    issue: IssueData<'a>,
    links: LinkData,
    organization: &'a str,
}

/// `event`: what happened.
#[derive(Serialize)]
struct EventData<'a> {
    id: &'a str,
    action: &'a str,
    stage: Option<Stage>,
    phase: Option<Phase>,
    received_at: String,
    sent_at: Option<String>,
    iteration: Option<u64>,
    replay: bool,
    known: bool,
}

/// `run`: everything known of the run up to the event.
#[derive(Serialize)]
pub(super) struct RunData<'a> {
    id: Option<&'a str>,
    sentry_run_id: Option<&'a str>,
    group_id: Option<&'a str>,
    organization: &'a str,
    state: RunState,
    started_at: String,
    updated_at: String,
    stages: Vec<StageData>,
    root_cause: Option<&'a RootCause>,
    solution: Option<&'a Solution>,
    changes: &'a [RepositoryChange],
    pull_requests: &'a [PullRequest],
    repos: Vec<&'a str>,
    iterations: u64,
}

/// `run.stages[]`: how far one stage is.
#[derive(Serialize)]
struct StageData {
    stage: Stage,
    state: StageState,
    started_at: Option<String>,
    completed_at: Option<String>,
    seconds: Option<f64>,
    times: u32,
}

/// `issue`: what is analysed. Only its id and address are known until the relay looks issues up.
#[derive(Serialize)]
struct IssueData<'a> {
    id: Option<&'a str>,
    url: Option<String>,
    short_id: Option<&'a str>,
    title: Option<&'a str>,
    culprit: Option<&'a str>,
    level: Option<&'a str>,
    priority: Option<&'a str>,
    project: Option<&'a str>,
}

/// `links`: where to read on.
#[derive(Serialize)]
struct LinkData {
    issue: Option<String>,
    seer: Option<String>,
    relay: Option<String>,
}

impl<'a> Data<'a> {
    pub(super) fn new(event: &'a Event, run: &'a Run, links: &Links, replay: bool) -> Self {
        let group_id = run.group_id.as_ref().map(GroupId::as_str);
        let issue_url = group_id.and_then(|id| below(&links.base_url, &["issues", id, ""]));
        Self {
            event: EventData::new(event, replay),
            run: RunData::new(run),
            issue: IssueData {
                id: group_id,
                url: issue_url.as_ref().map(Url::to_string),
                short_id: None,
                title: None,
                culprit: None,
                level: None,
                priority: None,
                project: None,
            },
            links: LinkData::new(issue_url, run, links),
            organization: event.organization.as_str(),
        }
    }
}

impl<'a> EventData<'a> {
    fn new(event: &'a Event, replay: bool) -> Self {
        Self {
            id: event.id.as_str(),
            action: event.action.as_str(),
            stage: event.action.stage(),
            phase: event.action.phase(),
            received_at: time(event.received_at),
            sent_at: event.sent_at.map(time),
            iteration: event.iteration,
            replay,
            known: event.action.is_known(),
        }
    }
}

impl<'a> RunData<'a> {
    pub(super) fn new(run: &'a Run) -> Self {
        Self {
            id: run.run_id.as_ref().map(RunId::as_str),
            sentry_run_id: run.sentry_run_id.as_ref().map(SentryRunId::as_str),
            group_id: run.group_id.as_ref().map(GroupId::as_str),
            organization: run.organization.as_str(),
            state: run.state,
            started_at: time(run.started_at),
            updated_at: time(run.updated_at),
            stages: run.stages.iter().map(StageData::new).collect(),
            root_cause: run.root_cause.as_ref(),
            solution: run.solution.as_ref(),
            changes: &run.changes,
            pull_requests: &run.pull_requests,
            repos: run.repos(),
            iterations: run.iterations,
        }
    }
}

impl StageData {
    fn new(progress: &StageProgress) -> Self {
        let seconds = match (progress.started_at, progress.completed_at) {
            (Some(start), Some(end)) if start <= end => {
                Some((end.duration_since(start).as_secs_f64() * 1000.0).round() / 1000.0)
            }
            _ => None,
        };
        Self {
            stage: progress.stage,
            state: progress.state,
            started_at: progress.started_at.map(time),
            completed_at: progress.completed_at.map(time),
            seconds,
            times: progress.times,
        }
    }
}

impl LinkData {
    fn new(issue: Option<Url>, run: &Run, links: &Links) -> Self {
        let seer = issue.clone().map(|mut url| {
            url.set_query(Some("seerDrawer=true"));
            url.to_string()
        });
        let label = run.label();
        let id = label.split_once('/').map_or(label.as_str(), |(_, id)| id);
        let public_url = links.public_url.as_ref();
        let relay = public_url.and_then(|base| below(base, &["runs", run.organization.as_str(), id]));
        Self { issue: issue.map(String::from), seer, relay: relay.map(String::from) }
    }
}

/// Returns the address of something below another one. An id may be a stranger's text: not even in an address does it
/// read like a mention.
fn below(base: &Url, segments: &[&str]) -> Option<Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    let path = url.path().replace('@', "%40");
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// Returns a time as RFC 3339 in UTC with milliseconds.
pub(super) fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}
