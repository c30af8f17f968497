//! What the writer has done: so that those who have time can tell whether many wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many requests share a commit on average where many wait.
const CROWD: usize = 8;

/// Counts what the writer does.
#[derive(Debug, Default)]
pub(super) struct Tally {
    begun: AtomicUsize,
    ended: AtomicUsize,
    requests: AtomicUsize,
}

/// What it had done at some moment. The numbers wrap around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) struct Count {
    /// Commits.
    begun: usize,
    ended: usize,
    /// The requests in those that were begun.
    requests: usize,
}

impl Tally {
    /// Counts a commit that begins and holds so many requests.
    pub(super) fn begin(&self, requests: usize) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    /// Counts its end.
    pub(super) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Count {
        Count {
            begun: self.begun.load(Ordering::Relaxed),
            ended: self.ended.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
        }
    }
}

impl Count {
    /// Tells whether many have waited for the writer since then: the longer a commit takes, the more gather for the next.
    pub(super) fn was_crowded_since(self, before: Self) -> bool {
        let commits = self.begun.wrapping_sub(before.begun);
        let requests = self.requests.wrapping_sub(before.requests);
        // Where none was begun, one may have been under way all the while.
        if commits == 0 { self.begun != self.ended } else { requests >= CROWD * commits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(tally: &Tally, requests: usize) {
        tally.begin(requests);
        tally.end();
    }

    #[test]
    fn it_is_crowded_where_many_share_a_commit() {
        let tally = Tally::default();
        commit(&tally, 100);
        let before = tally.now();
        assert!(!before.was_crowded_since(before), "nobody came since");
        commit(&tally, CROWD + 1);
        commit(&tally, CROWD - 1);
        assert!(tally.now().was_crowded_since(before));
        commit(&tally, CROWD - 1);
        assert!(!tally.now().was_crowded_since(before));
    }

    #[test]
    fn it_is_crowded_while_one_commit_takes_long() {
        let tally = Tally::default();
        tally.begin(1);
        let before = tally.now();
        assert!(tally.now().was_crowded_since(before));
        tally.end();
        assert!(!tally.now().was_crowded_since(before));
    }
}
