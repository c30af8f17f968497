//! What waits for the writer, and how much of it goes into one commit.
//!
//! Who waits for the disk goes first; the others are never left behind. What keeps nobody waiting is put aside without
//! waking the writer, and goes along with the next commit, or after a moment in one of its own.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::request::{Durability, Request};

/// How many requests that wait for the disk one commit holds at most.
const MOST_PER_COMMIT: usize = 512;
/// How many of the others it holds.
const LIGHT_PER_COMMIT: usize = 128;
/// How many of them it holds beside those that wait for the disk, and beside how many of these at most. Beside more it
/// holds none: one may be the plans of many events, and a webhook has one second, a message has time.
const LIGHT_BESIDE: usize = 4;
/// After how long the others have their turn all the same, beside however many.
const LIGHT_PATIENCE: Duration = Duration::from_millis(20);
/// How long what keeps nobody waiting is gathered.
const GATHERS_FOR: Duration = Duration::from_millis(2);
/// After how many bytes of bodies no more requests are taken into a commit, so that none of them waits long.
const BYTES_PER_COMMIT: usize = 8 * 1024 * 1024;

/// What keeps nobody waiting, put aside until the next commit.
#[derive(Default)]
pub(super) struct Aside(Mutex<Vec<Box<dyn Request>>>);

impl Aside {
    /// Puts a request aside; returns whether the writer is to be told, because it is the first one there.
    pub(super) fn put(&self, request: Box<dyn Request>) -> bool {
        let mut requests = self.requests();
        requests.push(request);
        requests.len() == 1
    }

    /// Drops everything that lies there.
    pub(super) fn clear(&self) {
        self.requests().clear();
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Box<dyn Request>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Aside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Aside")
    }
}

/// What the writer is told.
pub(super) enum Told {
    /// There is something to do.
    Work(Box<dyn Request>),
    /// Something was put aside.
    Aside,
}

/// What was handed over and not done yet.
pub(super) struct Waiting {
    told: mpsc::Receiver<Told>,
    aside: Arc<Aside>,
    /// Since when something lies aside, as far as the writer was told.
    aside_since: Option<Instant>,
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
    pub(super) fn new(told: mpsc::Receiver<Told>, aside: Arc<Aside>) -> Self {
        let (heavy, light) = (VecDeque::new(), VecDeque::new());
        Self { told, aside, aside_since: None, heavy, light, light_since: None }
    }

    /// Waits for something to do, no longer than `patience`.
    pub(super) fn next_batch(&mut self, patience: Option<Duration>) -> Next {
        let until = patience.map(|patience| Instant::now() + patience);
        while self.heavy.is_empty() && self.light.is_empty() {
            let gathered_at = self.aside_since.map(|since| since + GATHERS_FOR);
            match self.listen([until, gathered_at].into_iter().flatten().min()) {
                Ok(told) => self.note(told),
                Err(end) => {
                    self.take_aside();
                    match end {
                        _ if !self.light.is_empty() => {}
                        mpsc::RecvTimeoutError::Disconnected => return Next::Over,
                        mpsc::RecvTimeoutError::Timeout
                            if until.is_none_or(|until| Instant::now() < until) => {}
                        mpsc::RecvTimeoutError::Timeout => return Next::Quiet,
                    }
                }
            }
        }
        while let Ok(told) = self.told.try_recv() {
            self.note(told);
        }
        self.take_aside();
        Next::Batch(self.take())
    }

    fn listen(&self, until: Option<Instant>) -> Result<Told, mpsc::RecvTimeoutError> {
        match until {
            Some(until) => self.told.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => self.told.recv().map_err(mpsc::RecvTimeoutError::from),
        }
    }

    fn note(&mut self, told: Told) {
        match told {
            Told::Work(request) => self.sort(request),
            Told::Aside => {
                self.aside_since.get_or_insert_with(Instant::now);
            }
        }
    }

    fn take_aside(&mut self) {
        self.aside_since = None;
        let requests = std::mem::take(&mut *self.aside.requests());
        for request in requests {
            self.sort(request);
        }
    }

    fn sort(&mut self, request: Box<dyn Request>) {
        match request.durability() {
            Durability::OnDisk => self.heavy.push_back(request),
            Durability::WithTheNext | Durability::Whenever => {
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
        let most = match batch.len() {
            heavy if heavy == 0 || has_waited => LIGHT_PER_COMMIT,
            ..=LIGHT_BESIDE => LIGHT_BESIDE,
            _ => 0,
        };
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
        let (sender, receiver) = mpsc::channel();
        let aside = Arc::new(Aside::default());
        for (durability, bytes) in requests {
            let (answer, _) = oneshot::channel();
            let work = |_: &mut Writing<'_>| Ok(());
            let request = Box::new(Task { bytes, durability, work, outcome: None, answer });
            if durability != Durability::Whenever {
                sender.send(Told::Work(request)).unwrap();
            } else if aside.put(request) {
                sender.send(Told::Aside).unwrap();
            }
        }
        Waiting::new(receiver, aside)
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

        assert_eq!(share(&next(&mut waiting).unwrap()), (MOST_PER_COMMIT, 0));
        waiting.light_since = waiting.light_since.and_then(|since| since.checked_sub(LIGHT_PATIENCE));
        assert_eq!(share(&next(&mut waiting).unwrap()), (MOST_PER_COMMIT, LIGHT_PER_COMMIT));
        assert_eq!(next(&mut waiting), None);
    }

    #[test]
    fn beside_a_few_that_wait_for_the_disk_some_of_the_others_go_along() {
        let light = || (0..LIGHT_PER_COMMIT).map(|_| (Durability::WithTheNext, 0));
        for (heavy, goes_along) in [(0, LIGHT_PER_COMMIT), (1, 4), (4, 4), (5, 0)] {
            let heavies = (0..heavy).map(|_| (Durability::OnDisk, 1));
            let mut waiting = waiting(light().chain(heavies));
            while let Ok(told) = waiting.told.try_recv() {
                waiting.note(told);
            }
            // However slow the machine is.
            waiting.light_since = Some(Instant::now() + Duration::from_hours(1));
            assert_eq!(waiting.take().len(), heavy + goes_along, "beside {heavy}");
        }
    }

    #[test]
    fn large_bodies_are_few_in_a_commit_and_keep_their_order() {
        let half = BYTES_PER_COMMIT / 2;
        let bodies = [half, half - 1, 1, half, 2 * half, 3];
        let mut waiting = waiting(bodies.map(|bytes| (Durability::OnDisk, bytes)));
        let batches: Vec<_> = std::iter::from_fn(|| next(&mut waiting)).collect();
        assert_eq!(batches, [vec![half, half - 1, 1], vec![half, 2 * half], vec![3]]);
    }

    #[test]
    fn what_keeps_nobody_waiting_goes_along_with_others_or_together_after_a_moment() {
        let asides = || [(Durability::Whenever, 1), (Durability::Whenever, 2)];
        let mut with_another = waiting(asides().into_iter().chain([(Durability::WithTheNext, 3)]));
        assert_eq!(next(&mut with_another), Some(vec![3, 1, 2]));

        let mut alone = waiting(asides());
        let Next::Batch(batch) = alone.next_batch(None) else { panic!("nobody else has to come") };
        assert_eq!(batch.len(), 2);
        assert!(matches!(alone.next_batch(None), Next::Over));
    }
}
