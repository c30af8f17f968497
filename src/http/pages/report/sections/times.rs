//! Times: how long each stage took.

use std::time::Duration;

use super::super::ink::{Ink, Key};
use super::super::plot::{Bar, Plot, Row};
use super::super::sheets::Part;
use super::{Section, Table};
use crate::event::Stage;
use crate::http::telling::length;
use crate::store::{Report, StageTimes};

const TITLE: &str = "Time per stage";

/// Tells how long stages took.
pub(super) fn section(report: &Report) -> Section {
    let measured: Vec<&StageTimes> = report.stages.iter().filter(|stage| stage.runs > 0).collect();
    let gist = gist(&measured);
    let rows: Vec<Row> = measured.iter().map(|stage| bars(stage)).collect();
    let table = report.stages.iter().map(|stage| {
        [
            name(stage.stage).to_owned(),
            stage.runs.to_string(),
            took(stage.p50_seconds),
            took(stage.p95_seconds),
        ]
    });
    let is_there = !measured.is_empty();
    let keys = [(Ink::Plain, "half within (p50)"), (Ink::PlainRare, "95 % within (p95)")];
    Section {
        id: "stages",
        title: TITLE.to_owned(),
        plot_html: is_there.then(|| Plot { id: "stages", title: TITLE, gist: &gist }.bars(&rows)),
        legend: if is_there { keys.map(|(ink, text)| Key::new(ink, text)).into() } else { Vec::new() },
        table: if is_there {
            Table::new(["Stage", "Runs", "Half within", "95 % within"], table)
        } else {
            Table::default()
        },
        note: is_there.then(|| "Of the runs of which both ends of the stage are known.".to_owned()),
        csv: Part::Stages,
        gist,
    }
}

fn gist(measured: &[&StageTimes]) -> String {
    let told: Vec<String> = measured
        .iter()
        .map(|stage| format!("{} {}", name(stage.stage).to_lowercase(), took(stage.p50_seconds)))
        .collect();
    if told.is_empty() {
        return "No stage both began and ended.".to_owned();
    }
    format!("Half of the runs took no longer than: {}.", told.join(", "))
}

fn bars(stage: &StageTimes) -> Row {
    let bar = |ink, seconds: Option<f64>| Bar {
        stack: vec![(ink, seconds.unwrap_or_default())],
        label: took(seconds),
    };
    Row {
        name: name(stage.stage).to_owned(),
        bars: vec![bar(Ink::Plain, stage.p50_seconds), bar(Ink::PlainRare, stage.p95_seconds)],
    }
}

const fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::RootCause => "Root cause",
        Stage::Solution => "Plan",
        Stage::Coding => "Code",
        Stage::PullRequest => "Pull request",
        Stage::Iteration => "Round",
    }
}

fn took(seconds: Option<f64>) -> String {
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.map_or_else(|| "-".to_owned(), length)
}
