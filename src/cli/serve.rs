//! `serve`: the relay itself, until it is told to stop. On SIGHUP it reads its settings again.

mod reload;
pub(super) mod signals;

use std::path::Path;

use self::reload::Reloader;
use self::signals::{HangUps, Stops};
use super::{Failure, Output, colour_is_wanted};
use crate::app;
use crate::check::{CheckReport, Checked, load_checked};
use crate::clock::Clock;
use crate::config::fault::Fault;
use crate::config::{Config, Environment};
use crate::telemetry::start_logging;

/// Run the relay; SIGHUP has it read its settings, routes and templates again
#[derive(Debug, Default, Clone, Copy, clap::Args)]
pub(super) struct Serve {
    /// Refuse to start, too, where the secret of a single destination is missing
    #[arg(long)]
    strict: bool,
}

impl Serve {
    pub(super) async fn run(self, dir: &Path) -> Result<Output, Failure> {
        // First of all, because a signal that nobody listens to ends the process.
        let (mut hang_ups, mut stops) = (HangUps::listen()?, Stops::listen()?);
        let checked = self.load(dir).map_err(|report| Failure::of_faults(&report))?;
        let log_level = start_logging(checked.config.log, colour_is_wanted());
        report_warnings(&checked.config.warnings);
        announce(&checked.config, dir);
        let running = app::start(checked, Clock::system()).await?;
        tracing::info!(address = %running.address(), "accepting webhooks at POST /webhooks/sentry");
        let reloader = Reloader { serve: self, dir, running: &running, log_level };
        tokio::select! {
            () = stops.next() => {}
            () = reloader.reload_at_each(&mut hang_ups) => {}
        }
        tokio::select! {
            () = running.stop() => {}
            () = stops.next() => tracing::warn!("told twice to stop: leaving at once"),
        }
        Ok(Output::default())
    }

    /// Loads what the relay needs; refuses with `--strict` what may be missing otherwise.
    fn load(self, dir: &Path) -> Result<Checked, CheckReport> {
        load_checked(dir, &Environment::of_process())
            .and_then(|checked| if self.strict { checked.strict() } else { Ok(checked) })
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
