//! What is sent again, and how it is told from what was sent before.

use seer_relay::delivery::{DeliveryId, DeliveryState, Origin, Reason, Rung};
use seer_relay::event::EventId;
use seer_relay::store::{Entry, FindError, Next, Plan, ReplayTarget, Replayed};

use super::bench::{Bench, at, name, planned, webhook};

#[tokio::test]
async fn a_delivery_goes_again_as_a_new_one() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let first = bench.claim_one(0, "audit").await;
    bench.record(&first, 0, Next::Retry { due_at: at(1), counted: true, rung: Rung::Line }).await;
    let first = bench.claim_one(1, "audit").await;
    bench.record(&first, 1, Next::Dead(Reason::ClientError)).await;

    let target = ReplayTarget::Delivery(first.delivery.id.clone());
    let Replayed { deliveries, events } = bench.store.replay(target, at(9)).await.unwrap();
    let [(old, new)] = deliveries.as_slice() else { panic!("{deliveries:?}") };
    assert_eq!((old, events.as_slice()), (&first.delivery.id, [].as_slice()));

    let again = bench.claim_one(9, "audit").await.delivery;
    assert_eq!(again.id, *new);
    assert_eq!(again.event_id, first.delivery.event_id);
    assert_eq!((again.origin, again.rung), (Origin::Replay, Rung::Whole));
    assert_eq!((again.attempts, again.failures, again.first_due_at), (0, 0, at(9)));
    let (old, new) = (bench.delivery(old, 9).await, bench.delivery(new, 9).await);
    assert_eq!((old.state, old.attempts), (DeliveryState::Dead, 2), "the old one stays as it was");
    assert_eq!((old.replayed_by, new.replay_of), (Some(new.id.clone()), Some(old.id.clone())));
}

#[tokio::test]
async fn a_replay_waits_for_what_is_before_it_in_its_lane() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    bench.accept(webhook("root_cause_completed").run("1")).await;
    bench.plan(0, &["audit"]).await;
    let first = bench.claim_one(0, "audit").await;
    bench.record(&first, 0, Next::Delivered).await;
    bench.store.replay(ReplayTarget::Delivery(first.delivery.id), at(1)).await.unwrap();
    let order = bench.deliver_all(2, "audit").await;
    assert_eq!(order.len(), 2);
    assert_eq!(order[1], first.delivery.event_id);
}

#[tokio::test]
async fn an_event_is_routed_anew_and_its_deliveries_are_linked_to_the_newest_before_them() {
    let bench = Bench::new().await;
    let event = bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    bench.deliver_all(0, "audit").await;
    for round in 1..=2 {
        let target = ReplayTarget::Event(EventId::new(event.as_str().to_uppercase()));
        let replayed = bench.store.replay(target, at(round)).await.unwrap();
        assert_eq!(replayed, Replayed { deliveries: Vec::new(), events: vec![event.clone()] });
        let waiting = bench.waiting_events().await.remove(0);
        assert!(waiting.replay);
        let plan = Plan {
            ticket: waiting.ticket,
            routes: vec![format!("round {round}")],
            reasons: None,
            issue_unknown: false,
            deliveries: vec![planned("audit", Entry::Waiting), planned("new", Entry::Superseded)],
            card_keepers: Vec::new(),
        };
        bench.store.plan(vec![plan], at(round)).await.unwrap();
        bench.deliver_all(round, "audit").await;
    }
    let history = bench.store.run("1").await.unwrap();
    assert_eq!(history.events[0].routes, Some(vec!["round 2".to_owned()]));
    let rows: Vec<_> = history.deliveries.iter().filter(|row| row.destination == name("audit")).collect();
    let id = |index: usize| Some(rows[index].id.clone());
    let links: Vec<_> = rows.iter().map(|row| (row.replay_of.clone(), row.replayed_by.clone())).collect();
    assert_eq!(links, [(None, id(1)), (id(0), id(2)), (id(1), None)]);
    assert!(bench.waiting_events().await.is_empty(), "once per replay");
}

#[tokio::test]
async fn a_run_is_routed_anew_by_any_of_its_names() {
    let bench = Bench::new().await;
    let one = bench.accept(webhook("root_cause_started").run("1").sentry_run("aaa")).await;
    let two = bench.accept(webhook("root_cause_completed").run("1")).await;
    bench.accept(webhook("root_cause_started").run("1").organization("other")).await;
    bench.plan(0, &["audit"]).await;
    for known_as in ["acme/1", "aaa", one.as_str()] {
        let replayed = bench.store.replay(ReplayTarget::Run(known_as.to_owned()), at(1)).await.unwrap();
        assert_eq!(replayed.events, [one.clone(), two.clone()], "as {known_as}");
    }
    assert_eq!(bench.waiting_events().await.len(), 2, "asked for thrice, routed anew once");
    let error = bench.store.replay(ReplayTarget::Run("1".to_owned()), at(1)).await.unwrap_err();
    assert!(matches!(error, FindError::Ambiguous { .. }), "{error:?}");
}

#[tokio::test]
async fn an_event_that_still_waits_to_be_routed_is_no_replay() {
    let bench = Bench::new().await;
    let event = bench.accept(webhook("root_cause_started").run("1")).await;
    let replayed = bench.store.replay(ReplayTarget::Event(event.clone()), at(1)).await.unwrap();
    assert_eq!(replayed.events, [event]);
    assert!(!bench.waiting_events().await[0].replay);
}

#[tokio::test]
async fn what_is_unknown_cannot_be_replayed() {
    let bench = Bench::new().await;
    for target in [
        ReplayTarget::Delivery(DeliveryId::new("dlv_none")),
        ReplayTarget::Delivery(DeliveryId::new("none")),
        ReplayTarget::Event(EventId::new("evt_none")),
        ReplayTarget::Run("acme/none".to_owned()),
    ] {
        let error = bench.store.replay(target.clone(), at(0)).await.unwrap_err();
        assert!(matches!(error, FindError::Unknown(_)), "{target:?}: {error:?}");
    }
}

#[tokio::test]
async fn dead_letters_are_replayed_once_by_destination_and_age() {
    let bench = Bench::new().await;
    for run in ["1", "2", "3"] {
        bench.accept(webhook("root_cause_started").run(run)).await;
    }
    bench.plan(0, &["a", "b"]).await;
    for destination in ["a", "b"] {
        for (second, claim) in (10..).step_by(10).zip(bench.claim(0, destination).await) {
            bench.record(&claim, second, Next::Dead(Reason::ServerError)).await;
        }
    }
    let replay = async |destination: Option<&str>, since: Option<i64>| {
        let target = ReplayTarget::Dead { destination: destination.map(name), since: since.map(at) };
        bench.store.replay(target, at(100)).await.unwrap().deliveries.len()
    };
    let dead = async |destination: Option<&str>| {
        let counts = bench.store.dead_letters(destination.map(name)).await.unwrap();
        counts.into_iter().map(|(name, count)| (name.to_string(), count)).collect::<Vec<_>>()
    };
    assert_eq!(dead(None).await, [("a".to_owned(), 3), ("b".to_owned(), 3)]);
    assert_eq!(dead(Some("nowhere")).await, []);
    assert_eq!(replay(Some("nowhere"), None).await, 0);
    assert_eq!(replay(Some("a"), Some(20)).await, 2, "those that died at 20 and 30");
    assert_eq!(dead(Some("a")).await, [("a".to_owned(), 1)], "without those that were sent again");
    assert_eq!(replay(Some("a"), None).await, 1, "the rest");
    assert_eq!(replay(None, None).await, 3, "those of the other destination");
    assert_eq!(replay(None, None).await, 0);
    assert_eq!(bench.claim(100, "a").await.len(), 3);
}
