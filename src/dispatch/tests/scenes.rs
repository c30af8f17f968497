//! What the dispatcher promises, promise by promise.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::fake_notifier::{Answer, FakeNotifier};
use super::{Stage, destination, event, start};
use crate::clock::Clock;
use crate::delivery::{DeliveryState, DestinationName, Reason};
use crate::dispatch::moment::after;
use crate::event::Action;
use crate::notify::{Destination, Rate, SendError, Verdict};
use crate::store::{DestinationStatus, Next, Queue};

pub(super) const TAKES: Answer = Answer::Takes(Duration::from_millis(1));
pub(super) const DELIVERED: (DeliveryState, Option<Reason>) = (DeliveryState::Delivered, None);

pub(super) fn refuses(reason: Reason, verdict: Verdict, retry_after: Option<Duration>) -> Answer {
    Answer::Refuses(SendError {
        reason,
        verdict,
        status: Some(418),
        words: None,
        retry_after,
        in_doubt: false,
        doubt: None,
    })
}

/// Turns the clock, and lets everybody do what falls due meanwhile.
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

pub(super) fn fails() -> Answer {
    refuses(Reason::ServerError, Verdict::Retry, None)
}

pub(super) fn dead(reason: Reason) -> (DeliveryState, Option<Reason>) {
    (DeliveryState::Dead, Some(reason))
}

pub(super) fn one_at_a_time(name: &str) -> Destination {
    Destination { in_flight: 1, ..destination(name) }
}

#[tokio::test(start_paused = true)]
async fn a_lane_keeps_its_order_and_holds_back_no_other() {
    let audit = FakeNotifier::new([fails(), TAKES], TAKES);
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    for (lane, id) in [("1", "1a"), ("1", "1b"), ("1", "1c"), ("2", "2a")] {
        stage.queue("audit", lane, id);
    }

    let _playing = stage.play();
    stage
        .store
        .until("all are delivered", |kept| ["1c", "2a"].iter().all(|id| kept.state(id) == DELIVERED))
        .await;

    let called = audit.called();
    let first: Vec<&str> = called.iter().map(String::as_str).filter(|id| id.starts_with('1')).collect();
    assert_eq!(first, ["1a", "1a", "1b", "1c"]);
    assert_eq!(called.first().map(String::as_str), Some("1a"));
    assert_eq!(stage.store.kept().row("1a").attempts(), [Some(Reason::ServerError), None]);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_hangs_delays_no_other() {
    let hanging = FakeNotifier::new([], Answer::Hangs);
    let audit = FakeNotifier::new([], TAKES);
    let mut stage =
        Stage::new().to(destination("hanging"), Some(&hanging)).to(destination("audit"), Some(&audit));
    for number in 0..300 {
        stage.queue("hanging", &number.to_string(), &format!("h{number}"));
        stage.queue("audit", &number.to_string(), &format!("a{number}"));
    }

    let began = Instant::now();
    let _playing = stage.play();
    stage
        .store
        .until("the other one has all", |kept| {
            kept.rows.iter().filter(|row| row.state == DeliveryState::Delivered).count() == 300
        })
        .await;

    assert!(began.elapsed() < Duration::from_secs(1), "took {:?}", began.elapsed());
    assert_eq!(hanging.most_open(), 64);
    assert_eq!(audit.most_open(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_attempt_ends_as_a_timeout() {
    let audit = FakeNotifier::new([Answer::Hangs], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.queue("audit", "1", "d");

    let _playing = stage.play();
    stage.store.until("it is delivered", |kept| kept.state("d") == DELIVERED).await;

    assert_eq!(stage.store.kept().row("d").attempts(), [Some(Reason::Timeout), None]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_the_whole_destination_and_no_other() {
    let wait = Duration::from_secs(30);
    let limited = refuses(Reason::RateLimited, Verdict::RetryUncounted, Some(wait));
    let audit = FakeNotifier::new([limited], TAKES);
    let other = FakeNotifier::new([], TAKES);
    let mut stage =
        Stage::new().to(one_at_a_time("audit"), Some(&audit)).to(destination("other"), Some(&other));
    for number in 0..5 {
        stage.queue("audit", &number.to_string(), &format!("a{number}"));
        stage.queue("other", &number.to_string(), &format!("o{number}"));
    }

    let began = Instant::now();
    let _playing = stage.play();
    stage.store.until("the other one has all", |kept| kept.state("o4") == DELIVERED).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    stage
        .store
        .until("all are delivered", |kept| {
            (0..5).all(|number| kept.state(&format!("a{number}")) == DELIVERED)
        })
        .await;

    let calls = audit.calls();
    assert_eq!(calls.iter().filter(|call| call.at < began + wait).count(), 1);
    assert_eq!(stage.store.kept().row("a0").delivery.failures, 0);
    let held_until = stage.store.kept().statuses.iter().find_map(|status| status.held_until);
    assert!(held_until.is_some_and(|held_until| held_until >= after(start(), wait)));
}

#[tokio::test(start_paused = true)]
async fn a_hold_outlives_the_process() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.queue("audit", "1", "d");
    stage.store.kept().statuses.push(DestinationStatus {
        name: DestinationName::new("audit"),
        held_until: Some(after(start(), Duration::from_mins(5))),
        gone_since: None,
    });

    let began = Instant::now();
    let _playing = stage.play();
    stage.store.until("it is delivered", |kept| kept.state("d") == DELIVERED).await;

    assert!(began.elapsed() >= Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
async fn a_successful_test_ends_a_hold() {
    let limited = refuses(Reason::RateLimited, Verdict::RetryUncounted, Some(Duration::from_hours(1)));
    let audit = FakeNotifier::new([limited], TAKES);
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    stage.queue("audit", "1", "a");
    stage.queue("audit", "2", "b");

    let _playing = stage.play();
    pass(Duration::from_mins(1)).await;
    assert_eq!(audit.called(), ["a"]);
    let reopened_at = Instant::now();
    stage.store.reopen_destination(&DestinationName::new("audit")).await.expect("it answers");
    stage.store.until("the other one is delivered", |kept| kept.state("b") == DELIVERED).await;

    assert!(reopened_at.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept() {
    let audit = FakeNotifier::new([], TAKES);
    let rate = Rate::Limited { per_second: 1.0, burst: 3 };
    let mut stage = Stage::new().to(Destination { rate, ..destination("audit") }, Some(&audit));
    for number in 0..6 {
        stage.queue("audit", &number.to_string(), &number.to_string());
    }

    let began = Instant::now();
    let _playing = stage.play();
    stage
        .store
        .until("all are delivered", |kept| kept.rows.iter().all(|row| row.state == DeliveryState::Delivered))
        .await;

    let seconds: Vec<u64> = audit.calls().iter().map(|call| (call.at - began).as_secs()).collect();
    assert_eq!(seconds, [0, 0, 0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn while_nothing_can_be_written_down_little_is_sent() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    for number in 0..100 {
        stage.queue("audit", &number.to_string(), &number.to_string());
    }
    stage.store.kept().records_fail = true;

    let _playing = stage.play();
    pass(Duration::from_secs(30)).await;

    assert_eq!(audit.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_attempts_end_and_gives_back_what_was_not_begun() {
    let audit = FakeNotifier::new([Answer::Takes(Duration::from_secs(5)), Answer::Hangs], Answer::Hangs);
    let two = Destination { in_flight: 2, timeout: Duration::from_mins(1), ..destination("audit") };
    let mut stage = Stage::new().to(two, Some(&audit));
    for id in ["slow", "hanging", "ahead", "later"] {
        stage.queue("audit", id, id);
    }

    let (stop, running) = stage.play();
    stage.store.until("three are claimed", |kept| kept.row("ahead").state == DeliveryState::Sending).await;
    tokio::time::advance(Duration::from_millis(10)).await;
    let stopped_at = Instant::now();
    stop.send(()).expect("it runs");
    running.await.expect("it ends by itself");

    assert!(stopped_at.elapsed() <= stage.settings.stop_grace + Duration::from_secs(1));
    let kept = stage.store.kept();
    assert_eq!(kept.state("slow"), DELIVERED);
    assert_eq!(kept.row("hanging").attempts(), [Some(Reason::Shutdown)]);
    assert!(matches!(
        kept.row("hanging").records.last().map(|record| &record.next),
        Some(Next::Retry { counted: false, .. })
    ));
    assert_eq!(kept.row("ahead").attempts(), []);
    assert_eq!(kept.row("ahead").state, DeliveryState::Waiting);
    assert_eq!(kept.row("later").fence, 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_dispatcher_stops_at_once() {
    let mut stage = Stage::new().to(destination("audit"), Some(&FakeNotifier::new([], TAKES)));
    let (stop, running) = stage.play();
    pass(Duration::from_secs(1)).await;

    let stopped_at = Instant::now();
    drop(stop);
    running.await.expect("it ends by itself");

    assert_eq!(stopped_at.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_fails_everything_waits_and_then_goes_on() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.queue("audit", "1", "d");
    stage.store.kept().accepted.push(event("evt_new", Action::PrCreated));
    stage.store.kept().fails = true;

    let _playing = stage.play();
    pass(Duration::from_mins(3)).await;
    assert!(audit.calls().is_empty());
    stage.store.kept().fails = false;
    let mended_at = Instant::now();
    stage.store.until("it goes on", |kept| kept.state("d") == DELIVERED && kept.plans.len() == 1).await;

    assert!(mended_at.elapsed() <= Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_made_is_recorded_even_if_that_takes_long() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.queue("audit", "1", "d");
    stage.store.kept().records_fail = true;

    let _playing = stage.play();
    pass(Duration::from_secs(20)).await;
    stage.store.kept().records_fail = false;
    stage.store.until("it is delivered", |kept| kept.state("d") == DELIVERED).await;

    assert_eq!(audit.called(), ["d"]);
}

#[tokio::test(start_paused = true)]
async fn with_nothing_to_do_it_asks_for_no_deliveries() {
    let mut stage = Stage::new()
        .to(destination("audit"), Some(&FakeNotifier::new([], TAKES)))
        .to(destination("other"), Some(&FakeNotifier::new([], TAKES)));

    let _playing = stage.play();
    pass(Duration::from_mins(10)).await;

    assert_eq!(stage.store.kept().claims, 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_not_asked_again_and_again() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.store.kept().polls_hang = true;

    let _playing = stage.play();
    pass(Duration::from_mins(1)).await;

    assert_eq!(stage.store.kept().polls, 1);
}

#[tokio::test(start_paused = true)]
async fn what_another_process_queued_is_sent_within_a_second() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    let _playing = stage.play();
    pass(Duration::from_mins(1)).await;

    let queued_at = Instant::now();
    stage.queue("audit", "1", "d");
    stage.store.until("it is delivered", |kept| kept.state("d") == DELIVERED).await;

    assert!(queued_at.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_an_hour_delays_no_retry() {
    let set_by = Arc::new(AtomicI64::new(0));
    let (shown, began) = (Arc::clone(&set_by), Instant::now());
    let clock = Clock::from_fn(move || {
        let wall = start() + (Instant::now() - began);
        wall.checked_add(jiff::SignedDuration::from_secs(shown.load(Ordering::Relaxed)))
            .unwrap_or(Timestamp::MAX)
    });
    let audit = FakeNotifier::new([fails(), fails(), fails()], TAKES);
    let mut stage = Stage::new().with_clock(clock).to(destination("audit"), Some(&audit));
    stage.queue("audit", "1", "a");
    stage.queue("audit", "1", "b");

    let _playing = stage.play();
    stage.store.until("it was tried", |kept| !kept.row("a").records.is_empty()).await;
    set_by.store(-3_600, Ordering::Relaxed);
    stage.store.until("both are delivered", |kept| kept.state("b") == DELIVERED).await;

    assert!(began.elapsed() < Duration::from_secs(20), "took {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_a_notifier_costs_one_lease_and_no_slot() {
    let audit = FakeNotifier::new([Answer::Panics], TAKES);
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    stage.queue("audit", "1", "a");
    stage.queue("audit", "2", "b");

    let began = Instant::now();
    let _playing = stage.play();
    stage.store.until("the other is delivered", |kept| kept.state("b") == DELIVERED).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    stage.store.until("it is tried again", |kept| kept.state("a") == DELIVERED).await;
}
