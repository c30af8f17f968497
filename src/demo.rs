//! The demo: the whole relay on loopback between a stand-in Sentry and stand-in receivers.
//!
//! Everything but the two ends is real: the HTTP server, the store, the routes, the templates, the notifiers. It needs
//! no account and no secret, and leaves nothing behind.

mod folder;
mod narration;
mod picture;
mod play;
pub mod receivers;
mod relay;
mod stage;
mod tally;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use jiff::tz::TimeZone;

use crate::app::StartError;
use crate::check::CheckReport;
use crate::client::{ClientError, HttpClient, TransportError};
use crate::clock::Clock;
use crate::preview::terminal::Style;
use folder::{Folder, Secrets};
use narration::Narrator;
use play::Sentry;
use receivers::Receivers;
use stage::Stage;
pub use tally::{Count, DemoSummary, What};

/// How the demo is to run.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Whether to play without pauses and to end when all has arrived, instead of staying up.
    pub once: bool,
    /// How messages are drawn.
    pub style: Style,
    /// How this program is called, for the commands that are shown.
    pub program: String,
}

/// Why the demo could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No port, or no temporary folder.
    #[error("the demo cannot be set up: {0}")]
    SetUp(#[source] io::Error),
    /// No client for the stand-in Sentry.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The demo's own settings are refused.
    #[error("the demo's settings are refused: {0}")]
    Settings(CheckReport),
    /// The relay itself.
    #[error(transparent)]
    Relay(#[from] StartError),
    /// A webhook was not answered.
    #[error("the relay did not answer a webhook: {0}")]
    NoAnswer(#[from] TransportError),
    /// The terminal is gone.
    #[error("the demo cannot write: {0}")]
    Write(#[source] io::Error),
}

/// Plays the demo to `out` until all has arrived (`once`), or until Ctrl-C; returns how it went.
///
/// # Errors
/// [`DemoError`]: what could not be started, reached or written. That a message is missing is no error but told in the
/// summary.
pub async fn run(options: DemoOptions, out: &mut (dyn Write + Send)) -> Result<DemoSummary, DemoError> {
    let clock = Clock::system();
    let secrets = Secrets::random();
    let (receivers, arrivals) =
        Receivers::start(clock.clone(), secrets.keys.clone()).map_err(DemoError::SetUp)?;
    let sentry_api = play::sentry_api(clock.clone(), &secrets.api_token).map_err(DemoError::SetUp)?;
    let folder = Folder::write(&receivers, &sentry_api, &secrets, options.once).map_err(DemoError::SetUp)?;
    let config_dir = folder.config_dir();
    let relay = relay::start_relay(&config_dir, clock.clone()).await?;
    let mut narrator = Narrator::new(out, options.style, TimeZone::system());
    let place = Place { relay: relay.address(), config_dir: &config_dir, program: &options.program };
    narrator.opening(&place, &secrets.token).map_err(DemoError::Write)?;
    let sentry = Sentry::new(relay.address(), secrets.client_secret, HttpClient::new(None)?, clock.clone());
    let mut stage = Stage::new(sentry, &receivers, arrivals, narrator, clock);
    let played = tokio::select! {
        played = stage.play(options.once, &place) => played,
        stopped = told_to_stop() => stopped.map_err(DemoError::SetUp),
    };
    let summary = stage.summary();
    relay.stop().await;
    receivers.stop().await;
    sentry_api.stop().await;
    played.map(|()| summary)
}

/// Where things are, for people who want to try more.
pub(crate) struct Place<'demo> {
    relay: SocketAddr,
    config_dir: &'demo Path,
    program: &'demo str,
}

/// Returns on SIGINT and on SIGTERM, so that the folder is removed either way.
async fn told_to_stop() -> io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const TIMEOUT: Duration = Duration::from_mins(1);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_relay_brings_the_whole_play_to_its_receivers() {
        let mut out = Vec::new();
        let options = DemoOptions {
            once: true,
            style: Style { colour: false, width: 96 },
            program: "seer-relay".to_owned(),
        };

        let summary = timeout(TIMEOUT, run(options, &mut out)).await.unwrap().unwrap();

        let out = String::from_utf8(out).unwrap();
        assert!(summary.all_arrived(), "{summary:?}\n{out}");
        assert_eq!((summary.duplicates, summary.failures), (1, 2));
        assert!(out.contains("✓ all arrived"), "{out}");
    }
}
