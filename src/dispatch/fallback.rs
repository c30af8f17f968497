//! The loop that hands over what a destination with a fallback has not taken in time.
//!
//! What has waited for too long, the store finds and hands over, a few at a time and no more than the fallback can use;
//! what becomes a dead letter it hands over when that is written. Here is only decided when to look.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::desk::{Desk, Standing};
use super::moment::between;
use super::watch::answered;
use super::{POLL, Shared};
use crate::delivery::Reason;
use crate::notify::Fallback;
use crate::store::HandOver;

/// How often is looked where nothing is known to fall due: what is planned meanwhile falls due later than that.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How many deliveries of a fallback may be due before it gets more: about as many as are sent in a minute.
const DUE_AT_ONCE: usize = 64;
/// How long the store and the fallback are left to others after some were handed over.
const BREATH: Duration = Duration::from_millis(50);
/// What waited while no relay ran is tried first where that can be done, for so long.
const FIRST_TRIES: Duration = Duration::from_secs(10);

/// Hands over until `stopped` turns true.
pub(super) async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = look_on(&shared) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn look_on(shared: &Shared) {
    let began = Instant::now();
    loop {
        let mut next = Instant::now() + LOOK_EVERY;
        let regime = shared.regime();
        for desk in regime.desks() {
            let Some(fallback) = desk.place.as_ref().and_then(|place| place.fallback.as_ref()) else {
                continue;
            };
            let earliest = began + FIRST_TRIES.min(fallback.after);
            let look_at =
                if Instant::now() < earliest { earliest } else { look(shared, desk, fallback).await };
            next = next.min(look_at);
        }
        sleep_until(next).await;
    }
}

/// Hands over what is due; returns when to look again.
async fn look(shared: &Shared, desk: &Desk, fallback: &Fallback) -> Instant {
    let wanted = HandOver {
        from: desk.name.clone(),
        after: fallback.after,
        reason: refusal(desk),
        limit: DUE_AT_ONCE,
    };
    let now = shared.clock.steady();
    let handed = answered(shared, shared.queue.hand_over(wanted, now).await);
    let pause = match handed {
        None => LOOK_EVERY,
        Some(handed) => {
            if !handed.deliveries.is_empty() {
                let number = handed.deliveries.len();
                tracing::warn!(
                    destination = desk.name.as_str(),
                    fallback = fallback.to.as_str(),
                    deliveries = number,
                    "the destination did not take them in time; its fallback gets them"
                );
                shared.metrics.destinations().handed_over(desk.name.as_str(), number);
                shared.announce(std::iter::once(&fallback.to));
            }
            let wait = handed.next_due.map_or(LOOK_EVERY, |due| between(now, due));
            // More may be due than the fallback had room for: it sends meanwhile.
            let least = if handed.deliveries.is_empty() { POLL } else { BREATH };
            wait.max(least)
        }
    };
    Instant::now() + pause.min(LOOK_EVERY)
}

/// Returns why nothing can be sent now; `None` where something can.
fn refusal(desk: &Desk) -> Option<Reason> {
    match desk.standing(Instant::now()) {
        Standing::Open => None,
        Standing::Held(reason) => Some(reason),
        Standing::Keyless => Some(Reason::Auth),
        Standing::Gone => Some(Reason::Gone),
        Standing::Removed => Some(Reason::Removed),
    }
}
