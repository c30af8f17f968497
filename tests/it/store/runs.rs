//! What a run is known by, and two runs that turn out to be one.

use seer_relay::store::{FindError, Next, Recorded};

use super::bench::{Bench, retry_at, webhook};

#[tokio::test]
async fn events_with_the_same_run_id_are_one_run_of_their_organization() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("12345x")).await;
    bench.accept(webhook("root_cause_completed").run("12345x")).await;
    bench.accept(webhook("root_cause_started").run("12345x").organization("other")).await;
    let runs = bench.store.runs(10).await.unwrap();
    let shown: Vec<_> = runs.iter().map(|row| (row.run.label(), row.events)).collect();
    assert_eq!(shown, [("other/12345x".to_owned(), 1), ("acme/12345x".to_owned(), 2)]);
}

#[tokio::test]
async fn an_event_that_shows_both_ids_links_them() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1").sentry_run("aaa")).await;
    bench.accept(webhook("root_cause_completed").run("1")).await;
    bench.accept(webhook("solution_started").sentry_run("aaa")).await;
    let run = bench.store.run("acme/1").await.unwrap();
    assert_eq!(run.events.len(), 3);
    assert_eq!(bench.store.run("aaa").await.unwrap().run.label(), "acme/1");
}

#[tokio::test]
async fn a_run_known_by_one_id_is_found_by_the_other_once_an_event_has_shown_it() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").sentry_run("aaa")).await;
    assert_eq!(bench.store.run("acme/aaa").await.unwrap().run.label(), "acme/aaa");
    bench.accept(webhook("root_cause_completed").run("1").sentry_run("aaa")).await;
    bench.accept(webhook("solution_started").run("1")).await;
    assert_eq!(bench.store.runs(10).await.unwrap().len(), 1);
    assert_eq!(bench.store.run("acme/1").await.unwrap().events.len(), 3);
}

#[tokio::test]
async fn two_runs_that_turn_out_to_be_one_become_the_older_one() {
    let bench = Bench::new().await;
    let one = bench.accept_and_plan(webhook("root_cause_started").sentry_run("aaa"), 0, &["audit"]).await;
    let two = bench.accept_and_plan(webhook("root_cause_completed").run("1"), 0, &["audit"]).await;
    assert_eq!(bench.store.runs(10).await.unwrap().len(), 2);

    let three =
        bench.accept_and_plan(webhook("solution_started").run("1").sentry_run("aaa"), 1, &["audit"]).await;

    let runs = bench.store.runs(10).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].events, runs[0].deliveries), (3, 3));
    for known_as in ["acme/1", "1", "acme/aaa", "aaa", two.as_str()] {
        let history = bench.store.run(known_as).await.unwrap();
        let events: Vec<_> = history.events.iter().map(|row| row.event.id.clone()).collect();
        assert_eq!(events, [one.clone(), two.clone(), three.clone()], "as {known_as}");
        assert!(history.deliveries.iter().all(|row| row.run == "acme/1"));
    }
    assert_eq!(bench.deliver_all(2, "audit").await, [one, two, three]);
}

#[tokio::test]
async fn of_a_merged_lane_the_oldest_alone_stays_due() {
    let bench = Bench::new().await;
    let one = bench.accept_and_plan(webhook("root_cause_started").sentry_run("aaa"), 0, &["audit"]).await;
    let two = bench.accept_and_plan(webhook("root_cause_completed").run("1"), 0, &["audit"]).await;
    bench.accept_and_plan(webhook("solution_started").run("1").sentry_run("aaa"), 0, &[]).await;
    let claim = bench.claim_one(1, "audit").await;
    assert_eq!(claim.delivery.event_id, one);
    bench.record(&claim, 1, Next::Delivered).await;
    assert_eq!(bench.claim_one(1, "audit").await.delivery.event_id, two);
}

#[tokio::test]
async fn a_delivery_that_is_being_sent_while_its_lane_is_merged_is_left_alone_and_then_waits_its_turn() {
    let bench = Bench::new().await;
    let one = bench.accept_and_plan(webhook("root_cause_started").sentry_run("aaa"), 5, &["audit"]).await;
    let held = bench.claim_one(5, "audit").await;
    bench.record(&held, 5, retry_at(100)).await;
    let two = bench.accept_and_plan(webhook("root_cause_completed").run("1"), 6, &["audit"]).await;
    let sending = bench.claim_one(6, "audit").await;
    assert_eq!(sending.delivery.event_id, two);

    bench.accept_and_plan(webhook("solution_started").run("1").sentry_run("aaa"), 7, &[]).await;

    // Its lease is still good; but its retry has to wait for the older one.
    assert_eq!(bench.record(&sending, 8, retry_at(9)).await, Recorded::Done);
    assert!(bench.claim(50, "audit").await.is_empty());
    assert_eq!(bench.deliver_all(100, "audit").await, [one, two]);
}

#[tokio::test]
async fn a_lease_that_ends_in_a_merged_lane_brings_its_delivery_back_in_its_turn() {
    let bench = Bench::new().await;
    let one = bench.accept_and_plan(webhook("root_cause_started").sentry_run("aaa"), 0, &["audit"]).await;
    let held = bench.claim_one(0, "audit").await;
    bench.record(&held, 0, retry_at(1000)).await;
    let two = bench.accept_and_plan(webhook("root_cause_completed").run("1"), 0, &["audit"]).await;
    bench.claim_one(0, "audit").await;
    bench.accept_and_plan(webhook("solution_started").run("1").sentry_run("aaa"), 0, &[]).await;
    assert!(bench.claim(500, "audit").await.is_empty(), "the older one is before it");
    assert_eq!(bench.deliver_all(1000, "audit").await, [one, two]);
}

#[tokio::test]
async fn a_name_that_nobody_or_several_runs_have_leads_nowhere_and_says_so() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("7")).await;
    bench.accept(webhook("root_cause_started").run("7").organization("other")).await;
    let error = bench.store.run("7").await.unwrap_err();
    assert_eq!(error.to_string(), "`7` is the id of several runs: acme/7, other/7");
    assert_eq!(bench.store.run("other/7").await.unwrap().run.label(), "other/7");
    for unknown in ["8", "acme/8", "nobody/7", "", "evt_none", "/"] {
        let error = bench.store.run(unknown).await.unwrap_err();
        assert!(matches!(&error, FindError::Unknown(name) if name == unknown), "{unknown}: {error:?}");
    }
}

#[tokio::test]
async fn a_run_without_ids_is_known_by_its_event() {
    let bench = Bench::new().await;
    let id = bench.accept_and_plan(webhook("triage_started"), 0, &["audit"]).await;
    let label = format!("acme/{id}");
    for known_as in [label.as_str(), id.as_str(), &id.as_str().to_uppercase()] {
        let history = bench.store.run(known_as).await.unwrap();
        assert_eq!(history.run.label(), label);
        assert_eq!(history.deliveries[0].run, label);
    }
}
