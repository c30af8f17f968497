//! How a delivery ends that is not delivered, and what waits instead of ending.

use std::time::Duration;

use tokio::time::Instant;

use super::fake_notifier::FakeNotifier;
use super::scenes::{DELIVERED, TAKES, dead, fails, one_at_a_time, refuses};
use super::{Stage, delivery, destination, start};
use crate::delivery::{Delivery, DestinationName, Reason};
use crate::notify::{Destination, Verdict};
use crate::store::Queue;

#[tokio::test(start_paused = true)]
async fn deliveries_behind_a_long_hold_become_dead_letters_when_their_time_is_up() {
    let limited = refuses(Reason::RateLimited, Verdict::RetryUncounted, Some(Duration::from_mins(1)));
    let audit = FakeNotifier::new([limited], TAKES);
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    stage.settings.give_up_after = Duration::from_secs(30);
    for number in 0..3 {
        stage.queue("audit", &number.to_string(), &number.to_string());
    }

    let began = Instant::now();
    let _playing = stage.play();
    stage
        .store
        .until("all are dead", |kept| kept.rows.iter().all(|row| row.reason == Some(Reason::RateLimited)))
        .await;

    assert_eq!(audit.calls().len(), 1);
    assert!(began.elapsed() <= Duration::from_secs(32), "took {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_malformed_body_goes_down_the_ladder_and_then_dies() {
    let audit = FakeNotifier::new([], refuses(Reason::ClientError, Verdict::NextRung, None));
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.queue("audit", "1", "d");

    let began = Instant::now();
    let _playing = stage.play();
    stage.store.until("it is dead", |kept| kept.state("d") == dead(Reason::ClientError)).await;

    let rungs: Vec<String> = audit.calls().into_iter().map(|call| call.rung).collect();
    assert_eq!(rungs, ["whole", "brief", "line"]);
    assert_eq!(stage.store.kept().row("d").attempts(), [Some(Reason::ClientError); 3]);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_in_time_and_the_next_of_the_lane_goes_out() {
    let audit = FakeNotifier::new([], fails());
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.settings.give_up_after = Duration::from_secs(20);
    stage.queue("audit", "1", "first");
    stage.queue("audit", "1", "second");

    let began = Instant::now();
    let _playing = stage.play();
    stage.store.until("it is dead", |kept| kept.state("first") == dead(Reason::ServerError)).await;
    assert!(began.elapsed() <= Duration::from_secs(20));
    assert!(audit.calls().len() > 2);
    stage.store.until("the next is tried", |kept| !kept.row("second").records.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn old_news_expires_without_a_call() {
    let audit = FakeNotifier::new([], TAKES);
    let news = Destination { expire_after: Some(Duration::from_hours(6)), ..destination("audit") };
    let mut stage = Stage::new().to(news, Some(&audit));
    let created_at = start() - Duration::from_hours(7);
    stage.queue_delivery(Delivery { created_at, ..delivery("old") }, "1");
    stage.queue("audit", "1", "new");

    let _playing = stage.play();
    stage.store.until("the new one is delivered", |kept| kept.state("new") == DELIVERED).await;

    assert_eq!(stage.store.kept().state("old"), dead(Reason::Expired));
    assert_eq!(stage.store.kept().row("old").attempts(), []);
    assert_eq!(audit.called(), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_to_a_removed_destination_becomes_a_dead_letter() {
    let mut stage = Stage::new().to(destination("audit"), Some(&FakeNotifier::new([], TAKES)));
    for number in 0..200 {
        stage.queue("formerly", "1", &number.to_string());
    }

    let _playing = stage.play();
    stage
        .store
        .until("all are dead", |kept| {
            kept.rows.iter().all(|row| row.reason == Some(Reason::Removed) && row.attempts().is_empty())
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_gone_is_not_called_until_it_is_reopened() {
    let audit = FakeNotifier::new([refuses(Reason::Gone, Verdict::Gone, None)], TAKES);
    let mut stage = Stage::new().to(one_at_a_time("audit"), Some(&audit));
    stage.queue("audit", "1", "a");
    stage.queue("audit", "1", "b");

    let _playing = stage.play();
    stage.store.until("both are dead", |kept| kept.state("b") == dead(Reason::Gone)).await;
    assert_eq!(audit.called(), ["a"]);
    assert_eq!(stage.store.kept().row("b").attempts(), []);

    let reopened_at = Instant::now();
    stage.store.reopen_destination(&DestinationName::new("audit")).await.expect("it answers");
    tokio::time::advance(Duration::from_millis(600)).await;
    stage.queue("audit", "1", "c");
    stage.store.until("the new one is delivered", |kept| kept.state("c") == DELIVERED).await;
    assert!(reopened_at.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn without_its_secret_a_destination_waits_and_the_clocks_run_on() {
    let mut stage = Stage::new().to(destination("audit"), None);
    stage.settings.give_up_after = Duration::from_mins(2);
    for number in 0..100 {
        stage.queue("audit", &number.to_string(), &number.to_string());
    }

    let began = Instant::now();
    let _playing = stage.play();
    stage
        .store
        .until("all are dead", |kept| {
            kept.rows.iter().all(|row| row.reason == Some(Reason::Auth) && row.attempts().is_empty())
        })
        .await;

    assert!(began.elapsed() >= Duration::from_mins(2));
    assert!(began.elapsed() < Duration::from_secs(140), "took {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_rendered_is_a_dead_letter_that_says_why() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.queue("audit", "1", "d");
    stage.store.kept().events.clear();

    let _playing = stage.play();
    stage.store.until("it is dead", |kept| kept.state("d") == dead(Reason::Render)).await;

    let kept = stage.store.kept();
    let attempt = kept.row("d").records.first().and_then(|record| record.attempt.as_ref());
    let words = attempt.and_then(|attempt| attempt.words.as_deref());
    assert_eq!(words, Some("the event is no longer in the store"));
    assert!(audit.calls().is_empty());
}
