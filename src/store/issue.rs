//! Issues as the store keeps them: what Sentry said last, from where, and when.

use jiff::Timestamp;

use crate::issue::Issue;

/// From where an issue is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueSource {
    /// Sentry's API answered.
    Api,
    /// An activity alert brought it.
    Alert,
}

impl IssueSource {
    /// Returns the word under which it is kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Alert => "alert",
        }
    }

    /// Returns the source of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Api, Self::Alert].into_iter().find(|source| source.as_str() == word)
    }
}

/// What is kept of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptIssue {
    /// The issue; `None` where Sentry has none of that id and none was ever known.
    pub issue: Option<Issue>,
    /// Who spoke of it last.
    pub source: IssueSource,
    /// When that was.
    pub kept_at: Timestamp,
}
