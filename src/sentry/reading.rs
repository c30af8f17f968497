//! Tolerant reading of single fields: what is absent, null, empty or of another type is simply not there.

use serde_json::{Map, Number, Value};
use url::Url;

/// Sentry's word for "none" in fields that may not be null.
const NOT_AVAILABLE: &str = "N/A";

/// Returns an object.
pub(super) fn object(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

/// Returns the items of a list; none for anything else.
pub(super) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns a text with something in it, without NUL, which not every database can keep; "N/A" is none.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    let text = value.and_then(Value::as_str)?;
    let text = if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() };
    let says_something = !text.trim().is_empty() && !text.trim().eq_ignore_ascii_case(NOT_AVAILABLE);
    says_something.then_some(text)
}

/// Returns the first of these fields that holds a text.
pub(super) fn first_text(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(fields.get(*name)))
}

/// Returns a name on one line (of a file, a repository, a branch): no control characters, and "N/A" is none.
pub(super) fn name(value: Option<&Value>) -> Option<String> {
    let name = value.and_then(Value::as_str)?.trim();
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    (!name.is_empty() && !name.eq_ignore_ascii_case(NOT_AVAILABLE)).then_some(name)
}

/// Returns a text as one line: white space and control characters in a row become one space; cut.
pub(super) fn line(value: Option<&Value>, longest: usize) -> Option<String> {
    let text = value.and_then(Value::as_str)?;
    let is_gap = |character: char| character.is_whitespace() || character.is_control();
    let words: Vec<&str> = text.split(is_gap).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| cut(words.join(" "), longest))
}

/// Cuts a text that has more characters than `longest`, with an ellipsis for what is gone.
pub(super) fn cut(mut text: String, longest: usize) -> String {
    if text.chars().count() > longest {
        let end = text.char_indices().nth(longest - 1).map_or(0, |(end, _)| end);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Returns an id as text, whether it came as text or as a number of any kind.
pub(super) fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Number(number) => Some(number_text(number)),
        text @ Value::String(_) => name(Some(text)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Writes a number as an id: a float without a fraction as the integer that it stands for.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 => format!("{float:.0}"),
        Some(_) | None => number.to_string(),
    }
}

/// Returns a number that counts something, whether it came as a number or as text.
pub(super) fn whole_number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64().or_else(|| number_text(number).parse().ok()),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns an http or https address, in its normal form.
pub(super) fn web_address(value: Option<&Value>) -> Option<Url> {
    let url = Url::parse(value.and_then(Value::as_str)?).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_without_anything_in_it_is_none() {
        for value in [json!(""), json!(" \n"), json!("\0"), json!(null), json!(5), json!(["a"]), json!({})] {
            assert_eq!(text(Some(&value)), None, "{value}");
        }
        assert_eq!(text(Some(&json!("a\0b\n"))).as_deref(), Some("ab\n"));
    }

    #[test]
    fn a_name_that_is_not_available_is_none() {
        assert_eq!(name(Some(&json!("N/A"))), None);
        assert_eq!(text(Some(&json!(" n/a "))), None);
        assert_eq!(name(Some(&json!(" n/a "))), None);
        assert_eq!(name(Some(&json!("src/\u{7}a\n.py"))).as_deref(), Some("src/a.py"));
    }

    #[test]
    fn an_id_is_text_whatever_it_came_as() {
        let text = |value: serde_json::Value| id(Some(&value));
        assert_eq!(text(json!(12345)).as_deref(), Some("12345"));
        assert_eq!(text(json!(-1)).as_deref(), Some("-1"));
        assert_eq!(text(json!(u64::MAX)).as_deref(), Some("18446744073709551615"));
        assert_eq!(text(json!(12345.0)).as_deref(), Some("12345"));
        assert_eq!(text(json!(1.5)).as_deref(), Some("1.5"));
        assert_eq!(text(json!("12345x\0\u{9b}")).as_deref(), Some("12345x"));
        assert_eq!(text(json!("")), None);
        assert_eq!(text(json!(true)), None);
        assert_eq!(text(json!([1])), None);
    }

    #[test]
    fn a_count_may_be_text_and_is_never_negative() {
        let number = |value: serde_json::Value| whole_number(Some(&value));
        assert_eq!(number(json!(7)), Some(7));
        assert_eq!(number(json!(7.0)), Some(7));
        assert_eq!(number(json!("7")), Some(7));
        assert_eq!(number(json!(-7)), None);
        assert_eq!(number(json!(7.5)), None);
        assert_eq!(number(json!(null)), None);
    }

    #[test]
    fn an_address_is_http_or_https_or_nothing() {
        let address = |value: &str| web_address(Some(&json!(value))).map(String::from);
        let pull = "https://github.com/acme/api/pull/128";
        assert_eq!(address(pull).as_deref(), Some(pull));
        assert_eq!(address("http://git.acme.dev/1").as_deref(), Some("http://git.acme.dev/1"));
        for bad in ["javascript:alert(1)", "ftp://a/b", "//a/b", "acme", "", "https://", "data:text/html,x"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
