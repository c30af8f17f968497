//! Entries of the board: one desk each, with what is out there and when to look at it again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::dispatch::desk::{Desk, Standing};

/// How soon a closed destination is looked at again at the earliest.
const CLOSED_AT_LEAST: Duration = Duration::from_millis(500);

/// How many deliveries per place at a desk may be seated there, most of them being written down.
const UNWRITTEN_PER_SLOT: usize = 3;

/// A claim is a transaction, so more is not claimed one by one while many are out: only once one part of so many is free.
/// As many as may be under way are out meanwhile.
const PARTS_PER_CLAIM: usize = 3;

/// A desk on the board, and when to look at it.
pub(super) struct Entry {
    pub(super) desk: Arc<Desk>,
    /// Whether the destination has another desk by now; this one stays until everybody has left it.
    pub(super) is_past: bool,
    /// Deliveries that need a slot here, now or soon.
    pub(super) claimed: usize,
    /// These, and those that are being written down.
    pub(super) seated: usize,
    /// From when on something may be due; `None` while nothing is.
    pub(super) look_at: Option<Instant>,
    /// While the destination is closed: when to look at the clocks of what waits.
    pub(super) closed_look_at: Option<Instant>,
    /// While the store is asked for deliveries.
    pub(super) asked: Option<Asked>,
}

/// A question to the store for a desk.
pub(super) struct Asked {
    /// Whether what is claimed is to be sent.
    pub(super) sends: bool,
    /// How many deliveries it brought.
    pub(super) brought: usize,
}

/// When to look at a desk.
pub(super) enum Look {
    Now { allowance: usize, sends: bool },
    At(Instant),
    WhenHeardOf,
}

impl Entry {
    /// Puts a desk on the board; it is looked at first of all.
    pub(super) fn new(desk: Arc<Desk>, now: Instant) -> Self {
        Self {
            desk,
            is_past: false,
            claimed: 0,
            seated: 0,
            look_at: Some(now),
            closed_look_at: None,
            asked: None,
        }
    }

    /// Tells whether it has to stay on the board.
    pub(super) fn is_wanted(&self) -> bool {
        !self.is_past || self.seated > 0
    }

    /// Notes that a delivery has left the desk.
    pub(super) fn leave(&mut self) {
        self.seated = self.seated.saturating_sub(1);
    }

    /// Has it looked at then at the latest.
    pub(super) fn look_no_later_than(&mut self, look_at: Instant) {
        self.look_at = Some(earliest(self.look_at, look_at));
        self.closed_look_at = self.closed_look_at.map(|closed| closed.min(look_at));
    }

    /// Returns when to ask for deliveries, and for how many.
    pub(super) fn look(&mut self, now: Instant, closed_at_most: Duration) -> Look {
        let standing = self.desk.standing(now);
        let capacity = self.desk.capacity(standing);
        // Where answers cannot be written down, more and more calls would be made again later.
        let unwritten = capacity.saturating_mul(UNWRITTEN_PER_SLOT).saturating_sub(self.seated);
        let free = capacity.saturating_sub(self.claimed).min(unwritten);
        match standing {
            Standing::Open => {
                if self.closed_look_at.take().is_some() {
                    self.look_at = Some(now);
                }
                let is_enough = free >= capacity / PARTS_PER_CLAIM;
                self.look_open(now, if is_enough { free } else { 0 })
            }
            Standing::Gone | Standing::Removed => self.look_due(now, free, false),
            Standing::Held(_) | Standing::Keyless => self.look_closed(now, free, standing, closed_at_most),
        }
    }

    fn look_open(&self, now: Instant, free: usize) -> Look {
        let ready = self.desk.ready(now);
        if ready == 0 && free > 0 && self.look_at.is_some_and(|look_at| look_at <= now) {
            return Look::At(self.desk.opens_at(now));
        }
        self.look_due(now, free.min(ready), true)
    }

    fn look_due(&self, now: Instant, allowance: usize, sends: bool) -> Look {
        match self.look_at {
            Some(look_at) if look_at > now => Look::At(look_at),
            Some(_) if allowance > 0 => Look::Now { allowance, sends },
            Some(_) | None => Look::WhenHeardOf,
        }
    }

    /// What waits for a closed destination is looked at when one of its clocks may have run out, never often.
    fn look_closed(
        &mut self,
        now: Instant,
        free: usize,
        standing: Standing,
        closed_at_most: Duration,
    ) -> Look {
        let look_at = *self.closed_look_at.get_or_insert(now + closed_at_most);
        if look_at <= now && free > 0 {
            self.closed_look_at = Some(now + closed_at_most.max(CLOSED_AT_LEAST));
            return Look::Now { allowance: free, sends: false };
        }
        let opens_at = (standing != Standing::Keyless).then(|| self.desk.opens_at(now));
        let look_at = (free > 0).then_some(look_at);
        match opens_at.map_or(look_at, |opens_at| Some(earliest(look_at, opens_at))) {
            Some(moment) => Look::At(moment),
            None => Look::WhenHeardOf,
        }
    }
}

/// Returns the earlier of two moments, of which the first may not be known.
pub(super) fn earliest(one: Option<Instant>, other: Instant) -> Instant {
    one.map_or(other, |one| one.min(other))
}
