//! How deliveries are claimed, tried, and finished.

use seer_relay::delivery::{DeliveryState, DestinationKind, Reason, Rung};
use seer_relay::store::{
    Claims, DeliveryFilter, DestinationChange, DestinationEntry, Entry, MessageChange, Next, Plan, Record,
    Recorded, WaitingEvent,
};

use super::bench::{Bench, LEASE, at, attempted, name, open_destination, plan, planned, retry_at, webhook};

#[tokio::test]
async fn of_one_run_and_destination_one_delivery_goes_out_after_the_other() {
    let bench = Bench::new().await;
    let mut events = Vec::new();
    for action in ["root_cause_started", "root_cause_completed", "solution_started"] {
        events.push(bench.accept(webhook(action).run("1")).await);
    }
    bench.plan(1, &["audit", "chat"]).await;
    assert_eq!(bench.claim_one(1, "audit").await.delivery.event_id, events[0]);
    assert!(bench.claim(1, "audit").await.is_empty(), "the next one waits for it");
    assert_eq!(bench.deliver_all(1, "chat").await, events, "another destination does not");
}

#[tokio::test]
async fn a_retry_holds_back_only_its_own_run() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    let behind = bench.accept(webhook("root_cause_completed").run("1")).await;
    let other = bench.accept(webhook("root_cause_started").run("2")).await;
    bench.plan(0, &["audit"]).await;
    let claims = bench.claim(0, "audit").await;
    bench.record(&claims[0], 0, retry_at(30)).await;
    bench.record(&claims[1], 0, Next::Delivered).await;
    assert_eq!(claims[1].delivery.event_id, other);
    assert!(bench.claim(29, "audit").await.is_empty());
    let again = bench.claim_one(30, "audit").await;
    assert_eq!(again.delivery.id, claims[0].delivery.id, "the same delivery, with the same id");
    bench.record(&again, 30, Next::Dead(Reason::ClientError)).await;
    let next = bench.claim_one(30, "audit").await;
    assert_eq!(next.delivery.event_id, behind);
    assert_eq!(next.delivery.first_due_at, at(30), "its time began when it was its turn");
}

#[tokio::test]
async fn a_late_worker_cannot_record_over_a_new_attempt() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let late = bench.claim_one(0, "audit").await;
    let newer = bench.claim_one(60, "audit").await;
    assert_eq!(late.ticket.number, newer.ticket.number);
    assert!(newer.ticket.fence > late.ticket.fence);

    let mut gone = attempted(&late, 61, Next::Dead(Reason::Gone));
    gone.destination = DestinationChange::Gone;
    assert_eq!(bench.store.record(gone, at(61)).await.unwrap(), Recorded::LeaseLost);

    let row = bench.delivery(&late.delivery.id, 61).await;
    assert_eq!((row.state, row.attempts, row.last_reason), (DeliveryState::Sending, 0, None));
    assert_eq!(bench.store.destinations().await.unwrap()[0].gone_since, None);
    assert_eq!(bench.record(&newer, 62, Next::Delivered).await, Recorded::Done);
    assert_eq!(bench.record(&newer, 62, Next::Delivered).await, Recorded::LeaseLost, "and only once");
}

#[tokio::test]
async fn a_lease_that_ran_out_still_counts_until_somebody_claims_the_delivery() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let claim = bench.claim_one(0, "audit").await;
    assert_eq!(bench.record(&claim, 600, Next::Delivered).await, Recorded::Done);
}

#[tokio::test]
async fn each_destination_gets_its_own_allowance_oldest_first_and_hears_when_the_next_is_due() {
    let bench = Bench::new().await;
    let mut events = Vec::new();
    for (second, run) in (0..).zip(["1", "2", "3"]) {
        let event = webhook("root_cause_started").run(run);
        events.push(bench.accept_and_plan(event, second, &["a", "b"]).await);
    }
    let open = vec![open_destination("a", 1), open_destination("b", 5), open_destination("unknown", 5)];
    let Claims { deliveries, next_due } = bench.store.claim_deliveries(open, at(10), LEASE).await.unwrap();
    let claimed: Vec<_> = deliveries
        .iter()
        .map(|claim| (claim.delivery.destination.as_str(), &claim.delivery.event_id))
        .collect();
    assert_eq!(claimed, [("a", &events[0]), ("b", &events[0]), ("b", &events[1]), ("b", &events[2])]);
    assert_eq!(next_due, [(name("a"), at(1)), (name("b"), at(70))], "more is due; a lease ends");
    bench.record(&deliveries[1], 10, retry_at(20)).await;
    let open = vec![open_destination("b", 5)];
    let claims = bench.store.claim_deliveries(open, at(10), LEASE).await.unwrap();
    assert_eq!(claims.next_due, [(name("b"), at(20))]);
}

#[tokio::test]
async fn every_attempt_is_counted_and_the_rate_limited_ones_are_no_failures() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let first = bench.claim_one(0, "audit").await;
    assert_eq!((first.delivery.attempts, first.delivery.failures, first.delivery.rung), (0, 0, Rung::Whole));
    bench.record(&first, 0, Next::Retry { due_at: at(1), counted: false, rung: Rung::Whole }).await;
    let second = bench.claim_one(1, "audit").await;
    assert_eq!((second.delivery.attempts, second.delivery.failures), (1, 0));
    bench.record(&second, 1, Next::Retry { due_at: at(2), counted: true, rung: Rung::Brief }).await;
    let third = bench.claim_one(2, "audit").await;
    assert_eq!((third.delivery.attempts, third.delivery.failures, third.delivery.rung), (2, 1, Rung::Brief));
    assert_eq!(third.delivery.first_due_at, at(0));
    bench.record(&third, 2, Next::Delivered).await;
    let row = bench.delivery(&third.delivery.id, 3).await;
    assert_eq!((row.state, row.attempts, row.last_status), (DeliveryState::Delivered, 3, Some(204)));
    assert_eq!((row.last_reason, row.delivered_at, row.next_attempt_at), (None, Some(at(2)), None));
}

#[tokio::test]
async fn a_claim_that_is_given_back_is_as_if_it_had_not_been_made() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let claim = bench.claim_one(5, "audit").await;
    let back = Record {
        ticket: claim.ticket,
        attempt: None,
        next: Next::GivenBack,
        destination: DestinationChange::None,
        message: MessageChange::None,
        in_doubt: false,
    };
    assert_eq!(bench.store.record(back, at(6)).await.unwrap(), Recorded::Done);
    let row = bench.delivery(&claim.delivery.id, 6).await;
    assert_eq!((row.state, row.attempts, row.next_attempt_at), (DeliveryState::Waiting, 0, Some(at(0))));
    assert_eq!(bench.claim_one(6, "audit").await.delivery, claim.delivery);
}

#[tokio::test]
async fn a_dead_letter_says_why_even_without_an_attempt() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let claim = bench.claim_one(0, "audit").await;
    bench.record(&claim, 0, retry_at(1)).await;
    let claim = bench.claim_one(1, "audit").await;
    let removed = Record {
        ticket: claim.ticket,
        attempt: None,
        next: Next::Dead(Reason::Removed),
        destination: DestinationChange::None,
        message: MessageChange::None,
        in_doubt: false,
    };
    bench.store.record(removed, at(1)).await.unwrap();
    let row = bench.delivery(&claim.delivery.id, 1).await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Dead, 1));
    assert_eq!((row.last_status, row.last_reason), (Some(503), Some(Reason::Removed)));
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_by_state_and_destination() {
    let bench = Bench::new().await;
    for run in ["1", "2", "3", "4"] {
        bench.accept(webhook("root_cause_started").run(run)).await;
    }
    let needless = |waiting: &WaitingEvent, to| {
        let is_needless = to == "a" && waiting.events[0].run_id.as_ref().is_some_and(|id| id.as_str() == "3");
        planned(to, if is_needless { Entry::Superseded } else { Entry::Waiting })
    };
    let plans = bench.waiting_events().await.into_iter().map(|event| Plan {
        deliveries: ["a", "b"].map(|to| needless(&event, to)).to_vec(),
        ..plan(&event, &[])
    });
    bench.store.plan(plans.collect(), at(0)).await.unwrap();
    let claims = bench.claim(0, "a").await;
    bench.record(&claims[0], 0, Next::Delivered).await;
    bench.record(&claims[1], 0, Next::Dead(Reason::Auth)).await;
    let list = async |state, destination: Option<&str>, limit| -> Vec<(String, String)> {
        let filter =
            DeliveryFilter { state, destination: destination.map(name), ..DeliveryFilter::default() };
        let page = bench.store.deliveries(filter.clone(), None, limit, at(1)).await.unwrap();
        // Page by page it is the same.
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let one = bench.store.deliveries(filter.clone(), after, 1, at(1)).await.unwrap();
            rows.extend(one.items.into_iter().map(|row| row.id));
            after = one.next;
            if after.is_none() {
                break;
            }
        }
        rows.truncate(limit);
        assert_eq!(page.items.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), rows);
        page.items.into_iter().map(|row| (row.run, row.destination.to_string())).collect()
    };
    let pair = |run: &str, destination: &str| (format!("acme/{run}"), destination.to_owned());
    assert_eq!(list(Some(DeliveryState::Delivered), None, 9).await, [pair("1", "a")]);
    assert_eq!(list(Some(DeliveryState::Dead), None, 9).await, [pair("2", "a")]);
    assert_eq!(list(Some(DeliveryState::Superseded), Some("a"), 9).await, [pair("3", "a")]);
    assert_eq!(list(Some(DeliveryState::Sending), None, 9).await, [pair("4", "a")]);
    assert_eq!(list(Some(DeliveryState::Waiting), None, 2).await, [pair("4", "b"), pair("3", "b")]);
    assert_eq!(list(Some(DeliveryState::Waiting), Some("a"), 9).await, []);
    assert_eq!(list(Some(DeliveryState::Dead), Some("b"), 9).await, []);
    assert_eq!(list(None, Some("b"), 3).await, [pair("4", "b"), pair("3", "b"), pair("2", "b")]);
    assert_eq!(list(None, None, 1).await, [pair("4", "b")]);
    assert_eq!(list(None, Some("nowhere"), 9).await, []);
}

#[tokio::test]
async fn a_destination_stays_gone_or_held_until_its_address_changes_or_a_test_succeeds() {
    let bench = Bench::new().await;
    let entry = |address: Option<&str>| {
        vec![DestinationEntry {
            name: name("audit"),
            kind: DestinationKind::Webhook,
            address: address.map(|address| address.to_owned().into()),
            fallback: None,
        }]
    };
    let register = async |address| {
        bench.store.register_destinations(entry(address), at(0), at(1000)).await.unwrap().remove(0)
    };
    let first = register(Some("https://audit.example/one")).await;
    assert_eq!((first.held_until, first.gone_since), (None, None));
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let leave_alone = async |second, change| {
        let claim = bench.claim_one(second, "audit").await;
        let mut record = attempted(&claim, second, retry_at(second + 1));
        record.destination = change;
        bench.store.record(record, at(second)).await.unwrap();
    };
    leave_alone(1, DestinationChange::HeldUntil(at(100))).await;
    leave_alone(2, DestinationChange::HeldUntil(at(50))).await;
    leave_alone(3, DestinationChange::Gone).await;
    leave_alone(4, DestinationChange::Gone).await;

    let remembered = register(Some("https://audit.example/one")).await;
    assert_eq!((remembered.held_until, remembered.gone_since), (Some(at(100)), Some(at(3))));
    assert_eq!(register(None).await, remembered, "an unset secret changes nothing");
    assert_eq!(bench.store.destinations().await.unwrap(), [remembered]);

    assert_eq!(register(Some("https://audit.example/two")).await, first, "a new address does");

    leave_alone(5, DestinationChange::Gone).await;
    bench.store.reopen_destination(&name("audit")).await.unwrap();
    assert_eq!(register(Some("https://audit.example/two")).await, first, "so does a test");
}

#[tokio::test]
async fn destinations_with_something_to_do_are_told_configured_or_not() {
    let bench = Bench::new().await;
    bench
        .accept_and_plan(webhook("root_cause_started").run("1"), 0, &["due", "leased", "retry", "done"])
        .await;
    bench.claim_one(0, "leased").await;
    let retry = bench.claim_one(0, "retry").await;
    bench.record(&retry, 0, retry_at(1000)).await;
    bench.deliver_all(0, "done").await;
    let told = bench.store.destinations().await.unwrap();
    assert_eq!(
        told.iter().map(|status| status.name.as_str()).collect::<Vec<_>>(),
        ["due", "leased", "retry"]
    );
}
