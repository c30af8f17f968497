//! What people read: runs, deliveries and how much waits, each from one state of the store.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::account::Tables;
use super::story::{self, Kept};
use super::value::{micros, of_json, of_json_list, time, word};
use super::{account, find, issue, listing};
use crate::delivery::{DeliveryId, DeliveryState, DestinationKind, DestinationName, Part, Reason};
use crate::event::{Action, EventId, Organization, RELAY_RESOURCE};
use crate::issue::Issue;
use crate::run::{Outline, Run};
use crate::store::{
    Backlog, DeliveryRow, EventHistory, EventRow, FindError, QueueLength, RunHistory, RunNumber, RunRow, Tale,
};

/// After how many bytes of artifacts no further run is read along.
const TALES_BYTES: usize = 4 * 1024 * 1024;

/// Lists runs, the newest event first.
pub(super) fn runs(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<RunRow>> {
    let mut rows = Vec::new();
    for number in newest_runs(connection, limit)? {
        let events = story::of_run(connection, number)?;
        let Some(run) = fold(&events) else { continue };
        let (deliveries, dead) = listing::deliveries_of(connection, number)?;
        let issue = issue_of(connection, &run)?;
        let events = u64::try_from(events.len()).unwrap_or(u64::MAX);
        rows.push(RunRow { run: Outline::from(&run), issue, events, deliveries, dead });
    }
    Ok(rows)
}

fn issue_of(connection: &Connection, run: &Run) -> rusqlite::Result<Option<Issue>> {
    let Some(group) = &run.group_id else { return Ok(None) };
    Ok(issue::read(connection, &run.organization, group)?.and_then(|(kept, _)| kept.issue))
}

fn fold(events: &[Kept]) -> Option<Run> {
    Run::fold(events.iter().map(|kept| &kept.event))
}

/// Walks back from the newest event until it has met so many runs. A notice that is about none is kept as one, but is none.
fn newest_runs(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let of_no_run = Action::NOTICES.iter().filter(|notice| notice.is_of_no_run()).map(Action::as_str);
    let of_no_run = of_no_run.collect::<serde_json::Value>().to_string();
    let mut statement = connection.prepare_cached(
        "SELECT run_number FROM event WHERE run_number IS NOT NULL
           AND NOT (resource = ?1 AND action IN (SELECT value FROM json_each(?2)))
         ORDER BY sequence DESC",
    )?;
    let mut rows = statement.query([RELAY_RESOURCE, of_no_run.as_str()])?;
    let (mut seen, mut newest) = (HashSet::new(), Vec::new());
    while newest.len() < limit {
        let Some(row) = rows.next()? else { break };
        let run = row.get(0)?;
        if seen.insert(run) {
            newest.push(run);
        }
    }
    Ok(newest)
}

/// Returns one run with its history. Every lease counts as a delivery being sent.
pub(super) fn run(connection: &Connection, name: &str) -> rusqlite::Result<Result<RunHistory, FindError>> {
    let number = match find::run(connection, name)? {
        Ok(number) => number,
        Err(error) => return Ok(Err(error)),
    };
    let events = story::of_run(connection, number)?;
    let Some(run) = fold(&events) else { return Ok(Err(FindError::Unknown(name.to_owned()))) };
    let deliveries = list_deliveries(
        connection,
        "event e CROSS JOIN delivery d ON d.event_sequence = e.sequence",
        &["e.run_number = ?1"],
        vec![Value::Integer(number)],
        "ORDER BY d.number",
        Timestamp::MIN,
    )?;
    let issue = issue_of(connection, &run)?;
    let mut tables = Tables::default();
    let mut row = |kept: Kept| {
        let decided = tables.decided(connection, &kept)?;
        let Kept { event, routes, issue_unknown, planned_at, replays, .. } = kept;
        Ok(EventRow { event, routes, issue_unknown, planned_at, replays, decided })
    };
    let events = events.into_iter().map(&mut row).collect::<rusqlite::Result<_>>()?;
    let accounts = account::of_run(connection, number)?;
    let payloads = payloads_of(connection, number)?;
    Ok(Ok(RunHistory { run, issue, events, payloads, deliveries, accounts }))
}

/// Returns which of a run's events still have their payload.
fn payloads_of(connection: &Connection, run: i64) -> rusqlite::Result<BTreeSet<EventId>> {
    connection
        .prepare_cached(
            "SELECT e.id FROM event e CROSS JOIN payload p ON p.sequence = e.sequence
             WHERE e.run_number = ?1 AND length(p.body) > 0",
        )?
        .query_map([run], |row| row.get::<_, String>(0).map(EventId::new))?
        .collect()
}

/// Returns the run of an event, named by its own id or by that of one of its deliveries.
pub(super) fn event(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Result<EventHistory, FindError>> {
    let unknown = || FindError::Unknown(name.to_owned());
    let Some(id) = find::event_of(connection, name)? else { return Ok(Err(unknown())) };
    Ok(run(connection, &id)?.map(|history| EventHistory { event: EventId::new(id), history }))
}

/// Lists the runs that have an event which was received since, in order.
pub(super) fn runs_since(connection: &Connection, since: Timestamp) -> rusqlite::Result<Vec<RunNumber>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT run_number FROM event WHERE received_at >= ?1 AND run_number IS NOT NULL
             ORDER BY run_number",
        )?
        .query_map([micros(since)], |row| row.get(0).map(RunNumber))?
        .collect()
}

/// Reads the first of these runs, as many as are light together.
pub(super) fn tales(connection: &Connection, runs: &[RunNumber]) -> rusqlite::Result<Vec<Tale>> {
    let (mut tales, mut bytes_read) = (Vec::new(), 0_usize);
    for RunNumber(number) in runs {
        if bytes_read >= TALES_BYTES {
            break;
        }
        let (events, bytes) = story::of_place(connection, Some(*number), i64::MAX)?;
        let issue = issue::of_events(connection, &events)?.and_then(|(kept, _)| kept.issue);
        tales.push(Tale { events, issue });
        bytes_read += bytes;
    }
    Ok(tales)
}

/// Reads deliveries `d` of events `e`. A run is named as [`Run::label`] names it: by the first id that an event showed.
pub(super) fn list_deliveries(
    connection: &Connection,
    from: &str,
    conditions: &[&str],
    values: Vec<Value>,
    end: &str,
    now: Timestamp,
) -> rusqlite::Result<Vec<DeliveryRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT d.id, e.id, coalesce(e.organization, ''),
                    (SELECT f.run_id FROM event f WHERE f.run_number = e.run_number AND f.run_id IS NOT NULL
                     ORDER BY f.sequence LIMIT 1),
                    (SELECT f.sentry_run_id FROM event f
                     WHERE f.run_number = e.run_number AND f.sentry_run_id IS NOT NULL ORDER BY f.sequence LIMIT 1),
                    (SELECT f.id FROM event f WHERE f.run_number = e.run_number ORDER BY f.sequence LIMIT 1),
                    e.action, e.resource, t.name, t.kind, d.state, d.lease_until, d.attempts, d.last_status, d.last_reason,
                    d.created_at, d.due_at, d.finished_at,
                    (SELECT o.id FROM delivery o WHERE o.number = d.replay_of),
                    (SELECT o.id FROM delivery o WHERE o.number = d.replayed_by), d.part,
                    d.muting, d.held_until, d.mentions,
                    u.id, (SELECT name FROM destination WHERE id = u.destination_id),
                    v.id, (SELECT name FROM destination WHERE id = v.destination_id),
                    (SELECT o.id FROM delivery o WHERE o.number = d.digest AND o.number <> d.number),
                    iif(d.number = d.digest,
                        (SELECT count(*) FROM delivery o WHERE o.digest = d.number AND o.origin = 'event'), NULL)
             FROM {from} CROSS JOIN destination t ON t.id = d.destination_id
             LEFT JOIN delivery u ON u.number = d.fallback_of LEFT JOIN delivery v ON v.number = d.fallback_by WHERE {} {end}",
            conditions.join(" AND ")
        ))?
        .query_map(params_from_iter(values), |row| read_delivery(row, now))?
        .collect()
}

fn read_delivery(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<DeliveryRow> {
    let event_id: String = row.get(1)?;
    let organization: String = row.get(2)?;
    let run_id: Option<String> = row.get(3)?;
    let shown = match (&run_id, row.get::<_, Option<String>>(4)?, row.get::<_, Option<String>>(5)?) {
        (Some(id), _, _) => id.clone(),
        (None, Some(id), _) | (None, None, Some(id)) => id,
        (None, None, None) => event_id.clone(),
    };
    let leased = row.get::<_, Option<i64>>(11)?.is_some_and(|until| until > micros(now));
    let kept = word(row.get_ref(10)?.as_str()?, DeliveryState::from_word)?;
    let state = if leased && kept == DeliveryState::Waiting { DeliveryState::Sending } else { kept };
    let due_at = row.get::<_, Option<i64>>(16)?.map(time);
    let finished_at = row.get::<_, Option<i64>>(17)?.map(time);
    Ok(DeliveryRow {
        id: DeliveryId::new(row.get::<_, String>(0)?),
        event_id: EventId::new(event_id),
        run: format!("{organization}/{shown}"),
        organization: Organization::new(organization),
        run_id,
        action: Action::from_name(row.get_ref(6)?.as_str()?).shown(row.get_ref(7)?.as_str()?),
        part: word(row.get_ref(20)?.as_str()?, Part::from_word)?,
        destination: DestinationName::new(row.get::<_, String>(8)?),
        kind: word(row.get_ref(9)?.as_str()?, DestinationKind::from_word)?,
        state,
        attempts: row.get(12)?,
        last_status: row.get(13)?,
        last_reason: row
            .get_ref(14)?
            .as_str_or_null()?
            .map(|text| word(text, Reason::from_word))
            .transpose()?,
        created_at: time(row.get(15)?),
        next_attempt_at: due_at.filter(|_| state == DeliveryState::Waiting),
        delivered_at: finished_at.filter(|_| state == DeliveryState::Delivered),
        muting: row.get_ref(21)?.as_str_or_null()?.map(of_json).transpose()?,
        held_until: row.get::<_, Option<i64>>(22)?.map(time),
        mentions: of_json_list(row.get_ref(23)?.as_str_or_null()?)?,
        replay_of: row.get::<_, Option<String>>(18)?.map(DeliveryId::new),
        replayed_by: row.get::<_, Option<String>>(19)?.map(DeliveryId::new),
        fallback_for: read_other(row, 24)?,
        fallback_by: read_other(row, 26)?,
        digest: row.get::<_, Option<String>>(28)?.map(DeliveryId::new),
        gathered: row.get::<_, Option<i64>>(29)?.map(i64::unsigned_abs),
    })
}

/// Reads another delivery and where that goes, if there is one.
fn read_other(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<(DeliveryId, DestinationName)>> {
    let id: Option<String> = row.get(column)?;
    let name: Option<String> = row.get(column + 1)?;
    Ok(id.map(DeliveryId::new).zip(name.map(DestinationName::new)))
}

/// Counts what waits, from indexes alone.
pub(super) fn backlog(connection: &Connection) -> rusqlite::Result<Backlog> {
    let events = connection
        .prepare_cached("SELECT count(*) FROM event INDEXED BY event_waiting WHERE due_at IS NOT NULL")?
        .query_row([], |row| unsigned(row, 0))?;
    let unfinished = count(connection, "delivery_lane", "state = 'waiting'", "min(first_due_at)")?;
    let leased = count(connection, "delivery_leased", "lease_until IS NOT NULL", "NULL")?;
    let dead = count(connection, "delivery_dead", "state = 'dead'", "NULL")?;
    let mut statement = connection.prepare_cached("SELECT id, name FROM destination ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut queues = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let of = |counts: &BTreeMap<i64, Count>| counts.get(&id).copied().unwrap_or_default();
        let (unfinished, sending, dead) = (of(&unfinished), of(&leased).number, of(&dead).number);
        if unfinished.number > 0 || dead > 0 {
            queues.push(QueueLength {
                destination: DestinationName::new(row.get::<_, String>(1)?),
                waiting: unfinished.number.saturating_sub(sending),
                sending,
                dead,
                first_due_at: unfinished.first_at.map(time),
            });
        }
    }
    Ok(Backlog { events, queues })
}

/// How many deliveries there are of a sort, and since when.
#[derive(Clone, Copy, Default)]
struct Count {
    number: u64,
    first_at: Option<i64>,
}

fn count(
    connection: &Connection,
    index: &str,
    condition: &str,
    first_at: &str,
) -> rusqlite::Result<BTreeMap<i64, Count>> {
    connection
        .prepare_cached(&format!(
            "SELECT destination_id, count(*), {first_at} FROM delivery INDEXED BY {index} WHERE {condition}
             GROUP BY destination_id"
        ))?
        .query_map([], |row| Ok((row.get(0)?, Count { number: unsigned(row, 1)?, first_at: row.get(2)? })))?
        .collect()
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(|number: i64| u64::try_from(number).unwrap_or_default())
}
