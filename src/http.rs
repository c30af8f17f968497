//! The HTTP server: which path leads to which handler, and what all handlers share.
//!
//! Never calls `dispatch`; the two meet in the store.

mod access;
pub mod api;
mod body;
mod doubts;
mod endpoints;
mod error;
mod openapi;
mod ops;
mod pages;
mod parameters;
mod query;
mod server;
pub mod telling;
mod webhook;
mod wire;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::Resource;
use actix_web::web::{Data, ServiceConfig, get, head, post, resource, route};
use secrecy::SecretString;
use tokio::sync::{Notify, watch};
use url::Url;

use crate::clock::Clock;
use crate::delivery::DestinationName;
use crate::event::Organization;
use crate::notify::{Destination, Notifiers};
use crate::render::Renderer;
use crate::render::context::Links;
use crate::sentry::signature::SigningKeys;
use crate::store::{History, Queue};
use crate::telemetry::Metrics;

use body::BodyBudget;
use doubts::Doubts;

pub use access::{AccessToken, KEY_AGE};
pub use error::{ApiError, CODES, ErrorCode};
pub use pages::follow;
pub use server::serve;

/// Settings of the `[http]` table.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where to listen. Default `127.0.0.1:8080`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where people reach the relay, for links in messages; without it there are none. Default none.
    pub public_url: Option<Url>,
    /// The largest webhook body, in bytes. Default 10 MiB; 64 KiB to 32 MiB.
    pub max_body_bytes: usize,
    /// Asked for by dashboard, API and metrics; `None` lets one be made and kept beside the store.
    pub token: Option<SecretString>,
}

impl HttpConfig {
    /// Returns where this machine reaches it: whoever listens on every address listens on loopback.
    pub fn local_address(&self) -> SocketAddr {
        let address = match self.listen.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        };
        SocketAddr::new(address, self.listen.port())
    }
}

/// What the configuration says of requests; one value, so that it is replaced as one.
pub struct Policy {
    /// Who may sign.
    pub keys: SigningKeys,
    /// The largest webhook body, in bytes.
    pub max_body_bytes: usize,
    /// Within which time an equal webhook is a duplicate.
    pub dedupe_window: Duration,
    /// What opens metrics, the API and the pages.
    pub token: AccessToken,
    /// Where people reach the relay, where the settings say it.
    pub public_url: Option<Url>,
    /// Where links lead, per organization.
    pub links: HashMap<Organization, Links>,
    /// What messages are made of, and who sends them.
    pub senders: Senders,
}

/// What messages are made of, and who sends them: to draw one again, or to send one by hand.
pub struct Senders {
    /// What is said.
    pub renderer: Arc<Renderer>,
    /// The destinations, whether or not their secrets are known.
    pub destinations: Vec<Destination>,
    /// Who speaks to them, where their secrets are known.
    pub notifiers: Notifiers,
}

impl Senders {
    /// Finds a destination.
    fn destination(&self, name: &DestinationName) -> Option<&Destination> {
        self.destinations.iter().find(|destination| destination.name == *name)
    }
}

impl Policy {
    /// Returns where links lead for an organization, which may be configured no longer.
    fn links(&self, organization: &Organization) -> Links {
        let known = self.links.get(organization).cloned();
        known.unwrap_or_else(|| Links::at_sentry(organization, self.public_url.clone()))
    }
}

/// What the handlers share.
pub struct AppState {
    /// Where webhooks go.
    pub queue: Arc<dyn Queue>,
    /// What is known, for the metrics.
    pub history: Arc<dyn History>,
    /// What is in force; whoever starts the server replaces it while it runs.
    pub policy: watch::Receiver<Arc<Policy>>,
    /// Tells the time.
    pub clock: Clock,
    /// Rung after each stored event, so that the dispatcher need not wait for its next poll.
    pub wake: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What the server remembers between requests.
    pub memory: Memory,
}

impl AppState {
    /// Returns what is in force now; to be asked once for each request.
    fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.borrow())
    }
}

/// What the server remembers between requests; empty at its start.
#[derive(Default)]
pub struct Memory {
    /// How many bytes of unverified bodies are in memory.
    budget: Arc<BodyBudget>,
    /// What is remembered of webhooks whose signature does not hold.
    doubts: Arc<Doubts>,
    /// What was new in payloads and is logged already.
    novelties: Mutex<webhook::Novelties>,
    /// Whether the store could write when it was last asked.
    readiness: ops::Readiness,
    /// Who watches pages as things happen.
    live: Arc<pages::Live>,
}

/// Adds every path to a server.
pub fn routes(service: &mut ServiceConfig, state: Data<AppState>) {
    service
        .app_data(state)
        .app_data(endpoints::body_limits())
        .service(at("/webhooks/sentry", "POST").route(post().to(webhook::receive)))
        .service(at("/healthz", READ).route(get().to(ops::healthz)).route(head().to(ops::healthz)))
        .service(at("/readyz", READ).route(get().to(ops::readyz)).route(head().to(ops::readyz)))
        .service(at("/metrics", READ).route(get().to(ops::metrics)).route(head().to(ops::metrics)))
        .service(at("/api/runs", READ).route(get().to(endpoints::runs)).route(head().to(endpoints::runs)))
        .service(
            at("/api/runs/{name:.+}", READ).route(get().to(endpoints::run)).route(head().to(endpoints::run)),
        )
        .service(
            at("/api/events/{name}", READ)
                .route(get().to(endpoints::event))
                .route(head().to(endpoints::event)),
        )
        .service(
            at("/api/deliveries", READ)
                .route(get().to(endpoints::deliveries))
                .route(head().to(endpoints::deliveries)),
        )
        .service(
            at("/api/openapi.json", READ)
                .route(get().to(endpoints::openapi))
                .route(head().to(endpoints::openapi)),
        )
        .service(
            at("/api/report", READ).route(get().to(endpoints::report)).route(head().to(endpoints::report)),
        )
        .service(at("/api/replay", "POST").route(post().to(endpoints::replay)))
        .configure(pages::routes)
        .default_service(route().to(pages::nothing));
}

/// What a path is asked by that only shows something.
const READ: &str = "GET, HEAD";

/// Returns what is at a path; whoever asks by another method is told by which.
fn at(path: &str, allowed: &'static str) -> Resource {
    let refuse =
        move || async move { Err::<&str, _>(ApiError::from(ErrorCode::MethodNotAllowed { allowed })) };
    resource(path).default_service(route().to(refuse))
}
