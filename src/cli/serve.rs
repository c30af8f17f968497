//! `serve`: the relay itself, until it is told to stop.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Output, colour_is_wanted};
use crate::app;
use crate::check::load_checked;
use crate::clock::Clock;
use crate::config::fault::Fault;
use crate::config::{Config, Environment};
use crate::telemetry::start_logging;

/// Run the relay.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Serve {
    /// Refuse to start, too, where the secret of a single destination is missing
    #[arg(long)]
    strict: bool,
}

impl Serve {
    pub(super) async fn run(self, dir: &Path) -> Result<Output, Failure> {
        let checked = load_checked(dir, &Environment::of_process())
            .and_then(|checked| if self.strict { checked.strict() } else { Ok(checked) })
            .map_err(|report| Failure::of_faults(&report))?;
        start_logging(checked.config.log, colour_is_wanted());
        report_warnings(&checked.config.warnings);
        announce(&checked.config, dir);
        let mut signals = Signals::listen()?;
        let running = app::start(checked.config, checked.renderer, Clock::system()).await?;
        tracing::info!(address = %running.address(), "accepting webhooks at POST /webhooks/sentry");
        signals.next().await;
        tokio::select! {
            () = running.stop() => {}
            () = signals.next() => tracing::warn!("told twice to stop: leaving at once"),
        }
        Ok(Output::default())
    }
}

/// A missing secret keeps something from working, so that somebody should act; the rest is advice.
fn report_warnings(warnings: &[Fault]) {
    for warning in warnings {
        let file = warning.file.as_ref().map(|file| file.display().to_string());
        if warning.is_missing_secret() {
            tracing::error!(file, line = warning.line, hint = warning.hint, "{}", warning.message);
        } else {
            tracing::warn!(file, line = warning.line, hint = warning.hint, "{}", warning.message);
        }
    }
}

fn announce(config: &Config, dir: &Path) {
    let absolute =
        |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        config = absolute(dir),
        templates = absolute(&config.templates.dir),
        store = absolute(&config.store.path),
        "starting"
    );
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::from(anyhow::Error::from(error)));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
