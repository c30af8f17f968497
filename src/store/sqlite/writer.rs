//! The writer: one thread that alone writes to the store, and commits together what has gathered meanwhile.
//!
//! A commit costs the same however much it holds, so the longer one takes, the more the next one carries. Nobody is
//! answered before the commit that holds his work is on disk, unless his work may be undone with the machine: that one
//! stands back where others wait for the disk. Knows nothing of what the work is.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{CachedStatement, Connection};
use tokio::sync::oneshot;

use super::checkpoint::{Checkpoints, move_all, move_log};
use super::connection::{follow_ids, open_to_serve, open_to_write};
use super::fault::{may_pass, spoils_connection, unavailable};
use super::ids::Ids;
use super::place::Identity;
use crate::store::StoreError;

/// How many requests that wait for the disk one commit holds at most.
const MOST_PER_COMMIT: usize = 512;
/// How many of the others it holds, and how many beside those that wait for the disk: a webhook has one second, a
/// message has time.
const LIGHT_PER_COMMIT: usize = 128;
const LIGHT_BESIDE: usize = 4;
/// After how long the others have their turn all the same.
const LIGHT_PATIENCE: Duration = Duration::from_millis(20);
/// After how many bytes of bodies no more requests are taken into a commit, so that none of them waits long.
const BYTES_PER_COMMIT: usize = 8 * 1024 * 1024;
/// How many bytes of bodies may wait for the writer; beyond that, the store is called unavailable.
const MOST_BYTES_WAITING: usize = 64 * 1024 * 1024;

/// How long work that is committed may stay off the disk: what is lost with the machine is not much more than this.
const LONGEST_OFF_DISK: Duration = Duration::from_secs(1);

/// What a request works with: the open transaction, and the maker of ids.
pub(super) struct Writing<'a> {
    /// A connection on which a transaction is open.
    pub(super) connection: &'a Connection,
    /// Makes ids of events and deliveries.
    pub(super) ids: &'a mut Ids,
}

impl Writing<'_> {
    /// Returns a statement, prepared once.
    pub(super) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }
}

/// How the writer comes by its connection.
pub(super) enum Opening {
    /// The relay's own, opened already.
    Served(Connection),
    /// The relay's own, which could not be opened yet: each request tries.
    ToServe,
    /// A command's beside the relay: opened for the first request.
    Beside,
}

/// Hands requests to the thread that writes. Dropping it ends the thread once everything handed over is answered.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` only while it is dropped.
    requests: Option<mpsc::Sender<Box<dyn Request>>>,
    thread: Option<JoinHandle<()>>,
    bytes_waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(path: PathBuf, opening: Opening) -> Result<Self, StoreError> {
        let (requests, requests_in) = mpsc::channel();
        let serves = !matches!(opening, Opening::Beside);
        let mut desk = Desk::new(path, serves)?;
        desk.begins = matches!(opening, Opening::ToServe);
        if let Opening::Served(connection) = opening {
            desk.take_over(connection)?;
        }
        let bytes_waiting = Arc::new(AtomicUsize::new(0));
        let bytes = Arc::clone(&bytes_waiting);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || desk.work(&mut Waiting::new(requests_in), &bytes))
            .map_err(|error| StoreError::Unavailable(format!("its thread cannot be started: {error}")))?;
        Ok(Self { requests: Some(requests), thread: Some(thread), bytes_waiting })
    }

    /// Has `work` done in a transaction and returns its result once that is on disk.
    ///
    /// `work` may be called again where a neighbour in the same transaction failed and everything is rolled back.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Writing<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.hand_over(0, Durability::OnDisk, work).await
    }

    /// As [`Writer::run`], for a request that keeps so many bytes in memory while it waits.
    pub(super) async fn run_with_bytes<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnMut(&mut Writing<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.hand_over(bytes, Durability::OnDisk, work).await
    }

    /// As [`Writer::run`], but returns before the result is on disk, where nothing else in the transaction must be: for
    /// what concerns this process alone. It outlives the process, though perhaps not the machine; whatever is committed
    /// later never outlives it.
    pub(super) async fn run_lightly<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Writing<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.hand_over(0, Durability::WithTheNext, work).await
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        bytes: usize,
        durability: Durability,
        work: impl FnMut(&mut Writing<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if bytes > 0 && self.bytes_waiting.load(Ordering::Relaxed) > MOST_BYTES_WAITING {
            return Err(StoreError::Unavailable(
                "the disk is slower than what comes in; the relay goes on by itself".to_owned(),
            ));
        }
        let (answer, answered) = oneshot::channel();
        let request = Box::new(Task { bytes, durability, work, outcome: None, answer });
        self.bytes_waiting.fetch_add(bytes, Ordering::Relaxed);
        let sent = self.requests.as_ref().and_then(|requests| requests.send(request).ok());
        if sent.is_none() {
            self.bytes_waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        answered.await.unwrap_or_else(|_| Err(interrupted()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            // The thread catches its own panics; there is nobody left to tell of one.
            let _ = thread.join();
        }
    }
}

/// When a request's work has to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Before it is answered.
    OnDisk,
    /// Together with the next work that has to be.
    WithTheNext,
}

/// One request, whatever it does and brings back.
trait Request: Send {
    /// Returns how many bytes it keeps in memory.
    fn bytes(&self) -> usize;
    /// Returns when its work has to be on disk.
    fn durability(&self) -> Durability;
    /// Does the work and keeps the result back.
    fn work(&mut self, writing: &mut Writing<'_>) -> rusqlite::Result<()>;
    /// Tells whoever asked: the result where it is committed.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

struct Task<W, T> {
    bytes: usize,
    durability: Durability,
    work: W,
    outcome: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<W, T> Request for Task<W, T>
where
    W: FnMut(&mut Writing<'_>) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn work(&mut self, writing: &mut Writing<'_>) -> rusqlite::Result<()> {
        self.outcome = Some((self.work)(writing)?);
        Ok(())
    }

    fn answer(self: Box<Self>, end: Result<(), StoreError>) {
        let Self { outcome, answer, .. } = *self;
        // Whoever asked may have stopped waiting; what is committed stays.
        let _ = answer.send(end.and_then(|()| outcome.ok_or_else(interrupted)));
    }
}

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
struct Desk {
    path: PathBuf,
    /// Which file was opened; the connection would go on writing to it after somebody has removed it.
    identity: Option<Identity>,
    /// `None` until the first request, and after an error that spoils it.
    connection: Option<Connection>,
    /// Whether the file was not opened yet as it is for a relay that starts.
    begins: bool,
    ids: Ids,
    /// Moves the log into the file; `None` beside the relay, where the commits do.
    checkpoints: Option<Checkpoints>,
    /// Whether there was no room for the last commit.
    lacks_room: bool,
    /// Whether the connection's commits wait until they are on disk.
    waits_for_disk: bool,
    /// When the oldest work was committed that may not be on disk yet.
    off_disk_since: Option<Instant>,
}

impl Desk {
    fn new(path: PathBuf, serves: bool) -> Result<Self, StoreError> {
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
        })
    }

    fn work(mut self, waiting: &mut Waiting, bytes_waiting: &AtomicUsize) {
        loop {
            let patience = self.off_disk_since.map(|since| LONGEST_OFF_DISK.saturating_sub(since.elapsed()));
            match waiting.next_batch(patience) {
                Next::Batch(batch) => {
                    let bytes = batch.iter().map(|request| request.bytes()).sum();
                    bytes_waiting.fetch_sub(bytes, Ordering::Relaxed);
                    self.handle(batch);
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
        let end = transact(Writing { connection, ids: &mut self.ids }, batch);
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

    fn take_over(&mut self, connection: Connection) -> Result<(), StoreError> {
        follow_ids(&connection, &mut self.ids).map_err(|error| unavailable(&error))?;
        if self.checkpoints.is_some() {
            Checkpoints::follow(&connection);
        }
        // It is opened so.
        self.waits_for_disk = true;
        self.connection = Some(connection);
        Ok(())
    }
}

/// What was handed over and not done yet.
struct Waiting {
    requests: mpsc::Receiver<Box<dyn Request>>,
    /// Those whose work has to be on disk before they are answered.
    heavy: VecDeque<Box<dyn Request>>,
    /// The others.
    light: VecDeque<Box<dyn Request>>,
    /// Since when there were always some of these, or since they had their turn.
    light_since: Option<Instant>,
}

/// What there is to do next.
enum Next {
    /// Requests for one commit.
    Batch(Vec<Box<dyn Request>>),
    /// Nothing for the time being.
    Quiet,
    /// Nothing any more.
    Over,
}

impl Waiting {
    fn new(requests: mpsc::Receiver<Box<dyn Request>>) -> Self {
        Self { requests, heavy: VecDeque::new(), light: VecDeque::new(), light_since: None }
    }

    /// Waits for something to do, no longer than `patience`.
    fn next_batch(&mut self, patience: Option<Duration>) -> Next {
        if self.heavy.is_empty() && self.light.is_empty() {
            let first = match patience {
                Some(patience) => self.requests.recv_timeout(patience),
                None => self.requests.recv().map_err(mpsc::RecvTimeoutError::from),
            };
            match first {
                Ok(request) => self.sort(request),
                Err(mpsc::RecvTimeoutError::Timeout) => return Next::Quiet,
                Err(mpsc::RecvTimeoutError::Disconnected) => return Next::Over,
            }
        }
        while let Ok(request) = self.requests.try_recv() {
            self.sort(request);
        }
        Next::Batch(self.take())
    }

    fn sort(&mut self, request: Box<dyn Request>) {
        match request.durability() {
            Durability::OnDisk => self.heavy.push_back(request),
            Durability::WithTheNext => {
                self.light.push_back(request);
                self.light_since.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Takes a commit's worth.
    fn take(&mut self) -> Vec<Box<dyn Request>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MOST_PER_COMMIT && bytes < BYTES_PER_COMMIT {
            let Some(next) = self.heavy.pop_front() else { break };
            bytes += next.bytes();
            batch.push(next);
        }
        let has_waited = self.light_since.is_some_and(|since| since.elapsed() >= LIGHT_PATIENCE);
        let most = if batch.is_empty() || has_waited { LIGHT_PER_COMMIT } else { LIGHT_BESIDE };
        batch.extend(self.light.drain(..self.light.len().min(most)));
        if self.light.is_empty() {
            self.light_since = None;
        } else if has_waited {
            self.light_since = Some(Instant::now());
        }
        batch
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

fn execute(writing: &Writing<'_>, sql: &str) -> rusqlite::Result<()> {
    writing.prepare(sql)?.execute([]).map(drop)
}

fn interrupted() -> StoreError {
    StoreError::Unavailable("its writer was interrupted; try again".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{connection, place};

    type Work = Box<dyn FnMut(&mut Writing<'_>) -> rusqlite::Result<()> + Send>;

    fn start() -> (tempfile::TempDir, Arc<Writer>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        let connection = connection::open_to_serve(&path).unwrap();
        (folder, Arc::new(Writer::start(path, Opening::Served(connection)).unwrap()))
    }

    fn insert(bytes: usize) -> impl FnMut(&mut Writing<'_>) -> rusqlite::Result<()> + Send + 'static {
        move |writing| {
            let insert = "INSERT INTO payload (headers, body) VALUES ('', zeroblob(?1))";
            writing.prepare(insert)?.execute([i64::try_from(bytes).unwrap()]).map(drop)
        }
    }

    async fn count(writer: &Writer) -> i64 {
        let count = |writing: &mut Writing<'_>| {
            writing.connection.query_row("SELECT count(*) FROM payload", [], |row| row.get(0))
        };
        writer.run(count).await.unwrap()
    }

    #[tokio::test]
    async fn only_work_that_has_to_be_is_on_disk_before_it_is_answered() {
        let (_folder, writer) = start();
        let level = |writing: &mut Writing<'_>| {
            writing.connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))
        };
        let (normal, full) = (1, 2);
        assert_eq!(writer.run(level).await.unwrap(), full);
        assert_eq!(writer.run_lightly(level).await.unwrap(), normal);
        assert_eq!(writer.run_with_bytes(1, level).await.unwrap(), full);
    }

    #[test]
    fn what_is_not_on_disk_yet_is_soon() {
        let (folder, writer) = start();
        drop(writer);
        let path = folder.path().join("relay.db");
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

    /// Requests as they wait, of which each is known by how many bytes it keeps.
    fn waiting(requests: impl IntoIterator<Item = (Durability, usize)>) -> Waiting {
        let (sender, receiver) = mpsc::channel::<Box<dyn Request>>();
        for (durability, bytes) in requests {
            let (answer, _) = oneshot::channel();
            sender
                .send(Box::new(Task {
                    bytes,
                    durability,
                    work: |_: &mut Writing<'_>| Ok(()),
                    outcome: None,
                    answer,
                }))
                .unwrap();
        }
        Waiting::new(receiver)
    }

    fn next(waiting: &mut Waiting) -> Option<Vec<usize>> {
        match waiting.next_batch(Some(Duration::ZERO)) {
            Next::Batch(batch) => Some(batch.iter().map(|request| request.bytes()).collect()),
            Next::Quiet | Next::Over => None,
        }
    }

    #[test]
    fn who_waits_for_the_disk_goes_first_and_the_others_are_never_left_behind() {
        let heavy = || (0..2 * MOST_PER_COMMIT).map(|_| (Durability::OnDisk, 1));
        let light = || (0..LIGHT_PER_COMMIT).map(|_| (Durability::WithTheNext, 0));
        let mut waiting = waiting(light().chain(heavy()));
        let share =
            |batch: &[usize]| (batch.iter().sum::<usize>(), batch.len() - batch.iter().sum::<usize>());

        assert_eq!(share(&next(&mut waiting).unwrap()), (MOST_PER_COMMIT, LIGHT_BESIDE));
        waiting.light_since = waiting.light_since.and_then(|since| since.checked_sub(LIGHT_PATIENCE));
        assert_eq!(share(&next(&mut waiting).unwrap()), (MOST_PER_COMMIT, LIGHT_PER_COMMIT - LIGHT_BESIDE));
        assert_eq!(next(&mut waiting), None);
    }

    #[test]
    fn large_bodies_are_few_in_a_commit_and_keep_their_order() {
        let half = BYTES_PER_COMMIT / 2;
        let bodies = [half, half - 1, 1, half, 2 * half, 3];
        let mut waiting = waiting(bodies.map(|bytes| (Durability::OnDisk, bytes)));
        let batches: Vec<_> = std::iter::from_fn(|| next(&mut waiting)).collect();
        assert_eq!(batches, [vec![half, half - 1, 1], vec![half, 2 * half], vec![3]]);
    }

    /// Has all of these done in one batch: the writer is kept busy until they have gathered.
    async fn together(writer: &Arc<Writer>, requests: Vec<Work>) -> Vec<Result<(), StoreError>> {
        let (go, wait) = mpsc::channel::<()>();
        let busy = Arc::clone(writer);
        let busy = tokio::spawn(async move {
            let _ = busy
                .run(move |_| {
                    let _ = wait.recv();
                    Ok(())
                })
                .await;
        });
        tokio::task::yield_now().await;
        let tasks: Vec<_> = requests
            .into_iter()
            .map(|mut request| {
                let writer = Arc::clone(writer);
                tokio::spawn(async move { writer.run(move |writing| request(writing)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(go);
        busy.await.unwrap();
        let mut ends = Vec::new();
        for task in tasks {
            ends.push(task.await.unwrap());
        }
        ends
    }

    #[tokio::test]
    async fn a_request_that_fails_or_panics_takes_none_of_its_neighbours_with_it() {
        let (_folder, writer) = start();
        let half_done = |writing: &mut Writing<'_>| {
            insert(1)(writing)?;
            writing.connection.execute("INSERT INTO payload (headers, body) VALUES (NULL, '')", []).map(drop)
        };
        let panics = |writing: &mut Writing<'_>| {
            insert(1)(writing)?;
            panic!("a bug")
        };
        let requests: Vec<Work> = vec![
            Box::new(insert(1)),
            Box::new(half_done),
            Box::new(insert(1)),
            Box::new(panics),
            Box::new(insert(1)),
        ];
        let ends = together(&writer, requests).await;
        assert_eq!(ends.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
        assert_eq!(count(&writer).await, 3, "nothing twice, and nothing of those that failed");
    }

    #[tokio::test]
    async fn a_full_disk_refuses_what_does_not_fit_and_is_forgotten_once_there_is_room() {
        let (_folder, writer) = start();
        let pages = |pages: i64| {
            move |writing: &mut Writing<'_>| {
                writing.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            }
        };
        writer.run(pages(1)).await.unwrap(); // As many as there are.
        let ends =
            together(&writer, vec![Box::new(insert(1_000_000)), Box::new(insert(1)), Box::new(insert(1))])
                .await;
        let refusal = ends[0].as_ref().unwrap_err().to_string();
        assert!(refusal.contains("the disk is full; free some space"), "{refusal}");
        assert!(ends[1].is_ok() && ends[2].is_ok(), "what fits is kept: {ends:?}");
        for _ in 0..3 {
            assert!(writer.run(insert(1_000_000)).await.is_err());
        }
        writer.run(pages(1_000_000)).await.unwrap();
        writer.run(insert(1_000_000)).await.unwrap();
        assert_eq!(count(&writer).await, 3);
    }

    #[tokio::test]
    async fn a_backlog_of_large_bodies_is_refused_before_it_fills_the_memory() {
        let (_folder, writer) = start();
        writer.bytes_waiting.store(MOST_BYTES_WAITING + 1, Ordering::Relaxed);
        let refusal = writer.run_with_bytes(1, insert(1)).await.unwrap_err().to_string();
        assert!(refusal.contains("slower than what comes in"), "{refusal}");
        writer.run(insert(1)).await.unwrap();
        writer.bytes_waiting.store(0, Ordering::Relaxed);
        writer.run_with_bytes(1, insert(1)).await.unwrap();
        assert_eq!(writer.bytes_waiting.load(Ordering::Relaxed), 0);
    }
}
