//! Mutes: the times in which routes hold their messages back, and when such a time ends. Pure: `now` is a value.
//!
//! A mute is in force while the clock on a wall of its time zone shows a time within it. So it is right across midnight,
//! and where clocks are changed: a time that is skipped is never shown, one that comes twice is muted twice, and an end
//! that is skipped has passed when the clock goes on behind it.

use std::time::Duration;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Minutes of a day.
const DAY: i16 = 24 * 60;

/// How far ahead the end of a mute is looked for: every mute ends within a week, give or take a change of clocks, or
/// never.
const HORIZON: Duration = Duration::from_hours(5 * 7 * 24);

/// A time of the week in which routes that name it are muted: `[mute.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mute {
    /// Its name.
    pub name: String,
    /// The days on which it begins.
    pub days: Days,
    /// When on such a day it begins, in minutes from midnight, below 1,440.
    pub from: i16,
    /// When it ends, in minutes from midnight, up to 1,440. Not later than `from`: on the next day.
    pub to: i16,
    /// Where the clock hangs.
    pub zone: TimeZone,
}

/// Days of the week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// The whole week.
    pub const ALL: Self = Self(0b111_1111);

    /// Returns the days from the first to the last one, both included; over the weekend where the last one comes first in
    /// the week.
    pub fn between(first: Weekday, last: Weekday) -> Self {
        let (mut days, mut day) = (Self(1 << first.to_monday_zero_offset()), first);
        while day != last {
            day = day.next();
            days = days.and(Self(1 << day.to_monday_zero_offset()));
        }
        days
    }

    /// Returns these days and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Tells whether a day is among them.
    pub fn contain(self, day: Weekday) -> bool {
        self.0 & (1 << day.to_monday_zero_offset()) != 0
    }
}

/// When mutes that are in force end.
#[derive(Debug, Clone, PartialEq)]
pub struct MuteEnd {
    /// From when on none of them is in force.
    pub until: Timestamp,
    /// The time zone of the one that ends last.
    pub zone: TimeZone,
    /// The names of those that are in force now, and of those that follow on them.
    pub by: Vec<String>,
    /// Whether an end was found; without one, `until` is as far as was looked.
    pub is_known: bool,
}

impl Mute {
    /// Tells whether it is in force.
    pub fn covers(&self, now: Timestamp) -> bool {
        self.left(self.zone.to_datetime(now)).is_some()
    }

    /// Returns how long, by the clock on the wall, it is in force from what that shows on; `None` where it is not.
    fn left(&self, shown: DateTime) -> Option<SignedDuration> {
        let minute = i16::from(shown.hour()) * 60 + i16::from(shown.minute());
        let crosses_midnight = self.to <= self.from;
        let today = shown.date().weekday();
        let ends_in = if self.days.contain(today) && minute >= self.from {
            let to = if crosses_midnight { self.to + DAY } else { self.to };
            to - minute
        } else if crosses_midnight && self.days.contain(today.previous()) {
            self.to - minute
        } else {
            return None;
        };
        let into_minute = SignedDuration::new(i64::from(shown.second()), shown.subsec_nanosecond());
        (ends_in > 0).then(|| SignedDuration::from_mins(i64::from(ends_in)) - into_minute)
    }

    /// Returns until when it is certainly in force, to look anew from there: its end, or a change of the clocks before
    /// it; `None` where it is not in force.
    fn lasts_to(&self, now: Timestamp) -> Option<Timestamp> {
        let end = now.checked_add(self.left(self.zone.to_datetime(now))?).unwrap_or(Timestamp::MAX);
        let change = self.zone.following(now).next().map(|change| change.timestamp());
        Some(change.filter(|change| *change < end).unwrap_or(end))
    }
}

/// Returns when none of these is in force any more; `None` where none is now.
pub fn end_of(mutes: &[&Mute], now: Timestamp) -> Option<MuteEnd> {
    let horizon = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    let mut end: Option<MuteEnd> = None;
    let mut until = now;
    let mut by: Vec<String> =
        mutes.iter().filter(|mute| mute.covers(now)).map(|mute| mute.name.clone()).collect();
    while let Some((later, mute)) = mutes.iter().find_map(|mute| Some((mute.lasts_to(until)?, mute))) {
        let is_known = later < horizon;
        until = later.min(horizon);
        if !by.contains(&mute.name) {
            by.push(mute.name.clone());
        }
        end = Some(MuteEnd { until, zone: mute.zone.clone(), by: by.clone(), is_known });
        if !is_known {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests;
