//! Conditions: one test of an event or its run against patterns, and several of them together.

use crate::event::{Event, GroupId, OWN_NOTICE, words};
use crate::issue::{Issue, Project};
use crate::run::Run;

use super::pattern::Pattern;

words! {
    /// What a condition looks at.
    Field {
        /// The event's action.
        Action = "action",
        /// The organization whose secret verified the event.
        Organization = "organization",
        /// The repositories that the run is known to touch.
        Repo = "repo",
        /// The files that the run is known to change.
        Path = "path",
        /// The hosts of the run's pull requests: `github`, `gitlab` …
        Provider = "provider",
        /// What kind of cause it is: `code_fix` …
        Classification = "classification",
        /// The issue.
        Group = "group",
        /// The slug of the issue's project.
        Project = "project",
        /// The issue's level: `error`, `warning` …
        Level = "level",
        /// The issue's priority: `high`, `medium`, `low`.
        Priority = "priority",
    }
}

/// What conditions look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// The event that is routed.
    pub(super) event: &'a Event,
    /// Its run, up to and including it.
    pub(super) run: &'a Run,
    /// What is known of its issue; `None` where Sentry was not asked, or did not answer in time.
    pub(super) issue: Option<&'a Issue>,
}

impl Field {
    /// Tells whether webhooks do not say it, so that it is known only once Sentry described the issue.
    pub fn is_of_issue(self) -> bool {
        match self {
            Self::Project | Self::Level | Self::Priority => true,
            Self::Action
            | Self::Organization
            | Self::Repo
            | Self::Path
            | Self::Provider
            | Self::Classification
            | Self::Group => false,
        }
    }

    /// Tells whether the event alone says it, whatever is known of its run.
    pub(super) fn is_of_every_event(self) -> bool {
        match self {
            Self::Action | Self::Organization => true,
            Self::Repo
            | Self::Path
            | Self::Provider
            | Self::Classification
            | Self::Group
            | Self::Project
            | Self::Level
            | Self::Priority => false,
        }
    }

    /// Returns what is known of it; nothing where it is unknown. Run fields look at the run up to the event.
    pub(super) fn values<'a>(self, facts: Facts<'a>) -> Vec<&'a str> {
        let Facts { event, run, issue } = facts;
        let of_issue = |text: fn(&Issue) -> Option<&String>| -> Vec<&'a str> {
            issue.and_then(text).map(String::as_str).into_iter().collect()
        };
        match self {
            Self::Action => vec![event.action.as_str()],
            Self::Organization => vec![event.organization.as_str()],
            Self::Repo => run.repos(),
            Self::Path => run.paths(),
            Self::Provider => run.providers(),
            Self::Classification => run.classification().into_iter().collect(),
            Self::Group => event.group_id.iter().chain(&run.group_id).take(1).map(GroupId::as_str).collect(),
            Self::Project => {
                of_issue(|issue| issue.project.as_ref().and_then(|Project { slug, .. }| slug.as_ref()))
            }
            Self::Level => of_issue(|issue| issue.level.as_ref()),
            Self::Priority => of_issue(|issue| issue.priority.as_ref()),
        }
    }
}

/// One field against patterns, any of which may match any of its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What it looks at.
    pub field: Field,
    /// Any of them may match; an empty list never holds.
    pub patterns: Vec<Pattern>,
}

impl Condition {
    /// Returns the places of the pattern and the value that fit together first, where some do.
    pub(super) fn first_hit(&self, values: &[&str]) -> Option<(usize, usize)> {
        values.iter().enumerate().find_map(|(place, value)| {
            self.patterns.iter().position(|pattern| self.fits(pattern, value)).map(|pattern| (pattern, place))
        })
    }

    /// The actions of the relay's own notices are matched only by patterns that name them.
    fn fits(&self, pattern: &Pattern, value: &str) -> bool {
        let is_notice = self.field == Field::Action && value.starts_with(OWN_NOTICE);
        (!is_notice || pattern.names_own_notices()) && pattern.matches(value)
    }
}

/// Conditions that hold only together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions(pub Vec<Condition>);

impl Conditions {
    /// Returns whether one of them looks at what only Sentry's description of the issue says.
    pub fn need_issue(&self) -> bool {
        self.0.iter().any(|condition| condition.field.is_of_issue())
    }

    /// Returns whether one of them names the relay's own notices by their action.
    pub fn names_own_notices(&self) -> bool {
        self.get(Field::Action).is_some_and(|action| action.patterns.iter().any(Pattern::names_own_notices))
    }

    /// Returns the condition on a field.
    pub fn get(&self, field: Field) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.field == field)
    }
}
