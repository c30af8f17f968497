//! What survives a crash and a restart, and what goes when its time is over.

use seer_relay::delivery::{DestinationKind, Reason};
use seer_relay::store::{DestinationChange, DestinationEntry, FindError, Next, Recorded, ReplayTarget};

use super::bench::{Bench, at, attempted, config, name, plan, retry_at, webhook};

#[tokio::test]
async fn a_restart_loses_nothing_and_goes_on_with_rising_ids() {
    let bench = Bench::new().await;
    let one = bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let two = bench.accept(webhook("root_cause_completed").run("1").at(1)).await;
    let bench = bench.restart().await;
    bench.plan(1, &["audit"]).await;
    assert_eq!(bench.deliver_all(1, "audit").await, [one, two.clone()]);
    let three = bench.accept(webhook("solution_started").run("1").at(-100)).await;
    assert!(three > two, "though the clock was turned back");
}

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_nothing_waiting() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1").at(5000), 5000, &["audit"]).await;
    let claim = bench.claim_one(5000, "audit").await;
    let mut record = attempted(&claim, 5000, retry_at(5010));
    record.destination = DestinationChange::HeldUntil(at(5300));
    bench.store.record(record, at(5000)).await.unwrap();
    bench.accept(webhook("root_cause_started").run("2").at(5000)).await;

    let bench = bench.restart().await;
    assert_eq!(bench.waiting_events().await.len(), 1, "an event is due whatever the clock shows");
    let audit = DestinationEntry {
        name: name("audit"),
        kind: DestinationKind::Webhook,
        address: None,
        fallback: None,
    };
    assert!(bench.claim(60, "audit").await.is_empty());
    let told = bench.store.register_destinations(vec![audit], at(0), at(60)).await.unwrap().remove(0);
    assert_eq!(told.held_until, Some(at(60)));
    assert!(bench.claim(59, "audit").await.is_empty());
    assert_eq!(bench.claim_one(60, "audit").await.delivery.id, claim.delivery.id);
}

#[tokio::test]
async fn leases_of_an_earlier_process_are_void_at_once() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let delivery = bench.claim_one(0, "audit").await;

    let bench = bench.restart().await;
    assert_eq!(bench.record(&delivery, 1, Next::Delivered).await, Recorded::LeaseLost);
    assert_eq!(bench.claim_one(1, "audit").await.delivery.id, delivery.delivery.id);
}

#[tokio::test]
async fn a_plan_that_was_lost_with_the_machine_makes_the_same_deliveries_again() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    let waiting = bench.waiting_events().await;
    let bench = bench.restart().await; // Closed, the file holds everything and there is no log.
    let path = config(&bench.folder).path;
    let before = std::fs::read(&path).unwrap();
    let mut planned = Vec::new();
    for _ in 0..2 {
        let lost = Bench::new().await.with_file(&before).await;
        lost.store.plan(vec![plan(&waiting[0], &["a", "b"])], at(1)).await.unwrap();
        planned.push(lost.deliveries(1).await.into_iter().map(|row| row.id).collect::<Vec<_>>());
    }
    assert_eq!(planned[0].len(), 2);
    assert_eq!(planned[0], planned[1]);
}

#[tokio::test]
async fn a_run_goes_when_it_is_old_and_nothing_of_it_waits() {
    let bench = Bench::new().await;
    let old = bench.accept(webhook("root_cause_started").run("old").sentry_run("aaa")).await;
    bench.accept(webhook("triage_started")).await;
    bench.accept(webhook("root_cause_started").run("unfinished")).await;
    bench.accept(webhook("root_cause_started").run("young")).await;
    bench.plan(0, &["audit"]).await;
    for claim in bench.claim(0, "audit").await {
        let story = bench.story(&claim.delivery.event_id).await.unwrap();
        let unfinished = story.events[0].run_id.as_ref().is_some_and(|id| id.as_str() == "unfinished");
        bench.record(&claim, 0, if unfinished { retry_at(5000) } else { Next::Dead(Reason::Auth) }).await;
    }
    bench.accept(webhook("root_cause_completed").run("young").at(1000)).await;
    bench.accept(webhook("root_cause_started").run("unrouted")).await;

    assert_eq!(bench.store.prune(at(1000), 1).await.unwrap(), 1, "no more than asked for");
    assert_eq!(bench.store.prune(at(1000), 100).await.unwrap(), 1);
    assert_eq!(bench.store.prune(at(1000), 100).await.unwrap(), 0);

    let left: Vec<_> = bench.store.runs(10).await.unwrap().iter().map(|row| row.run.label()).collect();
    assert_eq!(left, ["acme/unrouted", "acme/young", "acme/unfinished"]);
    assert_eq!(bench.deliveries(1000).await.len(), 2);
    assert!(bench.story(&old).await.is_none());
    for gone in ["old", "aaa", old.as_str()] {
        let target = ReplayTarget::Run(gone.to_owned());
        assert!(matches!(bench.store.replay(target, at(0)).await, Err(FindError::Unknown(_))), "{gone}");
    }
    let again = bench.accept(webhook("root_cause_started").run("old").sentry_run("aaa")).await;
    assert_eq!(bench.store.run("old").await.unwrap().events[0].event.id, again, "a new run of that name");
}

#[tokio::test]
async fn a_probe_is_answered_while_the_store_can_write() {
    let bench = Bench::new().await;
    bench.store.probe().await.unwrap();
}
