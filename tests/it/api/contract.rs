//! The OpenAPI document as a contract: whether an answer is one that it promises, and no field more.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

/// What the document promises, and what of it was seen.
pub(super) struct Contract {
    document: Value,
    validators: BTreeMap<(String, String, u16), Validator>,
    seen: BTreeSet<(String, String, u16, String)>,
}

impl Contract {
    pub(super) fn of(document: Value) -> Self {
        let mut closed = document.clone();
        close(&mut closed["components"]["schemas"]);
        let mut validators = BTreeMap::new();
        for (path, method, operation) in operations(&document) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let mut schema = response["content"]["application/json"]["schema"].clone();
                schema["components"] = closed["components"].clone();
                let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
                validators.insert((path.clone(), method.clone(), status.parse().unwrap()), validator);
            }
        }
        Self { document, validators, seen: BTreeSet::new() }
    }

    /// Holds an answer against what is promised of the path.
    pub(super) fn check(&mut self, method: &str, path: &str, status: u16, answer: &Value) {
        let place = (path.to_owned(), method.to_owned(), status);
        let validator =
            self.validators.get(&place).unwrap_or_else(|| panic!("{place:?} is not promised: {answer}"));
        let faults: Vec<String> = validator
            .iter_errors(answer)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{place:?}: {faults:#?} in {answer:#}");
        let code = answer["code"].as_str().filter(|_| status >= 400).unwrap_or_default();
        self.seen.insert((path.to_owned(), method.to_owned(), status, code.to_owned()));
    }

    /// What is promised and was not seen, but for a store that fails.
    pub(super) fn unseen(&self) -> Vec<(String, String, u16, String)> {
        let mut promised = BTreeSet::new();
        for (path, method, operation) in operations(&self.document) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let schema = &response["content"]["application/json"]["schema"];
                let codes = schema["properties"]["code"]["enum"].as_array().cloned();
                for code in codes.unwrap_or_else(|| vec![json!("")]) {
                    let code = code.as_str().unwrap().to_owned();
                    promised.insert((path.clone(), method.clone(), status.parse().unwrap(), code));
                }
            }
        }
        promised.retain(|(.., status, _)| *status != 503);
        promised.difference(&self.seen).cloned().collect()
    }
}

/// Every path with its method and what the document says of it.
pub(super) fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (path.clone(), method.clone(), operation))
    });
    methods.collect()
}

/// Forbids every field that is not named.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
