//! Reports, counted from what the catalogue has of each run and from the deliveries themselves; no event's texts and no
//! payload is read.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use super::catalogue::label::{self, Facet};
use super::catalogue::row::reached;
use super::listing;
use super::stretch::{self, Log};
use super::value::{micros, word};
use crate::delivery::{DeliveryState, Reason};
use crate::event::Organization;
use crate::store::{Counted, Report, ReportFilter, Tally, day_of};

/// Runs with the numbers from `?1` to `?2` that began from `?3` to `?4`, maybe of organization `?5` alone.
const RUNS: &str = "
    SELECT o.started_at, o.reached, o.classification, o.opened, o.stalls, o.root_cause_us, o.solution_us,
           o.coding_us, o.pull_request_us
    FROM outline o
    WHERE o.run_number >= ?1 AND o.run_number <= ?2 AND o.started_at >= ?3 AND o.started_at < ?4
      AND (?5 IS NULL OR o.organization = ?5)";

/// The same of those that have the label `?6`.
const RUNS_OF_REPO: &str = "
    SELECT o.started_at, o.reached, o.classification, o.opened, o.stalls, o.root_cause_us, o.solution_us,
           o.coding_us, o.pull_request_us
    FROM facet f CROSS JOIN outline o ON o.run_number = f.run_number
    WHERE f.label_id = ?6 AND f.run_number >= ?1 AND f.run_number <= ?2 AND o.started_at >= ?3 AND o.started_at < ?4
      AND (?5 IS NULL OR o.organization = ?5)";

/// Deliveries, but those of which an empty row is left, that were planned from `?3` to `?4`, which have the numbers from `?1` to `?2`.
const DELIVERIES: &str = "
    SELECT d.destination_id, d.created_at, d.state, d.last_reason FROM delivery d
    WHERE d.number >= ?1 AND d.number <= ?2 AND d.created_at >= ?3 AND d.created_at < ?4
      AND d.event_sequence > 0";

/// The same of events of organization `?5`, where one is asked for, and of runs that have the label `?6`.
const DELIVERIES_OF: &str = "
    SELECT d.destination_id, d.created_at, d.state, d.last_reason
    FROM delivery d CROSS JOIN event e ON e.sequence = d.event_sequence
    WHERE d.number >= ?1 AND d.number <= ?2 AND d.created_at >= ?3 AND d.created_at < ?4
      AND (?5 IS NULL OR e.organization = ?5)
      AND (?6 IS NULL OR EXISTS (SELECT 1 FROM facet f WHERE f.label_id = ?6 AND f.run_number = e.run_number))";

/// The same as these, by the runs that have the label `?1`, where they are few.
const DELIVERIES_OF_REPO: &str = "
    SELECT d.destination_id, d.created_at, d.state, d.last_reason
    FROM facet f CROSS JOIN event e ON e.run_number = f.run_number
         CROSS JOIN delivery d ON d.event_sequence = e.sequence
    WHERE f.label_id = ?1 AND d.created_at >= ?2 AND d.created_at < ?3
      AND (?4 IS NULL OR e.organization = ?4)";

/// To look at a run's deliveries takes about as long as to look at so many that lie one behind the other.
const RUN_WEIGHT: i64 = 8;

/// Counts.
pub(super) fn read(connection: &Connection, filter: &ReportFilter) -> rusqlite::Result<Report> {
    let mut tally = Tally::default();
    let repo = match &filter.repo {
        None => Some(None),
        Some(repo) => label::find(connection, Facet::Repo, repo)?.map(Some),
    };
    // Where no run is about the repository, nothing is to be counted.
    if let Some(repo) = repo {
        count_runs(connection, filter, repo, &mut tally)?;
        count_deliveries(connection, filter, repo, &mut tally)?;
    }
    Ok(tally.into_report(filter, listing::behind(connection)?))
}

fn count_runs(
    connection: &Connection,
    filter: &ReportFilter,
    repo: Option<i64>,
    tally: &mut Tally,
) -> rusqlite::Result<()> {
    let organization = match &filter.organization {
        None => None,
        Some(organization) => {
            let label = label::find(connection, Facet::Organization, organization.as_str())?;
            let Some(label) = label else { return Ok(()) };
            Some(label)
        }
    };
    let (first, last) = stretch_of(connection, Log::Runs, filter)?;
    let (since, until) = (micros(filter.since), micros(filter.until));
    let mut add = |row: &Row<'_>| {
        let counted = Counted {
            started_at: row.get(0)?,
            reached: reached(row.get(1)?),
            classification: row.get_ref(2)?.as_str_or_null()?,
            pull_requests: row.get::<_, i64>(3)?.unsigned_abs(),
            stalls: row.get::<_, i64>(4)?.unsigned_abs(),
            stages_us: [row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?],
        };
        tally.add_run(&counted);
        Ok(())
    };
    match repo {
        None => each(connection, RUNS, params![first, last, since, until, organization], &mut add),
        Some(repo) => {
            let values = params![first, last, since, until, organization, repo];
            each(connection, RUNS_OF_REPO, values, &mut add)
        }
    }
}

fn stretch_of(connection: &Connection, log: Log, filter: &ReportFilter) -> rusqlite::Result<(i64, i64)> {
    stretch::find(connection, log, Some(filter.since), Some(filter.until), stretch::CLOCK_ERROR)
}

fn each(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
    add: &mut impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        add(row)?;
    }
    Ok(())
}

/// Returns whether no more than so many runs have a label.
fn is_rare(connection: &Connection, label: i64, most: i64) -> rusqlite::Result<bool> {
    let runs: i64 = connection
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM facet WHERE label_id = ?1 LIMIT ?2)")?
        .query_row(params![label, most.saturating_add(1)], |row| row.get(0))?;
    Ok(runs <= most)
}

/// Deliveries of one destination that came to the same end on the same day.
type Alike = (i64, i64, DeliveryState, Option<Reason>);

fn count_deliveries(
    connection: &Connection,
    filter: &ReportFilter,
    repo: Option<i64>,
    tally: &mut Tally,
) -> rusqlite::Result<()> {
    let (first, last) = stretch_of(connection, Log::Deliveries, filter)?;
    let mut counts: HashMap<Alike, u64> = HashMap::new();
    let mut add = |row: &Row<'_>| {
        let state = word(row.get_ref(2)?.as_str()?, DeliveryState::from_word)?;
        let reason = row.get_ref(3)?.as_str_or_null()?;
        let reason = reason.map(|text| word(text, Reason::from_word)).transpose()?;
        *counts.entry((row.get(0)?, day_of(row.get(1)?), state, reason)).or_default() += 1;
        Ok(())
    };
    let (since, until) = (micros(filter.since), micros(filter.until));
    if filter.organization.is_none() && repo.is_none() {
        each(connection, DELIVERIES, params![first, last, since, until], &mut add)?;
    } else {
        let organization = filter.organization.as_ref().map(Organization::as_str);
        match repo {
            Some(repo) if is_rare(connection, repo, (last - first) / RUN_WEIGHT)? => {
                let values = params![repo, since, until, organization];
                each(connection, DELIVERIES_OF_REPO, values, &mut add)?;
            }
            Some(_) | None => {
                let values = params![first, last, since, until, organization, repo];
                each(connection, DELIVERIES_OF, values, &mut add)?;
            }
        }
    }
    let mut names = connection.prepare_cached("SELECT name FROM destination WHERE id = ?1")?;
    for ((destination, day, state, reason), number) in counts {
        let name: String = names.query_row([destination], |row| row.get(0))?;
        tally.add_deliveries(&name, day, state, reason, number);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{connection, place};

    /// The plan of a statement, a line for each step.
    fn plan(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = statement.parameter_count();
        for number in 1..=count {
            statement.raw_bind_parameter(number, 1).unwrap();
        }
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        steps
    }

    #[test]
    fn nothing_is_read_but_a_stretch_of_an_index_and_what_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        let connection = connection::open_to_serve(&path).unwrap();
        for sql in [RUNS, RUNS_OF_REPO, DELIVERIES, DELIVERIES_OF, DELIVERIES_OF_REPO] {
            let steps = plan(&connection, sql);
            assert!(!steps.is_empty() && steps.iter().all(|step| !step.contains("SCAN")), "{steps:?}");
        }
    }
}
