//! `report`: how far runs came, how long they took and what became of the messages, as tables with a line for each day.

mod spark;

use std::path::Path;
use std::time::Duration;

use self::spark::spark;
use super::draw::{Page, plain};
use super::moment::{Moment, parse};
use super::settings::{OpenStore, json, store_alone};
use super::table::table;
use super::{Failure, Output, Terminal};
use crate::clock::Clock;
use crate::delivery::DeliveryState;
use crate::event::{Organization, Stage};
use crate::http::telling::{length, moment, share};
use crate::store::{self, DestinationCounts, History, ReportFilter};

/// Count runs and deliveries: runs by when they began, deliveries by when they were planned.
#[derive(Debug, clap::Args)]
pub(super) struct Report {
    /// From when on: so long ago (`30d`), or a day or time (`2026-11-24`, `2026-11-24T12:00:00Z`), in UTC
    #[arg(long, value_name = "TIME", value_parser = parse, default_value = "30d")]
    since: Moment,
    /// Up to when [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse)]
    until: Option<Moment>,
    /// Only runs that are about this repository (`acme/api`)
    #[arg(long, value_name = "REPO")]
    repo: Option<String>,
    /// Only runs of this organization
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) async fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        let OpenStore { store, warning, .. } = store_alone(dir).await?;
        let now = Clock::system().now();
        let filter = ReportFilter {
            since: self.since.at(now),
            until: self.until.map_or(now, |until| until.at(now)),
            organization: self.organization.map(Organization::new),
            repo: self.repo,
        };
        let report = store.report(filter).await?;
        let text = if self.json { json(&report) } else { draw(terminal, &report) };
        Ok(Output { warning, ..text.into() })
    }
}

fn draw(terminal: Terminal, report: &store::Report) -> String {
    let mut page = Page::new(terminal);
    page.fact("from", [plain(moment(report.since))]);
    page.fact("to", [plain(moment(report.until))]);
    for (label, value) in [("of", &report.organization), ("about", &report.repo)] {
        if let Some(value) = value {
            page.fact(label, [plain(value)]);
        }
    }
    if report.uncounted_events > 0 {
        let note = format!("{} newer events are not counted yet", report.uncounted_events);
        page.fact("lacks", [plain(note)]);
    }
    let parts = [days(terminal, report), reached(terminal, report), stages(terminal, report)];
    let mut text = page.into_text();
    for part in parts.into_iter().chain(root_causes(terminal, report)).chain(deliveries(terminal, report)) {
        text.push('\n');
        text.push_str(&part);
    }
    text
}

/// Day by day, from left to right.
fn days(terminal: Terminal, report: &store::Report) -> String {
    let row = |name: &str, number: fn(&store::Day) -> u64| {
        let numbers: Vec<u64> = report.days.iter().map(number).collect();
        let most = numbers.iter().max().copied().unwrap_or_default();
        let total: u64 = numbers.iter().sum();
        [name.to_owned(), total.to_string(), most.to_string(), spark(&numbers)]
    };
    let rows = [
        row("runs began", |day| day.runs),
        row("pull requests", |day| day.pull_requests),
        row("delivered", |day| day.delivered),
        row("dead letters", |day| day.dead),
    ];
    table(terminal, ["", "TOTAL", "MOST A DAY", "DAY BY DAY"], rows)
}

fn reached(terminal: Terminal, report: &store::Report) -> String {
    let there_are = report.runs.reached.iter().filter(|reached| reached.runs > 0);
    let rows = there_are.map(|reached| {
        let on = |day: &store::Day| {
            day.reached.iter().filter(|other| other.state == reached.state).map(|other| other.runs).sum()
        };
        let by_day: Vec<u64> = report.days.iter().map(on).collect();
        let share = share(reached.runs, report.runs.total);
        [reached.state.to_string(), reached.runs.to_string(), share, spark(&by_day)]
    });
    let stalls: Vec<u64> = report.days.iter().map(|day| day.stalls).collect();
    let stalls =
        ["noticed to stall".to_owned(), report.runs.stalls.to_string(), String::new(), spark(&stalls)];
    table(terminal, ["RUNS CAME TO", "RUNS", "SHARE", "DAY BY DAY"], rows.chain([stalls]))
}

fn stages(terminal: Terminal, report: &store::Report) -> String {
    let time = |seconds: Option<f64>| {
        let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        span.map_or_else(|| "-".to_owned(), length)
    };
    let rows = report.stages.iter().map(|stage| {
        [
            stage_name(stage.stage).to_owned(),
            stage.runs.to_string(),
            time(stage.p50_seconds),
            time(stage.p95_seconds),
        ]
    });
    table(terminal, ["STAGE", "RUNS", "HALF WITHIN", "95 % WITHIN"], rows)
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::RootCause => "root cause",
        Stage::Solution => "solution",
        Stage::Coding => "coding",
        Stage::PullRequest => "pull request",
        Stage::Iteration => "iteration",
    }
}

fn root_causes(terminal: Terminal, report: &store::Report) -> Option<String> {
    let rows = report.root_causes.iter().map(|cause| [cause.classification.clone(), cause.runs.to_string()]);
    (rows.len() > 0).then(|| table(terminal, ["ROOT CAUSE", "RUNS"], rows))
}

fn deliveries(terminal: Terminal, report: &store::Report) -> Option<String> {
    let destinations = &report.deliveries.destinations;
    let rows = destinations.iter().map(|destination| {
        let number = |state| destination.number(state).to_string();
        [
            destination.destination.clone(),
            destination.total.to_string(),
            number(DeliveryState::Delivered),
            number(DeliveryState::Waiting),
            number(DeliveryState::Superseded),
            number(DeliveryState::Dead),
            died_of(destination),
        ]
    });
    let head = ["DELIVERIES TO", "ALL", "DELIVERED", "WAITING", "SUPERSEDED", "DEAD", "DIED OF"];
    (rows.len() > 0).then(|| table(terminal, head, rows))
}

/// Why deliveries became dead letters, with how many of each: `auth 3, timeout 1`.
fn died_of(destination: &DestinationCounts) -> String {
    let dead = destination.outcomes.iter().filter(|outcome| outcome.state == DeliveryState::Dead);
    let reasons = dead.filter_map(|outcome| Some(format!("{} {}", outcome.reason?, outcome.deliveries)));
    reasons.collect::<Vec<_>>().join(", ")
}
