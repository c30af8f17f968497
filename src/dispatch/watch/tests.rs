//! When it is time to look at a run, and when it is stalled.

use super::*;
use crate::dispatch::tests::{event, start};
use crate::event::{Event, RELAY_RESOURCE};

const HALF_AN_HOUR: Duration = Duration::from_mins(30);

fn silent(events: Vec<Event>, due_at: Option<Timestamp>) -> SilentRun {
    SilentRun { sequence: 1, events, looks: 0, due_at }
}

fn minutes(minutes: i64) -> Timestamp {
    start() + jiff::SignedDuration::from_mins(minutes)
}

#[test]
fn a_run_is_looked_at_when_its_own_stage_has_been_silent_for_long_enough_and_not_a_day_later() {
    let run = || silent(vec![event("a", Action::CodingStarted)], None);
    let due_after = |now| due(&run(), HALF_AN_HOUR, minutes(now));
    assert_eq!(due_after(10), Due::At(minutes(30)));
    assert_eq!(due_after(30), Due::Now);
    assert_eq!(due_after(24 * 60 + 30), Due::Now);
    assert_eq!(due_after(24 * 60 + 31), Due::TooLongAgo);
    assert_eq!(due_after(-10), Due::At(minutes(10)), "the clock was set back");
    assert_eq!(due_after(-31), Due::Now, "the clock was set back by more than that");
    assert_eq!(due(&silent(Vec::new(), None), HALF_AN_HOUR, minutes(30)), Due::TooLongAgo);

    let again = silent(run().events, Some(minutes(90)));
    for (now, expected) in [(90, Due::Now), (24 * 60 + 90, Due::Now), (24 * 60 + 91, Due::TooLongAgo)] {
        assert_eq!(due(&again, HALF_AN_HOUR, minutes(now)), expected, "{now}");
    }
}

#[test]
fn a_stage_that_is_at_work_is_stalled_unless_something_was_noticed_already() {
    let notice = |action| Event { resource: RELAY_RESOURCE.to_owned(), ..event("n", action) };
    let is_stalled = |events: Vec<Event>| {
        let run = Run::fold(&events).unwrap();
        stall(&run, &silent(events, None), minutes(30)).is_some()
    };
    let started = || event("a", Action::CodingStarted);
    assert!(is_stalled(vec![started()]));
    assert!(is_stalled(vec![event("a", Action::PrCreated), event("b", Action::IterationStarted)]));
    assert!(!is_stalled(vec![event("a", Action::RootCauseCompleted)]));
    for noticed in [Action::RunStalled, Action::RunFailed, Action::RunWaiting] {
        assert!(!is_stalled(vec![started(), notice(noticed)]));
    }
    let told = stall(&Run::fold(&[started()]).unwrap(), &silent(vec![started()], None), minutes(31)).unwrap();
    let silence = Silence { seconds: 31 * 60, last_heard_at: Some(start()), bad_signatures: None };
    assert_eq!(told, Notice::of_silence(Action::RunStalled, silence));
}

#[test]
fn each_stage_has_its_own_time() {
    let stall_after = StallAfter {
        coding: Some(4 * HALF_AN_HOUR),
        root_cause: None,
        ..StallAfter::all(Some(HALF_AN_HOUR))
    };
    let of = |actions: &[Action]| {
        let events: Vec<Event> =
            actions.iter().map(|action| event(action.as_str(), action.clone())).collect();
        stall_after.of(Run::fold(&events).unwrap().at_work)
    };
    assert_eq!(of(&[Action::RootCauseStarted]), None);
    assert_eq!(of(&[Action::RootCauseStarted, Action::SolutionStarted]), Some(HALF_AN_HOUR));
    assert_eq!(of(&[Action::CodingStarted]), Some(4 * HALF_AN_HOUR));
    assert_eq!(of(&[Action::CodingCompleted]), Some(HALF_AN_HOUR));
    assert_eq!((stall_after.shortest(), stall_after.longest()), (Some(HALF_AN_HOUR), Some(4 * HALF_AN_HOUR)));
}
