//! Reports, counted from what the catalogue has of each run and from the deliveries themselves; no event's texts and no
//! payload is read.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use super::catalogue::Facet;
use super::listing;
use super::stretch::{self, Log};
use super::value::{micros, word};
use crate::delivery::{DeliveryState, Reason};
use crate::event::Organization;
use crate::run::RunState;
use crate::store::{Counted, Report, ReportFilter, Tally, day_of};

/// Runs that began from `?1` to `?2`, maybe of organization `?3` alone; everything stands in the index.
const RUNS: &str = "
    SELECT o.started_at, o.reached, o.classification, o.pull_requests, o.stalls, o.root_cause_us, o.solution_us,
           o.coding_us, o.pull_request_us
    FROM outline o INDEXED BY outline_report
    WHERE o.started_at >= ?1 AND o.started_at < ?2 AND (?3 IS NULL OR o.organization = ?3)";

/// The same of those about repository `?5`.
const RUNS_OF_REPO: &str = "
    SELECT o.started_at, o.reached, o.classification, o.pull_requests, o.stalls, o.root_cause_us, o.solution_us,
           o.coding_us, o.pull_request_us
    FROM facet f CROSS JOIN outline o ON o.run_number = f.run_number
    WHERE f.kind = ?4 AND f.value = ?5 AND f.started_at >= ?1 AND f.started_at < ?2
      AND (?3 IS NULL OR o.organization = ?3)";

/// Deliveries, but those of which an empty row is left, that were planned from `?3` to `?4`, which have the numbers from `?1` to `?2`.
const DELIVERIES: &str = "
    SELECT d.destination_id, d.created_at, d.state, d.last_reason FROM delivery d
    WHERE d.number >= ?1 AND d.number <= ?2 AND d.created_at >= ?3 AND d.created_at < ?4
      AND d.event_sequence > 0";

/// The same of events of organization `?5`, where one is asked for, and of runs about repository `?6`.
const DELIVERIES_OF: &str = "
    SELECT d.destination_id, d.created_at, d.state, d.last_reason
    FROM delivery d CROSS JOIN event e ON e.sequence = d.event_sequence
    WHERE d.number >= ?1 AND d.number <= ?2 AND d.created_at >= ?3 AND d.created_at < ?4
      AND (?5 IS NULL OR e.organization = ?5)
      AND (?6 IS NULL OR EXISTS (
          SELECT 1 FROM outline o CROSS JOIN facet f
              ON f.kind = ?7 AND f.value = ?6 AND f.started_at = o.started_at AND f.run_number = o.run_number
          WHERE o.run_number = e.run_number))";

/// The same as these, by the runs about the repository, where they are few.
const DELIVERIES_OF_REPO: &str = "
    SELECT d.destination_id, d.created_at, d.state, d.last_reason
    FROM facet f CROSS JOIN event e ON e.run_number = f.run_number
         CROSS JOIN delivery d ON d.event_sequence = e.sequence
    WHERE f.kind = ?1 AND f.value = ?2 AND d.created_at >= ?3 AND d.created_at < ?4
      AND (?5 IS NULL OR e.organization = ?5)";

/// To look at a run's deliveries takes about as long as to look at so many that lie one behind the other.
const RUN_WEIGHT: i64 = 8;

/// Counts.
pub(super) fn read(connection: &Connection, filter: &ReportFilter) -> rusqlite::Result<Report> {
    let mut tally = Tally::default();
    count_runs(connection, filter, &mut tally)?;
    count_deliveries(connection, filter, &mut tally)?;
    Ok(tally.into_report(filter, listing::behind(connection)?))
}

fn count_runs(connection: &Connection, filter: &ReportFilter, tally: &mut Tally) -> rusqlite::Result<()> {
    let (since, until) = (micros(filter.since), micros(filter.until));
    let organization = filter.organization.as_ref().map(Organization::as_str);
    let mut add = |row: &Row<'_>| {
        let counted = Counted {
            started_at: row.get(0)?,
            reached: word(row.get_ref(1)?.as_str()?, RunState::from_word)?,
            classification: row.get_ref(2)?.as_str_or_null()?,
            pull_requests: row.get::<_, i64>(3)?.unsigned_abs(),
            stalls: row.get::<_, i64>(4)?.unsigned_abs(),
            stages_us: [row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?],
        };
        tally.add_run(&counted);
        Ok(())
    };
    match &filter.repo {
        None => each(connection, RUNS, params![since, until, organization], &mut add),
        Some(repo) => {
            let kind = Facet::Repo.as_str();
            each(connection, RUNS_OF_REPO, params![since, until, organization, kind, repo], &mut add)
        }
    }
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

/// Returns whether no more than so many runs are about a repository.
fn is_rare(connection: &Connection, repo: &str, most: i64) -> rusqlite::Result<bool> {
    let runs: i64 = connection
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM facet WHERE kind = ?1 AND value = ?2 LIMIT ?3)")?
        .query_row(params![Facet::Repo.as_str(), repo, most.saturating_add(1)], |row| row.get(0))?;
    Ok(runs <= most)
}

/// Deliveries of one destination that came to the same end on the same day.
type Alike = (i64, i64, DeliveryState, Option<Reason>);

fn count_deliveries(
    connection: &Connection,
    filter: &ReportFilter,
    tally: &mut Tally,
) -> rusqlite::Result<()> {
    let (first, last) = stretch::find(connection, Log::Deliveries, Some(filter.since), Some(filter.until))?;
    let mut counts: HashMap<Alike, u64> = HashMap::new();
    let mut add = |row: &Row<'_>| {
        let state = word(row.get_ref(2)?.as_str()?, DeliveryState::from_word)?;
        let reason = row.get_ref(3)?.as_str_or_null()?;
        let reason = reason.map(|text| word(text, Reason::from_word)).transpose()?;
        *counts.entry((row.get(0)?, day_of(row.get(1)?), state, reason)).or_default() += 1;
        Ok(())
    };
    let (since, until) = (micros(filter.since), micros(filter.until));
    if filter.organization.is_none() && filter.repo.is_none() {
        each(connection, DELIVERIES, params![first, last, since, until], &mut add)?;
    } else {
        let organization = filter.organization.as_ref().map(Organization::as_str);
        let kind = Facet::Repo.as_str();
        match &filter.repo {
            Some(repo) if is_rare(connection, repo, (last - first) / RUN_WEIGHT)? => {
                let values = params![kind, repo, since, until, organization];
                each(connection, DELIVERIES_OF_REPO, values, &mut add)?;
            }
            Some(_) | None => {
                let values = params![first, last, since, until, organization, filter.repo, kind];
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
        let [runs] = &plan(&connection, RUNS)[..] else { panic!("one step") };
        assert!(runs.contains("USING COVERING INDEX outline_report"), "{runs}");
    }
}
