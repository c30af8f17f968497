//! Pruning: runs that are over and older than the retention go, and the file gives the room back.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::value::micros;
use super::{run, writer::Writing};

/// How many free pages (of 4 KiB) the file keeps for what comes next.
const FREE_PAGES_KEPT: i64 = 1_000;
/// How many pages one transaction moves to the end of the file and cuts off.
const PAGES_AT_ONCE: i64 = 256;

/// Whether nothing of the run `r` is newer than `?1` or waits.
const IS_OVER: &str = "NOT EXISTS (SELECT 1 FROM event e WHERE e.run_number = r.number
                                   AND (e.received_at >= ?1 OR e.due_at IS NOT NULL))
    AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.run_number = r.number AND d.state = 'waiting')";

/// Lists up to `limit` runs whose last event is older than `before` and of which nothing waits, oldest first.
pub(super) fn list(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(&format!(
            "SELECT number FROM run r WHERE opened_at < ?1 AND {IS_OVER} ORDER BY number LIMIT ?2"
        ))?
        .query_map(params![micros(before), limit], |row| row.get(0))?
        .collect()
}

/// Removes those of these runs that are still over; returns how many went.
pub(super) fn remove(writing: &Writing<'_>, runs: &[i64], before: Timestamp) -> rusqlite::Result<usize> {
    let mut removed = 0;
    for number in runs {
        let over = writing
            .prepare(&format!("SELECT 1 FROM run r WHERE number = ?2 AND {IS_OVER}"))?
            .exists(params![micros(before), number])?;
        if over {
            run::remove(writing, *number)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Gives some of the file's free room back to the disk; returns whether there is more to give.
pub(super) fn shrink(writing: &Writing<'_>) -> rusqlite::Result<bool> {
    let connection = writing.connection;
    let free = |connection: &Connection| {
        connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0))
    };
    let before = free(connection)?;
    let spare = before - FREE_PAGES_KEPT;
    if spare <= 0 {
        return Ok(false);
    }
    let pages = spare.min(PAGES_AT_ONCE);
    // A statement that has to be run to its end: each step frees one page.
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    // Where somebody has rebuilt the file without `auto_vacuum`, nothing moves, however often it is asked for.
    let after = free(connection)?;
    Ok(after > FREE_PAGES_KEPT && after < before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::ids::Ids;

    #[test]
    fn a_file_that_cannot_shrink_is_left_as_it_is() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(8000000)); DELETE FROM t")
            .unwrap();
        let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0)).unwrap();
        assert!(free > FREE_PAGES_KEPT, "{free}");

        let more = shrink(&Writing { connection: &connection, ids: &mut Ids::default(), owner: 0 }).unwrap();

        assert!(!more);
    }
}
