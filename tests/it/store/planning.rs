//! How events wait to be routed, and what their plans do.

use jiff::Timestamp;
use seer_relay::delivery::{DeliveryState, DestinationKind, Origin, Part};
use seer_relay::event::Organization;
use seer_relay::sample::{self, SampleIds, Shape};
use seer_relay::store::{Entry, Next, Plan, PlannedDelivery, ReplayTarget};
use serde_json::json;

use super::bench::{Bench, WINDOW, alert, at, name, plan, planned, webhook};

#[tokio::test]
async fn events_wait_in_order_of_acceptance_with_their_run_up_to_them() {
    let bench = Bench::new().await;
    let a1 = bench.accept(webhook("root_cause_started").run("1").at(5)).await;
    let b1 = bench.accept(webhook("root_cause_started").run("2").at(1)).await;
    let a2 = bench.accept(webhook("root_cause_completed").run("1").at(6)).await;
    let waiting = bench.waiting_events().await;
    let stories: Vec<Vec<_>> =
        waiting.iter().map(|event| event.events.iter().map(|event| event.id.clone()).collect()).collect();
    assert_eq!(stories, [vec![a1.clone()], vec![b1], vec![a1, a2]]);
    assert!(waiting.iter().all(|event| !event.replay));
}

/// What the relay has just accepted, it need not read back; then it has to be what would be read.
#[tokio::test]
async fn an_event_waits_as_the_same_however_soon_and_often_it_is_read() {
    let bench = Bench::new().await;
    let organization = Organization::new("acme");
    for shape in Shape::ALL {
        for (number, action) in sample::run_script(shape).iter().enumerate() {
            let ids = SampleIds::for_run(format!("{}{number}", shape.as_str().len()));
            let body = sample::encode(&sample::body(action, shape, &ids));
            let moment = Timestamp::from_nanosecond(1_800_000_000_123_456_789).unwrap();
            let event = sample::accept(body.into(), &organization, moment).unwrap();
            bench.store.accept(event, WINDOW).await.unwrap();
        }
    }
    bench
        .accept(webhook("some_new_action").run("x").with("pull_requests", json!([null, { "url": 1 }])))
        .await;
    bench.accept(alert("seer_pr_created", json!({ "id": "7", "title": "T", "level": null }))).await;
    bench.accept(webhook("root_cause_started").sentry_run("joined")).await;
    bench.accept(webhook("root_cause_completed").run("joined").sentry_run("joined")).await;

    let soon = bench.waiting_events().await;
    assert!(soon.len() > 20, "{}", soon.len());
    let again = bench.waiting_events().await;
    assert_eq!(format!("{soon:#?}"), format!("{again:#?}"));
    let bench = bench.restart().await;
    assert_eq!(format!("{soon:#?}"), format!("{:#?}", bench.waiting_events().await));
}

#[tokio::test]
async fn an_event_whose_run_became_one_with_an_older_one_waits_with_both_however_soon_it_is_read() {
    let bench = Bench::new().await;
    let first = bench.accept(webhook("root_cause_started").run("1")).await;
    let second = bench.accept(webhook("root_cause_started").sentry_run("2").at(1)).await;
    let both = bench.accept(webhook("root_cause_completed").run("1").sentry_run("2").at(2)).await;
    let waiting = bench.waiting_events().await;
    let stories: Vec<Vec<_>> =
        waiting.iter().map(|event| event.events.iter().map(|event| event.id.clone()).collect()).collect();
    assert_eq!(
        stories,
        [vec![first.clone()], vec![first.clone(), second.clone()], vec![first, second, both]]
    );
}

#[tokio::test]
async fn no_more_events_are_read_than_asked_for_and_no_payload_of_a_heavy_story() {
    let bench = Bench::new().await;
    for run in ["1", "2", "3"] {
        bench.accept(webhook("root_cause_started").run(run)).await;
    }
    let light = bench.store.waiting_events(2, 10_000, Vec::new()).await.unwrap();
    assert_eq!(light.len(), 2);
    assert!(light.iter().all(|event| {
        event.payload.as_ref().is_some_and(|body| (1..=1_000).contains(&(event.bytes - body.len())))
    }));
    let heavy = bench.store.waiting_events(3, 10, Vec::new()).await.unwrap();
    assert_eq!(heavy.iter().map(|event| event.payload.is_none()).collect::<Vec<_>>(), [true; 3]);
}

#[tokio::test]
async fn of_two_plans_for_an_event_the_first_one_counts() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    let waiting = bench.waiting_events().await.remove(0);
    bench.store.plan(vec![plan(&waiting, &["audit"])], at(61)).await.unwrap();
    bench.store.plan(vec![plan(&waiting, &["audit", "late"])], at(61)).await.unwrap();

    let rows = bench.deliveries(61).await;
    assert_eq!(rows.iter().map(|row| row.destination.as_str()).collect::<Vec<_>>(), ["audit"]);
    assert!(bench.waiting_events().await.is_empty());
}

#[tokio::test]
async fn a_plan_from_before_an_event_waited_anew_changes_nothing() {
    let bench = Bench::new().await;
    let event = bench.accept(webhook("root_cause_started").run("1")).await;
    let old = bench.waiting_events().await.remove(0);
    bench.plan(0, &["audit"]).await;
    bench.store.replay(ReplayTarget::Event(event), at(1)).await.unwrap();

    bench.store.plan(vec![plan(&old, &["old"])], at(2)).await.unwrap();
    let anew = bench.waiting_events().await.remove(0);
    assert!(anew.replay);
    bench.store.plan(vec![plan(&anew, &["new"])], at(2)).await.unwrap();

    let rows = bench.deliveries(2).await;
    assert_eq!(rows.iter().map(|row| row.destination.as_str()).collect::<Vec<_>>(), ["audit", "new"]);
}

#[tokio::test]
async fn an_event_without_a_route_is_kept_and_shows_none() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    assert_eq!(bench.store.run("1").await.unwrap().events[0].routes, None, "it waits to be routed");
    let waiting = bench.waiting_events().await.remove(0);
    let no_route = Plan { routes: Vec::new(), ..plan(&waiting, &[]) };
    bench.store.plan(vec![no_route], at(0)).await.unwrap();
    let history = bench.store.run("1").await.unwrap();
    assert_eq!(history.events[0].routes, Some(Vec::new()));
    assert!(history.deliveries.is_empty());
}

#[tokio::test]
async fn a_plan_is_kept_as_it_was_decided() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    let waiting = bench.waiting_events().await.remove(0);
    let delivery = PlannedDelivery {
        destination: name("backend"),
        kind: DestinationKind::Slack,
        part: Part::Message,
        template_set: Some("oncall".to_owned()),
        mentions: Vec::new(),
        muting: None,
        entry: Entry::Waiting,
    };
    let routes = vec!["first \"quoted\"".to_owned(), "second".to_owned()];
    let decided = Plan { routes: routes.clone(), deliveries: vec![delivery], ..plan(&waiting, &[]) };
    bench.store.plan(vec![decided], at(4)).await.unwrap();

    let history = bench.store.run("1").await.unwrap();
    assert_eq!(history.events[0].routes.as_ref(), Some(&routes));
    let [row] = history.deliveries.as_slice() else { panic!("{history:?}") };
    assert_eq!((row.kind, row.state, row.attempts), (DestinationKind::Slack, DeliveryState::Waiting, 0));
    assert_eq!((row.created_at, row.next_attempt_at), (at(4), Some(at(4))));
    let delivery = bench.claim_one(5, "backend").await.delivery;
    assert_eq!(delivery.template_set.as_deref(), Some("oncall"));
    assert_eq!((delivery.origin, delivery.first_due_at), (Origin::Event, at(4)));
}

#[tokio::test]
async fn a_delivery_that_is_needless_from_the_start_is_on_record_and_holds_nothing_back() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_completed").run("1")).await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    let waiting = bench.waiting_events().await;
    let needless = Plan {
        ticket: waiting[0].ticket,
        routes: Vec::new(),
        reasons: None,
        issue_unknown: false,
        deliveries: vec![planned("audit", Entry::Superseded)],
        card_keepers: Vec::new(),
    };
    bench.store.plan(vec![needless, plan(&waiting[1], &["audit"])], at(0)).await.unwrap();
    let states: Vec<_> = bench.deliveries(0).await.into_iter().map(|row| row.state).collect();
    assert_eq!(states, [DeliveryState::Superseded, DeliveryState::Waiting]);
    assert_eq!(bench.claim_one(0, "audit").await.delivery.event_id, waiting[1].events[1].id);
}

#[tokio::test]
async fn a_delivery_is_superseded_by_another_event_only_where_that_one_goes_out() {
    let bench = Bench::new().await;
    let created = bench.accept(webhook("pr_created").run("1")).await;
    bench.accept(webhook("pr_ready_for_review").run("1")).await;
    let waiting = bench.waiting_events().await;
    let first = Plan {
        ticket: waiting[0].ticket,
        routes: Vec::new(),
        reasons: None,
        issue_unknown: false,
        deliveries: vec![
            planned("waiting", Entry::Waiting),
            planned("delivered", Entry::Waiting),
            planned("dead", Entry::Waiting),
            planned("removed", Entry::Waiting),
            planned("superseded", Entry::Superseded),
        ],
        card_keepers: Vec::new(),
    };
    bench.store.plan(vec![first], at(0)).await.unwrap();
    for (destination, next) in [
        ("delivered", Next::Delivered),
        ("dead", Next::Dead(seer_relay::delivery::Reason::Auth)),
        ("removed", Next::Dead(seer_relay::delivery::Reason::Removed)),
    ] {
        let claim = bench.claim_one(0, destination).await;
        bench.record(&claim, 0, next).await;
    }
    let destinations = ["waiting", "delivered", "dead", "removed", "superseded", "elsewhere"];
    let deliveries =
        destinations.iter().map(|name| planned(name, Entry::SupersededBy(created.clone()))).collect();
    let second = Plan { deliveries, ..plan(&waiting[1], &[]) };
    bench.store.plan(vec![second], at(1)).await.unwrap();

    let rows = bench.deliveries(1).await;
    let pairs: Vec<_> = rows.iter().skip(5).map(|row| (row.destination.as_str(), row.state)).collect();
    assert_eq!(
        pairs,
        [
            ("waiting", DeliveryState::Superseded),
            ("delivered", DeliveryState::Superseded),
            ("dead", DeliveryState::Superseded),
            ("removed", DeliveryState::Waiting),
            ("superseded", DeliveryState::Waiting),
            ("elsewhere", DeliveryState::Waiting),
        ]
    );
}
