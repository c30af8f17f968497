//! Whether a destination is worth its calls: one that keeps refusing is left alone, tried with one delivery at a time
//! after longer and longer pauses, and then taken back step by step. Pure.
//!
//! What a refusal is, `notify` says; how long the pauses are, `backoff`. Knows nothing of what waits.

use std::time::Duration;

use tokio::time::Instant;

use super::DeliveryConfig;
use super::backoff;
use crate::delivery::{DeliveryId, Reason};

/// So many deliveries have to be refused one after another, none taken between, before the destination is to blame: of
/// fewer, each may be refused for itself.
const REFUSALS: usize = 5;

/// How far a destination is trusted.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// The deliveries that were refused since the last one was taken, each once, and no more than matter.
    refused: Vec<DeliveryId>,
    /// How many deliveries may be out at once; `None` where nothing limits them but the settings.
    window: Option<usize>,
    /// How many pauses there were since it was trusted in full.
    pauses: u32,
    /// Since when it takes nothing, and why, by its last refusal.
    refusing: Option<(Instant, Reason)>,
}

/// What an answer changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is left alone for so long, and then tried with one delivery.
    Paused {
        /// How long.
        pause: Duration,
        /// Whether it was trusted until now.
        first: bool,
    },
    /// It takes deliveries again, after so long.
    Resumed(Duration),
}

impl Probe {
    /// Starts with one delivery at a time: it was left alone before the process began.
    pub(super) fn begin_gently(&mut self) {
        self.window.get_or_insert(1);
    }

    /// Returns how many of `capacity` deliveries may be out at once.
    pub(super) fn limit(&self, capacity: usize) -> usize {
        self.window.map_or(capacity, |window| window.min(capacity))
    }

    /// Returns why it takes nothing; `None` where it does, or where that is not known.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.refusing.map(|(_, reason)| reason)
    }

    /// Notes that a delivery was taken. With each of them one more may be out, so that what waited does not fall upon
    /// a destination that has only just come back.
    pub(super) fn taken(&mut self, capacity: usize, now: Instant) -> Option<Change> {
        self.refused.clear();
        self.window = self.window.map(|window| window + 1).filter(|window| *window < capacity);
        if self.window.is_none() {
            self.pauses = 0;
        }
        let (since, _) = self.refusing.take()?;
        Some(Change::Resumed(now.saturating_duration_since(since)))
    }

    /// Notes that a delivery was refused as any other might have been; not to be told of those that began before a
    /// pause and end in it.
    pub(super) fn refused(
        &mut self,
        delivery: &DeliveryId,
        reason: Reason,
        settings: &DeliveryConfig,
        now: Instant,
    ) -> Option<Change> {
        if self.refused.len() < REFUSALS && !self.refused.contains(delivery) {
            self.refused.push(delivery.clone());
        }
        if self.window != Some(1) && self.refused.len() < REFUSALS {
            return None;
        }
        let first = self.refusing.is_none();
        self.refusing = Some((self.refusing.map_or(now, |(since, _)| since), reason));
        self.window = Some(1);
        let pause = backoff::ceiling(self.pauses, settings);
        self.pauses = self.pauses.saturating_add(1);
        Some(Change::Paused { pause, first })
    }

    /// Forgets everything: somebody says that it is well.
    pub(super) fn forget(&mut self, now: Instant) -> Option<Change> {
        let refusing = std::mem::take(self).refusing;
        refusing.map(|(since, _)| Change::Resumed(now.saturating_duration_since(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::settings;

    fn refuse(probe: &mut Probe, delivery: usize, now: Instant) -> Option<Change> {
        let delivery = DeliveryId::new(format!("dlv_{delivery}"));
        probe.refused(&delivery, Reason::Connect, &settings(), now)
    }

    fn paused(seconds: u64, first: bool) -> Change {
        Change::Paused { pause: Duration::from_secs(seconds), first }
    }

    /// A destination that has just been paused.
    fn refusing(now: Instant) -> Probe {
        let mut probe = Probe::default();
        let changes: Vec<_> = (0..REFUSALS).map(|delivery| refuse(&mut probe, delivery, now)).collect();
        assert_eq!(changes, [None, None, None, None, Some(paused(1, true))]);
        probe
    }

    #[test]
    fn one_delivery_that_is_refused_for_ever_pauses_nothing() {
        let now = Instant::now();
        let mut probe = Probe::default();

        assert!((0..1_000).all(|_| refuse(&mut probe, 1, now).is_none()));
        assert_eq!((probe.limit(96), probe.reason()), (96, None));
    }

    #[test]
    fn refusals_with_a_success_between_pause_nothing() {
        let now = Instant::now();
        let mut probe = Probe::default();
        for round in 0..100 {
            for delivery in 1..REFUSALS {
                assert_eq!(refuse(&mut probe, round * REFUSALS + delivery, now), None);
            }
            assert_eq!(probe.taken(96, now), None);
        }
    }

    #[test]
    fn one_is_tried_at_a_time_after_pauses_that_double_up_to_retry_max() {
        let now = Instant::now();
        let mut probe = refusing(now);

        assert_eq!((probe.limit(96), probe.reason()), (1, Some(Reason::Connect)));
        let pauses: Vec<_> = (0..11).map(|delivery| refuse(&mut probe, delivery, now)).collect();
        let expected =
            [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600].map(|seconds| Some(paused(seconds, false)));
        assert_eq!(pauses, expected);
    }

    #[test]
    fn a_success_ends_the_pause_and_each_one_lets_one_more_out() {
        let now = Instant::now();
        let mut probe = refusing(now);

        let later = now + Duration::from_secs(90);
        assert_eq!(probe.taken(6, later), Some(Change::Resumed(Duration::from_secs(90))));
        let limits: Vec<usize> = (0..6)
            .map(|_| {
                let limit = probe.limit(6);
                assert_eq!(probe.taken(6, later), None);
                limit
            })
            .collect();
        assert_eq!(limits, [2, 3, 4, 5, 6, 6]);
        assert_eq!(probe.reason(), None);
    }

    #[test]
    fn a_relapse_goes_on_with_the_pauses_unless_it_was_well_for_long() {
        let now = Instant::now();
        for (successes, pause) in [(1, 2), (96, 1)] {
            let mut probe = refusing(now);
            for _ in 0..successes {
                probe.taken(96, now);
            }
            let relapse = (0..REFUSALS).filter_map(|delivery| refuse(&mut probe, delivery, now)).last();
            assert_eq!(relapse, Some(paused(pause, true)));
        }
    }

    #[test]
    fn who_says_that_it_is_well_is_believed() {
        let now = Instant::now();
        let mut probe = refusing(now);

        assert_eq!(probe.forget(now), Some(Change::Resumed(Duration::ZERO)));
        assert_eq!(probe.limit(96), 96);
        assert_eq!(probe.forget(now), None);
    }

    #[test]
    fn what_was_left_alone_before_a_start_is_tried_with_one_and_told_of_by_its_answer() {
        let now = Instant::now();
        let mut probe = Probe::default();
        probe.begin_gently();

        assert_eq!(probe.limit(96), 1);
        assert_eq!(refuse(&mut probe, 1, now), Some(paused(1, true)));
    }
}
