//! The loop that asks Sentry what became of runs that have fallen silent, and has it told as an event of the relay's own.
//!
//! A run that fails sends no webhook, and neither does one that waits for somebody. Which runs are worth a look, the store
//! tells; it also keeps how far the looks have come, so that a restart neither repeats nor forgets one. Whatever Sentry
//! says that is not understood counts as not known, and then nothing happens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::moment::{after, between};
use super::outage::Pauses;
use super::{POLL, Shared};
use crate::event::{Action, PullRequest};
use crate::run::{Run, RunState};
use crate::sentry::api::{Autofix, AutofixState};
use crate::store::{AfterLook, Look, Notice, Silence, SilentRun};

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
    let Some(stall_after) = shared.rules.watch.stall_after.filter(|_| !shared.rules.sources.is_empty())
    else {
        return;
    };
    let mut pauses = Pauses::default();
    let work = async {
        loop {
            let next = match look(&shared, &wake, stall_after).await {
                Some(next) => {
                    pauses = Pauses::default();
                    next
                }
                None => Instant::now() + pauses.next_pause(),
            };
            sleep_until(next).await;
        }
    };
    // A question under way is dropped: the run is looked at again after the start.
    tokio::select! {
        () = work => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

/// Looks at the runs that are due; returns when to look again, `None` where the store failed.
async fn look(shared: &Shared, wake: &Notify, stall_after: Duration) -> Option<Instant> {
    let silence = Silence { at_least: stall_after, at_most: stall_after.saturating_add(NEWS_FOR) };
    let found = answered(shared, shared.queue.silent_runs(silence, shared.clock.wall(), BATCH).await)?;
    for silent in &found.runs {
        let next = ask(shared, silent, stall_after).await;
        // Of those of which there is nothing to say it is written below, for all of them.
        if next != AfterLook::Over || silent.looks > 0 {
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
    Some(now + next_due.clamp(POLL, LOOK_EVERY).min(stall_after))
}

fn answered<T>(shared: &Shared, answer: Result<T, crate::store::StoreError>) -> Option<T> {
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

/// Asks what became of a run, where that is worth it, and decides what follows.
async fn ask(shared: &Shared, silent: &SilentRun, stall_after: Duration) -> AfterLook {
    let Some(run) = Run::fold(&silent.events).filter(is_worth_asking) else { return AfterLook::Over };
    let Some(group) = run.group_id.as_ref().filter(|_| shared.lookup.can_ask(&run.organization)) else {
        return AfterLook::Over;
    };
    match outcome(&run, shared.lookup.autofix(&run.organization, group).await) {
        Outcome::Became(notice) => AfterLook::Notice(notice),
        Outcome::MayYetBecome if silent.looks + 1 < MOST_LOOKS => {
            AfterLook::Again(after(shared.clock.wall(), stall_after))
        }
        Outcome::MayYetBecome | Outcome::Other => AfterLook::Over,
    }
}

/// Writes how a look ended.
async fn settle(shared: &Shared, wake: &Notify, silent: &SilentRun, next: AfterLook) -> Option<()> {
    let action = match &next {
        AfterLook::Notice(notice) => Some(notice.action.clone()),
        AfterLook::Seen | AfterLook::Over | AfterLook::Again(_) => None,
    };
    let look = Look { sequence: silent.sequence, next };
    let id = answered(shared, shared.queue.settle_look(look, shared.clock.wall()).await)?;
    if let (Some(id), Some(action)) = (id, action) {
        let run = Run::label_of(&silent.events).unwrap_or_default();
        tracing::info!(event.id = id.as_str(), run.id = run, %action, "nothing was heard of a run, so Sentry was asked");
        wake.notify_one();
    }
    Some(())
}

/// Tells whether more of a run is to be expected: its pull requests are not open yet, or are worked on again; or none
/// could be opened, and nobody said why.
fn is_worth_asking(run: &Run) -> bool {
    match run.state {
        RunState::RootCauseStarted
        | RunState::RootCauseCompleted
        | RunState::SolutionStarted
        | RunState::SolutionCompleted
        | RunState::CodingStarted
        | RunState::CodingCompleted
        | RunState::Iterating => true,
        RunState::PrCreated | RunState::PrReady | RunState::PrUpdated => {
            !has_opened(run) && run.pull_requests.iter().any(|failed| failed.reason.is_none())
        }
        RunState::Unknown | RunState::Failed | RunState::WaitingForUser => false,
    }
}

/// Tells whether a pull request of the run is known to be open.
fn has_opened(run: &Run) -> bool {
    run.pull_requests.iter().any(|pull_request| !pull_request.failed)
}

/// What Sentry's answer says of a run.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    /// Something that no webhook says.
    Became(Notice),
    /// It is at work, or Sentry did not say.
    MayYetBecome,
    /// Nothing that the relay would tell.
    Other,
}

/// Decides what an answer means for a run.
fn outcome(run: &Run, answer: Option<Autofix>) -> Outcome {
    let Some(autofix) = answer else { return Outcome::MayYetBecome };
    if !is_about(&autofix, run) {
        return Outcome::Other;
    }
    let action = match autofix.state {
        AutofixState::Failed => Action::RunFailed,
        AutofixState::WaitingForUser => Action::RunWaiting,
        AutofixState::Processing => return Outcome::MayYetBecome,
        // It is through with a run of which nothing came.
        AutofixState::Completed if !autofix.failed_pull_requests.is_empty() && !has_opened(run) => {
            Action::RunFailed
        }
        AutofixState::Completed | AutofixState::Cancelled | AutofixState::Unknown => return Outcome::Other,
    };
    let failed = autofix.failed_pull_requests.into_iter().map(|failed| PullRequest {
        repo: Some(failed.repo),
        failed: true,
        reason: failed.reason,
        ..PullRequest::default()
    });
    Outcome::Became(Notice { action, failed_pull_requests: failed.collect() })
}

/// Sentry tells of the issue's newest run alone. Alerts name no run: one of which only they told is the newest, as far as
/// anybody knows.
fn is_about(autofix: &Autofix, run: &Run) -> bool {
    match &run.run_id {
        Some(run_id) => autofix.run_id.as_ref() == Some(run_id),
        None => run.sentry_run_id.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::event;
    use crate::event::{Event, RELAY_RESOURCE, RunId, SentryRunId};
    use crate::sentry::api::FailedPullRequest;

    fn run(actions: &[Action]) -> Run {
        let events: Vec<Event> =
            actions.iter().map(|action| event(action.as_str(), action.clone())).collect();
        Run::fold(&events).unwrap()
    }

    fn autofix(run_id: Option<&str>, state: AutofixState) -> Autofix {
        Autofix { run_id: run_id.map(RunId::new), state, failed_pull_requests: Vec::new() }
    }

    fn notice(action: Action) -> Outcome {
        Outcome::Became(Notice { action, failed_pull_requests: Vec::new() })
    }

    #[test]
    fn a_run_is_worth_a_question_until_its_pull_requests_are_open() {
        for (actions, expected) in [
            (&[Action::RootCauseStarted][..], true),
            (&[Action::RootCauseStarted, Action::RootCauseCompleted], true),
            (&[Action::RootCauseCompleted, Action::SolutionStarted], true),
            (&[Action::CodingCompleted, Action::CodingStarted], true),
            (&[Action::PrCreated], false),
            (&[Action::PrCreated, Action::IterationStarted], true),
            (&[Action::PrCreated, Action::IterationStarted, Action::IterationCompleted], false),
            (&[Action::Other("triage_started".to_owned())], false),
        ] {
            assert_eq!(is_worth_asking(&run(actions)), expected, "{actions:?}");
        }
        let started = event("a", Action::CodingStarted);
        let resource = RELAY_RESOURCE.to_owned();
        let noticed = Event { resource, ..event("b", Action::RunFailed) };
        assert!(!is_worth_asking(&Run::fold(&[started, noticed]).unwrap()), "what became of it is known");
    }

    #[test]
    fn why_no_pull_request_could_be_opened_is_asked_for_and_told_once() {
        let pull_request = |failed, reason: Option<&str>| PullRequest {
            repo: Some("acme/api".to_owned()),
            failed,
            reason: reason.map(str::to_owned),
            ..PullRequest::default()
        };
        let created = |pull_requests: Vec<PullRequest>| {
            let pull_requests = Some(pull_requests);
            let artifacts = crate::event::Artifacts { pull_requests, ..crate::event::Artifacts::default() };
            Run::fold(&[Event { artifacts, ..event("a", Action::PrCreated) }]).unwrap()
        };
        let failed = created(vec![pull_request(true, None)]);
        assert!(is_worth_asking(&failed));
        assert!(!is_worth_asking(&created(vec![pull_request(true, Some("no access"))])));
        let partly =
            created(vec![PullRequest { repo: None, ..pull_request(true, None) }, pull_request(false, None)]);
        assert!(!is_worth_asking(&partly));

        let reason = FailedPullRequest { repo: "acme/api".to_owned(), reason: Some("no access".to_owned()) };
        let completed = || {
            let failed_pull_requests = vec![reason.clone()];
            Some(Autofix { failed_pull_requests, ..autofix(Some("1"), AutofixState::Completed) })
        };
        let failed_pull_requests = vec![pull_request(true, Some("no access"))];
        let expected = Notice { action: Action::RunFailed, failed_pull_requests };
        assert_eq!(outcome(&failed, completed()), Outcome::Became(expected));
        assert_eq!(outcome(&partly, completed()), Outcome::Other);
    }

    #[test]
    fn only_what_is_understood_becomes_a_notice() {
        let run = run(&[Action::CodingStarted]);
        for (state, expected) in [
            (AutofixState::Failed, notice(Action::RunFailed)),
            (AutofixState::WaitingForUser, notice(Action::RunWaiting)),
            (AutofixState::Processing, Outcome::MayYetBecome),
            (AutofixState::Completed, Outcome::Other),
            (AutofixState::Cancelled, Outcome::Other),
            (AutofixState::Unknown, Outcome::Other),
        ] {
            assert_eq!(outcome(&run, Some(autofix(Some("1"), state))), expected, "{state:?}");
        }
        assert_eq!(outcome(&run, None), Outcome::MayYetBecome);
    }

    #[test]
    fn another_run_of_the_issue_says_nothing_of_this_one() {
        let run = run(&[Action::CodingStarted]);
        for other in [Some("2"), None] {
            assert_eq!(outcome(&run, Some(autofix(other, AutofixState::Failed))), Outcome::Other);
        }
        let told_by_alerts = Run { run_id: None, ..run.clone() };
        let answer = || Some(autofix(Some("2"), AutofixState::Failed));
        assert_eq!(outcome(&told_by_alerts, answer()), notice(Action::RunFailed));
        let by_uuid = Run { sentry_run_id: Some(SentryRunId::new("5c2a")), ..told_by_alerts };
        assert_eq!(outcome(&by_uuid, answer()), Outcome::Other);
    }

    #[test]
    fn a_pull_request_that_could_not_be_opened_is_told_with_the_reason() {
        let reason = Some("branch protected".to_owned());
        let failed = FailedPullRequest { repo: "acme/api".to_owned(), reason: reason.clone() };
        let answer =
            Autofix { failed_pull_requests: vec![failed], ..autofix(Some("1"), AutofixState::Failed) };
        let Outcome::Became(notice) = outcome(&run(&[Action::CodingStarted]), Some(answer)) else {
            panic!("it failed")
        };
        let repo = Some("acme/api".to_owned());
        let expected = PullRequest { repo, failed: true, reason, ..PullRequest::default() };
        assert_eq!(notice.artifacts().pull_requests, Some(vec![expected]));
    }
}
