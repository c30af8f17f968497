//! Lists of runs: what they are filtered by, and how one goes on from page to page.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::delivery::DestinationName;
use crate::event::Organization;
use crate::issue::Issue;
use crate::run::{Outline, RunState};

/// Which runs to list; what is `None` lets every run through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Words that all occur in what is known of it, each at least as a beginning: its issue's title and short id, the
    /// repositories, the cause, the pull requests, the ids.
    pub text: Option<String>,
    /// Whose it is.
    pub organization: Option<Organization>,
    /// One of the repositories that it is about.
    pub repo: Option<String>,
    /// How far it has come.
    pub state: Option<RunState>,
    /// An action that an event of it announced.
    pub action: Option<String>,
    /// A destination that one of its deliveries goes to.
    pub destination: Option<DestinationName>,
    /// Its first event was received then or later.
    pub since: Option<Timestamp>,
    /// Its first event was received before.
    pub until: Option<Timestamp>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// Where the next one begins; `None` where there is none.
    pub next: Option<Cursor>,
}

/// A place in a list that stays right while rows arrive: what stands behind it was there before. The store's own number of
/// what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(super) i64);

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().map(Self).map_err(drop)
    }
}

/// One run in a list.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The run as it is now.
    pub run: Outline,
    /// What is known of its issue now.
    pub issue: Option<Issue>,
    /// How many events it has.
    pub events: u64,
    /// How many deliveries it has.
    pub deliveries: u64,
    /// How many of them are dead letters.
    pub dead: u64,
}

/// What a list can be filtered by, of what there is: for people to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// The organizations, in order.
    pub organizations: Vec<String>,
    /// The repositories, in order; the first ones where they are very many.
    pub repos: Vec<String>,
    /// The actions, in order.
    pub actions: Vec<String>,
    /// The destinations, in order.
    pub destinations: Vec<String>,
}
