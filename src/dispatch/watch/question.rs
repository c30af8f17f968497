//! Questions about silent runs: which are worth one, and what Sentry's answer says. Pure.

use crate::event::{Action, PullRequest};
use crate::run::{Run, RunState};
use crate::sentry::api::{Autofix, AutofixState};
use crate::store::Notice;

/// Tells whether more of a run is to be expected: its pull requests are not open yet, or are worked on again; or none
/// could be opened, and nobody said why.
pub(super) fn is_worth_asking(run: &Run) -> bool {
    match run.state {
        RunState::Failed | RunState::WaitingForUser => false,
        _ if run.at_work.is_some() => true,
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
        RunState::Unknown | RunState::Stalled => false,
    }
}

/// Tells whether a pull request of the run is known to be open.
fn has_opened(run: &Run) -> bool {
    run.pull_requests.iter().any(|pull_request| !pull_request.failed)
}

/// What Sentry's answer says of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Something that no webhook says.
    Became(Notice),
    /// It is at work, or Sentry did not say.
    MayYetBecome,
    /// Nothing of this run, nothing that is understood, or that it ended in a way of which there is nothing to tell.
    Other,
}

/// Decides what an answer means for a run.
pub(super) fn outcome(run: &Run, answer: Option<Autofix>) -> Outcome {
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
        // Where a stage has begun, its end was not heard of: a hand-off, or a webhook that was lost.
        AutofixState::Completed | AutofixState::Cancelled | AutofixState::Unknown => return Outcome::Other,
    };
    let failed = autofix.failed_pull_requests.into_iter().map(|failed| PullRequest {
        repo: Some(failed.repo),
        failed: true,
        reason: failed.reason,
        ..PullRequest::default()
    });
    Outcome::Became(Notice { action, failed_pull_requests: failed.collect(), silence: None })
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
        Outcome::Became(Notice { action, failed_pull_requests: Vec::new(), silence: None })
    }

    #[test]
    fn a_run_is_worth_a_question_until_its_pull_requests_are_open() {
        for (actions, expected) in [
            (&[Action::RootCauseStarted][..], true),
            (&[Action::RootCauseStarted, Action::RootCauseCompleted], true),
            (&[Action::RootCauseCompleted, Action::SolutionStarted], true),
            (&[Action::CodingCompleted, Action::CodingStarted], true),
            (&[Action::CodingStarted, Action::PrCreated], false),
            (&[Action::PrCreated], false),
            (&[Action::PrCreated, Action::IterationStarted], true),
            (&[Action::PrCreated, Action::IterationStarted, Action::IterationCompleted], false),
            (&[Action::Other("triage_started".to_owned())], false),
        ] {
            assert_eq!(is_worth_asking(&run(actions)), expected, "{actions:?}");
        }
        let started = event("a", Action::CodingStarted);
        let resource = RELAY_RESOURCE.to_owned();
        let noticed = |action| Event { resource: resource.clone(), ..event("b", action) };
        let run = |action| Run::fold(&[started.clone(), noticed(action)]).unwrap();
        assert!(!is_worth_asking(&run(Action::RunFailed)), "what became of it is known");
        assert!(is_worth_asking(&run(Action::RunStalled)), "why it is silent is not known");
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
        let expected = Notice { action: Action::RunFailed, failed_pull_requests, silence: None };
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
