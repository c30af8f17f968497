//! Cards: of one run at one destination at most one delivery of its card waits, the newest; it takes over from the one
//! before.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{lane, writer::Writing};

/// The newest delivery of a card.
pub(super) struct Card {
    number: i64,
    /// The template set that its route named.
    pub(super) template_set: Option<String>,
    /// Whether it waits, and nobody has it.
    waits: bool,
    is_dead: bool,
    due_at: Option<i64>,
    failures: u32,
    in_doubt: bool,
    fallback_from: Option<i64>,
}

/// What a card's new delivery takes over from the one before.
#[derive(Debug, Default)]
pub(super) struct Inheritance {
    /// When it is due; `None` while something of its lane is leased.
    pub(super) due_at: Option<i64>,
    /// So the back-off goes on.
    pub(super) failures: u32,
    /// Whether the card may stand there, though no answer said so.
    pub(super) in_doubt: bool,
    /// From when on the time runs after which a fallback takes over; `None` where it begins anew.
    pub(super) fallback_from: Option<i64>,
}

/// Finds the newest delivery of a run's card at a destination: where there is none, it has no card there.
pub(super) fn newest(connection: &Connection, run: i64, destination: i64) -> rusqlite::Result<Option<Card>> {
    connection
        .prepare_cached(
            "SELECT number, template_set, state = 'waiting' AND lease_until IS NULL, state = 'dead', due_at, failures,
                    in_doubt, fallback_from
             FROM delivery INDEXED BY delivery_card
             WHERE run_number = ?1 AND destination_id = ?2 AND part = 'card' ORDER BY number DESC LIMIT 1",
        )?
        .query_row([run, destination], read)
        .optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Card> {
    Ok(Card {
        number: row.get(0)?,
        template_set: row.get(1)?,
        waits: row.get(2)?,
        is_dead: row.get(3)?,
        due_at: row.get(4)?,
        failures: row.get(5)?,
        in_doubt: row.get(6)?,
        fallback_from: row.get(7)?,
    })
}

/// Clears the way for a new delivery of a card: one that waits is superseded, as it would say less.
pub(super) fn succeed(
    writing: &Writing<'_>,
    run: i64,
    destination: i64,
    now: i64,
) -> rusqlite::Result<Inheritance> {
    match newest(writing.connection, run, destination)? {
        Some(card) if card.waits => {
            writing
                .prepare(
                    "UPDATE delivery SET state = 'superseded', due_at = NULL, finished_at = ?2 WHERE number = ?1",
                )?
                .execute([card.number, now])?;
            let Card { due_at, failures, in_doubt, fallback_from, .. } = card;
            Ok(Inheritance { due_at, failures, in_doubt, fallback_from })
        }
        earlier => {
            let may_be_due = lane::yield_to_card(writing, run, destination)?;
            let in_doubt = earlier.is_some_and(|card| card.is_dead && card.in_doubt);
            let due_at = may_be_due.then_some(now);
            Ok(Inheritance { due_at, in_doubt, ..Inheritance::default() })
        }
    }
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
