//! Values: turns JSON into what the template engine works on, cleaned on the way.

use std::collections::BTreeMap;

use serde_json::{Number, Value as Json};
use tera::Value;

use super::family::Family;
use crate::message::markdown::strip;

/// Returns the value for templates of a family.
///
/// Texts and keys lose the characters that tokens are made of, for `| safe` goes round the escape function. In
/// Markdown null becomes empty text: the engine would print nothing for it, which changes what stands around it
/// (`**{{ null }}**` would be a line across). Numbers are told apart here, so that no way of holding them in JSON
/// shows.
pub(super) fn to_tera(value: &Json, family: Family) -> Value {
    match value {
        Json::Null => match family {
            Family::Markdown => Value::from(""),
            Family::Json => Value::none(),
        },
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => number_to_tera(number),
        Json::String(text) => Value::from(strip(text)),
        Json::Array(items) => Value::from(items.iter().map(|item| to_tera(item, family)).collect::<Vec<_>>()),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (strip(key), to_tera(value, family)));
            Value::from(fields.collect::<BTreeMap<_, _>>())
        }
    }
}

fn number_to_tera(number: &Number) -> Value {
    if let Some(integer) = number.as_u64() {
        Value::from(integer)
    } else if let Some(integer) = number.as_i64() {
        Value::from(integer)
    } else if let Some(float) = number.as_f64().filter(|float| float.is_finite()) {
        Value::from(float)
    } else {
        Value::from(number.to_string())
    }
}
