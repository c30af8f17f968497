//! Times when the store cannot be used: how long to wait before it is asked again, and one line when that changes.
//!
//! Knows nothing of what is asked of the store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::store::StoreError;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Whether the store answers, as the dispatcher sees it.
#[derive(Debug, Default)]
pub(super) struct Outage {
    down: AtomicBool,
}

impl Outage {
    /// Notes that the store answered.
    pub(super) fn worked(&self) {
        if self.down.load(Ordering::Relaxed) && self.down.swap(false, Ordering::Relaxed) {
            tracing::info!("the store is available again; deliveries go on");
        }
    }

    /// Notes that the store did not do what was asked.
    pub(super) fn failed(&self, error: &StoreError) {
        if !self.down.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the store fails; deliveries wait until it is available again");
        }
    }

    /// Asks the store until it answers, `until` at the latest; `None` where it never did.
    pub(super) async fn insist<T, F>(&self, until: Instant, mut ask: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut pauses = Pauses::default();
        loop {
            match ask().await {
                Ok(answer) => {
                    self.worked();
                    return Some(answer);
                }
                Err(error) => self.failed(&error),
            }
            let pause = pauses.next_pause();
            if Instant::now() + pause > until {
                return None;
            }
            sleep(pause).await;
        }
    }
}

/// The pauses between two questions to a store that does not answer: 100 ms, doubling to 5 s.
#[derive(Debug)]
pub(super) struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pauses {
    /// Returns the next pause.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = pause.saturating_mul(2).min(LONGEST_PAUSE);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_double_up_to_five_seconds() {
        let mut pauses = Pauses::default();
        let millis: Vec<u128> = (0..8).map(|_| pauses.next_pause().as_millis()).collect();

        assert_eq!(millis, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn insisting_ends_with_an_answer_or_with_time() {
        let outage = Outage::default();
        let mut refusals = 3;
        let answer = outage.insist(Instant::now() + Duration::from_secs(30), || {
            refusals -= 1;
            std::future::ready(if refusals < 0 { Ok(7) } else { Err(unavailable()) })
        });
        assert_eq!(answer.await, Some(7));

        let start = Instant::now();
        let never = outage
            .insist(start + Duration::from_secs(30), || std::future::ready(Err::<(), _>(unavailable())));
        assert_eq!(never.await, None);
        assert!(start.elapsed() <= Duration::from_secs(30));
    }

    fn unavailable() -> StoreError {
        StoreError::Unavailable("disk full".to_owned())
    }
}
