//! Counting: questions that read a great part of the store, one at a time, each with a thread and a connection of its own
//! that end with it.
//!
//! So neither what plans deliveries nor what is asked in passing waits behind one, and no memory is kept for them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::open_to_read;
use super::fault::unavailable;
use super::reader::in_one_state;
use crate::store::StoreError;
use crate::threads::give_way;

/// After how many steps of a statement it is looked whether anybody still waits for the answer.
const STEPS: i32 = 10_000;

/// How much of the file the connection keeps in memory, in KiB: what is counted lies in order and is read once, and what
/// is kept now the process would keep for good.
const CACHE_KIB: i64 = 256;

/// Counts, one question after another. Dropping it ends the one that is under way.
#[derive(Debug)]
pub(super) struct Counter {
    path: PathBuf,
    /// Held by the thread that counts, so that the next one begins when that has ended, whoever stopped waiting for it.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The thread that counted last.
    thread: Mutex<Option<JoinHandle<()>>>,
    is_over: Arc<AtomicBool>,
}

impl Counter {
    /// Makes one for the store at `path`.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            turn: Arc::default(),
            thread: Mutex::default(),
            is_over: Arc::default(),
        }
    }

    /// Answers one question from one state of the store, after those that were asked before. Whoever drops the future ends
    /// the counting.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let waiting = Arc::new(());
        let desk = Desk {
            path: self.path.clone(),
            asker: Arc::downgrade(&waiting),
            is_over: Arc::clone(&self.is_over),
        };
        let (answer, answered) = oneshot::channel();
        let work = move || {
            give_way();
            let counted = catch_unwind(AssertUnwindSafe(|| desk.answer(read)));
            drop(turn);
            // Whoever asked may have stopped waiting; of a panic they are told below.
            if let Ok(counted) = counted {
                let _ = answer.send(counted);
            }
        };
        let thread = std::thread::Builder::new()
            .name("store-counter".to_owned())
            .spawn(work)
            .map_err(|error| StoreError::Unavailable(format!("its thread cannot be started: {error}")))?;
        // The one before has ended: it gave its turn back.
        drop(self.thread.lock().unwrap_or_else(PoisonError::into_inner).replace(thread));
        let answer = answered.await;
        drop(waiting);
        answer.unwrap_or_else(|_| {
            Err(StoreError::Unavailable("a question to it was interrupted; ask again".to_owned()))
        })
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It catches its own panics; there is nobody left to tell of one.
            let _ = thread.join();
        }
    }
}

/// What a thread works with.
struct Desk {
    path: PathBuf,
    /// Gone once nobody waits for the answer.
    asker: Weak<()>,
    /// Whether the store is closed.
    is_over: Arc<AtomicBool>,
}

impl Desk {
    fn answer<T>(self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let connection = open_to_read(&self.path)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(|error| unavailable(&error))?;
        let is_in_vain = move || self.asker.strong_count() == 0 || self.is_over.load(Ordering::Relaxed);
        connection.progress_handler(STEPS, Some(is_in_vain)).map_err(|error| unavailable(&error))?;
        in_one_state(&connection, read).map_err(|error| unavailable(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::store::sqlite::{connection, place};

    /// Longer than anything here takes.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A statement that goes on for hours.
    const ENDLESS: &str =
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1000000000000)
                           SELECT count(*) FROM number";

    fn store() -> (tempfile::TempDir, Counter) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        drop(connection::open_to_serve(&path).unwrap());
        let counter = Counter::of(&path);
        (folder, counter)
    }

    /// Counts without an end; says that it has begun, and how it ended.
    fn endless(said: mpsc::Sender<Option<bool>>) -> impl FnOnce(&Connection) -> rusqlite::Result<i64> + Send {
        move |connection| {
            said.send(None).unwrap();
            let counted = connection.query_row(ENDLESS, [], |row| row.get(0));
            said.send(Some(counted.is_ok())).unwrap();
            counted
        }
    }

    #[tokio::test]
    async fn one_counts_while_the_next_waits() {
        let (_folder, counter) = store();
        let at_work = Arc::new(Mutex::new((0, 0)));
        let count = |number: i64| {
            let at_work = Arc::clone(&at_work);
            counter.run(move |connection| {
                let begun = {
                    let mut at_work = at_work.lock().unwrap();
                    at_work.0 += 1;
                    at_work.1 = at_work.0.max(at_work.1);
                    at_work.1
                };
                let sum = connection.query_row("SELECT ?1 + ?2", [number, begun], |row| row.get::<_, i64>(0));
                at_work.lock().unwrap().0 -= 1;
                sum
            })
        };
        let sums = tokio::join!(count(1), count(2), count(3));
        assert_eq!((sums.0.unwrap(), sums.1.unwrap(), sums.2.unwrap()), (2_i64, 3_i64, 4_i64));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_nobody_waits_for_any_more_ends_and_the_next_has_its_turn() {
        let (_folder, counter) = store();
        let (said, heard) = mpsc::channel();
        let begun = tokio::task::spawn_blocking(move || {
            heard.recv_timeout(PATIENCE).unwrap();
            heard
        });
        let heard = tokio::select! {
            _ = counter.run(endless(said)) => panic!("it has no end"),
            heard = begun => heard.unwrap(),
        };
        let next = counter.run(|connection| connection.query_row("SELECT 7", [], |row| row.get::<_, i64>(0)));
        assert_eq!(tokio::time::timeout(PATIENCE, next).await.unwrap().unwrap(), 7);
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(Some(false)));
    }

    #[test]
    fn a_store_that_is_closed_waits_for_no_counting() {
        let (_folder, counter) = store();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
        let (said, heard) = mpsc::channel();
        let counter = Arc::new(counter);
        let counting = runtime.spawn({
            let counter = Arc::clone(&counter);
            async move { counter.run(endless(said)).await }
        });
        heard.recv_timeout(PATIENCE).unwrap();
        counter.is_over.store(true, Ordering::Relaxed);
        let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, counting).await });
        assert!(matches!(ended.unwrap().unwrap(), Err(StoreError::Unavailable(_))));
        drop(counter);
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(Some(false)));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_next_has_its_turn() {
        let (_folder, counter) = store();
        let broken = counter.run(|_| -> rusqlite::Result<()> { panic!("in a test") }).await;
        assert!(matches!(broken, Err(StoreError::Unavailable(_))));
        let next = counter.run(|connection| connection.query_row("SELECT 7", [], |row| row.get::<_, i64>(0)));
        assert_eq!(next.await.unwrap(), 7);
    }
}
