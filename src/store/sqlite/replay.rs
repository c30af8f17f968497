//! Replays: deliveries repeated as new ones, events sent through the routes anew.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::delivery::{self, NewDelivery, StandsFor};
use super::ids::DELIVERY_PREFIX;
use super::value::{micros, of_json_list, word};
use super::{find, lane, writer::Writing};
use crate::delivery::{DeliveryId, DestinationName, Mention, Origin, Part};
use crate::event::EventId;
use crate::store::{FindError, ReplayTarget, Replayed};

/// What a name means.
#[derive(PartialEq, Eq)]
enum Meant {
    Delivery(i64),
    Event(i64),
    Run(i64),
}

/// Repeats what these mean, each once. All are looked up before anything is repeated.
pub(super) fn named(
    writing: &mut Writing<'_>,
    targets: &[ReplayTarget],
    now: Timestamp,
) -> rusqlite::Result<Result<Replayed, FindError>> {
    let mut all: Vec<Meant> = Vec::new();
    for target in targets {
        match look_up(writing, target)? {
            Ok(meant) if all.contains(&meant) => {}
            Ok(meant) => all.push(meant),
            Err(error) => return Ok(Err(error)),
        }
    }
    let mut replayed = Replayed::default();
    for meant in all {
        let events = match meant {
            Meant::Delivery(number) => {
                replayed.deliveries.push(repeat(writing, number, now)?);
                continue;
            }
            Meant::Event(sequence) => vec![sequence],
            Meant::Run(run) => events_of(writing, run)?,
        };
        replayed.events.extend(route_anew(writing, &events, now)?.events);
    }
    Ok(Ok(replayed))
}

fn look_up(writing: &Writing<'_>, target: &ReplayTarget) -> rusqlite::Result<Result<Meant, FindError>> {
    let known = |found: Option<Meant>, name: &str| found.ok_or_else(|| FindError::Unknown(name.to_owned()));
    Ok(match target {
        ReplayTarget::Delivery(id) => known(delivery_of(writing, id)?.map(Meant::Delivery), id.as_str()),
        ReplayTarget::Event(id) => {
            known(find::event(writing.connection, id.as_str())?.map(Meant::Event), id.as_str())
        }
        ReplayTarget::Run(name) => find::run(writing.connection, name)?.map(Meant::Run),
        ReplayTarget::Dead { .. } => Err(FindError::Unknown(String::new())),
    })
}

fn delivery_of(writing: &Writing<'_>, id: &DeliveryId) -> rusqlite::Result<Option<i64>> {
    let lower = id.as_str().to_ascii_lowercase();
    writing
        .prepare("SELECT number FROM delivery WHERE id = ?1")?
        .query_row([lower.starts_with(DELIVERY_PREFIX).then_some(lower)], |row| row.get(0))
        .optional()
}

/// Lists the dead letters that were not replayed yet.
pub(super) fn list_dead(
    connection: &Connection,
    destination: Option<&DestinationName>,
    since: Option<Timestamp>,
) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT number FROM delivery INDEXED BY delivery_dead
             WHERE state = 'dead' AND replayed_by IS NULL
               AND destination_id IN (SELECT id FROM destination WHERE ?1 IS NULL OR name = ?1)
               AND (?2 IS NULL OR finished_at >= ?2)
             ORDER BY number",
        )?
        .query_map(params![destination.map(DestinationName::as_str), since.map(micros)], |row| row.get(0))?
        .collect()
}

/// Counts the dead letters that were not replayed yet, by destination.
pub(super) fn count_dead(
    connection: &Connection,
    destination: Option<&DestinationName>,
) -> rusqlite::Result<Vec<(DestinationName, u64)>> {
    connection
        .prepare_cached(
            "SELECT p.name, count(*) FROM destination p
             CROSS JOIN delivery d INDEXED BY delivery_dead ON d.destination_id = p.id
             WHERE d.state = 'dead' AND d.replayed_by IS NULL AND (?1 IS NULL OR p.name = ?1)
             GROUP BY p.id ORDER BY p.name",
        )?
        .query_map([destination.map(DestinationName::as_str)], |row| {
            let count: i64 = row.get(1)?;
            Ok((DestinationName::new(row.get::<_, String>(0)?), u64::try_from(count).unwrap_or_default()))
        })?
        .collect()
}

/// Repeats those of these deliveries that are still dead letters and not replayed yet.
pub(super) fn dead(
    writing: &mut Writing<'_>,
    numbers: &[i64],
    now: Timestamp,
) -> rusqlite::Result<Vec<(DeliveryId, DeliveryId)>> {
    let mut pairs = Vec::with_capacity(numbers.len());
    for number in numbers {
        let still_dead = writing
            .prepare("SELECT 1 FROM delivery WHERE number = ?1 AND state = 'dead' AND replayed_by IS NULL")?
            .exists([number])?;
        if still_dead {
            pairs.push(repeat(writing, *number, now)?);
        }
    }
    Ok(pairs)
}

/// Queues a delivery once more, as a new one; the old one stays as it is. A digest is repeated as a whole; of what joined
/// one, the message alone. What a mute holds back still is not repeated but goes out itself, under its own id.
fn repeat(
    writing: &mut Writing<'_>,
    number: i64,
    now: Timestamp,
) -> rusqlite::Result<(DeliveryId, DeliveryId)> {
    let (old, event, run, destination, template_set, part, mentions, stands_for, digest) = writing
        .prepare(
            "SELECT d.id, d.event_sequence, coalesce(e.run_number, 0), d.destination_id, d.template_set,
                    iif(d.part = 'digest' AND d.state = 'superseded', 'message', d.part), d.mentions, d.fallback_of,
                    d.fallback_reason, iif(d.state = 'superseded', NULL, d.digest)
             FROM delivery d CROSS JOIN event e ON e.sequence = d.event_sequence WHERE d.number = ?1",
        )?
        .query_row([number], |row| {
            let template_set: Option<String> = row.get(4)?;
            let part = word(row.get_ref(5)?.as_str()?, Part::from_word)?;
            let mentions: Vec<Mention> = of_json_list(row.get_ref(6)?.as_str_or_null()?)?;
            let (number, reason): (Option<i64>, _) = (row.get(7)?, row.get(8)?);
            let stands_for = number.map(|number| StandsFor { number, reason });
            let id = row.get::<_, String>(0)?;
            let (event, run, destination, digest) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(9)?);
            Ok((id, event, run, destination, template_set, part, mentions, stands_for, digest))
        })?;
    if lane::release(writing, number, now)? {
        return Ok((DeliveryId::new(old.clone()), DeliveryId::new(old)));
    }
    let id = writing.ids.delivery(now);
    let new = NewDelivery {
        id: &id,
        event,
        run,
        destination,
        part,
        template_set: template_set.as_deref(),
        mentions: &mentions,
        muting: None,
        origin: Origin::Replay,
        superseded: false,
        told_by: None,
        is_routed: true,
        digest,
        replay_of: Some(number),
        stands_for,
    };
    delivery::insert(writing, &new, now)?;
    Ok((DeliveryId::new(old), id))
}

fn events_of(writing: &Writing<'_>, run: i64) -> rusqlite::Result<Vec<i64>> {
    writing
        .prepare("SELECT sequence FROM event WHERE run_number = ?1 ORDER BY sequence")?
        .query_map([run], |row| row.get(0))?
        .collect()
}

/// An event that waits to be routed for the first time is left as it is: it will go out anyway, and is no replay.
fn route_anew(writing: &Writing<'_>, sequences: &[i64], now: Timestamp) -> rusqlite::Result<Replayed> {
    let mut replayed = Replayed::default();
    for sequence in sequences {
        writing
            .prepare("UPDATE event SET due_at = ?2, replay = 1, fence = fence + 1 WHERE sequence = ?1 AND due_at IS NULL")?
            .execute([*sequence, micros(now)])?;
        let id: String = writing
            .prepare("SELECT id FROM event WHERE sequence = ?1")?
            .query_row([sequence], |row| row.get(0))?;
        replayed.events.push(EventId::new(id));
    }
    Ok(replayed)
}
