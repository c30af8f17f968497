//! Purposes: what a template is looked up for, and the names of the templates that may stand for it.

use crate::delivery::Part;
use crate::event::Action;

/// The name of the template for every action without one of its own.
pub(super) const DEFAULT: &str = "default";

/// The name of the card's template.
pub const CARD: &str = "card";

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// A message about an event with this action.
    Action(&'a Action),
    /// The card of a run, which only chats have.
    Card,
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
            Part::Message | Part::Announcement => Self::Action(action),
        }
    }

    /// Returns the names of the templates that may stand for it, the best one first. An action is a stranger's word, and
    /// names neither a part nor another folder nor the card; what is written for actions says nothing of a run's card.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        let names = match self {
            Self::Action(action) => {
                let own = action.as_str();
                let is_name = !own.starts_with('_') && !own.contains('/') && own != CARD;
                [is_name.then_some(own), Some(DEFAULT)]
            }
            Self::Card => [Some(CARD), None],
        };
        names.into_iter().flatten()
    }
}

/// Returns the action that a template of this name is for; `None` for `default`, for the card and for parts.
pub(super) fn action_of(name: &str) -> Option<&str> {
    (name != DEFAULT && name != CARD && !name.starts_with('_')).then_some(name)
}
