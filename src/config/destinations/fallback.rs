//! `fallback` and `fallback_after`: which destination stands in for another one, and when.

use std::time::Duration;

use super::Destinations;
use crate::config::findings::{Findings, Place};
use crate::config::reader::Reader;
use crate::config::values;
use crate::delivery::DestinationName;
use crate::notify::Fallback;
use crate::words::{quoted, suggestion};

/// After how long, where nobody says otherwise.
const AFTER: Duration = Duration::from_mins(10);

/// Reads both keys. Whether there is such a destination is judged once all of them are known.
pub(super) fn read(reader: &mut Reader<'_>, give_up_after: Duration) -> Option<Fallback> {
    let to = reader.text("fallback", "\"ops\"");
    let after = reader
        .parsed("fallback_after", "\"10m\"", |text| values::duration(text, values::fallback(give_up_after)));
    if reader.table.get("fallback").is_none() && reader.table.get("fallback_after").is_some() {
        let message = format!("{} belongs to a `fallback`, which is missing", reader.full("fallback_after"));
        let hint = "name the destination that stands in, `fallback = \"…\"`, or take it out";
        reader.fault("fallback_after", "misplaced_key", message, hint);
    }
    let to = DestinationName::new(to?);
    Some(Fallback { to, after: after.flatten().unwrap_or_else(|| AFTER.min(give_up_after)) })
}

/// Reports the fallbacks that are none; these destinations are then without one.
pub(super) fn check(
    destinations: &mut Destinations,
    places: &[(DestinationName, Place)],
    findings: &mut Findings,
) {
    let defined: Vec<&str> = destinations.names.iter().map(|(name, _)| name.as_str()).collect();
    for destination in &mut destinations.list {
        let Some(to) = destination.fallback.as_ref().map(|fallback| fallback.to.clone()) else { continue };
        let name = &destination.name;
        let (code, message, hint) = if to == *name {
            let message = format!("destination {} is its own fallback", quoted(name.as_str()));
            let hint = "name another destination, which is likely to work while this one does not";
            ("invalid_value", message, Some(hint.to_owned()))
        } else if defined.contains(&to.as_str()) {
            continue;
        } else {
            let message = format!(
                "the fallback of destination {} is {}, which is not defined",
                quoted(name.as_str()),
                quoted(to.as_str())
            );
            let others = defined.iter().copied().filter(|defined| *defined != name.as_str());
            let hint = suggestion(to.as_str(), "defined", others)
                .or_else(|| Some("no other is defined: write a table like `[slack.ops]`".to_owned()));
            ("unknown_destination", message, hint)
        };
        if let Some((_, place)) = places.iter().find(|(of, _)| of == name) {
            findings.fault(place.clone(), code, message, hint);
        }
        destination.fallback = None;
    }
}
