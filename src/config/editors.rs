//! JSON Schema of the two files, for editors: completion, descriptions, and most faults while one types.
//!
//! The readers beside this one decide; a schema knows less, and must never refuse what they take. A test holds the keys of
//! both against each other. What the keys of `relay.toml` mean is told by `config/default.toml`, and nowhere else.

mod relay;
mod routes;
mod shape;

use serde_json::{Map, Value};

/// The name of a file's schema beside it, as `init` writes it.
pub(crate) const NAMES: [&str; 2] = ["relay.schema.json", "routes.schema.json"];

/// Returns the schema of `relay.toml`.
pub fn relay() -> Value {
    relay::schema()
}

/// Returns the schema of `routes.toml`.
pub fn routes() -> Value {
    routes::schema()
}

/// Writes a schema as a file.
pub fn written(schema: &Value) -> String {
    format!("{schema:#}\n")
}

/// Puts what all schemas have around the tables of a file.
fn document(title: &str, properties: &Map<String, Value>) -> Value {
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}
