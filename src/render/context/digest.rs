//! The shape of a digest's context: what it lists of each run is lighter than what a message tells.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::Links;
use super::view::{IssueData, LinkData, below, place_of_issue, time};
use crate::event::{GroupId, Organization, PullRequest, RunId, SentryRunId};
use crate::render::digest::{Digest, Digested};
use crate::run::{Need, Run, RunState};

/// In which order states are counted: first what wants somebody, then what is furthest.
const STATES: [RunState; 14] = [
    RunState::PrReady,
    RunState::PrCreated,
    RunState::PrUpdated,
    RunState::WaitingForUser,
    RunState::Failed,
    RunState::Stalled,
    RunState::Iterating,
    RunState::CodingCompleted,
    RunState::CodingStarted,
    RunState::SolutionCompleted,
    RunState::SolutionStarted,
    RunState::RootCauseCompleted,
    RunState::RootCauseStarted,
    RunState::Unknown,
];

/// The whole context.
#[derive(Serialize)]
struct Data<'a> {
    digest: DigestData<'a>,
}

/// `digest`: the runs of some time.
#[derive(Serialize)]
struct DigestData<'a> {
    id: &'a str,
    since: String,
    until: String,
    events: u64,
    total: u64,
    counts: Vec<CountData>,
    needs: NeedsData,
    runs: Vec<DigestedData<'a>>,
    more: u64,
    url: Option<String>,
}

/// `digest.counts[]`: how many runs are in a state.
#[derive(Serialize)]
struct CountData {
    state: RunState,
    runs: u64,
}

/// `digest.needs`: how many runs want what of a person.
#[derive(Serialize)]
struct NeedsData {
    review: u64,
    answer: u64,
    look: u64,
    nothing: u64,
}

/// `digest.runs[]`: one run, and what a message about it would say of its issue.
#[derive(Serialize)]
struct DigestedData<'a> {
    run: RunLine<'a>,
    issue: IssueData<'a>,
    links: LinkData,
    needs: Option<Need>,
    events: u64,
}

/// `digest.runs[].run`: of `run` what is light.
#[derive(Serialize)]
struct RunLine<'a> {
    id: Option<&'a str>,
    sentry_run_id: Option<&'a str>,
    group_id: Option<&'a str>,
    organization: &'a str,
    state: RunState,
    started_at: String,
    updated_at: String,
    pull_requests: &'a [PullRequest],
    iterations: u64,
}

/// Returns the document of a digest; `links` says where they lead for each of its organizations.
pub(super) fn document<'a>(digest: &Digest, links: impl Fn(&Organization) -> Cow<'a, Links>) -> Value {
    let runs: Vec<(&Digested, Cow<'_, Links>)> =
        digest.runs.iter().map(|each| (each, links(&each.run.organization))).collect();
    let counted = |state: RunState| digest.states.get(&state).map(|runs| CountData { state, runs: *runs });
    let wanting = |need| digest.wanting(Some(need));
    let listed = u64::try_from(runs.len()).unwrap_or(u64::MAX);
    let only_one = (digest.organizations.len() == 1).then(|| runs.first()).flatten();
    let data = DigestData {
        id: digest.id.as_str(),
        since: time(digest.since),
        until: time(digest.until),
        events: digest.events,
        total: digest.total(),
        counts: STATES.into_iter().filter_map(counted).collect(),
        needs: NeedsData {
            review: wanting(Need::Review),
            answer: wanting(Need::Answer),
            look: wanting(Need::Look),
            nothing: digest.wanting(None),
        },
        runs: runs.iter().map(|(digested, links)| DigestedData::new(digested, links)).collect(),
        more: digest.total().saturating_sub(listed),
        url: only_one.and_then(|(_, links)| issues_of(links)).map(String::from),
    };
    serde_json::to_value(Data { digest: data }).unwrap_or_default()
}

/// Returns where Sentry lists the issues of an organization.
fn issues_of(links: &Links) -> Option<Url> {
    below(&links.base_url, &["issues", ""])
}

impl<'a> DigestedData<'a> {
    fn new(digested: &'a Digested, links: &Links) -> Self {
        let Digested { run, events, issue } = digested;
        let (id, url) = place_of_issue(run, issue.as_ref(), links);
        Self {
            run: RunLine::new(run),
            issue: IssueData::new(id, issue.as_ref(), url.as_ref()),
            links: LinkData::new(url, run, links),
            needs: run.need(),
            events: *events,
        }
    }
}

impl<'a> RunLine<'a> {
    fn new(run: &'a Run) -> Self {
        Self {
            id: run.run_id.as_ref().map(RunId::as_str),
            sentry_run_id: run.sentry_run_id.as_ref().map(SentryRunId::as_str),
            group_id: run.group_id.as_ref().map(GroupId::as_str),
            organization: run.organization.as_str(),
            state: run.state,
            started_at: time(run.started_at),
            updated_at: time(run.updated_at),
            pull_requests: &run.pull_requests,
            iterations: run.iterations,
        }
    }
}
