//! Requests: work for the writer with whom to tell of its end, whatever it does and brings back.

use tokio::sync::oneshot;

use super::{Writing, interrupted};
use crate::store::StoreError;

/// When a request's work has to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Before it is answered.
    OnDisk,
    /// Together with the next work that has to be.
    WithTheNext,
    /// The same, and nobody is kept waiting by it: it may be put off for a moment, until there is more of it.
    Whenever,
}

/// One request, whatever it does and brings back.
pub(super) trait Request: Send {
    /// Returns how many bytes it keeps in memory.
    fn bytes(&self) -> usize;
    /// Returns when its work has to be on disk.
    fn durability(&self) -> Durability;
    /// Does the work and keeps the result back.
    fn work(&mut self, writing: &mut Writing<'_>) -> rusqlite::Result<()>;
    /// Tells whoever asked: the result where it is committed.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

pub(super) struct Task<W, T> {
    pub(super) bytes: usize,
    pub(super) durability: Durability,
    pub(super) work: W,
    pub(super) outcome: Option<T>,
    pub(super) answer: oneshot::Sender<Result<T, StoreError>>,
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
