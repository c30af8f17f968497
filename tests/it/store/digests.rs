//! Digests in the queue: each event that is told in one is in exactly one, which is the same however often it is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use seer_relay::delivery::{DeliveryId, DeliveryState, DestinationKind, Muting, Part, Reason};
use seer_relay::event::EventId;
use seer_relay::render::digest::Digest;
use seer_relay::run::RunState;
use seer_relay::store::{
    DeliveryClaim, DestinationEntry, Entry, Next, Plan, PlannedDelivery, Record, ReplayTarget,
};
use serde_json::json;

use super::bench::{Bench, WINDOW, at, attempted, name, plan, retry_at, webhook};

const HOUR: i64 = 3_600;

fn gathered(unless: Option<EventId>) -> PlannedDelivery {
    PlannedDelivery {
        destination: name("chat"),
        kind: DestinationKind::Slack,
        part: Part::Digest,
        template_set: None,
        mentions: Vec::new(),
        muting: None,
        entry: Entry::Gathered { within: Duration::from_hours(1), unless },
    }
}

impl Bench {
    /// Accepts an event of a run, and plans it for the digest of `chat`.
    async fn gather(&self, action: &'static str, run: &str, second: i64) -> EventId {
        self.gather_unless(action, run, second, None).await
    }

    async fn gather_unless(
        &self,
        action: &'static str,
        run: &str,
        second: i64,
        unless: Option<EventId>,
    ) -> EventId {
        let webhook = webhook(action).run(run).at(second).with("second", json!(second));
        let id = self.accept(webhook).await;
        let waiting = self.waiting_events().await.remove(0);
        let plans = vec![Plan { deliveries: vec![gathered(unless)], ..plan(&waiting, &[]) }];
        self.store.plan(plans, at(second)).await.unwrap();
        id
    }

    async fn end_digest(&self, claim: &DeliveryClaim, second: i64, next: Next, in_doubt: bool) {
        let record = Record { in_doubt, ..attempted(claim, second, next) };
        self.store.record(record, at(second)).await.unwrap();
    }

    async fn digest(&self, delivery: &DeliveryId) -> Digest {
        self.store.digest(delivery).await.unwrap().unwrap()
    }

    /// What a digest says: how many events, and each run with its state and its events.
    async fn told_in(&self, delivery: &DeliveryId) -> Vec<(String, RunState, u64)> {
        let digest = self.digest(delivery).await;
        let mut told: Vec<_> =
            digest.runs.iter().map(|each| (each.run.label(), each.run.state, each.events)).collect();
        assert_eq!(digest.events, told.iter().map(|(_, _, events)| events).sum::<u64>());
        told.sort();
        told
    }
}

fn line(run: &str, state: RunState, events: u64) -> (String, RunState, u64) {
    (format!("acme/{run}"), state, events)
}

#[tokio::test]
async fn what_comes_within_its_time_is_told_once_and_what_comes_later_in_the_next() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 0).await;
    bench.gather("root_cause_started", "2", 10).await;
    bench.gather("root_cause_completed", "1", 3_599).await;
    assert!(bench.claim(HOUR - 1, "chat").await.is_empty());
    let claim = bench.claim_one(HOUR, "chat").await;
    assert_eq!((claim.delivery.part, claim.delivery.first_due_at), (Part::Digest, at(HOUR)));
    let expected = [line("1", RunState::RootCauseCompleted, 2), line("2", RunState::RootCauseStarted, 1)];
    assert_eq!(bench.told_in(&claim.delivery.id).await, expected);
    let digest = bench.digest(&claim.delivery.id).await;
    assert_eq!((digest.since, digest.until, digest.id), (at(0), at(HOUR), claim.delivery.id.clone()));
    bench.record(&claim, HOUR, Next::Delivered).await;

    let rows = bench.deliveries(HOUR).await;
    let shown: Vec<_> = rows.iter().map(|row| (row.state, row.digest.clone(), row.gathered)).collect();
    let joined = (DeliveryState::Superseded, Some(claim.delivery.id.clone()), None);
    assert_eq!(shown, [(DeliveryState::Delivered, None, Some(3)), joined.clone(), joined]);

    assert!(bench.claim(3 * HOUR, "chat").await.is_empty(), "nothing happened");
    bench.gather("solution_started", "1", 4 * HOUR).await;
    assert!(bench.claim(5 * HOUR - 1, "chat").await.is_empty());
    let claim = bench.claim_one(5 * HOUR, "chat").await;
    assert_eq!(bench.told_in(&claim.delivery.id).await, [line("1", RunState::SolutionStarted, 1)]);
}

#[tokio::test]
async fn nothing_joins_a_digest_that_may_have_arrived_and_the_next_one_keeps_its_time() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 0).await;
    let first = bench.claim_one(HOUR, "chat").await;
    bench.gather("root_cause_started", "2", HOUR + 1).await;
    bench.end_digest(&first, HOUR + 2, retry_at(HOUR + 9), true).await;
    bench.gather("root_cause_completed", "1", HOUR + 3).await;
    let again = bench.claim_one(HOUR + 9, "chat").await;
    assert_eq!(again.delivery.id, first.delivery.id);
    assert_eq!(bench.told_in(&again.delivery.id).await, [line("1", RunState::RootCauseStarted, 1)]);
    assert_eq!(bench.digest(&again.delivery.id).await.until, at(HOUR));
    bench.end_digest(&again, HOUR + 9, Next::Delivered, false).await;

    assert!(bench.claim(2 * HOUR, "chat").await.is_empty(), "it was opened a second later");
    let next = bench.claim_one(2 * HOUR + 1, "chat").await;
    assert_eq!(next.delivery.first_due_at, at(2 * HOUR + 1));
    let expected = [line("1", RunState::RootCauseCompleted, 1), line("2", RunState::RootCauseStarted, 1)];
    assert_eq!(bench.told_in(&next.delivery.id).await, expected);
}

#[tokio::test]
async fn a_digest_that_was_refused_or_given_back_goes_on_gathering() {
    for next in [retry_at(HOUR + 600), Next::GivenBack] {
        let bench = Bench::new().await;
        bench.gather("root_cause_started", "1", 0).await;
        let first = bench.claim_one(HOUR, "chat").await;
        bench.end_digest(&first, HOUR, next, false).await;
        bench.gather("root_cause_started", "2", HOUR + 60).await;
        let again = bench.claim_one(HOUR + 600, "chat").await;
        assert_eq!(again.delivery.id, first.delivery.id);
        assert_eq!(bench.digest(&again.delivery.id).await.total(), 2);
        assert_eq!(bench.digest(&again.delivery.id).await.until, at(HOUR + 600));
        bench.end_digest(&again, HOUR + 600, Next::Delivered, false).await;
        assert!(bench.claim(9 * HOUR, "chat").await.is_empty());
    }
}

#[tokio::test]
async fn a_digest_that_was_late_is_told_before_the_next() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 0).await;
    let first = bench.claim_one(HOUR, "chat").await;
    bench.gather("root_cause_started", "2", HOUR + 1).await;
    bench.end_digest(&first, HOUR, retry_at(9 * HOUR), true).await;
    assert!(bench.claim(8 * HOUR, "chat").await.is_empty(), "the next one waits for it");
    let again = bench.claim_one(9 * HOUR, "chat").await;
    bench.end_digest(&again, 9 * HOUR, Next::Dead(Reason::ServerError), true).await;
    let next = bench.claim_one(9 * HOUR, "chat").await;
    assert_eq!((next.delivery.first_due_at, next.delivery.in_doubt), (at(9 * HOUR), false));
    assert_eq!(bench.told_in(&next.delivery.id).await, [line("2", RunState::RootCauseStarted, 1)]);
}

#[tokio::test]
async fn a_restart_changes_neither_its_time_nor_what_it_tells() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 0).await;
    let bench = bench.restart().await;
    let chat = || {
        let (name, kind) = (name("chat"), DestinationKind::Slack);
        vec![DestinationEntry { name, kind, address: None, fallback: None }]
    };
    bench.store.register_destinations(chat(), at(60), at(660)).await.unwrap();
    bench.gather("root_cause_started", "2", 61).await;
    assert!(bench.claim(HOUR - 1, "chat").await.is_empty());
    let claim = bench.claim_one(HOUR, "chat").await;

    // Killed while it was being sent: nobody knows whether it arrived.
    let bench = bench.restart().await;
    bench.gather("root_cause_started", "3", HOUR + 5).await;
    let again = bench.claim_one(HOUR + 6, "chat").await;
    assert_eq!((&again.delivery.id, again.delivery.in_doubt), (&claim.delivery.id, true));
    assert_eq!(bench.digest(&again.delivery.id).await.total(), 2);
}

#[tokio::test]
async fn a_clock_that_was_set_back_delays_it_by_its_own_time_at_most() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 50 * HOUR).await;
    let bench = bench.restart().await;
    let entry =
        DestinationEntry { name: name("chat"), kind: DestinationKind::Slack, address: None, fallback: None };
    bench.store.register_destinations(vec![entry], at(0), at(600)).await.unwrap();
    assert!(bench.claim(HOUR - 1, "chat").await.is_empty());
    bench.claim_one(HOUR, "chat").await;
}

#[tokio::test]
async fn a_dead_digest_is_replayed_as_it_was_at_once_and_beside_what_gathers() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 0).await;
    bench.gather("pr_created", "2", 5).await;
    let claim = bench.claim_one(HOUR, "chat").await;
    bench.end_digest(&claim, HOUR, Next::Dead(Reason::Auth), false).await;
    bench.gather("root_cause_completed", "1", HOUR + 1).await;
    let dead = ReplayTarget::Dead { destination: None, since: None };
    let replayed = bench.store.replay(dead, at(HOUR + 2)).await.unwrap();
    assert_eq!(replayed.deliveries.len(), 1);
    let again = bench.claim_one(HOUR + 2, "chat").await;
    assert_eq!((again.delivery.part, &again.delivery.id), (Part::Digest, &replayed.deliveries[0].1));
    assert_eq!(bench.digest(&again.delivery.id).await, bench.digest(&claim.delivery.id).await);
    assert_eq!(bench.digest(&again.delivery.id).await.total(), 2);
    let row = bench.delivery(&again.delivery.id, HOUR + 2).await;
    assert_eq!((row.digest, row.gathered), (Some(claim.delivery.id), None));
}

#[tokio::test]
async fn what_joined_a_digest_is_replayed_alone_as_a_message() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 0).await;
    let event = bench.gather("pr_created", "2", 5).await;
    let joined = bench.deliveries(5).await.remove(1);
    bench.store.replay(ReplayTarget::Delivery(joined.id), at(6)).await.unwrap();
    let claim = bench.claim_one(6, "chat").await;
    assert_eq!((claim.delivery.part, &claim.delivery.event_id), (Part::Message, &event));
    bench.record(&claim, 6, Next::Delivered).await;
    let digest = bench.claim_one(HOUR, "chat").await;
    assert_eq!(bench.digest(&digest.delivery.id).await.total(), 2, "it is told in the digest all the same");
}

#[tokio::test]
async fn the_second_of_a_pair_joins_its_first_and_opens_no_digest_after_it() {
    let bench = Bench::new().await;
    let created = bench.gather("pr_created", "1", 0).await;
    bench.gather_unless("pr_ready_for_review", "1", 1, Some(created)).await;
    let claim = bench.claim_one(HOUR, "chat").await;
    assert_eq!(bench.told_in(&claim.delivery.id).await, [line("1", RunState::PrReady, 2)]);
    bench.record(&claim, HOUR, Next::Delivered).await;

    let created = bench.gather("pr_created", "2", 2 * HOUR).await;
    let claim = bench.claim_one(3 * HOUR, "chat").await;
    bench.gather_unless("pr_ready_for_review", "2", 3 * HOUR, Some(created)).await;
    bench.record(&claim, 3 * HOUR, Next::Delivered).await;
    assert!(bench.claim(9 * HOUR, "chat").await.is_empty(), "it was told already");
}

#[tokio::test]
async fn a_run_stays_in_the_store_until_its_digest_is_told() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 0).await;
    bench.gather("root_cause_started", "2", 1).await;
    assert_eq!(bench.store.prune(at(50 * HOUR), 100).await.unwrap(), 0);
    let claim = bench.claim_one(HOUR, "chat").await;
    assert_eq!(bench.digest(&claim.delivery.id).await.total(), 2);
    bench.record(&claim, HOUR, Next::Delivered).await;
    assert_eq!(bench.store.prune(at(50 * HOUR), 100).await.unwrap(), 2);
    assert_eq!(bench.store.digest(&claim.delivery.id).await.unwrap(), None);
}

#[tokio::test]
async fn two_runs_that_become_one_are_one_in_the_digest() {
    let bench = Bench::new().await;
    bench.gather("root_cause_started", "1", 0).await;
    let other = webhook("root_cause_completed").sentry_run("uuid").at(1);
    bench.accept(other).await;
    let waiting = bench.waiting_events().await.remove(0);
    let plans = vec![Plan { deliveries: vec![gathered(None)], ..plan(&waiting, &[]) }];
    bench.store.plan(plans, at(1)).await.unwrap();
    bench.accept_and_plan(webhook("solution_started").run("1").sentry_run("uuid").at(2), 2, &[]).await;
    let claim = bench.claim_one(HOUR, "chat").await;
    assert_eq!(bench.told_in(&claim.delivery.id).await, [line("1", RunState::RootCauseCompleted, 2)]);
}

/// What arrived of each digest, by the id of its delivery.
#[derive(Default)]
struct Arrived(BTreeMap<DeliveryId, Digest>);

impl Arrived {
    fn add(&mut self, digest: &Digest) {
        if let Some(before) = self.0.insert(digest.id.clone(), digest.clone()) {
            assert_eq!(before, *digest, "the same, if it comes twice");
        }
    }

    /// How many events of each run were told.
    fn told(&self) -> BTreeMap<String, u64> {
        let mut told = BTreeMap::new();
        for each in self.0.values().flat_map(|digest| &digest.runs) {
            *told.entry(each.run.label()).or_default() += each.events;
        }
        told
    }
}

/// Numbers that look drawn by lot, the same on every run.
struct Lot(u64);

impl Lot {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// Claims what is due, and lets the destination take it, take it unheard, or refuse it; or whoever sends it is never heard
/// of again, and its lease runs out.
async fn play(bench: &Bench, lot: &mut Lot, second: i64, arrived: &mut Arrived) {
    for claim in bench.claim(second, "chat").await {
        let digest = bench.digest(&claim.delivery.id).await;
        let in_doubt = claim.delivery.in_doubt;
        let outcome = lot.next(5);
        if outcome > 1 {
            arrived.add(&digest);
        }
        match outcome {
            0 => bench.end_digest(&claim, second, retry_at(second + 300), in_doubt).await,
            1 => bench.end_digest(&claim, second, Next::GivenBack, in_doubt).await,
            2 => bench.end_digest(&claim, second, retry_at(second + 300), true).await,
            3 => {}
            _ => bench.end_digest(&claim, second, Next::Delivered, false).await,
        }
    }
}

#[tokio::test]
async fn every_event_is_in_exactly_one_digest_that_is_told_whatever_happens() {
    for seed in 1..=8_u64 {
        let mut lot = Lot(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (bench, mut arrived) = (Bench::new().await, Arrived::default());
        let (mut second, mut expected) = (0, BTreeMap::<String, u64>::new());
        for _ in 0..150 {
            second += i64::try_from(lot.next(900)).unwrap();
            if lot.next(3) == 0 {
                play(&bench, &mut lot, second, &mut arrived).await;
            } else {
                let run = lot.next(9).to_string();
                bench.gather("step", &run, second).await;
                *expected.entry(format!("acme/{run}")).or_default() += 1;
            }
        }
        while bench.deliveries(second).await.iter().any(|row| row.state == DeliveryState::Waiting) {
            second += HOUR;
            for claim in bench.claim(second, "chat").await {
                arrived.add(&bench.digest(&claim.delivery.id).await);
                bench.record(&claim, second, Next::Delivered).await;
            }
        }
        assert_eq!(arrived.told(), expected, "seed {seed}");
    }
}

#[tokio::test]
async fn a_digest_of_very_many_runs_lists_a_few_and_counts_all() {
    let bench = Bench::new().await;
    let runs = 600;
    let webhooks: Vec<_> =
        (0..runs).map(|run| webhook("root_cause_started").run(&run.to_string()).accepted()).collect();
    let mut accepting = tokio::task::JoinSet::new();
    for event in webhooks {
        let store = std::sync::Arc::clone(&bench.store);
        accepting.spawn(async move { store.accept(event, WINDOW).await.unwrap() });
    }
    accepting.join_all().await;
    let waiting = bench.waiting_events().await;
    let plans = waiting.iter().map(|each| Plan { deliveries: vec![gathered(None)], ..plan(each, &[]) });
    bench.store.plan(plans.collect(), at(0)).await.unwrap();
    let claim = bench.claim_one(HOUR, "chat").await;
    let digest = bench.digest(&claim.delivery.id).await;
    assert_eq!((digest.total(), digest.events, digest.runs.len()), (runs, runs, 15));
    assert_eq!(digest.states[&RunState::RootCauseStarted], runs);
}

#[tokio::test]
async fn a_mute_holds_a_digest_back_until_an_event_joins_it_that_is_not_muted() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1").at(0)).await;
    let waiting = bench.waiting_events().await.remove(0);
    let by = vec!["nights".to_owned()];
    let muting = Muting { by, until: at(10 * HOUR), timezone: "UTC".to_owned(), dropped: false };
    let muted = PlannedDelivery { muting: Some(muting), ..gathered(None) };
    let plans = vec![Plan { deliveries: vec![muted], ..plan(&waiting, &[]) }];
    bench.store.plan(plans, at(0)).await.unwrap();
    assert!(bench.claim(9 * HOUR, "chat").await.is_empty(), "it waits for the mute to end");

    bench.gather("root_cause_started", "2", 9 * HOUR - 1800).await;

    assert!(bench.claim(9 * HOUR, "chat").await.is_empty(), "its own time is not over");
    let claim = bench.claim_one(9 * HOUR + 1800, "chat").await;
    assert_eq!(bench.told_in(&claim.delivery.id).await.len(), 2);
}

#[tokio::test]
async fn a_digest_that_its_destination_refuses_goes_to_the_fallback_as_a_whole() {
    let bench = Bench::new().await;
    let entry = |destination: &str, fallback: Option<&str>| DestinationEntry {
        name: name(destination),
        kind: DestinationKind::Slack,
        address: None,
        fallback: fallback.map(name),
    };
    let entries = vec![entry("chat", Some("ops")), entry("ops", None)];
    bench.store.register_destinations(entries, at(0), at(1)).await.unwrap();
    bench.gather("root_cause_started", "1", 0).await;
    bench.gather("root_cause_started", "2", 5).await;
    let claim = bench.claim_one(HOUR, "chat").await;
    bench.end_digest(&claim, HOUR, Next::Dead(Reason::Auth), false).await;

    let stand_in = bench.claim_one(HOUR, "ops").await.delivery;

    assert_eq!(stand_in.part, Part::Digest);
    let told = bench.told_in(&stand_in.id).await;
    assert_eq!(told, bench.told_in(&claim.delivery.id).await);
    assert_eq!(told.len(), 2);
}
