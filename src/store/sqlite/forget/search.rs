//! The words by which runs are found, written anew without those that were removed: an index of words keeps them until then.

use super::overwriting;
use crate::store::sqlite::writer::Writing;

/// How much of the words is written anew at once, in pages of about 4 KiB.
const PAGES_AT_ONCE: i64 = 16;
/// How often one transaction does so at most: first comes what a relay at work has added since, which is little and makes one
/// or two parts, then what was begun.
const TIMES: usize = 4;
/// Of how many parts at least one is made. With four, as is usual, two or three that a relay has just added would keep what
/// was begun from going on, and it would look as if all were done.
// Source: https://www.sqlite.org/fts5.html#the_usermerge_configuration_option, read 2026-11-30.
const PARTS_MERGED: i64 = 2;

/// Begins.
pub(in crate::store::sqlite) fn begin(writing: &mut Writing<'_>) -> rusqlite::Result<()> {
    // It stays so: nobody else asks for parts to be merged.
    writing.prepare("INSERT INTO search (search, rank) VALUES ('usermerge', ?1)")?.execute([PARTS_MERGED])?;
    // Of one part alone nothing would be written anew.
    writing.prepare("INSERT INTO search (rowid, words) VALUES (-1, 'forgotten')")?.execute([]).map(drop)
}

/// Goes on with it; returns whether there is more to do.
pub(in crate::store::sqlite) fn go_on(writing: &mut Writing<'_>, is_first: bool) -> rusqlite::Result<bool> {
    overwriting(writing, |writing| {
        // A negative number makes one part of all.
        // Source: https://www.sqlite.org/fts5.html#the_merge_command, read 2026-11-30.
        let mut is_more = merge(writing, if is_first { -PAGES_AT_ONCE } else { PAGES_AT_ONCE })?;
        for _ in 1..TIMES {
            is_more = is_more && merge(writing, PAGES_AT_ONCE)?;
        }
        Ok(is_more)
    })
}

/// Writes so many pages anew; returns whether there was anything to do.
fn merge(writing: &Writing<'_>, pages: i64) -> rusqlite::Result<bool> {
    let changes = || -> rusqlite::Result<i64> {
        writing.prepare("SELECT total_changes()")?.query_row([], |row| row.get(0))
    };
    let before = changes()?;
    writing.prepare("INSERT INTO search (search, rank) VALUES ('merge', ?1)")?.execute([pages])?;
    Ok(changes()? - before >= 2)
}

/// Ends it.
pub(in crate::store::sqlite) fn end(writing: &mut Writing<'_>) -> rusqlite::Result<()> {
    writing.prepare("DELETE FROM search WHERE rowid = -1")?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::ids::Ids;
    use crate::store::sqlite::{connection, place};

    #[test]
    fn all_is_written_anew_though_a_relay_adds_words_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        let connection = connection::open_to_serve(&path).unwrap();
        let mut ids = Ids::default();
        let mut writing = Writing::new(&connection, &mut ids);
        let insert = |run: i64, words: &str| {
            let insert = "INSERT INTO search (rowid, words) VALUES (?1, ?2)";
            connection.prepare_cached(insert).unwrap().execute((run, words)).unwrap();
        };
        connection.execute_batch("BEGIN").unwrap();
        for run in 0..60_000 {
            insert(run, &format!("word{run} name{} all", run % 1_000));
        }
        connection.execute_batch("COMMIT; INSERT INTO search (search) VALUES ('optimize')").unwrap();
        connection.execute_batch("DELETE FROM search WHERE rowid = 7").unwrap();
        let large_parts = || -> i64 {
            let large = "SELECT count(*) FROM (SELECT 1 FROM search_idx GROUP BY segid HAVING count(*) > 10)";
            connection.query_row(large, [], |row| row.get(0)).unwrap()
        };

        begin(&mut writing).unwrap();
        let mut is_more = go_on(&mut writing, true).unwrap();
        assert!(is_more && large_parts() == 2, "a part of the words stands in the new one");
        for added in (60_000..60_300).step_by(3) {
            for run in added..added + 3 {
                insert(run, &format!("new{run}"));
            }
            if !is_more {
                break;
            }
            is_more = go_on(&mut writing, false).unwrap();
        }
        assert!(!is_more);
        end(&mut writing).unwrap();
        assert_eq!(large_parts(), 1);
        let found: i64 = connection
            .query_row("SELECT count(*) FROM search WHERE search MATCH 'all'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, 59_999);
    }
}
