//! One run: how far it came and when, what was found, planned and written, and everything that was sent of it.

mod changes;
mod events;
mod findings;
mod timeline;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Serialize;

use self::changes::Changes;
use self::events::EventView;
use self::findings::{CauseView, PlanView};
use self::timeline::Timeline;
use super::message::{Drawn, draw};
use super::visit::{Place, Visit};
use super::words::{self, PullRequestView, Word, address, in_path, web};
use crate::delivery::DeliveryState;
use crate::event::GroupId;
use crate::http::AppState;
use crate::http::error::ErrorCode;
use crate::render::context::{issue_document, rfc3339};
use crate::store::{DeliveryRow, RunHistory};

/// How many of a run's newest events are shown.
const MOST_EVENTS: usize = 100;
/// For how many destinations its newest message is drawn.
const MOST_MESSAGES: usize = 8;

#[derive(Serialize)]
struct Content {
    name: String,
    href: String,
    organization: String,
    issue: IssueView,
    seer: Option<String>,
    state: Word,
    classification: Option<String>,
    repos: Vec<String>,
    iterations: u64,
    started_at: String,
    updated_at: String,
    replay: String,
    timeline: Timeline,
    cause: Option<CauseView>,
    plan: Option<PlanView>,
    changes: Changes,
    pull_requests: Vec<PullRequestView>,
    events: Vec<EventView>,
    older_events: usize,
    messages: Vec<Drawn>,
    more_messages: usize,
    dead: usize,
}

#[derive(Serialize)]
struct IssueView {
    id: Option<String>,
    short_id: Option<String>,
    title: Option<String>,
    culprit: Option<String>,
    level: Option<String>,
    project: Option<String>,
    href: Option<String>,
}

/// Shows one run.
pub(super) async fn show(request: HttpRequest, name: Path<String>, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(page(&state, &visit, &name).await),
        Err(refusal) => *refusal,
    }
}

async fn page(state: &AppState, visit: &Visit, name: &str) -> Result<HttpResponse, ErrorCode> {
    let history = state.history.run(name).await?;
    let newest = newest(&history.deliveries);
    let mut messages = Vec::new();
    for row in newest.iter().take(MOST_MESSAGES) {
        messages.push(draw(state, &visit.policy, &history, row).await?);
    }
    let more_messages = newest.len().saturating_sub(MOST_MESSAGES);
    let issue = IssueView::of(&history, visit);
    let title = issue.title.clone().unwrap_or_else(|| history.run.label());
    let now = visit.now;
    let content = move || Content::of(&history, now, issue, messages, more_messages);
    Ok(visit.show(Place::Runs, &title, "run.html", content).await)
}

/// Returns for each destination the delivery that tells the most: the newest that is not needless.
fn newest(deliveries: &[DeliveryRow]) -> Vec<&DeliveryRow> {
    let mut newest: Vec<&DeliveryRow> = Vec::new();
    for row in deliveries.iter().rev().filter(|row| row.state != DeliveryState::Superseded) {
        let is_new =
            newest.iter().all(|other| other.destination != row.destination || other.part != row.part);
        if is_new {
            newest.push(row);
        }
    }
    // What people read comes first.
    newest.sort_by(|one, other| {
        (one.kind, &one.destination, one.part).cmp(&(other.kind, &other.destination, other.part))
    });
    newest
}

impl Content {
    fn of(
        history: &RunHistory,
        now: Timestamp,
        issue: IssueView,
        messages: Vec<Drawn>,
        more_messages: usize,
    ) -> Self {
        let run = &history.run;
        let name = run.label();
        let older_events = history.events.len().saturating_sub(MOST_EVENTS);
        let events = history.events.iter().skip(older_events);
        Self {
            href: format!("/runs/{}", in_path(&name)),
            organization: run.organization.to_string(),
            seer: issue.href.as_deref().map(|href| format!("{href}?seerDrawer=true")),
            issue,
            state: words::of_run(run.state),
            classification: run.classification().map(|word| word.replace('_', " ")),
            repos: run.repos().into_iter().map(str::to_owned).collect(),
            iterations: run.iterations,
            started_at: rfc3339(run.started_at),
            updated_at: rfc3339(run.updated_at),
            replay: address("/replay", [("id", name.as_str())]),
            timeline: Timeline::of(history, now),
            cause: run.root_cause.as_ref().map(CauseView::from),
            plan: run.solution.as_ref().map(PlanView::from),
            changes: Changes::of(&run.changes),
            pull_requests: run.pull_requests.iter().map(PullRequestView::from).collect(),
            events: events.map(|row| EventView::of(history, row)).collect(),
            older_events,
            messages,
            more_messages,
            dead: history.deliveries.iter().filter(|row| row.state == DeliveryState::Dead).count(),
            name,
        }
    }
}

impl IssueView {
    fn of(history: &RunHistory, visit: &Visit) -> Self {
        let known = history.issue.as_ref();
        let links = visit.policy.links(&history.run.organization);
        let document = issue_document(&history.run, known, &links);
        Self {
            id: history.run.group_id.as_ref().map(GroupId::to_string),
            short_id: known.and_then(|issue| issue.short_id.clone()),
            title: known.and_then(|issue| issue.title.clone()),
            culprit: known.and_then(|issue| issue.culprit.clone()),
            level: known.and_then(|issue| issue.level.clone()),
            project: known
                .and_then(|issue| issue.project.as_ref())
                .and_then(|project| project.name.clone().or_else(|| project.slug.clone())),
            href: document.url().and_then(web),
        }
    }
}
