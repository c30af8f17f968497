//! Sheets: the numbers of a report as CSV, part by part.

use serde::Serialize;

use super::periods::reached;
use crate::delivery::Reason;
use crate::sheet::{Cell, Sheet};
use crate::store::{REACHED, Report};

/// A part of a report; its name is that of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// How far runs came.
    Runs,
    /// Everything that is counted by day.
    Days,
    /// How long stages took.
    Stages,
    /// What is to be done about causes.
    RootCauses,
    /// What became of deliveries.
    Deliveries,
}

impl Part {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Runs, "runs"),
        (Self::Days, "days"),
        (Self::Stages, "stages"),
        (Self::RootCauses, "root_causes"),
        (Self::Deliveries, "deliveries"),
    ];

    /// Finds a part by its name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, own)| *own == name).map(|(part, _)| part)
    }

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(own, _)| *own == self).map(|(_, name)| name).unwrap_or_default()
    }

    /// Writes its numbers down.
    pub(super) fn sheet(self, report: &Report) -> Vec<u8> {
        let mut sheet = Sheet::default();
        match self {
            Self::Runs => runs(&mut sheet, report),
            Self::Days => days(&mut sheet, report),
            Self::Stages => stages(&mut sheet, report),
            Self::RootCauses => root_causes(&mut sheet, report),
            Self::Deliveries => deliveries(&mut sheet, report),
        }
        sheet.take()
    }
}

fn runs(sheet: &mut Sheet, report: &Report) {
    sheet.add(["reached", "runs"].map(Cell::from));
    for reached in &report.runs.reached {
        sheet.add([Cell::from(reached.state.as_str()), Cell::from(reached.runs)]);
    }
}

fn days(sheet: &mut Sheet, report: &Report) {
    let states = REACHED.map(|state| Cell::from(state.as_str()));
    let behind = ["pull_requests", "stalls", "delivered", "dead"].map(Cell::from);
    sheet.add(["day", "runs"].map(Cell::from).into_iter().chain(states).chain(behind));
    for day in &report.days {
        let states = REACHED.map(|state| Cell::from(reached(day, state)));
        let behind = [day.pull_requests, day.stalls, day.delivered, day.dead].map(Cell::from);
        let first = [Cell::from(day.day.to_string()), Cell::from(day.runs)];
        sheet.add(first.into_iter().chain(states).chain(behind));
    }
}

fn stages(sheet: &mut Sheet, report: &Report) {
    sheet.add(["stage", "runs", "p50_seconds", "p95_seconds"].map(Cell::from));
    for times in &report.stages {
        let seconds = [times.p50_seconds, times.p95_seconds];
        let seconds = seconds.map(|seconds| seconds.map_or(Cell::Empty, Cell::Number));
        let first = [Cell::from(word(&times.stage)), Cell::from(times.runs)];
        sheet.add(first.into_iter().chain(seconds));
    }
}

/// Returns the word for it, as it stands in JSON.
fn word(value: &impl Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned()
}

fn root_causes(sheet: &mut Sheet, report: &Report) {
    sheet.add(["classification", "runs"].map(Cell::from));
    for cause in &report.root_causes {
        sheet.add([Cell::from(cause.classification.as_str()), Cell::from(cause.runs)]);
    }
}

fn deliveries(sheet: &mut Sheet, report: &Report) {
    sheet.add(["destination", "state", "reason", "deliveries"].map(Cell::from));
    for destination in &report.deliveries.destinations {
        for outcome in &destination.outcomes {
            sheet.add([
                Cell::from(destination.destination.as_str()),
                Cell::from(outcome.state.as_str()),
                Cell::from(outcome.reason.map(Reason::as_str)),
                Cell::from(outcome.deliveries),
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::DeliveryState;
    use crate::run::RunState;
    use crate::store::{Counted, ReportFilter, Tally, day_of};

    #[test]
    fn every_part_has_its_numbers_and_no_cell_is_a_formula() {
        let [since, until]: [jiff::Timestamp; 2] =
            ["2026-11-24T00:00:00Z", "2026-11-26T00:00:00Z"].map(|at| at.parse().unwrap());
        let mut tally = Tally::default();
        tally.add_run(&Counted {
            started_at: since.as_microsecond(),
            reached: RunState::PrCreated,
            classification: Some("=cmd|' /C calc'!A0"),
            pull_requests: 2,
            stalls: 1,
            stages_us: [Some(1_500_000), None, None, None],
        });
        let planned = day_of(since.as_microsecond());
        tally.add_deliveries("@chat", planned, DeliveryState::Delivered, None, 4);
        tally.add_deliveries("@chat", planned, DeliveryState::Dead, Some(Reason::Auth), 1);
        let report = tally.into_report(&ReportFilter { since, until, organization: None, repo: None }, 0);
        let text = |part: &str| String::from_utf8(Part::named(part).unwrap().sheet(&report)).unwrap();
        let runs = text("runs");
        assert!(
            runs.starts_with("reached,runs\r\nunknown,0\r\n") && runs.ends_with("pr_created,1\r\n"),
            "{runs}"
        );
        assert_eq!(
            text("days"),
            "day,runs,unknown,root_cause_started,root_cause_completed,solution_started,solution_completed,\
             coding_started,coding_completed,pr_created,pull_requests,stalls,delivered,dead\r\n\
             2026-11-24,1,0,0,0,0,0,0,0,1,2,1,4,1\r\n2026-11-25,0,0,0,0,0,0,0,0,0,0,0,0,0\r\n"
        );
        assert!(
            text("stages").starts_with(
                "stage,runs,p50_seconds,p95_seconds\r\nroot_cause,1,1.5,1.5\r\nsolution,0,,\r\n"
            )
        );
        assert_eq!(text("root_causes"), "classification,runs\r\n'=cmd|' /C calc'!A0,1\r\n");
        assert_eq!(
            text("deliveries"),
            "destination,state,reason,deliveries\r\n'@chat,delivered,,4\r\n'@chat,dead,auth,1\r\n"
        );
        assert_eq!(Part::named("events"), None);
    }
}
