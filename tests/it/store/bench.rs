//! A store to work on, webhooks to put in, and the steps that most tests take.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use seer_relay::delivery::{Attempt, DeliveryId, DestinationKind, DestinationName, Part, Reason, Rung};
use seer_relay::event::{EventId, GroupId, Organization};
use seer_relay::issue::Issue;
use seer_relay::secret::Secret;
use seer_relay::sentry::payload::{self, AcceptedEvent};
use seer_relay::sentry::signature::{SigningKeys, WebhookHeaders, verify};
use seer_relay::sentry::{LookupConfig, OrganizationConfig};
use seer_relay::store::{
    Acceptance, Access, DeliveryClaim, DeliveryFilter, DeliveryRow, DestinationChange, Entry, History,
    IssueSource, MessageChange, Next, OpenDestination, Plan, PlannedDelivery, Queue, Reach, Record, Recorded,
    StoreConfig, Story, Told, WaitingEvent, Wanted, open,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// How long leases last here.
pub(crate) const LEASE: Duration = Duration::from_mins(1);
/// The window within which an equal event is a duplicate.
pub(crate) const WINDOW: Duration = Duration::from_mins(20);

/// What every backend is.
pub(crate) trait AnyStore: Queue + History {}
impl<T: Queue + History> AnyStore for T {}

/// Returns the moment so many seconds after the tests' beginning of time.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_secs(second)
}

/// A webhook in the making.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    organization: &'static str,
    resource: &'static str,
    action: &'static str,
    data: Map<String, Value>,
    received_at: Timestamp,
}

/// Returns a webhook of `acme` without any ids, received at the beginning of time.
pub(crate) fn webhook(action: &'static str) -> Webhook {
    Webhook { organization: "acme", resource: "seer", action, data: Map::new(), received_at: at(0) }
}

/// Returns an alert on an activity, which describes this issue.
pub(crate) fn alert(activity: &str, issue: Value) -> Webhook {
    let alert = Webhook { resource: "activity_alert", ..webhook("triggered") };
    alert.with("activity", json!({ "type": activity, "details": {} })).with("issue", issue)
}

impl Webhook {
    pub(crate) fn organization(mut self, organization: &'static str) -> Self {
        self.organization = organization;
        self
    }

    pub(crate) fn run(self, run_id: &str) -> Self {
        self.with("run_id", json!(run_id))
    }

    pub(crate) fn sentry_run(self, sentry_run_id: &str) -> Self {
        self.with("sentry_run_id", json!(sentry_run_id))
    }

    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.data.insert(key.to_owned(), value);
        self
    }

    pub(crate) fn at(mut self, second: i64) -> Self {
        self.received_at = at(second);
        self
    }

    /// Signs, verifies and parses it.
    pub(crate) fn accepted(&self) -> AcceptedEvent {
        let body = json!({ "action": self.action, "data": self.data }).to_string();
        let organization = OrganizationConfig {
            organization: Organization::new(self.organization),
            client_secrets: vec![Secret::Known("not-a-secret".into())],
            retired_secrets: Vec::new(),
            base_url: "https://acme.sentry.io".parse().unwrap(),
            lookup: LookupConfig::without_token("https://acme.sentry.io".parse().unwrap()),
        };
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"not-a-secret").unwrap();
        mac.update(body.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let head = [
            ("Sentry-Hook-Signature", signature.as_bytes()),
            ("Sentry-Hook-Resource", self.resource.as_bytes()),
            ("Sentry-Hook-Timestamp", b"1800000000"),
        ];
        let headers = WebhookHeaders::read(head).unwrap();
        let verified = verify(headers, body.into(), &SigningKeys::new(&[organization])).unwrap();
        payload::parse(verified, self.received_at).unwrap()
    }
}

/// A store that is open to serve, in a folder that goes with it.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn AnyStore>,
    pub(crate) folder: TempDir,
}

impl Bench {
    /// Opens a new store.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&config(&folder), Access::Serve).await.unwrap();
        Self { store, folder }
    }

    /// Closes the store and opens it again, as a restart does.
    pub(crate) async fn restart(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        let store = open(&config(&folder), Access::Serve).await.unwrap();
        Self { store, folder }
    }

    /// Opens a store with these bytes in its file instead.
    pub(crate) async fn with_file(self, bytes: &[u8]) -> Self {
        let Self { store, folder } = self;
        drop(store);
        std::fs::write(config(&folder).path, bytes).unwrap();
        let store = open(&config(&folder), Access::Serve).await.unwrap();
        Self { store, folder }
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &str) -> i64 {
        let connection = rusqlite::Connection::open(super::bench::config(&self.folder).path).unwrap();
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    /// Puts a webhook in that must be stored.
    pub(crate) async fn accept(&self, webhook: Webhook) -> EventId {
        match self.store.accept(webhook.accepted(), WINDOW).await.unwrap() {
            Acceptance::Stored(id) => id,
            Acceptance::Duplicate(id) => panic!("{webhook:?} is a duplicate of {id}"),
        }
    }

    /// Keeps what Sentry says of an issue that was merged into another one.
    pub(crate) async fn merged(&self, group: &str, survivor: &str, second: i64) {
        let survivor = Some(Issue::unknown(GroupId::new(survivor)));
        let (organization, group) = (Organization::new("acme"), GroupId::new(group));
        self.store.keep_issue(&organization, &group, survivor, IssueSource::Api, at(second)).await.unwrap();
    }

    /// Reads every event that waits to be planned.
    pub(crate) async fn waiting_events(&self) -> Vec<WaitingEvent> {
        self.store.waiting_events(1000, 64 * 1024, Vec::new()).await.unwrap()
    }

    /// Plans every event that waits for all of these destinations.
    pub(crate) async fn plan(&self, second: i64, destinations: &[&str]) {
        let waiting = self.waiting_events().await;
        let plans = waiting.iter().map(|event| plan(event, destinations)).collect();
        self.store.plan(plans, at(second)).await.unwrap();
    }

    /// Puts a webhook in and plans it.
    pub(crate) async fn accept_and_plan(
        &self,
        webhook: Webhook,
        second: i64,
        destinations: &[&str],
    ) -> EventId {
        let id = self.accept(webhook).await;
        self.plan(second, destinations).await;
        id
    }

    /// Claims what is due for one destination.
    pub(crate) async fn claim(&self, second: i64, destination: &str) -> Vec<DeliveryClaim> {
        let open = vec![open_destination(destination, 1000)];
        self.store.claim_deliveries(open, at(second), LEASE).await.unwrap().deliveries
    }

    /// Claims the one delivery that is due for a destination.
    pub(crate) async fn claim_one(&self, second: i64, destination: &str) -> DeliveryClaim {
        let mut claims = self.claim(second, destination).await;
        assert_eq!(claims.len(), 1, "{claims:?}");
        claims.remove(0)
    }

    /// Records an attempt that ended with `next`.
    pub(crate) async fn record(&self, claim: &DeliveryClaim, second: i64, next: Next) -> Recorded {
        self.store.record(attempted(claim, second, next), at(second)).await.unwrap()
    }

    /// Delivers everything that is due for a destination, and what falls due by it; returns the events' ids in order.
    pub(crate) async fn deliver_all(&self, second: i64, destination: &str) -> Vec<EventId> {
        let mut delivered = Vec::new();
        loop {
            let claims = self.claim(second, destination).await;
            if claims.is_empty() {
                return delivered;
            }
            for claim in claims {
                assert_eq!(self.record(&claim, second, Next::Delivered).await, Recorded::Done);
                delivered.push(claim.delivery.event_id);
            }
        }
    }

    /// Returns the story of an event.
    pub(crate) async fn story(&self, event: &EventId) -> Option<Story> {
        match self.told(event, usize::MAX).await? {
            Told::Story(story) => Some(story),
            Told::Heavy { bytes } => panic!("{bytes} bytes are more than anything"),
        }
    }

    /// Returns the story of an event, or its weight where it takes more than so many bytes.
    pub(crate) async fn told(&self, event: &EventId, most_bytes: usize) -> Option<Told> {
        let wanted = [Wanted { event: event.clone(), reach: Reach::UpToEvent }];
        self.store.stories(&wanted, most_bytes).await.unwrap().remove(0)
    }

    /// Lists every delivery in order of planning.
    pub(crate) async fn deliveries(&self, second: i64) -> Vec<DeliveryRow> {
        let page = self.store.deliveries(DeliveryFilter::default(), None, 1000, at(second)).await.unwrap();
        let mut rows = page.items;
        rows.reverse();
        rows
    }

    /// Returns one delivery.
    pub(crate) async fn delivery(&self, id: &DeliveryId, second: i64) -> DeliveryRow {
        self.deliveries(second).await.into_iter().find(|row| row.id == *id).unwrap()
    }
}

/// Returns where the bench's store lies.
pub(crate) fn config(folder: &TempDir) -> StoreConfig {
    StoreConfig {
        path: folder.path().join("data/relay.db"),
        retention: Duration::from_hours(90 * 24),
        payload_retention: None,
    }
}

pub(crate) fn name(destination: &str) -> DestinationName {
    DestinationName::new(destination)
}

pub(crate) fn open_destination(destination: &str, allowance: usize) -> OpenDestination {
    OpenDestination { name: name(destination), allowance }
}

/// Returns a plan for all of these destinations.
pub(crate) fn plan(waiting: &WaitingEvent, destinations: &[&str]) -> Plan {
    let deliveries = destinations.iter().map(|name| planned(name, Entry::Waiting)).collect();
    Plan {
        ticket: waiting.ticket,
        routes: vec!["everything".to_owned()],
        reasons: None,
        issue_unknown: false,
        deliveries,
        card_keepers: Vec::new(),
    }
}

pub(crate) fn planned(destination: &str, entry: Entry) -> PlannedDelivery {
    PlannedDelivery {
        destination: name(destination),
        kind: DestinationKind::Webhook,
        part: Part::Message,
        template_set: None,
        mentions: Vec::new(),
        muting: None,
        entry,
    }
}

/// Returns a record of an attempt that ended with `next`.
pub(crate) fn attempted(claim: &DeliveryClaim, second: i64, next: Next) -> Record {
    let (status, reason) = match &next {
        Next::Delivered => (Some(204), None),
        Next::Retry { .. } => (Some(503), Some(Reason::ServerError)),
        Next::Dead(reason) => (Some(400), Some(*reason)),
        Next::Superseded => (None, None),
        Next::GivenBack => (None, Some(Reason::Shutdown)),
    };
    let attempt = Attempt {
        started_at: at(second),
        duration: Duration::from_millis(12),
        rung: claim.delivery.rung,
        status,
        reason,
        words: None,
        template: None,
    };
    Record {
        ticket: claim.ticket,
        attempt: Some(attempt),
        next,
        destination: DestinationChange::None,
        message: MessageChange::None,
        in_doubt: false,
    }
}

/// Returns a retry that counts.
pub(crate) fn retry_at(second: i64) -> Next {
    Next::Retry { due_at: at(second), counted: true, rung: Rung::Whole }
}
