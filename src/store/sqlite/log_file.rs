//! The log's file. When the log begins anew, SQLite cuts its file to a limit, while everybody waits: a quarter of a second
//! for the 600 MiB that pile up while somebody reads for long under load. So it is let go little by little.

use rusqlite::Connection;

/// To how many pages it is cut in the end, 68 MiB: some more than it holds when it mostly begins anew, for what is written
/// over costs less than what is added.
const KEPT_PAGES: i32 = 17_500;
/// How many pages are cut at once at most, which takes some 6 milliseconds.
const CUT_PAGES: i32 = 4_000;
/// In steps of so many pages, so that the limit is set rarely.
const STEP_PAGES: i32 = 500;

/// A page of 4 KiB and what stands before it in the log.
// Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log, read 2026-11-30.
const BYTES_PER_PAGE: i64 = 4_096 + 24;

/// What is known of the file by the connection that writes.
#[derive(Debug)]
pub(super) struct LogFile {
    /// How many pages the log held last.
    filled: i32,
    /// How many it has room for.
    length: i32,
    /// To how many it is cut.
    limit: i32,
}

impl Default for LogFile {
    fn default() -> Self {
        Self { filled: 0, length: 0, limit: KEPT_PAGES }
    }
}

impl LogFile {
    /// Has a connection cut the file to the least that it is ever cut to.
    pub(super) fn limit(connection: &Connection) -> rusqlite::Result<()> {
        limit(connection, KEPT_PAGES)
    }

    /// Looks, after a commit on this connection, how long the file has become, and lets only a part of it be cut next.
    /// Returns whether the log has begun anew.
    pub(super) fn look(&mut self, pages: i32, connection: &Connection) -> bool {
        let is_anew = pages < self.filled;
        if is_anew {
            self.length = self.length.min(self.limit);
        }
        self.filled = pages;
        self.length = self.length.max(pages);
        let kept = ((self.length - CUT_PAGES) / STEP_PAGES * STEP_PAGES).max(KEPT_PAGES);
        if kept != self.limit && limit(connection, kept).is_ok() {
            self.limit = kept;
        }
        is_anew
    }
}

fn limit(connection: &Connection, pages: i32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_size_limit", i64::from(pages) * BYTES_PER_PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{connection, place};

    #[test]
    fn a_file_that_has_grown_long_is_cut_little_by_little() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        let connection = connection::open_to_serve(&path).unwrap();
        connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        let commit = |pages: i32| {
            let insert = "INSERT INTO payload (headers, body) VALUES ('', randomblob(?1))";
            connection.execute(insert, [i64::from(pages) * 4096]).unwrap();
        };
        let length = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len() / 4096;
        let mut file = LogFile::default();
        commit(30_000);
        assert!(!file.look(30_000, &connection));
        let mut before = length();
        for _ in 0..4 {
            connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
            commit(1);
            assert!(file.look(2, &connection));
            let after = length();
            assert!(after < before && before - after < 5_000, "from {before} pages to {after}");
            before = after;
            commit(10);
            assert!(!file.look(20, &connection));
        }
        assert!(before < 18_000, "{before} pages");
    }
}
