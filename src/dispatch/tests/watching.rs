//! Runs that fall silent while Sentry says nothing, and webhooks that stop coming: what is asked and told, and when.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::fake_store::Kept;
use super::scenes::pass;
use super::{Stage, event, start};
use crate::client::HttpClient;
use crate::clock::Clock;
use crate::dispatch::lookup::Source;
use crate::dispatch::{StallAfter, WatchConfig};
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
    stage.watch = WatchConfig { stall_after: StallAfter::all(Some(HALF_AN_HOUR)), ..WatchConfig::OFF };
    let started = event("evt_0", Action::CodingStarted);
    stage.store.kept().accepted.push(Event { group_id: Some(GroupId::new("5")), ..started });
    stage
}

/// The notices, oldest first.
fn notices(kept: &Kept) -> Vec<Action> {
    kept.accepted.iter().filter(|event| event.is_notice()).map(|event| event.action.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_silent_run_is_stalled_when_it_is_due_and_asked_about_three_times_in_all() {
    let began = Instant::now();
    let mut stage = stage();
    let _playing = stage.play();
    for (looks, after) in [(1, HALF_AN_HOUR), (2, 2 * HALF_AN_HOUR)] {
        let is_asked = |kept: &Kept| kept.looks.get(&1).is_some_and(|(_, times)| *times == looks);
        stage.store.until("Sentry was asked", is_asked).await;
        let late = began.elapsed().checked_sub(after).expect("not before it is due");
        assert!(late < Duration::from_mins(1), "{late:?} late");
        assert_eq!(notices(&stage.store.kept()), [Action::RunStalled]);
    }
    let silence = stage.store.kept().accepted[1].artifacts.silence.clone().expect("what was not heard");
    assert_eq!((silence.seconds / 60, silence.last_heard_at), (30, Some(start())));
    stage.store.until("that is over", |kept| kept.looks.is_empty()).await;
    assert!(began.elapsed() >= 3 * HALF_AN_HOUR);
    pass(Duration::from_hours(3)).await;
    let kept = stage.store.kept();
    assert!(kept.looks.is_empty());
    assert_eq!(notices(&kept), [Action::RunStalled], "it is told once");
}

#[tokio::test(start_paused = true)]
async fn without_a_token_a_silent_run_is_stalled_after_the_time_of_its_stage() {
    let mut stage = stage();
    stage.sources.clear();
    stage.watch.stall_after.coding = Some(4 * HALF_AN_HOUR);
    let completed = event("evt_1", Action::RootCauseCompleted);
    stage.store.kept().accepted.push(Event { group_id: Some(GroupId::new("6")), ..completed });
    let _playing = stage.play();
    pass(3 * HALF_AN_HOUR).await;
    assert_eq!(notices(&stage.store.kept()), [], "each stage has its own time");
    pass(2 * HALF_AN_HOUR).await;
    {
        let kept = stage.store.kept();
        assert_eq!(notices(&kept), [Action::RunStalled], "what ended is not stalled");
        assert_eq!(kept.accepted[2].group_id, Some(GroupId::new("5")));
        assert!(kept.looks.is_empty(), "nobody can be asked");
    }
    let group_id = Some(GroupId::new("5"));
    let again = event("evt_3", Action::CodingStarted);
    stage.store.kept().accepted.push(Event { group_id, received_at: stage.clock.now(), ..again });
    pass(5 * HALF_AN_HOUR).await;
    assert_eq!(notices(&stage.store.kept()), [Action::RunStalled, Action::RunStalled], "a new silence");
}

#[tokio::test(start_paused = true)]
async fn what_fell_silent_more_than_a_day_ago_is_no_news() {
    let began = Instant::now();
    let later = move || start() + (Instant::now() - began) + Duration::from_hours(25);
    let mut stage = stage().with_clock(Clock::from_fn(later));
    let _playing = stage.play();
    pass(Duration::from_hours(1)).await;
    let kept = stage.store.kept();
    assert_eq!((notices(&kept), kept.seen), (Vec::new(), Some(0)));
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
async fn with_the_watch_off_nothing_is_looked_at() {
    let mut stage = stage();
    stage.watch = WatchConfig::OFF;
    let _playing = stage.play();
    pass(Duration::from_hours(2)).await;
    let kept = stage.store.kept();
    assert_eq!((kept.seen, kept.watched.as_slice(), kept.hearings.len()), (None, &[false][..], 0));
}

/// A stage that listens to `acme`, and tells after an hour.
fn listening() -> Stage {
    let mut stage = Stage::new();
    stage.watch.silent_after = Some(2 * HALF_AN_HOUR);
    stage.organizations.push(Organization::new("acme"));
    stage
}

#[tokio::test(start_paused = true)]
async fn the_silence_of_webhooks_is_told_once_and_again_only_after_something_was_heard() {
    let mut stage = listening();
    let acme = Organization::new("acme");
    let metrics = Arc::clone(&stage.metrics);
    let _playing = stage.play();
    pass(HALF_AN_HOUR).await;
    metrics.doubted();
    metrics.heard(&acme, stage.clock.now());
    let heard_at = stage.clock.now();
    pass(Duration::from_mins(59)).await;
    metrics.doubted();
    assert_eq!(notices(&stage.store.kept()), []);
    pass(Duration::from_mins(2)).await;
    let silence = stage.store.kept().accepted[0].artifacts.silence.clone().expect("what was not heard");
    assert_eq!(silence.seconds / 60, 60);
    assert_eq!((silence.last_heard_at, silence.bad_signatures), (Some(heard_at), Some(1)));
    pass(Duration::from_hours(4)).await;
    assert_eq!(notices(&stage.store.kept()), [Action::Silent]);

    metrics.heard(&acme, stage.clock.now());
    pass(Duration::from_mins(62)).await;
    assert_eq!(notices(&stage.store.kept()), [Action::Silent, Action::Silent]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_writes_down_what_was_heard() {
    let mut stage = listening();
    let metrics = Arc::clone(&stage.metrics);
    let (stop, playing) = stage.play();
    pass(Duration::from_secs(1)).await;
    metrics.heard(&Organization::new("acme"), stage.clock.now());
    drop(stop);
    playing.await.expect("it stops");
    let heard_at = stage.store.kept().hearings[&Organization::new("acme")].heard_at;
    assert_eq!(heard_at, Some(start() + Duration::from_secs(1)));
}
