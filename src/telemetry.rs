//! What the relay says of itself: the tracing subscriber, and the counters that `http` and `dispatch` raise.
//!
//! Knows neither where the numbers are served (`http/ops.rs`) nor what is worth logging (each module itself).

mod ear;
mod metrics;

use std::io::{IsTerminal, stderr};
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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

/// Starts logging to standard error; `colour` counts only for text on a terminal. A second call changes nothing.
pub fn start_logging(config: LogConfig, colour: bool) {
    let own_level = config.level;
    let targets = tracing_subscriber::filter::Targets::new()
        .with_target("seer_relay", own_level)
        // It calls every request that is no HTTP an error; anybody can send those, and nobody can mend them.
        .with_target("actix_http", LevelFilter::OFF)
        .with_default(own_level.min(LevelFilter::WARN));
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
}
