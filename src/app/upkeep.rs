//! Upkeep: what goes on in the store while there is nothing better to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::cataloguing;
use super::pruning::{self, Pruned};
use crate::clock::Clock;
use crate::store::{Queue, Store};

/// How many runs one step of pruning removes, so that it never holds up a webhook.
const PRUNE_RUNS: usize = 100;

/// For how long what is kept, as the settings in force say.
pub(super) struct Kept {
    /// Runs.
    pub(super) runs: watch::Receiver<Duration>,
    /// Payloads and diffs.
    pub(super) payloads: watch::Receiver<Duration>,
}

/// Starts it, until told to stop.
pub(super) fn start(
    store: &Arc<Store>,
    kept: Kept,
    clock: &Clock,
    stopped: &watch::Receiver<bool>,
) -> [JoinHandle<()>; 3] {
    let pruned = Arc::clone(store);
    let prune = async move |before| pruned.prune(before, PRUNE_RUNS).await;
    let stripped = Arc::clone(store);
    let strip = async move |before| stripped.strip(before).await;
    let catalogued = Arc::clone(store);
    let catalogue = async move || catalogued.catalogue().await;
    [
        tokio::spawn(pruning::prune(Pruned::Runs, prune, kept.runs, clock.clone(), stopped.clone())),
        tokio::spawn(pruning::prune(Pruned::Payloads, strip, kept.payloads, clock.clone(), stopped.clone())),
        tokio::spawn(cataloguing::catalogue(catalogue, stopped.clone())),
    ]
}
