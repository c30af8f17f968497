//! One claimed delivery: decide, render, send, record.
//!
//! What an answer means is `notify`'s to say, when to try again `backoff`'s, and which delivery comes next the
//! board's.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{SemaphorePermit, mpsc, watch};
use tokio::time::{Instant, timeout};

use super::Shared;
use super::backoff::Failure;
use super::board::{Report, Seat};
use super::decide::{decide, runs_out_at};
use super::desk::Desk;
use super::finish::{Began, Finish, Subject};
use super::journal;
use super::letter::{self, Letter, Matter};
use super::place::Place;
use super::regime::Regime;
use super::stories::{StoryTicket, fetch_digest, fetch_heavy};
use crate::delivery::{Delivery, Part, Reason};
use crate::notify::{Call, Notifier, SendError, Verdict};
use crate::store::{DeliveryClaim, DestinationChange, Next, Record, Recorded, Told};

/// How long a claimed delivery waits for a free slot, or for room for its story, before it is given back. Together with
/// an attempt and its recording it stays within the lease.
const SLOT_PATIENCE: Duration = Duration::from_secs(10);

/// By how much an attempt may outlast its timeout, so that the notifier, which knows how far it came, ends it first.
const TIMEOUT_MARGIN: Duration = Duration::from_millis(500);

/// What every delivery needs.
pub(super) struct Courier {
    pub(super) shared: Arc<Shared>,
    /// Turns true when attempts under way have to end.
    pub(super) quit: watch::Receiver<bool>,
    pub(super) reports: mpsc::UnboundedSender<Report>,
}

/// A claimed delivery at its desk.
pub(super) struct Job {
    pub(super) claim: DeliveryClaim,
    /// By which it is sent, whatever comes into force meanwhile.
    pub(super) regime: Arc<Regime>,
    pub(super) desk: Arc<Desk>,
    pub(super) seat: Seat,
    pub(super) story: StoryTicket,
    /// Whether a call was counted for it.
    pub(super) paid: bool,
    pub(super) claimed_at: Instant,
}

/// Takes one claimed delivery to its end for now, and reports to the loop.
pub(super) async fn deliver(courier: Arc<Courier>, job: Job) {
    let Job { claim, regime, desk, mut seat, story, paid, claimed_at } = job;
    let DeliveryClaim { ticket, delivery } = claim;
    let shared = &*courier.shared;
    let finish = courier.attempt(&regime, &desk, &delivery, story, paid).await;
    let now = Instant::now();
    if paid && !finish.called {
        desk.give_back();
    }
    seat.answer();

    journal::tell(&shared.metrics, &delivery, &finish);
    let look_at = courier.look_at(&regime, &delivery, &finish.next, desk.place.as_ref(), now);
    let record = finish.record(ticket, delivery.in_doubt, shared.clock.wall());
    match courier.record(&record, &desk, claimed_at + regime.lease).await {
        Some(Recorded::Done) => {
            desk.note_written(&record.destination);
            if matches!(record.next, Next::Dead(_)) {
                shared.note_death(&desk);
            }
        }
        Some(Recorded::LeaseLost) => shared.metrics.lease_lost(),
        None => journal::unrecorded(&delivery),
    }
    seat.leave(look_at);
}

impl Courier {
    async fn attempt(
        &self,
        regime: &Regime,
        desk: &Desk,
        delivery: &Delivery,
        story: StoryTicket,
        paid: bool,
    ) -> Finish {
        let shared = &*self.shared;
        if let Err(next) = self.may_send(regime, desk, delivery) {
            return Finish::uncalled(next);
        }
        if !paid {
            // Claimed while the destination was closed, without a word to its pace: it is claimed again, as a call.
            return Finish::uncalled(Next::GivenBack);
        }
        let Some(place) = &desk.place else { return Finish::uncalled(Next::Dead(Reason::Removed)) };
        if delivery.part == Part::Card && !place.keeps_cards() {
            // What it would have shown comes as messages of their own by now.
            return Finish::uncalled(Next::Superseded);
        }
        let Some(notifier) = &place.notifier else { return Finish::uncalled(Next::GivenBack) };
        let fetched = tokio::select! {
            biased;
            fetched = fetch(shared, desk, delivery, story) => fetched,
            () = self.quitting() => None,
        };
        let Some((matter, rooms)) = fetched else { return Finish::uncalled(Next::GivenBack) };
        // One is dropped with the message, once it is told; the other when it is made.
        let (_room, workshop) = rooms.unzip();
        let subject = Subject::of(delivery, matter.as_ref().and_then(Matter::events));
        let template = matter.as_ref().and_then(|matter| letter::template(regime, place, delivery, matter));

        let began = Began::now(&shared.clock);
        let letter = match Letter::write(shared, regime, place, notifier.as_ref(), delivery, matter) {
            Ok(letter) => letter,
            Err(words) => return Finish::unrendered(delivery, began, &words).by(template).of(subject),
        };
        drop(workshop);
        if letter.is_needless(delivery) {
            return Finish::uncalled(Next::Superseded).of(subject);
        }
        let Some(permit) = patiently(desk.slot()).await else {
            return Finish::uncalled(Next::GivenBack).of(subject);
        };
        // The answer to another delivery may have closed the destination in the meantime.
        if let Err(next) = self.may_send(regime, desk, delivery) {
            return Finish::uncalled(next).of(subject);
        }
        let mut finish = self.send(regime, place.timeout, notifier.as_ref(), delivery, letter).await;
        // While the slot is still taken: whoever gets it next is to know.
        finish.tell(desk, &delivery.id, &regime.rules.delivery, Instant::now());
        drop(permit);
        finish.by(template).of(subject)
    }

    fn may_send(&self, regime: &Regime, desk: &Desk, delivery: &Delivery) -> Result<(), Next> {
        let expire_after = desk.place.as_ref().and_then(|place| place.expire_after);
        let now = self.shared.clock.steady();
        decide(desk.standing(Instant::now()), delivery, expire_after, &regime.rules.delivery, now)
    }

    async fn send(
        &self,
        regime: &Regime,
        limit: Duration,
        notifier: &dyn Notifier,
        delivery: &Delivery,
        letter: Letter,
    ) -> Finish {
        let began = Began::now(&self.shared.clock);
        let call =
            Call { delivery_id: delivery.id.clone(), now: began.at, envelope: letter.envelope.clone() };
        let answer = tokio::select! {
            biased;
            answer = timeout(limit + TIMEOUT_MARGIN, notifier.send(letter.body.clone(), &call)) => answer,
            () = self.quitting() => {
                return Finish::interrupted(delivery, began, self.shared.clock.steady(), !letter.edits());
            }
        };
        let error = match answer {
            Ok(Ok(sent)) => return Finish::taken(delivery, began, &sent, letter.change(&sent)),
            Ok(Err(error)) => error,
            Err(_) => no_answer(),
        };
        let error = SendError { in_doubt: error.in_doubt && !letter.edits(), ..error };
        let failure = Failure {
            error: &error,
            next_rung: notifier.next_rung(delivery.rung, error.status),
            now: self.shared.clock.steady(),
            jitter: rand::random(),
        };
        Finish::refused(delivery, began, &failure, &regime.rules.delivery)
    }

    async fn quitting(&self) {
        // Where the sender is gone, the loop has ended already and this task with it.
        let _ = self.quit.clone().wait_for(|quit| *quit).await;
    }

    /// Returns when there may be something due at the desk, once what became of the delivery is written.
    fn look_at(
        &self,
        regime: &Regime,
        delivery: &Delivery,
        next: &Next,
        place: Option<&Place>,
        now: Instant,
    ) -> Instant {
        match next {
            Next::Delivered | Next::Superseded | Next::Dead(_) => now,
            Next::Retry { due_at, .. } => self.shared.clock.instant_of(*due_at),
            Next::GivenBack => {
                let expire_after = place.and_then(|place| place.expire_after);
                let runs_out = runs_out_at(delivery, expire_after, &regime.rules.delivery);
                self.shared.clock.instant_of(runs_out).max(now + super::POLL)
            }
        }
    }

    /// Writes what became of a delivery, for as long as the lease lasts: what was sent should not be sent twice. What the
    /// answer says of the destination counts only for the address that gave it.
    async fn record(&self, record: &Record, desk: &Desk, until: Instant) -> Option<Recorded> {
        let shared = &*self.shared;
        let ask = async || {
            let mut record = record.clone();
            let _no_handover = match record.destination {
                DestinationChange::None => None,
                DestinationChange::HeldUntil(_) | DestinationChange::Gone => {
                    Some(shared.records.read().await)
                }
            };
            if !shared.regime().concerns(desk) {
                record.destination = DestinationChange::None;
            }
            shared.queue.record(record, shared.clock.wall()).await
        };
        shared.outage.insist(until, ask).await
    }
}

/// Returns what is to be told, and the rooms that it takes where it is heavy; `None` where it cannot be had now.
async fn fetch<'a>(
    shared: &'a Shared,
    desk: &'a Desk,
    delivery: &Delivery,
    ticket: StoryTicket,
) -> Option<(Option<Matter>, Option<Rooms<'a>>)> {
    if delivery.part == Part::Digest {
        return Some((fetch_digest(delivery, shared).await?.map(Matter::Digest), None));
    }
    let bytes = match ticket.fetch(shared).await? {
        None => return Some((None, None)),
        Some(Told::Story(story)) => return Some((Some(Matter::Story(story)), None)),
        Some(Told::Heavy { bytes }) => bytes,
    };
    let room = patiently(desk.room_for(bytes)).await?;
    let workshop = patiently(shared.workshop.room_for(bytes)).await?;
    let story = fetch_heavy(delivery, shared).await?.map(Matter::Story);
    Some((story, Some((room, workshop))))
}

/// What a heavy story takes at its desk, and while its message is made.
type Rooms<'a> = (SemaphorePermit<'a>, SemaphorePermit<'a>);

async fn patiently<T>(wait: impl Future<Output = Option<T>>) -> Option<T> {
    timeout(SLOT_PATIENCE, wait).await.ok()?
}

fn no_answer() -> SendError {
    SendError {
        reason: Reason::Timeout,
        verdict: Verdict::Retry,
        status: None,
        words: None,
        retry_after: None,
        in_doubt: true,
        doubt: None,
    }
}
