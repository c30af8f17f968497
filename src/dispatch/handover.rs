//! The handover: new rules take the place of the old ones while the dispatcher goes on.
//!
//! First the store gets to know the destinations, then everything is replaced at once. What is under way ends by the
//! rules with which it began. Knows not where rules come from, nor whether they are sound.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

use super::outage::Pauses;
use super::regime::Regime;
use super::{Rules, Shared};

/// New rules, and who waits until they are in force.
pub(super) struct Order {
    rules: Rules,
    done: oneshot::Sender<()>,
}

/// Gives orders to a dispatcher, while it runs.
#[derive(Clone)]
pub struct Commander(mpsc::Sender<Order>);

impl Commander {
    /// Sets up a commander and the receiver of its orders.
    pub(super) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, received) = mpsc::channel(1);
        (Self(orders), received)
    }

    /// Puts rules in force; returns once they are, or false where the dispatcher ended first. While the store does not
    /// answer, the old ones stay in force.
    pub async fn put_in_force(&self, rules: Rules) -> bool {
        let (done, is_done) = oneshot::channel();
        self.0.send(Order { rules, done }).await.is_ok() && is_done.await.is_ok()
    }
}

/// Carries out orders until `stopped` turns true.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut orders: mpsc::Receiver<Order>,
    mut stopped: watch::Receiver<bool>,
) {
    let obey = async {
        while let Some(Order { rules, done }) = orders.recv().await {
            hand_over(&shared, rules).await;
            // Whoever gave the order may have left.
            let _ = done.send(());
        }
        // Nobody can give one any more.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = obey => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

/// Replaces what is in force as soon as the store has taken note.
async fn hand_over(shared: &Shared, rules: Rules) {
    let former = shared.regime();
    let regime = Arc::new(Regime::new(rules, Some(&former), &shared.metrics, Instant::now()));
    let mut pauses = Pauses::default();
    loop {
        {
            // What an old address said is not written behind the back of the new one.
            let _nobody_records = shared.records.write().await;
            // No clock was set back while nobody looked, so nothing is due too late.
            let registered =
                shared.queue.register_destinations(regime.entries(), shared.clock.steady(), Timestamp::MAX);
            match registered.await {
                Ok(statuses) => {
                    shared.outage.worked();
                    regime.succeed(&former, &statuses, &shared.clock);
                    shared.lookup.replace(regime.rules.sources.clone());
                    shared.regime.send_replace(regime);
                    return;
                }
                Err(error) => shared.outage.failed(&error),
            }
        }
        sleep(pauses.next_pause()).await;
    }
}
