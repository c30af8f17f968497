//! Tones: the mood of a message, by its event; that of a card, by the state of its run.

use crate::event::{Action, Event, PullRequest};
use crate::message::Tone;
use crate::render::digest::Digest;
use crate::run::{Run, RunState};

/// Returns the mood of a message about the event. That no code fix will follow is no trouble, only news.
pub(super) fn of(event: &Event) -> Tone {
    match &event.action {
        Action::RootCauseStarted
        | Action::SolutionStarted
        | Action::CodingStarted
        | Action::IterationStarted
        | Action::Other(_) => Tone::Progress,
        Action::RootCauseCompleted
        | Action::SolutionCompleted
        | Action::CodingCompleted
        | Action::RunWaiting => Tone::Ready,
        Action::RunFailed
        | Action::RunStalled
        | Action::Silent
        | Action::DestinationDown
        | Action::DeadLetter => Tone::Trouble,
        Action::DestinationUp => Tone::Done,
        Action::PrCreated | Action::PrReadyForReview | Action::IterationCompleted => {
            of_pull_requests(event.artifacts.pull_requests.as_deref().unwrap_or_default())
        }
    }
}

/// Returns the mood of a run's card.
pub(super) fn of_run(run: &Run) -> Tone {
    match run.state {
        RunState::Unknown
        | RunState::RootCauseStarted
        | RunState::SolutionStarted
        | RunState::CodingStarted
        | RunState::Iterating => Tone::Progress,
        RunState::RootCauseCompleted
        | RunState::SolutionCompleted
        | RunState::CodingCompleted
        | RunState::WaitingForUser => Tone::Ready,
        RunState::Failed | RunState::Stalled => Tone::Trouble,
        RunState::PrCreated | RunState::PrReady | RunState::PrUpdated => of_pull_requests(&run.pull_requests),
    }
}

/// Returns the mood of a digest: whether anything in it wants somebody.
pub(super) fn of_digest(digest: &Digest) -> Tone {
    if digest.wanting(None) == digest.total() { Tone::Progress } else { Tone::Ready }
}

/// A pull request that failed to open is trouble, unless another one did open.
fn of_pull_requests(pull_requests: &[PullRequest]) -> Tone {
    let failed = pull_requests.iter().filter(|pull_request| pull_request.failed).count();
    match failed {
        0 => Tone::Done,
        failed if failed == pull_requests.len() => Tone::Trouble,
        _ => Tone::Ready,
    }
}
