//! `mention` of a route: whom its messages ping, and where that would be nobody.

use crate::config::destinations::Destinations;
use crate::config::document::{Entry, Node, Table};
use crate::config::reader::Reader;
use crate::delivery::{DestinationKind, DestinationName, Mention, Mentions};
use crate::notify::{Destination, Service};
use crate::words::{quoted, suggestion};

/// The key.
pub(super) const KEY: &str = "mention";

const EXAMPLE: &str = "{ slack = [\"U012AB3CD\", \"here\"], discord = [\"role:123\"] }";

/// How many a route may name, of each kind.
const MOST: usize = 20;

/// What a mention of each kind may be.
const SLACK_HINT: &str = "write a member's id (`\"U012AB3CD\"`), a user group's (`\"S0614TZR7\"`), `\"here\"`, `\"channel\"` or `\"everyone\"`";
const DISCORD_HINT: &str = "write `\"role:ID\"`, `\"user:ID\"`, `\"here\"` or `\"everyone\"`; an ID is a number, which Discord copies in its developer mode";

/// Reads whom a route mentions.
pub(super) fn read(
    reader: &mut Reader<'_>,
    route: &str,
    to: &[DestinationName],
    destinations: &Destinations,
) -> Mentions {
    let Some(entry) = reader.table.get(KEY) else { return Mentions::default() };
    let Node::Table(table) = &entry.value else {
        reader.wrong_type(entry, "a table of lists, one for each kind", EXAMPLE);
        return Mentions::default();
    };
    if table.entries.is_empty() {
        let message = format!("route {} mentions nobody: `mention` is empty", quoted(route));
        reader.fault(KEY, "empty_mention", message, format!("for example `mention = {EXAMPLE}`"));
    }
    let mut mentions = Mentions::default();
    for inner in &table.entries {
        match DestinationKind::from_word(&inner.key) {
            Some(kind @ DestinationKind::Slack) => mentions.slack = of_kind(reader, inner, kind),
            Some(kind @ DestinationKind::Discord) => mentions.discord = of_kind(reader, inner, kind),
            Some(DestinationKind::Webhook) => {
                let message = "`mention.webhook` means nothing: a program is not pinged".to_owned();
                let hint = "take it out; `slack` and `discord` have mentions".to_owned();
                reader.findings.fault(reader.document.place(inner.at), "misplaced_key", message, hint);
            }
            None => {
                let message =
                    format!("unknown kind {} in `mention` of route {}", quoted(&inner.key), quoted(route));
                let hint = suggestion(&inner.key, "known", ["slack", "discord"]);
                reader.findings.fault(reader.document.place(inner.at), "unknown_key", message, hint);
            }
        }
    }
    let led_to: Vec<Option<&Destination>> =
        to.iter().map(|name| destinations.list.iter().find(|each| each.name == *name)).collect();
    if let Some(led_to) = led_to.into_iter().collect::<Option<Vec<_>>>() {
        check_use(reader, route, table, &mentions, &led_to);
    }
    mentions
}

fn of_kind<'a>(reader: &mut Reader<'a>, entry: &'a Entry, kind: DestinationKind) -> Vec<Mention> {
    let (example, hint) = match kind {
        DestinationKind::Slack => ("[\"U012AB3CD\"]", SLACK_HINT),
        DestinationKind::Discord | DestinationKind::Webhook => ("[\"role:123\"]", DISCORD_HINT),
    };
    let key = format!("{KEY}.{}", entry.key);
    let items: Vec<(&str, usize)> = match &entry.value {
        Node::Text(text) => vec![(text.as_str(), entry.at)],
        Node::List(items) => reader.texts(items, &key, example),
        Node::Integer(_) | Node::Float | Node::Boolean(_) | Node::Time | Node::Table(_) => {
            let message =
                format!("{} is {}, but has to be a list of text", reader.full(&key), entry.value.kind());
            let hint = format!("for example `{} = {example}`", entry.key);
            reader.findings.fault(reader.document.place(entry.at), "wrong_type", message, hint);
            return Vec::new();
        }
    };
    if items.is_empty() && matches!(&entry.value, Node::List(items) if items.is_empty()) {
        let message = format!("{} names nobody", reader.full(&key));
        reader.findings.fault(reader.document.place(entry.at), "empty_mention", message, hint.to_owned());
    }
    if items.len() > MOST {
        let message = format!("{} names {}, of which {MOST} are allowed", reader.full(&key), items.len());
        let hint = "name a group or a role instead of its members".to_owned();
        reader.findings.fault(reader.document.place(entry.at), "out_of_range", message, hint);
    }
    let mut mentions = Vec::new();
    for (word, at) in items {
        let place = reader.document.place(at);
        match Mention::for_kind(kind, word) {
            Some(mention) if mentions.contains(&mention) => {
                let message = format!("{} names {} twice", reader.full(&key), quoted(word));
                reader.findings.fault(place, "duplicate_mention", message, "once is enough".to_owned());
            }
            Some(mention) => mentions.push(mention),
            None => {
                let message =
                    format!("{} names {}, whom nobody can mention", reader.full(&key), quoted(word));
                reader.findings.fault(place, "invalid_mention", message, hint.to_owned());
            }
        }
    }
    mentions
}

/// Warns of mentions that no destination of the route would show.
fn check_use(
    reader: &mut Reader<'_>,
    route: &str,
    table: &Table,
    mentions: &Mentions,
    led_to: &[&Destination],
) {
    for entry in &table.entries {
        let Some(kind) = DestinationKind::from_word(&entry.key) else { continue };
        let named = mentions.of(kind);
        let mut takers = led_to.iter().filter(|destination| destination.service.kind() == kind).peekable();
        let place = reader.document.place(entry.at);
        if named.is_empty() {
            continue;
        }
        if takers.peek().is_none() {
            let message = format!(
                "route {} mentions people in {kind}, but sends to no {kind} destination",
                quoted(route)
            );
            let hint = format!("take `{kind}` out of `mention`, or name such a destination in `to`");
            reader.findings.warning(place, "unused_mention", message, hint);
        } else if named.iter().any(Mention::is_id_of_slack)
            && takers.all(|taker| is_compatible(&taker.service))
        {
            let message = format!(
                "route {} mentions members and groups of Slack, but sends only to what speaks as Slack does",
                quoted(route)
            );
            let hint =
                "its ids are not Slack's: there `\"here\"`, `\"channel\"` and `\"everyone\"` alone are shown";
            reader.findings.warning(place, "unused_mention", message, hint.to_owned());
        }
    }
}

fn is_compatible(service: &Service) -> bool {
    match service {
        Service::Slack(config) => config.slack_compatible,
        Service::Discord(_) | Service::Webhook(_) => false,
    }
}
