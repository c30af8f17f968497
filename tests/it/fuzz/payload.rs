//! Webhooks' bodies: refused for what they must have and for nothing else, and what is read of them stays what it is.

use seer_relay::event::{Action, Artifacts, EventId, Organization};
use seer_relay::json::parse_lenient;
use seer_relay::render::context::{Context, Links};
use seer_relay::run::Run;
use seer_relay::sample::{self, SampleIds, Shape};
use seer_relay::sentry::payload::{AcceptedEvent, PayloadError};
use serde_json::Value;

use super::mutation::Structure;
use super::{Target, in_time};

const WORDS: &[&str] = &[
    "action",
    "data",
    "run_id",
    "sentry_run_id",
    "group_id",
    "iteration_index",
    "root_cause",
    "solution",
    "changes",
    "code_changes",
    "pull_requests",
    "activity",
    "issue",
    "details",
    "seer_pr_created",
    "status_resolved",
    "pull_request",
    "pr_url",
    "pr_id",
    "repo_name",
    "diff",
    "path",
    "steps",
    "five_whys",
    "one_line_description",
    "relevant_repo",
    "classification",
    "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+b\n",
    "@@ -1 +1 @@",
    "--- /dev/null\n",
    "+++ \"b/\\303\\251\"\n",
    "https://github.com/acme/api/pull/1",
    "javascript:alert(1)",
    "\u{0}",
    "\u{9b}",
    "\u{202e}",
    "\\ud800",
    "acme/api",
    "null",
    "1e999",
    "root_cause_completed",
    "relay.overflow",
    "\u{feff}",
    "🦀",
    "\n",
];

#[test]
fn a_body_is_refused_for_what_it_must_have_alone_and_read_the_same_each_time() {
    let all = Shape::ALL.iter().flat_map(|shape| Action::OF_SEER.iter().map(|action| (action, *shape)));
    let seeds = all.flat_map(|(action, shape)| {
        let hostile = sample::variants(action, shape).into_iter().filter(|(name, _)| name == sample::HOSTILE);
        let sample = sample::body(action, shape, &SampleIds::default());
        [sample].into_iter().chain(hostile.map(|(_, body)| body)).map(|body| sample::encode(&body))
    });
    let alerts =
        Action::OF_SEER.iter().map(|action| sample::encode(&sample::alert(action, &SampleIds::default())));
    let target = Target {
        name: "payload",
        cases: 120,
        seeds: seeds.chain(alerts).collect(),
        words: WORDS,
        structure: Structure::Json,
    };
    target.fuzz(|bytes| {
        let read = in_time(|| accept(bytes.to_vec()));
        match (&read, parse_lenient(bytes)) {
            (Err(PayloadError::NotJson(_)), Err(_)) => {}
            (Err(PayloadError::NotSeer), Ok(body)) => {
                assert!(body["data"]["activity"].is_object() && !is_of_seer(&body), "{body}");
            }
            (Err(PayloadError::NotAWebhook { field, .. }), Ok(body)) => {
                assert_eq!(Some(*field), missing(&body), "{body}");
            }
            (Ok(accepted), Ok(body)) => {
                assert_eq!(missing(&body), None, "{body}");
                holds(accepted, bytes, &body);
            }
            (read, body) => panic!("{read:?} of {body:?}"),
        }
    });
}

fn accept(body: Vec<u8>) -> Result<AcceptedEvent, PayloadError> {
    sample::accept(body.into(), &Organization::new("acme"), "2026-11-23T10:00:00Z".parse().unwrap())
}

/// Tells whether an activity alert is on a step of Seer.
fn is_of_seer(body: &Value) -> bool {
    let kind = body["data"]["activity"]["type"].as_str().unwrap_or_default().trim();
    let kind: String = kind.chars().filter(|character| !character.is_control()).collect();
    kind.strip_prefix("seer_").is_some_and(|action| !action.is_empty())
}

/// Returns what keeps a document from being a webhook.
fn missing(body: &Value) -> Option<&'static str> {
    let has_action = body["action"].as_str().is_some_and(|name| !name.chars().all(char::is_control));
    match body {
        Value::Object(_) if !has_action => Some("action"),
        Value::Object(_) if !body["data"].is_object() => Some("data"),
        Value::Object(_) => None,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Some("body"),
    }
}

fn holds(accepted: &AcceptedEvent, bytes: &[u8], body: &Value) {
    assert_eq!(accepted.raw(), bytes);
    let event = accepted.to_event(EventId::new("evt_1"));
    // What the store keeps, and reads again for every message.
    let written = serde_json::to_string(accepted.artifacts()).unwrap();
    assert_eq!(&serde_json::from_str::<Artifacts>(&written).unwrap(), accepted.artifacts());
    let without_backslashes = written.replace("\\\\", "");
    assert!(!without_backslashes.contains("\\u0000"), "{written}");
    for id in [
        accepted.run_id().map(ToString::to_string),
        accepted.group_id().map(ToString::to_string),
        accepted.sentry_run_id().map(|id| id.as_str().to_owned()),
        Some(accepted.action().as_str().to_owned()),
    ] {
        assert!(id.is_none_or(|id| !id.is_empty() && !id.contains(char::is_control)), "{event:?}");
    }
    // The same value in other bytes is the same event.
    if !has_fraction(body) {
        let other = accept(sample::encode(body)).unwrap();
        let again = other.to_event(EventId::new("evt_1"));
        assert_eq!((again, other.fingerprint()), (event.clone(), accepted.fingerprint()));
    }
    let run = in_time(|| Run::fold(std::slice::from_ref(&event))).expect("an event has a run");
    assert_eq!(run.organization, event.organization);
    let links = Links { base_url: "https://acme.sentry.io".parse().unwrap(), public_url: None };
    let issue = accepted.issue();
    let context = in_time(|| Context::new(std::slice::from_ref(&event), issue, &links, false));
    assert!(context.expect("an event has a context").document().is_object());
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
