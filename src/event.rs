//! Events: verified webhooks as plain values, and the ids they are known by.
//!
//! Knows neither Sentry's wire format (`sentry/payload.rs`) nor how events are kept (`store`).

mod action;
mod artifact;
mod vocabulary;

use jiff::Timestamp;

pub use action::{Action, Phase, Stage};
pub use artifact::{
    Artifacts, ChangeKind, FileChange, PullRequest, RepositoryChange, RootCause, Solution, Step,
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

/// A verified webhook, parsed, as it was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The relay's id.
    pub id: EventId,
    /// Whose secret verified it.
    pub organization: Organization,
    /// `seer` for Sentry's steps, `relay` for the relay's own notices.
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
    /// When the relay read the webhook.
    pub received_at: Timestamp,
    /// Header `Sentry-Hook-Timestamp`, where it is a time.
    pub sent_at: Option<Timestamp>,
    /// What the payload says of cause, plan, code and pull requests.
    pub artifacts: Artifacts,
}
