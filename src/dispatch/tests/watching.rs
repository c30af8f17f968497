//! Runs that fall silent while Sentry says nothing: when it is asked about them.

use std::time::Duration;

use tokio::time::Instant;

use super::scenes::pass;
use super::{Stage, event, start};
use crate::client::HttpClient;
use crate::clock::Clock;
use crate::dispatch::WatchConfig;
use crate::dispatch::lookup::Source;
use crate::event::{Action, Event, GroupId, Organization};
use crate::sentry::api::SentryApi;

const HALF_AN_HOUR: Duration = Duration::from_mins(30);

/// A stage with a run that has begun, and where Sentry has nobody who answers.
fn stage() -> Stage {
    let mut stage = Stage::new();
    let client = HttpClient::new(None).expect("without certificates of its own");
    let nobody = "http://127.0.0.1:1".parse().expect("an address");
    let api = SentryApi::new(client, Organization::new("acme"), nobody, &"token".into());
    let (lookup_wait, issue_max_age) = (Duration::ZERO, Duration::from_hours(1));
    stage.sources.push(Source { api, lookup_wait, issue_max_age });
    stage.watch = WatchConfig { stall_after: Some(HALF_AN_HOUR) };
    let started = event("evt_0", Action::CodingStarted);
    stage.store.kept().accepted.push(Event { group_id: Some(GroupId::new("5")), ..started });
    stage
}

#[tokio::test(start_paused = true)]
async fn a_silent_run_is_asked_about_when_it_is_due_and_three_times_in_all() {
    let began = Instant::now();
    let mut stage = stage();
    let _playing = stage.play();
    for (looks, after) in [(1, HALF_AN_HOUR), (2, 2 * HALF_AN_HOUR)] {
        let is_asked =
            |kept: &super::fake_store::Kept| kept.looks.get(&0).is_some_and(|(_, times)| *times == looks);
        stage.store.until("Sentry was asked", is_asked).await;
        let late = began.elapsed().checked_sub(after).expect("not before it is due");
        assert!(late < Duration::from_mins(1), "{late:?} late");
        assert_eq!(stage.store.kept().seen, Some(0));
    }
    stage.store.until("that is over", |kept| kept.looks.is_empty()).await;
    assert!(began.elapsed() >= 3 * HALF_AN_HOUR);
    pass(Duration::from_hours(3)).await;
    let kept = stage.store.kept();
    assert!(kept.looks.is_empty() && kept.accepted.len() == 1, "nothing was said");
}

#[tokio::test(start_paused = true)]
async fn a_run_of_which_something_is_heard_in_time_is_not_asked_about() {
    let mut stage = stage();
    let _playing = stage.play();
    pass(HALF_AN_HOUR / 2).await;
    let group_id = Some(GroupId::new("5"));
    let opened = event("evt_1", Action::PrCreated);
    stage.store.kept().accepted.push(Event { group_id, received_at: stage.clock.now(), ..opened });
    stage.store.until("both were looked at", |kept| kept.seen == Some(1)).await;
    assert!(stage.clock.now() - start() >= jiff::SignedDuration::from_mins(45));
    assert!(stage.store.kept().looks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_have_the_store_asked_without_a_pause() {
    let began = Instant::now();
    let set_back = move || {
        let elapsed = Instant::now() - began;
        let back = if elapsed < Duration::from_mins(10) { Duration::ZERO } else { Duration::from_hours(1) };
        start() + elapsed - back
    };
    let mut stage = stage().with_clock(Clock::from_fn(set_back));
    let _playing = stage.play();
    pass(Duration::from_mins(11)).await;
    let group_id = Some(GroupId::new("6"));
    let started = event("evt_1", Action::CodingStarted);
    stage.store.kept().accepted.push(Event { group_id, received_at: stage.clock.now(), ..started });
    pass(Duration::from_hours(1)).await;
    let watches = stage.store.kept().watches;
    assert!((300..600).contains(&watches), "{watches} in 71 minutes");
}

#[tokio::test(start_paused = true)]
async fn without_a_token_or_with_the_watch_off_nothing_is_looked_at() {
    for without in
        [|stage: &mut Stage| stage.sources.clear(), |stage: &mut Stage| stage.watch.stall_after = None]
    {
        let mut stage = stage();
        without(&mut stage);
        let _playing = stage.play();
        pass(Duration::from_hours(2)).await;
        assert_eq!(stage.store.kept().seen, None);
    }
}
