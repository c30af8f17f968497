//! The filter `utc`: a time by the clock and the calendar, the same whenever the message is made.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use tera::{Kwargs, TeraResult, Value};

use super::{is_missing, words, wrong};

/// Returns a time in UTC; nothing where it is unknown. With another time as `day`, which may be unknown too, only as
/// much as tells it from that one's day.
pub(super) fn of_value(value: &Value, arguments: &Kwargs) -> TeraResult<String> {
    if is_missing(value) {
        return Ok(String::new());
    }
    let time = read(value)?;
    let day = arguments.get::<&Value>("day")?.filter(|day| !is_missing(day)).map(read).transpose()?;
    let date = match day {
        Some(day) if day.date() == time.date() => "",
        Some(day) if day.year() == time.year() => "%-d %b, ",
        Some(_) | None => "%-d %b %Y, ",
    };
    Ok(time.strftime(&format!("{date}%H:%M UTC")).to_string())
}

fn read(value: &Value) -> TeraResult<DateTime> {
    let time = Timestamp::from_str(&words(value)).map_err(|_| wrong("utc", "a time", value))?;
    Ok(Offset::UTC.to_datetime(time))
}
