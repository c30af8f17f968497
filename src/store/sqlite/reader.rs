//! Readers: a few threads, each with a read-only connection, that answer questions.
//!
//! A reader sees the store as of one commit and never holds up the writer. Threads of their own, not the runtime's
//! blocking ones: while questions wait, a reader goes on from one to the next without anybody waking it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::open_to_read;
use super::fault::{spoils_connection, unavailable};
use crate::store::StoreError;
use crate::threads::{Turn, give_way};

/// How many questions are answered at once.
const READERS: usize = 2;

type Question = Box<dyn FnOnce(&mut Desk) + Send>;

/// Hands questions to the threads that read. Dropping it ends them once everything handed over is answered.
#[derive(Debug)]
pub(super) struct Readers {
    /// `None` only while it is dropped.
    questions: Option<mpsc::Sender<Question>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts the threads; each opens the store at `path` for its first question.
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let (questions, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self { questions: Some(questions), threads: Vec::with_capacity(READERS) };
        for number in 1..=READERS {
            let (waiting, desk) = (Arc::clone(&waiting), Desk { path: path.to_owned(), connection: None });
            let thread = std::thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || {
                    give_way();
                    desk.work(&waiting);
                })
                .map_err(|error| StoreError::Unavailable(format!("its thread cannot be started: {error}")))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Answers one question, in turn with all others that are asked so: however many people look at lists, there is a
    /// reader for what is to be sent, and a processor for webhooks.
    pub(super) async fn run_in_turn<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Turn::come().await;
        // To its end, whether or not somebody still waits for it.
        self.run(move |connection| turn.spend(|| read(connection))).await
    }

    /// Answers one question from one state of the store.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |desk| {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(desk.answer(read));
        });
        if let Some(questions) = &self.questions {
            // Where no thread is left, `answered` fails below.
            let _ = questions.send(question);
        }
        answered.await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable("a question to it was interrupted; ask again".to_owned()))
        })
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.questions.take());
        for thread in self.threads.drain(..) {
            // The threads catch their own panics; there is nobody left to tell of one.
            let _ = thread.join();
        }
    }
}

/// What a thread works with.
struct Desk {
    path: PathBuf,
    /// `None` until the first question, and after an error that spoils it.
    connection: Option<Connection>,
}

impl Desk {
    fn work(mut self, waiting: &Mutex<mpsc::Receiver<Question>>) {
        loop {
            // One idle thread waits for a question, the other for its turn to do so.
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(question) = next else { return };
            if catch_unwind(AssertUnwindSafe(|| question(&mut self))).is_err() {
                self.connection = None;
            }
        }
    }

    fn answer<T>(&mut self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_to_read(&self.path)?,
        };
        let answer = in_one_state(&connection, read);
        if connection.is_autocommit() && !answer.as_ref().is_err_and(spoils_connection) {
            self.connection = Some(connection);
        }
        answer.map_err(|error| unavailable(&error))
    }
}

/// Reads from one state of the store.
pub(super) fn in_one_state<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("BEGIN DEFERRED")?.execute([])?;
    let answer = read(connection);
    let end = connection.prepare_cached("ROLLBACK").and_then(|mut rollback| rollback.execute([]));
    let answer = answer?;
    end?;
    Ok(answer)
}
