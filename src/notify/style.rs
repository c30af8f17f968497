//! Styles: how the messages of a run hang together at a destination, and which ones an event becomes there. Pure.

use std::time::Duration;

use crate::delivery::Part;
use crate::event::{Action, words};
use crate::routing::Pattern;

words! {
    /// How the messages of a run hang together.
    Style {
        /// Each stands for itself.
        Messages = "messages",
        /// The first one stands in the channel, and the rest answer it.
        Thread = "thread",
        /// There is one, which is edited as the run goes on; what is announced stands beside it.
        Card = "card",
    }
}

impl Style {
    /// Returns which messages an event of this action becomes, in order, where these actions are announced.
    pub fn parts(self, announce: &[Pattern], action: &Action) -> &'static [Part] {
        match self {
            Self::Messages | Self::Thread => &[Part::Message],
            // It is about no run.
            Self::Card if action.is_of_no_run() => &[Part::Message],
            Self::Card if announces(announce, action) => &[Part::Card, Part::Announcement],
            Self::Card => &[Part::Card],
        }
    }
}

/// Returns which messages an event of this action becomes, in order, at a destination of this style, or where runs are
/// summed up. The relay's own notices are alarms, and wait for nothing.
pub(crate) fn parts_of(
    style: Style,
    digest: Option<Duration>,
    announce: &[Pattern],
    action: &Action,
) -> &'static [Part] {
    if digest.is_some() && !action.is_notice() { &[Part::Digest] } else { style.parts(announce, action) }
}

/// Tells whether an action is among those that everybody is to see.
pub(crate) fn announces(announce: &[Pattern], action: &Action) -> bool {
    announce.iter().any(|pattern| pattern.matches(action.as_str()))
}
