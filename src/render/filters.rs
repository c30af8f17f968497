//! Filters: what templates can do with values beyond what the engine brings.
//!
//! | filter | makes of | |
//! | --- | --- | --- |
//! | `markdown` | text that is Markdown | formatted text, with its lists, quotes and code |
//! | `plural(one="file", many="files")` | a number or a list | `1 file`, `3 files` |
//! | `duration` | seconds | `41 s`, `2 min 5 s`, `3 h 12 min` |
//! | `diff(lines=20)` | a diff, `run.changes` or the `files` of a change | the first whole lines, and how many are missing |
//! | `sentence(count=1, length=300)` | text | its first sentences, cut at a word where they are longer |
//! | `pr_label` | a pull request | `owner/name #12` |
//! | `json` | anything | JSON, for `.json.tera` |
//!
//! In Markdown templates `safe` means `markdown`, and null is empty text, so `none`, `default`, `first`, `last` and `nth` treat the two alike.
//! No error text of a filter holds a value.

mod diff;
mod sentence;

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::family::Family;
use super::tokens;
use crate::delivery::DestinationKind;

/// The filters of this module, for hints.
pub(super) const OWN: [&str; 7] = ["diff", "duration", "json", "markdown", "plural", "pr_label", "sentence"];

/// Makes the filters and tests known to an engine.
pub(super) fn register(tera: &mut Tera, family: Family, kind: DestinationKind) {
    tera.register_filter("plural", |value: &Value, arguments: Kwargs, _: &State| plural(value, &arguments));
    tera.register_filter("duration", |value: &Value, _: Kwargs, _: &State| duration(value));
    tera.register_filter("diff", |value: &Value, arguments: Kwargs, _: &State| diff::cut(value, &arguments));
    tera.register_filter("sentence", |value: &Value, arguments: Kwargs, _: &State| {
        sentence::cut_by_arguments(&words(value), &arguments)
    });
    tera.register_filter("pr_label", |value: &Value, _: Kwargs, _: &State| pr_label(value));
    tera.register_filter("default", |value: &Value, arguments: Kwargs, _: &State| default(value, &arguments));
    tera.register_test("none", |value: &Value, _: Kwargs, _: &State| is_missing(value));
    match family {
        Family::Json => register_json(tera, kind),
        Family::Markdown => register_markdown(tera),
    }
}

/// In JSON `& < >` stand only in strings, so that what is written can be escaped for Slack as a whole.
fn register_json(tera: &mut Tera, kind: DestinationKind) {
    tera.register_filter("markdown", |text: Value, _: Kwargs, _: &State| text);
    tera.register_filter("json", move |value: &Value, _: Kwargs, _: &State| -> TeraResult<Value> {
        let json = to_json(value)?;
        let json = if kind == DestinationKind::Slack { tokens::slack_entities(&json) } else { json };
        Ok(Value::safe_string(&json))
    });
}

fn register_markdown(tera: &mut Tera) {
    tera.register_filter("json", |value: &Value, _: Kwargs, _: &State| to_json(value));
    tera.register_filter("markdown", |text: Value, _: Kwargs, _: &State| tokens::markdown(&words(&text)));
    tera.register_filter("safe", |text: &Value, _: Kwargs, _: &State| safe(text));
    tera.register_filter("first", |list: &[Value], _: Kwargs, _: &State| empty_if_none(list.first()));
    tera.register_filter("last", |list: &[Value], _: Kwargs, _: &State| empty_if_none(list.last()));
    tera.register_filter("nth", |list: &[Value], arguments: Kwargs, _: &State| -> TeraResult<Value> {
        Ok(empty_if_none(list.get(arguments.must_get::<usize>("n")?)))
    });
}

/// Text that is not Markdown of the template's own (`{% set %}…{% endset %}`) is parsed apart all the same: a value
/// that could take the title, make a button or hide where a link leads would be safe in name only.
fn safe(text: &Value) -> Value {
    match text.as_str() {
        Some(_) if text.is_safe() => text.clone(),
        _ => tokens::markdown(&words(text)),
    }
}

/// Returns a value as text, null as nothing.
fn words(value: &Value) -> String {
    match value.as_str() {
        Some(text) => tokens::flatten(text),
        None if value.is_none() || value.is_undefined() => String::new(),
        None => value.to_string(),
    }
}

fn is_missing(value: &Value) -> bool {
    value.is_none() || value.as_str() == Some("")
}

fn empty_if_none(value: Option<&Value>) -> Value {
    value.filter(|value| !value.is_none()).cloned().unwrap_or_else(|| Value::from(""))
}

/// As the engine's own, but null and empty text count as missing.
fn default(value: &Value, arguments: &Kwargs) -> TeraResult<Value> {
    let otherwise = arguments.must_get::<Value>("value")?;
    let takes_falsy = arguments.get::<bool>("boolean")?.unwrap_or_default();
    let missing = value.is_undefined() || is_missing(value) || (takes_falsy && !value.is_truthy());
    Ok(if missing { otherwise } else { value.clone() })
}

fn plural(value: &Value, arguments: &Kwargs) -> TeraResult<String> {
    let number = match value.as_array() {
        Some(list) => Value::from(list.len()),
        None if value.is_number() => value.clone(),
        None => return Err(wrong("plural", "a number or a list", value)),
    };
    let count = number.as_f64().unwrap_or_default().to_string();
    let form = arguments.must_get::<&str>(if count == "1" { "one" } else { "many" })?;
    Ok(format!("{count} {form}"))
}

fn duration(value: &Value) -> TeraResult<String> {
    if is_missing(value) {
        return Ok(String::new());
    }
    let seconds = value.as_f64().ok_or_else(|| wrong("duration", "a number of seconds", value))?;
    let seconds = seconds.round().clamp(0.0, 1e12);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1e12 above")]
    let seconds = seconds as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts.iter().skip(first).take(2).enumerate();
    let shown = shown.filter(|(index, (count, _))| *index == 0 || *count > 0);
    Ok(shown.map(|(_, (count, unit))| format!("{count} {unit}")).collect::<Vec<_>>().join(" "))
}

fn pr_label(value: &Value) -> TeraResult<String> {
    if !value.is_map() {
        return Err(wrong("pr_label", "a pull request", value));
    }
    let field = |name| value.get_from_path(name).map(words).unwrap_or_default();
    let (repo, number) = (field("repo"), field("number"));
    Ok(match (repo.as_str(), number.as_str()) {
        ("", "") => "pull request".to_owned(),
        (repo, "") => repo.to_owned(),
        ("", number) => format!("#{number}"),
        (repo, number) => format!("{repo} #{number}"),
    })
}

fn to_json(value: &Value) -> TeraResult<String> {
    serde_json::to_string(value).map_err(|_| Error::message("`json` cannot write this value"))
}

fn wrong(filter: &str, wanted: &str, got: &Value) -> Error {
    Error::message(format!("`{filter}` takes {wanted}, not `{}`", got.name()))
}

#[cfg(test)]
mod tests;
