//! New deliveries: how a row of the queue comes to be, planned or repeated.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::value::{json, json_list, micros};
use super::{card, fallback, lane, writer::Writing};
use crate::delivery::{DeliveryId, Mention, Muting, Origin, Part};

/// A delivery to be queued.
#[derive(Clone)]
pub(super) struct NewDelivery<'a> {
    pub(super) id: &'a DeliveryId,
    pub(super) event: i64,
    pub(super) run: i64,
    pub(super) destination: i64,
    pub(super) part: Part,
    pub(super) template_set: Option<&'a str>,
    pub(super) mentions: &'a [Mention],
    /// Why it is held back or dropped.
    pub(super) muting: Option<&'a Muting>,
    pub(super) origin: Origin,
    /// Whether it is needless from the start.
    pub(super) superseded: bool,
    /// The other event by which it is needless, where it is.
    pub(super) told_by: Option<i64>,
    /// Whether a route, or somebody, asks for it; else it only keeps a card up to date.
    pub(super) is_routed: bool,
    /// The digest that tells it, or that it repeats.
    pub(super) digest: Option<i64>,
    /// The delivery that it repeats.
    pub(super) replay_of: Option<i64>,
    /// What it stands for, where it goes to a fallback.
    pub(super) stands_for: Option<StandsFor>,
}

/// The delivery that another one stands for, because its destination did not take it.
#[derive(Debug, Clone)]
pub(super) struct StandsFor {
    pub(super) number: i64,
    /// Why it was not taken, where that is known.
    pub(super) reason: Option<String>,
}

/// A delivery that is queued.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inserted {
    pub(super) number: i64,
    /// Whether it took the place of one that waited.
    pub(super) is_merged: bool,
}

/// How a new delivery enters its lane.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// When it is due; `None` unless it is the head of its lane, and while something there is leased.
    pub(super) due_at: Option<i64>,
    /// Of a card: those of the one whose place it takes, so that the back-off goes on.
    pub(super) failures: u32,
    /// Of a card: whether it may stand there, though no answer said so.
    pub(super) in_doubt: bool,
    /// Until when a mute holds it back, itself or what stands before it.
    pub(super) held_until: Option<i64>,
    /// What the mute did.
    pub(super) muting: Option<Muting>,
    /// Whom it mentions.
    pub(super) mentions: Vec<Mention>,
    /// Whether it is needless from the start, or dropped.
    pub(super) superseded: bool,
    /// Of a card: whether it takes the place of one that waited, which is not sent.
    pub(super) is_merged: bool,
    /// Of a card: from when on the time of the one whose place it takes runs, after which a fallback takes over.
    pub(super) fallback_from: Option<i64>,
}

/// Queues a delivery: a card at the head of its lane, in the place of one that waits there, any other one at the end.
/// What is the head is due at once, or when the mute ends that holds it back. What a mute drops is on record alone.
pub(super) fn insert(
    writing: &Writing<'_>,
    new: &NewDelivery<'_>,
    now: Timestamp,
) -> rusqlite::Result<Inserted> {
    let now = micros(now);
    let start = start(writing, new, now)?;
    let fallback_from = fallback::begins(writing, new, &start, now)?;
    let number = writing
        .prepare(
            "INSERT INTO delivery (id, event_sequence, run_number, destination_id, part, template_set, origin, state,
                                   created_at, due_at, first_due_at, failures, in_doubt, finished_at, replay_of,
                                   held_until, muting, mentions, fallback_from, fallback_of, fallback_reason,
                                   digest, told_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, iif(?10 IS NULL, NULL, max(?9, coalesce(?15, ?9))), ?11,
                     ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
        )?
        .insert(params![
            new.id.as_str(),
            new.event,
            new.run,
            new.destination,
            new.part.as_str(),
            new.template_set,
            new.origin.as_str(),
            if start.superseded { "superseded" } else { "waiting" },
            now,
            start.due_at,
            start.failures,
            start.in_doubt,
            start.superseded.then_some(now),
            new.replay_of,
            start.held_until,
            start.muting.as_ref().map(json),
            json_list(&start.mentions),
            fallback_from,
            new.stands_for.as_ref().map(|old| old.number),
            new.stands_for.as_ref().and_then(|old| old.reason.as_deref()),
            new.digest,
            new.told_by,
        ])?;
    if let Some(old) = new.replay_of {
        writing.prepare("UPDATE delivery SET replayed_by = ?2 WHERE number = ?1")?.execute([old, number])?;
    }
    Ok(Inserted { number, is_merged: start.is_merged })
}

fn start(writing: &Writing<'_>, new: &NewDelivery<'_>, now: i64) -> rusqlite::Result<Start> {
    let mentions = new.mentions.to_vec();
    if new.superseded {
        return Ok(Start { superseded: true, mentions, ..Start::default() });
    }
    match new.part {
        Part::Card => card::succeed(writing, new, now),
        Part::Message | Part::Announcement | Part::Digest => {
            if let Some(muting) = new.muting.filter(|muting| muting.dropped) {
                return Ok(Start {
                    superseded: true,
                    muting: Some(muting.clone()),
                    mentions,
                    ..Start::default()
                });
            }
            let is_alone = lane::head(writing, new.run, new.destination)?.is_none();
            let own = new.muting.and_then(Muting::held_until).map(micros);
            // What waits behind a muted one waits for its time, too, and does not grow old meanwhile.
            let before =
                if is_alone { None } else { lane::held_until(writing, new.run, new.destination, now)? };
            let held_until = own.max(before);
            let due_at = is_alone.then(|| held_until.map_or(now, |until| until.max(now)));
            Ok(Start { due_at, held_until, muting: new.muting.cloned(), mentions, ..Start::default() })
        }
    }
}

/// Returns the newest delivery of this part of an event for a destination.
pub(super) fn newest_of(
    writing: &Writing<'_>,
    event: i64,
    destination: i64,
    part: Part,
) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare(
            "SELECT number FROM delivery WHERE event_sequence = ?1 AND destination_id = ?2 AND part = ?3
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row(params![event, destination, part.as_str()], |row| row.get(0))
        .optional()
}
