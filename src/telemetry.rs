//! What the relay says of itself: the tracing subscriber, and the counters that `http` and `dispatch` raise.

use std::str::FromStr;

/// Settings of the `[log]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// Text for people or one JSON object a line. Default text.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`. Default info.
    pub level: tracing::level_filters::LevelFilter,
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
