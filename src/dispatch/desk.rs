//! Desks: what the dispatcher knows of one destination, shared by the loop that claims and the attempts under way.
//!
//! A desk says whether its destination may be called; it neither claims nor sends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::DeliveryConfig;
use super::pace::Pace;
use super::probe::{Change, Probe};
use super::stories::Room;
use crate::delivery::{Delivery, DeliveryId, DestinationName, Part, Reason};
use crate::event::Action;
use crate::notify::{Destination, Notifier, Position, Rate, Service, Style, announces, parts_of};
use crate::render::Target;
use crate::routing::Pattern;
use crate::store::{CardKeeper, DestinationChange, DestinationEntry};
use crate::telemetry::Metrics;

/// How many deliveries are looked at together where none is sent: the destination is gone, or closed for long.
const UNSENT_AT_ONCE: usize = 64;

/// One destination at work.
pub(super) struct Desk {
    /// Its name.
    pub(super) name: DestinationName,
    /// What is configured of it; `None` where it is configured no longer.
    pub(super) place: Option<Place>,
    /// One permit per request that may be open at once. Held from just before a request to just after its answer.
    slots: Semaphore,
    /// For heavy stories, from before they are read until they are told. Per destination, so that one that hangs keeps
    /// no other waiting.
    heavy: Room,
    /// Raised by the plan loop: something new waits here.
    planned: AtomicBool,
    /// Shared by all attempts, because one answer may close the destination for all of them. Never held over an
    /// await.
    door: Mutex<Door>,
}

/// What is configured of a destination.
pub(super) struct Place {
    /// Speaks to it; `None` while its secret is missing.
    pub(super) notifier: Option<Arc<dyn Notifier>>,
    /// What its messages are rendered for, unless a route named another template set.
    pub(super) target: Target,
    /// Whether its messages tell the payload.
    pub(super) wants_payload: bool,
    /// How the messages of a run hang together.
    style: Style,
    /// How long what comes is gathered for one message that sums it up.
    pub(super) digest: Option<Duration>,
    /// Actions that everybody is to see.
    announce: Vec<Pattern>,
    /// How long one attempt may take.
    pub(super) timeout: Duration,
    /// How long a message is news.
    pub(super) expire_after: Option<Duration>,
    /// How many deliveries may be claimed for it at once.
    capacity: usize,
    metrics: Arc<Metrics>,
}

struct Door {
    pace: Pace,
    probe: Probe,
    /// Whether the destination no longer exists.
    gone: Word,
    /// Whether it asked to be left alone, and that is to outlive the process.
    held: Word,
}

/// A destination's word that it is closed, and whether the store knows of it: only then can the store tell that
/// somebody took it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    NotGiven,
    Unwritten,
    Written,
}

/// Whether a destination may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may be called, as often as its pace allows.
    Open,
    /// It is left alone for now: it asked for that, or keeps refusing for this reason.
    Held(Reason),
    /// Its secret is missing.
    Keyless,
    /// It no longer exists.
    Gone,
    /// It is no longer configured.
    Removed,
}

impl Place {
    /// Returns which messages an event of this action becomes here, in order.
    pub(super) fn parts(&self, action: &Action) -> &'static [Part] {
        parts_of(self.style, self.digest, &self.announce, action)
    }

    /// Tells whether a run has one card here.
    pub(super) fn keeps_cards(&self) -> bool {
        self.style == Style::Card
    }

    /// Returns where the message of a delivery goes.
    pub(super) fn position(&self, delivery: &Delivery, action: &Action) -> Position {
        let Some(first) = &delivery.first else { return Position::Alone };
        let message = first.place.clone();
        match (delivery.part, self.style) {
            (Part::Card, _) => Position::Instead(message),
            (Part::Announcement, _) => Position::Under { message, announced: true },
            (Part::Message, Style::Thread) => {
                Position::Under { message, announced: announces(&self.announce, action) }
            }
            (Part::Message, Style::Messages | Style::Card) | (Part::Digest, _) => Position::Alone,
        }
    }

    /// Tells whether the message of a delivery is the first one of its run here, where there is none yet.
    pub(super) fn may_be_first(&self, part: Part) -> bool {
        match part {
            Part::Card => true,
            Part::Message => self.style == Style::Thread,
            Part::Announcement | Part::Digest => false,
        }
    }
}

impl Desk {
    /// Sets up the desk of a configured destination.
    pub(super) fn configured(
        destination: &Destination,
        notifier: Option<Arc<dyn Notifier>>,
        metrics: Arc<Metrics>,
        now: Instant,
    ) -> Self {
        let in_flight = destination.in_flight.clamp(1, Semaphore::MAX_PERMITS);
        // Where no pace limits the calls, a few deliveries more are claimed and rendered than may be under way, so
        // that a slot that falls free is not idle for the time of a claim.
        let ahead = if destination.rate == Rate::Unlimited { in_flight / 2 } else { 0 };
        let place = Place {
            notifier,
            target: destination.target(None),
            wants_payload: wants_payload(&destination.service),
            style: destination.style,
            digest: destination.digest,
            announce: destination.announce.clone(),
            timeout: destination.timeout,
            expire_after: destination.expire_after,
            capacity: in_flight + ahead,
            metrics,
        };
        Self::new(destination.name.clone(), Some(place), in_flight, destination.rate, now)
    }

    /// Sets up the desk of a destination that is no longer configured.
    pub(super) fn removed(name: DestinationName, now: Instant) -> Self {
        Self::new(name, None, 1, Rate::Unlimited, now)
    }

    fn new(name: DestinationName, place: Option<Place>, in_flight: usize, rate: Rate, now: Instant) -> Self {
        let door = Mutex::new(Door {
            pace: Pace::new(rate, now),
            probe: Probe::default(),
            gone: Word::NotGiven,
            held: Word::NotGiven,
        });
        Self {
            name,
            place,
            slots: Semaphore::new(in_flight),
            heavy: Room::default(),
            planned: AtomicBool::new(false),
            door,
        }
    }

    /// Returns the destination as the store is to know it where it keeps cards.
    pub(super) fn as_card_keeper(&self) -> Option<CardKeeper> {
        let place = self.place.as_ref().filter(|place| place.keeps_cards())?;
        Some(CardKeeper { name: self.name.clone(), kind: place.target.kind })
    }

    /// Waits until a request may begin; `None` where it never may, because the relay stops.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }

    /// Waits until there is room for a heavy story; `None` where the relay stops.
    pub(super) async fn room_for(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        self.heavy.room_for(bytes).await
    }

    /// Lets no further request begin.
    pub(super) fn close_slots(&self) {
        self.slots.close();
        self.heavy.close();
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something new waits here.
    pub(super) fn announce(&self) {
        self.planned.store(true, Ordering::Release);
    }

    /// Returns whether something new was announced since it was asked last.
    pub(super) fn take_announcement(&self) -> bool {
        self.planned.load(Ordering::Relaxed) && self.planned.swap(false, Ordering::Acquire)
    }

    /// Returns whether the destination may be called.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        let Some(place) = &self.place else { return Standing::Removed };
        let door = self.door();
        if door.gone != Word::NotGiven {
            Standing::Gone
        } else if place.notifier.is_none() {
            Standing::Keyless
        } else if door.pace.held_until(now).is_some() {
            Standing::Held(door.probe.reason().unwrap_or(Reason::RateLimited))
        } else {
            Standing::Open
        }
    }

    /// Returns how many deliveries may be claimed at once, for a destination in this standing.
    pub(super) fn capacity(&self, standing: Standing) -> usize {
        match (standing, &self.place) {
            (Standing::Open, Some(place)) => self.door().probe.limit(place.capacity),
            (
                Standing::Open | Standing::Held(_) | Standing::Keyless | Standing::Gone | Standing::Removed,
                _,
            ) => UNSENT_AT_ONCE,
        }
    }

    /// Returns how many calls its pace allows now.
    pub(super) fn ready(&self, now: Instant) -> usize {
        self.door().pace.ready(now)
    }

    /// Returns from when on its pace allows a call.
    pub(super) fn opens_at(&self, now: Instant) -> Instant {
        self.door().pace.opens_at(now)
    }

    /// Counts calls that are about to be made.
    pub(super) fn take(&self, calls: usize, now: Instant) {
        self.door().pace.take(calls, now);
    }

    /// Takes back a call that was counted and not made.
    pub(super) fn give_back(&self) {
        self.door().pace.give_back();
    }

    /// Leaves the destination alone for a while.
    pub(super) fn pause(&self, pause: Duration, now: Instant) {
        self.door().pace.hold(pause, now);
    }

    /// Leaves the destination alone, because it asked for that in words that are written down.
    pub(super) fn hold(&self, pause: Duration, now: Instant) {
        let mut door = self.door();
        door.pace.hold(pause, now);
        door.held = Word::Unwritten;
    }

    /// Notes that the destination took a delivery.
    pub(super) fn note_taken(&self, now: Instant) {
        let Some(place) = &self.place else { return };
        let change = self.door().probe.taken(place.capacity, now);
        self.tell(place, change, None);
    }

    /// Notes that the destination refused a delivery as it might have refused any other; returns for how long it is
    /// left alone, where it keeps refusing.
    pub(super) fn note_refused(
        &self,
        delivery: &DeliveryId,
        reason: Reason,
        settings: &DeliveryConfig,
        now: Instant,
    ) -> Option<Duration> {
        let place = self.place.as_ref()?;
        let change = {
            let mut door = self.door();
            if door.pace.held_until(now).is_some() {
                // It began before the others told.
                return None;
            }
            door.probe.refused(delivery, reason, settings, now)
        };
        self.tell(place, change, Some(reason));
        match change? {
            Change::Paused { pause, .. } => Some(pause),
            Change::Resumed(_) => None,
        }
    }

    /// Says once that it begins to be left alone, and once that this has ended.
    fn tell(&self, place: &Place, change: Option<Change>, reason: Option<Reason>) {
        let destination = self.name.as_str();
        match change {
            Some(Change::Paused { first: true, .. }) => {
                place.metrics.destination_paused(destination, true);
                tracing::warn!(
                    destination,
                    reason = reason.map(Reason::as_str),
                    "the destination keeps refusing; its deliveries wait, and it is tried with one at a time"
                );
            }
            Some(Change::Resumed(after)) => {
                place.metrics.destination_paused(destination, false);
                tracing::info!(
                    destination,
                    refused_s = after.as_secs(),
                    "the destination is called again; what waited goes out"
                );
            }
            Some(Change::Paused { first: false, .. }) | None => {}
        }
    }

    /// Closes the destination, because an answer said that it no longer exists.
    pub(super) fn close(&self) {
        let mut door = self.door();
        if door.gone == Word::NotGiven {
            door.gone = Word::Unwritten;
            drop(door);
            tracing::error!(
                destination = %self.name,
                "the destination no longer exists; nothing is sent to it until its address changes or `test` succeeds"
            );
        }
    }

    /// Notes that the store knows what an answer said of the destination.
    pub(super) fn note_written(&self, change: &DestinationChange) {
        let mut door = self.door();
        match change {
            DestinationChange::None => {}
            DestinationChange::HeldUntil(_) => door.held = Word::Written,
            DestinationChange::Gone => door.gone = Word::Written,
        }
    }

    /// Takes over what the store remembers of the destination.
    pub(super) fn remember(&self, gone: bool, hold: Option<Duration>, now: Instant) {
        let mut door = self.door();
        if gone {
            door.gone = Word::Written;
        }
        if let Some(hold) = hold {
            door.pace.hold(hold, now);
            door.held = Word::Written;
            if door.pace.held_until(now).is_some() {
                door.probe.begin_gently();
            }
        }
    }

    /// Returns whether the destination is closed and the store knows.
    pub(super) fn is_closed_for_the_store(&self, now: Instant) -> bool {
        let door = self.door();
        door.gone == Word::Written || (door.held == Word::Written && door.pace.held_until(now).is_some())
    }

    /// Opens the destination again where the store, asked after it knew, says no longer that it is gone or held.
    pub(super) fn reopen(&self, gone: bool, held: bool, now: Instant) {
        let mut door = self.door();
        if door.gone == Word::Written && !gone {
            door.gone = Word::NotGiven;
        }
        if door.held == Word::Written && !held {
            door.held = Word::NotGiven;
            door.pace.release(now);
            let change = door.probe.forget(now);
            drop(door);
            if let Some(place) = &self.place {
                self.tell(place, change, None);
            }
        }
    }
}

/// Returns what the store is to know of a configured destination.
pub(super) fn entry(destination: &Destination) -> DestinationEntry {
    DestinationEntry {
        name: destination.name.clone(),
        kind: destination.service.kind(),
        address: destination.service.address().known().cloned(),
    }
}

fn wants_payload(service: &Service) -> bool {
    match service {
        Service::Slack(_) | Service::Discord(_) => false,
        Service::Webhook(webhook) => !webhook.thin,
    }
}
