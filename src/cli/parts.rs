//! Parts: which messages an event becomes at a destination, and what each is rendered for.

use crate::delivery::Part;
use crate::event::Action;
use crate::notify::Destination;
use crate::render::Purpose;

/// Returns which messages an event of this action becomes at a destination, in order.
pub(super) fn parts(destination: &Destination, action: &Action) -> &'static [Part] {
    let is_announced = destination.announce.iter().any(|pattern| pattern.matches(action.as_str()));
    destination.style.parts(action, is_announced)
}

/// Returns what a part is rendered for.
pub(super) fn purpose(part: Part, action: &Action) -> Purpose<'_> {
    match part {
        Part::Card => Purpose::Card,
        Part::Message | Part::Announcement => Purpose::Action(action),
    }
}
