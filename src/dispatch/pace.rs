//! How soon a destination may be called again: its rate, and how long it asked to be left alone. Pure.
//!
//! The rate is kept as the moment at which the bucket would be full again, so that nothing has to be refilled; all
//! moments are monotonic, so that a clock that is set changes nothing.

use std::time::Duration;

use tokio::time::Instant;

use crate::notify::Rate;

/// The pace of one destination.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Time per call and calls at once; `None` is as often as there is something to send.
    limit: Option<(Duration, u32)>,
    /// When the bucket is full again; in the past where it is full.
    full_at: Instant,
    /// Not to be called before then; `None` where it never asked for that.
    held_until: Option<Instant>,
}

impl Pace {
    /// Starts with a full bucket and no hold.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { limit: limit_of(rate), full_at: now, held_until: None }
    }

    /// Returns how many calls may begin now.
    pub fn ready(&self, now: Instant) -> usize {
        if self.held_until(now).is_some() {
            return 0;
        }
        let Some((interval, burst)) = self.limit else { return usize::MAX };
        let missing = self.full_at().saturating_duration_since(now).as_nanos().div_ceil(interval.as_nanos());
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        usize::try_from(burst.saturating_sub(missing)).unwrap_or(usize::MAX)
    }

    /// Returns from when on at least one call may begin; `now` where one may.
    pub fn opens_at(&self, now: Instant) -> Instant {
        let by_rate = self.limit.and_then(|(interval, burst)| {
            self.full_at().checked_sub(interval.saturating_mul(burst.saturating_sub(1)))
        });
        by_rate.max(self.held_until).unwrap_or(now).max(now)
    }

    /// Returns when the bucket is full again. Who asked to be left alone counts otherwise than we do, so that at the end
    /// of a hold there is one call in it, and no burst.
    fn full_at(&self) -> Instant {
        let after_hold = self.limit.zip(self.held_until).and_then(|((interval, burst), end)| {
            end.checked_add(interval.saturating_mul(burst.saturating_sub(1)))
        });
        after_hold.map_or(self.full_at, |after| self.full_at.max(after))
    }

    /// Returns until when the destination is to be left alone; `None` where it may be called.
    pub fn held_until(&self, now: Instant) -> Option<Instant> {
        self.held_until.filter(|end| *end > now)
    }

    /// Counts calls that begin now.
    pub fn take(&mut self, calls: usize, now: Instant) {
        if let Some((interval, _)) = self.limit {
            let calls = u32::try_from(calls).unwrap_or(u32::MAX);
            let full_at = self.full_at().max(now);
            self.full_at = full_at.checked_add(interval.saturating_mul(calls)).unwrap_or(full_at);
        }
    }

    /// Takes back a call that was counted and not made.
    pub fn give_back(&mut self) {
        if let Some((interval, _)) = self.limit {
            self.full_at = self.full_at.checked_sub(interval).unwrap_or(self.full_at);
        }
    }

    /// Goes on at another rate. What the bucket lacks now it lacks then, too; a hold stays.
    pub fn change_rate(&mut self, rate: Rate, now: Instant) {
        let limit = limit_of(rate);
        if limit == self.limit {
            return;
        }
        let missing = self.limit.map_or(0, |(interval, _)| {
            self.full_at.saturating_duration_since(now).as_nanos().div_ceil(interval.as_nanos())
        });
        (self.limit, self.full_at) = (limit, now);
        if let Some((_, burst)) = limit {
            self.take(usize::try_from(missing.min(u128::from(burst))).unwrap_or_default(), now);
        }
    }

    /// Ends a hold.
    pub fn release(&mut self, now: Instant) {
        self.held_until = self.held_until.min(Some(now));
    }

    /// Leaves the destination alone for `pause` at least; a longer hold stays.
    pub fn hold(&mut self, pause: Duration, now: Instant) {
        self.held_until = self.held_until.max(now.checked_add(pause));
    }
}

/// Returns the time per call and the calls at once; `None` is as often as there is something to send.
fn limit_of(rate: Rate) -> Option<(Duration, u32)> {
    match rate {
        Rate::Unlimited => None,
        Rate::Limited { per_second, burst } => Duration::try_from_secs_f64(per_second.recip())
            .ok()
            .filter(|interval| !interval.is_zero())
            .map(|interval| (interval, burst.max(1))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SLACK: Rate = Rate::Limited { per_second: 1.0, burst: 3 };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_one_per_interval() {
        let start = Instant::now();
        let mut pace = Pace::new(SLACK, start);
        assert_eq!(pace.ready(start), 3);

        pace.take(3, start);

        assert_eq!(pace.ready(start), 0);
        assert_eq!(pace.opens_at(start), start + seconds(1));
        assert_eq!(pace.ready(start + seconds(1)), 1);
        assert_eq!(pace.ready(start + seconds(60)), 3);
    }

    #[test]
    fn discord_s_hidden_thirty_a_minute_are_kept_in_every_minute() {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::Limited { per_second: 25.0 / 60.0, burst: 5 }, start);
        let mut calls = Vec::new();
        while calls.len() < 200 {
            let now = pace.opens_at(calls.last().copied().unwrap_or(start));
            pace.take(1, now);
            calls.push(now);
        }
        for pair in calls.windows(31) {
            assert!(pair[30] - pair[0] >= seconds(60), "{:?}", pair[30] - pair[0]);
        }
    }

    #[test]
    fn at_another_rate_the_bucket_lacks_what_it_lacked_and_a_hold_stays() {
        let start = Instant::now();
        for (per_second, burst, ready, opens_after) in
            [(1.0, 3, 1, 0), (10.0, 3, 1, 0), (10.0, 1, 0, 100), (0.1, 9, 7, 0)]
        {
            let mut pace = Pace::new(SLACK, start);
            pace.take(2, start);
            pace.change_rate(Rate::Limited { per_second, burst }, start);
            let opens_at = start + Duration::from_millis(opens_after);
            assert_eq!((pace.ready(start), pace.opens_at(start)), (ready, opens_at), "{per_second} {burst}");
        }
        let mut pace = Pace::new(Rate::Unlimited, start);
        pace.take(9, start);
        pace.hold(seconds(5), start);
        pace.change_rate(SLACK, start);
        assert_eq!((pace.ready(start), pace.ready(start + seconds(5))), (0, 1));
        pace.change_rate(Rate::Unlimited, start);
        assert_eq!((pace.ready(start), pace.ready(start + seconds(5))), (0, usize::MAX));
    }

    #[test]
    fn an_unlimited_destination_is_always_open() {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::Unlimited, start);

        pace.take(1_000_000, start);

        assert_eq!(pace.ready(start), usize::MAX);
        assert_eq!(pace.opens_at(start), start);
    }

    #[test]
    fn who_asked_to_be_left_alone_is_called_once_then_and_not_in_a_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(SLACK, start);
        pace.take(2, start);

        pace.hold(seconds(5), start);

        let end = start + seconds(5);
        assert_eq!((pace.opens_at(start), pace.ready(end)), (end, 1));
        pace.take(1, end);
        assert_eq!((pace.ready(end), pace.opens_at(end)), (0, end + seconds(1)));
        assert_eq!(pace.ready(end + seconds(3)), 3);
    }

    #[test]
    fn a_long_hold_that_is_ended_early_leaves_nothing_behind() {
        let start = Instant::now();
        let mut pace = Pace::new(SLACK, start);
        pace.hold(Duration::from_hours(24), start);

        pace.release(start + seconds(1));

        assert_eq!(pace.ready(start + seconds(1)), 1);
        assert_eq!(pace.ready(start + seconds(3)), 3);
    }

    #[test]
    fn a_hold_closes_any_destination_and_only_grows() {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::Unlimited, start);

        pace.hold(seconds(30), start);
        pace.hold(seconds(10), start);

        assert_eq!(pace.ready(start + seconds(29)), 0);
        assert_eq!(pace.held_until(start), Some(start + seconds(30)));
        assert_eq!(pace.opens_at(start), start + seconds(30));
        assert_eq!(pace.ready(start + seconds(30)), usize::MAX);
        assert_eq!(pace.held_until(start + seconds(30)), None);

        pace.release(start);
        assert_eq!(pace.ready(start), usize::MAX);
    }

    #[test]
    fn a_call_that_was_not_made_is_free() {
        let start = Instant::now();
        let mut pace = Pace::new(SLACK, start);

        pace.take(2, start);
        pace.give_back();

        assert_eq!(pace.ready(start), 2);
    }

    #[test]
    fn a_rate_without_meaning_is_no_rate() {
        let start = Instant::now();
        for per_second in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            let pace = Pace::new(Rate::Limited { per_second, burst: 1 }, start);
            assert_eq!(pace.ready(start), usize::MAX);
        }
    }

    proptest! {
        #[test]
        fn no_window_sees_more_calls_than_burst_and_rate_allow(
            per_second in 0.01..1_000.0_f64,
            burst in 1_u32..20,
            steps in proptest::collection::vec((0_u64..2_000, 1_usize..30), 1..60),
        ) {
            let start = Instant::now();
            let mut pace = Pace::new(Rate::Limited { per_second, burst }, start);
            let (mut now, mut calls) = (start, 0_usize);
            for (wait_ms, wanted) in steps {
                now += Duration::from_millis(wait_ms);
                let begun = pace.ready(now).min(wanted);
                pace.take(begun, now);
                calls += begun;
                let most = f64::from(burst) + (now - start).as_secs_f64() * per_second;
                prop_assert!(f64::from(u32::try_from(calls)?) <= most * 1.000_001 + 0.001);
            }
        }

        #[test]
        fn it_opens_exactly_when_it_says(
            per_second in 0.01..100_000.0_f64,
            burst in 1_u32..20,
            taken in 0_usize..100,
            held_ms in 0_u64..10_000,
            wait_ms in 0_u64..10_000,
        ) {
            let start = Instant::now();
            let mut pace = Pace::new(Rate::Limited { per_second, burst }, start);
            pace.take(taken, start);
            pace.hold(Duration::from_millis(held_ms), start);
            let now = start + Duration::from_millis(wait_ms);
            let opens_at = pace.opens_at(now);

            prop_assert!(pace.ready(opens_at) >= 1);
            prop_assert_eq!(pace.ready(now) >= 1, opens_at == now);
            if opens_at > now {
                prop_assert_eq!(pace.ready(opens_at - Duration::from_nanos(1)), 0);
            }
        }
    }
}
