//! What waits for the writer, and how much of it goes into one commit.
//!
//! Who waits for the disk goes first; the others are never left behind.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::request::{Durability, Request};

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

/// What was handed over and not done yet.
pub(super) struct Waiting {
    requests: mpsc::Receiver<Box<dyn Request>>,
    /// Those whose work has to be on disk before they are answered.
    heavy: VecDeque<Box<dyn Request>>,
    /// The others.
    light: VecDeque<Box<dyn Request>>,
    /// Since when there were always some of these, or since they had their turn.
    light_since: Option<Instant>,
}

/// What there is to do next.
pub(super) enum Next {
    /// Requests for one commit.
    Batch(Vec<Box<dyn Request>>),
    /// Nothing for the time being.
    Quiet,
    /// Nothing any more.
    Over,
}

impl Waiting {
    pub(super) fn new(requests: mpsc::Receiver<Box<dyn Request>>) -> Self {
        Self { requests, heavy: VecDeque::new(), light: VecDeque::new(), light_since: None }
    }

    /// Waits for something to do, no longer than `patience`.
    pub(super) fn next_batch(&mut self, patience: Option<Duration>) -> Next {
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

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::store::sqlite::writer::Writing;
    use crate::store::sqlite::writer::request::Task;

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
}
