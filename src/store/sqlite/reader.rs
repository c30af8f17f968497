//! Readers: a few read-only connections, lent out to one question at a time on blocking threads.
//!
//! A reader sees the store as of one commit and never holds up the writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection::open_to_read;
use super::fault::{spoils_connection, unavailable};
use crate::store::StoreError;

/// How many questions are answered at once.
const READERS: usize = 2;

/// The read-only connections of a store; opened when they are first needed.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Returns the readers of the store at `path`.
    pub(super) fn new(path: &Path) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(READERS));
        Arc::new(Self { path: path.to_owned(), idle: Mutex::default(), permits })
    }

    /// Answers one question from one state of the store.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let answer = readers.answer(read);
            drop(permit);
            answer
        });
        answer.await.map_err(|_| closed())?
    }

    fn answer<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_to_read(&self.path)?,
        };
        let answer = in_one_state(&connection, read);
        let spoilt = answer.as_ref().is_err_and(spoils_connection);
        if !spoilt && connection.is_autocommit() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        answer.map_err(|error| unavailable(&error))
    }
}

fn in_one_state<T>(
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

fn closed() -> StoreError {
    StoreError::Unavailable("a question to it was cut off; ask again".to_owned())
}
