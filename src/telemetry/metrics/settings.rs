//! What is counted of the settings: which are in force, since when, and whether the last ones were taken over.

use jiff::Timestamp;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::{Metrics, counter, gauge};

/// What is counted of the settings.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    success: IntGauge,
    success_at: IntGauge,
    reloads: IntCounterVec,
    info: IntGaugeVec,
}

impl Settings {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let settings = Self {
            success: IntGauge::new(
                "seer_relay_config_reload_success",
                "Whether the settings that were read last are in force",
            )?,
            success_at: IntGauge::new(
                "seer_relay_config_reload_success_timestamp_seconds",
                "When the settings in force were read, in Unix seconds",
            )?,
            reloads: counter(
                "seer_relay_config_reloads_total",
                "Times that the settings were read again, by what came of it",
                &["outcome"],
            )?,
            info: gauge(
                "seer_relay_config_info",
                "The settings, routes and templates in force, by the digest of their files",
                &["digest"],
            )?,
        };
        for outcome in ["success", "fault"] {
            settings.reloads.with_label_values(&[outcome]).reset();
        }
        Ok(settings)
    }

    pub(super) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.success.clone()))?;
        registry.register(Box::new(self.success_at.clone()))?;
        registry.register(Box::new(self.reloads.clone()))?;
        registry.register(Box::new(self.info.clone()))
    }

    fn begin(&self, digest: &str, now: Timestamp) {
        self.success.set(1);
        self.success_at.set(now.as_second());
        // One that is in force no longer is not shown.
        self.info.reset();
        self.info.with_label_values(&[digest]).set(1);
    }
}

impl Metrics {
    /// Shows the settings with which the relay starts.
    pub fn settings_begin(&self, digest: &str, now: Timestamp) {
        self.settings.begin(digest, now);
    }

    /// Counts that settings were read again and are in force now.
    pub fn settings_changed(&self, digest: &str, now: Timestamp) {
        self.settings.begin(digest, now);
        self.settings.reloads.with_label_values(&["success"]).inc();
    }

    /// Counts that settings were read again and have a fault, so that the old ones stay in force.
    pub fn settings_refused(&self) {
        self.settings.success.set(0);
        self.settings.reloads.with_label_values(&["fault"]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_force_is_shown_and_what_was_is_not() {
        let metrics = Metrics::new().unwrap();
        let second = |second| Timestamp::from_second(second).unwrap();
        metrics.settings_begin("0123", second(7));
        metrics.settings_changed("4567", second(8));
        metrics.settings_refused();
        let shown = metrics.encode();
        let shown: Vec<&str> = shown.lines().filter(|line| line.starts_with("seer_relay_config_")).collect();
        assert_eq!(
            shown,
            [
                "seer_relay_config_info{digest=\"4567\"} 1",
                "seer_relay_config_reload_success 0",
                "seer_relay_config_reload_success_timestamp_seconds 8",
                "seer_relay_config_reloads_total{outcome=\"fault\"} 1",
                "seer_relay_config_reloads_total{outcome=\"success\"} 1",
            ]
        );
    }
}
