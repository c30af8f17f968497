//! The loop that turns accepted events into deliveries: read what waits, route, plan.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::outage::Pauses;
use super::stories::{LIGHT_BYTES, PATIENCE};
use super::{POLL, Shared, plan};
use crate::issue::Issue;
use crate::run::Run;
use crate::store::{Entry, Plan, WaitingEvent};

/// How many events are planned together.
const BATCH: usize = 64;

/// Beside stories of so many bytes the store may have left events out, to hand out more when these are planned.
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
            () = shared.answered.notified(), if planned.is_some() => false,
            () = sleep(wait) => false,
            _ = stopped.wait_for(|stopped| *stopped) => false,
        };
    }
}

/// Plans what waits, and returns how many events that were, or as many as there can be where more may wait; `None`
/// where the store failed.
async fn plan_batch(shared: &Shared) -> Option<usize> {
    let waiting = match shared.queue.waiting_events(BATCH, LIGHT_BYTES).await {
        Ok(waiting) => waiting,
        Err(error) => {
            shared.outage.failed(&error);
            return None;
        }
    };
    shared.outage.worked();
    if waiting.is_empty() {
        return Some(0);
    }
    let plans: Vec<Plan> = waiting.iter().map(|waiting| route(shared, waiting)).collect();
    let is_heavy = waiting.iter().map(|waiting| waiting.bytes).sum::<usize>() >= HEAVY_BYTES;
    let count = if is_heavy { BATCH } else { waiting.len() };
    shared.shelf.put(waiting.into_iter().zip(&plans), Instant::now());
    let until = Instant::now() + PATIENCE;
    shared.outage.insist(until, || shared.queue.plan(plans.clone(), shared.clock.wall())).await?;
    for plan in &plans {
        shared.metrics.event_planned(!plan.routes.is_empty());
    }
    let deliveries = plans.iter().flat_map(|plan| &plan.deliveries);
    shared.announce(
        deliveries
            .filter(|delivery| delivery.entry != Entry::Superseded)
            .map(|delivery| &delivery.destination),
    );
    Some(count)
}

fn route(shared: &Shared, waiting: &WaitingEvent) -> Plan {
    let issue = known_issue(shared, waiting);
    // One event that cannot be routed must not keep all others from it; it stays in the history, and can be replayed.
    let decided = catch_unwind(AssertUnwindSafe(|| {
        let event = waiting.events.last()?;
        let run = Run::fold(&waiting.events)?;
        Some(shared.rules.routing.destinations(event, &run, issue))
    }));
    if decided.is_err() {
        let event = waiting.events.last().map(|event| event.id.as_str());
        tracing::error!(event.id = event, "routing an event broke off; it goes nowhere");
    }
    let decision = decided.ok().flatten().unwrap_or_default();
    plan::plan(waiting, decision, |name| shared.kind_of(name))
}

/// Returns what is known of an event's issue. Where that is nothing, or from too long ago, Sentry is asked, for the
/// events that come after the answer.
fn known_issue<'a>(shared: &Shared, waiting: &'a WaitingEvent) -> Option<&'a Issue> {
    let kept = waiting.issue.as_ref();
    if let (Some(event), Some(group)) = (waiting.events.last(), Run::group_of(&waiting.events))
        && shared.lookup.wants(&event.organization, kept)
    {
        shared.lookup.wish(&event.organization, group);
    }
    kept?.issue.as_ref()
}
