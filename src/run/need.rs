//! Needs: whether a run wants a person, and for what. Pure.

use super::{Run, RunState};
use crate::event::words;

words! {
    /// What a run wants a person for.
    Need {
        /// Its pull requests are open: they are to be reviewed.
        Review = "review",
        /// Seer asks something.
        Answer = "answer",
        /// It failed, or nothing is heard of it: somebody should see what became of it.
        Look = "look",
    }
}

impl Run {
    /// Returns what the run wants a person for; `None` while it goes on, or may, by itself.
    pub fn need(&self) -> Option<Need> {
        match self.state {
            RunState::PrCreated | RunState::PrReady | RunState::PrUpdated => {
                let has_failed =
                    !self.pull_requests.is_empty() && self.pull_requests.iter().all(|each| each.failed);
                Some(if has_failed { Need::Look } else { Need::Review })
            }
            RunState::WaitingForUser => Some(Need::Answer),
            RunState::Failed | RunState::Stalled => Some(Need::Look),
            RunState::Unknown
            | RunState::RootCauseStarted
            | RunState::RootCauseCompleted
            | RunState::SolutionStarted
            | RunState::SolutionCompleted
            | RunState::CodingStarted
            | RunState::CodingCompleted
            | RunState::Iterating => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::{Action, Artifacts, Event, EventId, Organization, PullRequest, RELAY_RESOURCE};

    fn need(action: Action, failed: &[bool]) -> Option<Need> {
        let pull_request = |failed: &bool| PullRequest {
            repo: Some(format!("acme/{failed}")),
            failed: *failed,
            ..PullRequest::default()
        };
        let pull_requests = Some(failed.iter().map(pull_request).collect());
        let event = Event {
            id: EventId::new("evt_1"),
            organization: Organization::new("acme"),
            resource: if action.is_notice() { RELAY_RESOURCE } else { "seer" }.to_owned(),
            action,
            run_id: None,
            sentry_run_id: None,
            group_id: None,
            iteration: None,
            received_at: Timestamp::UNIX_EPOCH,
            sent_at: None,
            artifacts: Artifacts { pull_requests, ..Artifacts::default() },
        };
        Run::fold([&event]).unwrap().need()
    }

    #[test]
    fn pull_requests_want_a_review_unless_none_of_them_could_be_opened() {
        for action in [Action::PrCreated, Action::PrReadyForReview, Action::IterationCompleted] {
            assert_eq!(need(action.clone(), &[]), Some(Need::Review));
            assert_eq!(need(action.clone(), &[true, false]), Some(Need::Review));
            assert_eq!(need(action, &[true]), Some(Need::Look));
        }
    }

    #[test]
    fn what_goes_on_by_itself_wants_nobody() {
        for action in [Action::RootCauseStarted, Action::CodingCompleted, Action::IterationStarted] {
            assert_eq!(need(action, &[]), None);
        }
        assert_eq!(need(Action::RunWaiting, &[]), Some(Need::Answer));
        assert_eq!(need(Action::RunFailed, &[]), Some(Need::Look));
        assert_eq!(need(Action::RunStalled, &[]), Some(Need::Look));
    }
}
