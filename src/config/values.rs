//! Values of settings that are written as text: durations, sizes, rates, addresses. Pure.
//!
//! Each reader returns the value, or a [`Problem`] that completes a sentence which begins with the setting's name.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::notify::Rate;
use crate::notify::endpoint::parse_address;
use crate::words::quoted;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A rate's count.
const RATE_COUNT: RangeInclusive<u32> = 1..=100_000;

/// Why a value is none, or not one that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The class of fault.
    pub(crate) code: &'static str,
    /// Completes "`http.listen` …".
    pub(crate) says: String,
    /// How to mend it.
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// Makes the problem of a value that cannot be read.
    pub(crate) fn invalid(says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: "invalid_value", says: says.into(), hint: Some(hint.into()) }
    }

    /// Makes the problem of a value beyond its range.
    pub(crate) fn out_of_range(shown: &str, range: &str, hint: impl Into<String>) -> Self {
        Self {
            code: "out_of_range",
            says: format!("is {}, outside {range}", quoted(shown)),
            hint: Some(hint.into()),
        }
    }
}

/// From where to where a duration may reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DurationRange {
    /// The shortest one.
    pub(crate) least: Duration,
    /// The longest one.
    pub(crate) most: Duration,
    /// Whether `"off"` is allowed.
    pub(crate) may_be_off: bool,
    /// An example, without quotes.
    pub(crate) example: &'static str,
}

impl DurationRange {
    const fn new(least: Duration, most: Duration, example: &'static str) -> Self {
        Self { least, most, may_be_off: false, example }
    }

    const fn or_off(self) -> Self {
        Self { may_be_off: true, ..self }
    }

    fn shown(self) -> String {
        let off = if self.may_be_off { ", or `off`" } else { "" };
        format!("`{}` to `{}`{off}", show(self.least), show(self.most))
    }
}

/// `delivery.retry_min` and `delivery.retry_max`.
pub(crate) const RETRY: DurationRange =
    DurationRange::new(Duration::from_millis(1), Duration::from_secs(DAY), "10m");
/// `delivery.give_up_after`.
pub(crate) const GIVE_UP: DurationRange =
    DurationRange::new(Duration::from_secs(1), Duration::from_secs(30 * DAY), "24h");
/// `delivery.attempt_timeout` and a destination's `timeout`: the lease of a delivery is longer than the longest.
pub(crate) const TIMEOUT: DurationRange =
    DurationRange::new(Duration::from_millis(100), Duration::from_secs(5 * MINUTE), "10s");
/// `delivery.stop_grace`.
pub(crate) const STOP_GRACE: DurationRange =
    DurationRange::new(Duration::ZERO, Duration::from_secs(5 * MINUTE), "8s");
/// `delivery.dedupe_window`.
pub(crate) const DEDUPE: DurationRange =
    DurationRange::new(Duration::ZERO, Duration::from_secs(7 * DAY), "20m").or_off();
/// `sentry.SLUG.lookup_wait`.
pub(crate) const LOOKUP_WAIT: DurationRange =
    DurationRange::new(Duration::ZERO, Duration::from_secs(MINUTE), "2s");
/// `sentry.SLUG.issue_max_age`.
pub(crate) const ISSUE_MAX_AGE: DurationRange =
    DurationRange::new(Duration::from_secs(MINUTE), Duration::from_secs(30 * DAY), "1h");
/// `watch.stall_after`.
pub(crate) const STALL: DurationRange =
    DurationRange::new(Duration::from_secs(MINUTE), Duration::from_secs(7 * DAY), "30m").or_off();
/// `watch.silent_after`.
pub(crate) const SILENT: DurationRange =
    DurationRange::new(Duration::from_secs(MINUTE), Duration::from_secs(30 * DAY), "off").or_off();
/// `store.payload_retention`.
pub(crate) const PAYLOAD_RETENTION: DurationRange = DurationRange { example: "30d", ..RETENTION };
/// `store.retention`.
pub(crate) const RETENTION: DurationRange =
    DurationRange::new(Duration::from_secs(HOUR), Duration::from_secs(3650 * DAY), "90d");
/// A destination's `expire_after`.
pub(crate) const EXPIRE: DurationRange =
    DurationRange::new(Duration::from_secs(1), Duration::from_secs(30 * DAY), "6h").or_off();

/// A destination's `fallback_after`, where it gives up after so long.
pub(crate) fn fallback(give_up_after: Duration) -> DurationRange {
    DurationRange::new(Duration::from_secs(1), give_up_after, "10m")
}

/// A destination's `digest`.
pub(crate) const DIGEST: DurationRange =
    DurationRange::new(Duration::from_secs(MINUTE), Duration::from_secs(DAY), "1h");

/// `http.max_body`, in bytes.
pub(crate) const MAX_BODY: RangeInclusive<u64> = 64 * 1024..=32 * 1024 * 1024;

/// Reads a duration; `None` is `"off"`.
pub(crate) fn duration(text: &str, range: DurationRange) -> Result<Option<Duration>, Problem> {
    if range.may_be_off && text == "off" {
        return Ok(None);
    }
    let value = humantime::parse_duration(text.trim()).map_err(|_| {
        Problem::invalid(
            format!("is {}, which is not a duration", quoted(text)),
            format!(
                "write a number with its unit, for example `\"{}\"`; from {}",
                range.example,
                range.shown()
            ),
        )
    })?;
    if (range.least..=range.most).contains(&value) {
        return Ok(Some(value));
    }
    let hint = format!("for example `\"{}\"`", range.example);
    Err(Problem::out_of_range(text, &range.shown(), hint))
}

/// Returns a duration as a user would write it, in its largest whole unit.
pub(crate) fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_nanos() != 0 {
        return format!("{}ms", duration.as_millis());
    }
    for (unit, length) in [("d", DAY), ("h", HOUR), ("m", MINUTE)] {
        if seconds >= length && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

/// Reads a size in bytes.
pub(crate) fn size(text: &str, range: &RangeInclusive<u64>) -> Result<u64, Problem> {
    let shown = |bytes: u64| format!("`{} MiB`", bytes / (1024 * 1024));
    let least = if *range.start() < 1024 * 1024 {
        format!("`{} KiB`", range.start() / 1024)
    } else {
        shown(*range.start())
    };
    let bounds = format!("{least} to {}", shown(*range.end()));
    let bytes = text.trim().parse::<bytesize::ByteSize>().map_err(|_| {
        Problem::invalid(
            format!("is {}, which is not a size", quoted(text)),
            format!("write a number with its unit, for example `\"10 MiB\"`; from {bounds}"),
        )
    })?;
    if range.contains(&bytes.as_u64()) {
        return Ok(bytes.as_u64());
    }
    Err(Problem::out_of_range(text, &bounds, "for example `\"10 MiB\"`"))
}

/// Reads `N/s`, `N/m`, `N/h` or `unlimited`.
pub(crate) fn rate(text: &str) -> Result<Rate, Problem> {
    const HINT: &str = "write `\"1/s\"`, `\"30/m\"`, `\"100/h\"` or `\"unlimited\"`";
    if text == "unlimited" {
        return Ok(Rate::Unlimited);
    }
    let invalid = || Problem::invalid(format!("is {}, which is not a rate", quoted(text)), HINT);
    let (count, unit) = text.split_once('/').ok_or_else(invalid)?;
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(invalid()),
    };
    let count = count.trim();
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    match count.parse::<u32>() {
        Ok(count) if RATE_COUNT.contains(&count) => Ok(Rate::Limited {
            per_second: f64::from(count) / f64::from(seconds),
            burst: (count / seconds).max(1),
        }),
        Ok(_) | Err(_) => {
            Err(Problem::out_of_range(text, "1 to 100,000 per second, minute or hour", HINT.to_owned()))
        }
    }
}

/// Reads an address to listen on.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, Problem> {
    const EXAMPLE: &str = "write an IP address and a port, for example `\"127.0.0.1:8080\"`";
    text.parse().map_err(|_| {
        let hint = match text.rsplit_once(':') {
            Some(("", port)) => format!("write `\"0.0.0.0:{port}\"` to listen on every address"),
            Some(("localhost", port)) => format!("write `\"127.0.0.1:{port}\"`"),
            Some(_) | None => EXAMPLE.to_owned(),
        };
        Problem::invalid(format!("is {}, which is not an address to listen on", quoted(text)), hint)
    })
}

/// Reads the address of a page: http or https, with a host, without credentials, query and fragment.
/// `example` is one that a user could write, for hints.
pub(crate) fn page_url(text: &str, example: &str) -> Result<Url, Problem> {
    let hint = format!("write it in full, for example `\"{example}\"`");
    let url = parse_address(text).map_err(|error| Problem::invalid(format!("is {error}"), hint.as_str()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::invalid("holds credentials, which would show in every message", hint));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Problem::invalid("holds a `?` or `#`, behind which nothing can be added", hint));
    }
    Ok(url)
}

/// Reads where the store lies: the path in `sqlite:PATH`.
pub(crate) fn store_path(text: &str) -> Result<PathBuf, Problem> {
    const HINT: &str = "write `\"sqlite:\"` and the path of a file, for example `\"sqlite:data/relay.db\"`";
    let Some(path) = text.strip_prefix("sqlite:") else {
        if ["postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(Problem {
                code: "comes_later",
                says: "names a PostgreSQL database, which comes with a later version".to_owned(),
                hint: Some(HINT.to_owned()),
            });
        }
        return Err(Problem::invalid("names no store that this version knows", HINT));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.starts_with(':') {
        return Err(Problem::invalid("names a store in memory, which would not survive a restart", HINT));
    }
    if path.contains(['?', '#', '\0']) {
        return Err(Problem::invalid("holds more than a path: options are not supported", HINT));
    }
    let path = PathBuf::from(path);
    if path.file_name().is_none() || text.ends_with('/') {
        return Err(Problem::invalid("names no file", HINT));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_know_their_range_and_off() {
        assert_eq!(duration("90d", RETENTION), Ok(Some(Duration::from_secs(90 * DAY))));
        assert_eq!(duration("off", DEDUPE), Ok(None));
        assert_eq!(duration("0s", DEDUPE), Ok(Some(Duration::ZERO)));
        assert_eq!(duration("6m", TIMEOUT).unwrap_err().says, "is `6m`, outside `100ms` to `5m`");
        assert_eq!(duration("off", RETRY).unwrap_err().code, "invalid_value");
        assert_eq!(duration("0s", EXPIRE).unwrap_err().says, "is `0s`, outside `1s` to `30d`, or `off`");
        for wrong in ["", "5", "1.5", "soon", "-1s", "99999999999999999999y", "1s\0"] {
            assert_eq!(duration(wrong, GIVE_UP).unwrap_err().code, "invalid_value", "{wrong}");
        }
    }

    #[test]
    fn sizes_know_their_range() {
        assert_eq!(size("10 MiB", &MAX_BODY), Ok(10 * 1024 * 1024));
        assert_eq!(size("65536", &MAX_BODY), Ok(65536));
        assert_eq!(size("1 GiB", &MAX_BODY).unwrap_err().says, "is `1 GiB`, outside `64 KiB` to `32 MiB`");
        assert_eq!(size("1 KiB", &MAX_BODY).unwrap_err().code, "out_of_range");
        assert_eq!(size("big", &MAX_BODY).unwrap_err().code, "invalid_value");
    }

    #[test]
    fn a_rate_is_a_count_in_a_time_with_a_burst_of_one_second() {
        assert_eq!(rate("10/s"), Ok(Rate::Limited { per_second: 10.0, burst: 10 }));
        assert_eq!(rate("30/m"), Ok(Rate::Limited { per_second: 0.5, burst: 1 }));
        assert_eq!(rate("7200/h"), Ok(Rate::Limited { per_second: 2.0, burst: 2 }));
        assert_eq!(rate("unlimited"), Ok(Rate::Unlimited));
        for wrong in ["", "1", "/s", "1/d", "1/s/s", "-1/s", "+1/s", "1.5/s", "one/s"] {
            assert_eq!(rate(wrong).unwrap_err().code, "invalid_value", "{wrong}");
        }
        for wrong in ["0/s", "100001/h", "99999999999999/s"] {
            assert_eq!(rate(wrong).unwrap_err().code, "out_of_range", "{wrong}");
        }
    }

    #[test]
    fn an_address_that_is_nearly_right_is_shown_right() {
        assert!(listen("[::1]:80").is_ok());
        assert!(listen(":8080").unwrap_err().hint.unwrap().contains("`\"0.0.0.0:8080\"`"));
        assert!(listen("localhost:80").unwrap_err().hint.unwrap().contains("`\"127.0.0.1:80\"`"));
        assert!(listen("127.0.0.1").is_err());
    }

    #[test]
    fn pages_are_plain_web_addresses() {
        let page_url = |text| page_url(text, "https://relay.acme.dev");
        assert!(page_url("https://relay.acme.dev/sub").is_ok());
        for wrong in [
            "relay.acme.dev",
            "ftp://x.dev",
            "https://",
            "https://a:b@x.dev",
            "https://x.dev/?a=1",
            "https://x.dev/#a",
        ] {
            assert!(page_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_store_is_a_file() {
        assert_eq!(store_path("sqlite:data/relay.db"), Ok(PathBuf::from("data/relay.db")));
        assert_eq!(store_path("sqlite:///var/lib/relay.db"), Ok(PathBuf::from("/var/lib/relay.db")));
        assert_eq!(store_path("sqlite:/var/lib/relay.db"), Ok(PathBuf::from("/var/lib/relay.db")));
        assert_eq!(store_path("postgres://u:p@h/db").unwrap_err().code, "comes_later");
        for wrong in [
            "",
            "data/relay.db",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:a?mode=rw",
            "sqlite:data/",
            "sqlite:..",
        ] {
            assert!(store_path(wrong).is_err(), "{wrong}");
        }
    }
}
