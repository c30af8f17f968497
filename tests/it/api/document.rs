//! The OpenAPI document: sound by itself, and true of every answer.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use seer_relay::clock::Clock;
use serde_json::{Value, json};

use super::contract::{Contract, operations};
use super::{Api, folder, post_as_other, pull_request};
use crate::documents::{names, table};
use crate::support::{Answer, Receiver, RelayFolder, mute_now};

/// Every list with nothing and with each of its parameters, one run, one event.
async fn look_at_all(api: &Api, contract: &mut Contract) {
    for path in ["/api/runs", "/api/deliveries", "/api/report"] {
        contract.check("get", path, 200, &api.ok(path).await);
    }
    for run in api.ok("/api/runs").await["items"].as_array().unwrap() {
        let shown = api.ok(&format!("/api/runs/{}", run["id"].as_str().unwrap())).await;
        contract.check("get", "/api/runs/{id}", 200, &shown);
        for event in shown["events"].as_array().unwrap() {
            let told = api.ok(&format!("/api/events/{}", event["id"].as_str().unwrap())).await;
            contract.check("get", "/api/events/{id}", 200, &told);
        }
    }
}

#[tokio::test]
async fn the_document_is_sound_openapi_and_leads_nowhere() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let document = Api::of(&relay, &folder).ok("/api/openapi.json").await;

    let rules: Value = serde_json::from_str(include_str!("../../fixtures/openapi-3.1-schema.json")).unwrap();
    let rules = jsonschema::validator_for(&rules).unwrap();
    let faults: Vec<String> =
        rules.iter_errors(&document).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert_eq!(faults, [""; 0]);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    for reference in references(&document) {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name}: {schema}");
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}.{field} says nothing of itself");
        }
    }
    let ids: Vec<&str> = operations(&document)
        .iter()
        .map(|(.., operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[tokio::test]
async fn every_answer_is_as_the_document_says_and_has_no_field_that_it_does_not_name() {
    let (audit, chat) = (Receiver::start(), Receiver::start());
    audit.next([Answer::Refuse(503, Vec::new(), "down".to_owned())]);
    let folder = folder(&audit, &chat);
    folder.add_route(&format!(
        "{}[discord.dev]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\nstyle = \"messages\"\n\
         [[route]]\nname = \"quiet\"\nwhen = {{ action = \"root_cause_completed\" }}\nto = [\"dev\"]\nmute = [\"now\"]\n\
         [[route]]\nname = \"silent\"\nwhen = {{ action = \"solution_completed\" }}\nto = [\"dev\"]\nmute = [\"now\"]\nmuted = \"drop\"\n",
        mute_now(),
        chat.url("/api/webhooks/1/x"),
    ));
    let relay = folder.serve();
    let api = Api::of(&relay, &folder);
    let document = api.ok("/api/openapi.json").await;
    let mut contract = Contract::of(document.clone());
    contract.check("get", "/api/openapi.json", 200, &document);
    look_at_all(&api, &mut contract).await;

    let sentry = relay.sentry();
    let event = sentry.accepted("root_cause_started", &json!({ "run_id": 1 })).await;
    api.until("/api/runs", |runs| runs.len() == 1).await;
    look_at_all(&api, &mut contract).await;

    // Sampled as Sentry sends them: all that is written of cause, plan and code; muted, dropped, refused, sent.
    chat.always(Answer::Refuse(403, Vec::new(), "invalid_token".to_owned()));
    for action in ["root_cause_completed", "solution_completed", "coding_completed", "pr_created"] {
        let sent = folder.run(&[
            "send",
            action,
            "--run",
            "1",
            "--url",
            &format!("http://{}/webhooks/sentry", relay.address()),
            "--org",
            "acme",
        ]);
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
    api.until("/api/deliveries?state=dead", |dead| !dead.is_empty()).await;
    api.until("/api/deliveries?state=waiting", |waiting| {
        waiting.iter().all(|row| row["destination"] == "dev")
    })
    .await;
    api.until("/api/runs?state=pr_created", |runs| runs.len() == 1).await;
    look_at_all(&api, &mut contract).await;

    for wanted in [json!({ "dead": true }), json!({ "ids": [event] }), json!({ "ids": ["acme/1"] })] {
        let answered = api.replay(&wanted).await;
        contract.check("post", "/api/replay", answered.status, &answered.body);
        assert_eq!(answered.status, 200);
    }
    look_at_all(&api, &mut contract).await;

    refuse_all(&api, &mut contract, &relay).await;
    assert_eq!(contract.unseen(), []);
}

/// Everything that every path refuses.
async fn refuse_all(api: &Api, contract: &mut Contract, relay: &crate::support::Relay) {
    post_as_other(&relay.sentry(), "root_cause_started", &json!({ "run_id": 1 })).await;
    for (template, path) in [
        ("/api/runs", "/api/runs"),
        ("/api/runs/{id}", "/api/runs/acme/1"),
        ("/api/events/{id}", "/api/events/evt_x"),
        ("/api/deliveries", "/api/deliveries"),
        ("/api/report", "/api/report"),
        ("/api/openapi.json", "/api/openapi.json"),
    ] {
        let refused = api.get(&format!("{path}?nonsense=1")).await;
        assert_eq!((refused.status, refused.code()), (400, "bad_query"));
        contract.check("get", template, 400, &refused.body);
        let refused = api.send("GET", path, &[], None).await;
        assert_eq!((refused.status, refused.code()), (401, "token_required"));
        contract.check("get", template, 401, &refused.body);
    }
    for (template, path, code) in [
        ("/api/runs/{id}", "/api/runs/none", "unknown_id"),
        ("/api/runs/{id}", "/api/runs/1", "ambiguous_id"),
        ("/api/events/{id}", "/api/events/none", "unknown_id"),
    ] {
        let refused = api.get(path).await;
        assert_eq!(refused.code(), code);
        contract.check("get", template, refused.status, &refused.body);
    }
    for (wanted, code) in [
        (json!({ "ids": ["none"] }), "unknown_id"),
        (json!({ "ids": ["1"] }), "ambiguous_id"),
        (json!({ "ids": [] }), "bad_request"),
    ] {
        let refused = api.replay(&wanted).await;
        assert_eq!(refused.code(), code);
        contract.check("post", "/api/replay", refused.status, &refused.body);
    }
    let basic = [("authorization", "Basic eDp4"), ("origin", "https://evil.example")];
    let refused = api.send("POST", "/api/replay", &basic, Some(&json!({ "dead": true }))).await;
    contract.check("post", "/api/replay", refused.status, &refused.body);
    let cookie = api.cookie();
    let refused =
        api.send("POST", "/api/replay", &[("cookie", &cookie)], Some(&json!({ "dead": true }))).await;
    contract.check("post", "/api/replay", refused.status, &refused.body);
}

#[tokio::test]
async fn every_parameter_of_the_document_is_taken_and_held_to_what_it_says() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let api = Api::of(&relay, &folder);
    let document = api.ok("/api/openapi.json").await;
    let mut checked = 0;
    for (path, method, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query" && method == "get") {
            let (name, schema) =
                (parameter["name"].as_str().unwrap(), resolved(&document, &parameter["schema"]));
            let (good, bad) = values(name, schema);
            for value in good {
                assert_eq!(
                    api.get(&format!("{path}?{name}={value}")).await.status,
                    200,
                    "{path} {name} {value}"
                );
            }
            for value in bad {
                let refused = api.get(&format!("{path}?{name}={value}")).await;
                assert_eq!((refused.status, refused.code()), (400, "bad_query"), "{path} {name} {value}");
                assert!(refused.body["message"].as_str().unwrap().contains(name));
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 20, "ten of runs, six of deliveries, four of reports");
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    }
}

/// Values that a parameter takes and values that it refuses, by its schema.
fn values(name: &str, schema: &Value) -> (Vec<String>, Vec<String>) {
    let own = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    if let Some(words) = schema["enum"].as_array() {
        return (words.iter().map(|word| word.as_str().unwrap().to_owned()).collect(), own(&["nonsense"]));
    }
    if schema["type"] == "integer" {
        let (least, most) = (schema["minimum"].as_i64().unwrap(), schema["maximum"].as_i64().unwrap());
        let good = vec![least.to_string(), most.to_string()];
        return (good, vec![(least - 1).to_string(), (most + 1).to_string(), "x".to_owned()]);
    }
    if schema["pattern"].is_string() {
        return (own(&["0", "1764576000000000"]), own(&["x", "1.2"]));
    }
    if matches!(name, "since" | "until") {
        // Within what a report counts where the other end is not said.
        let past = Clock::system().now() - SignedDuration::from_hours(72);
        let written = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"].map(|form| past.strftime(form).to_string());
        return ([own(&["7d"]), written.to_vec()].concat(), own(&["yesterday"]));
    }
    (own(&["x", "%22", "a%20b"]), Vec::new())
}

#[tokio::test]
async fn a_replay_takes_what_the_document_says() {
    let (audit, chat) = (Receiver::start(), Receiver::start());
    let folder = folder(&audit, &chat);
    let relay = folder.serve();
    let api = Api::of(&relay, &folder);
    relay.sentry().accepted("pr_created", &pull_request(1, "acme/api")).await;
    let document = api.ok("/api/openapi.json").await;
    let mut schema = json!({ "$ref": "#/components/schemas/ReplayRequest" });
    schema["components"] = document["components"].clone();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let many: Vec<String> = (0..101).map(|number| format!("evt_{number}")).collect();
    for (wanted, fits, status) in [
        (json!({ "ids": ["acme/1"] }), true, 200),
        (json!({ "dead": true }), true, 200),
        (json!({ "dead": true, "destination": "chat", "since": "2h" }), true, 200),
        (json!({ "ids": ["acme/1"], "dead": false, "destination": null, "since": null }), true, 200),
        (json!({ "ids": many }), false, 400),
        (json!({ "ids": "acme/1" }), false, 400),
        (json!({ "dead": "yes" }), false, 400),
        (json!({ "dead": true, "limit": 1 }), false, 400),
        (json!([]), true, 400),
        (json!(7), false, 400),
    ] {
        let answered = api.replay(&wanted).await;
        assert_eq!(answered.status, status, "{wanted}: {}", answered.body);
        let fits = fits && wanted.is_object();
        assert_eq!(schema.is_valid(&wanted), fits, "{wanted}");
    }
}

#[tokio::test]
async fn the_readme_names_every_path_with_its_parameters() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let document = Api::of(&relay, &folder).ok("/api/openapi.json").await;
    let real: BTreeSet<(String, BTreeSet<String>)> = operations(&document)
        .into_iter()
        .map(|(path, method, operation)| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_query = parameters.filter(|parameter| parameter["in"] == "query");
            let names = in_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
            (format!("{} {path}", method.to_uppercase()), names)
        })
        .collect();
    let rows = table("| path | answers | parameters |");
    let shown = rows.iter().map(|row| (names(&row[0]).pop_first().unwrap(), names(&row[2]))).collect();
    assert_eq!(real, shown);
}
