//! Webhooks whose signature does not hold: counted by their cause, said in the log, and a few of them looked at.
//!
//! Strangers send them, as many as they like. So nothing of it shows in an answer, which is on its way before anybody
//! looks; a body is looked at on a thread that gives way, one at a time and a few in a minute; and the log has a line for
//! each cause and minute.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;

use super::AppState;
use crate::event::Organization;
use crate::sentry::diagnosis::{Cause, Diagnosis, of_head};
use crate::sentry::signature::SignatureError;
use crate::telemetry::Metrics;
use crate::threads::give_way;

/// Within this time each cause is said once, and only so many bodies are looked at.
const WINDOW: Duration = Duration::from_mins(1);

/// How many bodies are looked at in a window. Each costs some dozen hashes for every secret: with a few organizations all
/// of them together take well below a second.
const MOST_EXAMINED: usize = 6;

/// A larger body is not looked at. Few of Sentry's are larger.
const MOST_BYTES: usize = 256 * 1024;

/// What is remembered of doubtful webhooks.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    pace: Mutex<Pace>,
    /// Whether somebody is looking at a body now.
    is_busy: AtomicBool,
}

/// How often something was said or looked at.
#[derive(Debug, Default)]
struct Pace {
    said: BTreeMap<Cause, Said>,
    examined: VecDeque<Instant>,
}

/// When a cause was said last, and how often it came since.
#[derive(Debug)]
struct Said {
    at: Instant,
    since: u64,
}

impl Pace {
    /// Returns how many came, if it is time to say so: this one, and those since the cause was said last.
    fn say(&mut self, cause: Cause, now: Instant) -> Option<u64> {
        let Some(said) = self.said.get_mut(&cause) else {
            self.said.insert(cause, Said { at: now, since: 0 });
            return Some(1);
        };
        said.since += 1;
        if now.saturating_duration_since(said.at) < WINDOW {
            return None;
        }
        let since = said.since;
        *said = Said { at: now, since: 0 };
        Some(since)
    }

    /// Takes one of the looks of this window, if there is one left.
    fn may_examine(&mut self, now: Instant) -> bool {
        while self.examined.front().is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW) {
            self.examined.pop_front();
        }
        let may = self.examined.len() < MOST_EXAMINED;
        if may {
            self.examined.push_back(now);
        }
        may
    }
}

impl Doubts {
    /// Counts one, and says it where it is time to.
    fn note(&self, diagnosis: &Diagnosis, metrics: &Metrics, received_at: Timestamp) {
        let cause = diagnosis.cause;
        metrics.signature_failed(cause.as_str(), received_at);
        let now = Instant::now();
        let count = self.pace.lock().unwrap_or_else(PoisonError::into_inner).say(cause, now);
        let Some(count) = count else { return };
        let organization = diagnosis.organization.as_ref().map(Organization::as_str);
        let (cause, hint) = (cause.as_str(), cause.hint());
        if diagnosis.cause.is_ours() {
            tracing::error!(cause, count, organization, hint, "a real webhook was refused: {diagnosis}");
        } else {
            tracing::warn!(cause, count, hint, "a webhook was refused: {diagnosis}");
        }
    }

    /// Returns whether a body may be looked at now; whoever gets leave has to [`Self::leave`] again.
    fn enter(&self, body: &[u8]) -> bool {
        if body.len() > MOST_BYTES || self.is_busy.swap(true, Ordering::AcqRel) {
            return false;
        }
        let may = self.pace.lock().unwrap_or_else(PoisonError::into_inner).may_examine(Instant::now());
        if !may {
            self.leave();
        }
        may
    }

    fn leave(&self) {
        self.is_busy.store(false, Ordering::Release);
    }
}

/// Notes a webhook that was refused by its head.
pub(super) fn note_head<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    error: SignatureError,
    state: &AppState,
) {
    state.memory.doubts.note(&of_head(headers, error), &state.metrics, state.clock.now());
}

/// Notes a webhook whose signature no known secret gives, and finds out why where there is time for it.
pub(super) fn note_mismatch(signature: [u8; 32], body: Bytes, state: &AppState) {
    let (doubts, metrics) = (Arc::clone(&state.memory.doubts), Arc::clone(&state.metrics));
    let received_at = state.clock.now();
    if !doubts.enter(&body) {
        return doubts.note(&Cause::Unexamined.into(), &metrics, received_at);
    }
    let suspects = Arc::clone(state.policy().keys.suspects());
    let (busy, counted) = (Arc::clone(&doubts), Arc::clone(&metrics));
    let examine = move || {
        give_way();
        doubts.note(&suspects.diagnose(&signature, &body), &metrics, received_at);
        doubts.leave();
    };
    if thread::Builder::new().name("signature-doctor".to_owned()).spawn(examine).is_err() {
        busy.note(&Cause::Unexamined.into(), &counted, received_at);
        busy.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_said_once_in_a_minute_with_how_many_came() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(pace.say(Cause::Missing, at(0)), Some(1));
        for second in 1..60 {
            assert_eq!(pace.say(Cause::Missing, at(second)), None);
        }
        assert_eq!(pace.say(Cause::Unknown, at(30)), Some(1), "another cause has its own minute");
        assert_eq!(pace.say(Cause::Missing, at(60)), Some(60));
        assert_eq!(pace.say(Cause::Missing, at(61)), None);
        assert_eq!(pace.say(Cause::Missing, at(1_000)), Some(2));
    }

    #[test]
    fn a_flood_gets_a_few_looks_in_a_minute() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        let looks = |pace: &mut Pace, second| {
            (0..10_000).filter(|_| pace.may_examine(begin + Duration::from_secs(second))).count()
        };
        assert_eq!(looks(&mut pace, 0), MOST_EXAMINED);
        assert_eq!(looks(&mut pace, 59), 0);
        assert_eq!(looks(&mut pace, 60), MOST_EXAMINED);
    }

    #[test]
    fn one_body_is_looked_at_at_a_time_and_a_large_one_never() {
        let doubts = Doubts::default();
        assert!(!doubts.enter(&vec![0; MOST_BYTES + 1]));
        assert!(doubts.enter(b"{}"));
        assert!(!doubts.enter(b"{}"));
        doubts.leave();
        assert!(doubts.enter(b"{}"));
    }
}
