//! The board: which destinations are to be asked for deliveries now, how many, and when to look again.
//!
//! It belongs to the loop that claims; attempts under way reach it by [`Report`]s. Neither claims nor sends.

mod entry;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use self::entry::{Asked, Entry, Look, earliest};
use super::desk::Desk;
use super::moment::SteadyClock;
use super::regime::Regime;
use crate::delivery::DestinationName;
use crate::store::{Claims, DeliveryClaim, DestinationStatus, OpenDestination};

/// What an attempt under way, or a look at the store, tells the loop.
pub(super) enum Report {
    /// A claimed delivery no longer needs a slot at this desk: the answer is there.
    Answered(usize),
    /// A claimed delivery has left this desk: what became of it is written, or never will be.
    Left {
        /// The desk's number.
        desk: usize,
        /// From when on there may be something due here because of it.
        look_at: Option<Instant>,
    },
    /// What the store remembers of destinations.
    Known {
        /// Its answer.
        statuses: Vec<DestinationStatus>,
        /// How things stood when it was asked.
        asked: Question,
    },
}

/// How things stood when the store was asked what it remembers.
pub(super) struct Question {
    /// The desks that were closed, and that it knew of.
    closed: Vec<usize>,
    /// How often the regime had changed.
    changes: usize,
}

/// A claimed delivery's place at its desk; given back when it is dropped, in whatever way its task ends.
pub(super) struct Seat {
    desk: usize,
    reports: mpsc::UnboundedSender<Report>,
    answered: bool,
    look_at: Option<Instant>,
}

impl Seat {
    /// Takes the place of a delivery that the board has seated; reports go to the loop.
    pub(super) fn new(desk: usize, reports: mpsc::UnboundedSender<Report>) -> Self {
        Self { desk, reports, answered: false, look_at: None }
    }

    /// Says that the answer is there: another delivery may be claimed while this one is written down.
    pub(super) fn answer(&mut self) {
        if !std::mem::replace(&mut self.answered, true) {
            // The loop may have ended first; then nobody needs to know.
            let _ = self.reports.send(Report::Answered(self.desk));
        }
    }

    /// Leaves the place; from `look_at` on there may be something due at the desk.
    pub(super) fn leave(mut self, look_at: Instant) {
        self.look_at = Some(look_at);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.answer();
        let _ = self.reports.send(Report::Left { desk: self.desk, look_at: self.look_at });
    }
}

/// A desk that is to be asked for deliveries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    desk: usize,
    allowance: usize,
    /// Whether what is claimed is to be sent and counts for the pace; else its clocks are looked at.
    sends: bool,
}

/// Where a claimed delivery belongs.
pub(super) struct Seated {
    /// The desk's number.
    pub(super) number: usize,
    /// The desk.
    pub(super) desk: Arc<Desk>,
    /// Whether a call was counted for it.
    pub(super) paid: bool,
}

/// All desks, and when to look at each.
pub(super) struct Board {
    /// By their numbers, which are given once.
    entries: BTreeMap<usize, Entry>,
    next_number: usize,
    numbers: HashMap<DestinationName, usize>,
    /// How long a closed destination's deliveries are left unlooked at: as long as none of their clocks can run out
    /// unnoticed for more than that.
    closed_at_most: Duration,
    /// How often the regime has changed: what the store answered before says nothing of the addresses since.
    changes: usize,
}

impl Board {
    /// Sets up the desks; each is looked at first of all.
    pub(super) fn new(regime: &Regime, now: Instant) -> Self {
        let closed_at_most = regime.closed_at_most();
        let (entries, numbers) = (BTreeMap::new(), HashMap::new());
        let mut board = Self { entries, next_number: 0, numbers, closed_at_most, changes: 0 };
        for desk in regime.desks() {
            board.add(Arc::clone(desk), now);
        }
        board
    }

    fn add(&mut self, desk: Arc<Desk>, now: Instant) {
        self.numbers.insert(desk.name.clone(), self.next_number);
        self.entries.insert(self.next_number, Entry::new(desk, now));
        self.next_number += 1;
    }

    /// Sets up other desks, each of which is looked at. Who sits at a desk goes on there; one whose destination has
    /// another address now gets a new one beside it.
    pub(super) fn change(&mut self, regime: &Regime, now: Instant) {
        self.closed_at_most = regime.closed_at_most();
        self.changes += 1;
        for desk in regime.desks() {
            let entry = self.numbers.get(&desk.name).and_then(|number| self.entries.get_mut(number));
            match entry {
                Some(entry) if entry.desk.goes_on_at(desk) => {
                    entry.desk = Arc::clone(desk);
                    (entry.look_at, entry.closed_look_at) = (Some(now), None);
                }
                Some(entry) => {
                    entry.is_past = true;
                    self.add(Arc::clone(desk), now);
                }
                None => self.add(Arc::clone(desk), now),
            }
        }
        self.entries.retain(|_, entry| entry.is_wanted());
    }

    /// Notes what was planned since the last time.
    pub(super) fn hear_announcements(&mut self, now: Instant) {
        for entry in self.entries.values_mut() {
            if entry.desk.take_announcement() {
                entry.look_at = Some(now);
            }
        }
    }

    /// Notes a report.
    pub(super) fn hear(&mut self, report: Report, now: Instant) {
        match report {
            Report::Answered(desk) => {
                if let Some(entry) = self.entries.get_mut(&desk) {
                    entry.claimed = entry.claimed.saturating_sub(1);
                }
            }
            Report::Left { desk, look_at } => self.hear_of_leaving(desk, look_at),
            Report::Known { statuses, asked } if asked.changes == self.changes => {
                self.hear_statuses(&statuses, &asked.closed, now);
            }
            Report::Known { .. } => {}
        }
    }

    /// What is due because somebody left is due at the desk that the destination has now.
    fn hear_of_leaving(&mut self, desk: usize, look_at: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(&desk) else { return };
        entry.leave();
        let name = entry.desk.name.clone();
        if !entry.is_wanted() {
            self.entries.remove(&desk);
        }
        let current = self.numbers.get(&name).and_then(|desk| self.entries.get_mut(desk));
        if let Some((entry, look_at)) = current.zip(look_at) {
            entry.look_no_later_than(look_at);
        }
    }

    /// A destination that was closed is open again where the store no longer says so; one with unfinished deliveries
    /// is looked at, in case another process queued them; one that is not configured gets a desk of its own.
    fn hear_statuses(&mut self, statuses: &[DestinationStatus], closed_before: &[usize], now: Instant) {
        for entry in closed_before.iter().filter_map(|desk| self.entries.get(desk)) {
            let status = statuses.iter().find(|status| status.name == entry.desk.name);
            let gone = status.is_some_and(|status| status.gone_since.is_some());
            let held = status.is_some_and(|status| status.held_until.is_some());
            entry.desk.reopen(gone, held, now);
        }
        for status in statuses {
            let Some(entry) = self.numbers.get(&status.name).and_then(|desk| self.entries.get_mut(desk))
            else {
                self.add(Arc::new(Desk::unknown(status.name.clone(), now)), now);
                continue;
            };
            entry.look_at = Some(now);
            entry.desk.remember(status.gone_since.is_some(), None, now);
        }
    }

    /// Returns how things stand, for a question to the store.
    pub(super) fn question(&self, now: Instant) -> Question {
        let closed = |(number, entry): (&usize, &Entry)| {
            (!entry.is_past && entry.desk.is_closed_for_the_store(now)).then_some(*number)
        };
        Question { closed: self.entries.iter().filter_map(closed).collect(), changes: self.changes }
    }

    /// Returns the desks to ask now, and when to look again where nothing is heard before.
    pub(super) fn asks(&mut self, now: Instant) -> (Vec<Ask>, Option<Instant>) {
        let (mut asks, mut wake_at) = (Vec::new(), None);
        for (&desk, entry) in self.entries.iter_mut().filter(|(_, entry)| !entry.is_past) {
            match entry.look(now, self.closed_at_most) {
                Look::Now { allowance, sends } => asks.push(Ask { desk, allowance, sends }),
                Look::At(moment) => wake_at = Some(earliest(wake_at, moment)),
                Look::WhenHeardOf => {}
            }
        }
        (asks, wake_at)
    }

    /// Returns what to claim, and takes the asked desks as having nothing due until the answer says otherwise.
    pub(super) fn begin(&mut self, asks: &[Ask]) -> Vec<OpenDestination> {
        let mut open = Vec::with_capacity(asks.len());
        for ask in asks {
            if let Some(entry) = self.entries.get_mut(&ask.desk) {
                entry.look_at = None;
                entry.asked = Some(Asked { sends: ask.sends, brought: 0 });
                open.push(OpenDestination { name: entry.desk.name.clone(), allowance: ask.allowance });
            }
        }
        open
    }

    /// Takes the asked desks as unasked: the store did not answer.
    pub(super) fn undo(&mut self, asks: &[Ask], now: Instant) {
        for ask in asks {
            if let Some(entry) = self.entries.get_mut(&ask.desk) {
                entry.asked = None;
                entry.look_at = Some(now);
                entry.closed_look_at = entry.closed_look_at.map(|_| now);
            }
        }
    }

    /// Seats what was claimed, and notes when to ask again.
    pub(super) fn seat(
        &mut self,
        asks: &[Ask],
        claims: Claims,
        clock: &SteadyClock,
    ) -> Vec<(DeliveryClaim, Seated)> {
        for (name, due) in &claims.next_due {
            if let Some(entry) = self.numbers.get(name).and_then(|desk| self.entries.get_mut(desk)) {
                entry.look_at = Some(clock.instant_of(*due));
            }
        }
        let seated = claims.deliveries.into_iter().filter_map(|claim| {
            let number = *self.numbers.get(&claim.delivery.destination)?;
            let entry = self.entries.get_mut(&number)?;
            let asked = entry.asked.as_mut()?;
            asked.brought += 1;
            entry.claimed += 1;
            entry.seated += 1;
            Some((claim, Seated { number, desk: Arc::clone(&entry.desk), paid: asked.sends }))
        });
        let seated = seated.collect();
        let now = Instant::now();
        for ask in asks {
            let Some(entry) = self.entries.get_mut(&ask.desk) else { continue };
            let Some(asked) = entry.asked.take() else { continue };
            if asked.sends {
                entry.desk.take(asked.brought, now);
            }
            if asked.brought >= ask.allowance {
                entry.look_at = Some(now);
            }
        }
        seated
    }

    /// Lets no further request begin anywhere.
    pub(super) fn close_slots(&self) {
        for entry in self.entries.values() {
            entry.desk.close_slots();
        }
    }
}
