//! Payloads and diffs that go before their run does.

use std::time::Duration;

use seer_relay::store::ReplayTarget;
use serde_json::{Value, json};

use super::bench::{Bench, at, webhook};

const DIFF: &str = "--- a/src/totals.py\n+++ b/src/totals.py\n@@ -1 +1 @@\n-old\n+new\n";

fn code() -> Value {
    json!([{ "repo_name": "acme/api", "diff": DIFF, "title": "Count right" }])
}

impl Bench {
    /// Puts in an event with code in it.
    async fn coded(&self, run: &str, second: i64) -> seer_relay::event::EventId {
        let webhook = webhook("coding_completed").run(run).with("changes", code());
        self.accept(webhook.at(second)).await
    }

    /// The body of an event, and the diffs of the changes in it.
    async fn kept(&self, event: &seer_relay::event::EventId) -> (bool, Vec<Option<String>>) {
        let story = self.story(event).await.unwrap();
        let changes = story.events.last().unwrap().artifacts.changes.clone().unwrap_or_default();
        let files = changes.into_iter().flat_map(|change| change.files);
        (!story.payload.is_empty(), files.map(|file| file.diff).collect())
    }
}

#[tokio::test]
async fn the_payload_and_the_diffs_of_what_is_old_go_and_everything_else_stays() {
    let bench = Bench::new().await;
    let old = bench.coded("1", 0).await;
    let young = bench.coded("2", 100).await;
    bench.plan(101, &[]).await;
    let before = bench.store.run("1").await.unwrap().run;
    assert_eq!(bench.kept(&old).await, (true, vec![Some(DIFF.to_owned())]));

    assert_eq!(bench.store.strip(at(50)).await.unwrap(), 1);
    assert_eq!(bench.store.strip(at(50)).await.unwrap(), 0);

    let payloads = async |run| bench.store.run(run).await.unwrap().payloads;
    assert!(payloads("1").await.is_empty() && payloads("2").await.contains(&young));
    assert_eq!(bench.kept(&old).await, (false, vec![None]));
    assert_eq!(bench.kept(&young).await, (true, vec![Some(DIFF.to_owned())]));
    let after = bench.store.run("1").await.unwrap().run;
    let files = |run: &seer_relay::run::Run| {
        let files = run.changes.iter().flat_map(|change| &change.files);
        files.map(|file| (file.path.clone(), file.added, file.removed)).collect::<Vec<_>>()
    };
    assert_eq!(files(&after), files(&before));
    assert_eq!(files(&after).len(), 1);
    assert_eq!(after.changes[0].title.as_deref(), Some("Count right"));
    assert_eq!(bench.store.strip(at(200)).await.unwrap(), 1, "it goes on where it was");
}

#[tokio::test]
async fn what_a_message_may_still_need_stays_until_it_is_sent() {
    let bench = Bench::new().await;
    let first = bench.coded("1", 0).await;
    let unplanned = bench.coded("2", 1).await;
    bench.coded("3", 2).await;
    let waiting = bench.waiting_events().await;
    let to_chat = waiting.iter().filter(|event| event.events.last().unwrap().id != unplanned);
    let plans = to_chat.map(|event| super::bench::plan(event, &["chat"])).collect();
    bench.store.plan(plans, at(3)).await.unwrap();
    let claims = bench.claim(4, "chat").await;
    let third = claims.iter().find(|claim| claim.delivery.event_id != first).unwrap();
    bench.record(third, 4, seer_relay::store::Next::Delivered).await;

    assert_eq!(bench.store.strip(at(50)).await.unwrap(), 1, "only what is sent");
    assert!(bench.kept(&first).await.0 && bench.kept(&unplanned).await.0);
    let own = claims.iter().find(|claim| claim.delivery.event_id == first).unwrap();
    bench.record(own, 60, seer_relay::store::Next::Delivered).await;
    assert_eq!(bench.store.strip(at(50)).await.unwrap(), 1);
    assert!(!bench.kept(&first).await.0);
    bench.plan(61, &[]).await;
    assert_eq!(bench.store.strip(at(50)).await.unwrap(), 1);
    assert_eq!((bench.kept(&unplanned).await.0, bench.count("unstripped")), (false, 0));
}

#[tokio::test]
async fn what_is_stripped_can_be_sent_again_without_its_payload() {
    let bench = Bench::new().await;
    let event = bench.coded("1", 0).await;
    bench.plan(1, &[]).await;
    assert_eq!(bench.store.strip(at(50)).await.unwrap(), 1);
    bench.store.replay(ReplayTarget::Event(event.clone()), at(60)).await.unwrap();
    bench.plan(61, &["chat"]).await;
    let claim = bench.claim_one(62, "chat").await;
    assert_eq!(claim.delivery.event_id, event);
    let story = bench.story(&event).await.unwrap();
    assert!(story.payload.is_empty() && story.events.len() == 1);
}

#[tokio::test]
async fn events_that_take_the_place_of_removed_ones_are_stripped_and_listed_too() {
    let bench = Bench::new().await;
    bench.coded("1", 0).await;
    bench.plan(1, &[]).await;
    while bench.store.catalogue().await.unwrap() {}
    assert_eq!(bench.store.strip(at(50)).await.unwrap(), 1);
    while bench.store.prune(at(100), 10).await.unwrap() > 0 {}
    assert_eq!(bench.count("event"), 0);
    let next = bench.coded("2", 200).await;
    bench.plan(201, &[]).await;
    assert_eq!(bench.store.strip(at(300)).await.unwrap(), 1);
    assert!(!bench.kept(&next).await.0);
    while bench.store.catalogue().await.unwrap() {}
    assert_eq!(bench.count("outline"), 1);
}

#[tokio::test]
async fn many_old_events_go_in_small_steps() {
    let bench = Bench::new().await;
    for number in 0..1_100 {
        bench.coded(&number.to_string(), number).await;
    }
    while !bench.waiting_events().await.is_empty() {
        bench.plan(2_000, &[]).await;
    }
    let done = tokio::time::timeout(Duration::from_mins(1), bench.store.strip(at(1_000))).await;
    assert_eq!(done.unwrap().unwrap(), 1_000);
    assert_eq!(bench.count("payload"), 100);
}
