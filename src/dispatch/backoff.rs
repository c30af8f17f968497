//! What follows from a failed attempt: when the next one is made, or that there is none. Pure.
//!
//! What an answer means is decided in `notify`; here it is only when to try again.

use std::time::Duration;

use jiff::Timestamp;

use super::DeliveryConfig;
use super::moment::after;
use crate::delivery::{Delivery, Rung};
use crate::notify::{SendError, Verdict};
use crate::store::Next;

/// A failed attempt and the circumstances that decide what follows.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// What the destination's answer, or its absence, means.
    pub error: &'a SendError,
    /// The plainer form that may be tried, where the body was called malformed and there is one.
    pub next_rung: Option<Rung>,
    /// When the attempt ended.
    pub now: Timestamp,
    /// Chance, from 0 to 1.
    pub jitter: f64,
}

/// Decides what follows from a failed attempt of a delivery.
pub fn next(delivery: &Delivery, failure: &Failure<'_>, settings: &DeliveryConfig) -> Next {
    let reason = failure.error.reason;
    let counted = match failure.error.verdict {
        Verdict::GiveUp | Verdict::Gone => return Next::Dead(reason),
        // What neither answers nor edits another message can lose none.
        Verdict::Afresh if delivery.first.is_none() => return Next::Dead(reason),
        Verdict::Afresh => {
            return Next::Retry { due_at: failure.now, counted: false, rung: delivery.rung };
        }
        Verdict::NextRung => {
            // A ladder ends by itself, so it may be climbed down even when time is up.
            return failure.next_rung.map_or(Next::Dead(reason), |rung| Next::Retry {
                due_at: failure.now,
                counted: false,
                rung,
            });
        }
        Verdict::RetryAtMost(attempts) if delivery.failures.saturating_add(1) >= attempts => {
            return Next::Dead(reason);
        }
        Verdict::Retry | Verdict::RetryAtMost(_) => true,
        Verdict::RetryUncounted => false,
    };
    let wait = failure.error.retry_after.unwrap_or_default();
    // Who says when does not want it later.
    let says_when = !counted && !wait.is_zero();
    let wanted = if says_when { Duration::ZERO } else { pause(delivery.failures, failure.jitter, settings) };
    let asked = after(failure.now, wait);
    let gives_up_at = gives_up_at(delivery, settings);
    if failure.now >= gives_up_at || asked > gives_up_at {
        return Next::Dead(reason);
    }
    // A pause of ours never takes the last try away.
    let due_at = asked.max(after(failure.now, wanted)).min(gives_up_at);
    Next::Retry { due_at, counted, rung: delivery.rung }
}

/// Returns the pause after so many counted failures: by full jitter anything between nothing and `retry_min` doubled
/// that often, `retry_max` at most.
pub fn pause(failures: u32, jitter: f64, settings: &DeliveryConfig) -> Duration {
    let ceiling = ceiling(failures, settings);
    ceiling.mul_f64(jitter.clamp(0.0, 1.0)).min(ceiling)
}

/// Returns the longest pause after so many failures: `retry_min` doubled that often, `retry_max` at most.
pub fn ceiling(failures: u32, settings: &DeliveryConfig) -> Duration {
    let doublings = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    settings.retry_min.saturating_mul(doublings).min(settings.retry_max)
}

/// Returns the moment after which a delivery is not tried again.
pub fn gives_up_at(delivery: &Delivery, settings: &DeliveryConfig) -> Timestamp {
    after(delivery.first_due_at, settings.give_up_after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::delivery::Reason;
    use crate::dispatch::tests::{delivery, settings};

    fn error(verdict: Verdict, retry_after: Option<Duration>) -> SendError {
        let in_doubt = true;
        SendError {
            reason: Reason::ServerError,
            verdict,
            status: Some(503),
            words: None,
            retry_after,
            in_doubt,
            doubt: None,
        }
    }

    fn follows(delivery: &Delivery, error: &SendError, next_rung: Option<Rung>, jitter: f64) -> Next {
        let now = after(delivery.first_due_at, Duration::from_secs(5));
        next(delivery, &Failure { error, next_rung, now, jitter }, &settings())
    }

    #[test]
    fn the_ceiling_doubles_with_each_counted_failure_up_to_retry_max() {
        let seconds: Vec<u64> = (0..12).map(|failures| pause(failures, 1.0, &settings()).as_secs()).collect();

        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(pause(u32::MAX, 1.0, &settings()), settings().retry_max);
    }

    #[test]
    fn a_429_is_tried_again_and_does_not_count() {
        let waits = follows(
            &delivery("d"),
            &error(Verdict::RetryUncounted, Some(Duration::from_secs(30))),
            None,
            1.0,
        );

        assert_eq!(
            waits,
            Next::Retry {
                due_at: after(delivery("d").first_due_at, Duration::from_secs(35)),
                counted: false,
                rung: Rung::Whole
            }
        );
    }

    #[test]
    fn a_limited_retry_ends_with_its_last_attempt() {
        let failed = |failures| Delivery { failures, ..delivery("d") };
        let limited = error(Verdict::RetryAtMost(3), None);

        assert!(matches!(follows(&failed(1), &limited, None, 0.5), Next::Retry { counted: true, .. }));
        assert_eq!(follows(&failed(2), &limited, None, 0.5), Next::Dead(Reason::ServerError));
    }

    #[test]
    fn the_next_rung_is_due_at_once_even_when_time_is_up() {
        let late = Delivery { first_due_at: Timestamp::UNIX_EPOCH, ..delivery("d") };
        let failure = Failure {
            error: &error(Verdict::NextRung, None),
            next_rung: Some(Rung::Brief),
            now: delivery("d").first_due_at,
            jitter: 1.0,
        };

        assert_eq!(
            next(&late, &failure, &settings()),
            Next::Retry { due_at: failure.now, counted: false, rung: Rung::Brief }
        );
        assert_eq!(
            next(&late, &Failure { next_rung: None, ..failure }, &settings()),
            Next::Dead(Reason::ServerError)
        );
    }

    #[test]
    fn a_refusal_is_final() {
        for verdict in [Verdict::GiveUp, Verdict::Gone] {
            assert_eq!(
                follows(&delivery("d"), &error(verdict, None), None, 0.0),
                Next::Dead(Reason::ServerError)
            );
        }
    }

    #[test]
    fn a_wait_beyond_give_up_after_is_a_dead_letter_at_once() {
        let long = error(Verdict::RetryUncounted, Some(Duration::from_hours(25)));
        let endless = error(Verdict::RetryUncounted, Some(Duration::MAX));

        assert_eq!(follows(&delivery("d"), &long, None, 0.0), Next::Dead(Reason::ServerError));
        assert_eq!(follows(&delivery("d"), &endless, None, 0.0), Next::Dead(Reason::ServerError));
    }

    proptest! {
        #[test]
        fn a_retry_is_never_before_retry_after_nor_beyond_giving_up(
            failures in any::<u32>(),
            jitter in 0.0..=1.0_f64,
            since_due_ms in 0_u64..200_000_000,
            retry_after_ms in proptest::option::of(0_u64..200_000_000),
            uncounted in any::<bool>(),
        ) {
            let delivery = Delivery { failures, ..delivery("d") };
            let now = after(delivery.first_due_at, Duration::from_millis(since_due_ms));
            let retry_after = retry_after_ms.map(Duration::from_millis);
            let verdict = if uncounted { Verdict::RetryUncounted } else { Verdict::Retry };
            let failure = Failure { error: &error(verdict, retry_after), next_rung: None, now, jitter };

            match next(&delivery, &failure, &settings()) {
                Next::Retry { due_at, counted, rung } => {
                    prop_assert!(due_at >= after(now, retry_after.unwrap_or_default()));
                    prop_assert!(due_at <= gives_up_at(&delivery, &settings()));
                    prop_assert!(due_at <= after(now, settings().retry_max.max(retry_after.unwrap_or_default())));
                    prop_assert_eq!(counted, !uncounted);
                    prop_assert_eq!(rung, Rung::Whole);
                }
                other @ (Next::Delivered | Next::Superseded | Next::Dead(_) | Next::GivenBack) => {
                    let earliest = after(now, retry_after.unwrap_or_default());
                    prop_assert_eq!(other, Next::Dead(Reason::ServerError));
                    prop_assert!(earliest >= gives_up_at(&delivery, &settings()));
                }
            }
        }

        #[test]
        fn the_pause_grows_with_failures_and_chance_and_keeps_its_bounds(
            failures in 0_u32..100, more in 0_u32..100, low in 0.0..=1.0_f64, high in 0.0..=1.0_f64,
        ) {
            let (low, high) = (low.min(high), low.max(high));
            prop_assert!(pause(failures, low, &settings()) <= pause(failures + more, high, &settings()));
            prop_assert!(pause(failures, high, &settings()) <= settings().retry_max);
        }
    }
}
