//! Health: which destinations take nothing, since when, and what was told of that, over restarts.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::hearing;
use super::value::{micros, span, time};
use super::{dead, writer::Writing};
use crate::delivery::{DestinationName, Reason};
use crate::event::{Action, Artifacts, DestinationReport, Organization};
use crate::store::{Downtime, Health, HealthChange, HealthSettled, ToldNotice};

/// Begins to tell of destinations; returns those that took nothing.
pub(super) fn begin(writing: &Writing<'_>, counts_dead: bool) -> rusqlite::Result<Vec<Downtime>> {
    dead::begin(writing, counts_dead)?;
    writing
        .prepare("SELECT name, down_is_told FROM destination WHERE down_since IS NOT NULL ORDER BY id")?
        .query_map([], |row| {
            Ok(Downtime { name: DestinationName::new(row.get::<_, String>(0)?), is_told: row.get(1)? })
        })?
        .collect()
}

/// A destination, and what is remembered of its health.
struct Known {
    id: i64,
    kind: String,
    since: Option<i64>,
    organization: Option<String>,
    is_told: bool,
    told_at: Option<i64>,
}

/// Writes whether a destination takes deliveries, and has it told.
pub(super) fn settle(
    writing: &mut Writing<'_>,
    change: &HealthChange,
    now: Timestamp,
) -> rusqlite::Result<HealthSettled> {
    let Some(known) = known(writing, &change.name)? else { return Ok(HealthSettled::default()) };
    match change.health {
        Health::Refuses { since, reason } => go_down(writing, known, change, since, reason, now),
        Health::Takes => come_up(writing, known, change, now),
    }
}

fn known(writing: &Writing<'_>, name: &DestinationName) -> rusqlite::Result<Option<Known>> {
    writing
        .prepare(
            "SELECT id, kind, down_since, down_organization, down_is_told, down_told_at FROM destination
             WHERE name = ?1",
        )?
        .query_row([name.as_str()], |row| {
            Ok(Known {
                id: row.get(0)?,
                kind: row.get(1)?,
                since: row.get(2)?,
                organization: row.get(3)?,
                is_told: row.get(4)?,
                told_at: row.get(5)?,
            })
        })
        .optional()
}

fn go_down(
    writing: &mut Writing<'_>,
    known: Known,
    change: &HealthChange,
    since: Timestamp,
    reason: Reason,
    now: Timestamp,
) -> rusqlite::Result<HealthSettled> {
    let since = known.since.unwrap_or_else(|| micros(since));
    let organization = match known.organization {
        Some(organization) => organization,
        None => whose(writing, known.id)?,
    };
    // What seems to lie ahead was told before the clock was set back.
    let told_at = known.told_at.filter(|at| *at <= micros(now));
    let tell_at = told_at.map(|at| at.saturating_add(span(change.at_most_every)));
    let tell_at = tell_at.filter(|at| *at > micros(now) && !known.is_told);
    let is_told_now = (change.routed.down || change.routed.up) && !known.is_told && tell_at.is_none();
    writing
        .prepare(
            "UPDATE destination SET down_since = ?2, down_organization = ?3, down_is_told = ?4,
                 down_told_at = iif(?5, ?6, down_told_at)
             WHERE id = ?1",
        )?
        .execute(params![
            known.id,
            since,
            organization,
            known.is_told || is_told_now,
            is_told_now,
            micros(now)
        ])?;
    let mut settled = HealthSettled { notice: None, tell_at: tell_at.map(time) };
    if is_told_now && change.routed.down {
        let report = DestinationReport {
            name: change.name.to_string(),
            kind: known.kind,
            reason: Some(reason.to_string()),
            since: Some(time(since)),
            waiting: Some(change.waiting),
            ..DestinationReport::default()
        };
        let organization = Organization::new(organization);
        let notice = insert_notice(writing, &organization, Action::DestinationDown, report, now)?;
        settled.notice = Some(notice);
    }
    Ok(settled)
}

fn come_up(
    writing: &mut Writing<'_>,
    known: Known,
    change: &HealthChange,
    now: Timestamp,
) -> rusqlite::Result<HealthSettled> {
    let Some(since) = known.since else { return Ok(HealthSettled::default()) };
    writing
        .prepare(
            "UPDATE destination SET down_since = NULL, down_organization = NULL, down_is_told = 0 WHERE id = ?1",
        )?
        .execute([known.id])?;
    if !(known.is_told && change.routed.up) {
        return Ok(HealthSettled::default());
    }
    let report = DestinationReport {
        name: change.name.to_string(),
        kind: known.kind,
        since: Some(time(since)),
        seconds: Some(now.duration_since(time(since)).as_secs().try_into().unwrap_or_default()),
        waiting: Some(change.waiting),
        ..DestinationReport::default()
    };
    let organization = Organization::new(known.organization.unwrap_or_default());
    let notice = insert_notice(writing, &organization, Action::DestinationUp, report, now)?;
    Ok(HealthSettled { notice: Some(notice), tell_at: None })
}

/// Returns the organization that a destination did not serve last: of what waits there, or died; else of the newest event.
fn whose(writing: &Writing<'_>, destination: i64) -> rusqlite::Result<String> {
    for sql in [
        "SELECT event_sequence FROM delivery INDEXED BY delivery_due
         WHERE destination_id = ?1 AND due_at IS NOT NULL AND lease_until IS NULL ORDER BY due_at LIMIT 1",
        "SELECT event_sequence FROM delivery INDEXED BY delivery_leased
         WHERE destination_id = ?1 AND lease_until IS NOT NULL LIMIT 1",
        "SELECT event_sequence FROM delivery INDEXED BY delivery_dead
         WHERE destination_id = ?1 AND state = 'dead' ORDER BY number DESC LIMIT 1",
        "SELECT sequence FROM event WHERE ?1 IS NOT NULL AND organization IS NOT NULL ORDER BY sequence DESC LIMIT 1",
    ] {
        let organization: Option<Option<String>> = writing
            .connection
            .prepare_cached(&format!("SELECT organization FROM event WHERE sequence = ({sql})"))?
            .query_row([destination], |row| row.get(0))
            .optional()?;
        if let Some(organization) = organization.flatten() {
            return Ok(organization);
        }
    }
    Ok(String::new())
}

/// Adds a notice about a destination, which is about no run.
pub(super) fn insert_notice(
    writing: &mut Writing<'_>,
    organization: &Organization,
    action: Action,
    report: DestinationReport,
    now: Timestamp,
) -> rusqlite::Result<ToldNotice> {
    let destination = DestinationName::new(report.name.clone());
    let artifacts = Artifacts { destination: Some(report), ..Artifacts::default() };
    let artifacts = serde_json::to_string(&artifacts)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let id = hearing::insert_notice(writing, organization, &action, &artifacts, now)?;
    Ok(ToldNotice { action, id, destination })
}
