//! Destinations that take nothing, and dead letters: what is told of them, once, over restarts and clock steps.

use std::time::Duration;

use seer_relay::delivery::{DestinationKind, Reason};
use seer_relay::event::{Action, DestinationReport, Event, ReasonCount};
use seer_relay::store::{DestinationEntry, Downtime, Health, HealthChange, HealthSettled, Next, Routed};

use super::bench::{Bench, at, name, webhook};

const EVERY: Duration = Duration::from_mins(10);
const GATHER: Duration = Duration::from_secs(5);
const BOTH: Routed = Routed { down: true, up: true };

impl Bench {
    /// A store that knows `backend`, of which something waits.
    async fn with_backend() -> Self {
        let bench = Self::new().await;
        bench.register().await;
        bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["backend"]).await;
        bench
    }

    async fn register(&self) {
        let (name, kind) = (name("backend"), DestinationKind::Webhook);
        let entry = DestinationEntry { name, kind, address: None, fallback: None };
        self.store.register_destinations(vec![entry], at(0), at(1000)).await.unwrap();
    }

    async fn settle(&self, health: Health, routed: Routed, second: i64) -> HealthSettled {
        let (name, waiting) = (name("backend"), 3);
        let change = HealthChange { name, health, waiting, routed, at_most_every: EVERY };
        self.store.settle_health(change, at(second)).await.unwrap()
    }

    /// The actions of what waits to be routed.
    async fn notices(&self) -> Vec<(Action, DestinationReport)> {
        let waiting = self.waiting_events().await;
        let notice = |event: &Event| (event.action.clone(), event.artifacts.destination.clone().unwrap());
        waiting.iter().map(|waiting| notice(waiting.events.last().unwrap())).collect()
    }

    /// Lets so many deliveries of one run each die.
    async fn die(&self, runs: std::ops::Range<i64>, reason: Reason, second: i64) {
        for run in runs {
            let event = webhook("coding_started").run(&run.to_string());
            self.accept_and_plan(event, second, &["backend"]).await;
        }
        for claim in self.claim(second, "backend").await {
            self.record(&claim, second, Next::Dead(reason)).await;
        }
    }
}

fn down(second: i64) -> Health {
    Health::Refuses { since: at(second), reason: Reason::Connect }
}

#[tokio::test]
async fn that_a_destination_takes_nothing_is_told_once_and_that_it_does_again() {
    let bench = Bench::with_backend().await;
    let settled = bench.settle(down(5), BOTH, 10).await;
    assert_eq!((settled.notice.unwrap().action, settled.tell_at), (Action::DestinationDown, None));
    assert_eq!(bench.settle(down(10), BOTH, 11).await, HealthSettled::default());

    let bench = bench.restart().await;
    bench.register().await;
    let known = bench.store.begin_heralding(false).await.unwrap();
    assert_eq!(known, [Downtime { name: name("backend"), is_told: true }]);
    assert_eq!(bench.settle(down(100), BOTH, 100).await, HealthSettled::default(), "it is down still");
    let up = bench.settle(Health::Takes, BOTH, 125).await;
    assert_eq!(up.notice.unwrap().action, Action::DestinationUp);
    assert_eq!(bench.settle(Health::Takes, BOTH, 126).await, HealthSettled::default());

    let known = DestinationReport {
        name: "backend".to_owned(),
        kind: "webhook".to_owned(),
        since: Some(at(5)),
        waiting: Some(3),
        ..DestinationReport::default()
    };
    let reason = Some("connect".to_owned());
    let told = DestinationReport { reason, ..known.clone() };
    let back = DestinationReport { seconds: Some(120), ..known };
    assert_eq!(bench.notices().await, [(Action::DestinationDown, told), (Action::DestinationUp, back)]);
    let waiting = bench.waiting_events().await;
    assert_eq!(waiting[0].events.last().unwrap().organization.as_str(), "acme");
    assert_eq!(bench.store.runs(10).await.unwrap().len(), 1, "it is no run");
}

#[tokio::test]
async fn one_that_comes_and_goes_is_told_of_every_ten_minutes_at_most() {
    let bench = Bench::with_backend().await;
    let mut told = 0;
    for second in (0..3600).step_by(20) {
        told += usize::from(bench.settle(down(second), BOTH, second).await.notice.is_some());
        bench.settle(Health::Takes, BOTH, second + 10).await;
    }
    assert_eq!(told, 6);
    let again = bench.settle(down(3600), BOTH, 3599).await;
    assert_eq!(again.tell_at, Some(at(3600)));
    let set_back = bench.settle(down(-9000), BOTH, -9000).await;
    assert!(set_back.notice.is_some(), "a clock that was set back silences nothing");
    assert!(bench.settle(down(-9000), BOTH, 9000).await.notice.is_none(), "nor tells anything twice");
}

#[tokio::test]
async fn what_no_route_names_is_not_written() {
    let bench = Bench::with_backend().await;
    let none = Routed { down: false, up: false };
    assert_eq!(bench.settle(down(0), none, 0).await, HealthSettled::default());
    assert!(bench.settle(down(0), BOTH, 1).await.notice.is_some(), "it was not told yet");
    let up_alone = Routed { down: false, up: true };
    bench.settle(Health::Takes, none, 2).await;
    assert_eq!(bench.settle(down(900), up_alone, 900).await.notice, None);
    assert!(bench.settle(Health::Takes, up_alone, 901).await.notice.is_some());
}

#[tokio::test]
async fn dead_letters_are_gathered_and_told_with_their_number_and_reasons() {
    let bench = Bench::new().await;
    bench.register().await;
    bench.die(1..3, Reason::Auth, 0).await;
    bench.store.begin_heralding(true).await.unwrap();
    bench.die(3..7, Reason::ClientError, 10).await;
    bench.die(7..8, Reason::Auth, 12).await;
    let tell = async |second| bench.store.tell_dead(GATHER, EVERY, at(second)).await.unwrap();
    let early = tell(14).await;
    assert_eq!((early.notices.len(), early.next_due), (0, Some(at(15))));
    let told = tell(15).await;
    assert_eq!((told.notices.len(), told.next_due), (1, None));
    assert_eq!(told.notices[0].destination, name("backend"));
    let count = |reason: &str, number| ReasonCount { reason: reason.to_owned(), number };
    let report = |since, reasons: Vec<ReasonCount>| DestinationReport {
        name: "backend".to_owned(),
        kind: "webhook".to_owned(),
        reason: Some(reasons[0].reason.clone()),
        since: Some(at(since)),
        dead_letters: Some(reasons.iter().map(|count| count.number).sum()),
        reasons,
        ..DestinationReport::default()
    };
    let first = report(10, vec![count("client_error", 4), count("auth", 1)]);
    assert_eq!(bench.notices().await, [(Action::DeadLetter, first)]);
    bench.plan(15, &[]).await;

    bench.die(8..9, Reason::Auth, 20).await;
    let bench = bench.restart().await;
    bench.register().await;
    bench.store.begin_heralding(true).await.unwrap();
    let tell = async |second| bench.store.tell_dead(GATHER, EVERY, at(second)).await.unwrap();
    assert_eq!(tell(100).await.next_due, Some(at(15 + 600)), "at most one in ten minutes");
    assert_eq!(tell(15 + 600).await.notices.len(), 1);
    let second = report(20, vec![count("auth", 1)]);
    assert_eq!(bench.notices().await, [(Action::DeadLetter, second)]);
}

#[tokio::test]
async fn dead_letters_of_notices_make_no_notices_and_what_is_not_told_is_forgotten() {
    let bench = Bench::new().await;
    bench.register().await;
    bench.store.begin_heralding(true).await.unwrap();
    bench.die(1..2, Reason::Auth, 0).await;
    assert_eq!(bench.store.tell_dead(GATHER, EVERY, at(5)).await.unwrap().notices.len(), 1);
    bench.plan(5, &["backend"]).await;
    let notice = bench.claim_one(5, "backend").await;
    bench.record(&notice, 5, Next::Dead(Reason::Auth)).await;
    let told = bench.store.tell_dead(GATHER, EVERY, at(5000)).await.unwrap();
    assert_eq!((told.notices, told.next_due), (vec![], None));

    bench.die(2..3, Reason::Auth, 5000).await;
    bench.store.begin_heralding(false).await.unwrap();
    bench.store.begin_heralding(true).await.unwrap();
    assert_eq!(bench.store.tell_dead(GATHER, EVERY, at(9000)).await.unwrap().notices, []);
}
