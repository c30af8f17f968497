//! What no event can reach: routes behind others that take everything of theirs, and destinations and mutes without a
//! route.

use super::Placed;
use super::mutes::Mutes;
use crate::config::destinations::Destinations;
use crate::config::document::Document;
use crate::config::findings::{Findings, Place};
use crate::notify::Destination;
use crate::routing::{Field, Route};
use crate::words::quoted;

/// Warns of routes that can never be reached, of destinations and mutes that no route names, and of a file without
/// routes.
pub(super) fn warn(
    document: &Document,
    routes: &[Placed],
    destinations: &Destinations,
    mutes: &Mutes,
    findings: &mut Findings,
) {
    for (index, placed) in routes.iter().enumerate() {
        let mut earlier = routes.iter().take(index).filter(|earlier| earlier.is_whole);
        if let Some(blocking) = earlier.find(|earlier| blocks(&earlier.route, placed)) {
            warn_of_route(&placed.route, &blocking.route, placed.place.clone(), findings);
        }
    }
    if findings.has_fault_in(document.path()) {
        return; // What seems to be missing may only be misspelt, or stand in a wrong place: that is told already.
    }
    if routes.is_empty() && document.root.get("route").is_none() {
        let place = Place::whole(document.path().to_owned());
        let hint = "write a `[[route]]` with `to`; until then events are kept, and shown as \"no route\"";
        findings.warning(
            place,
            "no_route",
            "there is no route, so nothing is sent anywhere",
            hint.to_owned(),
        );
        return;
    }
    let named = routes.iter().flat_map(|placed| &placed.route.mute).map(|mute| mute.name.as_str());
    mutes.warn_of_unused(&named.collect::<Vec<_>>(), findings);
    for (name, place) in &destinations.names {
        let stands_in = |other: &Destination| other.fallback.as_ref().is_some_and(|other| other.to == *name);
        let is_used = routes.iter().any(|placed| placed.route.to.contains(name));
        if !is_used && !destinations.list.iter().any(stands_in) {
            let message = format!("no route sends to destination {}", quoted(name.as_str()));
            let hint = "name it in the `to` of a route, or take its table out";
            findings.warning(place.clone(), "unused_destination", message, hint.to_owned());
        }
    }
}

fn warn_of_route(route: &Route, blocking: &Route, place: Place, findings: &mut Findings) {
    let (shown, other) = (quoted(&route.name), quoted(&blocking.name));
    let (why, hint) = if blocking.stop {
        (
            format!("{other} above it ends the reading for all that it would match"),
            "move it up, or take `stop` out there",
        )
    } else {
        (
            format!("it is `otherwise`, and {other} above it matches all that it would match"),
            "move it up, above the route that matches everything",
        )
    };
    let message = format!("route {shown} can never be reached: {why}");
    findings.warning(place, "unreachable_route", message, hint.to_owned());
}

/// Returns whether `placed` certainly never matches because of the route `earlier` above it.
fn blocks(earlier: &Route, placed: &Placed) -> bool {
    let ends_reading = earlier.stop || placed.route.otherwise;
    placed.is_whole && ends_reading && covers(earlier, &placed.route)
}

/// Returns whether `wide` certainly matches every event that `narrow` matches.
fn covers(wide: &Route, narrow: &Route) -> bool {
    // An `otherwise` route above that is not reached had a match above it, which the reading went past; only where
    // `narrow` is `otherwise` too does that not matter.
    let is_always_read = !wide.otherwise || narrow.otherwise;
    let wants_notices = narrow.when.names_own_notices();
    is_always_read
        && wide.not.is_none()
        && (!wants_notices || wide.when.get(Field::Action).is_some())
        && wide.when.0.iter().all(|condition| {
            narrow.when.get(condition.field).is_some_and(|narrower| {
                narrower.patterns.iter().all(|pattern| {
                    condition.patterns.iter().any(|wider| {
                        let is_notice = condition.field == Field::Action && pattern.names_own_notices();
                        (!is_notice || wider.names_own_notices()) && wider.covers(pattern)
                    })
                })
            })
        })
}
