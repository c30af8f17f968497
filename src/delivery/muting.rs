//! What a mute did to a delivery, as it is kept and told.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Why a delivery was held back, or dropped. Decided once, when it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muting {
    /// The names of the mutes that were in force.
    pub by: Vec<String>,
    /// When they end.
    pub until: Timestamp,
    /// The time zone by whose clock that is told.
    pub timezone: String,
    /// Whether the message is not sent at all.
    pub dropped: bool,
}

impl Muting {
    /// Returns from when on what is held back may go out; `None` for what is dropped.
    pub fn held_until(&self) -> Option<Timestamp> {
        (!self.dropped).then_some(self.until)
    }
}

impl fmt::Display for Muting {
    /// As in ``muted by `nights`, until 2026-12-02 08:00 Europe/Berlin``.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.by.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(", ");
        if self.dropped {
            return write!(formatter, "dropped: muted by {names}");
        }
        // A zone that this machine does not know may have been known when it was written down.
        let zone = zone_of(&self.timezone);
        let name = if zone.is_some() { self.timezone.as_str() } else { "UTC" };
        let shown = zone.unwrap_or(TimeZone::UTC).to_datetime(self.until);
        let until = shown.strftime("%Y-%m-%d %H:%M");
        write!(formatter, "muted by {names}, until {until} {name}")
    }
}

/// Finds a time zone by its IANA name: as the system knows it, else as it was when the relay was built.
pub fn zone_of(name: &str) -> Option<TimeZone> {
    let is_name = name.split('/').all(|part| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+');
        !part.is_empty() && part.bytes().all(is_plain)
    });
    let found = || TimeZone::get(name).or_else(|_| jiff::tz::TimeZoneDatabase::bundled().get(name)).ok();
    // Of `Etc/Unknown` nothing is known, and its clock shows UTC.
    is_name.then(found).flatten().filter(|zone| !zone.is_unknown())
}

/// Returns how a time zone is called.
pub fn name_of(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn muting(timezone: &str, dropped: bool) -> Muting {
        let by = vec!["nights".to_owned(), "holidays".to_owned()];
        Muting { by, until: "2026-12-02T07:00:00Z".parse().unwrap(), timezone: timezone.to_owned(), dropped }
    }

    #[test]
    fn what_is_held_back_is_told_by_the_clock_of_its_zone() {
        assert_eq!(
            muting("Europe/Berlin", false).to_string(),
            "muted by `nights`, `holidays`, until 2026-12-02 08:00 Europe/Berlin"
        );
        assert_eq!(
            muting("Mars/Olympus", false).to_string(),
            "muted by `nights`, `holidays`, until 2026-12-02 07:00 UTC"
        );
        assert_eq!(muting("Europe/Berlin", true).to_string(), "dropped: muted by `nights`, `holidays`");
    }

    #[test]
    fn a_zone_is_found_by_its_name_alone() {
        for name in ["Europe/Berlin", "UTC", "America/Argentina/Ushuaia", "Etc/GMT+5"] {
            assert!(zone_of(name).is_some(), "{name}");
        }
        for name in ["", "Europe/Berln", "/etc/localtime", "../UTC", "Europe//Berlin", "Etc/Unknown", "CET-1"]
        {
            assert!(zone_of(name).is_none(), "{name}");
        }
    }

    #[test]
    fn zones_are_known_on_a_machine_without_any() {
        let bundled = jiff::tz::TimeZoneDatabase::bundled();
        assert!(bundled.get("Europe/Berlin").is_ok() && bundled.available().count() > 400);
    }
}
