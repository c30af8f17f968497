//! Runs: how far they came, what their causes are, their pull requests, their stalls.

use super::super::ink::{Ink, Key};
use super::super::plot::{Bar, Plot, Row};
use super::super::sheets::Part;
use super::{Section, Series, Table, length};
use crate::http::pages::words::counted;
use crate::http::telling::share;
use crate::run::RunState;
use crate::store::{REACHED, Reached, Report};

/// How many causes are drawn.
const MOST_CAUSES: usize = 12;

/// Returns what runs that came so far and no further are called, and what they are drawn in.
const fn step(state: RunState) -> (&'static str, Ink) {
    match state {
        RunState::Unknown => ("nothing known", Ink::Unknown),
        RunState::RootCauseStarted => ("cause begun", Ink::CauseBegun),
        RunState::RootCauseCompleted => ("cause found", Ink::CauseFound),
        RunState::SolutionStarted => ("plan begun", Ink::PlanBegun),
        RunState::SolutionCompleted => ("plan made", Ink::PlanMade),
        RunState::CodingStarted => ("code begun", Ink::CodeBegun),
        RunState::CodingCompleted => ("code written", Ink::CodeWritten),
        // What comes behind it is none of what a report tells apart.
        RunState::PrCreated
        | RunState::PrReady
        | RunState::Iterating
        | RunState::PrUpdated
        | RunState::Failed
        | RunState::WaitingForUser
        | RunState::Stalled => ("PR opened", Ink::PullRequest),
    }
}

/// Tells how far runs came, in time.
pub(super) fn by_day(report: &Report, series: &Series) -> Section {
    let title = format!("Runs by {}", series.length.name());
    let total = report.runs.total;
    let gist = match total {
        0 => "No run began.".to_owned(),
        _ => format!("{}; {}.", counted(total, "run", "runs"), series.most(|period| period.runs)),
    };
    let plot = Plot { id: "runs", title: &title, gist: &gist };
    let furthest_first = || REACHED.into_iter().rev().map(step);
    let columns = series.columns(|period| {
        let numbers = period.reached.iter().rev().copied();
        furthest_first().zip(numbers).map(|((_, ink), number)| (ink, number)).collect()
    });
    let head = [series.head(), "Runs"].into_iter().chain(furthest_first().map(|(name, _)| name));
    let rows = series.periods.iter().rev().map(|period| {
        let numbers = [period.runs].into_iter().chain(period.reached.iter().rev().copied());
        [period.name(series.length)].into_iter().chain(numbers.map(|number| number.to_string())).collect()
    });
    let table = Table { head: head.map(str::to_owned).collect(), rows: rows.collect(), more: 0 }.cut();
    Section {
        id: "runs",
        plot_html: (total > 0).then(|| plot.columns(&columns)),
        // From top to bottom, as they stand on each other.
        legend: there(report)
            .into_iter()
            .map(|(name, ink, runs)| Key::new(ink, format!("{name} {runs}")))
            .collect(),
        table: if total > 0 { table } else { Table::default() },
        note: series.note().filter(|_| total > 0),
        csv: Part::Days,
        title,
        gist,
    }
}

/// Returns the steps to which runs came, the first one first.
fn there(report: &Report) -> Vec<(&'static str, Ink, u64)> {
    let reached = report.runs.reached.iter().filter(|reached| reached.runs > 0);
    reached.map(|Reached { state, runs }| (step(*state).0, step(*state).1, *runs)).collect()
}

/// Tells how far runs came, in all.
pub(super) fn reached(report: &Report) -> Section {
    let total = report.runs.total;
    let opened = report.runs.reached.last().map(|reached| reached.runs).unwrap_or_default();
    let gist = match (total, opened) {
        (0, _) => "No run began.".to_owned(),
        (1, 0) => "One run, which opened no pull request.".to_owned(),
        (1, _) => "One run, which opened a pull request.".to_owned(),
        _ => format!(
            "{}; {opened} of them opened a pull request ({}).",
            counted(total, "run", "runs"),
            share(opened, total)
        ),
    };
    let title = "How far runs came";
    let furthest_first = || report.runs.reached.iter().rev();
    let bars: Vec<Row> = furthest_first()
        .map(|Reached { state, runs }| {
            let (name, ink) = step(*state);
            let label = format!("{runs} · {}", share(*runs, total));
            Row { name: name.to_owned(), bars: vec![Bar { stack: vec![(ink, length(*runs))], label }] }
        })
        .collect();
    let rows = furthest_first()
        .map(|Reached { state, runs }| [step(*state).0.to_owned(), runs.to_string(), share(*runs, total)]);
    Section {
        id: "reached",
        plot_html: (total > 0).then(|| Plot { id: "reached", title, gist: &gist }.bars(&bars)),
        legend: Vec::new(),
        table: if total > 0 { Table::new(["Came to", "Runs", "Share"], rows) } else { Table::default() },
        note: (total > 0).then(|| "Each run counts once, at the furthest step that it came to.".to_owned()),
        csv: Part::Runs,
        title: title.to_owned(),
        gist,
    }
}

/// Tells what is to be done about causes.
pub(super) fn root_causes(report: &Report) -> Section {
    let causes = &report.root_causes;
    let total: u64 = causes.iter().map(|cause| cause.runs).sum();
    let gist = match causes.first() {
        None => "Seer classified no root cause.".to_owned(),
        Some(first) => format!(
            "Seer classified the root causes of {}, most often as {} ({}).",
            counted(total, "run", "runs"),
            first.classification,
            first.runs
        ),
    };
    let title = "Root causes";
    let bar = |name: String, runs: u64| {
        let label = format!("{runs} · {}", share(runs, total));
        Row { name, bars: vec![Bar { stack: vec![(Ink::Plain, length(runs))], label }] }
    };
    let mut bars: Vec<Row> =
        causes.iter().take(MOST_CAUSES).map(|cause| bar(cause.classification.clone(), cause.runs)).collect();
    let others: u64 = causes.iter().skip(MOST_CAUSES).map(|cause| cause.runs).sum();
    if others > 0 {
        bars.push(bar(format!("{} others", causes.len() - MOST_CAUSES), others));
    }
    let rows = causes
        .iter()
        .map(|cause| [cause.classification.clone(), cause.runs.to_string(), share(cause.runs, total)]);
    Section {
        id: "causes",
        plot_html: (total > 0).then(|| Plot { id: "causes", title, gist: &gist }.bars(&bars)),
        legend: Vec::new(),
        table: Table::new(["Classification", "Runs", "Share"], rows),
        note: None,
        csv: Part::RootCauses,
        title: title.to_owned(),
        gist,
    }
}

/// Tells how many pull requests were opened.
pub(super) fn pull_requests(report: &Report, series: &Series) -> Section {
    let number = report.runs.pull_requests;
    let gist = if number == 0 {
        "No pull request was opened.".to_owned()
    } else {
        let most = series.most(|period| period.pull_requests);
        format!("{}, by when their runs began; {most}.", counted(number, "pull request", "pull requests"))
    };
    series.section("pull-requests", "Pull requests", gist, |period| period.pull_requests)
}

/// Tells how often runs stalled.
pub(super) fn stalls(report: &Report, series: &Series) -> Section {
    let number = report.runs.stalls;
    let gist = if number == 0 {
        "No run was noticed to stall.".to_owned()
    } else {
        let most = series.most(|period| period.stalls);
        format!("{} noticed, by when their runs began; {most}.", counted(number, "stall", "stalls"))
    };
    series.section("stalls", "Stalls", gist, |period| period.stalls)
}
