//! The tables `[[route]]`: which events go to which destinations.

mod conditions;
mod mention;
mod mutes;
mod reach;

use super::destinations::{Destinations, NamedSet};
use super::document::{Document, Item, Node, Table};
use super::findings::{Findings, Place};
use super::reader::{Keys, Reader};
use super::secrets::Vault;
use crate::delivery::DestinationName;
use crate::routing::{Conditions, Muted, Route};
use crate::words::{quoted, suggestion};

pub(crate) use self::conditions::Known;
pub(crate) use self::mutes::FAMILY as MUTES;
#[cfg(test)]
pub(crate) use self::mutes::KEYS as MUTE_KEYS;
use self::mutes::Mutes;

const TO_EXAMPLE: &str = "[\"backend\"]";
const IN_WHEN: &str = "it is a condition: write it inside `when = { … }`";

/// Which keys a route may have.
pub(super) const KEYS: Keys = Keys {
    known: &["name", "when", "otherwise", "to", "template", "stop", "mute", "muted", "mention"],
    later: &[("announce", "take it out: this version sends one message per event")],
    elsewhere: &[
        ("action", IN_WHEN),
        ("organization", IN_WHEN),
        ("repo", IN_WHEN),
        ("path", IN_WHEN),
        ("provider", IN_WHEN),
        ("classification", IN_WHEN),
        ("group", IN_WHEN),
        ("project", IN_WHEN),
        ("level", IN_WHEN),
        ("priority", IN_WHEN),
        ("not", "write it inside `when`: `when = { not = { … } }`"),
        ("style", "it belongs to a destination"),
        ("rate", "it belongs to a destination"),
        ("diff", "it belongs to a destination"),
        ("days", "it belongs to a `[mute.NAME]`, which the route names: `mute = [\"NAME\"]`"),
        ("timezone", "it belongs to a `[mute.NAME]`, which the route names: `mute = [\"NAME\"]`"),
        ("fallback", "it belongs to a destination"),
        ("fallback_after", "it belongs to a destination"),
        ("digest", "it belongs to a destination"),
    ],
};

/// The routes of `routes.toml`.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Every route; where something is wrong with one, its sound parts.
    pub(crate) list: Vec<Route>,
    /// The template sets that they ask for.
    pub(crate) sets: Vec<NamedSet>,
}

/// A route and where it stands.
struct Placed {
    route: Route,
    place: Place,
    /// Whether all of its conditions could be read: of a route that is half known nothing is concluded.
    is_whole: bool,
}

/// Reads every route.
pub(crate) fn read(
    document: &Document,
    destinations: &Destinations,
    known: Known<'_>,
    vault: Vault<'_>,
    findings: &mut Findings,
) -> Routes {
    let mut placed: Vec<Placed> = Vec::new();
    let mut sets = Vec::new();
    let mutes = mutes::read(document, vault, findings);
    let items = items(document, findings);
    for (index, item) in items.into_iter().flatten().enumerate() {
        let Node::Table(table) = &item.value else { continue };
        let name = route_name(table, index);
        let place = name_place(document, table, item);
        if placed.iter().any(|earlier| earlier.route.name == name) {
            let message = format!("route {} is defined twice", quoted(&name));
            let hint = "give each route a name of its own: history and metrics tell them apart by it";
            findings.fault(place.clone(), "duplicate_route", message, hint.to_owned());
        }
        let mut reader = Reader { document, table, at: item.at, name: "[route]".to_owned(), vault, findings };
        let (route, is_whole) = route(&mut reader, name, destinations, &mutes, known);
        if let Some(set) = route.template_set.clone() {
            let by = format!("route {}", quoted(&route.name));
            sets.push(NamedSet { set, by, place: reader.place("template") });
        }
        placed.push(Placed { route, place, is_whole });
    }
    reach::warn(document, &placed, destinations, &mutes, findings);
    Routes { list: placed.into_iter().map(|placed| placed.route).collect(), sets }
}

/// Returns the routes' tables; `None` where `route` is no list of tables, which is a fault of its own.
fn items<'a>(document: &'a Document, findings: &mut Findings) -> Option<&'a [Item]> {
    const HINT: &str = "write `[[route]]`, with two brackets, above each route";
    let entry = document.root.get("route")?;
    let Node::List(items) = &entry.value else {
        let message = format!("`route` is {}, but has to be a list of tables", entry.value.kind());
        findings.fault(document.place(entry.at), "wrong_type", message, HINT.to_owned());
        return None;
    };
    for item in items.iter().filter(|item| !matches!(item.value, Node::Table(_))) {
        let message = format!("a route is {}, but has to be a table", item.value.kind());
        findings.fault(document.place(item.at), "wrong_type", message, HINT.to_owned());
    }
    Some(items)
}

/// A route without a name is known by its place: `route 3`.
fn route_name(table: &Table, index: usize) -> String {
    match table.get("name").map(|entry| &entry.value) {
        Some(Node::Text(name)) if !name.trim().is_empty() => name.clone(),
        Some(_) | None => format!("route {}", index + 1),
    }
}

fn name_place(document: &Document, table: &Table, item: &Item) -> Place {
    document.place(table.get("name").map_or(item.at, |entry| entry.at))
}

fn route(
    reader: &mut Reader<'_>,
    name: String,
    destinations: &Destinations,
    times: &Mutes,
    known: Known<'_>,
) -> (Route, bool) {
    reader.check_keys(KEYS);
    if reader.text("name", "\"fixes to review\"").is_some_and(|name| name.trim().is_empty()) {
        let hint = "give it a name, or leave the key out: then it is known by its place, as `route 3`";
        reader.fault("name", "invalid_value", "the name of a route is empty".to_owned(), hint);
    }
    let read = conditions::read(reader, &name, known);
    let otherwise = reader.boolean("otherwise").unwrap_or(false);
    let stop = reader.boolean("stop").unwrap_or(false);
    let to = to(reader, &name, stop, destinations);
    let template_set = reader.text("template", "\"oncall\"").map(str::to_owned);
    let mute = times.of_route(reader, &name);
    let muted = muted(reader, &name);
    let mention = mention::read(reader, &name, &to, destinations);
    let is_whole = read.is_some();
    let (when, not) = read.unwrap_or((Conditions::default(), None));
    (Route { name, when, not, otherwise, to, template_set, stop, mute, muted, mention }, is_whole)
}

/// Reads what becomes of a route's messages while it is muted.
fn muted(reader: &mut Reader<'_>, name: &str) -> Muted {
    let Some(text) = reader.text("muted", "\"drop\"") else { return Muted::default() };
    let Some(muted) = Muted::from_word(text) else {
        let message = format!("`muted` of route {} is {}", quoted(name), quoted(text));
        let hint = "write `\"hold\"`, the default, to send later, or `\"drop\"` not to send at all";
        reader.fault("muted", "invalid_value", message, hint);
        return Muted::default();
    };
    if reader.lacks(MUTES, KEYS) {
        let message =
            format!("route {} says what becomes of it while it is muted, and has no `mute`", quoted(name));
        let hint =
            "write `mute = [\"nights\"]` beside it, with the name of a `[mute.NAME]`, or take `muted` out";
        reader.fault("muted", "misplaced_key", message, hint);
    }
    muted
}

/// Reads where a route sends to.
fn to(reader: &mut Reader<'_>, name: &str, stop: bool, destinations: &Destinations) -> Vec<DestinationName> {
    let Some(entry) = reader.table.get("to") else {
        if !stop && reader.lacks("to", KEYS) {
            let message = format!("route {} has no `to`", quoted(name));
            let hint =
                format!("write `to = {TO_EXAMPLE}`, or `stop = true` to end the reading for what it matches");
            reader.fault("name", "missing_to", message, hint);
        }
        return Vec::new();
    };
    let items: Vec<(&str, usize)> = match &entry.value {
        Node::Text(text) => vec![(text.as_str(), entry.at)],
        Node::List(items) => reader.texts(items, "to", TO_EXAMPLE),
        Node::Integer(_) | Node::Float | Node::Boolean(_) | Node::Time | Node::Table(_) => {
            reader.wrong_type(entry, "a list of destinations", TO_EXAMPLE);
            return Vec::new();
        }
    };
    if matches!(&entry.value, Node::List(items) if items.is_empty()) {
        let message = format!("route {} sends to nobody: `to` is empty", quoted(name));
        let hint = "name a destination, or leave `to` out and write `stop = true` to end the reading there";
        reader.fault("to", "empty_to", message, hint);
    }
    let mut known: Vec<DestinationName> = Vec::new();
    for (destination, at) in items {
        let place = reader.document.place(at);
        if known.iter().any(|earlier| earlier.as_str() == destination) {
            let message = format!("route {} names destination {} twice", quoted(name), quoted(destination));
            let hint = "once is enough: an event goes to each destination at most once";
            reader.findings.fault(place, "duplicate_destination", message, hint.to_owned());
        } else if destinations.names.iter().any(|(defined, _)| defined.as_str() == destination) {
            known.push(DestinationName::new(destination));
        } else {
            let message = format!(
                "route {} sends to destination {}, which is not defined",
                quoted(name),
                quoted(destination)
            );
            let defined = destinations.names.iter().map(|(name, _)| name.as_str());
            let hint = suggestion(destination, "defined", defined)
                .or_else(|| Some("none is defined: write a table like `[slack.backend]`".to_owned()));
            reader.findings.fault(place, "unknown_destination", message, hint);
        }
    }
    known
}
