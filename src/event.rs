//! Events: verified webhooks as plain values, and the ids they are known by.
//!
//! Knows neither Sentry's wire format (`sentry/payload.rs`) nor how events are kept (`store`).

mod action;
mod artifact;
mod vocabulary;

use jiff::Timestamp;

pub use action::{Action, OWN_NOTICE, Phase, Stage};
pub use artifact::{
    Artifacts, ChangeKind, DestinationReport, FileChange, PullRequest, ReasonCount, RepositoryChange,
    RootCause, Silence, Solution, Step,
};
pub(crate) use vocabulary::{text_id, words};

text_id! {
    /// The relay's own id of an event, `evt_…`; sorts by time of acceptance.
    EventId
}
text_id! {
    /// The slug of the Sentry organization whose secret verified the event.
    Organization
}
text_id! {
    /// Sentry's `run_id`, kept as text: any integer or text that Sentry sends.
    RunId
}
text_id! {
    /// Sentry's `sentry_run_id`, a UUID as text.
    SentryRunId
}
text_id! {
    /// Sentry's `group_id`: the issue that is analysed.
    GroupId
}

/// The resource of Seer's webhooks.
pub const SEER_RESOURCE: &str = "seer";

/// The resource of Sentry's second webhook about Seer's steps: an alert on the activity of an issue.
// Source: docs.sentry.io/integrations/integration-platform/webhooks/activity-alerts/, read 2026-11-25.
pub const ACTIVITY_ALERT_RESOURCE: &str = "activity_alert";

/// The resource of the relay's own notices, which no webhook brought.
pub const RELAY_RESOURCE: &str = "relay";

/// A verified webhook, parsed, as it was accepted; or a notice of the relay's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The relay's id.
    pub id: EventId,
    /// Whose secret verified it; of a notice, whose run it is about.
    pub organization: Organization,
    /// `seer` for Sentry's steps, `activity_alert` for its alerts on them, `relay` for the relay's own notices.
    pub resource: String,
    /// What happened.
    pub action: Action,
    /// Sentry's `run_id`, where the payload names one.
    pub run_id: Option<RunId>,
    /// Sentry's `sentry_run_id`, where the payload names one.
    pub sentry_run_id: Option<SentryRunId>,
    /// The issue, where the payload names one.
    pub group_id: Option<GroupId>,
    /// `iteration_index` of the `iteration_*` actions.
    pub iteration: Option<u64>,
    /// When the relay read the webhook, or noticed what it tells.
    pub received_at: Timestamp,
    /// Header `Sentry-Hook-Timestamp`, where it is a time.
    pub sent_at: Option<Timestamp>,
    /// What the payload says of cause, plan, code and pull requests.
    pub artifacts: Artifacts,
}

impl Event {
    /// Tells whether it is an alert on a step: it says less of the step than Seer's own webhook, and all of the issue.
    pub fn is_alert(&self) -> bool {
        self.resource == ACTIVITY_ALERT_RESOURCE
    }

    /// Tells whether it is a notice of the relay's own: no step of Seer's, but what became of the run, or of
    /// the webhooks.
    pub fn is_notice(&self) -> bool {
        self.resource == RELAY_RESOURCE
    }
}
