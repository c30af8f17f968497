//! The dispatcher: routes and plans what was accepted; claims deliveries, renders, sends and records them.
//!
//! Two loops, `dispatch/planner.rs` and `dispatch/sender.rs`, and beside them `dispatch/lookup.rs`, which asks Sentry
//! what the planner wishes to know of issues, `dispatch/watch.rs`, which looks at silent runs, and `dispatch/silence.rs`,
//! which notices when webhooks stop coming, `dispatch/herald.rs`, which has it told what destinations do not take, and
//! `dispatch/fallback.rs`, which hands that over to others; `dispatch/handover.rs` replaces the rules by which all of them
//! work. They meet everything else in the store: a wake-up signal saves waiting,
//! but polling works without it. Knows neither HTTP servers nor SQL, and of an answer only what its notifier says that
//! it means.

pub mod backoff;
mod board;
mod decide;
mod deliver;
mod desk;
mod fallback;
mod finish;
mod handover;
mod herald;
mod holds;
mod journal;
mod letter;
pub mod lookup;
mod moment;
mod outage;
pub mod pace;
mod place;
mod plan;
mod planner;
mod probe;
mod regime;
mod sender;
mod shelf;
mod silence;
mod slots;
mod stories;
#[cfg(test)]
mod tests;
mod traffic;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, RwLock, mpsc, watch as signal};
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use crate::delivery::DestinationName;
use crate::event::Organization;
use crate::notify::{Destination, Notifiers};
use crate::render::Renderer;
use crate::render::context::Links;
use crate::routing::RoutingTable;
use crate::store::{History, Queue};
use crate::telemetry::Metrics;

use desk::Desk;
use handover::Order;
use lookup::{Lookup, Source};
use moment::{SteadyClock, after};
use outage::{Outage, Pauses};
use regime::Regime;
use sender::Sender;
use shelf::Shelf;
use stories::Room;

pub use handover::Commander;
pub use watch::{StallAfter, WatchConfig};

/// How often is looked without being woken: what another process queued is noticed within that time.
const POLL: Duration = Duration::from_millis(500);

/// What a destination may ask for at most, unless `give_up_after` is longer: a slip of its clock must not close it for
/// years.
const LONGEST_HOLD: Duration = Duration::from_hours(24);

/// Settings of the `[delivery]` table.
#[derive(Debug, Clone)]
pub struct DeliveryConfig {
    /// The first pause between two attempts. Default 1 s; 1 ms to `retry_max`.
    pub retry_min: Duration,
    /// The longest pause between two attempts. Default 10 min; up to 24 h.
    pub retry_max: Duration,
    /// How long after it was first due a delivery becomes a dead letter. Default 24 h; 1 s to 30 d.
    pub give_up_after: Duration,
    /// How long one attempt may take. Default 10 s; 100 ms to 5 min.
    pub attempt_timeout: Duration,
    /// How long a stop waits for attempts under way. Default 8 s; 0 s to 5 min.
    pub stop_grace: Duration,
    /// Within which time an equal webhook is a duplicate. Default 20 min; 0 s (off) to 7 d.
    pub dedupe_window: Duration,
    /// A file of certificates (PEM) to trust beside the system's. Default none.
    pub ca_file: Option<std::path::PathBuf>,
}

/// What the configuration says of where events go and what is said there; one value, so that it is replaced as one.
pub struct Rules {
    /// Which destinations an event goes to.
    pub routing: RoutingTable,
    /// What is said.
    pub renderer: Arc<Renderer>,
    /// The destinations, whether or not their secrets are known.
    pub destinations: Vec<Destination>,
    /// Who speaks to them, where their secrets are known.
    pub notifiers: Notifiers,
    /// Where links in messages lead, per organization.
    pub links: HashMap<Organization, Links>,
    /// The organizations whose Sentry can be asked.
    pub sources: Vec<Source>,
    /// When it is told that nothing is heard.
    pub watch: WatchConfig,
    /// When is tried again, and for how long.
    pub delivery: DeliveryConfig,
}

/// Takes events from the store to their destinations.
pub struct Dispatcher {
    shared: Arc<Shared>,
    wake: Arc<Notify>,
    commander: Commander,
    orders: mpsc::Receiver<Order>,
}

impl Dispatcher {
    /// Sets the dispatcher up; nothing happens before [`run`](Self::run).
    pub fn new(
        queue: Arc<dyn Queue>,
        history: Arc<dyn History>,
        rules: Rules,
        clock: Clock,
        wake: Arc<Notify>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (commander, orders) = Commander::new();
        let shared = Arc::new(Shared::new(queue, history, rules, clock, metrics));
        Self { shared, wake, commander, orders }
    }

    /// Returns who can replace its rules while it runs.
    pub fn commander(&self) -> Commander {
        self.commander.clone()
    }

    /// Works until `stop` resolves; then claims nothing more, waits `stop_grace` for attempts under way, and
    /// interrupts and gives back the rest. `wake` says that an event was accepted or a replay queued.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = signal::channel(false);
        let work = async {
            if self.shared.register(stopped.clone()).await {
                let lookup = tokio::spawn(Arc::clone(&self.shared.lookup).run(stopped.clone()));
                let watch = watch::run(Arc::clone(&self.shared), Arc::clone(&self.wake), stopped.clone());
                let watch = tokio::spawn(watch);
                let silence = silence::run(Arc::clone(&self.shared), Arc::clone(&self.wake), stopped.clone());
                let silence = tokio::spawn(silence);
                let herald = herald::run(Arc::clone(&self.shared), Arc::clone(&self.wake), stopped.clone());
                let herald = tokio::spawn(herald);
                let fallback = tokio::spawn(fallback::run(Arc::clone(&self.shared), stopped.clone()));
                let handover = handover::run(Arc::clone(&self.shared), self.orders, stopped.clone());
                let handover = tokio::spawn(handover);
                let planner = tokio::spawn(planner(Arc::clone(&self.shared), self.wake, stopped.clone()));
                // On the same thread as its deliveries, which would have to wake another one for each report.
                let sender = tokio::spawn(Sender::new(Arc::clone(&self.shared)).run(stopped));
                tokio::join!(
                    passing_panics_on(sender),
                    passing_panics_on(planner),
                    passing_panics_on(lookup),
                    passing_panics_on(watch),
                    passing_panics_on(silence),
                    passing_panics_on(herald),
                    passing_panics_on(fallback),
                    passing_panics_on(handover)
                );
            }
        };
        let stop = async {
            stop.await;
            stopping.send_replace(true);
        };
        tokio::join!(stop, work);
    }
}

/// Plans until stopped; a store that hangs does not keep it for longer than `stop_grace`.
async fn planner(shared: Arc<Shared>, wake: Arc<Notify>, stopped: signal::Receiver<bool>) {
    let overdue = overdue(stopped.clone(), Arc::clone(&shared));
    tokio::select! {
        () = planner::run(shared, wake, stopped) => {}
        () = overdue => {}
    }
}

/// Resolves when the stop was longer ago than attempts under way are waited for.
async fn overdue(mut stopped: signal::Receiver<bool>, shared: Arc<Shared>) {
    // An error says that the sender is gone, and with it everybody who could still want something.
    let _ = stopped.wait_for(|stopped| *stopped).await;
    sleep(shared.regime().rules.delivery.stop_grace).await;
}

async fn passing_panics_on(task: tokio::task::JoinHandle<()>) {
    if let Err(error) = task.await
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

/// Returns for how long a destination is left alone that asks for so much.
fn bearable(hold: Duration, settings: &DeliveryConfig) -> Duration {
    hold.min(LONGEST_HOLD.max(settings.give_up_after))
}

/// What both loops and all attempts share.
struct Shared {
    queue: Arc<dyn Queue>,
    history: Arc<dyn History>,
    /// What is in force. Only the handover replaces it.
    regime: signal::Sender<Arc<Regime>>,
    clock: SteadyClock,
    metrics: Arc<Metrics>,
    lookup: Arc<Lookup>,
    /// Raised when Sentry answered, or will not. Only the plan loop waits for it, so no signal is lost.
    answered: Arc<Notify>,
    outage: Outage,
    /// When the dispatcher was set up.
    born: Timestamp,
    /// Read by whoever writes down what a destination said of itself, written by the handover: what an old address said
    /// must not be written down after the store was told of the new one.
    records: RwLock<()>,
    /// Raised by the plan loop for the loop that sends. Only that one waits for it, so no signal is lost.
    planned: Notify,
    /// The stories that the plan loop has just read, for the deliveries that it planned.
    shelf: Shelf,
    /// For heavy stories while their messages are made, which takes several times their size and no destination's
    /// time. For all destinations together.
    workshop: Room,
    /// Raised by the plan loop: something may wait at any destination.
    look_everywhere: AtomicBool,
    /// Raised when a delivery has become a dead letter. Only the herald lowers it.
    some_died: AtomicBool,
}

impl Shared {
    fn new(
        queue: Arc<dyn Queue>,
        history: Arc<dyn History>,
        rules: Rules,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let answered = Arc::new(Notify::new());
        let lookup = Lookup::new(
            rules.sources.clone(),
            Arc::clone(&queue),
            Arc::clone(&history),
            clock.clone(),
            Arc::clone(&metrics),
            Arc::clone(&answered),
        );
        Self {
            queue,
            history,
            regime: signal::Sender::new(Arc::new(Regime::new(rules, None, &metrics, Instant::now()))),
            born: clock.now(),
            clock: SteadyClock::new(clock),
            metrics,
            lookup: Arc::new(lookup),
            answered,
            outage: Outage::default(),
            records: RwLock::new(()),
            planned: Notify::new(),
            shelf: Shelf::default(),
            workshop: Room::default(),
            look_everywhere: AtomicBool::new(false),
            some_died: AtomicBool::new(false),
        }
    }

    /// Returns what is in force now; to be asked once for each step.
    fn regime(&self) -> Arc<Regime> {
        Arc::clone(&self.regime.borrow())
    }

    /// Makes the destinations known to the store and learns what it remembers of them; false where the stop came
    /// first.
    async fn register(&self, mut stopped: signal::Receiver<bool>) -> bool {
        let regime = self.regime();
        let mut pauses = Pauses::default();
        loop {
            let now = self.clock.steady();
            let latest_due = after(now, regime.rules.delivery.retry_max);
            let registered = tokio::select! {
                registered = self.queue.register_destinations(regime.entries(), now, latest_due) => registered,
                _ = stopped.wait_for(|stopped| *stopped) => return false,
            };
            match registered {
                Ok(statuses) => {
                    self.outage.worked();
                    regime.begin(&statuses, &self.clock);
                    return true;
                }
                Err(error) => self.outage.failed(&error),
            }
            tokio::select! {
                () = sleep(pauses.next_pause()) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return false,
            }
        }
    }

    /// Says that new deliveries wait for these destinations.
    fn announce<'a>(&self, destinations: impl Iterator<Item = &'a DestinationName>) {
        self.regime().announce(destinations);
        self.planned.notify_one();
    }

    /// Says that a delivery has become a dead letter, of which its destination's fallback may have to be told.
    fn note_death(&self, desk: &Desk) {
        self.some_died.store(true, Ordering::Release);
        let fallback = desk.place.as_ref().and_then(|place| place.fallback.as_ref());
        if let Some(fallback) = fallback {
            self.announce(std::iter::once(&fallback.to));
        }
    }

    /// Returns whether a delivery has become a dead letter since that was asked last.
    fn take_deaths(&self) -> bool {
        self.some_died.swap(false, Ordering::Acquire)
    }

    /// Says that something new may wait anywhere.
    fn look_everywhere(&self) {
        self.look_everywhere.store(true, Ordering::Release);
        self.planned.notify_one();
    }

    fn take_look_everywhere(&self) -> bool {
        self.look_everywhere.swap(false, Ordering::Acquire)
    }
}
