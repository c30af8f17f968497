//! The dispatcher at work, on a clock that stands still until everybody waits.

mod endings;
mod fake_notifier;
mod fake_store;
mod heralding;
mod pacing;
mod planning;
mod reloading;
mod scenes;
mod waiting;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use fake_notifier::FakeNotifier;
use fake_store::{FakeStore, Row};

use super::lookup::Source;
use super::{Commander, DeliveryConfig, Dispatcher, Rules, WatchConfig};
use crate::clock::Clock;
use crate::delivery::{Delivery, DeliveryId, DeliveryState, DestinationName, Origin, Part, Rung};
use crate::event::{Action, Artifacts, Event, EventId, Organization};
use crate::notify::webhook::WebhookConfig;
use crate::notify::{Destination, Notifier, Rate, Service, Style};
use crate::render::Renderer;
use crate::render::context::Links;
use crate::routing::{Route, RoutingTable};
use crate::secret::Secret;
use crate::telemetry::Metrics;

/// When every test begins.
pub(super) fn start() -> Timestamp {
    Timestamp::from_second(1_780_000_000).expect("in range")
}

/// The settings that nobody changed.
pub(super) fn settings() -> DeliveryConfig {
    DeliveryConfig {
        retry_min: Duration::from_secs(1),
        retry_max: Duration::from_mins(10),
        give_up_after: Duration::from_hours(24),
        attempt_timeout: Duration::from_secs(10),
        stop_grace: Duration::from_secs(8),
        dedupe_window: Duration::from_mins(20),
        ca_file: None,
    }
}

/// A delivery to `audit` that was just planned.
pub(super) fn delivery(id: &str) -> Delivery {
    Delivery {
        id: DeliveryId::new(id),
        event_id: EventId::new("evt"),
        destination: DestinationName::new("audit"),
        part: Part::Message,
        template_set: None,
        mentions: Vec::new(),
        origin: Origin::Event,
        created_at: start(),
        first_due_at: start(),
        held_until: None,
        attempts: 0,
        failures: 0,
        rung: Rung::Whole,
        in_doubt: false,
        first: None,
        stands_for: None,
    }
}

/// An event of run `acme/1`.
pub(super) fn event(id: &str, action: Action) -> Event {
    Event {
        id: EventId::new(id),
        organization: Organization::new("acme"),
        resource: "seer".to_owned(),
        action,
        run_id: Some(crate::event::RunId::new("1")),
        sentry_run_id: None,
        group_id: None,
        iteration: None,
        received_at: start(),
        sent_at: None,
        artifacts: Artifacts::default(),
    }
}

/// A destination that may be called as often as there is something to send, 64 at once.
pub(super) fn destination(name: &str) -> Destination {
    Destination {
        name: DestinationName::new(name),
        template_set: None,
        rate: Rate::Unlimited,
        in_flight: 64,
        timeout: settings().attempt_timeout,
        expire_after: None,
        fallback: None,
        diff_lines: 0,
        style: Style::Messages,
        digest: None,
        announce: Vec::new(),
        service: Service::Webhook(WebhookConfig {
            url: Secret::Known(SecretString::from("http://127.0.0.1:9/")),
            secret: None,
            headers: Vec::new(),
            thin: false,
        }),
    }
}

fn links(organization: Organization) -> (Organization, Links) {
    let links = Links::at_sentry(&organization, None);
    (organization, links)
}

/// A dispatcher and everything around it.
struct Stage {
    store: Arc<FakeStore>,
    wake: Arc<Notify>,
    settings: DeliveryConfig,
    clock: Clock,
    destinations: Vec<Destination>,
    notifiers: Vec<(DestinationName, Arc<dyn Notifier>)>,
    routes: Vec<Route>,
    sources: Vec<Source>,
    watch: WatchConfig,
    /// Who is configured.
    organizations: Vec<Organization>,
    metrics: Arc<Metrics>,
    /// Of the dispatcher, once it plays.
    commander: Option<Commander>,
}

impl Stage {
    /// A stage whose clock goes with tokio's.
    fn new() -> Self {
        let began = Instant::now();
        Self {
            store: Arc::default(),
            wake: Arc::default(),
            settings: settings(),
            clock: Clock::from_fn(move || start() + (Instant::now() - began)),
            destinations: Vec::new(),
            notifiers: Vec::new(),
            routes: Vec::new(),
            sources: Vec::new(),
            watch: WatchConfig::OFF,
            organizations: Vec::new(),
            metrics: Arc::new(Metrics::new().expect("every name is one")),
            commander: None,
        }
    }

    fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Adds a destination; without a notifier its secret is missing.
    fn to(mut self, destination: Destination, notifier: Option<&Arc<FakeNotifier>>) -> Self {
        if let Some(notifier) = notifier {
            let notifier: Arc<dyn Notifier> = Arc::clone(notifier) as Arc<dyn Notifier>;
            self.notifiers.push((destination.name.clone(), notifier));
        }
        self.destinations.push(destination);
        self
    }

    /// Queues a delivery to a destination, in a lane.
    fn queue(&self, destination: &str, lane: &str, id: &str) {
        self.queue_delivery(
            Delivery { destination: DestinationName::new(destination), ..delivery(id) },
            lane,
        );
    }

    fn queue_delivery(&self, delivery: Delivery, lane: &str) {
        let mut kept = self.store.kept();
        let event = event(delivery.event_id.as_str(), Action::CodingCompleted);
        kept.events.insert(delivery.event_id.clone(), event);
        kept.rows.push(Row {
            delivery,
            lane: lane.to_owned(),
            state: DeliveryState::Waiting,
            due_at: start(),
            lease_until: None,
            fence: 0,
            reason: None,
            records: Vec::new(),
        });
    }

    /// Takes the rules that were set up.
    fn rules(&mut self) -> Rules {
        Rules {
            routing: RoutingTable::new(std::mem::take(&mut self.routes)),
            renderer: Arc::new(Renderer::built_in()),
            destinations: std::mem::take(&mut self.destinations),
            notifiers: std::mem::take(&mut self.notifiers).into_iter().collect(),
            links: std::mem::take(&mut self.organizations).into_iter().map(links).collect(),
            sources: std::mem::take(&mut self.sources),
            watch: self.watch,
            delivery: self.settings.clone(),
        }
    }

    /// Starts the dispatcher; it stops when the returned sender is used or dropped.
    fn play(&mut self) -> (oneshot::Sender<()>, JoinHandle<()>) {
        let dispatcher = Dispatcher::new(
            Arc::clone(&self.store) as _,
            Arc::clone(&self.store) as _,
            self.rules(),
            self.clock.clone(),
            Arc::clone(&self.wake),
            Arc::clone(&self.metrics),
        );
        self.commander = Some(dispatcher.commander());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(dispatcher.run(async {
            let _ = stopped.await;
        }));
        (stop, running)
    }

    /// Puts the rules in force that were set up since.
    async fn change(&mut self) {
        let rules = self.rules();
        assert!(self.commander.as_ref().expect("it plays").put_in_force(rules).await);
    }
}
