//! Mutes in the queue: what is held back goes out when its time comes, in order; what is dropped is on record; and a card
//! that stands is edited whatever is muted.

use seer_relay::delivery::{
    DeliveryState, DestinationKind, FirstMessage, Mention, MessageRef, Muting, Part, Reason,
};
use seer_relay::store::{
    CardKeeper, DestinationEntry, Entry, MessageChange, Next, Plan, PlannedDelivery, Record, ReplayTarget,
};

use super::bench::{Bench, at, attempted, name, plan, planned, retry_at, webhook};

const MESSAGE: &[Part] = &[Part::Message];
const CARD: &[Part] = &[Part::Card];
const ANNOUNCED: &[Part] = &[Part::Card, Part::Announcement];

/// When the night ends.
const MORNING: i64 = 1_000;

fn night_until(second: i64) -> Muting {
    let by = vec!["nights".to_owned()];
    Muting { by, until: at(second), timezone: "Europe/Berlin".to_owned(), dropped: false }
}

fn dropped() -> Muting {
    Muting { dropped: true, ..night_until(MORNING) }
}

fn user(id: &str) -> Mention {
    Mention::SlackUser(id.to_owned())
}

impl Bench {
    /// Accepts an event of run 1 and plans it for these parts at `chat`, which keeps cards.
    async fn muted_event(&self, second: i64, parts: &[Part], muting: Option<Muting>, mentions: &[Mention]) {
        self.accept(webhook("coding_started").run("1").with("n", second.into()).at(second)).await;
        let waiting = self.waiting_events().await.remove(0);
        let deliveries = parts.iter().map(|part| PlannedDelivery {
            kind: DestinationKind::Slack,
            part: *part,
            mentions: mentions.to_vec(),
            muting: muting.clone(),
            ..planned("chat", Entry::Waiting)
        });
        let keeper = CardKeeper { name: name("chat"), kind: DestinationKind::Slack };
        let deliveries = deliveries.collect();
        let decided = Plan { deliveries, card_keepers: vec![keeper], ..plan(&waiting, &[]) };
        self.store.plan(vec![decided], at(second)).await.unwrap();
    }

    /// Delivers all that is due, and returns which parts that were, by the seconds at which they were planned.
    async fn all_due(&self, second: i64) -> Vec<(Part, i64)> {
        let mut told = Vec::new();
        loop {
            let claims = self.claim(second, "chat").await;
            let Some(claim) = claims.first() else { return told };
            let delivery = &claim.delivery;
            told.push((delivery.part, (delivery.created_at.duration_since(at(0))).as_secs()));
            let place = MessageRef { channel: "C1".to_owned(), id: "1.0".to_owned() };
            let mentions = delivery.mentions.clone();
            let message = match (delivery.part, &delivery.first) {
                (Part::Card, None) => MessageChange::First(FirstMessage { place, shows: None, mentions }),
                (Part::Card | Part::Message | Part::Announcement | Part::Digest, _) => MessageChange::None,
            };
            let record = Record { message, ..attempted(claim, second, Next::Delivered) };
            self.store.record(record, at(second)).await.unwrap();
        }
    }

    async fn states_in_order(&self) -> Vec<DeliveryState> {
        self.deliveries(0).await.into_iter().map(|row| row.state).collect()
    }
}

#[tokio::test]
async fn what_is_held_back_goes_out_when_the_mute_ends_and_nothing_of_its_run_overtakes_it() {
    let bench = Bench::new().await;
    bench.muted_event(0, MESSAGE, Some(night_until(MORNING)), &[user("U1")]).await;
    bench.muted_event(10, MESSAGE, None, &[]).await;
    bench.muted_event(20, MESSAGE, Some(night_until(MORNING + 500)), &[]).await;
    assert!(bench.all_due(MORNING - 1).await.is_empty());
    let rows = bench.deliveries(30).await;
    assert_eq!(rows[0].next_attempt_at, Some(at(MORNING)));
    assert_eq!(
        (rows[0].muting.clone(), rows[0].mentions.clone()),
        (Some(night_until(MORNING)), vec![user("U1")])
    );
    assert_eq!((rows[1].muting.clone(), rows[1].held_until), (None, Some(at(MORNING))));

    // It is due then, however late it is that it is claimed.
    let claim = bench.claim(MORNING + 50, "chat").await.remove(0);
    assert_eq!(claim.delivery.first_due_at, at(MORNING));
    assert_eq!(claim.delivery.held_until, Some(at(MORNING)));
    bench.record(&claim, MORNING + 50, retry_at(MORNING + 60)).await;
    assert!(bench.all_due(MORNING + 59).await.is_empty(), "it waits for its next attempt as any other");
    assert_eq!(bench.all_due(MORNING + 60).await, [(Part::Message, 0), (Part::Message, 10)]);
    assert_eq!(bench.all_due(MORNING + 500).await, [(Part::Message, 20)]);
}

#[tokio::test]
async fn a_replay_sends_what_is_held_back_once_and_with_it_what_stands_before_it() {
    let bench = Bench::new().await;
    for second in [0, 10, 20] {
        bench.muted_event(second, MESSAGE, Some(night_until(MORNING)), &[user("U1")]).await;
    }
    let rows = bench.deliveries(30).await;
    let wanted = rows[1].id.clone();
    let replayed = bench.store.replay(ReplayTarget::Delivery(wanted.clone()), at(100)).await.unwrap();
    assert_eq!(replayed.deliveries, [(wanted.clone(), wanted.clone())]);
    assert_eq!(bench.all_due(100).await, [(Part::Message, 0), (Part::Message, 10)]);
    let row = bench.delivery(&wanted, 101).await;
    assert_eq!((row.held_until, row.muting), (None, Some(night_until(MORNING))));

    // So does a replay of the event, which is planned anew.
    let event = rows[2].event_id.clone();
    bench.store.replay(ReplayTarget::Event(event), at(200)).await.unwrap();
    let waiting = bench.waiting_events().await.remove(0);
    bench.store.plan(vec![plan(&waiting, &["chat"])], at(200)).await.unwrap();
    assert_eq!(bench.all_due(200).await, [(Part::Message, 20)]);
    assert!(bench.all_due(MORNING).await.is_empty());
    assert_eq!(bench.deliveries(MORNING).await.len(), 3);
}

#[tokio::test]
async fn nothing_is_held_back_for_a_destination_that_is_configured_no_longer() {
    let bench = Bench::new().await;
    for second in [0, 10] {
        bench.muted_event(second, MESSAGE, Some(night_until(MORNING)), &[]).await;
    }
    bench.store.register_destinations(Vec::new(), at(20), at(600)).await.unwrap();
    let told: Vec<_> = bench.all_due(20).await;
    assert_eq!(told, [(Part::Message, 0), (Part::Message, 10)]);
}

#[tokio::test]
async fn a_restart_shortens_no_mute_and_still_brings_back_what_a_clock_set_forward_left_due_too_late() {
    let bench = Bench::new().await;
    bench.muted_event(0, MESSAGE, Some(night_until(MORNING)), &[]).await;
    bench.accept(webhook("coding_started").run("2")).await;
    let waiting = bench.waiting_events().await.remove(0);
    bench.store.plan(vec![plan(&waiting, &["chat"])], at(0)).await.unwrap();
    let claim = bench.claim(0, "chat").await.remove(0);
    bench.record(&claim, 0, retry_at(5_000)).await;

    let bench = bench.restart().await;
    let entry =
        DestinationEntry { name: name("chat"), kind: DestinationKind::Slack, address: None, fallback: None };
    bench.store.register_destinations(vec![entry], at(1), at(600)).await.unwrap();
    let due: Vec<_> = bench.deliveries(1).await.into_iter().map(|row| row.next_attempt_at).collect();
    assert_eq!(due, [Some(at(MORNING)), Some(at(600))]);
    // After the mute a retry may not be due too late either.
    let claim =
        bench.claim(MORNING, "chat").await.into_iter().find(|claim| claim.delivery.held_until.is_some());
    bench.record(&claim.unwrap(), MORNING, retry_at(9_000)).await;
    let entry =
        DestinationEntry { name: name("chat"), kind: DestinationKind::Slack, address: None, fallback: None };
    bench.store.register_destinations(vec![entry], at(MORNING), at(MORNING + 600)).await.unwrap();
    assert_eq!(bench.deliveries(1).await[0].next_attempt_at, Some(at(MORNING + 600)));
}

#[tokio::test]
async fn what_is_dropped_is_on_record_holds_nothing_back_and_can_be_replayed() {
    let bench = Bench::new().await;
    bench.muted_event(0, MESSAGE, Some(dropped()), &[user("U1")]).await;
    bench.muted_event(10, MESSAGE, None, &[]).await;
    assert_eq!(bench.states_in_order().await, [DeliveryState::Superseded, DeliveryState::Waiting]);
    let row = bench.deliveries(0).await.remove(0);
    assert_eq!((row.muting.clone(), row.next_attempt_at), (Some(dropped()), None));
    assert_eq!(bench.all_due(10).await, [(Part::Message, 10)]);

    bench.store.replay(ReplayTarget::Delivery(row.id), at(20)).await.unwrap();
    let claim = bench.claim(20, "chat").await.remove(0);
    assert_eq!((claim.delivery.mentions, claim.delivery.held_until), (vec![user("U1")], None));
}

#[tokio::test]
async fn a_repetition_of_what_was_dropped_is_sent_and_of_what_is_held_back_is_not() {
    for (muting, expected) in
        [(Some(dropped()), DeliveryState::Waiting), (Some(night_until(MORNING)), DeliveryState::Superseded)]
    {
        let bench = Bench::new().await;
        bench.muted_event(0, MESSAGE, muting, &[]).await;
        let first = bench.deliveries(0).await[0].event_id.clone();
        bench.accept(webhook("coding_completed").run("1")).await;
        let waiting = bench.waiting_events().await.remove(0);
        let deliveries = vec![planned("chat", Entry::SupersededBy(first))];
        bench.store.plan(vec![Plan { deliveries, ..plan(&waiting, &[]) }], at(1)).await.unwrap();
        assert_eq!(bench.states_in_order().await[1], expected);
    }
}

#[tokio::test]
async fn a_card_is_posted_when_the_mute_ends_and_edits_that_no_route_asks_for_end_none() {
    let bench = Bench::new().await;
    bench.muted_event(0, CARD, Some(night_until(MORNING)), &[]).await;
    bench.muted_event(10, &[], None, &[]).await;
    bench.muted_event(20, CARD, Some(dropped()), &[]).await;
    bench.muted_event(30, CARD, Some(night_until(MORNING + 500)), &[]).await;
    assert!(bench.all_due(MORNING - 1).await.is_empty());
    assert_eq!(bench.all_due(MORNING).await, [(Part::Card, 30)]);
}

#[tokio::test]
async fn a_mute_that_ends_sooner_brings_the_card_sooner() {
    let bench = Bench::new().await;
    bench.muted_event(0, CARD, Some(night_until(MORNING)), &[]).await;
    bench.muted_event(10, CARD, Some(night_until(500)), &[]).await;
    assert_eq!(bench.all_due(500).await, [(Part::Card, 10)]);
}

#[tokio::test]
async fn a_card_that_is_held_back_is_posted_at_once_where_an_event_is_not_muted() {
    let bench = Bench::new().await;
    bench.muted_event(0, ANNOUNCED, Some(night_until(MORNING)), &[user("U1")]).await;
    bench.muted_event(10, CARD, None, &[user("U2")]).await;
    let claim = bench.claim(10, "chat").await.remove(0);
    assert_eq!((claim.delivery.part, claim.delivery.first_due_at), (Part::Card, at(10)));
    assert_eq!(
        claim.delivery.mentions,
        [user("U1"), user("U2")],
        "whom the card would have mentioned before"
    );
    bench.record(&claim, 10, Next::Delivered).await;
    assert!(
        bench.all_due(MORNING - 1).await.is_empty(),
        "what was to be announced is held back all the same"
    );
    assert_eq!(bench.all_due(MORNING).await, [(Part::Announcement, 0)]);
}

#[tokio::test]
async fn a_card_that_stands_is_edited_at_once_and_what_is_announced_waits() {
    for muting in [Some(night_until(MORNING)), Some(dropped())] {
        let bench = Bench::new().await;
        bench.muted_event(0, CARD, None, &[user("U1")]).await;
        assert_eq!(bench.all_due(0).await, [(Part::Card, 0)]);
        bench.muted_event(10, ANNOUNCED, muting.clone(), &[]).await;
        let claim = bench.claim(10, "chat").await.remove(0);
        let first = claim.delivery.first.clone().expect("the card stands");
        assert_eq!(first.mentions, [user("U1")], "it is known whom it mentioned");
        bench.record(&claim, 10, Next::Delivered).await;
        let later = if muting == Some(dropped()) { vec![] } else { vec![(Part::Announcement, 10)] };
        assert!(bench.all_due(MORNING - 1).await.is_empty());
        // An edit that comes meanwhile goes before it, and does not bring it sooner.
        bench.muted_event(MORNING - 1, CARD, None, &[]).await;
        assert_eq!(bench.all_due(MORNING - 1).await, [(Part::Card, MORNING - 1)]);
        assert_eq!(bench.all_due(MORNING).await, later);
    }
}

#[tokio::test]
async fn a_card_on_its_way_takes_what_is_muted_with_it() {
    let bench = Bench::new().await;
    bench.muted_event(0, CARD, None, &[]).await;
    let claim = bench.claim(0, "chat").await.remove(0);
    bench.muted_event(10, CARD, Some(night_until(MORNING)), &[]).await;
    bench.record(&claim, 10, Next::Delivered).await;
    assert_eq!(bench.all_due(10).await, [(Part::Card, 10)]);

    let bench = Bench::new().await;
    bench.muted_event(0, CARD, None, &[]).await;
    bench.muted_event(10, CARD, Some(night_until(MORNING)), &[]).await;
    assert_eq!(bench.all_due(10).await, [(Part::Card, 10)], "nor does it stop one that waits for its turn");
}

#[tokio::test]
async fn a_card_that_was_dropped_has_not_begun() {
    let bench = Bench::new().await;
    bench.muted_event(0, CARD, Some(dropped()), &[]).await;
    bench.muted_event(10, &[], None, &[]).await;
    assert_eq!(bench.states_in_order().await, [DeliveryState::Superseded], "no route asks for a card yet");
    bench.muted_event(20, CARD, None, &[]).await;
    assert_eq!(bench.all_due(20).await, [(Part::Card, 20)]);
}

#[tokio::test]
async fn a_card_that_died_is_posted_anew_only_after_the_mute() {
    let bench = Bench::new().await;
    bench.muted_event(0, CARD, None, &[]).await;
    let claim = bench.claim(0, "chat").await.remove(0);
    bench.record(&claim, 0, Next::Dead(Reason::Auth)).await;
    bench.muted_event(10, CARD, Some(night_until(MORNING)), &[]).await;
    assert!(bench.all_due(MORNING - 1).await.is_empty());
    assert_eq!(bench.all_due(MORNING).await, [(Part::Card, 10)]);
}

#[tokio::test]
async fn whom_a_delivery_mentions_outlives_a_restart_and_its_retries() {
    let bench = Bench::new().await;
    let all = [user("U1"), Mention::SlackGroup("S1".to_owned()), Mention::Here];
    bench.muted_event(0, MESSAGE, None, &all).await;
    let bench = bench.restart().await;
    let claim = bench.claim(0, "chat").await.remove(0);
    assert_eq!(claim.delivery.mentions, all);
    bench.record(&claim, 0, Next::Dead(Reason::Auth)).await;
    bench.store.replay(ReplayTarget::Dead { destination: None, since: None }, at(1)).await.unwrap();
    assert_eq!(bench.claim(1, "chat").await.remove(0).delivery.mentions, all);
}
