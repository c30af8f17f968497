//! What happens to a webhook on its way in.

use std::time::Duration;

use seer_relay::event::{Action, EventId};
use seer_relay::store::Acceptance;
use serde_json::json;

use super::bench::{Bench, WINDOW, at, webhook};

#[tokio::test]
async fn an_event_comes_out_with_everything_that_it_said() {
    let bench = Bench::new().await;
    let arrival = webhook("iteration_completed")
        .run("9223372036854775808")
        .sentry_run("5c2a6a0e-7d0e-4b39-9d0b-0c8d6f2f9a11")
        .with("group_id", json!(1_170_820_242))
        .with("iteration_index", json!(3))
        .with("solution", json!({ "one_line_summary": "mend it — `now`", "steps": [] }))
        .at(7)
        .accepted();
    let (raw, artifacts) = (arrival.raw().clone(), arrival.artifacts().clone());
    let Acceptance::Stored(id) = bench.store.accept(arrival, WINDOW).await.unwrap() else { panic!() };

    let story = bench.story(&id).await.unwrap();
    assert_eq!(story.payload, raw);
    let [event] = story.events.as_slice() else { panic!("{story:?}") };
    assert_eq!(event.id, id);
    assert_eq!(event.organization.as_str(), "acme");
    assert_eq!(event.resource, "seer");
    assert_eq!(event.action, Action::IterationCompleted);
    assert_eq!(event.run_id.as_ref().unwrap().as_str(), "9223372036854775808");
    assert_eq!(event.sentry_run_id.as_ref().unwrap().as_str(), "5c2a6a0e-7d0e-4b39-9d0b-0c8d6f2f9a11");
    assert_eq!(event.group_id.as_ref().unwrap().as_str(), "1170820242");
    assert_eq!(event.iteration, Some(3));
    assert_eq!(event.received_at, at(7));
    assert_eq!(event.sent_at, Some(at(0)));
    assert_eq!(event.artifacts, artifacts);
    assert!(artifacts.solution.is_some());
}

#[tokio::test]
async fn ids_rise_in_order_of_acceptance() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for (run, second) in [("1", 10), ("2", 10), ("3", 12), ("4", 3)] {
        ids.push(bench.accept(webhook("root_cause_started").run(run).at(second)).await);
    }
    assert!(ids.is_sorted_by(|earlier, later| earlier < later), "{ids:?}");
    assert!(ids.iter().all(|id| id.as_str().starts_with("evt_")));
}

#[tokio::test]
async fn an_equal_event_within_the_window_is_a_duplicate_of_the_first() {
    let bench = Bench::new().await;
    let first = bench.accept(webhook("root_cause_started").run("1")).await;
    for second in [0, 1, 1199] {
        let again = webhook("root_cause_started").run("1").at(second).accepted();
        let acceptance = bench.store.accept(again, WINDOW).await.unwrap();
        assert_eq!(acceptance, Acceptance::Duplicate(first.clone()), "after {second} s");
    }
    bench.accept(webhook("root_cause_started").run("1").at(1200)).await;
    assert_eq!(bench.waiting_events().await.len(), 2);
}

#[tokio::test]
async fn an_event_that_differs_in_anything_is_no_duplicate() {
    let bench = Bench::new().await;
    let first = webhook("root_cause_started").run("1");
    bench.accept(first.clone()).await;
    bench.accept(first.clone().organization("other")).await;
    bench.accept(first.clone().with("group_id", json!(7))).await;
    bench.accept(webhook("root_cause_completed").run("1")).await;
    bench.accept(webhook("root_cause_started").run("2")).await;
    bench.accept(webhook("root_cause_started").sentry_run("1")).await;
    assert_eq!(bench.waiting_events().await.len(), 6);
}

#[tokio::test]
async fn without_a_window_nothing_is_a_duplicate() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        let event = webhook("root_cause_started").run("1").accepted();
        let acceptance = bench.store.accept(event, Duration::ZERO).await.unwrap();
        assert!(matches!(acceptance, Acceptance::Stored(_)));
    }
}

#[tokio::test]
async fn an_equal_event_without_any_id_is_a_duplicate_too_and_later_a_run_of_its_own() {
    let bench = Bench::new().await;
    let first = bench.accept(webhook("triage_started")).await;
    let again = bench.store.accept(webhook("triage_started").at(5).accepted(), WINDOW).await.unwrap();
    assert_eq!(again, Acceptance::Duplicate(first));
    let later = bench.accept(webhook("triage_started").at(1300)).await;
    let newest = bench.store.accept(webhook("triage_started").at(1400).accepted(), WINDOW).await.unwrap();
    assert_eq!(newest, Acceptance::Duplicate(later));
    assert_eq!(bench.store.runs(10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn of_many_equal_events_at_once_one_is_stored() {
    let bench = Bench::new().await;
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let store = bench.store.clone();
            let event = webhook("root_cause_started").run("1").at(number % 3).accepted();
            tokio::spawn(async move { store.accept(event, WINDOW).await.unwrap() })
        })
        .collect();
    let (mut stored, mut duplicates) = (Vec::<EventId>::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            Acceptance::Stored(id) => stored.push(id),
            Acceptance::Duplicate(id) => duplicates.push(id),
        }
    }
    assert_eq!(stored.len(), 1);
    assert_eq!(duplicates, vec![stored[0].clone(); 99]);
}
