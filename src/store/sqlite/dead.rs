//! Dead letters that are to be told of: counted as they die, by destination and reason, and told together.
//!
//! Nothing is counted of the relay's own notices: what tells of dead letters must not make more of them.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::value::{micros, span, time};
use super::{health, writer::Writing};
use crate::delivery::Reason;
use crate::event::{Action, DestinationReport, Organization, RELAY_RESOURCE, ReasonCount};
use crate::store::{DeadTold, ToldNotice};

/// Counts a delivery that has become a dead letter, where these are told of.
pub(super) fn count(
    writing: &Writing<'_>,
    delivery: i64,
    reason: Reason,
    now: Timestamp,
) -> rusqlite::Result<()> {
    writing
        .prepare(
            "INSERT INTO dead_untold (destination_id, reason, number, organization, first_at)
             SELECT d.destination_id, ?2, 1, coalesce(e.organization, ''), ?3
             FROM delivery d JOIN event e ON e.sequence = d.event_sequence
             WHERE d.number = ?1 AND e.resource <> ?4 AND (SELECT counts_dead FROM store) = 1
             ON CONFLICT DO UPDATE SET number = number + 1, organization = excluded.organization",
        )?
        .execute(params![delivery, reason.as_str(), micros(now), RELAY_RESOURCE])
        .map(drop)
}

/// Counts from now on, or no longer: then what was not told is forgotten.
pub(super) fn begin(writing: &Writing<'_>, counts: bool) -> rusqlite::Result<()> {
    writing.prepare("UPDATE store SET counts_dead = ?1 WHERE counts_dead <> ?1")?.execute([counts])?;
    if !counts {
        writing.prepare("DELETE FROM dead_untold")?.execute([])?;
    }
    Ok(())
}

/// A destination with dead letters that were not told.
struct Untold {
    destination: i64,
    name: String,
    kind: String,
    first_at: i64,
    told_at: Option<i64>,
}

/// Makes the notices that are due.
pub(super) fn tell(
    writing: &mut Writing<'_>,
    gather: Duration,
    at_most_every: Duration,
    now: Timestamp,
) -> rusqlite::Result<DeadTold> {
    let mut told = DeadTold::default();
    for untold in untold(writing)? {
        let due_at = untold.due_at(gather, at_most_every, now);
        if due_at > micros(now) {
            let due_at = time(due_at);
            told.next_due = Some(told.next_due.map_or(due_at, |next| next.min(due_at)));
            continue;
        }
        told.notices.push(tell_of(writing, untold, now)?);
    }
    Ok(told)
}

impl Untold {
    /// Returns when it may be told. What seems to lie ahead was before the clock was set back.
    fn due_at(&self, gather: Duration, at_most_every: Duration, now: Timestamp) -> i64 {
        let past = |at: &i64| *at <= micros(now);
        let gathered = Some(self.first_at).filter(past).map(|at| at.saturating_add(span(gather)));
        let again = self.told_at.filter(past).map(|at| at.saturating_add(span(at_most_every)));
        gathered.max(again).unwrap_or_default()
    }
}

fn untold(writing: &Writing<'_>) -> rusqlite::Result<Vec<Untold>> {
    writing
        .prepare(
            "SELECT t.id, t.name, t.kind, min(u.first_at), t.dead_told_at
             FROM dead_untold u JOIN destination t ON t.id = u.destination_id GROUP BY t.id ORDER BY t.id",
        )?
        .query_map([], |row| {
            Ok(Untold {
                destination: row.get(0)?,
                name: row.get(1)?,
                kind: row.get(2)?,
                first_at: row.get(3)?,
                told_at: row.get(4)?,
            })
        })?
        .collect()
}

fn tell_of(writing: &mut Writing<'_>, untold: Untold, now: Timestamp) -> rusqlite::Result<ToldNotice> {
    let Untold { destination, name, kind, first_at, .. } = untold;
    let counted: Vec<(ReasonCount, String)> = writing
        .prepare(
            "SELECT reason, number, organization FROM dead_untold WHERE destination_id = ?1
             ORDER BY number DESC, reason",
        )?
        .query_map([destination], |row| {
            let number = row.get::<_, i64>(1)?.unsigned_abs();
            Ok((ReasonCount { reason: row.get(0)?, number }, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let organization = counted.first().map(|(_, organization)| organization.clone()).unwrap_or_default();
    let reasons: Vec<ReasonCount> = counted.into_iter().map(|(count, _)| count).collect();
    let report = DestinationReport {
        name,
        kind,
        reason: reasons.first().map(|count| count.reason.clone()),
        since: Some(time(first_at)),
        dead_letters: Some(reasons.iter().map(|count| count.number).sum()),
        reasons,
        ..DestinationReport::default()
    };
    writing.prepare("DELETE FROM dead_untold WHERE destination_id = ?1")?.execute([destination])?;
    writing
        .prepare("UPDATE destination SET dead_told_at = ?2 WHERE id = ?1")?
        .execute([destination, micros(now)])?;
    health::insert_notice(writing, &Organization::new(organization), Action::DeadLetter, report, now)
}
