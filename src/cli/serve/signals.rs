//! The signals that `serve` listens to.

use std::future::pending;
use std::io::{IsTerminal, stderr, stdin};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Failure;

/// SIGTERM and SIGINT: the relay is to stop. For a command SIGHUP, too: its terminal is gone.
pub(in crate::cli) struct Stops {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl Stops {
    /// Listens from now on; one that comes before it is waited for is not lost.
    pub(in crate::cli) fn listen() -> Result<Self, Failure> {
        let (terminate, interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hang_up: None })
    }

    /// The same for a command, which ends with its terminal.
    pub(in crate::cli) fn listen_for_command() -> Result<Self, Failure> {
        Ok(Self { hang_up: Some(listen(SignalKind::hangup())?), ..Self::listen()? })
    }

    /// Waits for the next one.
    pub(in crate::cli) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = hung_up(&mut self.hang_up) => {}
        }
    }
}

async fn hung_up(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

/// SIGHUP: the settings are to be read again; or the terminal is gone that the relay was started in, and then it ends with
/// it, as programs do.
pub(super) struct HangUps {
    signal: Signal,
    /// Whether the relay was started in a terminal.
    has_terminal: bool,
}

/// What a SIGHUP means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HangUp {
    /// Somebody wants the settings to be read again.
    Reload,
    /// The terminal is gone.
    TerminalGone,
}

impl HangUps {
    /// Listens from now on; several that come before they are waited for are one.
    pub(super) fn listen() -> Result<Self, Failure> {
        Ok(Self { signal: listen(SignalKind::hangup())?, has_terminal: is_in_terminal() })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> HangUp {
        self.signal.recv().await;
        // A terminal that hung up is none any more.
        if self.has_terminal && !is_in_terminal() { HangUp::TerminalGone } else { HangUp::Reload }
    }
}

fn is_in_terminal() -> bool {
    stdin().is_terminal() || stderr().is_terminal()
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::from(anyhow::Error::from(error)))
}
