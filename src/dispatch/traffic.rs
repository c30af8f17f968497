//! Traffic: what goes on at a destination's address, and what it said of itself. Goes on when the settings change, as
//! long as the destination is the same place.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::pace::Pace;
use super::place::Place;
use super::probe::Probe;
use super::slots::Slots;
use super::stories::Room;
use crate::delivery::{DestinationKind, Reason};
use crate::notify::{Destination, Rate};

/// What goes on at one address.
pub(super) struct Traffic {
    /// What kind of service stands there; `None` where that was never configured in this process.
    kind: Option<DestinationKind>,
    /// Held from just before a request to just after its answer.
    pub(super) slots: Slots,
    /// For heavy stories, from before they are read until they are told. Per destination, so that one that hangs keeps
    /// no other waiting.
    pub(super) heavy: Room,
    /// Raised by the plan loop: something new waits here.
    planned: AtomicBool,
    /// Whether the destination is configured no longer, or at another address: what is still heard here is no news.
    is_past: AtomicBool,
    /// Shared by all attempts, because one answer may close the destination for all of them. Never held over an
    /// await.
    door: Mutex<Door>,
}

/// Whether the address may be called.
pub(super) struct Door {
    pub(super) pace: Pace,
    pub(super) probe: Probe,
    /// Whether the destination no longer exists.
    pub(super) gone: Word,
    /// Whether it asked to be left alone, and that is to outlive the process.
    pub(super) held: Word,
    /// Whether it takes deliveries, as far as this process knows.
    pub(super) trust: Trust,
    /// The address; the last one that was known where its secret is missing now.
    address: Option<SecretString>,
}

/// Whether a destination takes deliveries, by its last answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// It has not said yet.
    Unknown,
    /// It does.
    Takes,
    /// It keeps refusing, or no longer exists.
    Refuses {
        /// Since when.
        since: Instant,
        /// Why, by its last answer.
        reason: Reason,
    },
}

/// A destination's word that it is closed, and whether the store knows of it: only then can the store tell that
/// somebody took it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    NotGiven,
    Unwritten,
    Written,
}

impl Door {
    /// Notes that the destination takes nothing; it has not since that was noted first.
    pub(super) fn lose_trust(&mut self, reason: Reason, now: Instant) {
        let since = match self.trust {
            Trust::Refuses { since, .. } => since,
            Trust::Unknown | Trust::Takes => now,
        };
        self.trust = Trust::Refuses { since, reason };
    }
}

impl Traffic {
    /// Starts at the address of a destination, of which nothing is known.
    pub(super) fn at(destination: &Destination, now: Instant) -> Self {
        let address = destination.service.address().known().cloned();
        let kind = Some(destination.service.kind());
        Self::new(kind, destination.in_flight.max(1), destination.rate, address, now)
    }

    /// Starts where no address was ever configured.
    pub(super) fn nowhere(now: Instant) -> Self {
        Self::new(None, 1, Rate::Unlimited, None, now)
    }

    fn new(
        kind: Option<DestinationKind>,
        in_flight: usize,
        rate: Rate,
        address: Option<SecretString>,
        now: Instant,
    ) -> Self {
        let door = Door {
            pace: Pace::new(rate, now),
            probe: Probe::default(),
            gone: Word::NotGiven,
            held: Word::NotGiven,
            trust: Trust::Unknown,
            address,
        };
        Self {
            kind,
            slots: Slots::new(in_flight),
            heavy: Room::default(),
            planned: AtomicBool::new(false),
            is_past: AtomicBool::new(false),
            door: Mutex::new(door),
        }
    }

    /// Returns what is known of whether it may be called.
    pub(super) fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether a destination is the same place: the same kind of service at the same address, as far as that is
    /// known.
    pub(super) fn is_of(&self, destination: &Destination) -> bool {
        let address = destination.service.address();
        let is_same_address = match (&self.door().address, address.known()) {
            (Some(one), Some(other)) => one.expose_secret() == other.expose_secret(),
            (Some(_) | None, _) => true,
        };
        self.kind == Some(destination.service.kind()) && is_same_address
    }

    /// Goes on under other settings of the same place.
    pub(super) fn go_on(&self, place: &Place, address: Option<&SecretString>, now: Instant) {
        self.slots.resize(place.in_flight);
        let mut door = self.door();
        door.pace.change_rate(place.rate, now);
        if let Some(address) = address {
            door.address = Some(address.clone());
        }
        self.is_past.store(false, Ordering::Release);
    }

    /// Notes that the destination is configured no longer, or at another address.
    pub(super) fn end(&self) {
        self.is_past.store(true, Ordering::Release);
    }

    /// Tells whether the destination is configured no longer, or at another address.
    pub(super) fn is_past(&self) -> bool {
        self.is_past.load(Ordering::Acquire)
    }

    /// Says that something new waits here.
    pub(super) fn announce(&self) {
        self.planned.store(true, Ordering::Release);
    }

    /// Returns whether something new was announced since it was asked last.
    pub(super) fn take_announcement(&self) -> bool {
        self.planned.load(Ordering::Relaxed) && self.planned.swap(false, Ordering::Acquire)
    }
}
