//! The running relay: builds everything from the settings, binds, runs, and stops in order. Only here do parts meet.

mod token;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use secrecy::SecretString;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::Config;
use crate::dispatch::{Dispatcher, Rules};
use crate::http::{AccessToken, AppParts, AppState, routes};
use crate::notify::client::{ClientError, HttpClient};
use crate::notify::{Destination, Service, build};
use crate::render::Renderer;
use crate::render::context::Links;
use crate::sentry::signature::SigningKeys;
use crate::store::{Access, DestinationEntry, History, Queue, Store, StoreConfig, StoreError, open};
use crate::telemetry::Metrics;

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a stop waits for requests that are being answered, after the dispatcher is done.
const HTTP_STOP_SECONDS: u64 = 1;

/// How often old runs are looked for.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

/// How many runs one step of pruning removes, so that it never holds up a webhook.
const PRUNE_RUNS: usize = 100;

/// Why the relay did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address is not free, or not ours.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// From `http.listen`.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The token that is kept beside the store could not be read or made.
    #[error("cannot keep the token at `{path}`: {source}")]
    Token {
        /// Where it lies.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The HTTP client could not be built.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The metrics could not be registered.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl StartError {
    /// Returns how to mend it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Listen { .. } => Some(
                "another program may listen there; set `listen` in the table `http` of relay.toml, or \
                 SEER_RELAY__HTTP__LISTEN"
                    .into(),
            ),
            Self::Token { .. } => Some("set `http.token`, or let the store's folder be writable".into()),
            Self::Client(_) => Some("see `delivery.ca_file` in relay.toml".into()),
            Self::Metrics(_) => None,
        }
    }
}

/// A relay that runs.
pub struct Running {
    address: SocketAddr,
    token: SecretString,
    stop: watch::Sender<bool>,
    server: ServerHandle,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what opens metrics.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// Stops accepting, lets attempts under way finish or gives them back, and returns when all is done: within
    /// `delivery.stop_grace` and 2 s.
    pub async fn stop(self) {
        tracing::info!("stopping");
        self.stop.send_replace(true);
        let server = self.server.stop(true);
        let dispatcher = async {
            for task in self.tasks {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a part of the relay did not end well");
                }
            }
        };
        tokio::join!(server, dispatcher);
        tracing::info!("stopped");
    }
}

/// Starts a relay; it accepts webhooks when this returns.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config, renderer: Renderer, clock: Clock) -> Result<Running, StartError> {
    let store = open(&config.store, Access::Serve).await?;
    let token = token::obtain(config.http.token.clone(), &config.store.path)?;
    let listener = TcpListener::bind(config.http.listen)
        .map_err(|source| StartError::Listen { address: config.http.listen, source })?;
    let address =
        listener.local_addr().map_err(|source| StartError::Listen { address: config.http.listen, source })?;
    let metrics = Arc::new(Metrics::new()?);
    let wake = Arc::new(Notify::new());
    let state = AppState::new(
        AppParts {
            queue: Arc::clone(&store) as Arc<dyn Queue>,
            history: Arc::clone(&store) as Arc<dyn History>,
            keys: SigningKeys::new(&config.organizations),
            token: AccessToken::new(&token),
            clock: clock.clone(),
            wake: Arc::clone(&wake),
            metrics: Arc::clone(&metrics),
        },
        &config.http,
        config.delivery.dedupe_window,
    );
    let (server, server_task) =
        serve(listener, Data::new(state)).map_err(|source| StartError::Listen { address, source })?;
    let (stop, stopped) = watch::channel(false);
    let pruning =
        tokio::spawn(prune(Arc::clone(&store), config.store.clone(), clock.clone(), stopped.clone()));
    let dispatcher = dispatcher(&store, config, renderer, clock, wake, metrics).await?;
    let dispatching = tokio::spawn(async move { dispatcher.run(told_to_stop(stopped)).await });
    Ok(Running { address, token, stop, server, tasks: vec![dispatching, pruning, server_task] })
}

/// Resolves when the relay is to stop.
async fn told_to_stop(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it whoever could want the relay to go on.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn serve(
    listener: TcpListener,
    state: Data<AppState>,
) -> Result<(ServerHandle, JoinHandle<()>), std::io::Error> {
    let server = HttpServer::new(move || {
        let state = state.clone();
        App::new()
            .wrap(DefaultHeaders::new().add(("X-Content-Type-Options", "nosniff")))
            .configure(move |service| routes(service, state))
    })
    .workers(std::thread::available_parallelism().map_or(2, usize::from).min(4))
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(HTTP_STOP_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    let task = tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    Ok((handle, task))
}

async fn dispatcher(
    store: &Arc<Store>,
    config: Config,
    renderer: Renderer,
    clock: Clock,
    wake: Arc<Notify>,
    metrics: Arc<Metrics>,
) -> Result<Dispatcher, StartError> {
    let client = HttpClient::new(config.delivery.ca_file.as_deref())?;
    store.register_destinations(config.destinations.iter().map(destination_entry).collect()).await?;
    let links = config
        .organizations
        .iter()
        .map(|organization| (organization.organization.clone(), links_of(organization, &config)))
        .collect::<HashMap<_, _>>();
    let rules = Rules {
        routing: config.routing,
        renderer,
        notifiers: build(&config.destinations, &client),
        destinations: config.destinations,
        links,
    };
    Ok(Dispatcher::new(
        Arc::clone(store) as Arc<dyn Queue>,
        Arc::clone(store) as Arc<dyn History>,
        Arc::new(rules),
        config.delivery,
        clock,
        wake,
        metrics,
    ))
}

/// Returns where links in messages about this organization lead.
pub fn links_of(organization: &crate::sentry::OrganizationConfig, config: &Config) -> Links {
    Links { base_url: organization.base_url.clone(), public_url: config.http.public_url.clone() }
}

/// Returns what the store is to know of a destination.
pub fn destination_entry(destination: &Destination) -> DestinationEntry {
    let address = match &destination.service {
        Service::Slack(slack) => slack.webhook_url.known(),
        Service::Discord(discord) => discord.webhook_url.known(),
        Service::Webhook(webhook) => webhook.url.known(),
    };
    DestinationEntry {
        name: destination.name.clone(),
        kind: destination.service.kind(),
        address: address.cloned(),
    }
}

/// Removes runs that are older than the retention, a few at a time, until told to stop.
async fn prune(store: Arc<Store>, config: StoreConfig, clock: Clock, stopped: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(PRUNE_EVERY);
    let stop = told_to_stop(stopped);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = every.tick() => {}
        }
        let Ok(before) = clock.now().checked_sub(config.retention) else { continue };
        loop {
            match store.prune(before, PRUNE_RUNS).await {
                Ok(0) => break,
                Ok(runs) => tracing::info!(runs, "removed runs older than the retention"),
                Err(error) => {
                    tracing::warn!(%error, "could not remove old runs");
                    break;
                }
            }
        }
    }
}
