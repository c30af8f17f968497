//! Prometheus' text format, as far as the relay writes it: samples with one label.

/// Returns the label's value and the number of each sample of a metric.
pub(super) fn samples<'a>(text: &'a str, metric: &str) -> Vec<(&'a str, f64)> {
    let sample = |line: &'a str| {
        let rest = line.strip_prefix(metric)?.strip_prefix('{')?;
        let (labels, number) = rest.rsplit_once("} ")?;
        let (_, value) = labels.split_once("=\"")?;
        Some((value.strip_suffix('"')?, number.trim().parse().ok()?))
    };
    text.lines().filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::telemetry::Metrics;

    #[test]
    fn what_the_relay_writes_is_read() {
        let metrics = Metrics::new().unwrap();
        metrics.signature_failed("unknown", Timestamp::from_second(7).unwrap());
        metrics.signature_failed("unknown", Timestamp::from_second(9).unwrap());
        metrics.signature_failed("missing", Timestamp::from_second(1).unwrap());
        let text = metrics.encode();
        let total = samples(&text, "seer_relay_signature_failures_total");
        assert_eq!(total, [("missing", 1.0), ("unknown", 2.0)]);
        let last = samples(&text, "seer_relay_signature_failure_timestamp_seconds");
        assert_eq!(last, [("missing", 1.0), ("unknown", 9.0)]);
        assert_eq!(samples(&text, "seer_relay_signature"), []);
        assert_eq!(samples("a{b\na{b=\"c\"} x\na{} 1\n", "a"), []);
    }
}
