//! Pauses that an answer asks for: `Retry-After`, and bare seconds.

use std::time::Duration;

use jiff::Timestamp;

/// The longest pause that anybody may ask for.
const LONGEST_PAUSE: Duration = Duration::from_hours(24 * 365);

/// Reads `Retry-After`: seconds, with or without a fraction, or an HTTP date.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return pause_of_seconds(seconds);
    }
    let date = Timestamp::try_from(httpdate::parse_http_date(value).ok()?).ok()?;
    let wait = Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST_PAUSE))
}

/// Returns a pause of so many seconds, capped; `None` for what is no length of time.
pub(crate) fn pause_of_seconds(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_nonsense() {
        for (value, expected) in [
            ("30", Some(Duration::from_secs(30))),
            (" 0.25 ", Some(Duration::from_millis(250))),
            ("0", Some(Duration::ZERO)),
            ("Mon, 23 Nov 2026 12:01:00 GMT", Some(Duration::from_mins(1))),
            ("Mon, 23 Nov 2026 11:00:00 GMT", Some(Duration::ZERO)),
            ("1e300", Some(LONGEST_PAUSE)),
            ("inf", Some(LONGEST_PAUSE)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now()), expected, "{value}");
        }
    }
}
