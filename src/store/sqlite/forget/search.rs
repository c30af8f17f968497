//! The words by which runs are found, written anew without those that were removed: an index of words keeps them until then.

use super::overwriting;
use crate::store::sqlite::writer::Writing;

/// How much of the words one transaction writes anew, in pages of about 4 KiB.
const PAGES_AT_ONCE: i64 = 64;

/// Begins.
pub(in crate::store::sqlite) fn begin(writing: &mut Writing<'_>) -> rusqlite::Result<()> {
    // Of one part alone nothing would be written anew.
    writing.prepare("INSERT INTO search (rowid, words) VALUES (-1, 'forgotten')")?.execute([]).map(drop)
}

/// Goes on with it; returns whether there is more to do.
pub(in crate::store::sqlite) fn go_on(writing: &mut Writing<'_>, is_first: bool) -> rusqlite::Result<bool> {
    overwriting(writing, |writing| {
        let changes = |writing: &Writing<'_>| -> rusqlite::Result<i64> {
            writing.prepare("SELECT total_changes()")?.query_row([], |row| row.get(0))
        };
        let before = changes(writing)?;
        // A negative number makes one part of all.
        // Source: https://www.sqlite.org/fts5.html#the_merge_command, read 2026-11-30.
        let pages = if is_first { -PAGES_AT_ONCE } else { PAGES_AT_ONCE };
        writing.prepare("INSERT INTO search (search, rank) VALUES ('merge', ?1)")?.execute([pages])?;
        let is_more = changes(writing)? - before >= 2;
        Ok(is_more)
    })
}

/// Ends it.
pub(in crate::store::sqlite) fn end(writing: &mut Writing<'_>) -> rusqlite::Result<()> {
    writing.prepare("DELETE FROM search WHERE rowid = -1")?.execute([]).map(drop)
}
