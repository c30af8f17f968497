//! The tables `[mute.NAME]`: the times in which routes that name them are muted.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Weekday;

use crate::config::document::{Document, Entry, Node, Table};
use crate::config::findings::{Findings, Place};
use crate::config::reader::{Keys, Reader};
use crate::config::secrets::Vault;
use crate::config::values::Problem;
use crate::delivery::zone_of;
use crate::routing::Mute;
use crate::routing::mute::{Days, end_of};
use crate::words::{nearest, quoted, shortened, suggestion};

/// The family of tables.
pub(crate) const FAMILY: &str = "mute";

/// Which keys a mute may have.
pub(crate) const KEYS: Keys = Keys {
    known: &["days", "from", "to", "timezone"],
    later: &[],
    elsewhere: &[("muted", "it belongs to a route: `muted = \"drop\"` beside its `mute`")],
};

const DAYS_EXAMPLE: &str = "[\"mon-fri\"]";
const ZONE_EXAMPLE: &str = "\"Europe/Berlin\"";

/// Names are words in the history.
const MAX_NAME_BYTES: usize = 64;

/// Minutes of a day.
const DAY: i16 = 24 * 60;

/// From then on it is tried whether mutes ever end, in the clocks of winter and of summer.
const TRIED_FROM: [i64; 2] = [1_767_225_600, 1_782_864_000];

/// The mutes of `routes.toml`.
#[derive(Debug, Default)]
pub(super) struct Mutes {
    /// Those without a fault.
    list: Vec<Arc<Mute>>,
    /// Every name that stands in the file, faulty tables' too, with its place.
    names: Vec<(String, Place)>,
}

/// Reads every mute.
pub(super) fn read(document: &Document, vault: Vault<'_>, findings: &mut Findings) -> Mutes {
    let mut mutes = Mutes::default();
    let Some(family) = document.root.get(FAMILY) else { return mutes };
    let hint = "write one table for each time: `[mute.NAME]`";
    let Node::Table(members) = &family.value else {
        let message = format!("`{FAMILY}` is {}, but has to hold tables", family.value.kind());
        findings.fault(document.place(family.at), "wrong_type", message, hint.to_owned());
        return mutes;
    };
    for entry in &members.entries {
        let Some(table) = entry.value.as_member(&entry.key, members, KEYS) else {
            let message = format!("{} stands in `[{FAMILY}]` itself, outside any mute", quoted(&entry.key));
            findings.fault(document.place(entry.at), "misplaced_key", message, hint.to_owned());
            continue;
        };
        check_name(document, entry, findings);
        let name = format!("{FAMILY}.{}", shortened(&entry.key));
        mutes.names.push((entry.key.clone(), document.place(entry.at)));
        let mut reader = Reader { document, table, at: entry.at, name, vault, findings };
        mutes.list.extend(mute(&mut reader, entry, table).map(Arc::new));
    }
    mutes
}

fn check_name(document: &Document, entry: &Entry, findings: &mut Findings) {
    let name = entry.key.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_plain) {
        let message = format!("{} cannot name a mute", quoted(name));
        let hint = format!("use letters, digits, `-` and `_`, at most {MAX_NAME_BYTES} of them");
        findings.fault(document.place(entry.at), "mute_name", message, hint);
    }
}

fn mute<'a>(reader: &mut Reader<'a>, entry: &Entry, table: &'a Table) -> Option<Mute> {
    reader.check_keys(KEYS);
    let days = days(reader, table);
    let times = times(reader, table);
    let zone = match reader.parsed("timezone", ZONE_EXAMPLE, timezone) {
        None if reader.lacks("timezone", KEYS) => {
            let message = format!("`[{}]` has no `timezone`", reader.name);
            let hint = format!("write where its clock hangs: `timezone = {ZONE_EXAMPLE}`, or `\"UTC\"`");
            reader.fault("", "missing_key", message, hint);
            return None;
        }
        zone => zone?,
    };
    let ((from, to), days) = (times?, days?);
    if from == to {
        let message = format!("`[{}]` ends when it begins: `from` and `to` are the same", reader.name);
        reader.fault("to", "empty_mute", message, "leave both out, if it is to be the whole day");
        return None;
    }
    let mute = Mute { name: entry.key.clone(), days, from, to, zone };
    if !ends(&[&mute]) {
        let message = format!("`[{}]` never ends: it takes the whole week", reader.name);
        reader.fault("", "endless_mute", message, "leave out a day, or write `from` and `to`");
        return None;
    }
    Some(mute)
}

/// Tells whether mutes end, once they are in force.
fn ends(mutes: &[&Mute]) -> bool {
    TRIED_FROM
        .iter()
        .filter_map(|second| Timestamp::from_second(*second).ok())
        .all(|moment| end_of(mutes, moment).is_none_or(|end| end.is_known))
}

/// Reads the days; without any it is every day.
fn days<'a>(reader: &mut Reader<'a>, table: &'a Table) -> Option<Days> {
    let Some(entry) = table.get("days") else { return Some(Days::ALL) };
    let items: Vec<(&str, usize)> = match &entry.value {
        Node::Text(text) => vec![(text.as_str(), entry.at)],
        Node::List(items) => {
            let texts = reader.texts(items, "days", DAYS_EXAMPLE);
            if texts.len() < items.len() {
                return None;
            }
            texts
        }
        Node::Integer(_) | Node::Float | Node::Boolean(_) | Node::Time | Node::Table(_) => {
            reader.wrong_type(entry, "a list of days", DAYS_EXAMPLE);
            return None;
        }
    };
    if items.is_empty() {
        let message = format!("{} names no day", reader.full("days"));
        let hint = format!("for example `days = {DAYS_EXAMPLE}`; without the key it is every day");
        reader.fault("days", "invalid_value", message, hint);
        return None;
    }
    let mut days = Some(Days::default());
    for (text, at) in items {
        match span_of(text) {
            Ok(span) => days = days.map(|days| days.and(span)),
            Err(problem) => {
                let message = format!("{} {}", reader.full("days"), problem.says);
                reader.findings.fault(reader.document.place(at), problem.code, message, problem.hint);
                days = None;
            }
        }
    }
    days
}

const DAY_WORDS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Reads `mon` or `mon-fri`.
fn span_of(text: &str) -> Result<Days, Problem> {
    let day = |word: &str| DAY_WORDS.iter().find(|(known, _)| *known == word.trim()).map(|(_, day)| *day);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    if let (Some(first), Some(last)) = (day(first), day(last)) {
        return Ok(Days::between(first, last));
    }
    let words: Vec<&str> = DAY_WORDS.iter().map(|(word, _)| *word).collect();
    let hint = format!("write `\"mon\"` or `\"mon-fri\"`; days: {}", words.join(", "));
    Err(Problem::invalid(
        format!("names {}, which is no day and no days from one to another", quoted(text)),
        hint,
    ))
}

/// Reads from when to when, in minutes; without both it is the whole day.
fn times(reader: &mut Reader<'_>, table: &Table) -> Option<(i16, i16)> {
    let is_given = ["from", "to"].map(|key| table.get(key).is_some());
    let from = reader.parsed("from", "\"20:00\"", |text| minute_of(text, DAY - 1));
    let to = reader.parsed("to", "\"08:00\"", |text| minute_of(text, DAY));
    let missing = match is_given {
        [false, false] => return Some((0, DAY)),
        [true, true] => return Some((from?, to?)),
        [true, false] => ("from", "to", "08:00"),
        [false, true] => ("to", "from", "20:00"),
    };
    let (given, lacks, example) = missing;
    if reader.lacks(lacks, KEYS) {
        let message = format!("`[{}]` has `{given}` and no `{lacks}`", reader.name);
        let hint = format!(
            "write `{lacks} = \"{example}\"` beside it, or take `{given}` out: then it is the whole day"
        );
        reader.fault(given, "missing_key", message, hint);
    }
    None
}

/// Reads `HH:MM`, up to so many minutes.
fn minute_of(text: &str, most: i16) -> Result<i16, Problem> {
    let number = |digits: &str, below: i16| {
        let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i16>().ok().filter(|number| is_two && *number < below)
    };
    let minute = text
        .split_once(':')
        .and_then(|(hours, minutes)| Some(number(hours, 25)? * 60 + number(minutes, 60)?));
    let (last, or_end) = if most == DAY { ("24:00", ", the end of the day") } else { ("23:59", "") };
    minute.filter(|minute| *minute <= most).ok_or_else(|| {
        Problem::invalid(
            format!("is {}, which is not a time of the day", quoted(text)),
            format!("write hours and minutes, from `\"00:00\"` to `\"{last}\"`{or_end}"),
        )
    })
}

fn timezone(text: &str) -> Result<jiff::tz::TimeZone, Problem> {
    zone_of(text).ok_or_else(|| {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let near: Vec<String> =
            nearest(text, names.iter().map(String::as_str)).into_iter().map(quoted).collect();
        let meant =
            if near.is_empty() { String::new() } else { format!("did you mean {}? ", near.join(" or ")) };
        Problem::invalid(
            format!("is {}, which is no time zone", quoted(text)),
            format!("{meant}write its name in the IANA database, for example `{ZONE_EXAMPLE}`"),
        )
    })
}

impl Mutes {
    /// Reads which of them a route names.
    pub(super) fn of_route(&self, reader: &mut Reader<'_>, route: &str) -> Vec<Arc<Mute>> {
        const EXAMPLE: &str = "[\"nights\"]";
        let Some(entry) = reader.table.get(FAMILY) else { return Vec::new() };
        let items: Vec<(&str, usize)> = match &entry.value {
            Node::Text(text) => vec![(text.as_str(), entry.at)],
            Node::List(items) => reader.texts(items, FAMILY, EXAMPLE),
            Node::Integer(_) | Node::Float | Node::Boolean(_) | Node::Time | Node::Table(_) => {
                reader.wrong_type(entry, "a list of names", EXAMPLE);
                return Vec::new();
            }
        };
        if matches!(&entry.value, Node::List(items) if items.is_empty()) {
            let message = format!("route {} is muted by nothing: `mute` is empty", quoted(route));
            reader.fault(FAMILY, "empty_mute", message, "name a `[mute.NAME]`, or take `mute` out");
        }
        let mut seen: Vec<&str> = Vec::new();
        let mut mutes = Vec::new();
        for (name, at) in items {
            let place = reader.document.place(at);
            if seen.contains(&name) {
                let message = format!("route {} names mute {} twice", quoted(route), quoted(name));
                reader.findings.fault(place, "duplicate_mute", message, "once is enough".to_owned());
                continue;
            }
            seen.push(name);
            if self.names.iter().all(|(known, _)| known != name) {
                let message =
                    format!("route {} names mute {}, which is not defined", quoted(route), quoted(name));
                let known = self.names.iter().map(|(name, _)| name.as_str());
                let none = || "none is defined: write a table like `[mute.nights]`".to_owned();
                let hint = suggestion(name, "defined", known).unwrap_or_else(none);
                reader.findings.fault(place, "unknown_mute", message, hint);
            }
            mutes.extend(self.list.iter().find(|mute| mute.name == name).cloned());
        }
        if !ends(&mutes.iter().map(AsRef::as_ref).collect::<Vec<_>>()) {
            let message = format!("route {} is always muted: its mutes never end together", quoted(route));
            let hint = "leave a time between them, or take the route out";
            reader.fault(FAMILY, "endless_mute", message, hint);
        }
        mutes
    }

    /// Warns of those that no route names.
    pub(super) fn warn_of_unused(&self, named: &[&str], findings: &mut Findings) {
        for (name, place) in self.names.iter().filter(|(name, _)| !named.contains(&name.as_str())) {
            let message = format!("no route names mute {}", quoted(name));
            let hint = format!("write `mute = [\"{}\"]` in a route, or take its table out", shortened(name));
            findings.warning(place.clone(), "unused_mute", message, hint);
        }
    }
}
