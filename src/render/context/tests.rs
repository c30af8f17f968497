//! The contract, field by field.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::delivery::DeliveryId;
use crate::event::{Artifacts, GroupId, RunId};
use crate::render::digest::{Digest, Digested};
use crate::render::fixture::{
    changes, context_of, event, issue, links, pull_request, root_cause, slack, solution,
};

fn at(event: Event, time: &str) -> Event {
    Event { received_at: time.parse().unwrap(), ..event }
}

#[test]
fn an_event_of_which_nothing_is_known_has_every_field() {
    let bare = Event { run_id: None, group_id: None, ..event("brand_new", Artifacts::default()) };
    let context = Context::new(&[bare], None, &links(), true).unwrap();

    let stage = |stage: &str| json!({"stage": stage, "state": "pending", "started_at": null, "completed_at": null, "seconds": null, "times": 0});
    let expected = json!({
        "event": {
            "id": "evt_brand_new", "resource": "seer", "action": "brand_new", "stage": null, "phase": null,
            "received_at": "2026-11-23T10:00:00.000Z", "sent_at": null,
            "iteration": null, "replay": true, "known": false,
            "silent_seconds": null, "last_heard_at": null, "bad_signatures": null,
            "destination": null, "fallback_for": null, "fallback_reason": null,
        },
        "run": {
            "id": null, "sentry_run_id": null, "group_id": null, "organization": "acme", "state": "unknown",
            "started_at": "2026-11-23T10:00:00.000Z", "updated_at": "2026-11-23T10:00:00.000Z",
            "stages": [stage("root_cause"), stage("solution"), stage("coding"), stage("pull_request")],
            "root_cause": null, "solution": null, "changes": [], "pull_requests": [], "repos": [], "iterations": 0,
        },
        "issue": {
            "id": null, "url": null, "short_id": null, "title": null, "culprit": null, "level": null,
            "priority": null, "status": null, "substatus": null, "platform": null,
            "project": {"id": null, "slug": null, "name": null},
            "first_seen": null, "last_seen": null, "event_count": null, "user_count": null,
        },
        "links": {"issue": null, "seer": null, "relay": null},
        "organization": "acme",
    });
    assert_eq!(context.document(), expected);
}

#[test]
fn a_whole_run_is_told_up_to_its_last_event() {
    let code = Artifacts { changes: Some(vec![changes("acme/api")]), ..Artifacts::default() };
    let opened =
        Artifacts { pull_requests: Some(vec![pull_request("acme/api", Some(12))]), ..Artifacts::default() };
    let events = [
        at(event("root_cause_started", Artifacts::default()), "2026-11-23T10:00:00Z"),
        at(event("root_cause_completed", root_cause()), "2026-11-23T10:00:41.2Z"),
        at(event("solution_completed", solution(1)), "2026-11-23T10:01:00Z"),
        at(event("coding_completed", code), "2026-11-23T10:02:00Z"),
        Event {
            sent_at: Some("2026-11-23T10:02:59Z".parse().unwrap()),
            ..at(event("pr_created", opened), "2026-11-23T10:03:00.123456Z")
        },
    ];
    let public_url = Some("https://relay.acme.dev".parse().unwrap());
    let document = Context::new(&events, None, &Links { public_url, ..links() }, false).unwrap().document();

    assert_eq!(document["event"]["stage"], "pull_request");
    assert_eq!(document["event"]["phase"], "completed");
    assert_eq!(document["event"]["received_at"], "2026-11-23T10:03:00.123Z");
    assert_eq!(document["event"]["sent_at"], "2026-11-23T10:02:59.000Z");
    let run = &document["run"];
    assert_eq!(run["id"], "12345");
    assert_eq!(run["state"], "pr_created");
    assert_eq!(run["stages"][0]["seconds"], json!(41.2));
    assert_eq!(run["stages"][1]["seconds"], Value::Null);
    assert_eq!(
        run["root_cause"],
        json!({
            "summary": "The `total` of an empty cart is read before it is set. The checkout fails.",
            "reasons": [
                {"title": null, "text": "The view divides by `cart.total`.", "file": null, "repo": null, "important": false},
                {"title": null, "text": "An empty cart has **no** total.", "file": null, "repo": null, "important": false},
            ],
            "reproduction": ["Open `/checkout` with an empty cart."],
            "repo": "acme/api", "classification": "code_fix", "no_code_fix_reason": null,
        })
    );
    assert_eq!(
        run["solution"]["steps"],
        json!([{"title": "Step 1", "text": "Guard the division. And more.", "file": null, "repo": null, "important": false}])
    );
    assert_eq!(run["changes"][0]["files"][1]["type"], "added");
    assert_eq!(run["changes"][0]["branch"], Value::Null);
    assert_eq!(
        run["pull_requests"],
        json!([{
            "repo": "acme/api", "provider": "github", "number": 12, "id": "12",
            "url": "https://github.com/acme/api/pull/12", "failed": false, "reason": null, "ready": null,
        }])
    );
    assert_eq!(run["repos"], json!(["acme/api"]));
    let links = json!({
        "issue": "https://acme.sentry.io/issues/1170820242/",
        "seer": "https://acme.sentry.io/issues/1170820242/?seerDrawer=true",
        "relay": "https://relay.acme.dev/runs/acme/12345",
    });
    assert_eq!(document["links"], links);
    assert_eq!(document["issue"]["url"], links["issue"]);
}

#[test]
fn what_is_known_of_the_issue_is_told() {
    let document = context_of(&[event("x", Artifacts::default())], Some(&issue())).document();

    assert_eq!(
        document["issue"],
        json!({
            "id": "1170820242", "url": "https://acme.sentry.io/issues/1170820242/?project=7", "short_id": "API-1X",
            "title": "ZeroDivisionError: division by zero", "culprit": "shop.views in checkout",
            "level": "error", "priority": "high", "status": "unresolved", "substatus": "escalating",
            "platform": "python", "project": {"id": "7", "slug": "api", "name": "The API"},
            "first_seen": "2026-11-20T08:00:00.123Z", "last_seen": "2026-11-23T09:59:00.000Z",
            "event_count": 1204, "user_count": 31,
        })
    );
    assert_eq!(document["links"]["issue"], document["issue"]["url"]);
    assert_eq!(document["links"]["seer"], "https://acme.sentry.io/issues/1170820242/?seerDrawer=true");
}

#[test]
fn a_merged_issue_has_the_id_and_address_of_the_one_that_survived() {
    let survivor = Issue::unknown(GroupId::new("77"));
    let document = context_of(&[event("x", Artifacts::default())], Some(&survivor)).document();

    assert_eq!(document["issue"]["id"], "77");
    assert_eq!(document["issue"]["url"], "https://acme.sentry.io/issues/77/");
    assert_eq!(document["run"]["group_id"], "1170820242");
}

#[test]
fn an_address_that_is_none_for_a_browser_is_not_taken() {
    for odd in
        ["javascript:alert(1)", "acme", "", "https://u:p@evil.dev/", "https://x.dev/@everyone", "ftp://x/"]
    {
        let odd = Issue { permalink: Some(odd.to_owned()), ..issue() };
        let document = context_of(&[event("x", Artifacts::default())], Some(&odd)).document();
        assert_eq!(document["issue"]["url"], "https://acme.sentry.io/issues/1170820242/", "{odd:?}");
    }
}

#[test]
fn no_template_fails_by_a_project_that_is_not_known() {
    let source = "{{ issue.project.slug }}|{% if issue.project is none %}unknown{% else %}known{% endif %}|\
                  {{ issue.project.slug | default(value=\"-\") }}";
    let rendered = |issue: Option<&Issue>| {
        let renderer = crate::render::tests::renderer(&[("default.md.tera", source)]);
        match renderer.render(&context_of(&[event("x", Artifacts::default())], issue), &slack()) {
            Ok(crate::render::Rendered::Message(message)) => crate::message::outline::lines(&message),
            other => panic!("no message: {other:?}"),
        }
    };
    assert!(rendered(None).contains("|unknown|-"), "{}", rendered(None));
    assert!(rendered(Some(&issue())).contains("api|known|api"), "{}", rendered(Some(&issue())));
}

#[test]
fn addresses_are_put_together_safely() {
    let odd = Event {
        run_id: Some(RunId::new("a/b?c#d")),
        group_id: Some(GroupId::new("1/../../@here")),
        ..event("coding_started", Artifacts::default())
    };
    let links = Links {
        base_url: "https://sentry.acme.dev/organizations/acme/?x=1".parse().unwrap(),
        public_url: Some("https://relay.acme.dev/deep/".parse().unwrap()),
    };
    let document = Context::new(&[odd], None, &links, false).unwrap().document();

    assert_eq!(
        document["links"],
        json!({
            "issue": "https://sentry.acme.dev/organizations/acme/issues/1%2F..%2F..%2F%40here/",
            "seer": "https://sentry.acme.dev/organizations/acme/issues/1%2F..%2F..%2F%40here/?seerDrawer=true",
            "relay": "https://relay.acme.dev/deep/runs/acme/a%2Fb%3Fc%23d",
        })
    );
}

#[test]
fn the_payload_is_only_in_the_document() {
    let context = Context::new(&[event("x", Artifacts::default())], None, &links(), false).unwrap();
    let context = context.with_payload(b"{\"action\": \"x\", \"data\": {\"a\": null}}");

    assert_eq!(context.document()["payload"], json!({"action": "x", "data": {"a": null}}));
    assert_eq!(context.data().get("payload"), None);
}

#[test]
fn without_events_there_is_no_context() {
    assert!(Context::new(&[], None, &links(), false).is_none());
}

#[test]
fn every_field_is_documented() {
    let artifacts = Artifacts {
        changes: Some(vec![changes("acme/api")]),
        pull_requests: Some(vec![pull_request("acme/api", Some(12))]),
        solution: solution(1).solution,
        ..root_cause()
    };
    let context =
        Context::new(&[event("x", artifacts)], Some(&issue()), &links(), false).unwrap().with_payload(b"{}");
    let documented: String =
        include_str!("../context.rs").lines().filter(|line| line.starts_with("//! |")).collect();
    let mut paths = Vec::new();
    gather("", &context.document(), &mut paths);

    for path in paths {
        let last = path.rsplit('.').next().unwrap();
        let steps = path.replace("solution.steps[].", "root_cause.reasons[].");
        let is_there =
            documented.contains(&format!("`{steps}`")) || documented.contains(&format!("`.{last}`"));
        assert!(is_there, "`{path}` is not in the table of context.rs");
    }
}

#[test]
fn every_field_of_a_digest_is_documented() {
    let run = Run::fold(&[event("x", Artifacts::default())]).unwrap();
    let mut digest = Digest::new(DeliveryId::new("dlv_1"), Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    digest.add(Digested { run, events: 1, issue: None });
    let links = links();
    let document = Context::of_digest(&digest, |_| Cow::Borrowed(&links)).document();
    let documented: String =
        include_str!("../context.rs").lines().filter(|line| line.starts_with("//! |")).collect();
    let mut paths = Vec::new();
    gather("", &document, &mut paths);

    for path in paths {
        // Of the same objects in the table of events the fields are told there.
        let path = path.replace("digest.runs[].issue.", "issue.").replace("digest.runs[].links.", "links.");
        let path = path.replace("digest.runs[].run.", "run.");
        let last = path.rsplit('.').next().unwrap();
        let is_there =
            documented.contains(&format!("`{path}`")) || documented.contains(&format!("`.{last}`"));
        assert!(is_there, "`{path}` is not in the tables of context.rs");
    }
}

/// Gathers the paths of all leaves.
fn gather(prefix: &str, value: &Value, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                gather(&path, value, paths);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                gather(&format!("{prefix}[]"), item, paths);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => paths.push(prefix.to_owned()),
    }
}
