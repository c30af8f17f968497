//! Counters, gauges and histograms, by the names under which Prometheus knows them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::Ear;
use crate::delivery::{DeliveryState, Reason};
use crate::event::Organization;

/// Upper bounds in seconds for the answer to a webhook: Sentry gives up after one second.
const ACK_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 5.0];

/// Upper bounds in seconds for one attempt at a destination.
const ATTEMPT_SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Everything that the relay counts.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    ear: Arc<Ear>,
    heard: IntGaugeVec,
    notices: IntCounterVec,
    webhooks: IntCounterVec,
    webhook_seconds: prometheus::Histogram,
    novelties: IntCounter,
    events_planned: IntCounterVec,
    lookups: IntCounterVec,
    leases_lost: IntCounter,
    events_waiting: IntGauge,
    destinations: Destinations,
}

/// What is counted of each destination.
#[derive(Debug, Clone)]
struct Destinations {
    attempts: IntCounterVec,
    attempt_seconds: HistogramVec,
    refused: IntCounterVec,
    in_doubt: IntCounterVec,
    finished: IntCounterVec,
    handed_over: IntCounterVec,
    paused: IntGaugeVec,
    deliveries: IntGaugeVec,
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
                "Requests to /webhooks/sentry, by what was answered",
                &["code"],
            )?,
            webhook_seconds: webhook_seconds()?,
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
        };
        metrics.register()?;
        metrics.destinations.register(&metrics.registry)?;
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

    /// Counts a webhook by the word of its answer: `accepted`, `duplicate`, `ignored` or an error's code.
    pub fn webhook(&self, code: &str) {
        self.webhooks.with_label_values(&[code]).inc();
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

    /// Counts an attempt; `None` is a success.
    pub fn attempt(&self, destination: &str, reason: Option<Reason>, took: Duration) {
        let outcome = reason.map_or("delivered", Reason::as_str);
        self.destinations.attempts.with_label_values(&[destination, outcome]).inc();
        self.destinations.attempt_seconds.with_label_values(&[destination]).observe(took.as_secs_f64());
    }

    /// Counts a message that was called malformed in its whole form.
    pub fn message_refused(&self, destination: &str) {
        self.destinations.refused.with_label_values(&[destination]).inc();
    }

    /// Counts a chat message whose answer was lost and that is sent anew: whether it stood there, `found`, `absent` or
    /// `unknown`.
    pub fn message_in_doubt(&self, destination: &str, stood: &str) {
        self.destinations.in_doubt.with_label_values(&[destination, stood]).inc();
    }

    /// Counts a delivery that reached an end.
    pub fn delivery_finished(&self, destination: &str, state: DeliveryState) {
        self.destinations.finished.with_label_values(&[destination, state.as_str()]).inc();
    }

    /// Counts deliveries that a destination did not take in time, and that its fallback got.
    pub fn handed_over(&self, destination: &str, number: usize) {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        self.destinations.handed_over.with_label_values(&[destination]).inc_by(number);
    }

    /// Counts a result that nobody waited for any more.
    pub fn lease_lost(&self) {
        self.leases_lost.inc();
    }

    /// Shows whether a destination is left alone because it keeps refusing.
    pub fn destination_paused(&self, destination: &str, paused: bool) {
        self.destinations.paused.with_label_values(&[destination]).set(i64::from(paused));
    }

    /// Shows how much waits: events, and deliveries by destination and state.
    pub fn show_backlog<'a>(
        &self,
        events: u64,
        deliveries: impl IntoIterator<Item = (&'a str, DeliveryState, u64)>,
    ) {
        self.events_waiting.set(i64::try_from(events).unwrap_or(i64::MAX));
        self.destinations.deliveries.reset();
        for (destination, state, count) in deliveries {
            let gauge = self.destinations.deliveries.with_label_values(&[destination, state.as_str()]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
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

impl Destinations {
    fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            attempts: counter(
                "seer_relay_attempts_total",
                "HTTP attempts, by destination and outcome",
                &["destination", "outcome"],
            )?,
            attempt_seconds: attempt_seconds()?,
            refused: counter(
                "seer_relay_messages_refused_total",
                "Messages that a destination called malformed, whatever became of their plainer forms",
                &["destination"],
            )?,
            in_doubt: counter(
                "seer_relay_messages_in_doubt_total",
                "Chat messages sent anew after an answer was lost, by whether they stood there: unknown may be twice",
                &["destination", "stood"],
            )?,
            finished: counter(
                "seer_relay_deliveries_finished_total",
                "Deliveries that reached an end, by state",
                &["destination", "state"],
            )?,
            handed_over: counter(
                "seer_relay_deliveries_handed_over_total",
                "Deliveries that a destination did not take in time and its fallback got",
                &["destination"],
            )?,
            paused: gauge(
                "seer_relay_destination_paused",
                "Whether a destination keeps refusing and is tried with one delivery at a time",
                &["destination"],
            )?,
            deliveries: gauge(
                "seer_relay_deliveries",
                "Unfinished deliveries and dead letters, by state",
                &["destination", "state"],
            )?,
        })
    }

    fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.attempts.clone()))?;
        registry.register(Box::new(self.attempt_seconds.clone()))?;
        registry.register(Box::new(self.refused.clone()))?;
        registry.register(Box::new(self.in_doubt.clone()))?;
        registry.register(Box::new(self.finished.clone()))?;
        registry.register(Box::new(self.handed_over.clone()))?;
        registry.register(Box::new(self.paused.clone()))?;
        registry.register(Box::new(self.deliveries.clone()))
    }
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

fn attempt_seconds() -> Result<HistogramVec, prometheus::Error> {
    let options = HistogramOpts::new("seer_relay_attempt_seconds", "Duration of HTTP attempts");
    HistogramVec::new(options.buckets(ATTEMPT_SECONDS.to_vec()), &["destination"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_registered_and_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.webhook("accepted");
        metrics.heard(&Organization::new("acme"), Timestamp::from_second(7).unwrap());
        metrics.notice("relay.stalled");
        metrics.lookup("acme", "issue", "found");
        metrics.attempt("dev", Some(Reason::Timeout), Duration::from_millis(20));
        metrics.message_refused("dev");
        metrics.message_in_doubt("dev", "unknown");
        metrics.delivery_finished("dev", DeliveryState::Dead);
        metrics.handed_over("dev", 3);
        metrics.destination_paused("dev", true);
        metrics.show_backlog(3, [("dev", DeliveryState::Waiting, 7)]);
        let text = metrics.encode();
        assert!(text.contains(r#"seer_relay_webhooks_total{code="accepted"} 1"#), "{text}");
        assert!(text.contains(r#"seer_relay_heard_timestamp_seconds{organization="acme"} 7"#), "{text}");
        assert!(text.contains(r#"seer_relay_notices_total{action="relay.stalled"} 1"#), "{text}");
        assert!(
            text.contains(
                r#"seer_relay_lookups_total{organization="acme",outcome="found",question="issue"} 1"#
            ),
            "{text}"
        );
        assert!(
            text.contains(r#"seer_relay_attempts_total{destination="dev",outcome="timeout"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"seer_relay_messages_refused_total{destination="dev"} 1"#), "{text}");
        assert!(
            text.contains(r#"seer_relay_messages_in_doubt_total{destination="dev",stood="unknown"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"seer_relay_deliveries{destination="dev",state="waiting"} 7"#), "{text}");
        assert!(text.contains(r#"seer_relay_deliveries_handed_over_total{destination="dev"} 3"#), "{text}");
        assert!(text.contains(r#"seer_relay_destination_paused{destination="dev"} 1"#), "{text}");
        assert!(text.contains("seer_relay_events_waiting 3"), "{text}");
    }
}
