//! What the dispatcher promises when its rules are replaced while it works.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::fake_notifier::{Answer, FakeNotifier};
use super::scenes::{DELIVERED, TAKES, dead, fails, one_at_a_time, pass, refuses};
use super::{Stage, destination, event, start};
use crate::delivery::{DeliveryState, DestinationName, Reason};
use crate::dispatch::{StallAfter, WatchConfig};
use crate::event::{Action, Organization};
use crate::notify::webhook::WebhookConfig;
use crate::notify::{Destination, Rate, Service, Verdict};
use crate::routing::Route;
use crate::secret::Secret;
use crate::store::DestinationStatus;

const HOUR: Duration = Duration::from_hours(1);

/// The destination at another address than every other one has.
fn moved(destination: Destination) -> Destination {
    at(destination, Secret::Known(SecretString::from("http://127.0.0.1:9/moved")))
}

fn at(destination: Destination, url: Secret) -> Destination {
    let service = Service::Webhook(WebhookConfig { url, secret: None, headers: Vec::new(), thin: false });
    Destination { service, ..destination }
}

/// A stage with one destination and so many deliveries to it, each in a lane of its own.
fn stage(destination: Destination, notifier: &Arc<FakeNotifier>, deliveries: usize) -> Stage {
    let stage = Stage::new().to(destination, Some(notifier));
    for number in 0..deliveries {
        stage.queue("audit", &number.to_string(), &number.to_string());
    }
    stage
}

/// Puts rules in force by which this is the only destination.
async fn change_to(stage: &mut Stage, destination: Destination, notifier: &Arc<FakeNotifier>) {
    stage.notifiers.push((destination.name.clone(), Arc::clone(notifier) as _));
    stage.destinations.push(destination);
    stage.change().await;
}

async fn until_all_delivered(stage: &Stage) {
    let all = |row: &super::fake_store::Row| row.state == DeliveryState::Delivered;
    stage.store.until("all are delivered", |kept| kept.rows.iter().all(all)).await;
}

fn limited(wait: Duration) -> Answer {
    refuses(Reason::RateLimited, Verdict::RetryUncounted, Some(wait))
}

fn to_audit(name: &str) -> Route {
    Route { name: name.to_owned(), to: vec![DestinationName::new("audit")], ..Route::default() }
}

#[tokio::test(start_paused = true)]
async fn a_hold_stays_where_the_address_does() {
    let audit = FakeNotifier::new([limited(HOUR)], TAKES);
    let mut stage = stage(one_at_a_time("audit"), &audit, 3);
    let began = Instant::now();
    let _playing = stage.play();
    pass(Duration::from_secs(1)).await;

    change_to(&mut stage, Destination { in_flight: 5, timeout: HOUR, ..destination("audit") }, &audit).await;
    until_all_delivered(&stage).await;

    assert_eq!(audit.calls().iter().filter(|call| call.at < began + HOUR).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_address_is_called_at_once_whatever_the_old_one_asked_for() {
    for answer in [limited(HOUR), refuses(Reason::Gone, Verdict::Gone, None)] {
        let (old, new) = (FakeNotifier::new([answer], TAKES), FakeNotifier::new([], TAKES));
        let mut stage = stage(one_at_a_time("audit"), &old, 1);
        let _playing = stage.play();
        pass(Duration::from_secs(1)).await;

        change_to(&mut stage, moved(one_at_a_time("audit")), &new).await;
        let changed_at = Instant::now();
        stage.queue("audit", "new", "new");
        stage.store.until("it is delivered", |kept| kept.state("new") == DELIVERED).await;

        assert!(changed_at.elapsed() < Duration::from_secs(1));
        assert_eq!((old.called().len(), new.called().contains(&"new".to_owned())), (1, true));
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_old_address_says_later_is_not_believed_of_the_new_one() {
    for verdict in [Verdict::Gone, Verdict::RetryUncounted] {
        let refusal = refuses(Reason::Gone, verdict, Some(HOUR));
        let Answer::Refuses(error) = refusal else { unreachable!("it refuses") };
        let old = FakeNotifier::new([], Answer::RefusesAfter(Duration::from_secs(5), error));
        let new = FakeNotifier::new([], TAKES);
        let mut stage = stage(one_at_a_time("audit"), &old, 1);
        let _playing = stage.play();
        pass(Duration::from_secs(1)).await;
        change_to(&mut stage, moved(one_at_a_time("audit")), &new).await;
        pass(Duration::from_secs(10)).await;

        stage.queue("audit", "new", "new");
        stage.store.until("it is delivered", |kept| kept.state("new") == DELIVERED).await;

        assert_eq!(old.called(), ["0"]);
        let kept = stage.store.kept();
        assert!(
            kept.statuses.iter().all(|status| status.gone_since.is_none() && status.held_until.is_none())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_under_way_ends_as_it_began_and_is_made_once() {
    let old = FakeNotifier::new([Answer::Takes(Duration::from_secs(5))], TAKES);
    let new = FakeNotifier::new([], TAKES);
    let mut stage = stage(one_at_a_time("audit"), &old, 2);
    let _playing = stage.play();
    pass(Duration::from_secs(1)).await;

    change_to(&mut stage, moved(one_at_a_time("audit")), &new).await;
    until_all_delivered(&stage).await;

    assert_eq!((old.called(), new.called()), (vec!["0".to_owned()], vec!["1".to_owned()]));
    assert_eq!(stage.store.kept().row("0").attempts(), [None]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_an_attempt_at_an_old_address_goes_to_the_new_one_at_once() {
    let old = FakeNotifier::new([], Answer::Takes(Duration::from_millis(5_678)));
    let new = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&old));
    stage.queue("audit", "lane", "first");
    stage.queue("audit", "lane", "second");
    stage.store.kept().polls_hang = true;
    let began = Instant::now();
    let _playing = stage.play();
    pass(Duration::from_secs(1)).await;
    change_to(&mut stage, moved(destination("audit")), &new).await;
    until_all_delivered(&stage).await;

    assert_eq!(new.called(), ["second"]);
    assert_eq!((new.calls()[0].at - began).as_millis(), 5_678);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_through_many_changes() {
    let audit = FakeNotifier::new([], TAKES);
    let limited = || {
        let rate = Rate::Limited { per_second: 1.0, burst: 3 };
        Destination { rate, ..destination("audit") }
    };
    let mut stage = stage(limited(), &audit, 8);
    let began = Instant::now();
    let _playing = stage.play();
    for _ in 0..20 {
        pass(Duration::from_millis(201)).await;
        change_to(&mut stage, limited(), &audit).await;
    }
    until_all_delivered(&stage).await;

    let seconds: Vec<u64> = audit.calls().iter().map(|call| (call.at - began).as_secs()).collect();
    assert_eq!(seconds, [0, 0, 0, 1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn another_rate_counts_from_now_on() {
    let audit = FakeNotifier::new([], TAKES);
    let at_rate = |per_second| {
        let rate = Rate::Limited { per_second, burst: 1 };
        Destination { rate, ..destination("audit") }
    };
    let mut stage = stage(at_rate(0.001), &audit, 4);
    let began = Instant::now();
    let _playing = stage.play();
    pass(Duration::from_secs(10)).await;
    change_to(&mut stage, at_rate(1.0), &audit).await;
    until_all_delivered(&stage).await;

    let seconds: Vec<u64> = audit.calls().iter().map(|call| (call.at - began).as_secs()).collect();
    assert_eq!(seconds, [0, 11, 12, 13]);
}

#[tokio::test(start_paused = true)]
async fn fewer_requests_are_open_once_enough_have_ended() {
    let audit = FakeNotifier::new([], Answer::Takes(Duration::from_secs(5)));
    let rate = Rate::Limited { per_second: 1_000.0, burst: 1_000 };
    let with = |in_flight| Destination { rate, in_flight, ..destination("audit") };
    let mut stage = stage(with(8), &audit, 20);
    let began = Instant::now();
    let _playing = stage.play();
    pass(Duration::from_secs(1)).await;
    change_to(&mut stage, with(2), &audit).await;
    until_all_delivered(&stage).await;

    let at = |second| audit.calls().iter().filter(|call| (call.at - began).as_secs() == second).count();
    assert_eq!([at(0), at(5), at(10)], [8, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_destination_that_is_removed_dies_and_what_is_under_way_ends() {
    let audit = FakeNotifier::new([Answer::Takes(Duration::from_secs(5))], TAKES);
    let mut stage = stage(one_at_a_time("audit"), &audit, 3);
    let _playing = stage.play();
    pass(Duration::from_secs(1)).await;

    change_to(&mut stage, destination("other"), &FakeNotifier::new([], TAKES)).await;
    stage.store.until("the last one is dead", |kept| kept.state("2") == dead(Reason::Removed)).await;
    stage.store.until("the first one is delivered", |kept| kept.state("0") == DELIVERED).await;

    assert_eq!(stage.store.kept().state("1"), dead(Reason::Removed));
    assert_eq!(audit.called(), ["0"]);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_new_is_sent_to_and_one_that_comes_back_keeps_its_pace() {
    let (audit, other) = (FakeNotifier::new([limited(HOUR)], TAKES), FakeNotifier::new([], TAKES));
    let mut stage = stage(one_at_a_time("audit"), &audit, 1);
    let began = Instant::now();
    let _playing = stage.play();
    pass(Duration::from_secs(1)).await;

    change_to(&mut stage, destination("other"), &other).await;
    stage.queue("other", "o", "o");
    stage.store.until("the new one has it", |kept| kept.state("o") == DELIVERED).await;
    change_to(&mut stage, one_at_a_time("audit"), &audit).await;
    stage.queue("audit", "again", "again");
    stage.store.until("it is delivered", |kept| kept.state("again") == DELIVERED).await;

    assert!(began.elapsed() >= HOUR);
}

#[tokio::test(start_paused = true)]
async fn what_the_store_remembers_of_a_new_destination_is_kept() {
    let (audit, other) = (FakeNotifier::new([], TAKES), FakeNotifier::new([], TAKES));
    let mut stage = stage(destination("audit"), &audit, 0);
    let (name, gone_since) = (DestinationName::new("other"), Some(start()));
    stage.store.kept().statuses.push(DestinationStatus { name, held_until: None, gone_since });
    let _playing = stage.play();

    change_to(&mut stage, destination("other"), &other).await;
    stage.queue("other", "1", "d");
    stage.store.until("it is dead", |kept| kept.state("d") == dead(Reason::Gone)).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_secret_goes_out_once_it_is_there_and_at_a_new_address_too() {
    let audit = FakeNotifier::new([], TAKES);
    let missing = || Secret::Missing("environment variable `URL` is not set".to_owned());
    let mut stage = Stage::new().to(at(destination("audit"), missing()), None);
    stage.queue("audit", "1", "d");
    let name = DestinationName::new("audit");
    stage.store.kept().addresses.insert(name.clone(), "http://127.0.0.1:9/before".to_owned());
    stage.store.kept().statuses.push(DestinationStatus {
        name,
        held_until: Some(crate::dispatch::moment::after(start(), HOUR)),
        gone_since: None,
    });
    let _playing = stage.play();
    pass(Duration::from_secs(1)).await;

    change_to(&mut stage, destination("audit"), &audit).await;
    let changed_at = Instant::now();
    stage.store.until("it is delivered", |kept| kept.state("d") == DELIVERED).await;

    assert!(changed_at.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_no_longer_what_it_was_is_not_shown_as_paused() {
    let audit = FakeNotifier::new([], fails());
    for next in ["audit", "other"] {
        let mut stage = stage(one_at_a_time("audit"), &audit, 9);
        let paused = |stage: &Stage| {
            let shown = stage.metrics.encode();
            shown.contains("seer_relay_destination_paused{destination=\"audit\"} 1")
        };
        let _playing = stage.play();
        pass(Duration::from_secs(30)).await;
        assert!(paused(&stage));
        change_to(&mut stage, one_at_a_time("audit"), &audit).await;
        assert!(paused(&stage), "it is the same place");
        change_to(&mut stage, moved(one_at_a_time(next)), &FakeNotifier::new([], TAKES)).await;
        assert!(!paused(&stage), "{next}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_planned_by_what_is_in_force_then() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = stage(destination("audit"), &audit, 0);
    stage.routes.push(to_audit("old"));
    let _playing = stage.play();
    for (number, name) in ["old", "new"].into_iter().enumerate() {
        stage.store.kept().accepted.push(event(name, Action::PrCreated));
        stage.wake.notify_one();
        stage.store.until("it is planned", |kept| kept.plans.len() == number + 1).await;
        stage.routes.push(to_audit("new"));
        change_to(&mut stage, destination("audit"), &audit).await;
    }

    let kept = stage.store.kept();
    let routes: Vec<&str> =
        kept.plans.iter().flat_map(|(plan, _)| &plan.routes).map(String::as_str).collect();
    assert_eq!(routes, ["old", "new"]);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_fails_the_old_rules_stay_in_force() {
    let (old, new) = (FakeNotifier::new([], TAKES), FakeNotifier::new([], TAKES));
    let mut stage = stage(one_at_a_time("audit"), &old, 0);
    let _playing = stage.play();
    pass(Duration::from_secs(1)).await;
    stage.store.kept().fails = true;
    let (store, began) = (Arc::clone(&stage.store), Instant::now());
    tokio::spawn(async move {
        pass(Duration::from_mins(1)).await;
        store.kept().fails = false;
    });

    change_to(&mut stage, moved(one_at_a_time("audit")), &new).await;

    assert!(began.elapsed() >= Duration::from_mins(1));
    stage.queue("audit", "1", "d");
    stage.store.until("it is delivered", |kept| kept.state("d") == DELIVERED).await;
    assert_eq!((old.called().len(), new.called().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_as_long_as_is_in_force_then_and_ends_attempts_at_old_addresses_too() {
    let old = FakeNotifier::new([], Answer::Hangs);
    let patient = || Destination { timeout: HOUR, ..one_at_a_time("audit") };
    let mut stage = stage(patient(), &old, 1);
    let (stop, running) = stage.play();
    pass(Duration::from_secs(1)).await;
    stage.settings.stop_grace = Duration::from_secs(3);
    change_to(&mut stage, moved(patient()), &FakeNotifier::new([], TAKES)).await;

    let stopped_at = Instant::now();
    stop.send(()).expect("it runs");
    running.await.expect("it ends by itself");

    assert_eq!(stopped_at.elapsed().as_secs(), 3);
    assert_eq!(stage.store.kept().row("0").attempts(), [Some(Reason::Shutdown)]);
}

#[tokio::test(start_paused = true)]
async fn another_time_counts_as_silence_from_now_on() {
    let mut stage = Stage::new();
    stage.store.kept().accepted.push(event("evt_0", Action::CodingStarted));
    let _playing = stage.play();
    pass(2 * HOUR).await;
    assert_eq!(stage.store.kept().watched, [false]);

    stage.watch = WatchConfig { stall_after: StallAfter::all(Some(3 * HOUR)), ..WatchConfig::OFF };
    stage.change().await;
    let notices =
        |kept: &super::fake_store::Kept| kept.accepted.iter().filter(|event| event.is_notice()).count();
    stage.store.until("it is told", |kept| notices(kept) == 1).await;

    let told = stage.store.kept().accepted[1].received_at;
    assert_eq!(told.duration_since(start()).as_hours(), 3);
    assert_eq!(stage.store.kept().watched, [false, true]);
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_new_is_listened_to_and_one_that_stays_is_told_of_once() {
    let mut stage = Stage::new();
    let acme = || Organization::new("acme");
    stage.organizations.push(acme());
    stage.watch.silent_after = Some(HOUR);
    let _playing = stage.play();
    let told = |kept: &super::fake_store::Kept| {
        let notices = kept.accepted.iter().filter(|event| event.is_notice());
        notices.map(|event| event.organization.to_string()).collect::<Vec<_>>()
    };
    stage.store.until("it is told", |kept| told(kept) == ["acme"]).await;

    stage.organizations.extend([acme(), Organization::new("umbrella")]);
    stage.change().await;
    pass(Duration::from_mins(30)).await;
    assert_eq!(told(&stage.store.kept()), ["acme"]);
    stage.store.until("the new one is told, too", |kept| told(kept) == ["acme", "umbrella"]).await;

    stage.organizations.push(acme());
    stage.watch.silent_after = None;
    stage.change().await;
    stage.metrics.heard(&acme(), stage.clock.now());
    pass(3 * HOUR).await;
    assert_eq!(told(&stage.store.kept()).len(), 2, "it is off");
}
