//! Counters, gauges and histograms, by the names under which Prometheus knows them.
//!
//! The values of a label are few and known: words of this program, and names from its files. Of what Sentry writes, or a
//! stranger, only words that this version knows become one.

mod destinations;
mod settings;
mod signatures;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prometheus::{
    HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use self::destinations::Destinations;
use self::settings::Settings;
use self::signatures::Signatures;
use super::Ear;
use crate::event::{ACTIVITY_ALERT_RESOURCE, Action, Organization, SEER_RESOURCE};

pub use self::destinations::Queued;

/// A label's word for what this version does not know.
const OTHER: &str = "other";
/// A label's word for what was not read.
const NONE: &str = "none";

/// Upper bounds in seconds for the answer to a webhook: Sentry gives up after one second.
const ACK_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 5.0];

/// Everything that the relay counts.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    ear: Arc<Ear>,
    heard: IntGaugeVec,
    notices: IntCounterVec,
    webhooks: IntCounterVec,
    webhook_seconds: prometheus::Histogram,
    signatures: Signatures,
    novelties: IntCounter,
    events_planned: IntCounterVec,
    lookups: IntCounterVec,
    leases_lost: IntCounter,
    events_waiting: IntGauge,
    destinations: Destinations,
    settings: Settings,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// Where a name is malformed or registered twice, which the unit test rules out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new(),
            ear: Arc::default(),
            heard: heard()?,
            notices: counter(
                "seer_relay_notices_total",
                "Notices of the relay's own, by their action",
                &["action"],
            )?,
            webhooks: counter(
                "seer_relay_webhooks_total",
                "Requests to /webhooks/sentry, by what they announce, where that was read, and what was answered",
                &["resource", "action", "outcome"],
            )?,
            webhook_seconds: webhook_seconds()?,
            signatures: Signatures::new()?,
            novelties: IntCounter::new(
                "seer_relay_payload_novelties_total",
                "Fields and actions in verified payloads that this version does not know",
            )?,
            events_planned: counter(
                "seer_relay_events_planned_total",
                "Events routed, by whether a route matched",
                &["routed"],
            )?,
            lookups: counter(
                "seer_relay_lookups_total",
                "Questions to Sentry's API, by what came of them",
                &["organization", "question", "outcome"],
            )?,
            leases_lost: IntCounter::new(
                "seer_relay_leases_lost_total",
                "Results that came after their lease had run out and were not recorded",
            )?,
            events_waiting: IntGauge::new("seer_relay_events_waiting", "Events that wait to be routed")?,
            destinations: Destinations::new()?,
            settings: Settings::new()?,
        };
        metrics.register()?;
        metrics.signatures.register(&metrics.registry)?;
        metrics.destinations.register(&metrics.registry)?;
        metrics.settings.register(&metrics.registry)?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let build = gauge("seer_relay_build_info", "The running version", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        self.registry.register(Box::new(build))?;
        self.registry.register(Box::new(self.heard.clone()))?;
        self.registry.register(Box::new(self.notices.clone()))?;
        self.registry.register(Box::new(self.webhooks.clone()))?;
        self.registry.register(Box::new(self.webhook_seconds.clone()))?;
        self.registry.register(Box::new(self.novelties.clone()))?;
        self.registry.register(Box::new(self.events_planned.clone()))?;
        self.registry.register(Box::new(self.lookups.clone()))?;
        self.registry.register(Box::new(self.leases_lost.clone()))?;
        self.registry.register(Box::new(self.events_waiting.clone()))
    }

    /// Counts a webhook by what it announces, where that was read, and the word of its answer: `accepted`, `duplicate`,
    /// `ignored` or an error's code.
    pub fn webhook(&self, resource: Option<&str>, action: Option<&Action>, outcome: &str) {
        let resource = match resource {
            Some(known @ (SEER_RESOURCE | ACTIVITY_ALERT_RESOURCE)) => known,
            Some(_) => OTHER,
            None => NONE,
        };
        let action = match action {
            Some(Action::Other(_)) => OTHER,
            Some(known) => known.as_str(),
            None => NONE,
        };
        self.webhooks.with_label_values(&[resource, action, outcome]).inc();
    }

    /// Shows these outcomes from the start, at zero: Prometheus sees no increase in a series that begins with 1. `unread`
    /// are those of requests that were not read.
    pub fn expect_webhooks<'a>(&self, unread: impl IntoIterator<Item = &'a str>, read: &[&str]) {
        for outcome in unread {
            self.webhooks.with_label_values(&[NONE, NONE, outcome]);
        }
        let actions = Action::OF_SEER.iter().map(Action::as_str).chain([OTHER]);
        for (action, outcome) in actions.flat_map(|action| read.iter().map(move |outcome| (action, outcome)))
        {
            self.webhooks.with_label_values(&[SEER_RESOURCE, action, outcome]);
        }
    }

    /// Notes that a webhook with a good signature came.
    pub fn heard(&self, organization: &Organization, at: Timestamp) {
        self.heard.with_label_values(&[organization.as_str()]).set(at.as_second());
        self.ear.hear(organization, at);
    }

    /// Notes that a webhook with a bad signature came.
    pub fn doubted(&self) {
        self.ear.doubt();
    }

    /// Returns what was heard since the start.
    pub fn ear(&self) -> &Ear {
        &self.ear
    }

    /// Counts a notice of the relay's own.
    pub fn notice(&self, action: &str) {
        self.notices.with_label_values(&[action]).inc();
    }

    /// Notes how long a signed webhook waited for its answer.
    pub fn webhook_took(&self, took: Duration) {
        self.webhook_seconds.observe(took.as_secs_f64());
    }

    /// Counts something in a payload that this version does not know.
    pub fn novelty(&self) {
        self.novelties.inc();
    }

    /// Counts a routing decision.
    pub fn event_planned(&self, routed: bool) {
        self.events_planned.with_label_values(&[if routed { "yes" } else { "no" }]).inc();
    }

    /// Counts a question to Sentry: `issue` or `run`, and `found` or the word of why not.
    pub fn lookup(&self, organization: &str, question: &str, outcome: &str) {
        self.lookups.with_label_values(&[organization, question, outcome]).inc();
    }

    /// Returns what is counted of each destination.
    pub fn destinations(&self) -> &Destinations {
        &self.destinations
    }

    /// Counts a result that nobody waited for any more.
    pub fn lease_lost(&self) {
        self.leases_lost.inc();
    }

    /// Shows how much waits: events, and what is queued for each destination.
    pub fn show_backlog<'a>(&self, events: u64, queued: impl IntoIterator<Item = Queued<'a>>) {
        self.events_waiting.set(i64::try_from(events).unwrap_or(i64::MAX));
        self.destinations.show_queued(queued);
    }

    /// Writes everything in Prometheus' text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // It fails only for a metric without a name, which could not have been registered.
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }
}

fn heard() -> Result<IntGaugeVec, prometheus::Error> {
    let help = "When a webhook with a good signature came last since the start, in Unix seconds";
    IntGaugeVec::new(Opts::new("seer_relay_heard_timestamp_seconds", help), &["organization"])
}

fn webhook_seconds() -> Result<prometheus::Histogram, prometheus::Error> {
    let help = "Time from a signed webhook's last byte to its answer";
    prometheus::Histogram::with_opts(
        HistogramOpts::new("seer_relay_webhook_seconds", help).buckets(ACK_SECONDS.to_vec()),
    )
}

fn counter(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn gauge(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Reason;

    #[test]
    fn every_metric_is_registered_and_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.webhook(Some("seer"), Some(&Action::PrCreated), "accepted");
        metrics.heard(&Organization::new("acme"), Timestamp::from_second(7).unwrap());
        metrics.signature_failed("reserialised", Timestamp::from_second(9).unwrap());
        metrics.notice("relay.stalled");
        metrics.lookup("acme", "issue", "found");
        metrics.destinations().dead_letter("dev", Reason::Timeout);
        metrics.show_backlog(3, []);

        let text = metrics.encode();
        for line in [
            r#"seer_relay_webhooks_total{action="pr_created",outcome="accepted",resource="seer"} 1"#,
            r#"seer_relay_heard_timestamp_seconds{organization="acme"} 7"#,
            r#"seer_relay_notices_total{action="relay.stalled"} 1"#,
            r#"seer_relay_lookups_total{organization="acme",outcome="found",question="issue"} 1"#,
            r#"seer_relay_dead_letters_total{destination="dev",reason="timeout"} 1"#,
            r#"seer_relay_signature_failures_total{cause="reserialised"} 1"#,
            r#"seer_relay_signature_failure_timestamp_seconds{cause="reserialised"} 9"#,
            "seer_relay_events_waiting 3",
        ] {
            assert!(text.lines().any(|shown| shown == line), "no line `{line}` in\n{text}");
        }
    }

    #[test]
    fn what_others_write_makes_no_series_of_its_own() {
        let metrics = Metrics::new().unwrap();
        for word in ["one", "two", "pr_created\n"] {
            metrics.webhook(Some(word), Some(&Action::from_name(word)), "ignored");
        }
        metrics.webhook(None, None, "signature_missing");

        let text = metrics.encode();
        let series: Vec<&str> = text.lines().filter(|line| line.contains("webhooks_total{")).collect();
        assert_eq!(
            series,
            [
                r#"seer_relay_webhooks_total{action="none",outcome="signature_missing",resource="none"} 1"#,
                r#"seer_relay_webhooks_total{action="other",outcome="ignored",resource="other"} 3"#,
            ]
        );
    }
}
