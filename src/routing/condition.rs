//! Conditions: one test of an event or its run against patterns, and several of them together.

use crate::event::Event;
use crate::run::Run;

use super::pattern::{OWN_NOTICE, Pattern};

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The event's action.
    Action,
    /// The organization whose secret verified the event.
    Organization,
    /// The repositories that the run is known to touch.
    Repo,
    /// The files that the run is known to change.
    Path,
    /// The hosts of the run's pull requests: `github`, `gitlab` …
    Provider,
    /// What kind of cause it is: `code_fix` …
    Classification,
    /// The issue.
    Group,
}

impl Field {
    /// Every field, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Action,
        Self::Organization,
        Self::Repo,
        Self::Path,
        Self::Provider,
        Self::Classification,
        Self::Group,
    ];

    /// Returns the word for it in the routing file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Organization => "organization",
            Self::Repo => "repo",
            Self::Path => "path",
            Self::Provider => "provider",
            Self::Classification => "classification",
            Self::Group => "group",
        }
    }

    /// Finds the field with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == word)
    }

    /// Returns what is known of it; nothing where it is unknown. Run fields look at the run up to the event.
    pub(super) fn values<'a>(self, event: &'a Event, run: &'a Run) -> Vec<&'a str> {
        match self {
            Self::Action => vec![event.action.as_str()],
            Self::Organization => vec![event.organization.as_str()],
            Self::Repo => run.repos(),
            Self::Path => run.paths(),
            Self::Provider => run.providers(),
            Self::Classification => run.classification().into_iter().collect(),
            Self::Group => group(event, run).into_iter().collect(),
        }
    }
}

fn group<'a>(event: &'a Event, run: &'a Run) -> Option<&'a str> {
    event.group_id.as_ref().or(run.group_id.as_ref()).map(crate::event::GroupId::as_str)
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
    /// Returns the pattern and the value that fit together first, where some do.
    pub(super) fn first_hit<'a>(&'a self, event: &'a Event, run: &'a Run) -> Option<(&'a Pattern, &'a str)> {
        let hit = |value: &'a str| {
            self.patterns.iter().find(|pattern| self.fits(pattern, value)).map(|pattern| (pattern, value))
        };
        match self.field {
            Field::Action => hit(event.action.as_str()),
            Field::Organization => hit(event.organization.as_str()),
            Field::Classification => run.classification().and_then(hit),
            Field::Group => group(event, run).and_then(hit),
            Field::Repo | Field::Path | Field::Provider => {
                self.field.values(event, run).into_iter().find_map(hit)
            }
        }
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
    /// Returns whether all of them hold; without any they do.
    pub fn hold(&self, event: &Event, run: &Run) -> bool {
        self.0.iter().all(|condition| condition.first_hit(event, run).is_some())
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
