//! What the relay says of itself: the tracing subscriber, and the counters that `http` and `dispatch` raise.
//!
//! Knows neither where the numbers are served (`http/ops.rs`) nor what is worth logging (each module itself).

mod ear;
mod metrics;

use std::io::{IsTerminal, stderr};
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

pub use ear::{Ear, Heard};
pub use metrics::{Metrics, Queued};

/// Settings of the `[log]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// Text for people or one JSON object a line. Default text.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`. Default info.
    pub level: LevelFilter,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected `text` or `json`"),
        }
    }
}

impl LogFormat {
    /// Returns its word in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// What is logged, while the relay runs.
pub struct LogLevel(reload::Handle<Targets, Registry>);

impl LogLevel {
    /// Logs this level, and what is graver, from now on.
    pub fn set(&self, level: LevelFilter) {
        // It fails only where nothing is logged any more.
        let _ = self.0.reload(targets(level));
    }
}

/// Starts logging to standard error; `colour` counts only for text on a terminal. A second call changes nothing.
pub fn start_logging(config: LogConfig, colour: bool) -> LogLevel {
    let (targets, handle) = reload::Layer::new(targets(config.level));
    let registry = tracing_subscriber::registry().with(targets);
    let started = match config.format {
        LogFormat::Text => registry
            .with(layer().with_writer(stderr).with_target(false).with_ansi(colour && stderr().is_terminal()))
            .try_init(),
        LogFormat::Json => registry
            .with(layer().json().flatten_event(true).with_current_span(false).with_writer(stderr))
            .try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    LogLevel(handle)
}

fn targets(own_level: LevelFilter) -> Targets {
    Targets::new()
        .with_target("seer_relay", own_level)
        // It calls every request that is no HTTP an error; anybody can send those, and nobody can mend them.
        .with_target("actix_http", LevelFilter::OFF)
        .with_default(own_level.min(LevelFilter::WARN))
}
