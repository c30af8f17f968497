//! The list of runs, and what it is filtered by.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::answer::see;
use super::visit::{Place, Visit};
use super::words::{self, PullRequestView, Word, address, in_path};
use crate::http::AppState;
use crate::http::error::ErrorCode;
use crate::http::query::{Paging, Query};
use crate::render::context::rfc3339;
use crate::run::{RunState, StageOutline};
use crate::store::{Choices, Page, RunFilter, RunRow};

/// As long as no more events are missing in the catalogue it is not worth a word.
const UNSEEN: u64 = 50;
/// How many repositories and pull requests of a run stand in the list.
const MOST_NAMES: usize = 3;

#[derive(Serialize)]
struct Content {
    form: Form,
    runs: Vec<RunLine>,
    is_filtered: bool,
    is_first: bool,
    next: Option<String>,
    first: String,
    behind: u64,
    webhook: String,
}

/// What is asked for, as it stands in the address, and what there is to choose from.
#[derive(Serialize)]
struct Form {
    fields: Fields,
    choices: ChoicesView,
}

#[derive(Default, Serialize)]
struct Fields {
    q: String,
    organization: String,
    repo: String,
    state: String,
    action: String,
    destination: String,
    since: String,
    until: String,
}

#[derive(Serialize)]
struct ChoicesView {
    organizations: Vec<String>,
    repos: Vec<String>,
    actions: Vec<String>,
    destinations: Vec<String>,
    states: Vec<StateChoice>,
}

#[derive(Serialize)]
struct StateChoice {
    value: &'static str,
    word: Word,
}

#[derive(Serialize)]
struct RunLine {
    href: String,
    name: String,
    short_id: Option<String>,
    title: Option<String>,
    issue: Option<String>,
    repos: Vec<String>,
    more_repos: usize,
    state: Word,
    stages: Vec<StageView>,
    pull_requests: Vec<PullRequestView>,
    more_pull_requests: usize,
    started_at: String,
    updated_at: String,
    deliveries: String,
    dead: u64,
}

/// A stage in the strip of a run.
#[derive(Debug, Serialize)]
pub(super) struct StageView {
    name: &'static str,
    word: Word,
}

impl From<&StageOutline> for StageView {
    fn from(stage: &StageOutline) -> Self {
        Self { name: words::stage(stage.stage), word: words::of_stage(stage.state) }
    }
}

/// Leads to the list, which is the first page.
pub(super) async fn home(request: HttpRequest) -> HttpResponse {
    let query = request.query_string();
    see(&if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }, [])
}

/// Lists runs.
pub(super) async fn list(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(page(&request, &state, &visit).await),
        Err(refusal) => *refusal,
    }
}

async fn page(request: &HttpRequest, state: &AppState, visit: &Visit) -> Result<HttpResponse, ErrorCode> {
    let fields = Fields::of(request, visit);
    let mut query = Query::of(request, visit.now);
    let (filter, Paging { after, limit }) = (query.runs()?, query.paging()?);
    query.finish()?;
    let is_filtered = filter != RunFilter::default();
    let (page, choices, behind) = tokio::join!(
        state.history.find_runs(filter, after, limit),
        state.history.choices(),
        state.history.catalogue_lag(),
    );
    let (page, choices, behind): (Page<RunRow>, _, _) = (page?, choices?, behind?);
    let next = page.next.map(|next| fields.address(&next.to_string()));
    let webhook = webhook(request, visit);
    let content = move || Content {
        first: fields.address(""),
        next,
        runs: page.items.iter().map(RunLine::from).collect(),
        is_filtered,
        is_first: after.is_none(),
        behind: if behind > UNSEEN { behind } else { 0 },
        webhook,
        form: Form { choices: ChoicesView::of(choices, &fields), fields },
    };
    Ok(visit.show(Place::Runs, "Runs", "runs.html", content).await)
}

/// Returns where Sentry is to send webhooks: as people reach the relay, else as this one did.
fn webhook(request: &HttpRequest, visit: &Visit) -> String {
    let base = visit.policy.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    let base = base.unwrap_or_else(|| {
        let connection = request.connection_info();
        format!("{}://{}", connection.scheme(), connection.host())
    });
    format!("{base}/webhooks/sentry")
}

impl Fields {
    fn of(request: &HttpRequest, visit: &Visit) -> Self {
        let mut query = Query::of(request, visit.now);
        let mut text = |name: &str| query.text(name).unwrap_or_default();
        Self {
            q: text("q"),
            organization: text("organization"),
            repo: text("repo"),
            state: text("state"),
            action: text("action"),
            destination: text("destination"),
            since: text("since"),
            until: text("until"),
        }
    }

    /// Returns the address of the same list behind a place in it.
    fn address(&self, after: &str) -> String {
        let Self { q, organization, repo, state, action, destination, since, until } = self;
        let pairs = [
            ("q", q.as_str()),
            ("organization", organization),
            ("repo", repo),
            ("state", state),
            ("action", action),
            ("destination", destination),
            ("since", since),
            ("until", until),
            ("after", after),
        ];
        address("/", pairs)
    }
}

impl ChoicesView {
    /// Lists what there is to choose from, and what was chosen, which may be there no longer.
    fn of(choices: Choices, fields: &Fields) -> Self {
        let with = |mut values: Vec<String>, chosen: &str| {
            if !chosen.is_empty() && !values.iter().any(|value| value == chosen) {
                values.push(chosen.to_owned());
            }
            values
        };
        let states = RunState::ALL.iter();
        Self {
            organizations: with(choices.organizations, &fields.organization),
            repos: with(choices.repos, &fields.repo),
            actions: with(choices.actions, &fields.action),
            destinations: with(choices.destinations, &fields.destination),
            states: states
                .map(|state| StateChoice { value: state.as_str(), word: words::of_run(*state) })
                .collect(),
        }
    }
}

impl From<&RunRow> for RunLine {
    fn from(row: &RunRow) -> Self {
        let (run, issue) = (&row.run, row.issue.as_ref());
        let name = run.label();
        Self {
            href: format!("/runs/{}", in_path(&name)),
            name,
            short_id: issue.and_then(|issue| issue.short_id.clone()),
            title: issue.and_then(|issue| issue.title.clone()),
            issue: run.group_id.as_ref().map(ToString::to_string),
            repos: run.repos.iter().take(MOST_NAMES).cloned().collect(),
            more_repos: run.repos.len().saturating_sub(MOST_NAMES),
            state: words::of_run(run.state),
            stages: run.stages.iter().map(StageView::from).collect(),
            pull_requests: run.pull_requests.iter().take(MOST_NAMES).map(PullRequestView::from).collect(),
            more_pull_requests: run.pull_requests.len().saturating_sub(MOST_NAMES),
            started_at: rfc3339(run.started_at),
            updated_at: rfc3339(run.updated_at),
            deliveries: words::counted(row.deliveries, "delivery", "deliveries"),
            dead: row.dead,
        }
    }
}
