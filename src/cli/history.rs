//! `runs`, `show`, `deliveries`: history from the store, beside a relay that may be running.

use std::path::Path;

use super::draw::deliveries::Detail;
use super::draw::routes::NO_ROUTE;
use super::draw::{Look, Page, STEP, deliveries, piece, plain};
use super::settings::{OpenStore, json, store_alone};
use super::table::{clean, table};
use super::{Failure, Output, Terminal};
use crate::clock::Clock;
use crate::delivery::{DeliveryState, DestinationName, Part};
use crate::event::GroupId;
use crate::http::api::{DeliveryJson, EventJson, RunJson, run_history};
use crate::http::telling::moment;
use crate::store::{DeliveryFilter, DeliveryRow, EventRow, History, RunHistory, StoreError};
use crate::words::shortened;

/// How many repositories of a run are named at most.
const MOST_NAMES: usize = 10;

/// List runs, the newest first.
#[derive(Debug, clap::Args)]
pub(super) struct Runs {
    /// How many at most
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Runs {
    pub(super) async fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        let OpenStore { store, warning, .. } = store_alone(dir).await?;
        let rows = store.runs(self.limit).await?;
        let runs: Vec<RunJson> = rows.iter().map(RunJson::from).collect();
        if self.json {
            return Ok(Output { warning, ..json(&runs).into() });
        }
        let rows = rows.iter().zip(&runs).map(|(row, run)| {
            [
                run.summary.id.clone(),
                run.summary.group_id.clone().unwrap_or_else(|| "-".into()),
                row.run.state.to_string(),
                some_of(&run.summary.repos.iter().map(String::as_str).collect::<Vec<_>>()),
                seconds(&run.summary.updated_at),
                run.events.to_string(),
                run.deliveries.to_string(),
                run.dead.to_string(),
            ]
        });
        let head = ["RUN", "ISSUE", "STATE", "REPOSITORIES", "UPDATED", "EVENTS", "DELIVERIES", "DEAD"];
        Ok(Output { warning, ..table(terminal, head, rows).into() })
    }
}

/// Tell the story of one run: its events, their routes, their deliveries.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The run as `runs` shows it (`acme/12345`), or its id alone where that is unique
    run: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        let opened = store_alone(dir).await?;
        let history = opened.store.run(&self.run).await?;
        let text = if self.json {
            json(&run_history(&history, &opened.links(&history.run.organization)))
        } else {
            page(&history, terminal)
        };
        Ok(Output { warning: opened.warning, ..text.into() })
    }
}

fn page(history: &RunHistory, terminal: Terminal) -> String {
    let run = &history.run;
    let mut page = Page::new(terminal);
    page.fact("run", [piece(Look::Strong, run.label())]);
    page.fact("issue", [plain(issue_line(history))]);
    page.fact("state", [plain(run.state.as_str())]);
    page.fact("repos", [plain(some_of(&run.repos()))]);
    page.fact("started", [plain(moment(run.started_at))]);
    page.fact("updated", [plain(moment(run.updated_at))]);
    for row in &history.events {
        page.gap();
        draw_event(&mut page, history, row);
    }
    page.gap();
    let hint = "`seer-relay explain EVENT` says why each of them went where it did";
    page.line(0, STEP, [piece(Look::Quiet, hint)]);
    page.into_text()
}

/// Lists names, the first ones where they are many, each cut where it is long.
fn some_of(names: &[&str]) -> String {
    let shown = names.iter().take(MOST_NAMES).map(|name| shortened(name));
    let more = names.len().saturating_sub(MOST_NAMES);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

/// Draws one event of a run: what it was, by which routes it went, and what became of that.
fn draw_event(page: &mut Page, history: &RunHistory, row: &EventRow) {
    let event = EventJson::from(row);
    let head = [
        plain(moment(row.event.received_at)),
        piece(Look::Strong, format!("  {}", shortened(&event.action))),
        piece(Look::Quiet, format!("  {}", event.id)),
    ];
    page.line(0, STEP, head);
    let routes = match (event.routed, event.routes.as_slice()) {
        (false, _) => "waits to be routed".to_owned(),
        (true, []) => NO_ROUTE.to_owned(),
        (true, routes) => format!("by {}", routes.join(", ")),
    };
    let unknown = if event.issue_unknown { " (the issue was not known)" } else { "" };
    let anew = if event.replays > 0 { ", routed anew" } else { "" };
    page.line(STEP, STEP, [plain(format!("{routes}{anew}{unknown}"))]);
    for delivery in history.deliveries.iter().filter(|delivery| delivery.event_id == row.event.id) {
        deliveries::draw(page, STEP, history, delivery, Detail::Short);
    }
}

/// The issue as people know it, then its id: `API-1X TypeError: … (1170820242)`.
pub(super) fn issue_line(history: &RunHistory) -> String {
    let id = history.run.group_id.as_ref().map_or("-", GroupId::as_str);
    let issue = history.issue.as_ref();
    let texts =
        [issue.and_then(|issue| issue.short_id.as_deref()), issue.and_then(|issue| issue.title.as_deref())];
    let known: Vec<String> = texts.into_iter().flatten().map(clean).collect();
    if known.is_empty() { clean(id) } else { format!("{} ({})", known.join(" "), clean(id)) }
}

/// List deliveries, the newest first.
#[derive(Debug, clap::Args)]
pub(super) struct Deliveries {
    /// Only those in this state
    #[arg(long, value_parser = parse_state)]
    state: Option<DeliveryState>,
    /// Only those to this destination
    #[arg(long, value_name = "DEST")]
    to: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn parse_state(word: &str) -> Result<DeliveryState, String> {
    DeliveryState::from_word(word).ok_or_else(|| {
        let words: Vec<_> = DeliveryState::ALL.iter().map(|state| state.as_str()).collect();
        format!("expected one of {}", words.join(", "))
    })
}

impl Deliveries {
    pub(super) async fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        let filter = DeliveryFilter {
            state: self.state,
            destination: self.to.map(DestinationName::new),
            ..DeliveryFilter::default()
        };
        let OpenStore { store, warning, .. } = store_alone(dir).await?;
        let rows = list(store.as_ref(), &filter, self.limit).await?;
        let text = if self.json {
            json(&rows.iter().map(DeliveryJson::from).collect::<Vec<_>>())
        } else {
            delivery_table(terminal, &rows)
        };
        Ok(Output { warning, ..text.into() })
    }
}

/// Reads page after page, until there are enough or no more.
async fn list(
    store: &impl History,
    filter: &DeliveryFilter,
    limit: usize,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let (mut rows, mut after) = (Vec::new(), None);
    while rows.len() < limit {
        let page = store.deliveries(filter.clone(), after, limit - rows.len(), Clock::system().now()).await?;
        rows.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(rows)
}

fn delivery_table(terminal: Terminal, rows: &[DeliveryRow]) -> String {
    let head = ["DELIVERY", "RUN", "ACTION", "TO", "STATE", "ATTEMPTS", "LAST ANSWER", "NEXT OR DELIVERED"];
    let noted = rows.iter().map(|row| (place(row), mute_note(row), DeliveryJson::from(row)));
    let rows = noted.map(|(place, muted, row)| {
        let status = row.last_status.map(|status| status.to_string());
        let reason = row.last_reason.map(|reason| reason.to_string());
        let answer: Vec<String> = status.into_iter().chain(reason).chain(muted).collect();
        [
            row.id,
            row.run,
            row.action,
            place,
            row.state.to_string(),
            row.attempts.to_string(),
            answer.join(" "),
            row.delivered_at.or(row.next_attempt_at).map(|time| seconds(&time)).unwrap_or_default(),
        ]
    });
    table(terminal, head, rows)
}

/// Returns what a mute has to do with a delivery that was never tried.
fn mute_note(row: &DeliveryRow) -> Option<String> {
    let is_told =
        row.attempts == 0 && (row.state == DeliveryState::Waiting || row.state == DeliveryState::Superseded);
    match (&row.muting, row.held_until) {
        (Some(muting), _) if is_told => Some(muting.to_string()),
        (None, Some(_)) if is_told => Some("waits behind a muted one".to_owned()),
        (Some(_) | None, _) => None,
    }
}

/// Where a delivery goes, as what, and for whom or by whom where a fallback stands in.
fn place(row: &DeliveryRow) -> String {
    let part = match row.part {
        Part::Message => None,
        Part::Card | Part::Announcement => Some(row.part.to_string()),
        Part::Digest => Some(match (&row.digest, row.gathered) {
            (Some(digest), _) if row.state == DeliveryState::Superseded => format!("in {digest}"),
            (_, Some(1)) => "digest of 1 event".to_owned(),
            (_, Some(events)) => format!("digest of {events} events"),
            (_, None) => row.part.to_string(),
        }),
    };
    let of = row.fallback_for.as_ref().map(|(_, name)| format!("for {name}"));
    let by = row.fallback_by.as_ref().map(|(_, name)| format!("taken over by {name}"));
    let notes: Vec<String> = part.into_iter().chain(of).chain(by).collect();
    if notes.is_empty() {
        row.destination.to_string()
    } else {
        format!("{} ({})", row.destination, notes.join(", "))
    }
}

/// Milliseconds are for programs.
fn seconds(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}
