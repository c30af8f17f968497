//! What the dispatcher tells people and counters of each delivery: one line per attempt.
//!
//! Never a payload, a secret or an address.

use std::time::Duration;

use super::finish::Finish;
use super::moment::between;
use crate::delivery::{Attempt, Delivery, Origin, Reason, Rung};
use crate::store::Next;
use crate::telemetry::Metrics;

/// Writes a line with the fields that all lines of a delivery have.
macro_rules! line {
    ($level:ident, $delivery:expr, $finish:expr, $reason:expr, $message:literal) => {{
        let (delivery, finish) = ($delivery, $finish);
        let attempt = finish.attempt.as_ref();
        let reason: Option<Reason> = $reason;
        tracing::$level!(
            event.id = delivery.event_id.as_str(),
            run.id = finish.run.as_deref(),
            delivery.id = delivery.id.as_str(),
            attempt = attempt.map(|_| delivery.attempts.saturating_add(1)),
            destination = delivery.destination.as_str(),
            reason = reason.map(Reason::as_str),
            status = attempt.and_then(|attempt| attempt.status),
            duration_ms = attempt.map(|attempt| millis(attempt.duration)),
            words = attempt.and_then(|attempt| attempt.words.as_deref()),
            $message
        );
    }};
}

/// Tells what became of a delivery.
pub(super) fn tell(metrics: &Metrics, delivery: &Delivery, finish: &Finish) {
    let (destination, counted) = (delivery.destination.as_str(), metrics.destinations());
    if let Some(Attempt { reason, duration, .. }) = finish.attempt {
        counted.attempt(destination, reason, duration);
    }
    if let Some(doubt) = finish.doubt {
        counted.message_in_doubt(destination, doubt.as_str());
    }
    let failed = finish.attempt.as_ref().and_then(|attempt| attempt.reason);
    match &finish.next {
        Next::Delivered => {
            counted.delivered(destination, time_to_delivery(delivery, finish));
            line!(info, delivery, finish, failed, "delivered");
        }
        Next::Superseded => {
            counted.superseded(destination);
            line!(debug, delivery, finish, failed, "superseded: the card shows it already");
        }
        Next::Dead(reason) => {
            counted.dead_letter(destination, *reason);
            line!(error, delivery, finish, Some(*reason), "dead letter");
        }
        // The first rung's refusal is the fault; those of the plainer ones follow from it or tell nothing new.
        Next::Retry { rung, .. } if delivery.rung == Rung::Whole && *rung != Rung::Whole => {
            counted.message_refused(destination);
            line!(
                warn,
                delivery,
                finish,
                failed,
                "the destination calls the message malformed; a plainer form follows"
            );
        }
        Next::Retry { .. } => line!(info, delivery, finish, failed, "attempt failed; it is tried again"),
        Next::GivenBack => line!(debug, delivery, finish, failed, "given back"),
    }
}

/// Tells that what became of a delivery could not be written while it was ours.
pub(super) fn unrecorded(delivery: &Delivery) {
    tracing::error!(
        event.id = delivery.event_id.as_str(),
        delivery.id = delivery.id.as_str(),
        destination = delivery.destination.as_str(),
        "an attempt could not be written down; it will be made again"
    );
}

/// Returns how long after its event a delivery was taken; `None` for a replay.
fn time_to_delivery(delivery: &Delivery, finish: &Finish) -> Option<Duration> {
    let (attempt, received_at) = (finish.attempt.as_ref()?, finish.received_at?);
    (delivery.origin == Origin::Event)
        .then(|| between(received_at, attempt.started_at).saturating_add(attempt.duration))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
