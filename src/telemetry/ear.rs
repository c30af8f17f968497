//! What the server has heard: when a webhook of each organization came last, and how many came with bad signatures.
//!
//! In memory only, and written by whoever verifies; `dispatch` reads it, and lets the store keep what has to outlive the
//! process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::event::Organization;

/// What was heard since the start.
#[derive(Debug, Default)]
pub struct Ear {
    heard: Mutex<HashMap<Organization, Heard>>,
    bad_signatures: AtomicU64,
}

/// The last webhook with a good signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// When it came.
    pub at: Timestamp,
    /// How many with bad signatures had come before it.
    pub bad_signatures: u64,
}

impl Ear {
    /// Notes that a webhook of an organization came.
    pub fn hear(&self, organization: &Organization, at: Timestamp) {
        let heard = Heard { at, bad_signatures: self.bad_signatures() };
        self.all().insert(organization.clone(), heard);
    }

    /// Notes that one came that no known secret signed: it may be anybody's.
    pub fn doubt(&self) {
        self.bad_signatures.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what was heard of an organization last.
    pub fn last(&self, organization: &Organization) -> Option<Heard> {
        self.all().get(organization).copied()
    }

    /// Returns how many with bad signatures have come.
    pub fn bad_signatures(&self) -> u64 {
        self.bad_signatures.load(Ordering::Relaxed)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Organization, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_last_is_known_with_the_doubtful_ones_before_it() {
        let (ear, acme) = (Ear::default(), Organization::new("acme"));
        assert_eq!((ear.last(&acme), ear.bad_signatures()), (None, 0));
        ear.doubt();
        ear.hear(&acme, Timestamp::UNIX_EPOCH);
        ear.doubt();
        let heard = Heard { at: Timestamp::UNIX_EPOCH, bad_signatures: 1 };
        assert_eq!((ear.last(&acme), ear.bad_signatures()), (Some(heard), 2));
        assert_eq!(ear.last(&Organization::new("umbrella")), None);
    }
}
