//! Forgetting: what somebody wants removed for good, and the record that it was.

use jiff::Timestamp;

/// What is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForgetTarget {
    /// One run, named as it is shown (`acme/12345`) or by an id alone where that is unique.
    Run(String),
    /// Every run that is about a repository.
    Repo(String),
}

/// What would be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// A run by its whole name, or a repository.
    pub target: ForgetTarget,
    /// How many events go.
    pub events: u64,
    /// How many deliveries go.
    pub deliveries: u64,
    /// The store's own numbers of the runs.
    pub(super) runs: Vec<i64>,
}

impl Doomed {
    /// Returns how many runs go.
    pub fn runs(&self) -> u64 {
        u64::try_from(self.runs.len()).unwrap_or(u64::MAX)
    }
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// When.
    pub at: Timestamp,
    /// `run` or `repo`.
    pub kind: String,
    /// A fingerprint of the name, which only this store can make: of the name it tells nothing, but whether it was this one.
    pub fingerprint: String,
    /// How many runs went.
    pub runs: u64,
    /// How many events.
    pub events: u64,
    /// How many deliveries.
    pub deliveries: u64,
}

/// How the removal of something ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgetEnd {
    /// What was removed.
    pub forgotten: Forgotten,
    /// Whether nothing of it stands in the file or its log any more; else somebody reads the store all the while, and the
    /// log holds it until the relay begins it anew.
    pub is_overwritten: bool,
}
