//! Time as the dispatcher needs it: sums that cannot overflow, and a clock that never runs backwards.
//!
//! Knows nothing of deliveries.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::clock::Clock;

/// Returns `moment` plus `pause`, or the last moment there is.
pub(super) fn after(moment: Timestamp, pause: Duration) -> Timestamp {
    moment.checked_add(pause).unwrap_or(Timestamp::MAX)
}

/// Returns how long it is from `from` to `to`; nothing where `to` is not later.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// Tells the time twice: as the wall clock shows it, and steadily.
///
/// A retry is due at a wall time, because that outlives the process. Were the wall clock set back by an hour, every
/// waiting retry would be an hour late; so what is due is decided by a time that follows the wall clock forwards and
/// the monotonic one while the wall clock lags behind.
#[derive(Debug)]
pub(super) struct SteadyClock {
    wall: Clock,
    born: Instant,
    /// The greatest distance seen between the wall clock and the time since `born`, in nanoseconds.
    offset: AtomicI64,
}

impl SteadyClock {
    /// Starts from what the wall clock shows.
    pub(super) fn new(wall: Clock) -> Self {
        Self { wall, born: Instant::now(), offset: AtomicI64::new(i64::MIN) }
    }

    /// Returns what the wall clock shows: for people, and for receivers that check a signature's age.
    pub(super) fn wall(&self) -> Timestamp {
        self.wall.now()
    }

    /// Returns the time that never runs backwards and is never behind the wall clock: for what is due.
    pub(super) fn steady(&self) -> Timestamp {
        let wall = self.wall.now();
        let elapsed = i128::try_from(self.born.elapsed().as_nanos()).unwrap_or(i128::MAX);
        let Ok(distance) = i64::try_from(wall.as_nanosecond().saturating_sub(elapsed)) else { return wall };
        let offset = self.offset.fetch_max(distance, Ordering::Relaxed).max(distance);
        Timestamp::from_nanosecond(elapsed.saturating_add(i128::from(offset))).unwrap_or(wall)
    }

    /// Returns when, by the monotonic clock, the steady time will be `due`.
    pub(super) fn instant_of(&self, due: Timestamp) -> Instant {
        let now = Instant::now();
        now.checked_add(between(self.steady(), due)).unwrap_or(now + FAR)
    }
}

/// Far enough away for a timer that a poll overtakes anyway.
const FAR: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn turned_by_hand() -> (Arc<AtomicI64>, SteadyClock) {
        let seconds = Arc::new(AtomicI64::new(1_000_000));
        let shown = Arc::clone(&seconds);
        let wall =
            Clock::from_fn(move || Timestamp::from_second(shown.load(Ordering::Relaxed)).expect("in range"));
        (seconds, SteadyClock::new(wall))
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_set_back_does_not_set_back_what_is_due() {
        let (seconds, clock) = turned_by_hand();
        let before = clock.steady();

        seconds.fetch_sub(3_600, Ordering::Relaxed);
        tokio::time::advance(Duration::from_secs(5)).await;

        assert_eq!(clock.steady(), after(before, Duration::from_secs(5)));
        assert_eq!(clock.wall(), Timestamp::from_second(996_400).expect("in range"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_set_forward_is_followed() {
        let (seconds, clock) = turned_by_hand();
        let before = clock.steady();

        seconds.fetch_add(3_600, Ordering::Relaxed);

        assert_eq!(clock.steady(), after(before, Duration::from_hours(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_past_is_due_now() {
        let (_, clock) = turned_by_hand();

        assert_eq!(clock.instant_of(Timestamp::from_second(1).expect("in range")), Instant::now());
        assert!(clock.instant_of(Timestamp::MAX) > Instant::now());
    }
}
