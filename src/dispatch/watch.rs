//! The loop that looks at runs that have fallen silent, and has it told as an event of the relay's own.
//!
//! A run that fails sends no webhook, and neither does one that waits for somebody, or hangs. Which runs are worth a look,
//! the store tells; it also keeps how far the looks have come, so that a restart neither repeats nor forgets one. Where
//! there is a token, Sentry is asked first. Whatever it says that is not understood counts as not known; then a stage
//! that is at work is stalled, and of others nothing is said.

mod question;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use self::question::{Outcome, is_worth_asking, outcome};
use super::moment::{after, between};
use super::outage::Pauses;
use super::regime::Regime;
use super::{POLL, Shared};
use crate::event::{Action, Silence};
use crate::run::{Run, RunState};
use crate::store::{AfterLook, Look, Notice, SilentFor, SilentRun, StoreError};

pub use self::settings::{StallAfter, WatchConfig};

/// How often is looked where nothing is known to fall due: what is accepted meanwhile falls due later than that.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How many runs are read at once.
const BATCH: usize = 64;
/// How often Sentry is asked about a run while nothing is heard of it.
const MOST_LOOKS: u32 = 3;
/// What became of a run longer ago is no news.
const NEWS_FOR: Duration = Duration::from_hours(24);

/// Watches until `stopped` turns true; `wake` is raised for the planner where there is something to be told.
pub(super) async fn run(shared: Arc<Shared>, wake: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
    // A question under way is dropped: the run is looked at again after the start.
    tokio::select! {
        () = look_on(&shared, &wake) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn look_on(shared: &Shared, wake: &Notify) {
    let mut regimes = shared.regime.subscribe();
    let mut since = shared.born;
    loop {
        let stall_after = regimes.borrow_and_update().rules.watch.stall_after;
        watch_by(shared, wake, stall_after, since, &mut regimes).await;
        since = shared.clock.wall();
    }
}

/// Watches until another time counts as silence.
async fn watch_by(
    shared: &Shared,
    wake: &Notify,
    stall_after: StallAfter,
    since: Timestamp,
    regimes: &mut watch::Receiver<Arc<Regime>>,
) {
    let span = stall_after.shortest().zip(stall_after.longest());
    let silence = span.map(|(shortest, longest)| SilentFor {
        at_least: shortest,
        at_most: longest.saturating_add(NEWS_FOR),
    });
    let mut pauses = Pauses::default();
    while answered(shared, shared.queue.begin_watch(silence.is_some(), since).await).is_none() {
        sleep_until(Instant::now() + pauses.next_pause()).await;
    }
    let is_other = |regime: &Arc<Regime>| regime.rules.watch.stall_after != stall_after;
    let Some(silence) = silence else {
        // An error says that nobody can change anything any more.
        let _ = regimes.wait_for(is_other).await;
        return;
    };
    loop {
        let next = match look(shared, wake, silence, stall_after).await {
            Some(next) => {
                pauses = Pauses::default();
                next
            }
            None => Instant::now() + pauses.next_pause(),
        };
        tokio::select! {
            () = sleep_until(next) => {}
            Ok(_) = regimes.wait_for(is_other) => return,
        }
    }
}

/// Looks at the runs that are due; returns when to look again, `None` where the store failed.
async fn look(
    shared: &Shared,
    wake: &Notify,
    silence: SilentFor,
    stall_after: StallAfter,
) -> Option<Instant> {
    let found = answered(shared, shared.queue.silent_runs(silence, shared.clock.wall(), BATCH).await)?;
    for silent in &found.runs {
        let next = look_at(shared, silent, stall_after).await;
        // Of those of which there is nothing to say it is written below, for all of them.
        if next != AfterLook::Over || silent.due_at.is_some() {
            settle(shared, wake, silent, next).await?;
        }
    }
    if let Some(sequence) = found.seen {
        let look = Look { sequence, next: AfterLook::Seen };
        answered(shared, shared.queue.settle_look(look, shared.clock.wall()).await)?;
    }
    let now = Instant::now();
    if found.may_be_more {
        return Some(now);
    }
    // By the wall clock, which says what is due: after it was set back, the steady one is ahead of it.
    let next_due = found.next_due.map_or(LOOK_EVERY, |next_due| between(shared.clock.wall(), next_due));
    Some(now + next_due.clamp(POLL, LOOK_EVERY).min(silence.at_least))
}

/// Returns what the store answered, and says where it cannot.
pub(super) fn answered<T>(shared: &Shared, answer: Result<T, StoreError>) -> Option<T> {
    match answer {
        Ok(answer) => {
            shared.outage.worked();
            Some(answer)
        }
        Err(error) => {
            shared.outage.failed(&error);
            None
        }
    }
}

/// Looks at a run, asks what became of it where that is worth it, and decides what follows.
async fn look_at(shared: &Shared, silent: &SilentRun, stall_after: StallAfter) -> AfterLook {
    let Some(run) = Run::fold(&silent.events) else { return AfterLook::Over };
    let Some(stall_after) = stall_after.of(run.at_work) else { return AfterLook::Over };
    let group = run.group_id.as_ref().filter(|_| shared.lookup.can_ask(&run.organization));
    let group = group.filter(|_| is_worth_asking(&run));
    if group.is_none() && run.at_work.is_none() {
        return AfterLook::Over;
    }
    match due(silent, stall_after, shared.clock.wall()) {
        Due::Now => {}
        Due::At(due_at) => return AfterLook::Later(due_at),
        Due::TooLongAgo => return AfterLook::Over,
    }
    let again = match group {
        None => None,
        Some(group) => match outcome(&run, shared.lookup.autofix(&run.organization, group).await) {
            Outcome::Became(notice) => return AfterLook::Notice { notice, again: None },
            Outcome::Other => None,
            Outcome::MayYetBecome => {
                let is_asked_again = silent.looks + 1 < MOST_LOOKS;
                is_asked_again.then(|| after(shared.clock.wall(), stall_after))
            }
        },
    };
    match (stall(&run, silent, shared.clock.wall()), again) {
        (Some(notice), again) => AfterLook::Notice { notice, again },
        (None, Some(due_at)) => AfterLook::Again(due_at),
        (None, None) => AfterLook::Over,
    }
}

/// Whether it is time to look at a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Now,
    At(Timestamp),
    /// What became of it is no news any more.
    TooLongAgo,
}

/// Decides whether it is time to look at a run. The store says so of those that are looked at again, and of others only
/// that the shortest time has passed.
fn due(silent: &SilentRun, stall_after: Duration, now: Timestamp) -> Due {
    let late = match (silent.due_at, silent.events.last()) {
        (Some(due_at), _) => Some(between(due_at, now)),
        (None, Some(newest)) => {
            // One that seems to lie ahead came before the clock was set back.
            let age = between(newest.received_at, now).max(between(now, newest.received_at));
            match age.checked_sub(stall_after) {
                None => return Due::At(after(now, stall_after.saturating_sub(age))),
                late => late,
            }
        }
        (None, None) => None,
    };
    match late {
        Some(late) if late <= NEWS_FOR => Due::Now,
        Some(_) | None => Due::TooLongAgo,
    }
}

/// Returns the notice that a run is stalled, where a stage is at work and nothing was noticed since it began.
fn stall(run: &Run, silent: &SilentRun, now: Timestamp) -> Option<Notice> {
    let is_noticed = matches!(run.state, RunState::Failed | RunState::WaitingForUser | RunState::Stalled);
    let last = silent.events.last().filter(|_| run.at_work.is_some() && !is_noticed)?;
    let silence = Silence {
        seconds: between(last.received_at, now).as_secs(),
        last_heard_at: Some(last.received_at),
        bad_signatures: None,
    };
    Some(Notice::of_silence(Action::RunStalled, silence))
}

/// Writes how a look ended.
async fn settle(shared: &Shared, wake: &Notify, silent: &SilentRun, next: AfterLook) -> Option<()> {
    let action = match &next {
        AfterLook::Notice { notice, .. } => Some(notice.action.clone()),
        AfterLook::Seen | AfterLook::Over | AfterLook::Later(_) | AfterLook::Again(_) => None,
    };
    let look = Look { sequence: silent.sequence, next };
    let id = answered(shared, shared.queue.settle_look(look, shared.clock.wall()).await)?;
    if let (Some(id), Some(action)) = (id, action) {
        let run = Run::label_of(&silent.events).unwrap_or_default();
        tracing::info!(event.id = id.as_str(), run.id = run, %action, "nothing was heard of a run");
        shared.metrics.notice(action.as_str());
        wake.notify_one();
    }
    Some(())
}

#[cfg(test)]
mod tests;
