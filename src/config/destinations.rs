//! The tables `[slack.NAME]`, `[discord.NAME]` and `[webhook.NAME]`: destinations.

mod discord;
mod fallback;
mod slack;
mod webhook;

use std::time::Duration;

use super::document::{Document, Entry, Node, Table};
use super::findings::{Findings, Place};
use super::reader::{Keys, Reader};
use super::secrets::{Demand, Vault};
use super::values;
use crate::delivery::{DestinationKind, DestinationName};
use crate::notify::endpoint::parse_address;
use crate::notify::{Destination, Rate, Service, Style};
use crate::routing::Pattern;
use crate::words::{quoted, shortened};

/// Lines of diff in a message, at most.
const MAX_DIFF_LINES: usize = 1000;
/// Requests that may be open at once, at most.
const MAX_IN_FLIGHT: usize = 1000;
/// What everybody is to see, where nobody says otherwise: somebody has to look at it.
const ANNOUNCED: [&str; 2] = ["pr_created", "pr_ready_for_review"];
/// Names are metric labels and words on the command line.
const MAX_NAME_BYTES: usize = 64;

/// What destinations take from the rest of the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Where secrets are looked for.
    pub(crate) vault: Vault<'a>,
    /// `delivery.attempt_timeout`.
    pub(crate) attempt_timeout: Duration,
    /// `delivery.give_up_after`.
    pub(crate) give_up_after: Duration,
}

/// A template set that something asks for; whether there is one is judged where the templates are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedSet {
    /// The set's name.
    pub(crate) set: String,
    /// Who asks for it, for example ``destination `backend` ``.
    pub(crate) by: String,
    /// Where it asks.
    pub(crate) place: Place,
}

/// The destinations of `routes.toml`.
#[derive(Debug, Default)]
pub(crate) struct Destinations {
    /// Those without a fault, in the order of the file.
    pub(crate) list: Vec<Destination>,
    /// Every name that stands in the file, faulty destinations' too, with its place.
    pub(crate) names: Vec<(DestinationName, Place)>,
    /// The template sets that they ask for.
    pub(crate) sets: Vec<NamedSet>,
}

/// Reads every destination.
pub(crate) fn read(
    document: &Document,
    surroundings: Surroundings<'_>,
    findings: &mut Findings,
) -> Destinations {
    let (mut destinations, mut fallbacks) = (Destinations::default(), Vec::new());
    for (kind, entry, table) in tables(document, &mut destinations.names, findings) {
        let place = document.place(entry.at);
        check_name(&destinations, kind, entry, &place, findings);
        let name = format!("{kind}.{}", shortened(&entry.key));
        let mut reader = Reader { document, table, at: entry.at, name, vault: surroundings.vault, findings };
        let destination = destination(&mut reader, kind, &entry.key, surroundings);
        if let Some(set) = destination.as_ref().and_then(|destination| destination.template_set.clone()) {
            let by = format!("destination {}", quoted(&entry.key));
            destinations.sets.push(NamedSet { set, by, place: reader.place("template") });
        }
        let fallback = reader.place("fallback");
        destinations.names.push((DestinationName::new(entry.key.clone()), place));
        if let Some(destination) = destination {
            fallbacks.extend(destination.fallback.is_some().then(|| (destination.name.clone(), fallback)));
            destinations.list.push(destination);
        }
    }
    fallback::check(&mut destinations, &fallbacks, findings);
    destinations
}

/// Returns every destination's table, in the order of the file; names of those that are none go to `names`.
fn tables<'a>(
    document: &'a Document,
    names: &mut Vec<(DestinationName, Place)>,
    findings: &mut Findings,
) -> Vec<(DestinationKind, &'a Entry, &'a Table)> {
    let mut tables = Vec::new();
    for kind in DestinationKind::ALL {
        let Some(family) = document.root.get(kind.as_str()) else { continue };
        let hint = format!("write one table per destination: `[{kind}.NAME]`");
        let Node::Table(members) = &family.value else {
            let message = format!("`{kind}` is {}, but has to hold tables", family.value.kind());
            findings.fault(document.place(family.at), "wrong_type", message, hint);
            continue;
        };
        for entry in &members.entries {
            if let Some(table) = entry.value.as_member(&entry.key, members, keys(*kind)) {
                tables.push((*kind, entry, table));
                continue;
            }
            if let Node::List(items) = &entry.value
                && items.iter().all(|item| matches!(item.value, Node::Table(_)))
            {
                let message = format!("{} is a list of tables, but has to be one", quoted(&entry.key));
                let hint = format!("write one bracket on each side: `[{kind}.{}]`", shortened(&entry.key));
                findings.fault(document.place(entry.at), "wrong_type", message, hint);
                names.push((DestinationName::new(entry.key.clone()), document.place(entry.at)));
                continue;
            }
            let message =
                format!("{} stands in `[{kind}]` itself, outside any destination", quoted(&entry.key));
            findings.fault(document.place(entry.at), "misplaced_key", message, hint.clone());
        }
    }
    tables.sort_by_key(|(_, entry, _)| entry.at);
    tables
}

fn check_name(
    earlier: &Destinations,
    kind: DestinationKind,
    entry: &Entry,
    place: &Place,
    findings: &mut Findings,
) {
    let name = entry.key.as_str();
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !is_plain || name.is_empty() || name.len() > MAX_NAME_BYTES {
        let message = format!("{} cannot name a destination", quoted(name));
        let hint = format!("use letters, digits, `-` and `_`, at most {MAX_NAME_BYTES} of them");
        findings.fault(place.clone(), "destination_name", message, hint);
    }
    if earlier.names.iter().any(|(known, _)| known.as_str() == name) {
        let message = format!("destination {} is defined twice, here as `[{kind}.{name}]`", quoted(name));
        let hint = "names are unique over all kinds: routes name a destination without its kind";
        findings.fault(place.clone(), "duplicate_destination", message, hint.to_owned());
    }
}

/// Reads one destination; `None` where its kind's own part cannot be made out.
fn destination(
    reader: &mut Reader<'_>,
    kind: DestinationKind,
    name: &str,
    surroundings: Surroundings<'_>,
) -> Option<Destination> {
    reader.check_keys(keys(kind));
    let digest = reader.parsed("digest", "\"1h\"", |text| values::duration(text, values::DIGEST)).flatten();
    let has_digest = reader.table.get("digest").is_some();
    let style = style(reader, kind, has_digest);
    let announce = announce(reader, kind, style, has_digest);
    let defaults = Defaults::of(kind, style, has_digest);
    let rate = reader.parsed("rate", "\"1/s\"", values::rate).unwrap_or(defaults.rate);
    let in_flight = reader.integer("in_flight", 1..=MAX_IN_FLIGHT, "4").unwrap_or(defaults.in_flight);
    let timeout = reader.parsed("timeout", "\"10s\"", |text| values::duration(text, values::TIMEOUT));
    let expire_after = reader.parsed("expire_after", "\"6h\"", |text| values::duration(text, values::EXPIRE));
    let fallback = fallback::read(reader, surroundings.give_up_after);
    let template_set = reader.text("template", "\"oncall\"").map(str::to_owned);
    let diff_lines = match kind {
        DestinationKind::Slack | DestinationKind::Discord => reader.integer("diff", 0..=MAX_DIFF_LINES, "20"),
        DestinationKind::Webhook => None,
    };
    let service = match kind {
        DestinationKind::Slack => Service::Slack(slack::read(reader)?),
        DestinationKind::Discord => Service::Discord(discord::read(reader)?),
        DestinationKind::Webhook => Service::Webhook(webhook::read(reader)?),
    };
    Some(Destination {
        name: DestinationName::new(name),
        template_set,
        rate,
        in_flight,
        timeout: timeout.flatten().unwrap_or(surroundings.attempt_timeout),
        expire_after: expire_after.unwrap_or(defaults.expire_after),
        fallback,
        diff_lines: diff_lines.unwrap_or(0),
        style,
        digest,
        announce,
        service,
    })
}

/// Returns which keys a destination of a kind may have.
pub(super) const fn keys(kind: DestinationKind) -> Keys {
    match kind {
        DestinationKind::Slack => slack::KEYS,
        DestinationKind::Discord => discord::KEYS,
        DestinationKind::Webhook => webhook::KEYS,
    }
}

/// What a kind has where its table is silent.
struct Defaults {
    rate: Rate,
    in_flight: usize,
    expire_after: Option<Duration>,
}

impl Defaults {
    const fn of(kind: DestinationKind, style: Style, has_digest: bool) -> Self {
        let news = match style {
            Style::Messages if !has_digest => Some(Duration::from_hours(6)),
            Style::Messages | Style::Thread | Style::Card => None,
        };
        match kind {
            DestinationKind::Slack => {
                Self { rate: Rate::Limited { per_second: 1.0, burst: 3 }, in_flight: 1, expire_after: news }
            }
            DestinationKind::Discord => Self {
                // A channel takes 30 in any minute, which no header says: 5 at once and 25 in the minute behind them.
                rate: Rate::Limited { per_second: 25.0 / 60.0, burst: 5 },
                in_flight: 1,
                expire_after: news,
            },
            DestinationKind::Webhook => Self { rate: Rate::Unlimited, in_flight: 64, expire_after: None },
        }
    }
}

/// Reads the style; where none is given, or after a fault, it is the best that the kind can do. A digest is one message by
/// itself.
fn style(reader: &mut Reader<'_>, kind: DestinationKind, has_digest: bool) -> Style {
    let is_bot = reader.table.get("bot_token").is_some();
    let default = match kind {
        DestinationKind::Slack | DestinationKind::Discord if has_digest => Style::Messages,
        DestinationKind::Discord => Style::Card,
        DestinationKind::Slack if is_bot => Style::Card,
        DestinationKind::Slack | DestinationKind::Webhook => Style::Messages,
    };
    let Some(text) = reader.text("style", "\"messages\"") else { return default };
    let shown = format!("{} is {}", reader.full("style"), quoted(text));
    let (code, message, hint) = match (Style::from_word(text), kind) {
        (None, _) => {
            let known: Vec<_> = Style::ALL.iter().map(|style| quoted(style.as_str())).collect();
            let hint = format!("write one of {}", known.join(", "));
            ("invalid_value", format!("{shown}, which is not a style"), hint)
        }
        (Some(Style::Messages), _) => return Style::Messages,
        (Some(Style::Card | Style::Thread), _) if has_digest => (
            "misplaced_key",
            format!("{shown}, but `digest` sums the runs up in one message"),
            "take one of the two out: a destination has a digest, or messages of each run".to_owned(),
        ),
        (Some(Style::Card | Style::Thread), DestinationKind::Webhook) => (
            "misplaced_key",
            format!("{shown}, but a webhook gets every event as a request of its own"),
            DEFAULT_HINT.to_owned(),
        ),
        (Some(Style::Card | Style::Thread), DestinationKind::Slack) if !is_bot => (
            "misplaced_key",
            format!(
                "{shown}, but an incoming webhook can neither edit nor answer a message: a `bot_token` can"
            ),
            DEFAULT_HINT.to_owned(),
        ),
        (Some(Style::Thread), DestinationKind::Discord) if reader.table.get("thread_name").is_none() => (
            "missing_key",
            format!("{shown}, but a webhook opens threads in forum channels alone, and has to name them"),
            "write `thread_name = \"{title}\"` beside it, or another style".to_owned(),
        ),
        (Some(style @ (Style::Card | Style::Thread)), DestinationKind::Slack | DestinationKind::Discord) => {
            return style;
        }
    };
    reader.fault("style", code, message, hint);
    default
}

const DEFAULT_HINT: &str = "write `style = \"messages\"`, or leave it out: it is the default";

/// Reads which actions are announced.
fn announce(reader: &mut Reader<'_>, kind: DestinationKind, style: Style, has_digest: bool) -> Vec<Pattern> {
    const EXAMPLE: &str = "[\"pr_created\"]";
    let Some(entry) = reader.table.get("announce") else {
        return ANNOUNCED.iter().copied().map(Pattern::new).collect();
    };
    let why_not = match (style, kind) {
        (Style::Messages, _) => Some("here every message is one of its own"),
        (Style::Thread, DestinationKind::Discord) => Some("what stands in a thread of a forum stays there"),
        (Style::Card, _) | (Style::Thread, DestinationKind::Slack | DestinationKind::Webhook) => None,
    };
    if has_digest {
        let message =
            format!("{} means nothing beside `digest`: nothing is told by itself", reader.full("announce"));
        let hint = "take it out, and route what is urgent to another destination";
        reader.fault("announce", "misplaced_key", message, hint);
        return Vec::new();
    }
    if let Some(why_not) = why_not {
        let message = format!("{} belongs to another style: {why_not}", reader.full("announce"));
        reader.fault("announce", "misplaced_key", message, "take it out, or write `style = \"card\"`");
        return Vec::new();
    }
    match &entry.value {
        Node::Text(text) => vec![Pattern::new(text.clone())],
        Node::List(items) => {
            reader.texts(items, "announce", EXAMPLE).into_iter().map(|(text, _)| Pattern::new(text)).collect()
        }
        Node::Integer(_) | Node::Float | Node::Boolean(_) | Node::Time | Node::Table(_) => {
            reader.wrong_type(entry, "text, or a list of text,", EXAMPLE);
            Vec::new()
        }
    }
}

/// What the address of a chat webhook has to be.
pub(super) const WEB_ADDRESS: Demand = Demand {
    check: check_address,
    form: "write the address in full, for example `https://example.com/in`",
    ..Demand::ANY
};

fn check_address(text: &str) -> Result<(), String> {
    parse_address(text).map(drop).map_err(|error| format!("is {error} (the value is not shown)"))
}
