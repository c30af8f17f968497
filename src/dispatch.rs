//! The dispatcher: routes and plans what was accepted; claims deliveries, renders, sends and records them.
//!
//! Two loops, `dispatch/planner.rs` and `dispatch/sender.rs`, and beside them `dispatch/lookup.rs`, which asks Sentry
//! what the planner wishes to know of issues, `dispatch/watch.rs`, which looks at silent runs, and `dispatch/silence.rs`,
//! which notices when webhooks stop coming. They meet everything else in the store: a wake-up signal saves waiting,
//! but polling works without it. Knows neither HTTP servers nor SQL, and of an answer only what its notifier says that
//! it means.

pub mod backoff;
mod board;
mod decide;
mod deliver;
mod desk;
mod finish;
mod holds;
mod journal;
mod letter;
pub mod lookup;
mod moment;
mod outage;
pub mod pace;
mod plan;
mod planner;
mod probe;
mod sender;
mod shelf;
mod silence;
mod stories;
#[cfg(test)]
mod tests;
mod watch;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch as signal};
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use crate::delivery::DestinationName;
use crate::event::{Action, Organization};
use crate::notify::{Destination, Notifiers};
use crate::render::Renderer;
use crate::render::context::Links;
use crate::routing::RoutingTable;
use crate::store::{CardKeeper, DestinationStatus, History, Queue};
use crate::telemetry::Metrics;

use desk::Desk;
use lookup::{Lookup, Source};
use moment::{SteadyClock, after, between};
use outage::{Outage, Pauses};
use plan::Manner;
use sender::Sender;
use shelf::Shelf;
use stories::Room;

pub use watch::{StallAfter, WatchConfig};

/// How often is looked without being woken: what another process queued is noticed within that time.
const POLL: Duration = Duration::from_millis(500);

/// What a lease allows beside the longest attempt: to have its story read, to be rendered, to wait for a slot, and to be
/// written down.
const LEASE_MARGIN: Duration = Duration::from_mins(1);

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
    pub renderer: Renderer,
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
}

/// Takes events from the store to their destinations.
pub struct Dispatcher {
    shared: Arc<Shared>,
    wake: Arc<Notify>,
}

impl Dispatcher {
    /// Sets the dispatcher up; nothing happens before [`run`](Self::run).
    pub fn new(
        queue: Arc<dyn Queue>,
        history: Arc<dyn History>,
        rules: Arc<Rules>,
        settings: DeliveryConfig,
        clock: Clock,
        wake: Arc<Notify>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { shared: Arc::new(Shared::new(queue, history, rules, settings, clock, metrics)), wake }
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
                let planner = tokio::spawn(planner(Arc::clone(&self.shared), self.wake, stopped.clone()));
                let sender = Sender::new(Arc::clone(&self.shared)).run(stopped);
                tokio::join!(
                    sender,
                    passing_panics_on(planner),
                    passing_panics_on(lookup),
                    passing_panics_on(watch),
                    passing_panics_on(silence)
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
    let overdue = overdue(stopped.clone(), shared.settings.stop_grace);
    tokio::select! {
        () = planner::run(shared, wake, stopped) => {}
        () = overdue => {}
    }
}

/// Resolves when the stop was `grace` ago.
async fn overdue(mut stopped: signal::Receiver<bool>, grace: Duration) {
    // An error says that the sender is gone, and with it everybody who could still want something.
    let _ = stopped.wait_for(|stopped| *stopped).await;
    sleep(grace).await;
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
    rules: Arc<Rules>,
    settings: DeliveryConfig,
    clock: SteadyClock,
    metrics: Arc<Metrics>,
    lookup: Arc<Lookup>,
    /// Raised when Sentry answered, or will not. Only the plan loop waits for it, so no signal is lost.
    answered: Arc<Notify>,
    outage: Outage,
    /// When the dispatcher was set up.
    born: Timestamp,
    /// How long a claim is ours: longer than any attempt may take.
    lease: Duration,
    /// The configured destinations.
    desks: Vec<Arc<Desk>>,
    desk_of: HashMap<DestinationName, Arc<Desk>>,
    /// Those of them that keep cards.
    card_keepers: Vec<CardKeeper>,
    /// Raised by the plan loop for the loop that sends. Only that one waits for it, so no signal is lost.
    planned: Notify,
    /// The stories that the plan loop has just read, for the deliveries that it planned.
    shelf: Shelf,
    /// For heavy stories while their messages are made, which takes several times their size and no destination's
    /// time. For all destinations together.
    workshop: Room,
    /// Raised by the plan loop: something may wait at any destination.
    look_everywhere: AtomicBool,
}

impl Shared {
    fn new(
        queue: Arc<dyn Queue>,
        history: Arc<dyn History>,
        rules: Arc<Rules>,
        settings: DeliveryConfig,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let now = Instant::now();
        let desks: Vec<Arc<Desk>> = rules
            .destinations
            .iter()
            .map(|destination| {
                let notifier = rules.notifiers.get(&destination.name).cloned();
                Arc::new(Desk::configured(destination, notifier, Arc::clone(&metrics), now))
            })
            .collect();
        let card_keepers = desks.iter().filter_map(|desk| desk.as_card_keeper()).collect();
        let answered = Arc::new(Notify::new());
        let lookup = Lookup::new(
            rules.sources.clone(),
            Arc::clone(&queue),
            Arc::clone(&history),
            clock.clone(),
            Arc::clone(&metrics),
            Arc::clone(&answered),
        );
        let timeouts = rules.destinations.iter().map(|destination| destination.timeout);
        Self {
            queue,
            history,
            lease: timeouts.fold(settings.attempt_timeout, Duration::max) + LEASE_MARGIN,
            desk_of: desks.iter().map(|desk| (desk.name.clone(), Arc::clone(desk))).collect(),
            desks,
            card_keepers,
            rules,
            settings,
            born: clock.now(),
            clock: SteadyClock::new(clock),
            metrics,
            lookup: Arc::new(lookup),
            answered,
            outage: Outage::default(),
            planned: Notify::new(),
            shelf: Shelf::default(),
            workshop: Room::default(),
            look_everywhere: AtomicBool::new(false),
        }
    }

    /// Makes the destinations known to the store and learns what it remembers of them; false where the stop came
    /// first.
    async fn register(&self, mut stopped: signal::Receiver<bool>) -> bool {
        let mut pauses = Pauses::default();
        loop {
            let entries = self.rules.destinations.iter().map(desk::entry).collect();
            let now = self.clock.steady();
            let latest_due = after(now, self.settings.retry_max);
            let registered = tokio::select! {
                registered = self.queue.register_destinations(entries, now, latest_due) => registered,
                _ = stopped.wait_for(|stopped| *stopped) => return false,
            };
            match registered {
                Ok(statuses) => {
                    self.outage.worked();
                    self.remember(&statuses);
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

    fn remember(&self, statuses: &[DestinationStatus]) {
        for status in statuses {
            if let Some(desk) = self.desk_of.get(&status.name) {
                let hold = status.held_until.map(|moment| between(self.clock.wall(), moment));
                let hold = hold.map(|hold| bearable(hold, &self.settings));
                desk.remember(status.gone_since.is_some(), hold, Instant::now());
            }
        }
    }

    /// Returns what an event of this action becomes at a destination; `None` where it is not configured.
    fn manner_at(&self, name: &DestinationName, action: &Action) -> Option<Manner> {
        let place = self.desk_of.get(name)?.place.as_ref()?;
        Some(Manner { kind: place.target.kind, parts: place.parts(action), digest: place.digest })
    }

    /// Says that new deliveries wait for these destinations.
    fn announce<'a>(&self, destinations: impl Iterator<Item = &'a DestinationName>) {
        for desk in destinations.filter_map(|name| self.desk_of.get(name)) {
            desk.announce();
        }
        self.planned.notify_one();
    }

    /// Says that something new may wait anywhere.
    fn look_everywhere(&self) {
        self.look_everywhere.store(true, Ordering::Release);
        self.planned.notify_one();
    }

    fn take_look_everywhere(&self) -> bool {
        self.look_everywhere.swap(false, Ordering::Acquire)
    }

    /// Returns where links lead for an organization; for one that is no longer configured, to its place at Sentry.
    fn links(&self, organization: &Organization) -> Cow<'_, Links> {
        if let Some(links) = self.rules.links.get(organization) {
            return Cow::Borrowed(links);
        }
        let public_url = self.rules.links.values().find_map(|links| links.public_url.clone());
        Cow::Owned(Links::at_sentry(organization, public_url))
    }
}
