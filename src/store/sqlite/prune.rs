//! Pruning: runs that are over and older than the retention go, and the file gives the room back.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::value::micros;
use super::{cursor, run, writer::Writing};

/// How many bytes of bodies one transaction removes, about, so that a webhook behind it does not wait long.
const BYTES_AT_ONCE: i64 = 1024 * 1024;
/// How many free pages (of 4 KiB) the file keeps for what comes next.
pub(super) const FREE_PAGES_KEPT: i64 = 1_000;
/// How many pages one transaction moves to the end of the file and cuts off.
const PAGES_AT_ONCE: i64 = 256;

/// Whether nothing of the run `r` is newer than `?1` or waits, not in a digest either.
const IS_OVER: &str = "NOT EXISTS (SELECT 1 FROM event e WHERE e.run_number = r.number
                                   AND (e.received_at >= ?1 OR e.due_at IS NOT NULL))
    AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.run_number = r.number AND d.state = 'waiting')
    AND NOT EXISTS (SELECT 1 FROM event e CROSS JOIN delivery d ON d.event_sequence = e.sequence
                    CROSS JOIN delivery c ON c.number = d.digest
                    WHERE e.run_number = r.number AND c.state = 'waiting')";

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

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// How many of the runs are done with, gone or not.
    pub(super) done: usize,
    /// How many of these went.
    pub(super) removed: usize,
}

/// Removes those of these runs that are still over, one after the other, as much of them as one transaction may.
pub(super) fn remove(writing: &Writing<'_>, runs: &[i64], before: Timestamp) -> rusqlite::Result<Step> {
    let mut step = Step { done: 0, removed: 0 };
    let mut budget = BYTES_AT_ONCE;
    for number in runs {
        let over = writing
            .connection
            .prepare_cached(&format!("SELECT 1 FROM run r WHERE number = ?2 AND {IS_OVER}"))?
            .exists(params![micros(before), number])?;
        if over {
            budget = strip(writing, *number, budget)?;
            if budget <= 0 {
                break;
            }
            run::remove(writing, *number)?;
            step.removed += 1;
        }
        step.done += 1;
    }
    if step.removed > 0 {
        cursor::follow_removal(writing)?;
    }
    Ok(step)
}

/// Removes what the webhooks of a run said, the heaviest part of it, within a budget of bytes; returns what is left of
/// that. What is gone may be missing for good: a payload may go before its event does.
fn strip(writing: &Writing<'_>, run: i64, budget: i64) -> rusqlite::Result<i64> {
    let mut left = budget;
    let mut heavy = writing.prepare(
        "SELECT p.sequence, length(p.body) FROM event e JOIN payload p ON p.sequence = e.sequence
         WHERE e.run_number = ?1 ORDER BY p.sequence",
    )?;
    let mut rows = heavy.query([run])?;
    let mut sequences: Vec<i64> = Vec::new();
    while left > 0 {
        let Some(row) = rows.next()? else { break };
        sequences.push(row.get(0)?);
        left -= row.get::<_, i64>(1)?;
    }
    drop(rows);
    for sequence in sequences {
        writing.prepare("DELETE FROM payload WHERE sequence = ?1")?.execute([sequence])?;
        writing.prepare("DELETE FROM event_artifacts WHERE sequence = ?1")?.execute([sequence])?;
    }
    Ok(left)
}

/// Gives some of the file's free room back to the disk, but for so many pages; returns whether there is more to give.
pub(super) fn shrink(writing: &Writing<'_>, kept: i64) -> rusqlite::Result<bool> {
    let connection = writing.connection;
    let free = |connection: &Connection| {
        connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0))
    };
    let before = free(connection)?;
    let spare = before - kept;
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
    Ok(after > kept && after < before)
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

        let more = shrink(&Writing::new(&connection, &mut Ids::default()), FREE_PAGES_KEPT).unwrap();

        assert!(!more);
    }
}
