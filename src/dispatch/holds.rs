//! Holds: events that the plan loop leaves aside for a moment, because what they wait for makes a better message.
//!
//! In memory only: after a restart each is looked at anew, and waits no longer than it would have. Knows neither the
//! store nor Sentry.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::event::{EventId, GroupId, Organization};

/// How long an alert waits for the webhook of its step, which says more.
pub(super) const WEBHOOK_WAIT: Duration = Duration::from_secs(15);

/// How many events wait at once, those apart that wait behind another; further ones go without.
const MOST_HELD: usize = 4_096;

/// What an event waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wait {
    /// What Sentry says of its issue. Younger events of its run wait behind it.
    Issue(Organization, GroupId),
    /// An older event of its run. Younger ones wait behind it.
    Turn,
    /// The webhook of its step. Nobody waits behind it.
    Webhook,
}

impl Wait {
    fn blocks(&self) -> bool {
        match self {
            Self::Issue(..) | Self::Turn => true,
            Self::Webhook => false,
        }
    }
}

/// An event that waits.
#[derive(Debug)]
struct Held {
    /// The first event of its run.
    run: EventId,
    until: Instant,
    wait: Wait,
}

/// The events that wait, by their place in the order of acceptance.
#[derive(Debug, Default)]
pub(super) struct Holds {
    held: BTreeMap<i64, Held>,
    /// The oldest event of each run behind which others wait.
    blocked: HashMap<EventId, i64>,
}

impl Holds {
    /// Lets go of those whose wait is over, and returns the others.
    pub(super) fn left_aside(
        &mut self,
        now: Instant,
        is_asked: impl Fn(&Organization, &GroupId) -> bool,
    ) -> Vec<i64> {
        let mut blocked: HashMap<EventId, i64> = HashMap::new();
        self.held.retain(|sequence, held| {
            let is_behind = held.wait.blocks() && blocked.contains_key(&held.run);
            let is_over = match &held.wait {
                Wait::Issue(organization, group) => held.until <= now || !is_asked(organization, group),
                Wait::Turn => true,
                Wait::Webhook => held.until <= now,
            };
            let stays = is_behind || !is_over;
            if stays && held.wait.blocks() {
                blocked.entry(held.run.clone()).or_insert(*sequence);
            }
            stays
        });
        self.blocked = blocked;
        self.held.keys().copied().collect()
    }

    /// Returns whether an event has to wait behind an older one of its run.
    pub(super) fn is_behind(&self, run: &EventId, sequence: i64) -> bool {
        self.blocked.get(run).is_some_and(|oldest| *oldest < sequence)
    }

    /// Leaves an event aside; false where too many are already.
    pub(super) fn hold(&mut self, sequence: i64, run: &EventId, until: Instant, wait: Wait) -> bool {
        if self.held.len() >= MOST_HELD && wait != Wait::Turn {
            return false;
        }
        if wait.blocks() {
            self.blocked.entry(run.clone()).or_insert(sequence);
        }
        self.held.insert(sequence, Held { run: run.clone(), until, wait });
        true
    }

    /// Notes that events of these runs were planned: an alert that waits for its webhook may have got it. Returns
    /// whether there is one.
    pub(super) fn note_planned(&mut self, runs: &[EventId]) -> bool {
        let before = self.held.len();
        self.held.retain(|_, held| held.wait != Wait::Webhook || !runs.contains(&held.run));
        self.held.len() < before
    }

    /// Returns when the first wait ends at the latest.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.held.values().filter(|held| held.wait != Wait::Turn).map(|held| held.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn issue() -> Wait {
        Wait::Issue(Organization::new("acme"), GroupId::new("5"))
    }

    fn run(name: &str) -> EventId {
        EventId::new(name)
    }

    #[test]
    fn an_issue_is_waited_for_until_it_is_answered_or_its_time_is_over() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        assert!(holds.hold(1, &run("a"), now + SECOND, issue()));
        assert_eq!(holds.left_aside(now, |_, _| true), [1]);
        assert_eq!(holds.next_end(), Some(now + SECOND));
        assert!(holds.left_aside(now + SECOND, |_, _| true).is_empty());

        assert!(holds.hold(1, &run("a"), now + SECOND, issue()));
        assert!(holds.left_aside(now, |_, _| false).is_empty());
        assert_eq!(holds.next_end(), None);
    }

    #[test]
    fn younger_events_of_the_run_wait_behind_and_others_do_not() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        holds.hold(5, &run("a"), now + SECOND, issue());
        assert!(holds.is_behind(&run("a"), 6) && !holds.is_behind(&run("a"), 4));
        assert!(!holds.is_behind(&run("b"), 6));

        holds.hold(6, &run("a"), now + 9 * SECOND, Wait::Turn);
        holds.hold(7, &run("a"), now + SECOND, issue());
        assert_eq!(holds.left_aside(now, |_, _| true), [5, 6, 7]);
        assert!(holds.left_aside(now + SECOND, |_, _| true).is_empty(), "they go on together");
        assert!(!holds.is_behind(&run("a"), 8));
    }

    #[test]
    fn nobody_waits_behind_an_alert_and_it_goes_on_when_its_run_does() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        holds.hold(1, &run("a"), now + SECOND, Wait::Webhook);
        assert!(!holds.is_behind(&run("a"), 2));
        assert!(!holds.note_planned(&[run("b")]));
        assert_eq!(holds.left_aside(now, |_, _| false), [1]);
        assert!(holds.note_planned(&[run("b"), run("a")]));
        assert!(holds.left_aside(now, |_, _| false).is_empty());
    }

    #[test]
    fn no_more_wait_than_fit_but_for_those_whose_order_counts() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        for sequence in 0..i64::try_from(MOST_HELD).unwrap() {
            assert!(holds.hold(sequence, &run("a"), now + SECOND, issue()));
        }
        assert!(!holds.hold(9_000, &run("b"), now + SECOND, issue()));
        assert!(!holds.hold(9_000, &run("b"), now + SECOND, Wait::Webhook));
        assert!(holds.hold(9_000, &run("a"), now + SECOND, Wait::Turn));
    }
}
