//! The filter `ago`: how long ago something happened, as people say it.

use std::str::FromStr;

use jiff::Timestamp;
use tera::{State, TeraResult, Value};

use super::{is_missing, words, wrong};

/// Shorter ago than this is now: clocks differ, and a message is on its way for a moment.
const JUST_NOW_SECONDS: u64 = 10;

/// Returns how long before the message a time lies; nothing where the time is unknown.
pub(super) fn of_value(value: &Value, state: &State) -> TeraResult<String> {
    if is_missing(value) {
        return Ok(String::new());
    }
    let unreadable = || wrong("ago", "a time", value);
    let time = Timestamp::from_str(&words(value)).map_err(|_| unreadable())?;
    let now = state.get::<String>("now")?.and_then(|now| Timestamp::from_str(&now).ok());
    Ok(between(time, now.ok_or_else(unreadable)?))
}

pub(super) fn between(time: Timestamp, now: Timestamp) -> String {
    let span = now.duration_since(time);
    let seconds = span.unsigned_abs().as_secs();
    if seconds < JUST_NOW_SECONDS {
        return "just now".to_owned();
    }
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    if span.is_negative() { format!("in {count} {unit}") } else { format!("{count} {unit} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_says_enough() {
        let at = |seconds| between(Timestamp::UNIX_EPOCH, Timestamp::from_second(seconds).unwrap());
        for (seconds, expected) in [
            (0, "just now"),
            (9, "just now"),
            (41, "41 s ago"),
            (60, "1 min ago"),
            (3_599, "59 min ago"),
            (3_600, "1 h ago"),
            (86_400 * 400, "400 d ago"),
            (-5, "just now"),
            (-120, "in 2 min"),
        ] {
            assert_eq!(at(seconds), expected);
        }
        assert!(between(Timestamp::MIN, Timestamp::MAX).ends_with(" d ago"));
    }
}
