//! Stripping: payloads and diffs may go before their run does. Follows the order of acceptance, so that no look at what is
//! old costs more than what has grown old since the last one.
//!
//! What a message may still need stays until nothing of its run waits any more.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::value::{brief_json, micros};
use super::writer::Writing;
use crate::event::Artifacts;

/// How many events one step looks at.
const EVENTS_AT_ONCE: i64 = 500;
/// How many bytes one transaction removes, about, so that a webhook behind it does not wait long.
const BYTES_AT_ONCE: i64 = 1024 * 1024;

/// Whether a message may still need the payload, or a diff, of event `e`.
const IS_NEEDED: &str = "e.due_at IS NOT NULL
    OR EXISTS (SELECT 1 FROM delivery d WHERE d.run_number = e.run_number AND d.state = 'waiting')";

/// What one step is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Step {
    /// Events whose payload and diffs go, in order.
    ready: Vec<i64>,
    /// Events that are passed over, and looked at again later.
    later: Vec<i64>,
    /// Up to which event nothing has to be looked at any more, where the step is behind the cursor.
    seen: Option<i64>,
    /// Where the next look at those that were passed over begins.
    pub(super) next: i64,
}

impl Step {
    /// Returns whether there is nothing to do.
    pub(super) fn is_over(&self) -> bool {
        self.ready.is_empty() && self.later.is_empty() && self.seen.is_none()
    }
}

/// Reads which of the events from `from` on that were passed over need not be any more; `None` behind the last one.
pub(super) fn look_again(connection: &Connection, from: i64) -> rusqlite::Result<Option<Step>> {
    let mut passed = connection.prepare_cached(&format!(
        "SELECT u.sequence, {IS_NEEDED} FROM unstripped u LEFT JOIN event e ON e.sequence = u.sequence
         WHERE u.sequence >= ?1 ORDER BY u.sequence LIMIT ?2"
    ))?;
    let mut rows = passed.query([from, EVENTS_AT_ONCE])?;
    let mut step = Step { next: from, ..Step::default() };
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        step.next = sequence + 1;
        if !row.get::<_, bool>(1)? {
            step.ready.push(sequence);
        }
    }
    Ok((step.next > from).then_some(step))
}

/// Reads the next events behind the cursor that were received before `before`.
pub(super) fn look_further(connection: &Connection, before: Timestamp) -> rusqlite::Result<Step> {
    let mut behind = connection.prepare_cached(&format!(
        "SELECT e.sequence, e.received_at, {IS_NEEDED} FROM event e
         WHERE e.sequence > (SELECT seen_sequence FROM strip) ORDER BY e.sequence LIMIT ?1"
    ))?;
    let mut rows = behind.query([EVENTS_AT_ONCE])?;
    let mut step = Step::default();
    while let Some(row) = rows.next()? {
        let (sequence, received_at): (i64, i64) = (row.get(0)?, row.get(1)?);
        if received_at >= micros(before) {
            break;
        }
        step.seen = Some(sequence);
        if row.get(2)? { step.later.push(sequence) } else { step.ready.push(sequence) }
    }
    Ok(step)
}

/// Does as much of a step as one transaction may; what is left of it stays in the step. Returns how many events lost
/// something.
pub(super) fn take(writing: &Writing<'_>, step: &mut Step) -> rusqlite::Result<usize> {
    let (mut budget, mut done, mut stripped) = (BYTES_AT_ONCE, 0, 0);
    for sequence in &step.ready {
        if budget <= 0 {
            break;
        }
        done += 1;
        if is_needed(writing, *sequence)? {
            // Somebody asked for it meanwhile.
            pass_over(writing, *sequence)?;
            continue;
        }
        let bytes = strip(writing, *sequence)?;
        budget -= bytes;
        stripped += usize::from(bytes > 0);
        writing.prepare("DELETE FROM unstripped WHERE sequence = ?1")?.execute([sequence])?;
    }
    step.ready.drain(..done);
    if step.ready.is_empty() {
        for sequence in step.later.drain(..) {
            pass_over(writing, sequence)?;
        }
        if let Some(seen) = step.seen.take() {
            // Events may have been removed since they were looked at, and their places be given out anew.
            writing
                .prepare(
                    "UPDATE strip SET seen_sequence = min(?1, (SELECT coalesce(max(sequence), 0) FROM event))
                     WHERE seen_sequence < ?1",
                )?
                .execute([seen])?;
        }
    }
    Ok(stripped)
}

fn is_needed(writing: &Writing<'_>, sequence: i64) -> rusqlite::Result<bool> {
    writing
        .connection
        .prepare_cached(&format!("SELECT 1 FROM event e WHERE e.sequence = ?1 AND ({IS_NEEDED})"))?
        .exists([sequence])
}

fn pass_over(writing: &Writing<'_>, sequence: i64) -> rusqlite::Result<()> {
    writing.prepare("INSERT OR IGNORE INTO unstripped (sequence) VALUES (?1)")?.execute([sequence]).map(drop)
}

/// Removes the payload and the diffs of an event; returns how many bytes went.
fn strip(writing: &Writing<'_>, sequence: i64) -> rusqlite::Result<i64> {
    let payload: Option<i64> = writing
        .prepare("DELETE FROM payload WHERE sequence = ?1 RETURNING length(body) + length(headers)")?
        .query_row([sequence], |row| row.get(0))
        .optional()?;
    let artifacts: Option<String> = writing
        .prepare("SELECT artifacts FROM event_artifacts WHERE sequence = ?1 AND instr(artifacts, '\"diff\":\"') > 0")?
        .query_row([sequence], |row| row.get(0))
        .optional()?;
    let Some(artifacts) = artifacts else { return Ok(payload.unwrap_or_default()) };
    let Some(rest) = without_diffs(&artifacts) else { return Ok(payload.unwrap_or_default()) };
    writing
        .prepare("UPDATE event_artifacts SET artifacts = ?2 WHERE sequence = ?1")?
        .execute(params![sequence, rest])?;
    let removed = artifacts.len().saturating_sub(rest.len());
    Ok(payload.unwrap_or_default() + i64::try_from(removed).unwrap_or(i64::MAX))
}

/// Returns what an event says, without diffs; `None` where a newer version wrote it in a way that this one cannot read.
fn without_diffs(artifacts: &str) -> Option<String> {
    let mut artifacts: Artifacts = serde_json::from_str(artifacts).ok()?;
    for change in artifacts.changes.iter_mut().flatten() {
        for file in &mut change.files {
            file.diff = None;
        }
    }
    brief_json(&artifacts).ok()
}

/// Forgets that an event was passed over: it is removed.
pub(super) fn forget_run(writing: &Writing<'_>, run: i64) -> rusqlite::Result<()> {
    writing
        .prepare(
            "DELETE FROM unstripped WHERE sequence IN (SELECT sequence FROM event WHERE run_number = ?1)",
        )?
        .execute([run])
        .map(drop)
}
