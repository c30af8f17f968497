//! The relay that the demo plays to: the real one, from the demo's folder.

use std::net::SocketAddr;
use std::path::Path;

use super::DemoError;
use crate::app::{Running, start};
use crate::check::load_checked;
use crate::clock::Clock;
use crate::config::Environment;

/// The running relay.
pub(super) struct Relay(Running);

/// Loads the folder as `serve` does, and starts the relay.
///
/// # Errors
/// [`DemoError::Relay`] where it does not start.
pub(super) async fn start_relay(config_dir: &Path, clock: Clock) -> Result<Relay, DemoError> {
    let nothing: [(&str, &str); 0] = [];
    let checked = load_checked(config_dir, &Environment::from_pairs(nothing))
        .map_err(|report| DemoError::Relay(report.to_string()))?;
    let running = start(checked.config, checked.renderer, clock).await;
    running.map(Relay).map_err(|error| DemoError::Relay(error.to_string()))
}

impl Relay {
    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Stops it in order.
    pub(super) async fn stop(self) {
        self.0.stop().await;
    }
}
