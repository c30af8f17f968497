//! Forgetting: runs go before their time, with everything that was written of them, and the bytes they took are
//! overwritten.
//!
//! Of what is removed the newest event, the newest delivery and the newest run leave an empty row behind until newer ones
//! are there: their numbers must not be given out anew while anybody still works with them.

pub(super) mod husk;
pub(super) mod search;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::Sha256;

use super::catalogue::label::{self, Facet};
use super::value::{micros, time};
use super::{catalogue, cursor, digest, fallback, find, lane, run, writer::Writing};
use crate::store::{Doomed, FindError, ForgetTarget, Forgotten};

/// How many bytes of bodies one transaction removes, about.
const BYTES_AT_ONCE: i64 = 1024 * 1024;

/// Finds what would be removed.
pub(super) fn find(
    connection: &Connection,
    target: &ForgetTarget,
) -> rusqlite::Result<Result<Doomed, FindError>> {
    let (target, runs) = match target {
        ForgetTarget::Run(name) => match find::run(connection, name)? {
            Ok(number) => {
                let label = catalogue::outline_of(connection, number)?.map(|outline| outline.label());
                (ForgetTarget::Run(label.unwrap_or_else(|| name.clone())), vec![number])
            }
            Err(error) => return Ok(Err(error)),
        },
        ForgetTarget::Repo(repo) => {
            let label = label::find(connection, Facet::Repo, repo)?;
            let runs = connection
                .prepare_cached("SELECT run_number FROM facet WHERE label_id = ?1 ORDER BY run_number")?
                .query_map([label], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<i64>>>()?;
            (ForgetTarget::Repo(repo.clone()), runs)
        }
    };
    let mut doomed = Doomed { target, events: 0, deliveries: 0, runs };
    for run in &doomed.runs {
        let (events, deliveries) = count(connection, *run)?;
        doomed.events += events;
        doomed.deliveries += deliveries;
    }
    Ok(Ok(doomed))
}

fn count(connection: &Connection, run: i64) -> rusqlite::Result<(u64, u64)> {
    connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM event WHERE run_number = ?1),
                    (SELECT count(*) FROM event e CROSS JOIN delivery d ON d.event_sequence = e.sequence
                     WHERE e.run_number = ?1)",
        )?
        .query_row([run], |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
        })
}

/// Begins the record of what is being removed; returns its number.
pub(super) fn begin(writing: &Writing<'_>, target: &ForgetTarget, now: Timestamp) -> rusqlite::Result<i64> {
    let (kind, name) = match target {
        ForgetTarget::Run(name) => ("run", name),
        ForgetTarget::Repo(name) => ("repo", name),
    };
    let fingerprint = fingerprint(writing.connection, kind, name)?;
    writing
        .prepare(
            "INSERT INTO forgotten (at, kind, name, runs, events, deliveries) VALUES (?1, ?2, ?3, 0, 0, 0)",
        )?
        .insert(params![micros(now), kind, fingerprint])
}

fn fingerprint(connection: &Connection, kind: &str, name: &str) -> rusqlite::Result<Vec<u8>> {
    let key: Vec<u8> = connection.query_row("SELECT address_key FROM store", [], |row| row.get(0))?;
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return Ok(Vec::new()) };
    mac.update(format!("forgotten {kind} {name}").as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Lists what was removed, the newest first; of one name alone where one is asked for.
pub(super) fn list(connection: &Connection, name: Option<&str>) -> rusqlite::Result<Vec<Forgotten>> {
    let names = match name {
        Some(name) => [fingerprint(connection, "run", name)?, fingerprint(connection, "repo", name)?],
        None => [Vec::new(), Vec::new()],
    };
    connection
        .prepare_cached(
            "SELECT at, kind, name, runs, events, deliveries FROM forgotten
             WHERE ?1 = 0 OR name = ?2 OR name = ?3 ORDER BY number DESC",
        )?
        .query_map(params![name.is_some(), names[0], names[1]], read)?
        .collect()
}

/// Reads one record of what was removed.
pub(super) fn of_number(connection: &Connection, number: i64) -> rusqlite::Result<Forgotten> {
    connection
        .prepare_cached("SELECT at, kind, name, runs, events, deliveries FROM forgotten WHERE number = ?1")?
        .query_row([number], read)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Forgotten> {
    let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok(Forgotten {
        at: time(row.get(0)?),
        kind: row.get(1)?,
        fingerprint: hex::encode(row.get::<_, Vec<u8>>(2)?),
        runs: number(3)?,
        events: number(4)?,
        deliveries: number(5)?,
    })
}

/// Overwrites what is deleted from now on, or no more than costs nothing.
fn overwrite(connection: &Connection, everything: bool) -> rusqlite::Result<()> {
    let level = if everything { "ON" } else { "FAST" };
    connection.pragma_update_and_check(None, "secure_delete", level, |_| Ok(()))
}

/// Does something while everything that is deleted is overwritten.
fn overwriting<T>(
    writing: &mut Writing<'_>,
    work: impl FnOnce(&mut Writing<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    overwrite(writing.connection, true)?;
    let done = work(writing);
    overwrite(writing.connection, false)?;
    done
}

/// Removes some of a run, or what is left of it, and adds it to its record; returns whether it is gone. With the first step
/// nothing of it waits to be sent any more.
pub(super) fn remove(
    writing: &mut Writing<'_>,
    number: i64,
    run: i64,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    overwriting(writing, |writing| {
        stop(writing, run, now)?;
        if strip(writing, run)? {
            return Ok(false);
        }
        let (events, deliveries) = count(writing.connection, run)?;
        let is_there = writing.prepare("SELECT 1 FROM run WHERE number = ?1")?.exists([run])?;
        if !is_there && events == 0 {
            return Ok(true);
        }
        remove_rest(writing, run)?;
        writing
            .prepare(
                "UPDATE forgotten SET runs = runs + 1, events = events + ?2, deliveries = deliveries + ?3
                 WHERE number = ?1",
            )?
            .execute([number, events.cast_signed(), deliveries.cast_signed()])?;
        Ok(true)
    })
}

/// Lets nothing of a run wait any more, neither to be routed nor to be sent. A digest that others are in goes on without it.
fn stop(writing: &Writing<'_>, run: i64, now: Timestamp) -> rusqlite::Result<()> {
    writing
        .prepare(
            "UPDATE event SET due_at = NULL, fence = fence + 1 WHERE run_number = ?1 AND due_at IS NOT NULL",
        )?
        .execute([run])?;
    let carriers: Vec<(i64, i64)> = writing
        .prepare(
            "SELECT d.number, d.destination_id FROM event e CROSS JOIN delivery d ON d.event_sequence = e.sequence
             WHERE e.run_number = ?1 AND d.digest = d.number",
        )?
        .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (carrier, _) in &carriers {
        pass_on(writing, run, *carrier)?;
    }
    writing
        .prepare(
            "UPDATE delivery SET state = 'superseded', due_at = NULL, lease_until = NULL, fence = fence + 1,
                 finished_at = ?2
             WHERE state = 'waiting' AND event_sequence IN (SELECT sequence FROM event WHERE run_number = ?1)",
        )?
        .execute([run, micros(now)])?;
    for (_, destination) in carriers {
        // What stood behind it in the lane of the digests.
        lane::promote(writing, digest::DIGEST_LANE, destination, now)?;
        fallback::follow(writing, digest::DIGEST_LANE, destination)?;
    }
    Ok(())
}

/// Lets the delivery that was opened for a digest, and those that repeat it, stand for another of the events in it, of
/// another run; that event's own row goes. Where the digest has none, it goes with the run.
fn pass_on(writing: &Writing<'_>, run: i64, carrier: i64) -> rusqlite::Result<()> {
    let heir: Option<(i64, i64)> = writing
        .prepare(
            "SELECT m.number, m.event_sequence
             FROM delivery m INDEXED BY delivery_digest CROSS JOIN event e ON e.sequence = m.event_sequence
             WHERE m.digest = ?2 AND m.number <> ?2 AND m.origin = 'event' AND e.run_number IS NOT ?1
             ORDER BY m.number LIMIT 1",
        )?
        .query_row([run, carrier], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((heir, event)) = heir else { return Ok(()) };
    writing
        .prepare(
            "UPDATE delivery SET event_sequence = ?3
             WHERE digest = ?2 AND (number = ?2 OR origin <> 'event')
               AND event_sequence IN (SELECT sequence FROM event WHERE run_number = ?1)",
        )?
        .execute([run, carrier, event])?;
    // Whom the others mention the digest mentions by itself.
    writing.prepare("UPDATE delivery SET mentions = (SELECT mentions FROM delivery WHERE number = ?2) WHERE number = ?1")?
        .execute([carrier, heir])?;
    remove_delivery(writing, heir)
}

fn remove_delivery(writing: &Writing<'_>, number: i64) -> rusqlite::Result<()> {
    husk::leave_delivery(writing, number)?;
    writing.prepare("DELETE FROM attempt WHERE delivery_number = ?1")?.execute([number])?;
    writing
        .prepare("DELETE FROM delivery WHERE number = ?1 AND event_sequence <> 0")?
        .execute([number])
        .map(drop)
}

/// Removes some of what the webhooks of a run said, the heaviest part of it; returns whether there is more.
fn strip(writing: &Writing<'_>, run: i64) -> rusqlite::Result<bool> {
    let mut heavy = writing.prepare(
        "SELECT e.sequence, coalesce(length(p.body), 0) + coalesce(octet_length(a.artifacts), 0)
         FROM event e LEFT JOIN payload p ON p.sequence = e.sequence
              LEFT JOIN event_artifacts a ON a.sequence = e.sequence
         WHERE e.run_number = ?1 AND (p.sequence IS NOT NULL OR a.sequence IS NOT NULL)",
    )?;
    let mut rows = heavy.query([run])?;
    let (mut sequences, mut left): (Vec<i64>, i64) = (Vec::new(), BYTES_AT_ONCE);
    let mut is_more = false;
    while let Some(row) = rows.next()? {
        if left <= 0 {
            is_more = true;
            break;
        }
        sequences.push(row.get(0)?);
        left -= row.get::<_, i64>(1)?;
    }
    drop(rows);
    for sequence in sequences {
        writing.prepare("DELETE FROM payload WHERE sequence = ?1")?.execute([sequence])?;
        writing.prepare("DELETE FROM event_artifacts WHERE sequence = ?1")?.execute([sequence])?;
    }
    Ok(is_more)
}

/// Removes a run of which nothing is heavy any more.
fn remove_rest(writing: &Writing<'_>, run: i64) -> rusqlite::Result<()> {
    let groups: Vec<(String, String)> = writing
        .prepare("SELECT DISTINCT group_id, organization FROM event WHERE run_number = ?1 AND group_id IS NOT NULL")?
        .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let earlier: Option<i64> = writing
        .prepare("SELECT earlier FROM run WHERE number = ?1")?
        .query_row([run], |row| row.get(0))
        .optional()?
        .flatten();
    for (group, organization) in &groups {
        lead_past(writing, run, earlier, group, organization)?;
    }
    let newest = husk::leave_newest(writing, run)?;
    writing.prepare("DELETE FROM uncatalogued WHERE run_number = ?1")?.execute([run])?;
    run::remove(writing, run)?;
    newest.map_or(Ok(()), |newest| husk::leave_event(writing, &newest))?;
    for (group, organization) in &groups {
        remove_issue(writing, group, organization)?;
    }
    cursor::follow_removal(writing)
}

/// Lets the id of an issue lead past a run to the one before it.
fn lead_past(
    writing: &Writing<'_>,
    run: i64,
    earlier: Option<i64>,
    group: &str,
    organization: &str,
) -> rusqlite::Result<()> {
    let newest: Option<i64> = writing
        .prepare("SELECT run_number FROM run_name WHERE name = ?1 AND kind = 'group' AND organization = ?2")?
        .query_row([group, organization], |row| row.get(0))
        .optional()?;
    if newest == Some(run) {
        writing
            .prepare(
                "UPDATE run_name SET run_number = ?4
                 WHERE name = ?1 AND kind = 'group' AND organization = ?2 AND run_number = ?3
                   AND EXISTS (SELECT 1 FROM event WHERE run_number = ?4 AND group_id = ?1)",
            )?
            .execute(params![group, organization, run, earlier])?;
        return Ok(());
    }
    let mut next = newest;
    while let Some(number) = next {
        let before: Option<i64> = writing
            .prepare("SELECT earlier FROM run WHERE number = ?1")?
            .query_row([number], |row| row.get(0))
            .optional()?
            .flatten();
        if before == Some(run) {
            writing
                .prepare("UPDATE run SET earlier = ?2 WHERE number = ?1")?
                .execute(params![number, earlier])?;
        }
        // It is smaller, so that this comes to an end.
        next = before.filter(|before| *before < number && *before != run);
    }
    Ok(())
}

/// Removes what Sentry said of an issue, and of the one that it was merged into, where no run leads there any more.
fn remove_issue(writing: &Writing<'_>, group: &str, organization: &str) -> rusqlite::Result<()> {
    let survivor: Option<String> = writing
        .prepare("SELECT merged_into FROM issue WHERE group_id = ?1 AND organization = ?2")?
        .query_row([group, organization], |row| row.get(0))
        .optional()?
        .flatten();
    for issue in [Some(group), survivor.as_deref()].into_iter().flatten() {
        writing
            .prepare(
                "DELETE FROM issue WHERE group_id = ?1 AND organization = ?2
                   AND NOT EXISTS (SELECT 1 FROM run_name WHERE name = ?1 AND kind = 'group' AND organization = ?2)
                   AND NOT EXISTS (SELECT 1 FROM issue o WHERE o.merged_into = ?1 AND o.organization = ?2)",
            )?
            .execute([issue, organization])?;
    }
    Ok(())
}
