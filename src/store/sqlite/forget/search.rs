//! The words by which runs are found, written anew without those that were removed: an index of words keeps them until then.

use super::overwriting;
use crate::store::sqlite::catalogue::index::{Merge, Parts};
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
    let of = if is_first { Parts::All } else { Parts::Begun };
    overwriting(writing, |writing| Merge { pages: PAGES_AT_ONCE, of }.run(writing))
}

/// Ends it.
pub(in crate::store::sqlite) fn end(writing: &mut Writing<'_>) -> rusqlite::Result<()> {
    writing.prepare("DELETE FROM search WHERE rowid = -1")?.execute([]).map(drop)
}
