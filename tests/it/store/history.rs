//! What people read.

use seer_relay::delivery::{DeliveryState, Reason};
use seer_relay::event::EventId;
use seer_relay::store::{Backlog, Next, QueueLength, Told};
use serde_json::json;

use super::bench::{Bench, at, name, retry_at, webhook};

#[tokio::test]
async fn runs_are_listed_by_their_newest_event_with_what_became_of_them() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    bench.accept(webhook("root_cause_started").run("2")).await;
    bench.accept(webhook("root_cause_started").run("3")).await;
    bench.accept(webhook("root_cause_completed").run("1").at(9)).await;
    bench.plan(10, &["audit"]).await;
    let claims = bench.claim(10, "audit").await;
    bench.record(&claims[0], 10, Next::Dead(Reason::Auth)).await;
    let rows = bench.store.runs(2).await.unwrap();
    let shown: Vec<_> =
        rows.iter().map(|row| (row.run.label(), row.events, row.deliveries, row.dead)).collect();
    assert_eq!(shown, [("acme/1".to_owned(), 2, 2, 1), ("acme/3".to_owned(), 1, 1, 0)]);
    assert_eq!((rows[0].run.started_at, rows[0].run.updated_at), (at(0), at(9)));
}

#[tokio::test]
async fn a_delivery_under_lease_is_shown_as_being_sent_until_the_lease_ends() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let claim = bench.claim_one(0, "audit").await;
    let row = bench.delivery(&claim.delivery.id, 59).await;
    assert_eq!((row.state, row.next_attempt_at), (DeliveryState::Sending, None));
    assert_eq!(bench.store.run("1").await.unwrap().deliveries[0].state, DeliveryState::Sending);
    assert_eq!(bench.delivery(&claim.delivery.id, 60).await.state, DeliveryState::Waiting);
}

#[tokio::test]
async fn a_story_ends_with_the_event_that_it_tells_of() {
    let bench = Bench::new().await;
    let one = bench.accept(webhook("root_cause_started").run("1")).await;
    let two = bench.accept(webhook("root_cause_completed").run("1")).await;
    bench.accept(webhook("solution_started").run("1")).await;
    let story = bench.story(&two).await.unwrap();
    assert_eq!(story.events.iter().map(|event| &event.id).collect::<Vec<_>>(), [&one, &two]);
    assert!(bench.story(&EventId::new("evt_none")).await.is_none());
}

#[tokio::test]
async fn the_backlog_counts_what_waits_is_sent_and_is_dead() {
    let bench = Bench::new().await;
    assert_eq!(bench.store.backlog().await.unwrap(), Backlog::default());
    for run in ["1", "2", "3", "4", "5"] {
        bench.accept(webhook("root_cause_started").run(run)).await;
    }
    bench.plan(0, &["audit"]).await;
    let claims = bench.claim(0, "audit").await;
    bench.record(&claims[0], 0, Next::Delivered).await;
    bench.record(&claims[1], 0, Next::Dead(Reason::Auth)).await;
    bench.record(&claims[2], 0, retry_at(100)).await;
    bench.accept(webhook("root_cause_completed").run("1")).await;
    let backlog = bench.store.backlog().await.unwrap();
    assert_eq!(backlog.events, 1);
    let queue = QueueLength {
        destination: name("audit"),
        waiting: 1,
        sending: 2,
        dead: 1,
        first_due_at: Some(at(0)),
    };
    assert_eq!(backlog.queues, [queue]);
}

#[tokio::test]
async fn a_story_that_takes_more_than_asked_for_is_weighed_and_not_told() {
    let bench = Bench::new().await;
    let long = "x".repeat(100_000);
    let root_cause = json!({ "one_line_description": long });
    bench.accept(webhook("root_cause_completed").run("1").with("root_cause", root_cause)).await;
    let later = bench.accept(webhook("pr_created").run("1")).await;
    let of_another = bench.accept(webhook("pr_created").run("2")).await;
    let alone = bench.accept(webhook("x").with("pad", json!(long))).await;

    assert!(matches!(bench.told(&of_another, 1_000).await, Some(Told::Story(_))));
    for event in [later, alone] {
        let Some(Told::Heavy { bytes }) = bench.told(&event, 1_000).await else { panic!("it is heavy") };
        assert!((100_000..110_000).contains(&bytes), "{bytes}");
        assert!(matches!(bench.told(&event, bytes).await, Some(Told::Story(_))), "it fits exactly");
        assert!(matches!(bench.told(&event, bytes - 1).await, Some(Told::Heavy { .. })));
    }
    assert!(bench.told(&EventId::new("evt_nobody"), 1_000).await.is_none());
}
