//! How plain values stand in columns: times, spans and words.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Returns a time as it stands in a column: microseconds since 1970.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Returns a span as it stands in a column; what no column holds becomes the longest.
pub(super) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Returns the column value of the time that lies `duration` after `at`.
pub(super) fn micros_after(at: Timestamp, duration: Duration) -> i64 {
    micros(at).saturating_add(span(duration)).min(micros(Timestamp::MAX))
}

/// Reads a time from a column; what lies outside of all calendars becomes their end.
pub(super) fn time(micros: i64) -> Timestamp {
    let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(end)
}

/// Reads a word of a closed set from a column; an unknown one, which a newer version may have written, is an error.
pub(super) fn word<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    read(text).ok_or_else(|| {
        let message = format!("unknown word `{text}`");
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, message.into())
    })
}

/// Returns a value as it stands in a column of JSON. What is kept so can always be written.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns a value as it stands in a column of JSON, without what is null in it: for one that is read with whatever is
/// missing empty.
///
/// # Errors
/// Where it cannot be written as JSON.
pub(super) fn brief_json(value: &impl Serialize) -> serde_json::Result<String> {
    fn drop_nulls(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|_, member| !member.is_null());
                members.values_mut().for_each(drop_nulls);
            }
            Value::Array(items) => items.iter_mut().for_each(drop_nulls),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut value = serde_json::to_value(value)?;
    drop_nulls(&mut value);
    serde_json::to_string(&value)
}

/// Reads a value from a column of JSON; an unknown one, which a newer version may have written, is an error.
pub(super) fn of_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Returns a list as it stands in a column of JSON, NULL where it is empty.
pub(super) fn json_list<T: Serialize>(list: &[T]) -> Option<String> {
    (!list.is_empty()).then(|| json(&list))
}

/// Reads a list from a column of JSON that is NULL where it is empty.
pub(super) fn of_json_list<T: DeserializeOwned>(text: Option<&str>) -> rusqlite::Result<Vec<T>> {
    text.map_or_else(|| Ok(Vec::new()), of_json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Artifacts, PullRequest, RootCause, Step};

    #[test]
    fn what_is_written_briefly_is_read_the_same() {
        let cause = RootCause {
            summary: Some("null".to_owned()),
            reasons: vec![Step { title: Some(String::new()), ..Step::default() }, Step::default()],
            ..RootCause::default()
        };
        let pull_request = PullRequest { ready: Some(false), number: Some(0), ..PullRequest::default() };
        let artifacts = Artifacts {
            root_cause: Some(cause),
            changes: Some(Vec::new()),
            pull_requests: Some(vec![pull_request]),
            ..Artifacts::default()
        };
        let brief = brief_json(&artifacts).unwrap();
        assert!(!brief.contains(":null") && brief.len() < json(&artifacts).len(), "{brief}");
        assert_eq!(of_json::<Artifacts>(&brief).unwrap(), artifacts);
    }
}
