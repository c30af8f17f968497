//! Everybody whom the doctor calls: at once, with patience that ends, and with an eye on their clocks.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::client::HttpClient;
use crate::clock::Clock;

/// How long one call may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long all of them together may take, those that had to wait for others too.
const WITHIN: Duration = Duration::from_millis(5_500);
/// How many are called at once.
const AT_ONCE: usize = 32;

/// The world outside of the doctor.
pub(super) struct Outside {
    pub(super) client: HttpClient,
    /// Whether nobody beyond this machine is to be called.
    pub(super) is_offline: bool,
    clock: Clock,
    until: Instant,
    turns: Semaphore,
    dates: Mutex<Vec<SignedDuration>>,
}

impl Outside {
    pub(super) fn new(client: HttpClient, clock: Clock, is_offline: bool) -> Self {
        Self {
            client,
            is_offline,
            clock,
            until: Instant::now() + WITHIN,
            turns: Semaphore::new(AT_ONCE),
            dates: Mutex::default(),
        }
    }

    /// Makes a call once it is its turn; `None` where there is no time left for it.
    pub(super) async fn call<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let in_turn = async {
            let _turn = self.turns.acquire().await;
            call.await
        };
        timeout_at(self.until, in_turn).await.ok()
    }

    /// Makes a call to somebody whose clock is right, as `date` finds it in what came back.
    pub(super) async fn call_timed<T>(
        &self,
        call: impl Future<Output = T>,
        date: impl FnOnce(&T) -> Option<Timestamp>,
    ) -> Option<T> {
        let timed = async {
            let before = self.clock.now();
            let called = call.await;
            (called, before, self.clock.now())
        };
        let (called, before, after) = self.call(timed).await?;
        if let Some(date) = date(&called) {
            // Somewhere in between it was told, so only what lies outside counts.
            let ahead = if date < before { date.duration_since(before) } else { date.duration_since(after) };
            let ahead = if date >= before && date <= after { SignedDuration::ZERO } else { ahead };
            self.dates.lock().unwrap_or_else(PoisonError::into_inner).push(ahead);
        }
        Some(called)
    }

    /// Returns by how much others' clocks were ahead of this one, each as it was told.
    pub(super) fn dates(&self) -> Vec<SignedDuration> {
        self.dates.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
