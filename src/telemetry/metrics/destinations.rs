//! What is counted of each destination.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use super::{counter, gauge};
use crate::delivery::{DeliveryState, Reason};

/// Upper bounds in seconds for one attempt.
const ATTEMPT_SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Upper bounds in seconds for the way from a webhook to its message: milliseconds where nothing is wrong, hours where a
/// destination is down.
const EVENT_TO_DELIVERED_SECONDS: &[f64] =
    &[0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0];

/// The labels of what is told of each destination as a whole.
const BY_DESTINATION: &[&str] = &["destination"];

/// The counters, gauges and histograms with a label `destination`.
#[derive(Debug, Clone)]
pub struct Destinations {
    attempts: IntCounterVec,
    attempt_seconds: HistogramVec,
    refused: IntCounterVec,
    in_doubt: IntCounterVec,
    finished: IntCounterVec,
    dead_letters: IntCounterVec,
    event_to_delivered: HistogramVec,
    handed_over: IntCounterVec,
    merged: IntCounterVec,
    paused: IntGaugeVec,
    deliveries: IntGaugeVec,
    oldest_due: IntGaugeVec,
}

/// What is queued for a destination.
#[derive(Debug, Clone, Copy)]
pub struct Queued<'a> {
    /// The destination's name.
    pub destination: &'a str,
    /// How many deliveries wait.
    pub waiting: u64,
    /// How many are being sent.
    pub sending: u64,
    /// How many dead letters there are.
    pub dead: u64,
    /// For how long the one has been due that was due first.
    pub oldest_due: Option<Duration>,
}

impl Destinations {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let by_name = |name, help| counter(name, help, BY_DESTINATION);
        Ok(Self {
            attempts: counter(
                "seer_relay_attempts_total",
                "HTTP attempts, by destination and outcome: delivered, or the reason why not",
                &["destination", "outcome"],
            )?,
            attempt_seconds: histogram(
                "seer_relay_attempt_seconds",
                "Duration of HTTP attempts",
                ATTEMPT_SECONDS,
            )?,
            refused: by_name(
                "seer_relay_messages_refused_total",
                "Messages that a destination called malformed, whatever became of their plainer forms",
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
            dead_letters: counter(
                "seer_relay_dead_letters_total",
                "Deliveries that will not be tried again by themselves, by reason",
                &["destination", "reason"],
            )?,
            handed_over: by_name(
                "seer_relay_deliveries_handed_over_total",
                "Deliveries that a destination did not take in time and its fallback got",
            )?,
            merged: by_name(
                "seer_relay_cards_merged_total",
                "Edits of cards that were not sent, as a newer one took their place while they waited",
            )?,
            event_to_delivered: histogram(
                "seer_relay_event_to_delivered_seconds",
                "Time from a webhook to the message that tells of it, replays aside",
                EVENT_TO_DELIVERED_SECONDS,
            )?,
            paused: gauge(
                "seer_relay_destination_paused",
                "Whether a destination keeps refusing and is tried with one delivery at a time",
                BY_DESTINATION,
            )?,
            deliveries: gauge(
                "seer_relay_deliveries",
                "Unfinished deliveries and dead letters, by state",
                &["destination", "state"],
            )?,
            oldest_due: gauge(
                "seer_relay_oldest_due_seconds",
                "For how long the delivery has been due that was due first, where one waits",
                BY_DESTINATION,
            )?,
        })
    }

    pub(super) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let counters = [
            &self.attempts,
            &self.refused,
            &self.in_doubt,
            &self.finished,
            &self.dead_letters,
            &self.handed_over,
            &self.merged,
        ];
        for counter in counters {
            registry.register(Box::new(counter.clone()))?;
        }
        for histogram in [&self.attempt_seconds, &self.event_to_delivered] {
            registry.register(Box::new(histogram.clone()))?;
        }
        for gauge in [&self.paused, &self.deliveries, &self.oldest_due] {
            registry.register(Box::new(gauge.clone()))?;
        }
        Ok(())
    }

    /// Shows a destination from the start, at zero: Prometheus sees no increase in a series that begins with 1.
    pub fn expect(&self, destination: &str) {
        for state in [DeliveryState::Delivered, DeliveryState::Superseded, DeliveryState::Dead] {
            self.finished.with_label_values(&[destination, state.as_str()]);
        }
        for reason in Reason::ALL {
            self.dead_letters.with_label_values(&[destination, reason.as_str()]);
        }
        self.refused.with_label_values(&[destination]);
        self.merged.with_label_values(&[destination]);
        self.paused.with_label_values(&[destination]);
    }

    /// Counts an attempt; without a reason it is a success.
    pub fn attempt(&self, destination: &str, reason: Option<Reason>, took: Duration) {
        let outcome = reason.map_or("delivered", Reason::as_str);
        self.attempts.with_label_values(&[destination, outcome]).inc();
        self.attempt_seconds.with_label_values(&[destination]).observe(took.as_secs_f64());
    }

    /// Counts a message that was called malformed in its whole form.
    pub fn message_refused(&self, destination: &str) {
        self.refused.with_label_values(&[destination]).inc();
    }

    /// Counts a chat message whose answer was lost and that is sent anew: whether it stood there, `found`, `absent` or
    /// `unknown`.
    pub fn message_in_doubt(&self, destination: &str, stood: &str) {
        self.in_doubt.with_label_values(&[destination, stood]).inc();
    }

    /// Counts a delivery that was taken, and how long after its webhook; `None` for a replay, which says nothing of how
    /// fast the relay is.
    pub fn delivered(&self, destination: &str, after: Option<Duration>) {
        self.finish(destination, DeliveryState::Delivered);
        if let Some(after) = after {
            self.event_to_delivered.with_label_values(&[destination]).observe(after.as_secs_f64());
        }
    }

    /// Counts a delivery that turned out to be needless.
    pub fn superseded(&self, destination: &str) {
        self.finish(destination, DeliveryState::Superseded);
    }

    /// Counts a delivery that became a dead letter.
    pub fn dead_letter(&self, destination: &str, reason: Reason) {
        self.finish(destination, DeliveryState::Dead);
        self.dead_letters.with_label_values(&[destination, reason.as_str()]).inc();
    }

    /// Counts an edit of a card that was not sent, as a newer one took its place.
    pub fn card_merged(&self, destination: &str) {
        self.merged.with_label_values(&[destination]).inc();
    }

    /// Counts deliveries that a destination did not take in time and its fallback got.
    pub fn handed_over(&self, destination: &str, number: usize) {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        self.handed_over.with_label_values(&[destination]).inc_by(number);
    }

    fn finish(&self, destination: &str, state: DeliveryState) {
        self.finished.with_label_values(&[destination, state.as_str()]).inc();
    }

    /// Shows whether a destination is left alone because it keeps refusing.
    pub fn paused(&self, destination: &str, paused: bool) {
        self.paused.with_label_values(&[destination]).set(i64::from(paused));
    }

    /// Shows what is queued for every destination for which something is.
    pub(super) fn show_queued<'a>(&self, queued: impl IntoIterator<Item = Queued<'a>>) {
        self.deliveries.reset();
        self.oldest_due.reset();
        for Queued { destination, waiting, sending, dead, oldest_due } in queued {
            let of_state = [
                (DeliveryState::Waiting, waiting),
                (DeliveryState::Sending, sending),
                (DeliveryState::Dead, dead),
            ];
            for (state, number) in of_state.into_iter().filter(|(_, number)| *number > 0) {
                let gauge = self.deliveries.with_label_values(&[destination, state.as_str()]);
                gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
            }
            if let Some(due) = oldest_due {
                let seconds = i64::try_from(due.as_secs()).unwrap_or(i64::MAX);
                self.oldest_due.with_label_values(&[destination]).set(seconds);
            }
        }
    }
}

fn histogram(name: &str, help: &str, bounds: &[f64]) -> Result<HistogramVec, prometheus::Error> {
    HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), BY_DESTINATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(count: impl FnOnce(&Destinations)) -> String {
        let destinations = Destinations::new().unwrap();
        let registry = Registry::new();
        destinations.register(&registry).unwrap();
        count(&destinations);
        let mut text = String::new();
        prometheus::TextEncoder::new().encode_utf8(&registry.gather(), &mut text).unwrap();
        text
    }

    #[track_caller]
    fn assert_shows(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|shown| shown == *line), "no line `{line}` in\n{text}");
        }
    }

    #[test]
    fn attempts_and_messages_are_counted_by_what_came_of_them() {
        let text = shown(|destinations| {
            destinations.attempt("dev", Some(Reason::Timeout), Duration::from_millis(20));
            destinations.attempt("dev", None, Duration::from_millis(20));
            destinations.message_refused("dev");
            destinations.message_in_doubt("dev", "unknown");
        });
        assert_shows(
            &text,
            &[
                r#"seer_relay_attempts_total{destination="dev",outcome="timeout"} 1"#,
                r#"seer_relay_attempts_total{destination="dev",outcome="delivered"} 1"#,
                r#"seer_relay_attempt_seconds_count{destination="dev"} 2"#,
                r#"seer_relay_messages_refused_total{destination="dev"} 1"#,
                r#"seer_relay_messages_in_doubt_total{destination="dev",stood="unknown"} 1"#,
            ],
        );
    }

    #[test]
    fn each_end_is_counted_with_how_long_it_took_or_why() {
        let text = shown(|destinations| {
            destinations.delivered("dev", Some(Duration::from_millis(30)));
            destinations.delivered("dev", None);
            destinations.superseded("dev");
            destinations.dead_letter("dev", Reason::Auth);
            destinations.handed_over("dev", 3);
            destinations.card_merged("dev");
        });
        assert_shows(
            &text,
            &[
                r#"seer_relay_deliveries_finished_total{destination="dev",state="delivered"} 2"#,
                r#"seer_relay_deliveries_finished_total{destination="dev",state="superseded"} 1"#,
                r#"seer_relay_deliveries_finished_total{destination="dev",state="dead"} 1"#,
                r#"seer_relay_dead_letters_total{destination="dev",reason="auth"} 1"#,
                r#"seer_relay_deliveries_handed_over_total{destination="dev"} 3"#,
                r#"seer_relay_cards_merged_total{destination="dev"} 1"#,
                r#"seer_relay_event_to_delivered_seconds_bucket{destination="dev",le="0.05"} 1"#,
                r#"seer_relay_event_to_delivered_seconds_count{destination="dev"} 1"#,
            ],
        );
    }

    #[test]
    fn a_destination_is_shown_before_anything_goes_there() {
        let text = shown(|destinations| destinations.expect("dev"));
        assert_shows(
            &text,
            &[
                r#"seer_relay_deliveries_finished_total{destination="dev",state="delivered"} 0"#,
                r#"seer_relay_dead_letters_total{destination="dev",reason="expired"} 0"#,
                r#"seer_relay_messages_refused_total{destination="dev"} 0"#,
                r#"seer_relay_destination_paused{destination="dev"} 0"#,
            ],
        );
    }

    #[test]
    fn what_is_queued_no_longer_is_shown_no_longer() {
        let queued = Queued {
            destination: "dev",
            waiting: 7,
            sending: 0,
            dead: 2,
            oldest_due: Some(Duration::from_secs(90)),
        };
        let text = shown(|destinations| {
            destinations.show_queued([Queued { destination: "ops", ..queued }]);
            destinations.show_queued([queued]);
            destinations.paused("dev", true);
        });
        assert_shows(
            &text,
            &[
                r#"seer_relay_deliveries{destination="dev",state="waiting"} 7"#,
                r#"seer_relay_deliveries{destination="dev",state="dead"} 2"#,
                r#"seer_relay_oldest_due_seconds{destination="dev"} 90"#,
                r#"seer_relay_destination_paused{destination="dev"} 1"#,
            ],
        );
        assert!(!text.contains("ops") && !text.contains("sending"), "{text}");
    }
}
