//! Claims: deliveries that are due are leased, the oldest first, each destination within its own allowance.
//!
//! What is not due, not the oldest of its lane or leased is in no index that is read here, so a claim costs the same
//! with 200,000 waiting as with none.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::value::{micros, micros_after, of_json_list, time, word};
use super::{destination, writer::Writing};
use crate::delivery::{
    Delivery, DeliveryId, DestinationName, Fingerprint, FirstMessage, MessageRef, Origin, Part, Reason, Rung,
    StandsFor,
};
use crate::event::EventId;
use crate::store::{Claims, DeliveryClaim, DeliveryTicket, OpenDestination};

/// Ends the leases for `?1` that have run out at `?2`.
const END_LEASES: &str =
    "UPDATE delivery SET lease_until = NULL WHERE destination_id = ?1 AND lease_until <= ?2";

/// Finds the first `?3` that are due for `?1` at `?2`.
const FIND_DUE: &str = "
    SELECT d.number, d.fence, d.id, e.id, d.template_set, d.origin, d.created_at, d.first_due_at, d.attempts,
           d.failures, d.rung, d.part, d.in_doubt, m.channel, m.id, m.shows, m.mentions, d.mentions, d.held_until,
           f.name, d.fallback_reason
    FROM delivery d CROSS JOIN event e ON e.sequence = d.event_sequence
    LEFT JOIN message m ON m.run_number = d.run_number AND m.destination_id = d.destination_id
    LEFT JOIN delivery o ON o.number = d.fallback_of LEFT JOIN destination f ON f.id = o.destination_id
    WHERE d.destination_id = ?1 AND d.due_at <= ?2 AND d.lease_until IS NULL
    ORDER BY d.due_at, d.number LIMIT ?3";

/// Finds when the next one falls due for `?1`, or its next lease ends.
const NEXT_DUE: &str = "
    SELECT min(next) FROM (
        SELECT min(due_at) AS next FROM delivery
        WHERE destination_id = ?1 AND due_at IS NOT NULL AND lease_until IS NULL
        UNION ALL
        SELECT min(lease_until) FROM delivery WHERE destination_id = ?1 AND lease_until IS NOT NULL)";

/// Claims what is due for the open destinations.
pub(super) fn claim(
    writing: &Writing<'_>,
    open: &[OpenDestination],
    now: Timestamp,
    lease: Duration,
) -> rusqlite::Result<Claims> {
    let mut claims = Claims::default();
    for destination in open {
        let Some(id) = destination::find(writing, &destination.name)? else { continue };
        end_leases(writing, id, now)?;
        let due = find_due(writing, id, destination, now)?;
        let until = micros_after(now, lease);
        for claim in &due {
            writing
                .prepare("UPDATE delivery SET lease_until = ?2, fence = ?3, in_doubt = 1 WHERE number = ?1")?
                .execute(params![claim.ticket.number, until, claim.ticket.fence])?;
        }
        claims.deliveries.extend(due);
        if let Some(next) = next_due(writing, id)? {
            claims.next_due.push((destination.name.clone(), next));
        }
    }
    Ok(claims)
}

/// Ends the leases that have run out.
fn end_leases(writing: &Writing<'_>, destination: i64, now: Timestamp) -> rusqlite::Result<()> {
    writing.prepare(END_LEASES)?.execute([destination, micros(now)]).map(drop)
}

fn find_due(
    writing: &Writing<'_>,
    id: i64,
    destination: &OpenDestination,
    now: Timestamp,
) -> rusqlite::Result<Vec<DeliveryClaim>> {
    let allowance = i64::try_from(destination.allowance).unwrap_or(i64::MAX);
    writing
        .prepare(FIND_DUE)?
        .query_map(params![id, micros(now), allowance], |row| read_claim(row, &destination.name))?
        .collect()
}

fn read_claim(row: &Row<'_>, destination: &DestinationName) -> rusqlite::Result<DeliveryClaim> {
    Ok(DeliveryClaim {
        ticket: DeliveryTicket { number: row.get(0)?, fence: row.get::<_, i64>(1)? + 1 },
        delivery: Delivery {
            id: DeliveryId::new(row.get_ref(2)?.as_str()?),
            event_id: EventId::new(row.get_ref(3)?.as_str()?),
            destination: destination.clone(),
            part: word(row.get_ref(11)?.as_str()?, Part::from_word)?,
            template_set: row.get(4)?,
            mentions: of_json_list(row.get_ref(17)?.as_str_or_null()?)?,
            origin: word(row.get_ref(5)?.as_str()?, Origin::from_word)?,
            created_at: time(row.get(6)?),
            first_due_at: time(row.get(7)?),
            held_until: row.get::<_, Option<i64>>(18)?.map(time),
            attempts: row.get(8)?,
            failures: row.get(9)?,
            rung: word(row.get_ref(10)?.as_str()?, Rung::from_word)?,
            in_doubt: row.get(12)?,
            first: read_first(row)?,
            stands_for: read_stands_for(row)?,
        },
    })
}

fn read_stands_for(row: &Row<'_>) -> rusqlite::Result<Option<StandsFor>> {
    let Some(destination) = row.get::<_, Option<String>>(19)? else { return Ok(None) };
    let reason = row.get_ref(20)?.as_str_or_null()?;
    let reason = reason.map(|text| word(text, Reason::from_word)).transpose()?;
    Ok(Some(StandsFor { destination: DestinationName::new(destination), reason }))
}

fn read_first(row: &Row<'_>) -> rusqlite::Result<Option<FirstMessage>> {
    let (Some(channel), Some(id)) = (row.get(13)?, row.get(14)?) else { return Ok(None) };
    let shows = row.get::<_, Option<[u8; 16]>>(15)?.map(Fingerprint);
    let mentions = of_json_list(row.get_ref(16)?.as_str_or_null()?)?;
    Ok(Some(FirstMessage { place: MessageRef { channel, id }, shows, mentions }))
}

/// Returns when a destination's next delivery falls due, or the next lease ends, whichever is sooner.
fn next_due(writing: &Writing<'_>, destination: i64) -> rusqlite::Result<Option<Timestamp>> {
    let next: Option<i64> = writing.prepare(NEXT_DUE)?.query_row([destination], |row| row.get(0))?;
    Ok(next.map(time))
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, StatementStatus, ToSql};

    use super::*;

    /// A store in memory with so much waiting of each sort that may not slow a claim down: due for a destination that
    /// is not asked for, behind the head of a lane, backing off, leased.
    fn store_with_backlog(size: i64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for migration in [
            include_str!("../migrations/sqlite/0001_store.sql"),
            include_str!("../migrations/sqlite/0004_message.sql"),
            include_str!("../migrations/sqlite/0005_card.sql"),
            include_str!("../migrations/sqlite/0009_mute.sql"),
            include_str!("../migrations/sqlite/0010_fallback.sql"),
        ] {
            connection.execute_batch(migration).unwrap();
        }
        let mut insert = connection
            .prepare(
                "INSERT INTO delivery (id, event_sequence, run_number, destination_id, origin, state, created_at, due_at,
                                       lease_until) VALUES (?1, 1, ?2, ?3, 'event', 'waiting', 0, ?4, ?5)",
            )
            .unwrap();
        let mut number = 0;
        let mut add = |run: i64, destination: i64, due_at: Option<i64>, lease_until: Option<i64>| {
            number += 1;
            insert.execute(params![format!("dlv_{number}"), run, destination, due_at, lease_until]).unwrap();
        };
        add(1, 1, Some(500), None);
        for run in 2..2 + size {
            add(run, 2, Some(0), None);
            add(1, 1, None, None);
            add(run, 1, Some(500), None);
            add(run + size, 1, Some(0), Some(500));
        }
        add(1_000_000, 1, Some(0), None);
        add(1_000_001, 1, Some(0), None);
        drop(insert);
        connection
            .execute_batch("INSERT INTO event (id, resource, action, received_at) VALUES ('', '', '', 0)")
            .unwrap();
        connection
    }

    /// Returns how many steps SQLite's machine takes for a statement.
    fn steps(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> i32 {
        let mut statement = connection.prepare(sql).unwrap();
        let mut rows = statement.query(values).unwrap();
        while rows.next().unwrap().is_some() {}
        drop(rows);
        statement.get_status(StatementStatus::VmStep)
    }

    #[test]
    fn a_claim_costs_the_same_however_much_waits() {
        let cost = |size| {
            let connection = store_with_backlog(size);
            [
                steps(&connection, END_LEASES, &[&1, &100]),
                steps(&connection, FIND_DUE, &[&1, &100, &64]),
                steps(&connection, NEXT_DUE, &[&1]),
            ]
        };
        assert_eq!(cost(2_000), cost(2));
    }
}
