//! Settings that are read again while the relay runs take the place of the old ones.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::fixed::{Fixed, NeedsRestart};
use super::parts::Parts;
use super::{Running, StartError, token};
use crate::check::Checked;
use crate::client::HttpClient;
use crate::clock::Clock;
use crate::dispatch::Commander;
use crate::http::Policy;
use crate::notify::Courtesy;
use crate::telemetry::Metrics;

/// What replaces parts of a relay while it runs.
pub(super) struct Replacing {
    /// What cannot be replaced, as it was at the start.
    pub(super) fixed: Fixed,
    /// The store in use; the token may lie beside it.
    pub(super) store: PathBuf,
    /// What Discord told the relay as a whole goes on.
    pub(super) courtesy: Arc<Courtesy>,
    pub(super) commander: Commander,
    pub(super) policy: watch::Sender<Arc<Policy>>,
    pub(super) retention: watch::Sender<Duration>,
    pub(super) payload_retention: watch::Sender<Duration>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Clock,
}

impl Running {
    /// Takes over settings, routes and templates that were read again, all of them or none; returns what counts only
    /// from the next start on. While the store cannot be written, the old ones stay in force, and this does not return.
    ///
    /// # Errors
    /// [`StartError`] where they could not be used; the old ones stay in force.
    pub async fn take_over(&self, checked: Checked) -> Result<Vec<NeedsRestart>, StartError> {
        let replacing = &self.replacing;
        let Checked { config, renderer, digest } = checked;
        let needs_restart = replacing.fixed.changed_by(&Fixed::of(&config));
        let parts = token::obtain(config.http.token.clone(), &replacing.store)
            .and_then(|token| Ok((token, HttpClient::new(config.delivery.ca_file.as_deref())?)))
            .map(|(token, client)| Parts::build(config, renderer, &client, &token, &replacing.courtesy))
            .inspect_err(|_| self.refuse())?;
        // Whoever may sign now is known to the dispatcher first. It may have ended only where the relay stops.
        if replacing.commander.put_in_force(parts.rules).await {
            replacing.policy.send_replace(Arc::new(parts.policy));
            replacing.retention.send_replace(parts.retention.runs);
            replacing.payload_retention.send_replace(parts.retention.payloads);
            replacing.metrics.settings_changed(&digest, replacing.clock.now());
        }
        Ok(needs_restart)
    }

    /// Counts settings that were read again and have a fault: the old ones stay in force.
    pub fn refuse(&self) {
        self.replacing.metrics.settings_refused();
    }
}
