//! Arguments of filters, with errors that name the filter and the argument.

use tera::{Error, Kwargs, TeraResult, Value};

/// Returns a number of things; `None` where it is not given.
pub(super) fn count(filter: &str, name: &str, arguments: &Kwargs) -> TeraResult<Option<usize>> {
    let Some(value) = arguments.get::<&Value>(name)? else { return Ok(None) };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number, or one that is too large for any text"
    )]
    let whole = || value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i128);
    match value.as_i128().or_else(whole) {
        Some(number) if number >= 0 => Ok(Some(usize::try_from(number).unwrap_or(usize::MAX))),
        Some(_) | None => Err(wrong(filter, name, "a whole number from 0 on", value)),
    }
}

/// Returns a text; `None` where it is not given.
pub(super) fn text<'a>(
    filter: &str,
    name: &'static str,
    arguments: &'a Kwargs,
) -> TeraResult<Option<&'a str>> {
    let Some(value) = arguments.get::<&Value>(name)? else { return Ok(None) };
    value.as_str().map(Some).ok_or_else(|| wrong(filter, name, "a text", value))
}

/// Returns what an argument is that has to be given.
pub(super) fn given<T>(filter: &str, name: &str, value: Option<T>) -> TeraResult<T> {
    value.ok_or_else(|| Error::message(format!("`{filter}` needs the argument `{name}`")))
}

fn wrong(filter: &str, name: &str, wanted: &str, got: &Value) -> Error {
    let got = if got.is_number() { "this number".to_owned() } else { format!("`{}`", got.name()) };
    Error::message(format!("`{filter}` takes {wanted} as `{name}`, not {got}"))
}
