//! `POST /webhooks/sentry` as Sentry and strangers see it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{RelayFolder, SECRET, Sentry};

async fn status_and_code(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (status, body["code"].as_str().or(body["status"].as_str()).unwrap_or_default().to_owned())
}

/// Sends a request as it is and returns the whole answer.
fn raw(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request and what is answered.
struct Case {
    name: &'static str,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
    status: u16,
    code: &'static str,
}

impl Case {
    fn with_headers(
        name: &'static str,
        headers: Vec<(&'static str, String)>,
        status: u16,
        code: &'static str,
    ) -> Self {
        Self { name, body: Sentry::body("pr_created", &json!({ "run_id": 1 })), headers, status, code }
    }

    fn with_signature(name: &'static str, signature: &str, status: u16, code: &'static str) -> Self {
        Self::with_headers(name, vec![("sentry-hook-signature", signature.to_owned())], status, code)
    }

    fn with_body(name: &'static str, body: &[u8], status: u16, code: &'static str) -> Self {
        let headers = vec![("sentry-hook-signature", Sentry::sign(body, SECRET))];
        Self { name, body: body.to_vec(), headers, status, code }
    }
}

async fn hold(cases: Vec<Case>, stored_runs: usize) {
    let folder = RelayFolder::with_settings("http.max_body = \"64 KiB\"", "");
    let relay = folder.serve();
    let sentry = relay.sentry();
    for case in cases {
        let headers: Vec<(&str, &str)> =
            case.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = status_and_code(sentry.post_raw(case.body, &headers).await).await;
        assert_eq!(answer, (case.status, case.code.to_owned()), "{}", case.name);
    }
    assert_eq!(
        folder.json(&["runs"]).as_array().unwrap().len(),
        stored_runs,
        "nothing answered 4xx is stored"
    );
}

#[tokio::test]
async fn only_a_signature_that_one_of_the_secrets_made_gets_in() {
    let body = Sentry::body("pr_created", &json!({ "run_id": 1 }));
    let good = Sentry::sign(&body, SECRET);
    let other = Sentry::sign(&body, "another secret");
    let signed = |more: (&'static str, &str)| {
        vec![("sentry-hook-signature", good.clone()), (more.0, more.1.to_owned())]
    };
    let cases = vec![
        Case::with_signature("a good one", &good, 202, "accepted"),
        Case::with_signature("the same in capitals", &good.to_uppercase(), 200, "duplicate"),
        Case::with_headers("none", vec![], 401, "signature_missing"),
        Case::with_signature("63 digits", &good[1..], 401, "signature_malformed"),
        Case::with_signature("65 digits", &format!("{good}0"), 401, "signature_malformed"),
        Case::with_signature("a prefix", &format!("sha256={good}"), 401, "signature_malformed"),
        Case::with_signature("no hex", &"x".repeat(64), 401, "signature_malformed"),
        Case::with_signature("another secret's", &other, 401, "signature_mismatch"),
        Case::with_headers("compressed", signed(("content-encoding", "gzip")), 415, "encoding_unsupported"),
        Case::with_headers(
            "compressed in the second place",
            [signed(("content-encoding", "identity")), vec![("content-encoding", "gzip".to_owned())]]
                .concat(),
            415,
            "encoding_unsupported",
        ),
        Case::with_headers("identity", signed(("content-encoding", "identity")), 200, "duplicate"),
        Case::with_headers("another resource", signed(("sentry-hook-resource", "issue")), 200, "ignored"),
    ];
    hold(cases, 1).await;
}

#[tokio::test]
async fn a_signed_body_needs_an_action_and_data_and_nothing_else() {
    let cases = vec![
        Case::with_body("too large", &[b' '; 65 * 1024], 413, "body_too_large"),
        Case::with_body("not JSON", b"{", 400, "not_json"),
        Case::with_body("empty", b"", 400, "not_json"),
        Case::with_body("too deep", "[".repeat(200_000).get(..60_000).unwrap().as_bytes(), 400, "not_json"),
        Case::with_body("no object", b"[]", 400, "not_a_webhook"),
        Case::with_body("no action", br#"{"data":{}}"#, 400, "not_a_webhook"),
        Case::with_body("an empty action", br#"{"action":"","data":{}}"#, 400, "not_a_webhook"),
        Case::with_body("no data", br#"{"action":"pr_created"}"#, 400, "not_a_webhook"),
        Case::with_body("data is a list", br#"{"action":"pr_created","data":[]}"#, 400, "not_a_webhook"),
        Case::with_body("odd ids", br#"{"action":"x","data":{"run_id":[1],"group_id":{}}}"#, 202, "accepted"),
        Case::with_body(
            "lenient",
            br#"{"action":"x","data":{"a":"\ud800","b":1e999,"c":1,"c":2}}"#,
            202,
            "accepted",
        ),
    ];
    hold(cases, 2).await;
}

#[tokio::test]
async fn other_paths_and_methods_are_answered_in_json() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let get = raw(relay.address(), b"GET /webhooks/sentry HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(get.starts_with("HTTP/1.1 405") && get.to_lowercase().contains("allow: post"), "{get}");
    assert!(get.contains("\"method_not_allowed\""), "{get}");
    let lost = raw(relay.address(), b"POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(lost.starts_with("HTTP/1.1 404") && lost.contains("\"not_found\""), "{lost}");
    for path in ["/healthz", "/readyz", "/metrics"] {
        let ask =
            |method| raw(relay.address(), format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let status = if path == "/metrics" { "HTTP/1.1 401" } else { "HTTP/1.1 200" };
        assert!(ask("GET").starts_with(status), "{path}");
        let head = ask("HEAD");
        assert!(head.starts_with(status) && head.ends_with("\r\n\r\n"), "{path}: {head}");
        let post = ask("POST");
        assert!(post.starts_with("HTTP/1.1 405") && post.contains("allow: GET, HEAD"), "{path}: {post}");
    }
    let metrics = raw(relay.address(), b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(metrics.starts_with("HTTP/1.1 401") && metrics.contains("\"token_required\""), "{metrics}");
    let token = std::fs::read_to_string(folder.path().join("data/token")).unwrap();
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let metrics = raw(relay.address(), request.as_bytes());
    assert!(metrics.contains("seer_relay_build_info"), "{metrics}");
}

#[tokio::test]
async fn a_body_that_was_not_read_is_answered_all_the_same() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let head = "POST /webhooks/sentry HTTP/1.1\r\nHost: x\r\n";
    let huge = raw(relay.address(), format!("{head}Content-Length: 53687091200\r\n\r\nabc").as_bytes());
    assert!(huge.starts_with("HTTP/1.1 413") && huge.contains("\"body_too_large\""), "{huge}");
    let unsigned = raw(relay.address(), format!("{head}Content-Length: 1000\r\n\r\nabc").as_bytes());
    assert!(unsigned.starts_with("HTTP/1.1 401") && unsigned.contains("\"signature_missing\""), "{unsigned}");
    let signature = "a".repeat(64);
    let slow = format!("{head}Sentry-Hook-Signature: {signature}\r\nContent-Length: 1000\r\n\r\nabc");
    let slow = raw(relay.address(), slow.as_bytes());
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("\"slow_body\""), "{slow}");
}

#[tokio::test]
async fn while_the_store_cannot_write_sentry_is_told_so_and_operators_see_why() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let sentry = relay.sentry();
    let token = std::fs::read_to_string(folder.path().join("data/token")).unwrap();
    let get = |path: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
        raw(relay.address(), format!("{head}Connection: close\r\n\r\n").as_bytes())
    };
    let away = folder.path().join("away.db");
    std::fs::rename(folder.store(), &away).unwrap();

    let refused = sentry.post("pr_created", &json!({ "run_id": 1 })).await;
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(status_and_code(refused).await, (503, "store_unavailable".to_owned()));
    let ready = get("/readyz");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("was removed or replaced"), "{ready}");
    let metrics = get("/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    let counted =
        r#"seer_relay_webhooks_total{action="pr_created",outcome="store_unavailable",resource="seer"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");

    std::fs::rename(&away, folder.store()).unwrap();
    sentry.accepted("pr_created", &json!({ "run_id": 1 })).await;
}

#[tokio::test]
async fn of_two_equal_webhooks_at_once_one_is_stored() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let sentry = relay.sentry();
    let data = json!({ "run_id": 7, "group_id": 1 });
    let posts = (0..16).map(|_| sentry.post("pr_created", &data));
    let answers = futures_util::future::join_all(posts).await;
    let mut ids = Vec::new();
    let mut accepted = 0;
    for answer in answers {
        accepted += usize::from(answer.status() == 202);
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        ids.push(body["id"].as_str().unwrap().to_owned());
    }
    ids.dedup();
    assert_eq!((accepted, ids.len()), (1, 1));
}

#[tokio::test]
async fn runs_are_found_by_either_id_and_shown_by_name() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let sentry = relay.sentry();
    sentry.accepted("root_cause_started", &json!({ "sentry_run_id": "u-1" })).await;
    sentry.accepted("solution_started", &json!({ "run_id": "12345x" })).await;
    sentry.accepted("coding_started", &json!({ "run_id": "12345x", "sentry_run_id": "u-1" })).await;
    let lonely = sentry.accepted("coding_started", &json!({})).await;
    let runs = folder.json(&["runs"]);
    let mut names: Vec<_> = runs.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["acme/12345x".to_owned(), format!("acme/{lonely}")]);
    let shown = folder.json(&["show", "12345x"]);
    let actions: Vec<_> = shown["events"].as_array().unwrap().iter().map(|event| &event["action"]).collect();
    assert_eq!(actions, ["root_cause_started", "solution_started", "coding_started"]);
    assert_eq!(shown["state"], "coding_started");
}

#[tokio::test]
async fn an_alert_on_a_step_of_seers_is_stored_and_any_other_is_only_acknowledged() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let sentry = relay.sentry();
    let alert = |kind: Value, rule: u64| {
        let issue = json!({ "id": "117", "title": "TypeError", "project": { "slug": "api" } });
        let data =
            json!({ "issue": issue, "activity": { "type": kind, "details": {} }, "alert": { "id": rule } });
        Sentry::body("triggered", &data)
    };
    for (body, status, word) in [
        (alert(json!("seer_root_cause_started"), 1), 202, "accepted"),
        (alert(json!("seer_root_cause_started"), 2), 200, "duplicate"),
        (alert(json!("seer_of_tomorrow"), 1), 202, "accepted"),
        (alert(json!("status_resolved"), 1), 200, "ignored"),
        (alert(json!(null), 1), 200, "ignored"),
        (Sentry::body("triggered", &json!({ "issue": {} })), 200, "ignored"),
        (b"{}".to_vec(), 400, "not_a_webhook"),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let signature = Sentry::sign(&body, SECRET);
        let headers =
            [("sentry-hook-signature", signature.as_str()), ("sentry-hook-resource", "activity_alert")];
        let answer = status_and_code(sentry.post_raw(body, &headers).await).await;
        assert_eq!(answer, (status, word.to_owned()), "{shown}");
    }
    let runs = folder.json(&["runs"]);
    let runs = runs.as_array().unwrap();
    assert!(runs.iter().all(|run| run["group_id"] == "117"), "{runs:?}");
    let events: u64 = runs.iter().map(|run| run["events"].as_u64().unwrap()).sum();
    assert_eq!(events, 2, "{runs:?}");
}
