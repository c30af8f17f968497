//! The time line of a run: its stages as bars on one scale, and its events as marks below them.

mod rounds;

use jiff::Timestamp;
use serde::Serialize;

use crate::http::pages::words::{self, Word};
use crate::http::telling::between;
use crate::render::context::rfc3339;
use crate::run::{StageProgress, StageState};
use crate::store::RunHistory;

/// How long the scale is, in the units of the drawing.
const WIDTH: f64 = 1000.0;
/// What is shorter would not be seen.
const LEAST: f64 = 4.0;
/// How many marks there are at most.
const MOST_MARKS: usize = 200;
/// How wide a mark is.
const MARK: f64 = 3.0;
/// How many of the newest rounds are shown.
const MOST_ROUNDS: usize = 20;

#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    stages: Vec<StageBar>,
    /// Where events came in.
    marks: Vec<String>,
    mark_width: String,
    whole: Option<String>,
}

#[derive(Debug, Serialize)]
struct StageBar {
    name: String,
    word: Word,
    started_at: Option<String>,
    completed_at: Option<String>,
    took: Option<String>,
    times: u32,
    bar: Option<Bar>,
}

/// A bar, as numbers of an SVG.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Bar {
    x: String,
    width: String,
}

impl Timeline {
    /// Draws the time line as it is now.
    pub(super) fn of(history: &RunHistory, now: Timestamp) -> Self {
        let run = &history.run;
        let rounds = rounds::of(history);
        let mut all = run.stages.iter().chain(rounds.iter().map(|(_, progress)| progress));
        let is_at_work = all.any(|stage| stage.state == StageState::Running);
        let scale = Scale {
            from: run.started_at,
            to: if is_at_work { now.max(run.updated_at) } else { run.updated_at },
        };
        let stages = run.stages.iter().map(|stage| scale.stage(stage));
        let newest = rounds.len().saturating_sub(MOST_ROUNDS);
        let rounds = rounds.iter().skip(newest).map(|(index, progress)| {
            let bar = scale.stage(progress);
            StageBar { name: format!("{} {index}", bar.name), ..bar }
        });
        let events = history.events.iter().rev().take(MOST_MARKS);
        Self {
            stages: stages.chain(rounds).collect(),
            marks: events.map(|row| number(scale.mark(row.event.received_at))).collect(),
            mark_width: number(MARK),
            whole: between(scale.from, scale.to),
        }
    }
}

/// From when to when is drawn.
struct Scale {
    from: Timestamp,
    to: Timestamp,
}

impl Scale {
    fn place(&self, at: Timestamp) -> f64 {
        let whole = self.to.duration_since(self.from).as_secs_f64();
        let part = at.duration_since(self.from).as_secs_f64();
        if whole > 0.0 { (part / whole).clamp(0.0, 1.0) * WIDTH } else { 0.0 }
    }

    /// Returns where a mark begins, all of which is to be seen.
    fn mark(&self, at: Timestamp) -> f64 {
        self.place(at).min(WIDTH - MARK)
    }

    fn stage(&self, stage: &StageProgress) -> StageBar {
        let end = match stage.state {
            StageState::Pending => None,
            StageState::Running | StageState::Stalled => Some(self.to),
            StageState::Completed => stage.completed_at,
        };
        let took = match (stage.started_at, end) {
            (Some(start), Some(end)) => between(start, end),
            (None, _) | (_, None) => None,
        };
        StageBar {
            name: words::stage(stage.stage).to_owned(),
            word: words::of_stage(stage.state),
            started_at: stage.started_at.map(rfc3339),
            completed_at: stage.completed_at.map(rfc3339),
            took,
            times: stage.times,
            bar: end.map(|end| self.bar(stage.started_at.unwrap_or(end), end)),
        }
    }

    fn bar(&self, start: Timestamp, end: Timestamp) -> Bar {
        let (start, end) = (self.place(start), self.place(end));
        let width = (end - start).max(LEAST);
        Bar { x: number(start.min(WIDTH - width)), width: number(width) }
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_where_their_time_is_and_are_always_seen() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let scale = Scale { from: at(0), to: at(100) };
        assert_eq!(scale.bar(at(10), at(60)), Bar { x: "100.0".into(), width: "500.0".into() });
        assert_eq!(scale.bar(at(100), at(100)), Bar { x: "996.0".into(), width: "4.0".into() });
        assert_eq!(scale.bar(at(-5), at(500)), Bar { x: "0.0".into(), width: "1000.0".into() });
        let moment = Scale { from: at(0), to: at(0) };
        assert_eq!(moment.bar(at(0), at(0)), Bar { x: "0.0".into(), width: "4.0".into() });
    }

    #[test]
    fn every_mark_stands_inside() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let scale = Scale { from: at(0), to: at(100) };
        assert_eq!(
            [0, 50, 100, 200].map(|second| number(scale.mark(at(second)))),
            ["0.0", "500.0", "997.0", "997.0"]
        );
    }
}
