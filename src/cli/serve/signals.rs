//! The signals that `serve` listens to.

use std::io::{IsTerminal, stderr, stdin};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Failure;

/// SIGTERM and SIGINT: the relay is to stop.
pub(in crate::cli) struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    /// Listens from now on; one that comes before it is waited for is not lost.
    pub(in crate::cli) fn listen() -> Result<Self, Failure> {
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    pub(in crate::cli) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
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
