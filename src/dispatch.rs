//! The dispatcher.

use std::time::Duration;

/// Settings of the `[delivery]` table.
#[derive(Debug, Clone)]
pub struct DeliveryConfig {
    /// The first pause between two attempts. Default 1 s; 1 ms to `retry_max`.
    pub retry_min: Duration,
    /// The longest pause between two attempts. Default 10 min; up to 24 h.
    pub retry_max: Duration,
    /// How long after it was first due a delivery becomes a dead letter. Default 24 h; 1 s to 30 d.
    pub give_up_after: Duration,
    /// How long one attempt may take. Default 10 s; 100 ms to 5 min.
    pub attempt_timeout: Duration,
    /// How long a stop waits for attempts under way. Default 8 s; 0 s to 5 min.
    pub stop_grace: Duration,
    /// Within which time an equal webhook is a duplicate. Default 20 min; 0 s (off) to 7 d.
    pub dedupe_window: Duration,
    /// A file of certificates (PEM) to trust beside the system's. Default none.
    pub ca_file: Option<std::path::PathBuf>,
}
