//! The index of words, kept in few parts: it is written in many, each of which knows runs whose words are others by now, and a
//! question passes by all of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::store::sqlite::writer::Writing;

/// After how many runs whose words were written it is worth while to make one part of all.
const WORTH_MERGING: usize = 10_000;
/// How much is merged in one transaction, in pages of about 4 KiB: a millisecond or two.
const PAGES_AT_ONCE: i64 = 16;

/// Whether the index has to be merged, and how far that is.
#[derive(Debug, Default)]
pub(in crate::store::sqlite) struct Upkeep {
    /// How many runs' words were written since it was merged.
    written: AtomicUsize,
    is_merging: AtomicBool,
}

impl Upkeep {
    /// Notes that so many runs' words were written.
    pub(in crate::store::sqlite) fn note_written(&self, runs: usize) {
        self.written.fetch_add(runs, Ordering::Relaxed);
    }

    /// Returns what to merge next, if anything.
    pub(in crate::store::sqlite) fn due(&self) -> Option<Merge> {
        if self.is_merging.load(Ordering::Relaxed) {
            return Some(Merge { pages: PAGES_AT_ONCE, of: Parts::Begun });
        }
        let is_worth_it = self.written.load(Ordering::Relaxed) >= WORTH_MERGING;
        is_worth_it.then_some(Merge { pages: PAGES_AT_ONCE, of: Parts::All })
    }

    /// Notes that it was done, and whether there is more to merge.
    pub(in crate::store::sqlite) fn note_merged(&self, is_more: bool) {
        self.written.store(0, Ordering::Relaxed);
        self.is_merging.store(is_more, Ordering::Relaxed);
    }
}

/// Which parts of the index are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Parts {
    /// All that there are.
    All,
    /// Those that have been begun with.
    Begun,
}

/// Some of the work of making one part of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) struct Merge {
    /// How many pages of about 4 KiB are written at most.
    pub(in crate::store::sqlite) pages: i64,
    /// Of what.
    pub(in crate::store::sqlite) of: Parts,
}

impl Merge {
    /// Does it; returns whether there is more to do.
    pub(in crate::store::sqlite) fn run(self, writing: &Writing<'_>) -> rusqlite::Result<bool> {
        let changes = || -> rusqlite::Result<i64> {
            writing.prepare("SELECT total_changes()")?.query_row([], |row| row.get(0))
        };
        let before = changes()?;
        // A negative number makes one part of all; where less than two rows have changed, all is done.
        // Source: https://www.sqlite.org/fts5.html#the_merge_command, read 2026-11-30.
        let pages = if self.of == Parts::All { -self.pages } else { self.pages };
        writing.prepare("INSERT INTO search (search, rank) VALUES ('merge', ?1)")?.execute([pages])?;
        Ok(changes()? - before >= 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::ids::Ids;
    use crate::store::sqlite::{connection, place};

    #[test]
    fn it_is_merged_once_much_was_written_and_then_to_the_end() {
        let upkeep = Upkeep::default();
        upkeep.note_written(WORTH_MERGING - 1);
        assert_eq!(upkeep.due(), None);
        upkeep.note_written(1);
        assert_eq!(upkeep.due().map(|merge| merge.of), Some(Parts::All));
        upkeep.note_merged(true);
        assert_eq!(upkeep.due().map(|merge| merge.of), Some(Parts::Begun));
        upkeep.note_merged(false);
        assert_eq!(upkeep.due(), None);
    }

    #[test]
    fn in_the_end_it_is_one_part_and_finds_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        let connection = connection::open_to_serve(&path).unwrap();
        let mut ids = Ids::default();
        let writing = Writing::new(&connection, &mut ids);
        let insert = |run: i64, words: &str| {
            writing
                .prepare("INSERT INTO search (rowid, words) VALUES (?1, ?2)")
                .unwrap()
                .execute((run, words))
                .unwrap()
        };
        for part in 0..3 {
            connection.execute_batch("BEGIN").unwrap();
            for run in 0..2_000 {
                insert(part * 2_000 + run, &format!("word{run} part{part} all"));
            }
            connection.execute_batch("COMMIT").unwrap();
        }
        connection.execute_batch("DELETE FROM search WHERE rowid < 150").unwrap();
        let parts = || -> i64 {
            connection
                .query_row("SELECT count(DISTINCT segid) FROM search_idx", [], |row| row.get(0))
                .unwrap()
        };
        let found = |words: &str| -> i64 {
            connection
                .query_row("SELECT count(*) FROM search WHERE search MATCH ?1", [words], |row| row.get(0))
                .unwrap()
        };
        assert!(parts() > 1);

        let mut steps = 1;
        let mut merge = Merge { pages: 1, of: Parts::All };
        while merge.run(&writing).unwrap() {
            merge.of = Parts::Begun;
            steps += 1;
        }
        assert!(steps > 3, "little by little: {steps} steps");
        assert_eq!(parts(), 1);
        assert_eq!([found("all"), found("part0"), found("word19*")], [5_850, 1_850, 332]);
    }
}
