//! Actions: the second half of Sentry's event name, and the stage and phase that each stands for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ACTIVITY_ALERT_RESOURCE;

/// How the types of Seer's activities begin.
const ACTIVITY: &str = "seer_";
/// What stands between that and an iteration.
const ACTIVITY_ITERATION: &str = "pr_";
/// How the actions of the relay's own notices begin.
pub const OWN_NOTICE: &str = "relay.";

/// What a webhook announces. Sentry adds actions several times a year, hence [`Action::Other`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// `root_cause_started`
    RootCauseStarted,
    /// `root_cause_completed`
    RootCauseCompleted,
    /// `solution_started`
    SolutionStarted,
    /// `solution_completed`
    SolutionCompleted,
    /// `coding_started`
    CodingStarted,
    /// `coding_completed`
    CodingCompleted,
    /// `pr_created`
    PrCreated,
    /// `pr_ready_for_review`
    PrReadyForReview,
    /// `iteration_started`
    IterationStarted,
    /// `iteration_completed`
    IterationCompleted,
    /// `relay.failed`: the relay's own notice that Sentry says that the run failed.
    RunFailed,
    /// `relay.waiting`: the relay's own notice that Sentry says that the run waits for somebody.
    RunWaiting,
    /// `relay.stalled`: the relay's own notice that a stage of the run began and nothing was heard since.
    RunStalled,
    /// `relay.silent`: the relay's own notice that no webhook of the organization came for long. It is about no run.
    Silent,
    /// `relay.destination_down`: the relay's own notice that a destination keeps refusing, or is gone. It is about no run.
    DestinationDown,
    /// `relay.destination_up`: the relay's own notice that such a destination takes deliveries again. It is about no run.
    DestinationUp,
    /// `relay.dead_letter`: the relay's own notice that deliveries became dead letters. It is about no run.
    DeadLetter,
    /// Any other action, kept and delivered by the default template.
    Other(String),
}

/// The part of a run that an action belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Why it broke.
    RootCause,
    /// How to mend it.
    Solution,
    /// The code.
    Coding,
    /// The pull requests.
    PullRequest,
    /// A further round on the pull requests.
    Iteration,
}

/// Whether a stage began or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The stage began.
    Started,
    /// The stage ended.
    Completed,
}

impl Action {
    /// Every action of Seer's that this version knows, in the order of a run.
    pub const OF_SEER: [Self; 10] = [
        Self::RootCauseStarted,
        Self::RootCauseCompleted,
        Self::SolutionStarted,
        Self::SolutionCompleted,
        Self::CodingStarted,
        Self::CodingCompleted,
        Self::PrCreated,
        Self::PrReadyForReview,
        Self::IterationStarted,
        Self::IterationCompleted,
    ];

    /// The actions of the relay's own notices, of which Sentry knows nothing.
    pub const NOTICES: [Self; 7] = [
        Self::RunFailed,
        Self::RunWaiting,
        Self::RunStalled,
        Self::Silent,
        Self::DestinationDown,
        Self::DestinationUp,
        Self::DeadLetter,
    ];

    /// Returns every action that this version knows: Seer's, then the relay's own.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::OF_SEER.into_iter().chain(Self::NOTICES)
    }

    /// Reads an action's name; any text is one.
    pub fn from_name(name: &str) -> Self {
        Self::known().find(|action| action.as_str() == name).unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    /// Returns the name as Sentry writes it; of a notice, as the relay does.
    pub fn as_str(&self) -> &str {
        match self {
            Self::RootCauseStarted => "root_cause_started",
            Self::RootCauseCompleted => "root_cause_completed",
            Self::SolutionStarted => "solution_started",
            Self::SolutionCompleted => "solution_completed",
            Self::CodingStarted => "coding_started",
            Self::CodingCompleted => "coding_completed",
            Self::PrCreated => "pr_created",
            Self::PrReadyForReview => "pr_ready_for_review",
            Self::IterationStarted => "iteration_started",
            Self::IterationCompleted => "iteration_completed",
            Self::RunFailed => "relay.failed",
            Self::RunWaiting => "relay.waiting",
            Self::RunStalled => "relay.stalled",
            Self::Silent => "relay.silent",
            Self::DestinationDown => "relay.destination_down",
            Self::DestinationUp => "relay.destination_up",
            Self::DeadLetter => "relay.dead_letter",
            Self::Other(name) => name,
        }
    }

    /// Reads the type of an activity, as an activity alert names it: `seer_pr_created` is `pr_created`. `None` where it
    /// is none of Seer's.
    // Source: getsentry/sentry src/sentry/notifications/notification_action/activity_registry/sentry_app.py
    // (ActivityAlertType), read 2026-11-25.
    pub fn from_activity(name: &str) -> Option<Self> {
        let name = name.strip_prefix(ACTIVITY).filter(|name| !name.is_empty())?;
        let iteration = name.strip_prefix(ACTIVITY_ITERATION).map(Self::from_name);
        let iteration = iteration.filter(|action| action.stage() == Some(Stage::Iteration));
        Some(iteration.unwrap_or_else(|| Self::from_name(name)))
    }

    /// Returns the type of the activity that stands for it: `seer_pr_created`.
    pub fn activity(&self) -> String {
        let iteration = if self.stage() == Some(Stage::Iteration) { ACTIVITY_ITERATION } else { "" };
        format!("{ACTIVITY}{iteration}{self}")
    }

    /// Returns its whole name, with the resource that it came from: `seer.pr_created`,
    /// `activity_alert.seer_pr_created`, `relay.stalled`.
    pub fn full_name(&self, resource: &str) -> String {
        if self.is_notice() {
            self.as_str().to_owned()
        } else if resource == ACTIVITY_ALERT_RESOURCE {
            format!("{resource}.{}", self.activity())
        } else {
            format!("seer.{self}")
        }
    }

    /// Returns how histories show it: its own name, and of an alert the whole one, so that the two of a step differ.
    pub fn shown(&self, resource: &str) -> String {
        if resource == ACTIVITY_ALERT_RESOURCE { self.full_name(resource) } else { self.to_string() }
    }

    /// Returns the stage it belongs to, where this version knows the action; a notice is about the whole run, or about none.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Self::RootCauseStarted | Self::RootCauseCompleted => Some(Stage::RootCause),
            Self::SolutionStarted | Self::SolutionCompleted => Some(Stage::Solution),
            Self::CodingStarted | Self::CodingCompleted => Some(Stage::Coding),
            Self::PrCreated | Self::PrReadyForReview => Some(Stage::PullRequest),
            Self::IterationStarted | Self::IterationCompleted => Some(Stage::Iteration),
            Self::RunFailed
            | Self::RunWaiting
            | Self::RunStalled
            | Self::Silent
            | Self::DestinationDown
            | Self::DestinationUp
            | Self::DeadLetter
            | Self::Other(_) => None,
        }
    }

    /// Returns whether it opens or closes its stage, where it has one.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::RootCauseStarted | Self::SolutionStarted | Self::CodingStarted | Self::IterationStarted => {
                Some(Phase::Started)
            }
            Self::RootCauseCompleted
            | Self::SolutionCompleted
            | Self::CodingCompleted
            | Self::PrCreated
            | Self::PrReadyForReview
            | Self::IterationCompleted => Some(Phase::Completed),
            Self::RunFailed
            | Self::RunWaiting
            | Self::RunStalled
            | Self::Silent
            | Self::DestinationDown
            | Self::DestinationUp
            | Self::DeadLetter
            | Self::Other(_) => None,
        }
    }

    /// Returns whether it is the name of one of the relay's own notices, of this version or another.
    pub fn is_notice(&self) -> bool {
        self.as_str().starts_with(OWN_NOTICE)
    }

    /// Returns whether it is a notice that is about no run: about webhooks that do not come, or a destination.
    pub fn is_of_no_run(&self) -> bool {
        matches!(self, Self::Silent) || self.is_of_destination()
    }

    /// Returns whether it is a notice about a destination.
    pub fn is_of_destination(&self) -> bool {
        matches!(self, Self::DestinationDown | Self::DestinationUp | Self::DeadLetter)
    }

    /// Returns whether this version knows the action.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_an_activity_and_a_name_for_each_resource() {
        for action in Action::OF_SEER.into_iter().chain([Action::from_name("of_tomorrow")]) {
            assert_eq!(Action::from_activity(&action.activity()), Some(action.clone()));
            assert_eq!(action.full_name("seer"), format!("seer.{action}"));
        }
        let name = |action: Action| action.full_name("activity_alert");
        assert_eq!(name(Action::PrCreated), "activity_alert.seer_pr_created");
        assert_eq!(name(Action::PrReadyForReview), "activity_alert.seer_pr_ready_for_review");
        assert_eq!(name(Action::IterationCompleted), "activity_alert.seer_pr_iteration_completed");
        assert_eq!(name(Action::from_name("relay.stalled")), "relay.stalled");
        assert_eq!(Action::PrCreated.shown("seer"), "pr_created");
        assert_eq!(Action::PrCreated.shown("activity_alert"), "activity_alert.seer_pr_created");
    }

    #[test]
    fn a_notice_is_known_and_of_no_stage() {
        let names = [
            "relay.failed",
            "relay.waiting",
            "relay.stalled",
            "relay.silent",
            "relay.destination_down",
            "relay.destination_up",
            "relay.dead_letter",
        ];
        for (notice, name) in Action::NOTICES.into_iter().zip(names) {
            assert_eq!(Action::from_name(name), notice);
            assert_eq!((notice.as_str(), notice.full_name("relay")), (name, name.to_owned()));
            assert!(notice.is_notice() && notice.is_known());
            assert_eq!((notice.stage(), notice.phase()), (None, None));
        }
        assert!(Action::OF_SEER.iter().all(|action| !action.is_notice()));
        assert!(!Action::from_name("relay.of_tomorrow").is_known());
    }

    #[test]
    fn what_is_no_activity_of_seers_is_no_action() {
        for name in ["status_resolved", "appeared_in_pull_request", "seer_", "seer", "SEER_pr_created", ""] {
            assert_eq!(Action::from_activity(name), None, "{name}");
        }
        assert_eq!(Action::from_activity("seer_pr_closed"), Some(Action::Other("pr_closed".to_owned())));
    }
}
