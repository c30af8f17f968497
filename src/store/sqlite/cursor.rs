//! Cursors that follow the order of acceptance or of planning: taken back where the newest rows were removed.

use super::writer::Writing;

/// Takes every cursor back to the newest row: the places of rows that were removed are given out anew.
pub(super) fn follow_removal(writing: &Writing<'_>) -> rusqlite::Result<()> {
    for sql in [
        "UPDATE watch SET seen_sequence = min(seen_sequence, (SELECT coalesce(max(sequence), 0) FROM event))",
        "UPDATE strip SET seen_sequence = min(seen_sequence, (SELECT coalesce(max(sequence), 0) FROM event))",
        "UPDATE catalogue SET seen_event = min(seen_event, (SELECT coalesce(max(sequence), 0) FROM event)),
             seen_delivery = min(seen_delivery, (SELECT coalesce(max(number), 0) FROM delivery))",
    ] {
        writing.prepare(sql)?.execute([])?;
    }
    Ok(())
}
