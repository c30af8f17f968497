//! The loop that turns accepted events into deliveries: claim, route, plan.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::outage::Pauses;
use super::{POLL, Shared, plan};
use crate::run::Run;
use crate::store::{Entry, EventClaim, Plan};

/// How many events are planned together.
const BATCH: usize = 256;

/// Beside diffs of so many bytes the store may have left events unclaimed, to hand out more when these are planned.
const HEAVY_BYTES: usize = 1024 * 1024;

/// Plans what is accepted until `stopped` turns true.
pub(super) async fn run(shared: Arc<Shared>, wake: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
    let (mut pauses, mut woken) = (Pauses::default(), false);
    while !*stopped.borrow() {
        // Registered before looking, so that what is accepted after the look is not overslept.
        let signal = wake.notified();
        tokio::pin!(signal);
        signal.as_mut().enable();
        let planned = plan_batch(&shared).await;
        let wait = match planned {
            // There may be more than was claimed at once: events that are many, or heavy.
            Some(BATCH..) => continue,
            Some(planned) => {
                pauses = Pauses::default();
                if woken && planned == 0 {
                    // Somebody in this process queued deliveries directly: a replay.
                    shared.look_everywhere();
                }
                POLL
            }
            None => pauses.next_pause(),
        };
        woken = tokio::select! {
            () = &mut signal, if planned.is_some() => true,
            () = sleep(wait) => false,
            _ = stopped.wait_for(|stopped| *stopped) => false,
        };
    }
}

/// Plans what waits, and returns how many events that were, or as many as there can be where more may wait; `None`
/// where the store failed.
async fn plan_batch(shared: &Shared) -> Option<usize> {
    let claimed_at = Instant::now();
    let claims = match shared.queue.claim_events(shared.clock.steady(), shared.lease, BATCH).await {
        Ok(claims) => claims,
        Err(error) => {
            shared.outage.failed(&error);
            return None;
        }
    };
    shared.outage.worked();
    if claims.is_empty() {
        return Some(0);
    }
    let plans: Vec<Plan> = claims.iter().map(|claim| route(shared, claim)).collect();
    let until = claimed_at + shared.lease;
    shared.outage.insist(until, || shared.queue.plan(plans.clone(), shared.clock.wall())).await?;
    for plan in &plans {
        shared.metrics.event_planned(!plan.routes.is_empty());
    }
    let waiting = plans.iter().flat_map(|plan| &plan.deliveries);
    shared.announce(
        waiting.filter(|delivery| delivery.entry != Entry::Superseded).map(|delivery| &delivery.destination),
    );
    let is_heavy = claims.iter().map(diff_bytes).sum::<usize>() >= HEAVY_BYTES;
    Some(if is_heavy { BATCH } else { claims.len() })
}

/// Returns how much of a claim are diffs.
fn diff_bytes(claim: &EventClaim) -> usize {
    let changes = claim.story.iter().filter_map(|event| event.artifacts.changes.as_ref()).flatten();
    changes.flat_map(|change| &change.files).filter_map(|file| file.diff.as_ref()).map(String::len).sum()
}

fn route(shared: &Shared, claim: &EventClaim) -> Plan {
    // One event that cannot be routed must not keep all others from it; it stays in the history, and can be replayed.
    let decided = catch_unwind(AssertUnwindSafe(|| {
        let event = claim.story.last()?;
        let run = Run::fold(&claim.story)?;
        Some(shared.rules.routing.destinations(event, &run))
    }));
    if decided.is_err() {
        let event = claim.story.last().map(|event| event.id.as_str());
        tracing::error!(event.id = event, "routing an event broke off; it goes nowhere");
    }
    let decision = decided.ok().flatten().unwrap_or_default();
    plan::plan(claim, decision, |name| shared.kind_of(name))
}
