//! The shapes that values have, and how JSON Schema says so.
//!
//! Ranges of durations and sizes are left to the readers: no pattern can hold them.

use serde_json::{Map, Value, json};

/// What a value has to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Text of any kind.
    Text,
    /// `30s`.
    Duration,
    /// `30s`, or `off`.
    DurationOrOff,
    /// A duration, or one for each of these.
    DurationsOf(&'static [&'static str]),
    /// `10 MiB`.
    Size,
    /// `1/s`, or `unlimited`.
    Rate,
    /// An http or https address.
    Address,
    /// Text of this form.
    Pattern(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number from here to there.
    Whole(usize, usize),
    /// Text or digits.
    Digits,
    /// Text, or a list of it.
    Texts,
    /// Text of this form, or a list of it that is not empty.
    Patterns(&'static str),
    /// A secret.
    Secret,
    /// A list of secrets.
    Secrets,
    /// Secrets by names that a header can have.
    Headers,
}

/// A duration as a pattern: numbers with units, of which the reader knows many.
const DURATION: &str = r"\s*([0-9]+\s*[A-Za-zµ]+\s*)+";

impl Shape {
    /// Returns the schema of such a value.
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Duration => text(&format!("^{DURATION}$")),
            Self::DurationOrOff => text(&format!("^(off|{DURATION})$")),
            Self::DurationsOf(parts) => {
                let each = parts.iter().map(|part| ((*part).to_owned(), Self::DurationOrOff.schema()));
                let properties: Map<String, Value> = each.collect();
                let table = json!({
                    "type": "object", "additionalProperties": false, "properties": properties,
                });
                json!({ "anyOf": [Self::DurationOrOff.schema(), table] })
            }
            Self::Size => text(r"^\s*[0-9]+(\.[0-9]+)?\s*([A-Za-z]+)?\s*$"),
            Self::Rate => text(r"^(unlimited|\s*0*[1-9][0-9]*\s*/\s*[smh]\s*)$"),
            Self::Address => text(r"^\s*[Hh][Tt][Tt][Pp][Ss]?://\S+\s*$"),
            Self::Pattern(pattern) => text(pattern),
            Self::Word(words) => json!({ "enum": words }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Self::Digits => json!({ "anyOf": [text("^[0-9]{1,20}$"), { "type": "integer", "minimum": 0 }] }),
            Self::Texts => {
                let list = json!({ "type": "array", "items": { "type": "string" } });
                json!({ "anyOf": [{ "type": "string" }, list] })
            }
            Self::Patterns(pattern) => {
                let list = json!({ "type": "array", "items": text(pattern), "minItems": 1 });
                json!({ "anyOf": [text(pattern), list] })
            }
            Self::Secret => secret(),
            Self::Secrets => json!({ "type": "array", "items": secret() }),
            Self::Headers => json!({
                "type": "object",
                "additionalProperties": false,
                "patternProperties": { "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$": secret() },
            }),
        }
    }
}

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn secret() -> Value {
    let table = |key: &str, value: Value| {
        json!({
            "type": "object", "additionalProperties": false, "required": [key], "properties": { key: value },
        })
    };
    let variable = json!({
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
        "description": "The name of the environment variable that holds the value.",
    });
    let file = json!({
        "type": "string",
        "minLength": 1,
        "description": "A file that holds the value and nothing else, relative to the config folder.",
    });
    let literal = json!({
        "type": "string", "minLength": 1, "description": "The value itself, which is better kept out of the file.",
    });
    json!({ "anyOf": [table("env", variable), table("file", file), literal] })
}

/// Adds what a value means, and what holds where it is not given.
pub(super) fn described(mut schema: Value, says: &str, default: Option<Value>) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), says.into());
        if let Some(default) = default {
            object.insert("default".to_owned(), default);
        }
    }
    schema
}
