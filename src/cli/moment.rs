//! Moments on the command line: so long ago, a day, or a time.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A moment as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// So long ago.
    Ago(Duration),
    /// Then.
    At(Timestamp),
}

impl Moment {
    /// Returns when that is; the beginning of all calendars where it lies before.
    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
            Self::At(at) => at,
        }
    }
}

/// Reads `30d`, `2026-11-24` (the day's beginning in UTC) or `2026-11-24T12:00:00Z`.
pub(super) fn parse(text: &str) -> Result<Moment, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Moment::At(at));
    }
    if let Ok(day) = text.parse::<Date>()
        && let Ok(start) = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0))
    {
        return Ok(Moment::At(start));
    }
    humantime::parse_duration(text).map(Moment::Ago).map_err(|_| {
        "expected a duration (`7d`), a day (`2026-11-24`) or a time (`2026-11-24T12:00:00Z`)".to_owned()
    })
}

/// Two moments, between which something was.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Between {
    /// Only what was received within this time (`7d`), or since then (`2026-11-24`, `2026-11-24T12:00:00Z`)
    #[arg(long, value_name = "TIME", value_parser = parse)]
    pub(super) since: Option<Moment>,
    /// Only what was received before then; as --since
    #[arg(long, value_name = "TIME", value_parser = parse)]
    pub(super) until: Option<Moment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_so_long_ago_or_a_day_or_a_time() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (text, at) in [
            ("2h", "2026-11-30T10:00:00Z"),
            ("1d 12h", "2026-11-29T00:00:00Z"),
            ("2026-11-24", "2026-11-24T00:00:00Z"),
            ("2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"),
            ("2026-11-24T12:00:00.5+02:00", "2026-11-24T10:00:00.5Z"),
        ] {
            assert_eq!(parse(text).unwrap().at(now), at.parse().unwrap(), "{text}");
        }
        assert_eq!(parse("100000y").unwrap().at(now), Timestamp::MIN);
        for broken in ["", "yesterday", "7", "2026-13-01", "24.11.2026"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
