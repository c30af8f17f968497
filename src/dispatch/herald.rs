//! The loop that has it told, as events of the relay's own, that a destination takes nothing, or deliveries again, and
//! that deliveries became dead letters.
//!
//! Whether a destination takes deliveries its desk knows by the answers; what was told of that the store keeps, so that a
//! restart neither repeats nor forgets it. A destination that comes and goes is told of once in ten minutes at most. A
//! notice is written only where a route names it. Dead letters are counted where they are written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::desk::Desk;
use super::moment::between;
use super::outage::Pauses;
use super::regime::Regime;
use super::traffic::Trust;
use super::watch::answered;
use crate::delivery::DestinationName;
use crate::event::Action;
use crate::store::{Health, HealthChange, Routed, ToldNotice};

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a destination is told of at most.
const AT_MOST_EVERY: Duration = Duration::from_mins(10);
/// For how long dead letters are gathered before they are told of: they seldom come alone.
const GATHER: Duration = Duration::from_secs(5);

/// Heralds until `stopped` turns true; `wake` is raised for the planner where there is something to be told.
pub(super) async fn run(shared: Arc<Shared>, wake: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = look_on(&shared, &wake) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn look_on(shared: &Shared, wake: &Notify) {
    let mut pauses = Pauses::default();
    loop {
        let regime = shared.regime();
        match Herald::begin(shared, &regime).await {
            Some(herald) => herald.look_under(regime, shared, wake).await,
            None => sleep_until(Instant::now() + pauses.next_pause()).await,
        }
    }
}

/// What is known of all destinations, and what is to be told.
struct Herald {
    routed: Routed,
    tells_dead: bool,
    /// What the store keeps of each destination that was heard of.
    kept: HashMap<DestinationName, Kept>,
    /// When dead letters are to be told of, where there may be some.
    dead_at: Option<Instant>,
}

/// What the store keeps of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// It takes deliveries.
    Up,
    /// It takes none.
    Down {
        /// When that may be told, where it is not yet.
        tell_at: Option<Timestamp>,
    },
}

impl Herald {
    /// Learns what the store remembers; `None` where it fails.
    async fn begin(shared: &Shared, regime: &Regime) -> Option<Self> {
        let routing = &regime.rules.routing;
        let routed = Routed {
            down: routing.wants_notice(&Action::DestinationDown),
            up: routing.wants_notice(&Action::DestinationUp),
        };
        let tells_dead = routing.wants_notice(&Action::DeadLetter);
        let downtimes = answered(shared, shared.queue.begin_heralding(tells_dead).await)?;
        let kept = downtimes.into_iter().map(|downtime| {
            let tell_at = (!downtime.is_told).then_some(Timestamp::MIN);
            (downtime.name, Kept::Down { tell_at })
        });
        Some(Self { routed, tells_dead, kept: kept.collect(), dead_at: Some(Instant::now()) })
    }

    /// Looks as long as these rules are in force.
    async fn look_under(mut self, regime: Arc<Regime>, shared: &Shared, wake: &Notify) {
        while Arc::ptr_eq(&regime, &shared.regime()) {
            self.look(&regime, shared, wake).await;
            sleep_until(Instant::now() + LOOK_EVERY).await;
        }
    }

    async fn look(&mut self, regime: &Regime, shared: &Shared, wake: &Notify) {
        for desk in regime.desks() {
            if let Some(health) = self.news_of(desk, shared.clock.wall()) {
                self.settle(shared, wake, desk, health).await;
            }
        }
        if shared.take_deaths() {
            let now = Instant::now();
            self.dead_at = Some(self.dead_at.map_or(now, |at| at.min(now)));
        }
        if self.tells_dead && self.dead_at.is_some_and(|at| at <= Instant::now()) {
            self.tell_dead(shared, wake).await;
        }
    }

    /// Returns what is to be written of a destination now.
    fn news_of(&self, desk: &Desk, now: Timestamp) -> Option<Health> {
        let is_down = match (desk.trust(), self.kept.get(&desk.name)) {
            (Trust::Unknown, _) | (Trust::Takes, None | Some(Kept::Up)) => return None,
            (Trust::Takes, Some(Kept::Down { .. })) => return Some(Health::Takes),
            (refuses @ Trust::Refuses { .. }, None | Some(Kept::Up)) => refuses,
            (refuses @ Trust::Refuses { .. }, Some(Kept::Down { tell_at })) => {
                tell_at.filter(|at| *at <= now)?;
                refuses
            }
        };
        let Trust::Refuses { since, reason } = is_down else { return None };
        let since = now.checked_sub(since.elapsed()).unwrap_or(now);
        Some(Health::Refuses { since, reason })
    }

    /// Writes it, and has it told.
    async fn settle(&mut self, shared: &Shared, wake: &Notify, desk: &Desk, health: Health) {
        let name = &desk.name;
        let change = HealthChange {
            name: name.clone(),
            health,
            waiting: if self.routed.down || self.routed.up { waiting(shared, name).await } else { 0 },
            routed: self.routed,
            at_most_every: AT_MOST_EVERY,
        };
        let settled = shared.queue.settle_health(change, shared.clock.wall()).await;
        let Some(settled) = answered(shared, settled) else { return };
        let kept = match health {
            Health::Takes => Kept::Up,
            Health::Refuses { .. } => Kept::Down { tell_at: settled.tell_at },
        };
        self.kept.insert(name.clone(), kept);
        announce(shared, wake, settled.notice.as_slice());
    }

    /// Has it told of the dead letters that there are.
    async fn tell_dead(&mut self, shared: &Shared, wake: &Notify) {
        let now = shared.clock.wall();
        let told = shared.queue.tell_dead(GATHER, AT_MOST_EVERY, now).await;
        let Some(told) = answered(shared, told) else { return };
        self.dead_at = told.next_due.map(|due| Instant::now() + between(now, due).min(AT_MOST_EVERY));
        announce(shared, wake, &told.notices);
    }
}

/// Returns how many deliveries wait for a destination; none where the store fails.
async fn waiting(shared: &Shared, name: &DestinationName) -> u64 {
    let backlog = answered(shared, shared.history.backlog().await).unwrap_or_default();
    let of_it = backlog.queues.iter().find(|queue| queue.destination == *name);
    of_it.map_or(0, |queue| queue.waiting + queue.sending)
}

/// Says that notices wait to be routed.
fn announce(shared: &Shared, wake: &Notify, notices: &[ToldNotice]) {
    for ToldNotice { action, id, destination } in notices {
        tracing::info!(event.id = id.as_str(), destination = destination.as_str(), %action, "a notice about a destination");
        shared.metrics.notice(action.as_str());
        wake.notify_one();
    }
}
