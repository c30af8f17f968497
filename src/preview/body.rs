//! Reads request bodies of any shape: what is missing or of another type is empty.

use serde_json::Value;

/// Returns the text under a key; empty where there is none.
pub(crate) fn text_at<'body>(value: &'body Value, key: &str) -> &'body str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the text under a key of an object under a key; empty where there is none.
pub(crate) fn nested_text_at<'body>(value: &'body Value, key: &str, inner: &str) -> &'body str {
    value.get(key).map(|value| text_at(value, inner)).unwrap_or_default()
}

/// Returns the list under a key; empty where there is none.
pub(crate) fn list_at<'body>(value: &'body Value, key: &str) -> &'body [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
