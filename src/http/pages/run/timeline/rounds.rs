//! Rounds: how each iteration of a run began and ended. A run itself only knows how many there were.

use std::collections::BTreeMap;

use crate::event::{Event, Phase, Stage};
use crate::run::{Run, RunState, StageProgress, StageState, is_late_start};
use crate::store::RunHistory;

/// Returns the rounds of a run by their numbers, the first one first.
pub(super) fn of(history: &RunHistory) -> Vec<(u64, StageProgress)> {
    let events = history.events.iter().map(|row| &row.event);
    let steps = events.filter(|event| event.action.stage() == Some(Stage::Iteration)).cloned();
    rounds(&history.run, &steps.collect::<Vec<_>>())
}

fn rounds(run: &Run, steps: &[Event]) -> Vec<(u64, StageProgress)> {
    let mut rounds: BTreeMap<u64, StageProgress> = BTreeMap::new();
    for (place, step) in steps.iter().enumerate() {
        let earlier = steps.get(..place).unwrap_or_default();
        if is_late_start(step, earlier) {
            continue;
        }
        let newest = rounds.last_key_value();
        let highest = newest.map_or(0, |(index, _)| *index);
        let is_open = newest.is_some_and(|(_, round)| round.state == StageState::Running);
        let index = match step.iteration {
            Some(index) => index,
            None if is_open => highest,
            None => highest.saturating_add(1),
        };
        add(rounds.entry(index).or_insert(NOT_BEGUN), step);
    }
    let (last, is_stopped) = (rounds.keys().next_back().copied(), is_stopped(run));
    let settle = |(index, round): (u64, StageProgress)| {
        let has_stopped = round.state == StageState::Running && (is_stopped || Some(index) != last);
        let state = if has_stopped { StageState::Stalled } else { round.state };
        (index, StageProgress { state, ..round })
    };
    rounds.into_iter().map(settle).collect()
}

const NOT_BEGUN: StageProgress = StageProgress {
    stage: Stage::Iteration,
    state: StageState::Pending,
    started_at: None,
    completed_at: None,
    times: 0,
};

/// A webhook and an alert may tell the same step: the first of them counts.
fn add(round: &mut StageProgress, step: &Event) {
    match step.action.phase() {
        Some(Phase::Started) if round.state != StageState::Running => {
            round.state = StageState::Running;
            round.started_at = Some(step.received_at);
            round.completed_at = None;
        }
        Some(Phase::Completed) if round.state != StageState::Completed => {
            round.state = StageState::Completed;
            round.completed_at = Some(step.received_at);
            round.times = 1;
        }
        Some(_) | None => {}
    }
}

/// Tells whether nothing goes on with the newest round that has begun.
fn is_stopped(run: &Run) -> bool {
    let is_noticed = matches!(run.state, RunState::Failed | RunState::WaitingForUser | RunState::Stalled);
    is_noticed || run.at_work != Some(Stage::Iteration)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::{Action, Artifacts, EventId, Organization, RunId};

    fn step(minute: i64, action: Action, iteration: Option<u64>) -> Event {
        let at = Timestamp::from_second(60 * minute).unwrap();
        Event {
            id: EventId::new(format!("evt_{minute}")),
            organization: Organization::new("acme"),
            resource: "seer".to_owned(),
            action,
            run_id: Some(RunId::new("1")),
            sentry_run_id: None,
            group_id: None,
            iteration,
            received_at: at,
            sent_at: None,
            artifacts: Artifacts::default(),
        }
    }

    /// Each round as its number, its state and the minutes at which it began and ended.
    fn told(steps: &[Event]) -> Vec<(u64, StageState, Option<i64>, Option<i64>)> {
        let run = Run::fold(steps).unwrap();
        let minute = |at: Option<Timestamp>| at.map(|at| at.as_second() / 60);
        let all = rounds(&run, steps).into_iter();
        all.map(|(index, round)| (index, round.state, minute(round.started_at), minute(round.completed_at)))
            .collect()
    }

    use Action::{IterationCompleted as Ended, IterationStarted as Began};

    #[test]
    fn each_round_has_its_own_beginning_and_end() {
        let steps = [
            step(1, Began, Some(1)),
            step(2, Began, Some(1)),
            step(5, Ended, Some(1)),
            step(6, Ended, Some(1)),
            step(9, Began, Some(2)),
        ];
        assert_eq!(
            told(&steps),
            [(1, StageState::Completed, Some(1), Some(5)), (2, StageState::Running, Some(9), None)]
        );
    }

    #[test]
    fn rounds_without_a_number_are_counted() {
        let steps = [step(1, Began, None), step(5, Ended, None), step(9, Ended, None)];
        assert_eq!(
            told(&steps),
            [(1, StageState::Completed, Some(1), Some(5)), (2, StageState::Completed, None, Some(9))]
        );
    }

    #[test]
    fn a_round_that_another_one_followed_goes_on_no_more() {
        let steps = [step(1, Began, Some(1)), step(9, Began, Some(2))];
        assert_eq!(
            told(&steps),
            [(1, StageState::Stalled, Some(1), None), (2, StageState::Running, Some(9), None)]
        );
    }

    #[test]
    fn a_beginning_that_comes_late_begins_nothing() {
        let steps = [step(5, Ended, Some(1)), step(5, Began, Some(1))];
        assert_eq!(told(&steps), [(1, StageState::Completed, None, Some(5))]);
    }
}
