//! The running relay: builds everything from the settings, binds, runs, and stops in order. Only here do parts meet.

mod cataloguing;
mod descriptors;
mod dispatching;
mod file_size;
mod fixed;
mod parts;
mod pruning;
mod reload;
mod token;
mod upkeep;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use self::fixed::Fixed;
use self::parts::Parts;
use self::reload::Replacing;
use self::upkeep::Kept;
use crate::check::Checked;
use crate::client::{ClientError, HttpClient};
use crate::clock::Clock;
use crate::config::Config;
use crate::dispatch::Dispatcher;
use crate::http::{self, AppState, Memory};
use crate::render::context::Links;
use crate::store::{Access, History, Queue, Store, StoreError, open};
use crate::telemetry::Metrics;

pub use self::fixed::NeedsRestart;
pub(crate) use token::known as known_token;

/// How long a stop waits for the store's log to be moved into its file.
const SETTLE_WITHIN: Duration = Duration::from_secs(1);

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
    /// The threads of the dispatcher could not be started.
    #[error("cannot start the dispatcher's threads: {0}")]
    Threads(std::io::Error),
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
            Self::Threads(_) | Self::Metrics(_) => None,
        }
    }
}

/// A relay that runs.
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: ServerHandle,
    tasks: Vec<JoinHandle<()>>,
    store: Arc<Store>,
    replacing: Replacing,
}

impl Running {
    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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
        // Threads that end by themselves may still hold the store, so that it is not closed before the process ends.
        match timeout(SETTLE_WITHIN, self.store.settle()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the store's log stays until the next start"),
            Err(_) => tracing::warn!("the store's log stays until the next start: the disk is slow"),
        }
        tracing::info!("stopped");
    }
}

/// Starts a relay; it accepts webhooks when this returns, and nothing runs where it fails.
///
/// # Errors
/// [`StartError`].
pub async fn start(checked: Checked, clock: Clock) -> Result<Running, StartError> {
    if let Err(error) = file_size::survive_limit() {
        tracing::warn!(%error, "a limit on the size of files would end the relay");
    }
    let Checked { config, renderer, digest } = checked;
    let (fixed, store_config) = (Fixed::of(&config), config.store.clone());
    let client = begin_client(&config);
    let store = open(&store_config, Access::Serve).await?;
    let token = token::obtain(config.http.token.clone(), &store_config.path)?;
    let (listener, address) = listen(config.http.listen)?;
    let metrics = Arc::new(Metrics::new()?);
    let (wake, courtesy) = (Arc::new(Notify::new()), Arc::default());
    let Parts { policy, rules, retention } =
        Parts::build(config, renderer, &client.await?, &token, &courtesy);
    let (policy, policy_in_force) = watch::channel(Arc::new(policy));
    let (payload_retention, payloads) = watch::channel(retention.payloads);
    let (retention, runs) = watch::channel(retention.runs);
    let kept = Kept { runs, payloads };
    let state = Data::new(AppState {
        queue: Arc::clone(&store) as Arc<dyn Queue>,
        history: Arc::clone(&store) as Arc<dyn History>,
        policy: policy_in_force,
        clock: clock.clone(),
        wake: Arc::clone(&wake),
        metrics: Arc::clone(&metrics),
        memory: Memory::default(),
    });
    let dispatcher = Dispatcher::new(
        Arc::clone(&store) as Arc<dyn Queue>,
        Arc::clone(&store) as Arc<dyn History>,
        rules,
        clock.clone(),
        wake,
        Arc::clone(&metrics),
    );
    let commander = dispatcher.commander();
    // Where what follows fails, `stop` is dropped, and the dispatcher ends.
    let (stop, stopped) = watch::channel(false);
    let dispatching =
        dispatching::start(dispatcher, told_to_stop(stopped.clone())).map_err(StartError::Threads)?;
    let following = tokio::spawn(http::follow(state.clone(), told_to_stop(stopped.clone())));
    let (server, serving) =
        serve(listener, state).map_err(|source| StartError::Listen { address, source })?;
    let mut tasks = vec![dispatching, following, serving];
    tasks.extend(upkeep::start(&store, kept, &clock, &stopped));
    metrics.settings_begin(&digest, clock.now());
    let store_path = store_config.path;
    let replacing = Replacing {
        fixed,
        store: store_path,
        courtesy,
        commander,
        policy,
        retention,
        payload_retention,
        metrics,
        clock,
    };
    Ok(Running { address, stop, server, tasks, store, replacing })
}

/// Begins to build the client: certificates are many files, to be read while the store waits for the disk.
fn begin_client(config: &Config) -> impl Future<Output = Result<HttpClient, ClientError>> + use<> {
    let ca_file = config.delivery.ca_file.clone();
    let client = spawn_blocking(move || HttpClient::new(ca_file.as_deref()));
    let interrupted = |_| Err(ClientError::Tls("reading certificates was interrupted".to_owned()));
    async move { client.await.unwrap_or_else(interrupted) }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bind = || {
        let listener = TcpListener::bind(address)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind().map_err(|source| StartError::Listen { address, source })
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
    let server = http::serve(listener, state, descriptors::raise_limit())?;
    let handle = server.handle();
    let task = tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    Ok((handle, task))
}

/// Returns where links in messages about this organization lead.
pub fn links_of(organization: &crate::sentry::OrganizationConfig, config: &Config) -> Links {
    Links { base_url: organization.base_url.clone(), public_url: config.http.public_url.clone() }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;
    use crate::check::load_checked;
    use crate::config::Environment;
    use crate::store::StoreConfig;

    /// Loads a folder of the least settings, with its store in it.
    fn checked(folder: &std::path::Path) -> crate::check::Checked {
        let relay = format!(
            "store.url = \"sqlite:{}\"\nhttp.listen = \"127.0.0.1:0\"\n[sentry.acme]\nclient_secrets = [\"a secret\"]\n",
            folder.join("relay.db").display()
        );
        std::fs::write(folder.join("relay.toml"), relay).unwrap();
        std::fs::write(folder.join("routes.toml"), "").unwrap();
        load_checked(folder, &Environment::default()).unwrap()
    }

    #[tokio::test]
    async fn a_start_that_fails_leaves_nothing_running() {
        let folder = tempfile::tempdir().unwrap();
        let mut checked = checked(folder.path());
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        checked.config.http.listen = free;
        checked.config.delivery.ca_file = Some(folder.path().join("none.pem"));

        let failed = start(checked, Clock::system()).await;

        assert!(matches!(failed, Err(StartError::Client(_))));
        assert!(TcpStream::connect(free).is_err(), "nobody accepts webhooks");
        let store = StoreConfig {
            path: folder.path().join("relay.db"),
            retention: std::time::Duration::from_hours(1),
            payload_retention: None,
        };
        assert!(open(&store, Access::Serve).await.is_ok(), "nobody holds the store");
    }
}
