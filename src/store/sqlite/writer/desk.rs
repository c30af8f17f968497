//! The thread that writes: commits a batch and answers it, keeps its connection sound, and puts on disk what is not there
//! yet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::request::{Durability, Request, Task};
use super::tally::Tally;
use super::waiting::{Next, Waiting};
use super::{Writing, interrupted};
use crate::store::StoreError;
use crate::store::sqlite::checkpoint::{Checkpoints, move_all, move_log};
use crate::store::sqlite::connection::{follow_ids, open_to_serve, open_to_write};
use crate::store::sqlite::fault::{may_pass, spoils_connection, unavailable};
use crate::store::sqlite::ids::Ids;
use crate::store::sqlite::place::Identity;

/// How long work that is committed may stay off the disk: what is lost with the machine is not much more than this.
const LONGEST_OFF_DISK: Duration = Duration::from_secs(1);

/// Why nothing of a batch was committed.
enum Failure {
    /// One request failed; the others may do without it.
    OfRequest(StoreError),
    /// There was no transaction, or it could not be committed.
    OfTransaction(StoreError),
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Self::OfRequest(error) | Self::OfTransaction(error) => error,
        }
    }
}

/// What the thread works with.
pub(super) struct Desk {
    path: PathBuf,
    /// Which file was opened; the connection would go on writing to it after somebody has removed it.
    identity: Option<Identity>,
    /// `None` until the first request, and after an error that spoils it.
    connection: Option<Connection>,
    /// Whether the file was not opened yet as it is for a relay that starts.
    pub(super) begins: bool,
    ids: Ids,
    /// Moves the log into the file; `None` beside the relay, where the commits do.
    checkpoints: Option<Checkpoints>,
    /// Whether there was no room for the last commit.
    lacks_room: bool,
    /// Whether the connection's commits wait until they are on disk.
    waits_for_disk: bool,
    /// When the oldest work was committed that may not be on disk yet.
    off_disk_since: Option<Instant>,
    pub(super) tally: Arc<Tally>,
}

impl Desk {
    pub(super) fn new(path: PathBuf, serves: bool) -> Result<Self, StoreError> {
        Ok(Self {
            identity: Identity::of(&path),
            checkpoints: if serves { Some(Checkpoints::start(path.clone())?) } else { None },
            path,
            connection: None,
            begins: false,
            ids: Ids::default(),
            lacks_room: false,
            waits_for_disk: true,
            off_disk_since: None,
            tally: Arc::default(),
        })
    }

    pub(super) fn work(mut self, waiting: &mut Waiting, bytes_waiting: &AtomicUsize) {
        loop {
            let patience = self.off_disk_since.map(|since| LONGEST_OFF_DISK.saturating_sub(since.elapsed()));
            match waiting.next_batch(patience) {
                Next::Batch(batch) => {
                    let bytes = batch.iter().map(|request| request.bytes()).sum();
                    bytes_waiting.fetch_sub(bytes, Ordering::Relaxed);
                    self.tally.begin(batch.len());
                    self.handle(batch);
                    self.tally.end();
                }
                Next::Quiet => self.put_on_disk(),
                Next::Over => return,
            }
            if let (Some(checkpoints), Some(connection)) = (&mut self.checkpoints, &self.connection) {
                checkpoints.look(connection);
            }
        }
    }

    /// Puts on disk what is committed and not there yet. A checkpoint would not: it leaves alone what a reader holds up.
    fn put_on_disk(&mut self) {
        let touch = |writing: &mut Writing<'_>| {
            writing.prepare("UPDATE probe SET filler = randomblob(16)")?.execute([]).map(drop)
        };
        let (answer, _) = oneshot::channel();
        let (bytes, durability) = (0, Durability::OnDisk);
        self.handle(vec![Box::new(Task { bytes, durability, work: touch, outcome: None, answer })]);
        if self.off_disk_since.is_some() {
            // It failed, and so would the next one at once.
            self.off_disk_since = Some(Instant::now());
        }
    }

    /// Commits a batch and answers it; where one request fails, each is tried in a transaction of its own.
    fn handle(&mut self, mut batch: Vec<Box<dyn Request>>) {
        match self.guarded(&mut batch) {
            Err(Failure::OfRequest(_)) if batch.len() > 1 => {
                for request in batch {
                    self.handle(vec![request]);
                }
            }
            end => {
                let end = end.map_err(Failure::into_error);
                for request in batch {
                    request.answer(end.clone());
                }
            }
        }
    }

    /// Commits a batch; a panic in it is one more way to fail.
    fn guarded(&mut self, batch: &mut [Box<dyn Request>]) -> Result<(), Failure> {
        catch_unwind(AssertUnwindSafe(|| self.commit(batch))).unwrap_or_else(|_| {
            self.connection = None;
            Err(Failure::OfRequest(interrupted()))
        })
    }

    fn commit(&mut self, batch: &mut [Box<dyn Request>]) -> Result<(), Failure> {
        self.be_open().map_err(Failure::OfTransaction)?;
        let Some(connection) = &self.connection else {
            return Err(Failure::OfTransaction(interrupted()));
        };
        if self.lacks_room {
            // What the log holds first: once it is in the file, the log begins anew and takes no further room.
            let _ = move_log(connection);
        }
        let overdue = self.off_disk_since.is_some_and(|since| since.elapsed() >= LONGEST_OFF_DISK);
        let on_disk = overdue || batch.iter().any(|request| request.durability() == Durability::OnDisk);
        if on_disk != self.waits_for_disk {
            wait_for_disk(connection, on_disk)
                .map_err(|error| Failure::OfTransaction(unavailable(&error)))?;
            self.waits_for_disk = on_disk;
        }
        let end = transact(Writing::new(connection, &mut self.ids), batch);
        if end.is_ok() {
            self.off_disk_since =
                if on_disk { None } else { self.off_disk_since.or_else(|| Some(Instant::now())) };
        }
        self.lacks_room = end.as_ref().is_err_and(|(error, _)| may_pass(error));
        if let Err((error, _)) = &end {
            let rolled_back = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
            if !rolled_back || spoils_connection(error) {
                self.connection = None;
            }
        }
        end.map_err(|(error, of_request)| {
            let error = unavailable(&error);
            if of_request { Failure::OfRequest(error) } else { Failure::OfTransaction(error) }
        })
    }

    /// Sees to it that there is a connection, and that it still writes to the file that lies at the path.
    fn be_open(&mut self) -> Result<(), StoreError> {
        if Identity::of(&self.path) != self.identity {
            if let Some(connection) = self.connection.take() {
                // Into the file that was opened, wherever it lies now: whatever is at the path is none of its log's.
                let _ = move_all(&connection);
            }
            return Err(StoreError::Unavailable(format!(
                "`{}` was removed or replaced while it was in use; put it back, or restart the relay to go on with what lies there",
                self.path.display()
            )));
        }
        if self.connection.is_some() {
            return Ok(());
        }
        if self.begins {
            let connection = open_to_serve(&self.path).map_err(|failed| failed.error)?;
            self.begins = false;
            self.take_over(connection)
        } else {
            self.take_over(open_to_write(&self.path)?)
        }
    }

    pub(super) fn take_over(&mut self, connection: Connection) -> Result<(), StoreError> {
        follow_ids(&connection, &mut self.ids).map_err(|error| unavailable(&error))?;
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.follow(&connection);
        }
        // It is opened so.
        self.waits_for_disk = true;
        self.connection = Some(connection);
        Ok(())
    }
}

/// Has the commits of a connection wait until they are on disk, or not.
fn wait_for_disk(connection: &Connection, wait: bool) -> rusqlite::Result<()> {
    // NORMAL leaves the log to the next commit under FULL, which puts on disk all that stands in it before.
    // Source: https://www.sqlite.org/pragma.html#pragma_synchronous, read 2026-11-25.
    connection.execute_batch(if wait { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" })
}

/// Runs a batch in one transaction. An error comes with whether one of the requests met it.
fn transact(mut writing: Writing<'_>, batch: &mut [Box<dyn Request>]) -> Result<(), (rusqlite::Error, bool)> {
    // IMMEDIATE: a process beside us that writes is waited for here, not met half-way through.
    execute(&writing, "BEGIN IMMEDIATE").map_err(|error| (error, false))?;
    for request in batch {
        request.work(&mut writing).map_err(|error| (error, true))?;
    }
    execute(&writing, "COMMIT").map_err(|error| (error, false))
}

fn execute(writing: &Writing<'_>, sql: &'static str) -> rusqlite::Result<()> {
    writing.prepare(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{connection, place};

    #[test]
    fn what_is_not_on_disk_yet_is_soon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        drop(open_to_serve(&path).unwrap());
        let mut desk = Desk::new(path, true).unwrap();
        let light = |desk: &mut Desk| {
            let (answer, mut answered) = oneshot::channel();
            let work = |writing: &mut Writing<'_>| {
                writing.connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))
            };
            let durability = Durability::WithTheNext;
            desk.handle(vec![Box::new(Task { bytes: 0, durability, work, outcome: None, answer })]);
            answered.try_recv().unwrap().unwrap()
        };
        let (normal, full) = (1, 2);
        assert_eq!([light(&mut desk), light(&mut desk)], [normal, normal]);
        desk.off_disk_since = desk.off_disk_since.and_then(|since| since.checked_sub(LONGEST_OFF_DISK));
        assert_eq!([light(&mut desk), light(&mut desk)], [full, normal]);
        desk.put_on_disk();
        assert!(desk.off_disk_since.is_none());
    }
}
