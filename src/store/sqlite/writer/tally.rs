//! What the writer has done: so that those who have time can tell whether many wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many requests share a commit on average where many wait.
const CROWD: usize = 8;

/// Counts what the writer does.
#[derive(Debug, Default)]
pub(super) struct Tally {
    commits: AtomicUsize,
    requests: AtomicUsize,
}

/// What it had done at some moment. The numbers wrap around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) struct Count {
    commits: usize,
    requests: usize,
}

impl Tally {
    /// Counts a commit that holds so many requests.
    pub(super) fn note(&self, requests: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Count {
        Count {
            commits: self.commits.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
        }
    }
}

impl Count {
    /// Tells whether many have waited for the writer since then: the longer a commit takes, the more gather for the next.
    pub(super) fn was_crowded_since(self, before: Self) -> bool {
        let commits = self.commits.wrapping_sub(before.commits);
        let requests = self.requests.wrapping_sub(before.requests);
        commits > 0 && requests >= CROWD * commits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_crowded_where_many_share_a_commit() {
        let tally = Tally::default();
        tally.note(100);
        let before = tally.now();
        assert!(!before.was_crowded_since(before), "nobody came since");
        tally.note(CROWD + 1);
        tally.note(CROWD - 1);
        assert!(tally.now().was_crowded_since(before));
        tally.note(CROWD - 1);
        assert!(!tally.now().was_crowded_since(before));
    }
}
