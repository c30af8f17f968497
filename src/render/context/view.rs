//! The shape of the context: one struct per object, serialised by the names that templates use.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use url::Url;

use super::Links;
use crate::delivery::{Reason, StandsFor};
use crate::event::{
    DestinationReport, Event, GroupId, Phase, PullRequest, ReasonCount, RepositoryChange, RootCause, RunId,
    SentryRunId, Solution, Stage,
};
use crate::issue::{Issue, Project};
use crate::run::{Run, RunState, StageProgress, StageState, shown_span};
use crate::words::is_blank;

/// How a time is written.
const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// The whole context.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    event: EventData<'a>,
    run: RunData<'a>,
    issue: IssueData<'a>,
    links: LinkData,
    organization: &'a str,
    /// Where it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

/// `event`: what happened.
#[derive(Serialize)]
struct EventData<'a> {
    id: &'a str,
    resource: &'a str,
    action: &'a str,
    stage: Option<Stage>,
    phase: Option<Phase>,
    received_at: String,
    sent_at: Option<String>,
    iteration: Option<u64>,
    replay: bool,
    known: bool,
    silent_seconds: Option<u64>,
    last_heard_at: Option<String>,
    bad_signatures: Option<u64>,
    destination: Option<DestinationData<'a>>,
    fallback_for: Option<&'a str>,
    fallback_reason: Option<&'a str>,
}

/// `event.destination`: what a notice is about.
#[derive(Serialize)]
struct DestinationData<'a> {
    name: &'a str,
    kind: &'a str,
    reason: Option<&'a str>,
    since: Option<String>,
    seconds: Option<u64>,
    waiting: Option<u64>,
    dead_letters: Option<u64>,
    reasons: &'a [ReasonCount],
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

/// How far one stage of a run is: `run.stages[]`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StageProgress")]
pub struct StageData {
    /// Which one.
    stage: Stage,
    /// How far it is.
    state: StageState,
    /// When the newest start was received; null where only an end came.
    started_at: Option<String>,
    /// When the newest end was received.
    completed_at: Option<String>,
    /// From start to end, in seconds.
    seconds: Option<f64>,
    /// How often it was completed.
    times: u32,
}

/// What is analysed: `issue`. Webhooks of Seer say its id alone; the rest is known once Sentry described it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Issue")]
pub struct IssueData<'a> {
    /// Sentry's id; of the surviving one, where it was merged.
    id: Option<&'a str>,
    /// The issue in Sentry.
    url: Option<String>,
    /// What people call it: `API-1X`.
    short_id: Option<&'a str>,
    /// What went wrong: an exception and its message, whatever that holds.
    title: Option<&'a str>,
    /// Where it went wrong: a function, a route, a file.
    culprit: Option<&'a str>,
    /// `fatal`, `error`, `warning`, `info`, `debug`, `sample`, or what Sentry adds.
    level: Option<&'a str>,
    /// `high`, `medium`, `low`, or what Sentry adds.
    priority: Option<&'a str>,
    /// `unresolved`, `resolved`, `ignored`, or what Sentry adds.
    status: Option<&'a str>,
    /// `ongoing`, `escalating`, `regressed`, `new`, or what Sentry adds.
    substatus: Option<&'a str>,
    /// The platform of its project: `python`.
    platform: Option<&'a str>,
    /// Its project.
    project: ProjectData<'a>,
    /// When it was seen first.
    first_seen: Option<String>,
    /// When it was seen last.
    last_seen: Option<String>,
    /// How often it was seen.
    event_count: Option<u64>,
    /// By how many users it was seen.
    user_count: Option<u64>,
}

/// The project of an issue: always there, so that nobody has to ask for it before one of its fields.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[schemars(rename = "Project")]
pub struct ProjectData<'a> {
    /// Sentry's id.
    id: Option<&'a str>,
    /// Its name in addresses.
    slug: Option<&'a str>,
    /// The name that people gave it.
    name: Option<&'a str>,
}

/// `links`: where to read on.
#[derive(Serialize)]
pub(super) struct LinkData {
    issue: Option<String>,
    seer: Option<String>,
    relay: Option<String>,
}

impl<'a> Data<'a> {
    pub(super) fn new(
        event: &'a Event,
        run: &'a Run,
        issue: Option<&'a Issue>,
        links: &Links,
        replay: bool,
    ) -> Self {
        let (id, url) = place_of_issue(run, issue, links);
        Self {
            event: EventData::new(event, replay),
            run: RunData::new(run),
            issue: IssueData::new(id, issue, url.as_ref()),
            links: LinkData::new(url, run, links),
            organization: event.organization.as_str(),
            payload: None,
        }
    }

    /// Says for which destination the message stands in for one that was not taken, and why not.
    pub(super) fn standing_for(mut self, stands_for: Option<&'a StandsFor>) -> Self {
        self.event.fallback_for = stands_for.map(|stands_for| stands_for.destination.as_str());
        self.event.fallback_reason = stands_for.and_then(|stands_for| stands_for.reason).map(Reason::as_str);
        self
    }

    /// Adds the webhook's body.
    pub(super) fn with_payload(self, payload: Option<&'a RawValue>) -> Self {
        Self { payload, ..self }
    }
}

/// Returns the id of a run's issue and where it is in Sentry; of one that was merged, those of the survivor.
pub(super) fn place_of_issue<'a>(
    run: &'a Run,
    issue: Option<&'a Issue>,
    links: &Links,
) -> (Option<&'a str>, Option<Url>) {
    let asked = run.group_id.as_ref().map(GroupId::as_str);
    let id = issue.map_or(asked, |issue| Some(issue.id.as_str()));
    let permalink = issue.and_then(|issue| web_address(issue.permalink.as_deref()?));
    (id, permalink.or_else(|| below(&links.base_url, &["issues", id?, ""])))
}

impl<'a> IssueData<'a> {
    /// Returns where it is in Sentry.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    pub(super) fn new(id: Option<&'a str>, issue: Option<&'a Issue>, url: Option<&Url>) -> Self {
        let text = |of: fn(&Issue) -> &Option<String>| issue.and_then(|issue| shown(of(issue).as_ref()));
        let project = issue.and_then(|issue| issue.project.as_ref());
        Self {
            id,
            url: url.map(|url| url.as_str().to_owned()),
            short_id: text(|issue| &issue.short_id),
            title: text(|issue| &issue.title),
            culprit: text(|issue| &issue.culprit),
            level: text(|issue| &issue.level),
            priority: text(|issue| &issue.priority),
            status: text(|issue| &issue.status),
            substatus: text(|issue| &issue.substatus),
            platform: text(|issue| &issue.platform),
            project: project.map(ProjectData::new).unwrap_or_default(),
            first_seen: issue.and_then(|issue| issue.first_seen).map(time),
            last_seen: issue.and_then(|issue| issue.last_seen).map(time),
            event_count: issue.and_then(|issue| issue.event_count),
            user_count: issue.and_then(|issue| issue.user_count),
        }
    }
}

impl<'a> ProjectData<'a> {
    fn new(project: &'a Project) -> Self {
        Self {
            id: shown(project.id.as_ref()),
            slug: shown(project.slug.as_ref()),
            name: shown(project.name.as_ref()),
        }
    }
}

/// Returns a text of which something can be seen: a title of blanks is as good as none.
fn shown(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !is_blank(text))
}

/// Returns an http or https address without an `@`: it holds no credentials, and nowhere reads like a mention.
fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host() && !url.as_str().contains('@')).then_some(url)
}

impl<'a> EventData<'a> {
    fn new(event: &'a Event, replay: bool) -> Self {
        let silence = event.artifacts.silence.as_ref();
        Self {
            id: event.id.as_str(),
            resource: &event.resource,
            action: event.action.as_str(),
            stage: event.action.stage(),
            phase: event.action.phase(),
            received_at: time(event.received_at),
            sent_at: event.sent_at.map(time),
            iteration: event.iteration,
            replay,
            known: event.action.is_known(),
            silent_seconds: silence.map(|silence| silence.seconds),
            last_heard_at: silence.and_then(|silence| silence.last_heard_at).map(time),
            bad_signatures: silence.and_then(|silence| silence.bad_signatures),
            destination: event.artifacts.destination.as_ref().map(DestinationData::new),
            // Said by whoever sends it.
            fallback_for: None,
            fallback_reason: None,
        }
    }
}

impl<'a> DestinationData<'a> {
    fn new(report: &'a DestinationReport) -> Self {
        Self {
            name: &report.name,
            kind: &report.kind,
            reason: report.reason.as_deref(),
            since: report.since.map(time),
            seconds: report.seconds,
            waiting: report.waiting,
            dead_letters: report.dead_letters,
            reasons: &report.reasons,
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
    pub(super) fn new(progress: &StageProgress) -> Self {
        let ends = progress.started_at.zip(progress.completed_at);
        let seconds = ends.and_then(|(start, end)| shown_span(start, end)).map(|span| span.as_secs_f64());
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
    pub(super) fn new(issue: Option<Url>, run: &Run, links: &Links) -> Self {
        let seer = issue.clone().map(|mut url| {
            url.set_query(Some("seerDrawer=true"));
            url.set_fragment(None);
            String::from(url)
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
pub(super) fn below(base: &Url, segments: &[&str]) -> Option<Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    if url.path().contains('@') {
        let path = url.path().replace('@', "%40");
        url.set_path(&path);
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// Returns a time as RFC 3339 in UTC with milliseconds.
pub(super) fn time(time: Timestamp) -> String {
    TIME.timestamp_to_string(&time)
}
