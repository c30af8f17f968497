//! Purposes: what a template is looked up for, and the names of the templates that may stand for it.

use crate::delivery::Part;
use crate::event::Action;

/// The name of the template for every action without one of its own.
pub(super) const DEFAULT: &str = "default";

/// The name of the card's template.
pub const CARD: &str = "card";

/// The name of the template of digests.
pub const DIGEST: &str = "digest";

/// Names of templates that are for no action.
pub const NO_ACTIONS: [&str; 2] = [CARD, DIGEST];

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// A message about an event with this action.
    Action(&'a Action),
    /// The card of a run, which only chats have.
    Card,
    /// A digest: one message that sums up the runs of some time.
    Digest,
}

impl<'a> From<&'a Action> for Purpose<'a> {
    fn from(action: &'a Action) -> Self {
        Self::Action(action)
    }
}

impl<'a> Purpose<'a> {
    /// Returns what a part of an event with this action is rendered for.
    pub fn of_part(part: Part, action: &'a Action) -> Self {
        match part {
            Part::Card => Self::Card,
            Part::Digest => Self::Digest,
            Part::Message | Part::Announcement => Self::Action(action),
        }
    }

    /// Returns the names of the templates that may stand for it, the best one first. An action is a stranger's word, and
    /// names neither a part nor another folder nor the card nor the digest; what is written for actions says nothing of
    /// these two.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        let names = match self {
            Self::Action(action) => {
                let own = action.as_str();
                let is_name = !own.starts_with('_') && !own.contains('/') && !NO_ACTIONS.contains(&own);
                [is_name.then_some(own), Some(DEFAULT)]
            }
            Self::Card => [Some(CARD), None],
            Self::Digest => [Some(DIGEST), None],
        };
        names.into_iter().flatten()
    }
}

/// Returns the action that a template of this name is for; `None` for `default`, for the card, for the digest and for parts.
pub(super) fn action_of(name: &str) -> Option<&str> {
    (name != DEFAULT && !NO_ACTIONS.contains(&name) && !name.starts_with('_')).then_some(name)
}
