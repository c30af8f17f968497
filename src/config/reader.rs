//! Reads one table of a file: values of the right type and range, and keys that do not belong there.

use std::ops::RangeInclusive;

use super::document::{Document, Entry, Item, Node, Table};
use super::findings::{Findings, Place};
use super::secrets::{Demand, NamedSecret, Vault};
use super::values::Problem;
use crate::words::{nearest, quoted, suggestion};

/// One table and what is needed to judge it.
pub(crate) struct Reader<'a> {
    /// The file.
    pub(crate) document: &'a Document,
    /// The table.
    pub(crate) table: &'a Table,
    /// Where the table stands, for faults that no key is to blame for.
    pub(crate) at: usize,
    /// What stands between the brackets of its header, for example `slack.backend`, or `[route]` in `[[route]]`.
    pub(crate) name: String,
    /// Where secrets are looked for.
    pub(crate) vault: Vault<'a>,
    /// Where faults go.
    pub(crate) findings: &'a mut Findings,
}

/// Which keys a table may have.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Keys {
    /// Those that mean something here.
    pub(crate) known: &'static [&'static str],
    /// Those that will mean something, and what to do until then.
    pub(crate) later: &'static [(&'static str, &'static str)],
    /// Those that mean something elsewhere, and where.
    pub(crate) elsewhere: &'static [(&'static str, &'static str)],
}

impl<'a> Reader<'a> {
    /// Returns where a key stands, or the table where it has none.
    pub(crate) fn place(&self, key: &str) -> Place {
        self.document.place(self.table.get(key).map_or(self.at, |entry| entry.at))
    }

    /// Adds a fault at a key.
    pub(crate) fn fault(&mut self, key: &str, code: &'static str, message: String, hint: impl Into<String>) {
        let place = self.place(key);
        self.findings.fault(place, code, message, hint.into());
    }

    /// Reports every key that does not belong into the table.
    pub(crate) fn check_keys(&mut self, keys: Keys) {
        for entry in &self.table.entries {
            let key = entry.key.as_str();
            if keys.known.contains(&key) {
                continue;
            }
            let (shown, name) = (quoted(key), &self.name);
            let (code, message, hint) = if let Some((_, instead)) = find(keys.later, key) {
                let message = format!("{shown} in `[{name}]` comes with a later version");
                ("comes_later", message, Some((*instead).to_owned()))
            } else if let Some((_, place)) = find(keys.elsewhere, key) {
                let message = format!("{shown} means nothing in `[{name}]`");
                ("misplaced_key", message, Some((*place).to_owned()))
            } else {
                let message = format!("unknown key {shown} in `[{name}]`");
                ("unknown_key", message, self.unknown_hint(entry, keys))
            };
            self.findings.fault(self.document.place(entry.at), code, message, hint);
        }
    }

    /// Says what an unknown key may have been meant to be, here or in another table of the settings.
    fn unknown_hint(&self, entry: &Entry, keys: Keys) -> Option<String> {
        let key = entry.key.as_str();
        if let (Some((family, name)), true) = (self.name.split_once('.'), is_part_of_a_name(entry, keys)) {
            return Some(format!("a name holds no dot: write, for example, `[{family}.{name}-{key}]`"));
        }
        let known = || keys.known.iter().copied();
        let elsewhere = super::settings::table_of(key).filter(|_| {
            self.document.path().ends_with(super::files::SETTINGS) && nearest(key, known()).is_empty()
        });
        elsewhere
            .map(|table| {
                format!("it belongs below `[{table}]`: a header holds for all keys up to the next one")
            })
            .or_else(|| suggestion(key, "known", known()))
    }

    /// Returns whether a key is missing, and no other key of the table was told to be meant for it.
    pub(crate) fn lacks(&self, key: &str, keys: Keys) -> bool {
        let names_it = |hint: &str| hint.contains(&format!("`{key}"));
        let is_meant = |entry: &Entry| {
            let told = find(keys.later, &entry.key).or_else(|| find(keys.elsewhere, &entry.key));
            let is_known = keys.known.contains(&entry.key.as_str());
            let is_near = || !is_known && nearest(&entry.key, keys.known.iter().copied()).contains(&key);
            let is_part = self.name.contains('.') && is_part_of_a_name(entry, keys);
            is_part || told.map_or_else(is_near, |(_, hint)| names_it(hint))
        };
        self.table.get(key).is_none() && !self.table.entries.iter().any(is_meant)
    }

    /// Reads text.
    pub(crate) fn text(&mut self, key: &str, example: &str) -> Option<&'a str> {
        let entry = self.table.get(key)?;
        if let Node::Text(text) = &entry.value {
            return Some(text);
        }
        self.wrong_type(entry, "text", example);
        None
    }

    /// Reads text that `parse` understands.
    pub(crate) fn parsed<T>(
        &mut self,
        key: &str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let text = self.text(key, example)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                let message = format!("{} {}", self.full(key), problem.says);
                let place = self.place(key);
                self.findings.fault(place, problem.code, message, problem.hint);
                None
            }
        }
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &str) -> Option<bool> {
        let entry = self.table.get(key)?;
        if let Node::Boolean(value) = &entry.value {
            return Some(*value);
        }
        self.wrong_type(entry, "`true` or `false`", "true");
        None
    }

    /// Reads a whole number.
    pub(crate) fn integer(
        &mut self,
        key: &str,
        range: RangeInclusive<usize>,
        example: &str,
    ) -> Option<usize> {
        let entry = self.table.get(key)?;
        let Node::Integer(digits) = &entry.value else {
            self.wrong_type(entry, "a whole number", example);
            return None;
        };
        if let Some(number) = digits.parse().ok().filter(|number| range.contains(number)) {
            return Some(number);
        }
        let bounds = format!("{} to {}", range.start(), range.end());
        let message = format!("{} is {}, outside {bounds}", self.full(key), quoted(digits));
        self.fault(key, "out_of_range", message, format!("for example `{key} = {example}`"));
        None
    }

    /// Returns the texts of a list, each with where it stands.
    pub(crate) fn texts(&mut self, items: &'a [Item], key: &str, example: &str) -> Vec<(&'a str, usize)> {
        let mut texts = Vec::new();
        for item in items {
            if let Node::Text(text) = &item.value {
                texts.push((text.as_str(), item.at));
                continue;
            }
            let message = format!("{} holds {}, but has to hold text", self.full(key), item.value.kind());
            let hint = format!("for example `{key} = {example}`");
            self.findings.fault(self.document.place(item.at), "wrong_type", message, hint);
        }
        texts
    }

    /// Reads a secret.
    pub(crate) fn secret(&mut self, key: &str, demand: Demand) -> Option<NamedSecret> {
        let entry = self.table.get(key)?;
        let name = format!("{}.{key}", self.name);
        let place = self.document.place(entry.at);
        self.vault.read(self.document, &entry.value, &name, place, demand, self.findings)
    }

    /// Reports a value of the wrong type.
    pub(crate) fn wrong_type(&mut self, entry: &Entry, wanted: &str, example: &str) {
        let message = format!("{} is {}, but has to be {wanted}", self.full(&entry.key), entry.value.kind());
        let hint = format!("for example `{} = {example}`", entry.key);
        self.findings.fault(self.document.place(entry.at), "wrong_type", message, hint);
    }

    /// Returns a key with its table, in backticks.
    pub(crate) fn full(&self, key: &str) -> String {
        quoted(&format!("{}.{key}", self.name.trim_matches(['[', ']'])))
    }
}

/// Returns whether a key is the end of a name with a dot in it, such as `b` in `[slack.a.b]`.
fn is_part_of_a_name(entry: &Entry, keys: Keys) -> bool {
    let is_unknown = !keys.known.contains(&entry.key.as_str())
        && find(keys.later, &entry.key).is_none()
        && find(keys.elsewhere, &entry.key).is_none();
    let is_known = |inner: &Entry| keys.known.contains(&inner.key.as_str());
    is_unknown && matches!(&entry.value, Node::Table(table) if table.entries.iter().any(is_known))
}

impl Node {
    /// Returns the table of a member of a family such as `[slack]`; `None` where it is no table, or a key that belongs
    /// into a member's table: it holds a secret, or stands among other keys.
    pub(crate) fn as_member(&self, key: &str, family: &Table, keys: Keys) -> Option<&Table> {
        let Self::Table(table) = self else { return None };
        let is_secret = |table: &Table| {
            let mut inner = table.entries.iter().map(|entry| entry.key.as_str());
            !table.entries.is_empty() && inner.all(|key| ["env", "file"].contains(&key))
        };
        let is_key = keys.known.contains(&key) || find(keys.later, key).is_some();
        let stands_among_keys = || family.entries.iter().any(|entry| !matches!(entry.value, Self::Table(_)));
        (!(is_key && (is_secret(table) || stands_among_keys()))).then_some(table)
    }
}

fn find<'k>(keys: &'k [(&'static str, &'static str)], key: &str) -> Option<&'k (&'static str, &'static str)> {
    keys.iter().find(|(known, _)| *known == key)
}
