//! Checkpoints: what the log holds is moved into the file by a thread of its own, so that nobody who waits for a commit
//! waits for that.
//!
//! A log that is written to all the while is never moved whole this way, and grows. Beyond a certain length the writer,
//! between two commits, moves the little that has come in since the thread was last done, and waits a little until nobody
//! reads the log any more: whoever begins meanwhile reads the file alone. The log then begins anew. The longer it is, the
//! more counts as little; beyond a length that nobody should see, whatever there is.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::connection::{BUSY_TIMEOUT, open_to_write};
use super::fault::unavailable;
use super::log_file::LogFile;
use super::place::Identity;
use crate::store::StoreError;

/// After how many further pages of log (4 KiB each) they are moved: rarely enough to write the busy pages once instead
/// of many times.
const PAGES_PER_CHECKPOINT: i32 = 1_000;
/// One page of so many is little. Of the shortest log with which the writer helps these are 250, which it moves within a
/// millisecond or two.
const PAGES_PER_LITTLE: i32 = 64;
/// From how many pages on the writer helps to empty the log, as soon as there is little left to move: 64 MiB. To help takes
/// two to three times as long as a commit, so that it is to happen rarely.
const LONG_LOG_PAGES: i32 = 16_000;
/// From how many on however much is left to move, which may hold webhooks up for a moment: 1 GiB.
const OVERLONG_LOG_PAGES: i32 = 256_000;
/// After it has waited in vain for those who read, it helps again once the log is longer by so many: before that, commits
/// would only wait for the disk once more.
const PAGES_PER_RETRY: i32 = 4_000;

/// How often the writer looks whether somebody still reads the log, and how long it rests between two looks. What the
/// relay asks is answered within a millisecond, mostly; whoever reads for longer is not waited for.
const READER_LOOKS: i32 = 6;
const READER_PAUSE: Duration = Duration::from_micros(250);

/// How often it is tried to empty a log that others read, each time for as long as a statement waits.
const EMPTY_TRIES: usize = 3;

thread_local! {
    /// How many pages the log held after this thread's last commit; SQLite tells it to a plain function.
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// Asks the thread that moves the log into the file. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Checkpoints {
    /// `None` only while it is dropped.
    requests: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// How many pages of the log the thread has moved.
    moved: Arc<AtomicI32>,
    /// At how many pages it is asked next.
    next: i32,
    /// From how many pages on the writer helps: more than usual after it has waited for a reader in vain.
    helps_from: i32,
    /// Says how much of its file is cut then.
    file: LogFile,
}

impl Checkpoints {
    /// Starts the thread, for the store at `path`.
    pub(super) fn start(path: PathBuf) -> Result<Self, StoreError> {
        // One that waits is enough: it moves all that is there when its turn comes.
        let (requests, waiting) = mpsc::sync_channel(1);
        let mut desk = Desk { identity: Identity::of(&path), path, connection: None, failing: false };
        let moved = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&moved);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || {
                for () in waiting {
                    desk.checkpoint(&told);
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("its thread cannot be started: {error}")))?;
        let (requests, thread) = (Some(requests), Some(thread));
        let (next, helps_from) = (PAGES_PER_CHECKPOINT, LONG_LOG_PAGES);
        Ok(Self { requests, thread, moved, next, helps_from, file: LogFile::default() })
    }

    /// Has a connection of the calling thread tell how long the log is, instead of moving it itself.
    pub(super) fn follow(&mut self, connection: &Connection) {
        self.file = LogFile::default();
        self.begin_anew();
        connection.wal_hook(Some(note_length));
    }

    /// Expects a log of which nothing is moved yet.
    fn begin_anew(&mut self) {
        self.next = PAGES_PER_CHECKPOINT;
        self.helps_from = LONG_LOG_PAGES;
        self.moved.store(0, Ordering::Release);
    }

    /// Asks for what the log holds to be moved, and thereby to be on disk.
    pub(super) fn ask(&self) {
        if let Some(requests) = &self.requests {
            // A full channel holds a request already, and the thread ends only with this.
            let _ = requests.try_send(());
        }
    }

    /// Looks, after a commit on this connection, whether the log has grown long.
    pub(super) fn look(&mut self, connection: &Connection) {
        let pages = LOG_PAGES.get();
        if self.file.look(pages, connection) {
            self.begin_anew();
        }
        let is_little = is_little(pages - self.moved.load(Ordering::Acquire), pages);
        if pages >= self.helps_from && is_little {
            // Where it fails, so will the thread, which says so.
            if let Ok(End::Read) = move_to_begin_anew(connection) {
                self.helps_from = pages + PAGES_PER_RETRY;
            }
        } else if pages >= self.next || (pages >= LONG_LOG_PAGES && !is_little) {
            self.next = pages + PAGES_PER_CHECKPOINT;
            self.ask();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            // A panic there loses nothing: the log is moved when the file is closed or opened.
            let _ = thread.join();
        }
    }
}

/// Tells whether the writer may move so many pages itself, of a log of this length.
fn is_little(left: i32, pages: i32) -> bool {
    left <= pages / PAGES_PER_LITTLE || pages >= OVERLONG_LOG_PAGES
}

#[expect(clippy::unnecessary_wraps, reason = "SQLite's hook may fail")]
fn note_length(_: &Wal, pages: i32) -> rusqlite::Result<()> {
    LOG_PAGES.set(pages);
    Ok(())
}

/// Moves as much of the log as no reader still needs and nobody else is moving, without waiting for either.
/// Returns how many pages of it are moved now, in all.
pub(super) fn move_log(connection: &Connection) -> rusqlite::Result<i32> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |row| row.get(2))
}

/// What came of an attempt to have the log begin anew.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The next commit begins it.
    Anew,
    /// Somebody else is moving it.
    Busy,
    /// Somebody reads it, or another process writes, for longer than is waited.
    Read,
}

/// Moves all of the log and sees to it that the next commit begins it anew, for which nobody may read it any more; who
/// does is waited for a little.
fn move_to_begin_anew(connection: &Connection) -> rusqlite::Result<End> {
    let waits = |looks: i32| {
        let goes_on = looks < READER_LOOKS;
        if goes_on {
            std::thread::sleep(READER_PAUSE);
        }
        goes_on
    };
    connection.busy_handler(Some(waits))?;
    let end = connection.prepare_cached("PRAGMA wal_checkpoint(RESTART)").and_then(|mut restart| {
        restart.query_row([], |row| Ok((row.get::<_, bool>(0)?, row.get::<_, i32>(2)?)))
    });
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(match end? {
        (false, _) => End::Anew,
        // Nothing was looked at.
        (true, -1) => End::Busy,
        (true, _) => End::Read,
    })
}

/// Moves all of the log, and empties it.
pub(super) fn settle(path: &Path) -> Result<(), StoreError> {
    open_to_write(path).and_then(|connection| move_all(&connection).map_err(|error| unavailable(&error)))
}

/// Moves all of the log, and empties it, though others use the store; returns whether it is empty now.
pub(super) fn empty(path: &Path) -> Result<bool, StoreError> {
    let empty = |connection: &Connection| {
        for _ in 0..EMPTY_TRIES {
            let is_busy: bool =
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            if !is_busy {
                return Ok(true);
            }
        }
        Ok(false)
    };
    open_to_write(path).and_then(|connection| empty(&connection).map_err(|error| unavailable(&error)))
}

/// Moves all of the log, once no reader needs it, and empties it.
pub(super) fn move_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// What the thread works with.
struct Desk {
    path: PathBuf,
    /// Which file it was started for.
    identity: Option<Identity>,
    /// `None` until the first request, and after an error.
    connection: Option<Connection>,
    /// Whether the last one failed.
    failing: bool,
}

impl Desk {
    fn checkpoint(&mut self, told: &AtomicI32) {
        if Identity::of(&self.path) != self.identity {
            // Another file's log is none of ours; the writer says what to do.
            return;
        }
        let moved =
            self.open().and_then(|connection| move_log(connection).map_err(|error| unavailable(&error)));
        match moved {
            Ok(pages) => {
                told.store(pages, Ordering::Release);
                self.failing = false;
            }
            Err(error) => {
                self.connection = None;
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, "the store's log cannot be moved into its file; it grows until it can");
                }
            }
        }
    }

    fn open(&mut self) -> Result<&Connection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_to_write(&self.path)?,
        };
        Ok(self.connection.insert(connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::connection::open_to_read;
    use crate::store::sqlite::{connection, place};

    fn store() -> (tempfile::TempDir, PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        let connection = connection::open_to_serve(&path).unwrap();
        (folder, path, connection)
    }

    /// Commits so many pages.
    fn commit(connection: &Connection, pages: i64) {
        let insert = "INSERT INTO payload (headers, body) VALUES ('', randomblob(?1))";
        connection.prepare_cached(insert).unwrap().execute([pages * 4096]).unwrap();
    }

    fn length_in_pages(path: &Path) -> u64 {
        std::fs::metadata(path).unwrap().len() / 4096
    }

    #[test]
    fn what_is_asked_for_stands_in_the_file_though_the_log_is_still_open() {
        let (_folder, path, connection) = store();
        let mut checkpoints = Checkpoints::start(path.clone()).unwrap();
        checkpoints.follow(&connection);
        commit(&connection, 2_000);
        assert!(length_in_pages(&path) < 2_000, "a commit moves nothing by itself");

        checkpoints.ask();
        drop(checkpoints);

        assert!(length_in_pages(&path) >= 2_000);
    }

    #[test]
    fn a_store_that_settles_leaves_no_log_however_many_have_it_open() {
        let (_folder, path, connection) = store();
        connection.wal_hook(Some(note_length));
        commit(&connection, 300);
        settle(&path).unwrap();
        assert!(length_in_pages(&path) >= 300);
        assert_eq!(length_in_pages(&path.with_extension("db-wal")), 0);
    }

    #[test]
    fn a_log_that_is_written_to_all_the_while_begins_anew() {
        let (_folder, path, connection) = store();
        let mut checkpoints = Checkpoints::start(path.clone()).unwrap();
        checkpoints.follow(&connection);
        for _ in 0..400 {
            commit(&connection, 100);
            checkpoints.look(&connection);
        }
        let log = length_in_pages(&path.with_extension("db-wal"));
        assert!(log < 20_000, "{log} of 40,000 pages");
    }

    #[test]
    fn the_longer_the_log_the_more_of_it_the_writer_moves_itself() {
        let most = |pages| (0..=pages).filter(|left| is_little(*left, pages)).max();
        assert_eq!([LONG_LOG_PAGES, 10 * LONG_LOG_PAGES].map(most), [Some(250), Some(2_500)]);
        assert_eq!(most(OVERLONG_LOG_PAGES), Some(OVERLONG_LOG_PAGES), "it does not grow without end");
    }

    #[test]
    fn whoever_reads_for_a_moment_is_waited_for() {
        let (_folder, path, connection) = store();
        connection.wal_hook(Some(note_length));
        commit(&connection, 300);
        let reader = open_to_read(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM payload").unwrap();
        // All of it, but the next commit could not begin the log anew.
        move_log(&connection).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || reader.execute_batch("COMMIT").unwrap());
            while move_to_begin_anew(&connection).unwrap() != End::Anew {}
            commit(&connection, 1);
        });
        assert!(LOG_PAGES.get() < 300, "{} pages", LOG_PAGES.get());
    }

    #[test]
    fn a_reader_who_stays_is_not_waited_for_again_at_once() {
        let (_folder, path, connection) = store();
        let mut checkpoints = Checkpoints::start(path.clone()).unwrap();
        checkpoints.follow(&connection);
        commit(&connection, 1);
        let reader = open_to_read(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM payload").unwrap();
        commit(&connection, 10);
        assert_eq!(move_to_begin_anew(&connection).unwrap(), End::Read);

        commit(&connection, i64::from(LONG_LOG_PAGES));
        checkpoints.moved.store(LOG_PAGES.get(), Ordering::Release);
        checkpoints.look(&connection);

        reader.execute_batch("COMMIT").unwrap();
        assert_eq!(checkpoints.helps_from, LOG_PAGES.get() + PAGES_PER_RETRY);
        commit(&connection, i64::from(PAGES_PER_RETRY));
        checkpoints.moved.store(LOG_PAGES.get(), Ordering::Release);
        checkpoints.look(&connection);
        commit(&connection, 1);
        checkpoints.look(&connection);
        assert_eq!(checkpoints.helps_from, LONG_LOG_PAGES, "the log has begun anew");
    }

    #[test]
    fn the_log_of_a_file_that_has_taken_the_place_of_ours_is_left_alone() {
        let (folder, path, connection) = store();
        let checkpoints = Checkpoints::start(path.clone()).unwrap();
        std::fs::rename(&path, folder.path().join("moved.db")).unwrap();
        std::fs::write(&path, "another program's").unwrap();

        checkpoints.ask();
        drop((checkpoints, connection));

        assert_eq!(std::fs::read_to_string(&path).unwrap(), "another program's");
        assert!(std::fs::read_dir(folder.path()).unwrap().count() <= 4, "nothing was made beside it");
    }
}
