//! Labels: by what runs are listed. Each is written down once, and goes with the last run that has it.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};

use crate::store::sqlite::writer::Writing;

/// A longer value is no label, in bytes: nobody would choose it.
const LONGEST_VALUE: usize = 200;
/// How many values of one kind are labels of a run at most.
const MOST_VALUES: usize = 100;

/// By what kind of thing runs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Facet {
    /// Whose run it is.
    Organization,
    /// A repository that it is about.
    Repo,
    /// How far it has come.
    State,
    /// An action that it announced.
    Action,
    /// Where it was sent.
    Destination,
}

impl Facet {
    /// Returns its word, as it stands in the column.
    pub(in crate::store::sqlite) fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Repo => "repo",
            Self::State => "state",
            Self::Action => "action",
            Self::Destination => "destination",
        }
    }
}

/// Cuts what strangers write to a length that a report can show.
pub(super) fn fitting(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_VALUE)).unwrap_or_default()
}

/// Everything by which a run is listed, in order and each once.
#[derive(Default)]
pub(super) struct Labels(Vec<(Facet, String)>);

impl Labels {
    /// Adds values of a kind, but those that nobody would choose.
    pub(super) fn add<'v>(&mut self, facet: Facet, values: impl IntoIterator<Item = &'v str>) {
        let mut room = MOST_VALUES;
        for value in values.into_iter().filter(|value| !value.is_empty() && value.len() <= LONGEST_VALUE) {
            let is_known = self.0.iter().any(|(kind, known)| *kind == facet && known == value);
            if !is_known && room > 0 {
                room -= 1;
                self.0.push((facet, value.to_owned()));
            }
        }
    }

    /// Returns their ids, in order; those that are new are written down.
    pub(super) fn ids(&self, writing: &Writing<'_>) -> rusqlite::Result<Vec<i64>> {
        self.0.iter().map(|(facet, value)| id(writing, *facet, value)).collect()
    }
}

pub(super) fn id(writing: &Writing<'_>, facet: Facet, value: &str) -> rusqlite::Result<i64> {
    let known = writing
        .prepare("SELECT id FROM label WHERE kind = ?1 AND value = ?2")?
        .query_row([facet.as_str(), value], |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => writing
            .prepare("INSERT INTO label (kind, value) VALUES (?1, ?2)")?
            .insert([facet.as_str(), value]),
    }
}

/// Finds the label of a value; `None` where no run has it.
pub(in crate::store::sqlite) fn find(
    connection: &Connection,
    facet: Facet,
    value: &str,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM label WHERE kind = ?1 AND value = ?2")?
        .query_row([facet.as_str(), value], |row| row.get(0))
        .optional()
}

/// Lists the values of a kind in order, so many at most.
pub(in crate::store::sqlite) fn values(
    connection: &Connection,
    facet: Facet,
    most: i64,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT value FROM label WHERE kind = ?1 ORDER BY value LIMIT ?2")?
        .query_map((facet.as_str(), most), |row| row.get(0))?
        .collect()
}

/// Has a run listed by these labels, and no longer by those that it had before.
pub(super) fn change(writing: &Writing<'_>, run: i64, before: &[i64], now: &[i64]) -> rusqlite::Result<()> {
    let (before, now): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), now.iter().collect());
    for label in now.difference(&before) {
        writing
            .prepare("INSERT OR IGNORE INTO facet (label_id, run_number) VALUES (?1, ?2)")?
            .execute([label, &&run])?;
    }
    for label in before.difference(&now) {
        writing
            .prepare("DELETE FROM facet WHERE label_id = ?1 AND run_number = ?2")?
            .execute([label, &&run])?;
        writing
            .prepare(
                "DELETE FROM label WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM facet WHERE label_id = ?1)",
            )?
            .execute([label])?;
    }
    Ok(())
}
