//! The schema of `relay.toml`: shapes of its values; what they mean stands in `config/default.toml`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document;
use super::shape::{Shape, described};
use crate::config::organizations;
use crate::config::settings::{DEFAULT, STAGES};

/// The organization that the reference is written for.
const EXAMPLE: &str = "sentry.acme";

/// Every key and its shape.
pub(super) const SHAPES: &[(&str, Shape)] = &[
    ("http.listen", Shape::Pattern(r"^.+:[0-9]+$")),
    ("http.public_url", Shape::Address),
    ("http.max_body", Shape::Size),
    ("http.token", Shape::Secret),
    ("store.url", Shape::Pattern("^sqlite:.+$")),
    ("store.retention", Shape::Duration),
    ("store.payload_retention", Shape::Duration),
    ("templates.dir", Shape::Text),
    ("delivery.retry_min", Shape::Duration),
    ("delivery.retry_max", Shape::Duration),
    ("delivery.give_up_after", Shape::Duration),
    ("delivery.attempt_timeout", Shape::Duration),
    ("delivery.stop_grace", Shape::Duration),
    ("delivery.dedupe_window", Shape::DurationOrOff),
    ("delivery.ca_file", Shape::Text),
    ("watch.stall_after", Shape::DurationsOf(STAGES)),
    ("watch.silent_after", Shape::DurationOrOff),
    ("log.format", Shape::Word(&["text", "json"])),
    ("log.level", Shape::Word(&["error", "warn", "info", "debug", "trace"])),
    ("sentry.acme.client_secrets", Shape::Secrets),
    ("sentry.acme.retired_secrets", Shape::Secrets),
    ("sentry.acme.base_url", Shape::Address),
    ("sentry.acme.api_token", Shape::Secret),
    ("sentry.acme.api_url", Shape::Address),
    ("sentry.acme.lookup_wait", Shape::Duration),
    ("sentry.acme.issue_max_age", Shape::Duration),
];

/// Returns the schema.
pub(super) fn schema() -> Value {
    let reference = Reference::read();
    let mut tables: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (path, shape) in SHAPES {
        let Some((table, key)) = path.rsplit_once('.') else { continue };
        let value = described(shape.schema(), reference.says(path), reference.default(table, key));
        tables.entry(table).or_default().insert(key.to_owned(), value);
    }
    let organization = tables.remove(EXAMPLE).unwrap_or_default();
    let mut properties: Map<String, Value> = tables
        .into_iter()
        .map(|(name, keys)| {
            (name.to_owned(), json!({ "type": "object", "additionalProperties": false, "properties": keys }))
        })
        .collect();
    properties.insert("sentry".to_owned(), organizations_by(&organization));
    document("relay.toml: the settings of seer-relay", &properties)
}

fn organizations_by(keys: &Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "description": "One table per organization in Sentry, named by its slug: `[sentry.acme]`.",
        "additionalProperties": false,
        "patternProperties": {
            organizations::SLUG: {
                "type": "object",
                "additionalProperties": false,
                "required": ["client_secrets"],
                "properties": keys,
            },
        },
    })
}

/// What `config/default.toml` tells.
struct Reference {
    comments: BTreeMap<String, String>,
    defaults: toml::Table,
}

impl Reference {
    fn read() -> Self {
        let (mut table, mut comment, mut comments) = (String::new(), String::new(), BTreeMap::new());
        for line in DEFAULT.lines() {
            let bare = line.trim_start_matches("# ");
            if let Some(name) = bare.strip_prefix('[') {
                name.trim_end_matches(']').clone_into(&mut table);
            } else if let Some((key, _)) = bare.split_once(" = ").filter(|(key, _)| is_key(key)) {
                comments.insert(format!("{table}.{key}"), comment.trim_end().to_owned());
            } else if line.starts_with("# ") {
                comment += bare;
                comment.push(' ');
                continue;
            }
            comment.clear();
        }
        // It is compiled in, and a test reads it.
        Self { comments, defaults: DEFAULT.parse().unwrap_or_default() }
    }

    fn says(&self, path: &str) -> &str {
        self.comments.get(path).map_or("", String::as_str)
    }

    fn default(&self, table: &str, key: &str) -> Option<Value> {
        serde_json::to_value(self.defaults.get(table)?.get(key)?).ok()
    }
}

fn is_key(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::known_keys;

    #[test]
    fn every_key_that_the_readers_know_has_a_shape_and_no_other() {
        let shaped: Vec<&str> = SHAPES.iter().map(|(path, _)| *path).collect();
        let organization = organizations::KEYS.known.iter().map(|key| format!("{EXAMPLE}.{key}"));
        let known: Vec<String> = known_keys().chain(organization).collect();
        assert_eq!(shaped, known);
    }

    #[test]
    fn every_key_says_what_it_means() {
        let reference = Reference::read();
        for (path, _) in SHAPES {
            let says = reference.says(path);
            assert!(says.len() > 20 && says.ends_with(['.', '`', ')']), "{path}: {says}");
        }
        let written = schema().to_string();
        assert!(
            written.contains("How long a run is kept after its last event. A duration, from"),
            "{written}"
        );
    }
}
