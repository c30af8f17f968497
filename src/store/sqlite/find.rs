//! Names that people type: which run or event they mean.

use rusqlite::{Connection, OptionalExtension, params};

use super::ids::EVENT_PREFIX;
use super::run::{RUN_ID, SENTRY_RUN_ID};
use crate::store::FindError;

/// Finds the run that `name` means: `acme/12345` and `acme/evt_…` as runs are shown, or the last part alone where no
/// other run has it.
pub(super) fn run(connection: &Connection, name: &str) -> rusqlite::Result<Result<i64, FindError>> {
    if let Some((organization, id)) = name.split_once('/')
        && let Some(run) = of_organization(connection, organization, id)?
    {
        return Ok(Ok(run));
    }
    let candidates: Vec<(i64, String)> = connection
        .prepare_cached(
            "SELECT run_number, organization FROM run_name WHERE name = ?1 AND kind IN (?2, ?3)
             UNION
             SELECT run_number, organization FROM event WHERE id = ?4 AND run_number IS NOT NULL
             ORDER BY organization, run_number",
        )?
        .query_map(params![name, RUN_ID, SENTRY_RUN_ID, event_id(name)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(match candidates.as_slice() {
        [] => Err(FindError::Unknown(name.to_owned())),
        [(run, _)] => Ok(*run),
        several => Err(FindError::Ambiguous {
            name: name.to_owned(),
            candidates: several.iter().map(|(_, organization)| format!("{organization}/{name}")).collect(),
        }),
    })
}

fn of_organization(connection: &Connection, organization: &str, id: &str) -> rusqlite::Result<Option<i64>> {
    // Of one organization `run_id` wins, as it does when an event comes in.
    connection
        .prepare_cached(
            "SELECT run_number FROM (
                 SELECT run_number, kind = ?3 AS first FROM run_name
                 WHERE name = ?1 AND organization = ?2 AND kind IN (?3, ?4)
                 UNION ALL
                 SELECT run_number, 0 FROM event WHERE id = ?5 AND organization = ?2 AND run_number IS NOT NULL)
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row(params![id, organization, RUN_ID, SENTRY_RUN_ID, event_id(id)], |row| row.get(0))
        .optional()
}

/// Finds the event of an id.
pub(super) fn event(connection: &Connection, id: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT sequence FROM event WHERE id = ?1")?
        .query_row([event_id(id)], |row| row.get(0))
        .optional()
}

/// Finds the id of the event that `name` means: its own, or that of one of its deliveries.
pub(super) fn event_of(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let typed = name.to_ascii_lowercase();
    connection
        .prepare_cached(
            "SELECT id FROM event WHERE id = ?1
             UNION ALL
             SELECT e.id FROM delivery d JOIN event e ON e.sequence = d.event_sequence WHERE d.id = ?1",
        )?
        .query_row([typed], |row| row.get(0))
        .optional()
}

/// Finds the run of the event or the delivery that has this id.
pub(super) fn run_of(connection: &Connection, id: &str) -> rusqlite::Result<Option<i64>> {
    let Some(event) = event_of(connection, id)? else { return Ok(None) };
    let run = connection
        .prepare_cached("SELECT run_number FROM event WHERE id = ?1")?
        .query_row([event], |row| row.get(0));
    run.optional().map(Option::flatten)
}

/// Ids are written in lower case; whoever types one in upper case means the same.
fn event_id(typed: &str) -> Option<String> {
    let id = typed.to_ascii_lowercase();
    id.starts_with(EVENT_PREFIX).then_some(id)
}
