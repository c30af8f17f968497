//! Cards in the queue: one per run and destination, its newest delivery first, what is announced behind it.

use seer_relay::delivery::{
    DeliveryState, DestinationKind, DestinationName, Fingerprint, FirstMessage, MessageRef, Part, Reason,
    Rung,
};
use seer_relay::store::{
    CardKeeper, DeliveryClaim, Entry, MessageChange, Next, Plan, PlannedDelivery, Reach, Record,
    ReplayTarget, WaitingEvent, Wanted,
};

use super::bench::{Bench, at, attempted, name, plan, retry_at, webhook};

const CARD: &[Part] = &[Part::Card];
const ANNOUNCED: &[Part] = &[Part::Card, Part::Announcement];

fn planned(part: Part) -> PlannedDelivery {
    PlannedDelivery {
        destination: name("chat"),
        kind: DestinationKind::Slack,
        part,
        template_set: Some("oncall".to_owned()),
        mentions: Vec::new(),
        muting: None,
        entry: Entry::Waiting,
    }
}

fn keeper(destination: &str) -> CardKeeper {
    CardKeeper { name: name(destination), kind: DestinationKind::Slack }
}

/// A plan for these parts at `chat`, which keeps cards; so does `other`.
fn card_plan(waiting: &WaitingEvent, parts: &[Part]) -> Plan {
    let deliveries = parts.iter().copied().map(planned).collect();
    Plan { deliveries, card_keepers: vec![keeper("chat"), keeper("other")], ..plan(waiting, &[]) }
}

impl Bench {
    /// Accepts an event of run 1 and plans it for these parts; returns where an edit took the place of one that waited.
    async fn card_event(&self, action: &'static str, second: i64, parts: &[Part]) -> Vec<DestinationName> {
        self.accept(webhook(action).run("1")).await;
        let waiting = self.waiting_events().await.remove(0);
        self.store.plan(vec![card_plan(&waiting, parts)], at(second)).await.unwrap()
    }

    /// What stands in the queue: action, part and state, in order of planning.
    async fn queue(&self) -> Vec<(String, Part, DeliveryState)> {
        let rows = self.deliveries(100).await;
        rows.into_iter().map(|row| (row.action, row.part, row.state)).collect()
    }

    async fn claims(&self, second: i64) -> Vec<DeliveryClaim> {
        self.claim(second, "chat").await
    }

    async fn end(&self, claim: &DeliveryClaim, second: i64, next: Next, in_doubt: bool) {
        let record = Record { in_doubt, ..attempted(claim, second, next) };
        self.store.record(record, at(second)).await.unwrap();
    }
}

fn told(claims: &[DeliveryClaim]) -> Vec<Part> {
    claims.iter().map(|claim| claim.delivery.part).collect()
}

#[tokio::test]
async fn edits_that_wait_become_one_the_newest() {
    let bench = Bench::new().await;
    for (second, action, merged) in [
        (0, "root_cause_started", vec![]),
        (1, "root_cause_completed", vec![name("chat")]),
        (2, "solution_started", vec![name("chat")]),
    ] {
        assert_eq!(bench.card_event(action, second, CARD).await, merged);
    }
    let states: Vec<_> = bench.queue().await.into_iter().map(|(_, _, state)| state).collect();
    assert_eq!(states, [DeliveryState::Superseded, DeliveryState::Superseded, DeliveryState::Waiting]);
    let claims = bench.claims(3).await;
    assert_eq!(claims.len(), 1);
    assert_eq!(bench.card_event("solution_completed", 4, CARD).await, [], "the one before is under way");
    assert_eq!(bench.card_event("coding_started", 5, &[]).await, [name("chat")], "no route asks for it");
    assert!(bench.claims(5).await.is_empty(), "one is under way");
    bench.end(&claims[0], 6, Next::Delivered, false).await;
    let claims = bench.claims(6).await;
    assert_eq!(claims.len(), 1, "and one came after it");
    assert_eq!(claims[0].delivery.template_set.as_deref(), Some("oncall"));
}

#[tokio::test]
async fn a_card_takes_over_the_back_off_of_the_one_before() {
    let bench = Bench::new().await;
    bench.card_event("root_cause_started", 0, CARD).await;
    let claim = bench.claims(0).await.remove(0);
    bench.end(&claim, 1, retry_at(50), false).await;
    bench.card_event("root_cause_completed", 2, CARD).await;
    assert!(bench.claims(49).await.is_empty());
    let claim = bench.claims(50).await.remove(0);
    assert_eq!((claim.delivery.failures, claim.delivery.attempts, claim.delivery.in_doubt), (1, 0, false));
    assert_eq!(claim.delivery.first_due_at, at(2));
}

#[tokio::test]
async fn what_is_announced_goes_out_behind_the_card_however_new_that_is() {
    let bench = Bench::new().await;
    bench.card_event("pr_created", 0, ANNOUNCED).await;
    bench.card_event("iteration_started", 1, CARD).await;
    let first = bench.claims(2).await;
    assert_eq!(told(&first), [Part::Card]);
    bench.end(&first[0], 2, Next::Delivered, false).await;
    let second = bench.claims(3).await;
    assert_eq!(told(&second), [Part::Announcement]);
    // While that is under way a card comes, and then it fails: the card goes first.
    bench.card_event("iteration_completed", 4, CARD).await;
    assert!(bench.claims(4).await.is_empty());
    bench.end(&second[0], 5, retry_at(5), false).await;
    let third = bench.claims(5).await;
    assert_eq!(told(&third), [Part::Card]);
    bench.end(&third[0], 5, Next::Dead(Reason::Auth), false).await;
    assert_eq!(told(&bench.claims(6).await), [Part::Announcement]);
}

#[tokio::test]
async fn an_announcement_that_was_given_back_waits_for_a_card_that_came_meanwhile() {
    let bench = Bench::new().await;
    bench.card_event("pr_created", 0, &[Part::Announcement]).await;
    let claim = bench.claims(0).await.remove(0);
    bench.card_event("iteration_started", 1, CARD).await;
    let back = Record { attempt: None, ..attempted(&claim, 2, Next::GivenBack) };
    bench.store.record(back, at(2)).await.unwrap();
    assert_eq!(told(&bench.claims(2).await), [Part::Card]);
}

#[tokio::test]
async fn every_event_edits_the_card_where_there_is_one_whether_or_not_it_is_routed() {
    let bench = Bench::new().await;
    bench.card_event("root_cause_started", 0, &[]).await;
    assert!(bench.queue().await.is_empty(), "no route has begun a card yet");
    bench.card_event("root_cause_completed", 1, CARD).await;
    bench.card_event("solution_started", 2, &[]).await;
    let queue = bench.queue().await;
    assert_eq!(queue[1], ("solution_started".to_owned(), Part::Card, DeliveryState::Waiting));
    assert_eq!(queue.len(), 2, "only where the run has a card");
    assert_eq!(bench.claims(2).await[0].delivery.template_set.as_deref(), Some("oncall"));

    bench.accept(webhook("root_cause_started").run("2")).await;
    let waiting = bench.waiting_events().await.remove(0);
    bench.store.plan(vec![card_plan(&waiting, &[])], at(3)).await.unwrap();
    assert_eq!(bench.queue().await.len(), 2, "another run has none");
}

#[tokio::test]
async fn a_replay_goes_where_it_is_routed_and_edits_no_other_card() {
    let bench = Bench::new().await;
    bench.card_event("root_cause_started", 0, CARD).await;
    let event = bench.deliveries(0).await[0].event_id.clone();
    bench.store.replay(ReplayTarget::Event(event), at(1)).await.unwrap();
    let waiting = bench.waiting_events().await.remove(0);
    bench.store.plan(vec![card_plan(&waiting, &[])], at(1)).await.unwrap();
    assert_eq!(bench.queue().await.len(), 1);
}

#[tokio::test]
async fn a_claim_leaves_doubt_until_an_answer_says_otherwise_also_through_a_kill() {
    let bench = Bench::new().await;
    bench.card_event("root_cause_started", 0, CARD).await;
    assert!(!bench.claims(0).await[0].delivery.in_doubt);
    let bench = bench.restart().await;
    let claim = bench.claims(1).await.remove(0);
    assert!(claim.delivery.in_doubt, "nobody wrote down what became of the first attempt");
    bench.end(&claim, 1, retry_at(1), false).await;
    assert!(!bench.claims(1).await[0].delivery.in_doubt);
}

#[tokio::test]
async fn doubt_goes_on_to_the_card_that_comes_after() {
    let bench = Bench::new().await;
    bench.card_event("root_cause_started", 0, CARD).await;
    let claim = bench.claims(0).await.remove(0);
    bench.end(&claim, 0, retry_at(1), true).await;
    bench.card_event("root_cause_completed", 1, CARD).await;
    let claim = bench.claims(1).await.remove(0);
    assert!(claim.delivery.in_doubt, "from one that waited");

    bench.card_event("solution_started", 2, CARD).await;
    bench.end(&claim, 2, Next::Dead(Reason::Timeout), true).await;
    let claim = bench.claims(2).await.remove(0);
    assert!(claim.delivery.in_doubt, "from one that died while the next one waited");
    bench.end(&claim, 3, Next::Dead(Reason::Timeout), true).await;
    bench.card_event("solution_completed", 3, CARD).await;
    let claim = bench.claims(3).await.remove(0);
    assert!(claim.delivery.in_doubt, "from one that died before");
    bench.end(&claim, 4, Next::Delivered, false).await;
    bench.card_event("coding_started", 4, CARD).await;
    assert!(!bench.claims(4).await[0].delivery.in_doubt);
}

#[tokio::test]
async fn what_a_card_shows_is_kept_with_it() {
    let bench = Bench::new().await;
    let place = MessageRef { channel: "C1".to_owned(), id: "1.0".to_owned() };
    let first = |shows| Some(FirstMessage { place: place.clone(), shows, mentions: Vec::new() });
    bench.card_event("root_cause_started", 0, CARD).await;
    let claim = bench.claims(0).await.remove(0);
    let message =
        FirstMessage { place: place.clone(), shows: Some(Fingerprint([1; 16])), mentions: Vec::new() };
    let record = Record { message: MessageChange::First(message), ..attempted(&claim, 0, Next::Delivered) };
    bench.store.record(record, at(0)).await.unwrap();
    bench.card_event("root_cause_completed", 1, CARD).await;
    let claim = bench.claims(1).await.remove(0);
    assert_eq!(claim.delivery.first, first(Some(Fingerprint([1; 16]))));
    let shows = MessageChange::Shows(Fingerprint([2; 16]));
    let record = Record { message: shows, ..attempted(&claim, 1, Next::Delivered) };
    bench.store.record(record, at(1)).await.unwrap();
    bench.card_event("solution_started", 2, CARD).await;
    let claim = bench.claims(2).await.remove(0);
    assert_eq!(claim.delivery.first, first(Some(Fingerprint([2; 16]))));
    let needless = Record { attempt: None, ..attempted(&claim, 2, Next::Superseded) };
    bench.store.record(needless, at(2)).await.unwrap();
    assert_eq!(bench.queue().await[2].2, DeliveryState::Superseded);
}

#[tokio::test]
async fn a_cards_story_is_that_of_the_whole_run() {
    let bench = Bench::new().await;
    for action in ["root_cause_started", "root_cause_completed"] {
        bench.card_event(action, 0, CARD).await;
    }
    let event = bench.deliveries(0).await[0].event_id.clone();
    let lengths = |told: Vec<Option<seer_relay::store::Told>>| match told.into_iter().next().flatten() {
        Some(seer_relay::store::Told::Story(story)) => (story.events.len(), story.payload.is_empty()),
        other => panic!("{other:?}"),
    };
    for (reach, expected) in [(Reach::UpToEvent, (1, false)), (Reach::WholeRun, (2, true))] {
        let wanted = [Wanted { event: event.clone(), reach }];
        assert_eq!(lengths(bench.store.stories(&wanted, usize::MAX).await.unwrap()), expected);
    }
}

#[tokio::test]
async fn a_replayed_card_is_a_card_and_a_rung_is_not_taken_over() {
    let bench = Bench::new().await;
    bench.card_event("root_cause_started", 0, CARD).await;
    let claim = bench.claims(0).await.remove(0);
    let plainer = Next::Retry { due_at: at(0), counted: false, rung: Rung::Brief };
    bench.end(&claim, 0, plainer, false).await;
    bench.card_event("root_cause_completed", 1, CARD).await;
    let claim = bench.claims(1).await.remove(0);
    assert_eq!(claim.delivery.rung, Rung::Whole);
    bench.end(&claim, 1, Next::Dead(Reason::Auth), false).await;
    bench.store.replay(ReplayTarget::Delivery(claim.delivery.id), at(2)).await.unwrap();
    assert_eq!(told(&bench.claims(2).await), CARD);
}
