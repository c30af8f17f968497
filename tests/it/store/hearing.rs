//! Organizations of which nothing is heard: what is kept of that, and that it is told once.

use std::time::Duration;

use seer_relay::event::{Action, Event, Organization, Silence};
use seer_relay::store::{Hearing, Notice};
use serde_json::json;

use super::bench::{Bench, at, webhook};

const BREAK: Duration = Duration::from_mins(5);

async fn begin(bench: &Bench, second: i64) -> Hearing {
    let organizations = vec![Organization::new("acme")];
    let mut known = bench.store.begin_hearing(organizations, BREAK, at(second)).await.unwrap();
    assert_eq!(known.len(), 1);
    known.remove(0)
}

fn silent() -> Notice {
    let silence = Silence { seconds: 60, last_heard_at: None, bad_signatures: Some(2) };
    Notice::of_silence(Action::Silent, silence)
}

#[tokio::test]
async fn one_that_is_new_is_listened_to_from_now_on_and_a_restart_changes_nothing() {
    let bench = Bench::new().await;
    let new = begin(&bench, 0).await;
    let organization = Organization::new("acme");
    let expected =
        Hearing { organization, heard_at: None, listens_since: at(0), bad_signatures: 0, is_told: false };
    assert_eq!(new, expected);
    let heard = Hearing { heard_at: Some(at(100)), bad_signatures: 3, ..new };
    bench.store.settle_hearing(heard.clone(), None, at(110)).await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(begin(&bench, 110 + 300).await, heard);
    let since = Hearing { listens_since: at(411 + 300), ..heard.clone() };
    assert_eq!(begin(&bench, 411 + 300).await, since, "after a break it counts from its start");
    let set_back = Hearing { listens_since: at(-9000), ..heard };
    assert_eq!(begin(&bench, -9000).await, set_back, "as after a clock that was set back");
}

#[tokio::test]
async fn what_was_accepted_while_nobody_wrote_it_down_was_heard() {
    let bench = Bench::new().await;
    bench.accept(webhook("pr_created").organization("umbrella").at(5)).await;
    bench.accept(webhook("pr_created").at(10)).await;
    let known = begin(&bench, 20).await;
    assert_eq!(known.heard_at, Some(at(10)));
    bench.store.settle_hearing(known, Some(silent()), at(80)).await.unwrap().unwrap();
    assert!(begin(&bench, 90).await.is_told);
    bench.accept(webhook("coding_started").run("1").at(95)).await;
    let heard = begin(&bench, 100).await;
    assert_eq!((heard.heard_at, heard.is_told), (Some(at(95)), false));
}

#[tokio::test]
async fn a_silence_is_told_once_by_an_event_that_is_about_no_run() {
    let bench = Bench::new().await;
    let known = begin(&bench, 0).await;
    let id = bench.store.settle_hearing(known.clone(), Some(silent()), at(60)).await.unwrap().unwrap();
    assert_eq!(bench.store.settle_hearing(known.clone(), Some(silent()), at(61)).await.unwrap(), None);
    let bench = bench.restart().await;
    let told = begin(&bench, 62).await;
    assert!(told.is_told);

    let [waiting] = bench.waiting_events().await.try_into().unwrap();
    let [event]: [Event; 1] = waiting.events.try_into().unwrap();
    assert_eq!((&event.id, event.organization.as_str(), &event.action), (&id, "acme", &Action::Silent));
    assert_eq!((event.run_id, event.group_id, event.resource.as_str()), (None, None, "relay"));
    assert_eq!(event.artifacts, silent().artifacts());
    assert_eq!(bench.store.runs(10).await.unwrap().len(), 0, "it is no run");
    bench.plan(63, &["audit"]).await;
    assert_eq!(bench.deliver_all(63, "audit").await, std::slice::from_ref(&id));
    assert_eq!(bench.store.run(&format!("acme/{id}")).await.unwrap().events.len(), 1);

    let heard = Hearing { heard_at: Some(at(70)), is_told: false, ..told };
    bench.store.settle_hearing(heard.clone(), None, at(71)).await.unwrap();
    assert!(bench.store.settle_hearing(heard, Some(silent()), at(140)).await.unwrap().is_some());
    bench.plan(141, &[]).await;
    assert_eq!(bench.store.prune(at(1000), 10).await.unwrap(), 2, "it is removed as any other");
}

#[tokio::test]
async fn a_silence_is_not_looked_at_as_a_run() {
    let bench = Bench::new().await;
    let known = begin(&bench, 0).await;
    bench.store.settle_hearing(known, Some(silent()), at(0)).await.unwrap();
    bench.accept(webhook("coding_started").run("1").with("group_id", json!(5)).at(1)).await;
    let silence =
        seer_relay::store::SilentFor { at_least: Duration::from_mins(30), at_most: Duration::from_hours(24) };
    let found = bench.store.silent_runs(silence, at(3600), 10).await.unwrap();
    assert_eq!(found.runs.len(), 1);
}
