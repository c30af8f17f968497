//! Desks: what the dispatcher knows of one destination, shared by the loop that claims and the attempts under way.
//!
//! A desk says whether its destination may be called; it neither claims nor sends.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::DeliveryConfig;
use super::place::Place;
use super::probe::Change;
use super::traffic::{Door, Traffic, Trust, Word};
use crate::delivery::{DeliveryId, DestinationName, Reason};
use crate::notify::{Destination, Notifier};
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
    /// What goes on there; other desks before and after this one may share it.
    traffic: Arc<Traffic>,
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

impl Desk {
    /// Sets up the desk of a configured destination, which goes on with the traffic of `former`, its desk until now, where
    /// it is still the same place.
    pub(super) fn configured(
        destination: &Destination,
        notifier: Option<Arc<dyn Notifier>>,
        metrics: Arc<Metrics>,
        former: Option<&Self>,
        now: Instant,
    ) -> Self {
        metrics.destinations().expect(destination.name.as_str());
        let same = former.filter(|former| former.traffic.is_of(destination));
        let traffic =
            same.map_or_else(|| Arc::new(Traffic::at(destination, now)), |desk| Arc::clone(&desk.traffic));
        let place = Some(Place::new(destination, notifier, metrics));
        Self { name: destination.name.clone(), place, traffic }
    }

    /// Sets up the desk of a destination that was never configured in this process.
    pub(super) fn unknown(name: DestinationName, now: Instant) -> Self {
        Self { name, place: None, traffic: Arc::new(Traffic::nowhere(now)) }
    }

    /// Sets up the desk of a destination that is configured no longer. Should it come back, its traffic goes on.
    pub(super) fn removed(former: &Self) -> Self {
        Self { name: former.name.clone(), place: None, traffic: Arc::clone(&former.traffic) }
    }

    /// Tells whether another desk of the destination goes on where this one was: at the same address.
    pub(super) fn goes_on_at(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.traffic, &other.traffic)
    }

    /// Takes the place of the desk that the destination had until now. `destination` is what is configured of it.
    pub(super) fn succeed(&self, former: &Self, destination: Option<&Destination>, now: Instant) {
        let was_shown = former.is_shown_as_paused();
        if !self.goes_on_at(former) {
            former.traffic.end();
        }
        match (&self.place, destination) {
            (Some(place), Some(destination)) => {
                let address = destination.service.address();
                self.traffic.go_on(place, address.known(), now);
            }
            (Some(_) | None, _) => self.traffic.end(),
        }
        let is_shown = self.is_shown_as_paused();
        if let Some(place) = self.place.as_ref().or(former.place.as_ref()).filter(|_| is_shown != was_shown) {
            place.metrics.destinations().paused(self.name.as_str(), is_shown);
        }
    }

    fn is_shown_as_paused(&self) -> bool {
        self.place.is_some() && self.door().probe.reason().is_some()
    }

    /// Returns the destination as the store is to know it where it keeps cards.
    pub(super) fn as_card_keeper(&self) -> Option<CardKeeper> {
        let place = self.place.as_ref().filter(|place| place.keeps_cards())?;
        Some(CardKeeper { name: self.name.clone(), kind: place.target.kind })
    }

    /// Waits until a request may begin; `None` where it never may, because the relay stops.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.traffic.slots.take().await
    }

    /// Waits until there is room for a heavy story; `None` where the relay stops.
    pub(super) async fn room_for(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        self.traffic.heavy.room_for(bytes).await
    }

    /// Lets no further request begin.
    pub(super) fn close_slots(&self) {
        self.traffic.slots.close();
        self.traffic.heavy.close();
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.traffic.door()
    }

    /// Says that something new waits here.
    pub(super) fn announce(&self) {
        self.traffic.announce();
    }

    /// Returns whether something new was announced since it was asked last.
    pub(super) fn take_announcement(&self) -> bool {
        self.traffic.take_announcement()
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

    /// Returns whether the destination takes deliveries, as far as it has said.
    pub(super) fn trust(&self) -> Trust {
        self.door().trust
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
        let change = {
            let mut door = self.door();
            door.trust = Trust::Takes;
            door.probe.taken(place.capacity, now)
        };
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
            let change = door.probe.refused(delivery, reason, settings, now);
            if change.is_some() {
                door.lose_trust(reason, now);
            }
            change
        };
        self.tell(place, change, Some(reason));
        match change? {
            Change::Paused { pause, .. } => Some(pause),
            Change::Resumed(_) => None,
        }
    }

    /// Says once that it begins to be left alone, and once that this has ended.
    fn tell(&self, place: &Place, change: Option<Change>, reason: Option<Reason>) {
        if self.traffic.is_past() {
            return;
        }
        let destination = self.name.as_str();
        match change {
            Some(Change::Paused { first: true, .. }) => {
                place.metrics.destinations().paused(destination, true);
                tracing::warn!(
                    destination,
                    reason = reason.map(Reason::as_str),
                    "the destination keeps refusing; its deliveries wait, and it is tried with one at a time"
                );
            }
            Some(Change::Resumed(after)) => {
                place.metrics.destinations().paused(destination, false);
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
            door.lose_trust(Reason::Gone, Instant::now());
            drop(door);
            if self.traffic.is_past() {
                return;
            }
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
            door.lose_trust(Reason::Gone, now);
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
            // Somebody says that it is there again.
            door.trust = Trust::Takes;
        }
        if door.held == Word::Written && !held {
            door.held = Word::NotGiven;
            door.pace.release(now);
            let change = door.probe.forget(now);
            if matches!(door.trust, Trust::Refuses { .. }) {
                door.trust = Trust::Takes;
            }
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
        fallback: destination.fallback.as_ref().map(|fallback| fallback.to.clone()),
    }
}
