//! Sentry's limits as the headers of an answer tell them. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::client::Answer;

/// The longest pause that is believed: a slip of somebody's clock must not end the look-ups for days.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What an answer says of how soon Sentry may be asked again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// For how long it wants to be left alone; `None` where it does not say. At most an hour.
    pub pause: Option<Duration>,
    /// Whether no further question may be open beside those that are.
    pub is_crowded: bool,
}

impl Limits {
    /// Reads an answer's headers; `now` counts where it does not tell Sentry's own time.
    // Source: https://docs.sentry.io/api/ratelimits/ and getsentry/sentry src/sentry/middleware/ratelimit.py: `Reset`
    // is in Unix seconds, `Remaining` is told with every answer, and there is no `Retry-After`, which a gateway in
    // front may still send; read 2026-11-25.
    pub(super) fn read(answer: &Answer, now: Timestamp) -> Self {
        let number = |name: &str| answer.header(name).and_then(|value| value.trim().parse::<f64>().ok());
        let is_spent = number("x-sentry-rate-limit-remaining").is_some_and(|left| left <= 0.0);
        let until_reset = || {
            let reset = number("x-sentry-rate-limit-reset")?;
            let today = answer.date().unwrap_or(now);
            Some(Duration::try_from_secs_f64(reset - today.as_duration().as_secs_f64()).unwrap_or_default())
        };
        let pause = answer.retry_after(now).or_else(|| until_reset().filter(|_| is_spent));
        Self {
            pause: pause.map(|pause| pause.min(LONGEST_PAUSE)),
            is_crowded: number("x-sentry-rate-limit-concurrentremaining").is_some_and(|left| left <= 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_headers_say_when_to_ask_again() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let reset = |seconds: i64| (now.as_second() + seconds).to_string();
        let hour = Some(Duration::from_hours(1));
        let date = ("Date", "Wed, 25 Nov 2026 12:00:10 GMT");
        let left = |left: &'static str| ("X-Sentry-Rate-Limit-Remaining", left);
        let resets = |at: &'static str| ("X-Sentry-Rate-Limit-Reset", at);
        for (headers, pause) in [
            (vec![], None),
            (vec![left("4"), resets(reset(1).leak())], None),
            (vec![left("0"), resets(reset(1).leak())], Some(SECOND)),
            (vec![left("0"), resets(reset(-5).leak())], Some(Duration::ZERO)),
            (vec![left("0")], None),
            (vec![left("none"), resets("soon")], None),
            (vec![left("0"), resets("NaN")], Some(Duration::ZERO)),
            (vec![left("0"), resets("1e300")], Some(Duration::ZERO)),
            (vec![left("0"), resets(reset(90_000).leak())], hour),
            // Sentry's clock is ten seconds before ours.
            (vec![left("0"), resets(reset(11).leak()), date], Some(SECOND)),
            (vec![("Retry-After", "30"), left("0"), resets(reset(1).leak())], Some(30 * SECOND)),
            (vec![("Retry-After", "Wed, 25 Nov 2026 12:00:02 GMT")], Some(2 * SECOND)),
            (vec![("Retry-After", "86400")], hour),
        ] {
            let limits = Limits::read(&Answer::for_tests(200, &headers, ""), now);
            assert_eq!(limits, Limits { pause, is_crowded: false }, "{headers:?}");
        }
    }

    #[test]
    fn they_say_whether_another_question_may_be_open() {
        for (left, is_crowded) in [("0", true), ("1", false), ("?", false)] {
            let headers = [("X-Sentry-Rate-Limit-ConcurrentRemaining", left)];
            let limits = Limits::read(&Answer::for_tests(200, &headers, ""), Timestamp::UNIX_EPOCH);
            assert_eq!(limits.is_crowded, is_crowded, "{left}");
        }
    }
}
