//! The catalogue's row of a run: how its outline is written down briefly, and read again.
//!
//! Times are spans from the run's first event, and what that event or another column says already is left out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::Listed;
use super::label::{self, Facet, fitting};
use crate::event::{EventId, GroupId, Organization, PullRequest, RunId, SentryRunId, Stage};
use crate::run::{Outline, RunState, StageOutline, StageState};
use crate::store::REACHED;
use crate::store::sqlite::value::{json, json_list, micros, of_json, of_json_list, span, time, word};
use crate::store::sqlite::writer::Writing;

/// The stages of an outline, in order.
const STAGES: [Stage; 4] = [Stage::RootCause, Stage::Solution, Stage::Coding, Stage::PullRequest];

/// A stage: how far it is, and how many microseconds after the run it began and ended.
#[derive(Serialize, Deserialize)]
struct Staged(StageState, Option<i64>, Option<i64>);

/// Writes a run down.
pub(super) fn write(
    writing: &Writing<'_>,
    run: i64,
    listed: &Listed,
    labels: &[i64],
    searched: i64,
) -> rusqlite::Result<()> {
    let Listed { outline, first_event, events, stalls, .. } = listed;
    let organization = label::id(writing, Facet::Organization, outline.organization.as_str())?;
    let reached = outline.reached();
    let [root_cause, solution, coding, pull_request] = outline.stages.map(|stage| stage.took().map(span));
    writing
        .prepare(
            "INSERT OR REPLACE INTO outline (
                 run_number, started_at, organization, reached, classification, opened, stalls,
                 root_cause_us, solution_us, coding_us, pull_request_us, events, first_event,
                 run_id, sentry_run_id, group_id, state, updated_us, stages, pull_requests, labels, searched)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
                    iif(?14 IS e.run_id, NULL, ?14), iif(?15 IS e.sentry_run_id, NULL, ?15),
                    iif(?16 IS e.group_id, NULL, ?16), ?17, ?18, ?19, ?20, ?21, ?22
             FROM event e WHERE e.sequence = ?13",
        )?
        .execute(params![
            run,
            micros(outline.started_at),
            organization,
            number(place_of(reached)),
            outline.classification.as_deref().map(fitting),
            number(outline.pull_requests.iter().filter(|each| !each.failed).count()),
            number(*stalls),
            root_cause,
            solution,
            coding,
            pull_request,
            number(*events),
            first_event,
            outline.run_id.as_ref().map(RunId::as_str),
            outline.sentry_run_id.as_ref().map(SentryRunId::as_str),
            outline.group_id.as_ref().map(GroupId::as_str),
            Some(outline.state).filter(|state| *state != reached).map(RunState::as_str),
            after(outline, outline.updated_at),
            json(&stages(outline)),
            json_list(&outline.pull_requests),
            json(&labels),
            searched,
        ])
        .map(drop)
}

fn place_of(reached: RunState) -> usize {
    REACHED.iter().position(|state| *state == reached).unwrap_or_default()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads how far a run came from its column.
pub(in crate::store::sqlite) fn reached(place: i64) -> RunState {
    usize::try_from(place).ok().and_then(|place| REACHED.get(place)).copied().unwrap_or(RunState::Unknown)
}

fn after(outline: &Outline, at: Timestamp) -> i64 {
    micros(at) - micros(outline.started_at)
}

fn stages(outline: &Outline) -> BTreeMap<Stage, Staged> {
    let begun = outline.stages.iter().filter(|stage| {
        stage.state != StageState::Pending || stage.started_at.is_some() || stage.completed_at.is_some()
    });
    let staged = |stage: &StageOutline| {
        let after = |at: Option<Timestamp>| at.map(|at| after(outline, at));
        Staged(stage.state, after(stage.started_at), after(stage.completed_at))
    };
    begun.map(|stage| (stage.stage, staged(stage))).collect()
}

/// Reads a run, and how many events it has; `None` where it is not listed.
pub(in crate::store::sqlite) fn read(
    connection: &Connection,
    run: i64,
) -> rusqlite::Result<Option<(Outline, u64)>> {
    let found = connection
        .prepare_cached(
            "SELECT o.started_at, l.value, o.reached, o.classification, coalesce(o.run_id, e.run_id),
                    coalesce(o.sentry_run_id, e.sentry_run_id), coalesce(o.group_id, e.group_id), e.id, o.state,
                    o.updated_us, o.stages, o.pull_requests, o.events
             FROM outline o CROSS JOIN label l ON l.id = o.organization CROSS JOIN event e ON e.sequence = o.first_event
             WHERE o.run_number = ?1",
        )?
        .query_row([run], |row| Ok((outline(row)?, row.get::<_, i64>(12)?.unsigned_abs())))
        .optional()?;
    let Some((mut outline, events)) = found else { return Ok(None) };
    outline.repos = connection
        .prepare_cached(
            "SELECT l.value FROM outline o CROSS JOIN json_each(o.labels) c CROSS JOIN label l ON l.id = c.value
             WHERE o.run_number = ?1 AND l.kind = ?2 ORDER BY c.key",
        )?
        .query_map(params![run, Facet::Repo.as_str()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some((outline, events)))
}

/// Reads all but the repositories.
fn outline(row: &Row<'_>) -> rusqlite::Result<Outline> {
    let started_at: i64 = row.get(0)?;
    let at = |after: i64| time(started_at.saturating_add(after));
    let text = |column| row.get::<_, Option<String>>(column);
    let mut begun: BTreeMap<Stage, Staged> = of_json(row.get_ref(10)?.as_str()?)?;
    let stages = STAGES.map(|stage| {
        let Staged(state, start, end) =
            begun.remove(&stage).unwrap_or(Staged(StageState::Pending, None, None));
        StageOutline { stage, state, started_at: start.map(at), completed_at: end.map(at) }
    });
    let state = row.get_ref(8)?.as_str_or_null()?.map(|text| word(text, RunState::from_word)).transpose()?;
    Ok(Outline {
        organization: Organization::new(row.get_ref(1)?.as_str()?),
        run_id: text(4)?.as_deref().map(RunId::new),
        sentry_run_id: text(5)?.as_deref().map(SentryRunId::new),
        group_id: text(6)?.as_deref().map(GroupId::new),
        first_event: EventId::new(row.get_ref(7)?.as_str()?),
        state: match state {
            Some(state) => state,
            None => reached(row.get(2)?),
        },
        started_at: time(started_at),
        updated_at: at(row.get(9)?),
        stages,
        classification: text(3)?,
        repos: Vec::new(),
        pull_requests: of_json_list::<PullRequest>(row.get_ref(11)?.as_str_or_null()?)?,
    })
}

/// What stands in the row that a change of it needs.
pub(super) struct Written {
    pub(super) labels: Vec<i64>,
    pub(super) searched: i64,
}

/// Reads what a change needs; `None` where the run is not listed.
pub(super) fn written(writing: &Writing<'_>, run: i64) -> rusqlite::Result<Option<Written>> {
    writing
        .prepare("SELECT labels, searched FROM outline WHERE run_number = ?1")?
        .query_row([run], |row| {
            Ok(Written { labels: of_json(row.get_ref(0)?.as_str()?)?, searched: row.get(1)? })
        })
        .optional()
}
