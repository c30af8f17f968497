//! The loop that turns accepted events into deliveries: read what waits, leave aside what is worth a moment's wait,
//! route, plan.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::holds::{Holds, WEBHOOK_WAIT, Wait};
use super::lookup::Prospect;
use super::moment::{after, between};
use super::outage::Pauses;
use super::plan::Decided;
use super::regime::Regime;
use super::stories::{LIGHT_BYTES, PATIENCE};
use super::{POLL, Shared, plan};
use crate::event::{Event, EventId};
use crate::run::Run;
use crate::store::{Entry, Plan, Reasons, WaitingEvent};

/// How many events are planned together.
const BATCH: usize = 64;

/// Beside stories of so many bytes the store may have left events out, to hand out more when these are planned.
const HEAVY_BYTES: usize = 1024 * 1024;

/// Plans what is accepted until `stopped` turns true.
pub(super) async fn run(shared: Arc<Shared>, wake: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
    let (mut pauses, mut woken, mut holds) = (Pauses::default(), false, Holds::default());
    while !*stopped.borrow() {
        // Registered before looking, so that what is accepted after the look is not overslept.
        let signal = wake.notified();
        tokio::pin!(signal);
        signal.as_mut().enable();
        let looked = plan_batch(&shared, &mut holds).await;
        let wait = match looked {
            Some(Looked { may_be_more: true, .. }) => continue,
            Some(Looked { events, .. }) => {
                pauses = Pauses::default();
                if woken && events == 0 {
                    // Somebody in this process queued deliveries directly: a replay.
                    shared.look_everywhere();
                }
                let next_end = holds.next_end().map(|end| end.saturating_duration_since(Instant::now()));
                next_end.map_or(POLL, |wait| wait.min(POLL))
            }
            None => pauses.next_pause(),
        };
        woken = tokio::select! {
            () = &mut signal, if looked.is_some() => true,
            () = shared.answered.notified(), if looked.is_some() => false,
            () = sleep(wait) => false,
            _ = stopped.wait_for(|stopped| *stopped) => false,
        };
    }
}

/// What came of a look at what waits.
#[derive(Debug, Clone, Copy)]
struct Looked {
    /// How many events were read.
    events: usize,
    /// Whether it is worth looking again at once.
    may_be_more: bool,
}

/// Plans what waits, but for what is worth a moment's wait; `None` where the store failed.
async fn plan_batch(shared: &Shared, holds: &mut Holds) -> Option<Looked> {
    let is_asked = |organization: &_, group: &_| shared.lookup.is_asked(organization, group);
    let left_aside = holds.left_aside(Instant::now(), is_asked);
    let waiting = match shared.queue.waiting_events(BATCH, LIGHT_BYTES, left_aside).await {
        Ok(waiting) => waiting,
        Err(error) => {
            shared.outage.failed(&error);
            return None;
        }
    };
    shared.outage.worked();
    let events = waiting.len();
    let is_heavy = waiting.iter().map(|waiting| waiting.bytes).sum::<usize>() >= HEAVY_BYTES;
    let ready: Vec<WaitingEvent> =
        waiting.into_iter().filter(|waiting| !leave_aside(shared, holds, waiting)).collect();
    let runs: Vec<EventId> =
        ready.iter().filter_map(|waiting| Some(waiting.events.first()?.id.clone())).collect();
    if !ready.is_empty() {
        plan_all(shared, ready).await?;
    }
    // An alert may have waited for what was planned just now.
    let is_met = holds.note_planned(&runs);
    Some(Looked { events, may_be_more: events >= BATCH || is_heavy || is_met })
}

async fn plan_all(shared: &Shared, waiting: Vec<WaitingEvent>) -> Option<()> {
    let (regime, now) = (shared.regime(), shared.clock.wall());
    let plans: Vec<Plan> = waiting.iter().map(|waiting| route(&regime, waiting, now)).collect();
    shared.shelf.put(waiting.into_iter().zip(&plans), Instant::now());
    let until = Instant::now() + PATIENCE;
    let merged =
        shared.outage.insist(until, || shared.queue.plan(plans.clone(), shared.clock.wall())).await?;
    for destination in &merged {
        shared.metrics.destinations().card_merged(destination.as_str());
    }
    for plan in &plans {
        shared.metrics.event_planned(!plan.routes.is_empty());
    }
    let deliveries = plans.iter().flat_map(|plan| &plan.deliveries);
    shared.announce(
        deliveries
            .filter(|delivery| delivery.entry != Entry::Superseded)
            .map(|delivery| &delivery.destination),
    );
    Some(())
}

/// Leaves an event aside that is worth a moment's wait; returns whether it was.
fn leave_aside(shared: &Shared, holds: &mut Holds, waiting: &WaitingEvent) -> bool {
    let (Some(first), Some(event)) = (waiting.events.first(), waiting.events.last()) else { return false };
    let (run, sequence) = (&first.id, waiting.ticket.sequence);
    // Asked for whether or not anybody waits for it: it may come in time for the next one.
    let issue = wish(shared, waiting, event);
    if holds.is_behind(run, sequence) {
        return holds.hold(sequence, run, Instant::now(), Wait::Turn);
    }
    let end_of = |wait: Duration| end_of(shared, event.received_at, wait);
    if let Some(wait) = issue
        && let Some(until) = end_of(shared.lookup.lookup_wait(&event.organization))
    {
        return holds.hold(sequence, run, until, wait);
    }
    if !event.is_alert() || waiting.replay {
        return false;
    }
    let until = match plan::twin(waiting) {
        Some(twin) if twin.is_planned => None,
        // It is planned within moments, and only then can the alert know where it went.
        Some(_) => Some(Instant::now() + POLL),
        None => end_of(WEBHOOK_WAIT),
    };
    until.is_some_and(|until| holds.hold(sequence, run, until, Wait::Webhook))
}

/// Returns when an event that may wait for so long has waited enough; `None` where that is over. A clock that was set
/// back makes nobody wait longer.
fn end_of(shared: &Shared, received_at: Timestamp, wait: Duration) -> Option<Instant> {
    let left = between(shared.clock.steady(), after(received_at, wait)).min(wait);
    (!left.is_zero()).then(|| Instant::now() + left)
}

/// Has Sentry asked about an event's issue, where nothing is known of it, or only from too long ago; returns the wait
/// for the answer, where nothing is known and one may come in time.
fn wish(shared: &Shared, waiting: &WaitingEvent, event: &Event) -> Option<Wait> {
    let kept = waiting.issue.as_ref();
    let group = Run::group_of(&waiting.events)?;
    if !shared.lookup.wants(&event.organization, kept) {
        return None;
    }
    let prospect = shared.lookup.wish(&event.organization, group);
    let is_unknown = kept.and_then(|kept| kept.issue.as_ref()).is_none();
    (prospect == Prospect::Coming && is_unknown)
        .then(|| Wait::Issue(event.organization.clone(), group.clone()))
}

fn route(regime: &Regime, waiting: &WaitingEvent, now: Timestamp) -> Plan {
    let issue = waiting.issue.as_ref().and_then(|kept| kept.issue.as_ref());
    let routing = &regime.rules.routing;
    let issue_unknown = issue.is_none() && routing.needs_issue();
    // One event that cannot be routed must not keep all others from it; it stays in the history, and can be replayed.
    let decided = catch_unwind(AssertUnwindSafe(|| {
        let event = waiting.events.last()?;
        let run = Run::fold(&waiting.events)?;
        let decision = routing.route(event, &run, issue);
        let routes = routing.names_of(&decision);
        let reasons = Reasons { basis: Arc::clone(routing.basis()), answers: decision.answers };
        let on_terms = decision.destinations.into_iter().map(|routed| {
            let terms = if waiting.replay { routing.unmuted(&routed) } else { routing.terms(&routed, now) };
            (routed, terms)
        });
        Some(Decided { routes, destinations: on_terms.collect(), reasons: Some(reasons), issue_unknown })
    }));
    if decided.is_err() {
        let event = waiting.events.last().map(|event| event.id.as_str());
        tracing::error!(event.id = event, "routing an event broke off; it goes nowhere");
    }
    let decided = decided.ok().flatten().unwrap_or_default();
    let action = waiting.events.last().map(|event| &event.action);
    plan::plan(waiting, decided, |name| regime.manner_at(name, action?), regime.card_keepers.clone())
}
