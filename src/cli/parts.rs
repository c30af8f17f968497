//! Parts: which messages an event becomes at a destination, and what each is rendered for.

use crate::delivery::Part;
use crate::event::Action;
use crate::notify::{Destination, Style};
use crate::render::Purpose;

/// Returns which messages an event of this action becomes at a destination, in order.
pub(super) fn parts(destination: &Destination, action: &Action) -> &'static [Part] {
    let announces = || destination.announce.iter().any(|pattern| pattern.matches(action.as_str()));
    match destination.style {
        Style::Messages | Style::Thread => &[Part::Message],
        Style::Card if announces() => &[Part::Card, Part::Announcement],
        Style::Card => &[Part::Card],
    }
}

/// Returns what a part is rendered for.
pub(super) fn purpose(part: Part, action: &Action) -> Purpose<'_> {
    match part {
        Part::Card => Purpose::Card,
        Part::Message | Part::Announcement => Purpose::Action(action),
    }
}
