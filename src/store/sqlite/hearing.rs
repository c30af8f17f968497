//! Hearing: when each organization's webhooks came last, and that it was told that none do.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::value::{micros, span, time};
use super::{accept, writer::Writing};
use crate::event::{Action, EventId, Organization, RELAY_RESOURCE};
use crate::store::{Hearing, Notice};

/// Among how many of the newest events those of an organization are looked for that were accepted while nobody wrote
/// down what was heard.
const NEWEST_EVENTS: i64 = 10_000;

/// Begins to listen; returns what is known of each of these organizations. One that is new is listened to from now on, and
/// so are all where the relay has not listened for longer than `longest_break`, or the clock was set back.
pub(super) fn begin(
    writing: &Writing<'_>,
    organizations: &[Organization],
    longest_break: Duration,
    now: Timestamp,
) -> rusqlite::Result<Vec<Hearing>> {
    let mut begin = writing.prepare(
        "INSERT INTO hearing (organization, listens_since, awake_at, bad_signatures) VALUES (?1, ?2, ?2, 0)
         ON CONFLICT DO UPDATE SET awake_at = ?2,
             listens_since = iif(abs(?2 - awake_at) > ?3, ?2, min(listens_since, ?2))",
    )?;
    for organization in organizations {
        begin.execute(params![organization.as_str(), micros(now), span(longest_break)])?;
        if let Some(heard_at) = newest_event(writing, organization)? {
            note_heard(writing, organization, heard_at)?;
        }
    }
    let mut read = writing.prepare(
        "SELECT organization, heard_at, listens_since, bad_signatures, told_at IS NOT NULL FROM hearing
         WHERE organization = ?1",
    )?;
    organizations.iter().map(|organization| read.query_row([organization.as_str()], read_hearing)).collect()
}

fn read_hearing(row: &Row<'_>) -> rusqlite::Result<Hearing> {
    Ok(Hearing {
        organization: Organization::new(row.get::<_, String>(0)?),
        heard_at: row.get::<_, Option<i64>>(1)?.map(time),
        listens_since: time(row.get(2)?),
        bad_signatures: row.get::<_, i64>(3)?.cast_unsigned(),
        is_told: row.get(4)?,
    })
}

fn newest_event(writing: &Writing<'_>, organization: &Organization) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT received_at FROM
                 (SELECT organization, resource, received_at FROM event ORDER BY sequence DESC LIMIT ?3)
             WHERE organization = ?1 AND resource <> ?2 LIMIT 1",
        )?
        .query_row(params![organization.as_str(), RELAY_RESOURCE, NEWEST_EVENTS], |row| row.get(0))
        .optional()
}

/// Takes over what was accepted while nobody wrote down what was heard.
fn note_heard(writing: &Writing<'_>, organization: &Organization, heard_at: i64) -> rusqlite::Result<()> {
    writing
        .prepare(
            "UPDATE hearing SET heard_at = ?2, told_at = NULL, bad_signatures = 0
             WHERE organization = ?1 AND (heard_at IS NULL OR heard_at < ?2)",
        )?
        .execute(params![organization.as_str(), heard_at])
        .map(drop)
}

/// Writes what was heard. A notice becomes an event that waits to be routed, unless it was told before; returns its id.
pub(super) fn settle(
    writing: &mut Writing<'_>,
    hearing: &Hearing,
    notice: Option<(&Notice, &str)>,
    now: Timestamp,
) -> rusqlite::Result<Option<EventId>> {
    let is_told = hearing.is_told || notice.is_some();
    let was_told: bool = writing
        .prepare("SELECT told_at IS NOT NULL FROM hearing WHERE organization = ?1")?
        .query_row([hearing.organization.as_str()], |row| row.get(0))
        .optional()?
        .unwrap_or(false);
    writing
        .prepare(
            "INSERT INTO hearing (organization, heard_at, listens_since, awake_at, bad_signatures, told_at)
             VALUES (?1, ?2, ?3, ?4, ?5, iif(?6, ?4, NULL))
             ON CONFLICT DO UPDATE SET heard_at = ?2, listens_since = ?3, awake_at = ?4, bad_signatures = ?5,
                 told_at = iif(?6, coalesce(told_at, ?4), NULL)",
        )?
        .execute(params![
            hearing.organization.as_str(),
            hearing.heard_at.map(micros),
            micros(hearing.listens_since),
            micros(now),
            hearing.bad_signatures.cast_signed(),
            is_told
        ])?;
    match notice {
        Some((notice, artifacts)) if !was_told => {
            insert_notice(writing, &hearing.organization, &notice.action, artifacts, now).map(Some)
        }
        Some(_) | None => Ok(None),
    }
}

/// Adds a notice that is about no run. It is kept as one of its own, so that it is sent, found and removed as any other.
pub(super) fn insert_notice(
    writing: &mut Writing<'_>,
    organization: &Organization,
    action: &Action,
    artifacts: &str,
    now: Timestamp,
) -> rusqlite::Result<EventId> {
    let id = writing.ids.event(now);
    let run = writing
        .prepare("INSERT INTO run (organization, opened_at) VALUES (?1, ?2)")?
        .insert(params![organization.as_str(), micros(now)])?;
    let sequence = writing
        .prepare(
            "INSERT INTO event (id, organization, run_number, resource, action, received_at, due_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )?
        .insert(params![
            id.as_str(),
            organization.as_str(),
            run,
            RELAY_RESOURCE,
            action.as_str(),
            micros(now)
        ])?;
    accept::insert_artifacts(writing, sequence, artifacts)?;
    Ok(id)
}
