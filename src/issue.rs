//! Issues: what Sentry knows of the problem that a run is about, as plain values.
//!
//! Seer's webhooks name an issue by its id alone; its title and project come from Sentry's API or from an activity
//! alert. Every text may be a stranger's: an exception's message can hold anything.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::GroupId;

/// An issue as Sentry described it last. What Sentry did not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Sentry's id. Another one than was asked for where that issue was merged into this.
    pub id: GroupId,
    /// What people call it, for example `API-1X`.
    pub short_id: Option<String>,
    /// What went wrong, for example `TypeError: 'NoneType' object is not iterable`.
    pub title: Option<String>,
    /// Where it went wrong: a function, a route, a file.
    pub culprit: Option<String>,
    /// Its page in Sentry.
    pub permalink: Option<String>,
    /// `fatal`, `error`, `warning`, `info`, `debug`, `sample`.
    pub level: Option<String>,
    /// `high`, `medium`, `low`.
    pub priority: Option<String>,
    /// `unresolved`, `resolved`, `ignored` …
    pub status: Option<String>,
    /// `ongoing`, `escalating`, `regressed`, `new` …
    pub substatus: Option<String>,
    /// The platform of its project, for example `python`.
    pub platform: Option<String>,
    /// Where it belongs.
    pub project: Option<Project>,
    /// When it was seen first.
    pub first_seen: Option<Timestamp>,
    /// When it was seen last.
    pub last_seen: Option<Timestamp>,
    /// How often it was seen.
    pub event_count: Option<u64>,
    /// How many users saw it.
    pub user_count: Option<u64>,
}

impl Issue {
    /// Returns an issue of which its id alone is known.
    pub fn unknown(id: GroupId) -> Self {
        Self {
            id,
            short_id: None,
            title: None,
            culprit: None,
            permalink: None,
            level: None,
            priority: None,
            status: None,
            substatus: None,
            platform: None,
            project: None,
            first_seen: None,
            last_seen: None,
            event_count: None,
            user_count: None,
        }
    }
}

/// The project of an issue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Sentry's id.
    pub id: Option<String>,
    /// The name in addresses, unique in its organization.
    pub slug: Option<String>,
    /// The name that people gave it.
    pub name: Option<String>,
}
