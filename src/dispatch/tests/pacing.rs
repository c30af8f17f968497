//! What the dispatcher promises of pace: rates and holds are kept, and a destination that keeps refusing is left alone.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::fake_notifier::{Answer, FakeNotifier};
use super::fake_store::Kept;
use super::scenes::{DELIVERED, TAKES, fails, one_at_a_time, pass, refuses};
use super::{Stage, destination, start};
use crate::delivery::{DeliveryState, DestinationName, Reason};
use crate::dispatch::moment::after;
use crate::notify::{Destination, Rate, Verdict};
use crate::store::{DestinationStatus, Queue};

/// Queues a delivery in each of so many lanes.
fn queue_many(stage: &Stage, count: usize) {
    for number in 0..count {
        stage.queue("audit", &number.to_string(), &number.to_string());
    }
}

fn all_delivered(kept: &Kept) -> bool {
    kept.rows.iter().all(|row| row.state == DeliveryState::Delivered)
}

/// When the calls were made, in whole seconds since then.
fn seconds(audit: &FakeNotifier, since: Instant) -> Vec<u64> {
    audit.calls().iter().map(|call| (call.at - since).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_keeps_refusing_is_tried_with_one_at_a_time_after_longer_and_longer_pauses() {
    let audit = FakeNotifier::new([], fails());
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    queue_many(&stage, 1_000);

    let began = Instant::now();
    let _playing = stage.play();
    pass(Duration::from_secs(1_900)).await;

    assert_eq!(seconds(&audit, began), [0, 0, 0, 0, 0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1_023, 1_623]);
    let called: HashSet<String> = audit.called().into_iter().collect();
    assert_eq!(called.len(), 16, "no delivery is tried twice while others wait");
    let kept = stage.store.kept();
    assert!(kept.rows.iter().all(|row| row.state == DeliveryState::Waiting));
    assert_eq!(kept.rows.iter().filter(|row| row.delivery.attempts == 0).count(), 984);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_hangs_costs_each_delivery_that_was_out_one_attempt_and_the_others_none() {
    let audit = FakeNotifier::new([], Answer::Hangs);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    queue_many(&stage, 300);

    let _playing = stage.play();
    pass(Duration::from_mins(2)).await;

    // 64 at once, and then one after pauses of 1, 2, 4, 8 and 16 s, each of which hangs for its 10 s.
    assert_eq!(audit.calls().len(), 64 + 5);
    assert!(stage.store.kept().rows.iter().all(|row| row.delivery.attempts <= 1));
}

#[tokio::test(start_paused = true)]
async fn when_it_takes_one_again_the_rest_goes_out_in_order_and_without_a_flood() {
    let refusals = (0..8).map(|_| fails());
    let audit = FakeNotifier::new(refusals, Answer::Takes(Duration::from_millis(100)));
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.settings.retry_min = Duration::from_mins(1);
    for number in 0..5 {
        stage.queue("audit", &number.to_string(), &format!("early{number}"));
    }
    let _playing = stage.play();
    pass(Duration::from_secs(30)).await;
    assert_eq!(audit.calls().len(), 5);
    for number in 0..200 {
        stage.queue("audit", &format!("lane{number}"), &format!("{number:03}"));
    }

    stage.store.until("all are delivered", all_delivered).await;

    let calls = audit.calls();
    let later: Vec<_> = calls.iter().filter(|call| !call.delivery.starts_with("early")).collect();
    // Three are refused as probes; what was never tried keeps its order.
    let untried: Vec<&str> =
        later.iter().map(|call| call.delivery.as_str()).filter(|id| *id > "002").collect();
    assert!(untried.is_sorted(), "{untried:?}");
    let back = calls.get(8).expect("the first success").at;
    let within =
        |millis| calls.iter().skip(8).filter(|call| call.at <= back + Duration::from_millis(millis)).count();
    assert!(
        within(99) == 1 && within(199) <= 3 && within(299) <= 7,
        "one, two, four: {:?}",
        seconds(&audit, back)
    );
    assert_eq!(audit.most_open(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_for_itself_does_not_hold_up_the_others() {
    let poison = FakeNotifier::new([], TAKES).answering("poison", fails());
    let mut stage = Stage::new().to(destination("audit"), Some(&poison));
    stage.queue("audit", "poison", "poison");
    let _playing = stage.play();

    for number in 0..50 {
        let queued_at = Instant::now();
        let id = number.to_string();
        stage.queue("audit", &id, &id);
        stage.store.until("it is delivered", |kept| kept.state(&id) == DELIVERED).await;
        assert!(queued_at.elapsed() < Duration::from_secs(1), "{id} took {:?}", queued_at.elapsed());
        pass(Duration::from_mins(1)).await;
    }
    assert!(stage.store.kept().row("poison").delivery.attempts > 8);
}

#[tokio::test(start_paused = true)]
async fn even_many_such_messages_hold_up_the_others_only_until_their_turn_to_be_tried() {
    let mut poison = FakeNotifier::new([], TAKES);
    for number in 0..10 {
        poison = poison.answering(&format!("p{number}"), fails());
    }
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&poison));
    for number in 0..10 {
        stage.queue("audit", &format!("p{number}"), &format!("p{number}"));
    }
    let _playing = stage.play();
    pass(Duration::from_secs(5)).await;

    let queued_at = Instant::now();
    stage.queue("audit", "good", "good");
    stage.store.until("it is delivered", |kept| kept.state("good") == DELIVERED).await;

    assert!(queued_at.elapsed() < Duration::from_mins(5), "took {:?}", queued_at.elapsed());
}

#[tokio::test(start_paused = true)]
async fn while_it_keeps_refusing_nothing_is_dropped_before_its_time_and_all_of_it_then() {
    let audit = FakeNotifier::new([], refuses(Reason::Connect, Verdict::Retry, None));
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.settings.give_up_after = Duration::from_hours(1);
    queue_many(&stage, 200);

    let began = Instant::now();
    let _playing = stage.play();
    let hour = stage.settings.give_up_after;
    pass(Duration::from_secs(3_599)).await;
    assert!(stage.store.kept().rows.iter().all(|row| row.state == DeliveryState::Waiting));
    stage
        .store
        .until("all are dead", |kept| kept.rows.iter().all(|row| row.reason == Some(Reason::Connect)))
        .await;

    assert!(began.elapsed() < hour + Duration::from_mins(3), "took {:?}", began.elapsed());
    assert!(audit.calls().len() < 64 + 20, "{} calls", audit.calls().len());
}

#[tokio::test(start_paused = true)]
async fn a_successful_test_ends_the_pause_of_a_destination_that_kept_refusing() {
    let audit = FakeNotifier::new((0..12).map(|_| fails()), TAKES);
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    queue_many(&stage, 30);

    let _playing = stage.play();
    pass(Duration::from_secs(130)).await;
    assert_eq!(audit.calls().len(), 12);
    let reopened_at = Instant::now();
    stage.store.reopen_destination(&DestinationName::new("audit")).await.expect("it answers");
    stage.store.until("all are delivered", all_delivered).await;

    assert!(reopened_at.elapsed() < Duration::from_secs(70), "took {:?}", reopened_at.elapsed());
    let calls = audit.calls();
    let soon =
        calls.iter().filter(|call| call.at > reopened_at && call.at < reopened_at + Duration::from_secs(1));
    assert!(soon.count() >= 18, "what was not tried yet goes out at once");
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_pause_goes_on_until_its_next_probe_and_no_longer() {
    let audit = FakeNotifier::new((0..10).map(|_| fails()), TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.store.kept().statuses.push(DestinationStatus {
        name: DestinationName::new("audit"),
        held_until: Some(after(start(), Duration::from_mins(5))),
        gone_since: None,
    });
    queue_many(&stage, 100);

    let began = Instant::now();
    let _playing = stage.play();
    stage.store.until("one is tried", |kept| kept.rows.iter().any(|row| row.delivery.attempts > 0)).await;
    assert_eq!((began.elapsed().as_secs(), audit.calls().len()), (300, 1));
    stage.store.until("all are delivered", all_delivered).await;
    assert!(stage.store.kept().rows.iter().all(|row| row.delivery.attempts <= 2));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_hold_is_no_flood() {
    let limited = refuses(Reason::RateLimited, Verdict::RetryUncounted, Some(Duration::from_secs(10)));
    let audit = FakeNotifier::new([limited], TAKES);
    let rate = Rate::Limited { per_second: 1.0, burst: 3 };
    let mut stage = Stage::new().to(Destination { rate, ..one_at_a_time("audit") }, Some(&audit));
    queue_many(&stage, 100);

    let began = Instant::now();
    let _playing = stage.play();
    stage.store.until("all are delivered", all_delivered).await;

    let seconds = seconds(&audit, began);
    assert_eq!(seconds.iter().filter(|second| **second < 10).count(), 1);
    for second in 10..100 {
        let calls = seconds.iter().filter(|called| (10..=second).contains(*called)).count();
        assert!(calls <= 4 + usize::try_from(second - 10).unwrap(), "{calls} calls by second {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_be_left_alone_is_obeyed_to_the_tenth_of_a_second() {
    for millis in [100, 650, 1_500, 12_345] {
        let wait = Duration::from_millis(millis);
        let audit =
            FakeNotifier::new([refuses(Reason::RateLimited, Verdict::RetryUncounted, Some(wait))], TAKES);
        let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
        queue_many(&stage, 2);

        let _playing = stage.play();
        stage.store.until("all are delivered", all_delivered).await;

        let calls = audit.calls();
        let waited = calls.get(1).expect("a second call").at - calls.first().expect("a first call").at;
        assert!(waited >= wait && waited < wait + Duration::from_millis(100), "{wait:?}: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_with_much_to_tell_does_not_crowd_out_another() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    for number in 0..50 {
        stage.queue("audit", "talkative", &format!("t{number}"));
    }
    stage.queue("audit", "quiet", "quiet");

    let _playing = stage.play();
    stage.store.until("all are delivered", all_delivered).await;

    let place = audit.called().iter().position(|id| id == "quiet").expect("it was sent");
    assert!(place <= 2, "it was sent as number {place}");
}
