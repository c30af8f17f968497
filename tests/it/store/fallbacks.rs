//! What stands in for what a destination did not take: when, once, and in the same transaction.

use std::time::Duration;

use seer_relay::delivery::{DeliveryState, DestinationKind, Origin, Part, Reason, StandsFor};
use seer_relay::store::{
    DeliveryRow, DestinationEntry, Entry, HandOver, HandedOver, Next, Plan, PlannedDelivery, ReplayTarget,
};

use super::bench::{Bench, at, name, plan, planned, retry_at, webhook};

const AFTER: Duration = Duration::from_mins(10);
/// When it has been waiting for too long what was planned at 0.
const LATE: i64 = 600;

fn entry(destination: &str, fallback: Option<&str>) -> DestinationEntry {
    DestinationEntry {
        name: name(destination),
        kind: DestinationKind::Webhook,
        address: None,
        fallback: fallback.map(name),
    }
}

impl Bench {
    /// `backend` falls back to `ops`, which falls back to `last`.
    async fn with_fallbacks() -> Self {
        let bench = Self::new().await;
        bench.configure(&[("backend", Some("ops")), ("ops", Some("last")), ("last", None)]).await;
        bench
    }

    async fn configure(&self, destinations: &[(&str, Option<&str>)]) {
        let entries = destinations.iter().map(|(name, fallback)| entry(name, *fallback)).collect();
        self.store.register_destinations(entries, at(0), at(1000)).await.unwrap();
    }

    async fn hand_over(&self, second: i64, limit: usize) -> HandedOver {
        let (from, reason) = (name("backend"), Some(Reason::Connect));
        self.store.hand_over(HandOver { from, after: AFTER, reason, limit }, at(second)).await.unwrap()
    }

    /// Action, destination and state of each delivery, in order of planning.
    async fn all(&self) -> Vec<(String, String, DeliveryState)> {
        let rows = self.deliveries(5000).await;
        rows.into_iter().map(|row| (row.action, row.destination.to_string(), row.state)).collect()
    }

    async fn rows_at(&self, destination: &str) -> Vec<DeliveryRow> {
        self.deliveries(5000).await.into_iter().filter(|row| row.destination == name(destination)).collect()
    }
}

fn stands_for(reason: Reason) -> StandsFor {
    StandsFor { destination: name("backend"), reason: Some(reason) }
}

#[tokio::test]
async fn what_is_refused_for_good_goes_to_the_fallback_and_no_further() {
    for reason in [Reason::Auth, Reason::Gone, Reason::ClientError, Reason::Render, Reason::Expired] {
        let bench = Bench::with_fallbacks().await;
        let event = bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["backend"]).await;
        let claim = bench.claim_one(0, "backend").await;
        bench.record(&claim, 1, Next::Dead(reason)).await;

        let bench = bench.restart().await;
        let stand_in = bench.claim_one(1, "ops").await;
        let delivery = &stand_in.delivery;
        assert_eq!(
            (&delivery.event_id, delivery.origin, delivery.part),
            (&event, Origin::Fallback, Part::Message)
        );
        assert_eq!((&delivery.stands_for, delivery.created_at), (&Some(stands_for(reason)), at(1)));
        let [old, new] = bench.deliveries(1).await.try_into().unwrap();
        assert_eq!((old.state, old.last_reason), (DeliveryState::Dead, Some(reason)));
        assert_eq!((old.fallback_by, old.fallback_for), (Some((new.id.clone(), name("ops"))), None));
        assert_eq!((new.fallback_for, &new.id), (Some((old.id, name("backend"))), &delivery.id));

        bench.record(&stand_in, 2, Next::Dead(Reason::Auth)).await;
        assert!(bench.claim(3, "last").await.is_empty(), "it goes no further");
        assert_eq!(bench.deliveries(3).await.len(), 2);
    }
}

#[tokio::test]
async fn what_is_no_longer_configured_or_has_no_fallback_goes_nowhere() {
    let bench = Bench::with_fallbacks().await;
    bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["backend", "last"]).await;
    for (destination, reason) in [("backend", Reason::Removed), ("last", Reason::Auth)] {
        let claim = bench.claim_one(0, destination).await;
        bench.record(&claim, 1, Next::Dead(reason)).await;
    }
    assert_eq!(bench.deliveries(1).await.len(), 2);
}

#[tokio::test]
async fn what_waits_too_long_is_handed_over_in_order_and_the_rest_of_its_lane_with_it() {
    let bench = Bench::with_fallbacks().await;
    let mut events = Vec::new();
    for (second, action) in [(0, "root_cause_started"), (5, "root_cause_completed"), (400, "coding_started")]
    {
        let event = webhook(action).run("1").at(second);
        events.push(bench.accept_and_plan(event, second, &["backend"]).await);
    }
    let claim = bench.claim_one(0, "backend").await;
    bench.record(&claim, 1, retry_at(900)).await;
    let early = bench.hand_over(LATE - 1, 64).await;
    assert_eq!(early, HandedOver { deliveries: Vec::new(), next_due: Some(at(LATE)) });

    let handed = bench.hand_over(LATE + 5, 64).await;
    assert_eq!(handed.deliveries.len(), 2);
    assert_eq!(handed.next_due, Some(at(400 + LATE)), "it has waited since it was planned");
    let backend: Vec<_> = bench.rows_at("backend").await.into_iter().map(|row| row.state).collect();
    let (gone, waits) = (DeliveryState::Superseded, DeliveryState::Waiting);
    assert_eq!(backend, [gone, gone, waits]);
    let first = bench.claim_one(LATE + 5, "ops").await;
    assert_eq!(first.delivery.stands_for, Some(stands_for(Reason::ServerError)), "what its own attempt met");
    bench.record(&first, LATE + 6, Next::Delivered).await;
    let second = bench.claim_one(LATE + 6, "ops").await;
    assert_eq!(second.delivery.stands_for, Some(stands_for(Reason::Connect)), "it was never tried");
    assert_eq!([first.delivery.event_id, second.delivery.event_id], events[..2]);
    assert_eq!(bench.claim_one(LATE + 6, "backend").await.delivery.event_id, events[2], "its turn has come");
}

#[tokio::test]
async fn nothing_is_handed_over_while_it_is_being_sent_or_beyond_what_the_fallback_can_use() {
    let bench = Bench::with_fallbacks().await;
    for run in 0..10 {
        bench.accept_and_plan(webhook("pr_created").run(&run.to_string()), 0, &["backend"]).await;
    }
    let claims = bench.claim(LATE, "backend").await;
    assert_eq!(bench.hand_over(LATE, 4).await.deliveries, []);
    for claim in &claims {
        bench.record(claim, LATE, retry_at(LATE + 100)).await;
    }
    let handed = bench.hand_over(LATE, 4).await;
    assert_eq!((handed.deliveries.len(), handed.next_due), (4, Some(at(LATE))));
    assert_eq!(bench.hand_over(LATE + 1, 4).await.deliveries, [], "the fallback has enough to do");
    assert_eq!(bench.deliver_all(LATE + 2, "ops").await.len(), 4);
    assert_eq!(bench.hand_over(LATE + 3, 100).await.deliveries.len(), 6);
    assert_eq!(bench.hand_over(LATE + 4, 100).await, HandedOver::default());
    assert_eq!(bench.deliver_all(LATE + 5, "ops").await.len(), 6);
}

#[tokio::test]
async fn an_event_that_the_fallback_has_anyway_is_told_there_once() {
    let bench = Bench::with_fallbacks().await;
    bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["backend", "ops"]).await;
    bench.accept_and_plan(webhook("coding_started").run("2"), 0, &["backend", "ops"]).await;
    let claim = bench.claim(0, "backend").await.remove(0);
    bench.record(&claim, 0, Next::Dead(Reason::Auth)).await;
    let other = bench.claim(0, "backend").await;
    assert!(other.is_empty(), "the other one is leased");
    bench.claim(LATE, "ops").await;
    assert_eq!(bench.hand_over(LATE, 64).await.deliveries.len(), 0, "it may be on its way");
    let other = bench.claim_one(LATE, "backend").await;
    bench.record(&other, LATE, retry_at(LATE + 60)).await;
    assert_eq!(bench.hand_over(LATE, 64).await.deliveries.len(), 1);
    let rows = bench.deliveries(LATE).await;
    assert_eq!(rows.len(), 4, "{rows:#?}");
    for row in rows.iter().filter(|row| row.destination == name("backend")) {
        let (by, _) = row.fallback_by.as_ref().unwrap();
        let by = rows.iter().find(|other| other.id == *by).unwrap();
        assert_eq!((&by.event_id, &by.destination), (&row.event_id, &name("ops")));
        assert_eq!(by.fallback_for, None, "it stands for itself");
    }
}

fn parts(waiting: &seer_relay::store::WaitingEvent, parts: &[Part]) -> Plan {
    let card = |part: &Part| PlannedDelivery { part: *part, ..planned("backend", Entry::Waiting) };
    Plan { deliveries: parts.iter().map(card).collect(), ..plan(waiting, &[]) }
}

#[tokio::test]
async fn a_card_goes_on_waiting_and_only_one_message_of_an_event_goes_to_the_fallback() {
    let bench = Bench::with_fallbacks().await;
    for (second, action, of_it) in
        [(0, "coding_started", &[Part::Card][..]), (300, "pr_created", &[Part::Card, Part::Announcement])]
    {
        bench.accept(webhook(action).run("1").at(second)).await;
        let waiting = bench.waiting_events().await.remove(0);
        bench.store.plan(vec![parts(&waiting, of_it)], at(second)).await.unwrap();
    }
    // The newer card has waited since the older one, which it took the place of.
    let handed = bench.hand_over(LATE, 64).await;
    assert_eq!(handed.deliveries.len(), 1);
    assert_eq!(bench.hand_over(300 + LATE, 64).await.deliveries.len(), 1, "the announcement, in time");
    let stand_in = bench.claim_one(300 + LATE, "ops").await;
    assert_eq!((stand_in.delivery.part, stand_in.delivery.origin), (Part::Message, Origin::Fallback));
    bench.record(&stand_in, 300 + LATE, Next::Delivered).await;
    let state = |part, state| (part, state);
    let rows = bench.rows_at("backend").await;
    let rows: Vec<_> = rows.iter().map(|row| (row.part, row.state)).collect();
    assert_eq!(
        rows,
        [
            state(Part::Card, DeliveryState::Superseded),
            state(Part::Card, DeliveryState::Waiting),
            state(Part::Announcement, DeliveryState::Superseded),
        ]
    );
    assert_eq!(bench.rows_at("ops").await.len(), 1, "the announcement tells of the same event");
    assert_eq!(bench.hand_over(5000, 64).await, HandedOver::default(), "once for each delivery");

    let card = bench.claim_one(5000, "backend").await;
    bench.record(&card, 5000, Next::Dead(Reason::Auth)).await;
    assert_eq!(bench.rows_at("ops").await.len(), 1, "and it dies without another message");
}

#[tokio::test]
async fn what_was_given_up_can_be_replayed_and_the_fallback_s_own_keeps_its_mark() {
    let bench = Bench::with_fallbacks().await;
    bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["backend"]).await;
    let claim = bench.claim_one(0, "backend").await;
    bench.record(&claim, 0, Next::Dead(Reason::Auth)).await;
    let stand_in = bench.claim_one(0, "ops").await;
    bench.record(&stand_in, 0, Next::Dead(Reason::ClientError)).await;

    let dead = ReplayTarget::Dead { destination: None, since: None };
    assert_eq!(bench.store.replay(dead, at(5)).await.unwrap().deliveries.len(), 2);
    let again = bench.claim_one(5, "ops").await;
    assert_eq!(again.delivery.origin, Origin::Replay);
    assert_eq!(again.delivery.stands_for, Some(stands_for(Reason::Auth)));
    bench.record(&again, 5, Next::Delivered).await;
    let original = bench.claim_one(5, "backend").await;
    bench.record(&original, 5, Next::Dead(Reason::Auth)).await;
    assert!(bench.claim(6, "ops").await.is_empty(), "it was told there");
}

#[tokio::test]
async fn what_waited_before_there_was_a_fallback_goes_there_too_and_nothing_once_there_is_none() {
    let bench = Bench::new().await;
    bench.configure(&[("backend", None), ("ops", None)]).await;
    bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["backend"]).await;
    bench.accept_and_plan(webhook("pr_created").run("2"), 0, &["backend"]).await;
    assert_eq!(bench.hand_over(LATE, 64).await, HandedOver::default());
    bench.configure(&[("backend", Some("ops")), ("ops", None)]).await;
    assert_eq!(bench.hand_over(LATE, 1).await.deliveries.len(), 1);
    bench.configure(&[("ops", None)]).await;
    assert_eq!(bench.hand_over(LATE, 64).await, HandedOver::default());
    let (gone, waits) = (DeliveryState::Superseded, DeliveryState::Waiting);
    let all = bench.all().await;
    let states: Vec<_> = all.iter().map(|(_, destination, state)| (destination.as_str(), *state)).collect();
    assert_eq!(states, [("backend", gone), ("backend", waits), ("ops", waits)]);
}
