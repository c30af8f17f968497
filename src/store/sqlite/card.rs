//! Cards: of one run at one destination at most one delivery of its card waits, the newest; it takes over from the one
//! before.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::delivery::{NewDelivery, Start};
use super::value::{micros, of_json, of_json_list, word};
use super::{lane, message, writer::Writing};
use crate::delivery::{DeliveryState, Mention, Muting, unite};

/// The newest delivery of a card.
pub(super) struct Card {
    number: i64,
    /// The template set that its route named.
    pub(super) template_set: Option<String>,
    standing: Standing,
    due_at: Option<i64>,
    failures: u32,
    in_doubt: bool,
    held_until: Option<i64>,
    muting: Option<Muting>,
    mentions: Vec<Mention>,
    fallback_from: Option<i64>,
}

/// Where the newest delivery of a card stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It waits, and nobody has it.
    Waits,
    /// It is being sent.
    Leased,
    Dead,
    /// It was sent, or is needless.
    Over,
}

/// Finds the newest delivery of a run's card at a destination: where there is none, it has no card there. One that a mute
/// dropped has begun none.
pub(super) fn newest(connection: &Connection, run: i64, destination: i64) -> rusqlite::Result<Option<Card>> {
    connection
        .prepare_cached(
            "SELECT number, template_set, state, lease_until IS NOT NULL, due_at, failures, in_doubt, held_until, muting,
                    mentions, fallback_from
             FROM delivery INDEXED BY delivery_card
             WHERE run_number = ?1 AND destination_id = ?2 AND part = 'card'
               AND NOT (state = 'superseded' AND muting IS NOT NULL AND held_until IS NULL)
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row([run, destination], read)
        .optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Card> {
    Ok(Card {
        number: row.get(0)?,
        template_set: row.get(1)?,
        standing: match (word(row.get_ref(2)?.as_str()?, DeliveryState::from_word)?, row.get(3)?) {
            (DeliveryState::Waiting | DeliveryState::Sending, true) => Standing::Leased,
            (DeliveryState::Waiting | DeliveryState::Sending, false) => Standing::Waits,
            (DeliveryState::Dead, _) => Standing::Dead,
            (DeliveryState::Delivered | DeliveryState::Superseded, _) => Standing::Over,
        },
        due_at: row.get(4)?,
        failures: row.get(5)?,
        in_doubt: row.get(6)?,
        held_until: row.get(7)?,
        muting: row.get_ref(8)?.as_str_or_null()?.map(of_json).transpose()?,
        mentions: of_json_list(row.get_ref(9)?.as_str_or_null()?)?,
        fallback_from: row.get(10)?,
    })
}

/// Clears the way for a new delivery of a card: one that waits is superseded, as it would say less.
///
/// A mute holds back, or drops, what would post the card. An edit pings nobody: where the card stands, or is on its way,
/// nothing is muted. A card that waits for a mute to end is posted at once where an event comes that is not muted.
pub(super) fn succeed(writing: &Writing<'_>, new: &NewDelivery<'_>, now: i64) -> rusqlite::Result<Start> {
    let (run, destination) = (new.run, new.destination);
    match newest(writing.connection, run, destination)? {
        Some(card) if card.standing == Standing::Waits => {
            writing
                .prepare(
                    "UPDATE delivery SET state = 'superseded', due_at = NULL, finished_at = ?2 WHERE number = ?1",
                )?
                .execute([card.number, now])?;
            Ok(take_over(card, new, now))
        }
        earlier => {
            let is_coming = earlier.as_ref().is_some_and(|card| card.standing == Standing::Leased);
            let muting = match new.muting {
                Some(muting) if !is_coming && !message::stands(writing, run, destination)? => Some(muting),
                Some(_) | None => None,
            };
            let mentions = new.mentions.to_vec();
            if let Some(muting) = muting.filter(|muting| muting.dropped) {
                return Ok(Start {
                    superseded: true,
                    muting: Some(muting.clone()),
                    mentions,
                    ..Start::default()
                });
            }
            let may_be_due = lane::yield_to_card(writing, run, destination)?;
            let in_doubt = earlier.is_some_and(|card| card.standing == Standing::Dead && card.in_doubt);
            let held_until = muting.and_then(Muting::held_until).map(micros);
            let due_at = may_be_due.then(|| held_until.map_or(now, |until| until.max(now)));
            Ok(Start { due_at, in_doubt, held_until, muting: muting.cloned(), mentions, ..Start::default() })
        }
    }
}

/// Returns how a card enters its lane in the place of one that waits there. Whom that one would have mentioned it
/// mentions, too.
fn take_over(card: Card, new: &NewDelivery<'_>, now: i64) -> Start {
    let Card { due_at, failures, in_doubt, held_until, muting, mut mentions, fallback_from, .. } = card;
    unite(&mut mentions, new.mentions);
    let start =
        Start { due_at, failures, in_doubt, mentions, fallback_from, is_merged: true, ..Start::default() };
    let Some(until) = held_until.filter(|until| *until > now) else { return start };
    let (held_until, muting) = match (new.muting, new.is_routed) {
        // An edit that no route asked for, or that is dropped, ends no mute.
        (None, false) => (until, muting),
        (Some(new), _) if new.dropped => (until, muting),
        (None, true) => return Start { due_at: due_at.map(|_| now), ..start },
        (Some(new), _) => match new.held_until().map(micros) {
            Some(sooner) if sooner < until => (sooner, Some(new.clone())),
            Some(_) | None => (until, muting),
        },
    };
    Start { due_at: due_at.map(|_| held_until), held_until: Some(held_until), muting, ..start }
}

/// Hands the doubt about a card that died on to the delivery that waits behind it.
pub(super) fn pass_doubt_on(writing: &Writing<'_>, run: i64, destination: i64) -> rusqlite::Result<()> {
    writing
        .prepare(
            "UPDATE delivery SET in_doubt = 1
             WHERE run_number = ?1 AND destination_id = ?2 AND part = 'card' AND state = 'waiting'",
        )?
        .execute(params![run, destination])
        .map(drop)
}
