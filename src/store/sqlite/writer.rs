//! The writer: one thread that alone writes to the store, and commits together what has gathered meanwhile.
//!
//! A commit costs the same however much it holds, so the longer one takes, the more the next one carries. Nobody is
//! answered before the commit that holds his work is on disk, unless his work may be undone with the machine: that one
//! stands back where others wait for the disk. Knows nothing of what the work is.

mod desk;
mod request;
mod statements;
mod tally;
mod waiting;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use self::desk::Desk;
use self::request::{Durability, Task};
use self::statements::{AtHand, Statements};
use self::tally::{Count, Tally};
use self::waiting::{Aside, Told, Waiting};
use super::ids::Ids;
use crate::store::StoreError;

/// How many bytes of bodies may wait for the writer; beyond that, the store is called unavailable.
const MOST_BYTES_WAITING: usize = 64 * 1024 * 1024;

/// How long somebody stands back at most while a crowd waits, and how often he looks whether one does.
const STANDS_BACK: Duration = Duration::from_millis(250);
const LOOKS_EVERY: Duration = Duration::from_millis(25);

/// What a request works with: the open transaction, and the maker of ids.
pub(super) struct Writing<'a> {
    /// A connection on which a transaction is open.
    pub(super) connection: &'a Connection,
    /// Makes ids of events and deliveries.
    pub(super) ids: &'a mut Ids,
    statements: Statements<'a>,
}

impl<'a> Writing<'a> {
    /// Begins to work with an open transaction.
    pub(super) fn new(connection: &'a Connection, ids: &'a mut Ids) -> Self {
        Self { connection, ids, statements: Statements::default() }
    }

    /// Returns a statement, prepared once.
    pub(super) fn prepare(&self, sql: &'static str) -> rusqlite::Result<AtHand<'_, 'a>> {
        self.statements.take(self.connection, sql)
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
    told: Option<mpsc::Sender<Told>>,
    aside: Arc<Aside>,
    thread: Option<JoinHandle<()>>,
    bytes_waiting: Arc<AtomicUsize>,
    tally: Arc<Tally>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(path: PathBuf, opening: Opening) -> Result<Self, StoreError> {
        let (told, hears) = mpsc::channel();
        let aside = Arc::new(Aside::default());
        let mut waiting = Waiting::new(hears, Arc::clone(&aside));
        let serves = !matches!(opening, Opening::Beside);
        let mut desk = Desk::new(path, serves)?;
        desk.begins = matches!(opening, Opening::ToServe);
        if let Opening::Served(connection) = opening {
            desk.take_over(connection)?;
        }
        let bytes_waiting = Arc::new(AtomicUsize::new(0));
        let (bytes, tally) = (Arc::clone(&bytes_waiting), Arc::clone(&desk.tally));
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || desk.work(&mut waiting, &bytes))
            .map_err(|error| StoreError::Unavailable(format!("its thread cannot be started: {error}")))?;
        Ok(Self { told: Some(told), aside, thread: Some(thread), bytes_waiting, tally })
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

    /// As [`Writer::run_lightly`], for what nobody waits for: it may be put off for a moment, to be committed with others.
    pub(super) async fn run_whenever<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Writing<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.hand_over(0, Durability::Whenever, work).await
    }

    /// Returns what it has done so far.
    pub(super) fn tally(&self) -> Count {
        self.tally.now()
    }

    /// Waits until nobody crowds the writer any more, if somebody has since `before`; where that never ends, for a moment.
    pub(super) async fn let_crowd_pass(&self, mut before: Count) {
        let until = Instant::now() + STANDS_BACK;
        loop {
            let now = self.tally.now();
            if !now.was_crowded_since(before) || Instant::now() >= until {
                return;
            }
            before = now;
            sleep(LOOKS_EVERY).await;
        }
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
        let told = match durability {
            Durability::OnDisk | Durability::WithTheNext => Some(Told::Work(request)),
            Durability::Whenever => self.aside.put(request).then_some(Told::Aside),
        };
        if let (Some(told), Some(writer)) = (told, &self.told)
            && writer.send(told).is_err()
        {
            self.bytes_waiting.fetch_sub(bytes, Ordering::Relaxed);
            // Nobody will come for it; whoever waits for its answer learns that by its end.
            self.aside.clear();
        }
        answered.await.unwrap_or_else(|_| Err(interrupted()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.told.take());
        if let Some(thread) = self.thread.take() {
            // The thread catches its own panics; there is nobody left to tell of one.
            let _ = thread.join();
        }
    }
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

    #[tokio::test(start_paused = true)]
    async fn a_crowd_is_let_pass_but_not_for_long() {
        let (_folder, writer) = start();
        let waits_since = async |before| {
            let began = Instant::now();
            writer.let_crowd_pass(before).await;
            began.elapsed()
        };
        let before = writer.tally();
        assert_eq!(waits_since(before).await, Duration::ZERO, "nobody was there");
        let commit = || {
            writer.tally.begin(100);
            writer.tally.end();
        };
        commit();
        assert_eq!(waits_since(before).await, LOOKS_EVERY, "nobody came any more");
        let coming = async {
            loop {
                commit();
                sleep(LOOKS_EVERY / 2).await;
            }
        };
        tokio::select! {
            () = coming => {}
            waited = waits_since(before) => assert_eq!(waited, STANDS_BACK),
        }
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
