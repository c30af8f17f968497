//! Pruning: what is older than its retention goes, a little at a time: runs, and the payloads of younger ones.
//!
//! Knows only when; what a run is and how one is removed is the store's.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::told_to_stop;
use crate::clock::Clock;
use crate::store::StoreError;

/// How often old runs are looked for.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

/// What is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pruned {
    /// Whole runs.
    Runs,
    /// What the webhooks of events said that are kept.
    Payloads,
}

/// Removes what is older than the retention then in force until told to stop, which is obeyed in the middle of the work, too.
/// `remove` takes some of what lies before a moment, and returns of how many runs or events.
pub(super) async fn prune(
    what: Pruned,
    mut remove: impl AsyncFnMut(Timestamp) -> Result<usize, StoreError>,
    retention: watch::Receiver<Duration>,
    clock: Clock,
    stopped: watch::Receiver<bool>,
) {
    let mut every = tokio::time::interval(PRUNE_EVERY);
    let work = async {
        loop {
            every.tick().await;
            let retention = *retention.borrow();
            // A retention that reaches back beyond all calendars keeps everything.
            if let Ok(before) = clock.now().checked_sub(retention) {
                remove_all(what, &mut remove, before).await;
            }
        }
    };
    tokio::select! {
        () = told_to_stop(stopped) => {}
        () = work => {}
    }
}

async fn remove_all(
    what: Pruned,
    remove: &mut impl AsyncFnMut(Timestamp) -> Result<usize, StoreError>,
    before: Timestamp,
) {
    loop {
        match (remove(before).await, what) {
            (Ok(0), _) => return,
            (Ok(runs), Pruned::Runs) => tracing::info!(runs, "removed runs older than the retention"),
            (Ok(events), Pruned::Payloads) => {
                tracing::info!(events, "removed payloads and diffs older than their retention");
            }
            (Err(error), Pruned::Runs) => return tracing::warn!(%error, "could not remove old runs"),
            (Err(error), Pruned::Payloads) => return tracing::warn!(%error, "could not remove old payloads"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const RETENTION: Duration = Duration::from_hours(1);

    fn retention() -> watch::Receiver<Duration> {
        watch::channel(RETENTION).1
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_is_obeyed_however_much_is_left_to_remove() {
        let (stop, stopped) = watch::channel(false);
        let removed = AtomicUsize::new(0);
        let endless = async |_| {
            tokio::task::yield_now().await;
            if removed.fetch_add(1, Ordering::Relaxed) == 5 {
                stop.send_replace(true);
            }
            Ok(1)
        };

        prune(Pruned::Runs, endless, retention(), Clock::system(), stopped).await;

        assert!(removed.load(Ordering::Relaxed) >= 6);
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_after_a_failure_and_looks_back_as_far_as_the_retention() {
        let (stop, stopped) = watch::channel(false);
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let mut calls = 0;
        let remove = async |before| {
            assert_eq!(before, now - RETENTION);
            calls += 1;
            match calls {
                1 => Err(StoreError::Unavailable("disk full".to_owned())),
                2 => Ok(100),
                _ => {
                    stop.send_replace(true);
                    Ok(0)
                }
            }
        };

        prune(Pruned::Runs, remove, retention(), Clock::from_fn(move || now), stopped).await;

        assert_eq!(calls, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn another_retention_counts_from_the_next_look_on() {
        let (stop, stopped) = watch::channel(false);
        let (retention, in_force) = watch::channel(RETENTION);
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let mut befores = Vec::new();
        let remove = async |before| {
            befores.push(before);
            retention.send_replace(2 * RETENTION);
            stop.send_replace(befores.len() == 2);
            Ok(0)
        };

        prune(Pruned::Runs, remove, in_force, Clock::from_fn(move || now), stopped).await;

        assert_eq!(befores, [now - RETENTION, now - 2 * RETENTION]);
    }
}
