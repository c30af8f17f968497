//! Filters: what templates can do with values beyond what the engine brings.
//!
//! | filter | makes of | for example | shows |
//! | --- | --- | --- | --- |
//! | `markdown` | text that is Markdown: its formatting, lists, quotes and code | `{{ run.root_cause.summary \| markdown }}` | formatted text |
//! | `truncate(length=…)` | text: as many characters as that are shown at most, cut before a word, `…` included | `{{ "An empty cart has no total." \| truncate(length=16) }}` | `An empty cart…` |
//! | `sentence(count=1, length=300)` | text: its first sentences, with a short list or code that they announce; `…` where more follows | `{{ "One. Two." \| sentence }}` | `One. …` |
//! | `plural(one=…, many=…)` | a number or a list | `{{ run.changes[0].files \| plural(one="file", many="files") }}` | `2 files` |
//! | `diffstat` | a change, a file or a list: lines that came and went | `{{ run.changes \| diffstat }}` | `+42 −7` |
//! | `diff(lines=…)` | a diff, a file, a change or a list: so many lines of diff at most, hunk by hunk | `{{ "-a\n+b" \| diff(lines=1) }}` | the first line, `… and 1 more line` |
//! | `duration` | a number of seconds | `{{ 125 \| duration }}` | `2 min 5 s` |
//! | `ago` | a time: how long before the message is made | `{{ run.started_at \| ago }}` | `3 min ago` |
//! | `utc`, `utc(day=…)` | a time: date and clock in UTC; on the day of another time by the clock alone | `{{ run.started_at \| utc }}` | `23 Nov 2026, 10:00 UTC` |
//! | `code`, `code(language=…)` | text, whatever it holds: code, or a block of code | `{{ run.changes[0].files[0].path \| code }}` | `src/cart.py` |
//! | `pr_label` | a pull request | `{{ run.pull_requests[0] \| pr_label }}` | `acme/api #12` |
//! | `json` | anything: JSON, for `.json.tera` | `{{ run.repos \| json }}` | `["acme/api"]` |
//!
//! The test `none` asks whether a thing is unknown: `{% if issue.title is none %}`, `{% if issue.project is none %}`. The README's table says the same,
//! and a test holds its examples.
//!
//! What is Markdown is cut before it is formatted: `{{ text | truncate(length=80) | markdown }}`, in this order. Both
//! filters that cut close what is bold, keep a link's address and cut no code.
//! In Markdown templates `safe` means `markdown`, and null is empty text, so `none`, `default`, `first`, `last` and `nth` treat the two alike.
//! No error text of a filter holds a value.

mod ago;
mod arguments;
mod code;
mod diff;
mod diffstat;
mod excerpt;
mod sentence;
mod truncate;
mod utc;

use jiff::Timestamp;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::family::Family;
use super::tokens;
use crate::delivery::DestinationKind;

/// The filters of this module, for hints.
pub(super) const OWN: [&str; 12] = [
    "ago", "code", "diff", "diffstat", "duration", "json", "markdown", "plural", "pr_label", "sentence",
    "truncate", "utc",
];

/// Says how long before `now` a time lies, as people say it: `3 min ago`.
pub fn time_ago(time: Timestamp, now: Timestamp) -> String {
    ago::between(time, now)
}

/// Makes the filters and tests known to an engine.
pub(super) fn register(tera: &mut Tera, family: Family, kind: DestinationKind) {
    add(tera, "plural", |value, arguments, _| plural(value, arguments).map(Value::from));
    add(tera, "duration", |value, _, _| duration(value).map(Value::from));
    add(tera, "ago", |value, _, state| ago::of_value(value, state).map(Value::from));
    add(tera, "utc", |value, arguments, _| utc::of_value(value, arguments).map(Value::from));
    add(tera, "diff", |value, arguments, _| diff::cut(value, arguments).map(Value::from));
    add(tera, "diffstat", |value, _, _| diffstat::of_value(value).map(Value::from));
    add(tera, "truncate", |value, arguments, _| {
        truncate::cut_by_arguments(&words(value), arguments).map(Value::from)
    });
    add(tera, "sentence", |value, arguments, _| {
        sentence::cut_by_arguments(&words(value), arguments).map(Value::from)
    });
    add(tera, "pr_label", |value, _, _| pr_label(value).map(Value::from));
    tera.register_filter("default", |value: &Value, arguments: Kwargs, _: &State| default(value, &arguments));
    tera.register_test("none", |value: &Value, _: Kwargs, _: &State| is_missing(value));
    match family {
        Family::Json => register_json(tera, kind),
        Family::Markdown => register_markdown(tera),
    }
}

/// Makes a filter known that takes anything but what is undefined: a mistyped name must not become nothing.
fn add(
    tera: &mut Tera,
    name: &'static str,
    filter: impl Fn(&Value, &Kwargs, &State) -> TeraResult<Value> + Send + Sync + 'static,
) {
    tera.register_filter(name, move |value: &Value, arguments: Kwargs, state: &State| {
        if value.is_undefined() {
            return Err(Error::message(format!("`{name}` is given something that is not defined")));
        }
        filter(value, &arguments, state)
    });
}

/// In JSON `& < >` stand only in strings, so that what is written can be escaped for Slack as a whole.
fn register_json(tera: &mut Tera, kind: DestinationKind) {
    add(tera, "markdown", |text, _, _| Ok(text.clone()));
    add(tera, "code", |text, _, _| Ok(Value::from(code::between_backticks(&words(text)))));
    add(tera, "json", move |value, _, _| {
        let json = to_json(value)?;
        let json = if kind == DestinationKind::Slack { tokens::slack_entities(&json) } else { json };
        Ok(Value::safe_string(&json))
    });
}

fn register_markdown(tera: &mut Tera) {
    add(tera, "json", |value, _, _| to_json(value).map(Value::from));
    add(tera, "markdown", |text, _, _| Ok(tokens::markdown(&words(text))));
    add(tera, "code", |text, arguments, _| code::of_text(&words(text), arguments));
    add(tera, "safe", |text, _, _| Ok(safe(text)));
    tera.register_filter("first", |list: &[Value], _: Kwargs, _: &State| empty_if_none(list.first()));
    tera.register_filter("last", |list: &[Value], _: Kwargs, _: &State| empty_if_none(list.last()));
    tera.register_filter("nth", |list: &[Value], arguments: Kwargs, _: &State| -> TeraResult<Value> {
        let place = arguments::given("nth", "n", arguments::count("nth", "n", &arguments)?)?;
        Ok(empty_if_none(list.get(place)))
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

/// Tells whether a thing is unknown: null, which in Markdown is empty text, or an object without a field that is known.
fn is_missing(value: &Value) -> bool {
    value.is_none()
        || value.as_str() == Some("")
        || value.as_map().is_some_and(|fields| fields.values().all(is_missing))
}

fn empty_if_none(value: Option<&Value>) -> Value {
    value.filter(|value| !value.is_none()).cloned().unwrap_or_else(|| Value::from(""))
}

/// As the engine's own, but null and empty text count as missing.
fn default(value: &Value, arguments: &Kwargs) -> TeraResult<Value> {
    let otherwise = arguments::given("default", "value", arguments.get::<Value>("value")?)?;
    let takes_falsy = arguments.get::<bool>("boolean")?.unwrap_or_default();
    let missing = value.is_undefined() || is_missing(value) || (takes_falsy && !value.is_truthy());
    Ok(if missing { otherwise } else { value.clone() })
}

fn plural(value: &Value, arguments: &Kwargs) -> TeraResult<String> {
    let count = match (value.as_array(), value.as_i128()) {
        (Some(list), _) => list.len().to_string(),
        (None, Some(number)) => number.to_string(),
        (None, None) if value.is_number() => value.as_f64().unwrap_or_default().to_string(),
        (None, None) => return Err(wrong("plural", "a number or a list", value)),
    };
    let form = if count == "1" { "one" } else { "many" };
    let noun = arguments::given("plural", form, arguments::text("plural", form, arguments)?)?;
    Ok(format!("{count} {noun}"))
}

fn duration(value: &Value) -> TeraResult<String> {
    /// Longer than anything lasts.
    const MOST_SECONDS: i128 = 1_000_000_000_000;
    if is_missing(value) {
        return Ok(String::new());
    }
    let seconds = match (value.as_i128(), value.as_f64()) {
        (Some(seconds), _) => seconds.clamp(0, MOST_SECONDS),
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a range that both hold")]
        (None, Some(seconds)) => seconds.round().clamp(0.0, 1e12) as i128,
        // Only a number that is too large for either is neither.
        (None, None) if value.is_number() => MOST_SECONDS,
        (None, None) => return Err(wrong("duration", "a number of seconds", value)),
    };
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
