//! Stretches of time: which rows of a table that grows at its end belong to one, found in a few steps.
//!
//! Rows are numbered as they come, and so are their times in order, but for a clock that was set back. Whoever reads a
//! stretch looks at each row's time, too.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::value::micros;

/// By how much a clock may have been set back: so much more is looked at on both sides.
pub(super) const CLOCK_ERROR: SignedDuration = SignedDuration::from_hours(24);
/// The same for lists, which are read page by page while somebody waits.
pub(super) const LISTED_CLOCK_ERROR: SignedDuration = SignedDuration::from_hours(1);

/// A table whose rows are numbered as they come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Log {
    /// The events, by when they were received.
    Events,
    /// The deliveries, by when they were planned.
    Deliveries,
    /// The runs that are listed, by when their first event was received.
    Runs,
}

impl Log {
    /// Finds the first row from a number on.
    fn sql_first(self) -> &'static str {
        match self {
            Self::Events => {
                "SELECT sequence, received_at FROM event WHERE sequence >= ?1 ORDER BY sequence LIMIT 1"
            }
            Self::Deliveries => {
                "SELECT number, created_at FROM delivery WHERE number >= ?1 ORDER BY number LIMIT 1"
            }
            Self::Runs => {
                "SELECT run_number, started_at FROM outline WHERE run_number >= ?1 ORDER BY run_number LIMIT 1"
            }
        }
    }

    fn sql_newest(self) -> &'static str {
        match self {
            Self::Events => "SELECT coalesce(max(sequence), 0) FROM event",
            Self::Deliveries => "SELECT coalesce(max(number), 0) FROM delivery",
            Self::Runs => "SELECT coalesce(max(run_number), 0) FROM outline",
        }
    }
}

/// Returns the first and the last number that a row may have whose time lies in the stretch, where no clock was set back by
/// more than `clock_error`.
pub(super) fn find(
    connection: &Connection,
    log: Log,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    clock_error: SignedDuration,
) -> rusqlite::Result<(i64, i64)> {
    let newest: i64 = connection.prepare_cached(log.sql_newest())?.query_row([], |row| row.get(0))?;
    let first = match since {
        Some(since) => first_from(connection, log, earlier(since, clock_error), newest)?,
        None => 1,
    };
    let last = match until {
        Some(until) => first_from(connection, log, later(until, clock_error), newest)? - 1,
        None => newest,
    };
    Ok((first, last))
}

fn earlier(at: Timestamp, by: SignedDuration) -> i64 {
    micros(at.checked_sub(by).unwrap_or(Timestamp::MIN))
}

fn later(at: Timestamp, by: SignedDuration) -> i64 {
    micros(at.checked_add(by).unwrap_or(Timestamp::MAX))
}

/// Returns the smallest number from which on rows are not older than `at`; one more than the newest where all are.
fn first_from(connection: &Connection, log: Log, at: i64, newest: i64) -> rusqlite::Result<i64> {
    let mut first = connection.prepare_cached(log.sql_first())?;
    let (mut low, mut high) = (1, newest.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> =
            first.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            // Numbers may be missing: what was found stands for all from `middle` on.
            Some((number, time)) if time < at => low = number + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(times: &[(i64, i64)]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE event (sequence INTEGER PRIMARY KEY, received_at INTEGER)")
            .unwrap();
        for (sequence, day) in times {
            let at = micros(Timestamp::UNIX_EPOCH) + day * 86_400_000_000;
            connection.execute("INSERT INTO event VALUES (?1, ?2)", [*sequence, at]).unwrap();
        }
        connection
    }

    fn day(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    #[test]
    fn a_stretch_begins_and_ends_a_day_outside_whatever_numbers_are_missing() {
        let log = events(&[(3, 10), (4, 11), (9, 12), (10, 13), (20, 14), (21, 20)]);
        let find = |since, until| find(&log, Log::Events, since, until, CLOCK_ERROR).unwrap();
        assert_eq!(find(None, None), (1, 21));
        let (first, last) = find(Some(day(13)), Some(day(13)));
        assert!((5..=9).contains(&first) && (10..20).contains(&last), "{first} {last}");
        assert_eq!(find(Some(day(50)), None).0, 22);
        let (first, last) = find(None, Some(day(2)));
        assert!(first == 1 && last < 3, "{first} {last}");
        assert_eq!(find(Some(day(0)), Some(day(100))), (1, 21));
    }

    #[test]
    fn an_empty_table_has_no_stretch() {
        assert_eq!(find(&events(&[]), Log::Events, Some(day(1)), Some(day(2)), CLOCK_ERROR).unwrap(), (1, 0));
    }
}
