//! What is counted of signatures that do not hold.

use jiff::Timestamp;
use prometheus::{IntCounterVec, IntGaugeVec, Registry};

use super::{Metrics, counter, gauge};

/// What is counted of signatures that do not hold.
#[derive(Debug, Clone)]
pub(super) struct Signatures {
    failures: IntCounterVec,
    last: IntGaugeVec,
}

impl Signatures {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            failures: counter(
                "seer_relay_signature_failures_total",
                "Webhooks whose signature does not hold, by cause",
                &["cause"],
            )?,
            last: gauge(
                "seer_relay_signature_failure_timestamp_seconds",
                "When a webhook whose signature does not hold came last since the start, by cause, in Unix seconds",
                &["cause"],
            )?,
        })
    }

    pub(super) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.failures.clone()))?;
        registry.register(Box::new(self.last.clone()))
    }
}

impl Metrics {
    /// Counts a webhook whose signature does not hold, by the word of its cause.
    pub fn signature_failed(&self, cause: &str, at: Timestamp) {
        self.signatures.failures.with_label_values(&[cause]).inc();
        self.signatures.last.with_label_values(&[cause]).set(at.as_second());
    }
}
