//! `explain`: the story of one event, from the webhook to the answers of its destinations.

use std::path::Path;

use super::draw::deliveries::Detail;
use super::draw::{Look, Page, STEP, deliveries, piece, plain, routes};
use super::history::issue_line;
use super::settings::{json, store_alone};
use super::{Failure, Output, Terminal};
use crate::event::Event;
use crate::http::api::event_history;
use crate::http::telling::{between, moment};
use crate::store::{EventHistory, EventRow, FindError, History, RunHistory};
use crate::words::shortened;

/// Tell what became of one event, and why: its routes, its deliveries, every attempt.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// The event (`evt_…`), or one of its deliveries (`dlv_…`)
    #[arg(value_name = "EVENT")]
    event: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) async fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        let opened = store_alone(dir).await?;
        let found = opened.store.event(&self.event).await?;
        let text = if self.json {
            let links = opened.links(&found.history.run.organization);
            event_history(&found, &links).map(|document| json(&document))
        } else {
            page(&found, terminal)
        };
        let text = text.ok_or_else(|| FindError::Unknown(self.event.clone()))?;
        Ok(Output { warning: opened.warning, ..text.into() })
    }
}

fn page(found: &EventHistory, terminal: Terminal) -> Option<String> {
    let history = &found.history;
    let row = history.events.iter().find(|row| row.event.id == found.event)?;
    let mut page = Page::new(terminal);
    let action = shortened(&row.event.action.shown(&row.event.resource));
    page.line(0, STEP, [piece(Look::Strong, action), piece(Look::Quiet, format!("  {}", row.event.id))]);
    page.gap();
    draw_subject(&mut page, history, &row.event);
    page.fact("received", [plain(moment(row.event.received_at)), piece(Look::Quiet, sent(row))]);
    page.fact("routed", [plain(routed(row))]);
    page.gap();
    draw_reasons(&mut page, row);
    page.gap();
    let mut of_event = history.deliveries.iter().filter(|each| each.event_id == found.event).peekable();
    if of_event.peek().is_none() && row.routes.is_some() {
        page.line(
            0,
            STEP,
            [
                piece(
                    Look::Strong,
                    if row.routes.iter().flatten().next().is_none() {
                        routes::NO_ROUTE
                    } else {
                        "no delivery"
                    },
                ),
                plain(": the event is kept and shown, and was sent nowhere"),
            ],
        );
    }
    for delivery in of_event {
        deliveries::draw(&mut page, 0, history, delivery, Detail::All);
    }
    Some(page.into_text())
}

/// Says what the event is about: a run and its issue, or of the relay's own notices a destination or an organization.
fn draw_subject(page: &mut Page, history: &RunHistory, event: &Event) {
    if !event.action.is_of_no_run() {
        let now = piece(Look::Quiet, format!("  now {}", history.run.state));
        page.fact("run", [plain(history.run.label()), now]);
        page.fact("issue", [plain(issue_line(history))]);
        return;
    }
    match &event.artifacts.destination {
        Some(report) => page.fact("about", [plain(format!("destination {}", report.name))]),
        None => page.fact("about", [plain(format!("webhooks of {}", event.organization))]),
    }
}

/// Says when Sentry sent it, where that is known.
fn sent(row: &EventRow) -> String {
    let took = row.event.sent_at.and_then(|sent_at| between(sent_at, row.event.received_at));
    took.map(|took| format!("  {took} after Sentry sent it")).unwrap_or_default()
}

/// Says when it was routed.
fn routed(row: &EventRow) -> String {
    let Some(planned_at) = row.planned_at.filter(|_| row.routes.is_some()) else {
        return "waits to be routed".to_owned();
    };
    let took = between(row.event.received_at, planned_at).map(|took| format!("  {took} later"));
    let unknown = if row.issue_unknown { "  (the issue was not known)" } else { "" };
    let anew = match row.replays {
        0 => String::new(),
        1 => "  anew: it was replayed".to_owned(),
        times => format!("  anew: it was replayed {times} times"),
    };
    format!("{}{}{anew}{unknown}", moment(planned_at), took.unwrap_or_default())
}

fn draw_reasons(page: &mut Page, row: &EventRow) {
    match (&row.decided, &row.routes) {
        (Some(decided), _) => {
            let verdicts = decided.table.verdicts(&row.event, &decided.decision, row.issue_unknown);
            routes::draw(page, &verdicts);
            if verdicts.is_empty() {
                page.line(0, STEP, [plain("there were no routes")]);
            }
        }
        (None, None) => page.line(0, STEP, [plain("no route was read yet")]),
        (None, Some(names)) => {
            for name in names {
                page.line(0, STEP, [piece(Look::Good, "✓ matches"), plain("  "), piece(Look::Strong, name)]);
            }
            let why =
                "no reasons were kept: an older version of the relay routed it, or its routing broke off";
            page.line(0, STEP, [piece(Look::Quiet, why)]);
        }
    }
}
