//! The OpenAPI document: what the API takes and answers, made of the very types and names that it is made with, whenever
//! somebody asks for it.

mod operations;
mod polish;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use url::Url;

use self::operations::{Method, OPERATIONS, Operation};
use self::polish::{Answers, Words};
use super::error::{CODES, ErrorJson};

/// Where the schemas of all shapes stand.
const SCHEMAS: &str = "/components/schemas";

/// What is true of every path.
const ABOUT: &str = "What the relay knows, as the dashboard shows it: runs, events, deliveries; and a way to send again.\n\n\
    Every path asks for the relay's token. GET may be HEAD. Fields may be added, never renamed or removed; every field is \
    always there, null or an empty list where nothing is known. Times are RFC 3339 in UTC with milliseconds. A parameter \
    that is empty counts as not given; one that is unknown or given twice is refused. A method that a path does not know is \
    405 `method_not_allowed`, another path 404 `not_found`.";

/// Returns the document; `public_url` is where people reach the relay, where the settings say it.
pub(super) fn document(public_url: Option<&Url>) -> Value {
    let settings =
        || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = SCHEMAS.into());
    // What is sent has every field; what is taken may leave some out.
    let mut sent = settings().for_serialize().with_transform(Words).with_transform(Answers).into_generator();
    let mut taken = settings().for_deserialize().with_transform(Words).into_generator();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let described = described(operation, &mut sent, &mut taken);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(operation.method.as_str().to_owned(), described);
        }
    }
    let mut schemas = taken.take_definitions(true);
    schemas.extend(sent.take_definitions(true));
    let server = public_url.map_or("/", Url::as_str);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "seer-relay",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": server }],
        "security": [{ "bearer": [] }, { "basic": [] }, { "cookie": [] }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": ways_in() },
    })
}

fn ways_in() -> Value {
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "The relay's token." },
        "basic": {
            "type": "http", "scheme": "basic", "description": "The relay's token as the password, with any name.",
        },
        "cookie": {
            "type": "apiKey", "in": "cookie", "name": super::access::COOKIE,
            "description": "What a browser has that logged in.",
        },
    })
}

fn described(operation: &Operation, sent: &mut SchemaGenerator, taken: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let answer = content(&(operation.answer)(sent));
    responses.insert("200".to_owned(), json!({ "description": operation.answers, "content": answer }));
    for (status, when, codes) in faults(operation.errors) {
        let mut schema = sent.subschema_for::<ErrorJson>();
        schema.insert("properties".to_owned(), json!({ "code": { "enum": codes } }));
        let fault = json!({ "description": when, "content": content(&schema) });
        responses.insert(status.to_string(), fault);
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": responses,
    });
    let fields = [
        ("description", operation.about.map(Value::from)),
        ("parameters", parameters(operation, taken)),
        (
            "requestBody",
            operation.body.map(|body| json!({ "required": true, "content": content(&body(taken)) })),
        ),
    ];
    for (name, value) in fields {
        if let (Some(value), Value::Object(described)) = (value, &mut described) {
            described.insert(name.to_owned(), value);
        }
    }
    described
}

fn content(schema: &Schema) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn parameters(operation: &Operation, taken: &mut SchemaGenerator) -> Option<Value> {
    let id = operation.id_in_path.map(|about| {
        json!({
            "name": "id", "in": "path", "required": true, "description": about, "schema": { "type": "string" },
        })
    });
    let in_query = operation.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name, "in": "query", "required": false, "description": parameter.about,
            "schema": (parameter.schema)(taken),
        })
    });
    let all: Vec<Value> = id.into_iter().chain(in_query).collect();
    (!all.is_empty()).then_some(Value::Array(all))
}

/// Returns these errors by their status, with when each happens.
fn faults(errors: &[&str]) -> Vec<(u16, String, Vec<&'static str>)> {
    let mut faults: Vec<(u16, String, Vec<&str>)> = Vec::new();
    for (status, code, when) in CODES.iter().filter(|(_, code, _)| errors.contains(code)) {
        let line = format!("`{code}`: {when}");
        match faults.iter_mut().find(|(other, ..)| other == status) {
            Some((_, lines, codes)) => {
                lines.push('\n');
                lines.push_str(&line);
                codes.push(code);
            }
            None => faults.push((*status, line, vec![code])),
        }
    }
    faults
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_a_path_is_one_that_there_is() {
        for operation in OPERATIONS {
            let told: usize = faults(operation.errors).iter().map(|(.., codes)| codes.len()).sum();
            assert_eq!(told, operation.errors.len(), "{}", operation.path);
        }
    }

    #[test]
    fn the_document_names_where_the_relay_is_reached() {
        let url = "https://relay.acme.dev/".parse().unwrap();
        assert_eq!(document(Some(&url))["servers"][0]["url"], "https://relay.acme.dev/");
        assert_eq!(document(None)["servers"][0]["url"], "/");
    }

    #[test]
    fn every_word_of_a_closed_set_is_named_and_explained() {
        let state = &document(None)["components"]["schemas"]["DeliveryState"];
        assert_eq!(state["enum"], json!(["waiting", "sending", "delivered", "superseded", "dead"]));
        assert!(state["description"].as_str().unwrap().contains("- `delivered`: The destination took it."));
    }
}
