//! Runs that have fallen silent, and organizations of which nothing is heard: what the relay reads of them, and what it
//! writes down once it has looked.

use std::time::Duration;

use jiff::Timestamp;

use crate::event::{Action, Artifacts, Event, Organization, PullRequest, Silence};

/// For how long nothing was heard of a run that is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SilentFor {
    /// Before that, something may yet be heard.
    pub at_least: Duration,
    /// After that, it is no news any more.
    pub at_most: Duration,
}

/// The next runs to look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SilentRuns {
    /// In order of acceptance of their newest events; first those that are looked at again.
    pub runs: Vec<SilentRun>,
    /// Once these are looked at, all events up to this place in the order of acceptance are; `None` where no further
    /// ones are.
    pub seen: Option<i64>,
    /// When the next one falls due, where that is known.
    pub next_due: Option<Timestamp>,
    /// Whether more are due.
    pub may_be_more: bool,
}

/// A run of which nothing was heard since an event.
#[derive(Debug, Clone, PartialEq)]
pub struct SilentRun {
    /// The place of that event in the order of acceptance.
    pub sequence: i64,
    /// The run's events, in order of acceptance, of their artifacts the pull requests alone; that one is the last. None
    /// where it is the newest of its run no longer.
    pub events: Vec<Event>,
    /// How often Sentry was asked about it before.
    pub looks: u32,
    /// For when a look was asked for; `None` where this is the first one.
    pub due_at: Option<Timestamp>,
}

/// How a look at a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The place of its newest event in the order of acceptance, or [`SilentRuns::seen`].
    pub sequence: i64,
    /// What follows.
    pub next: AfterLook,
}

/// What follows from a look at a run.
#[derive(Debug, Clone, PartialEq)]
pub enum AfterLook {
    /// Nothing: all up to it were looked at, and what was written of them stands.
    Seen,
    /// It is not looked at again.
    Over,
    /// It was too early, and is looked at then, unless something is heard of it before.
    Later(Timestamp),
    /// Sentry was asked, and is asked again then, unless something is heard of it before.
    Again(Timestamp),
    /// The relay has something to say of it, unless something was heard of it meanwhile.
    Notice {
        /// What it says.
        notice: Notice,
        /// Sentry was asked, and is asked again then, unless something is heard of it before.
        again: Option<Timestamp>,
    },
}

/// A notice of the relay's own: what no webhook said.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// One of [`Action::NOTICES`].
    pub action: Action,
    /// The pull requests that could not be opened, with what Sentry says of why.
    pub failed_pull_requests: Vec<PullRequest>,
    /// What was not heard, where the notice is about that.
    pub silence: Option<Silence>,
}

impl Notice {
    /// Makes one that says that nothing is heard.
    pub fn of_silence(action: Action, silence: Silence) -> Self {
        Self { action, failed_pull_requests: Vec::new(), silence: Some(silence) }
    }

    /// Returns what it says as the store keeps it of every event.
    pub fn artifacts(&self) -> Artifacts {
        let failed = &self.failed_pull_requests;
        let pull_requests = (!failed.is_empty()).then(|| failed.clone());
        Artifacts { pull_requests, silence: self.silence.clone(), ..Artifacts::default() }
    }
}

/// What is known of an organization's webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearing {
    /// Whose they are.
    pub organization: Organization,
    /// When one with a good signature came last; `None` where never.
    pub heard_at: Option<Timestamp>,
    /// Since when the relay has listened without a longer break.
    pub listens_since: Timestamp,
    /// How many with bad signatures came since the last good one.
    pub bad_signatures: u64,
    /// Whether it was told that nothing is heard, and nothing was heard since.
    pub is_told: bool,
}
