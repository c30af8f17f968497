//! Signatures that do not hold, told apart: in the log, in the metrics and by `doctor`, but in no answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Relay, RelayFolder, SECRET, Sentry};

const RETIRED: &str = "the secret of last year";

/// A relay that knows a secret of last year.
fn folder() -> RelayFolder {
    let mut folder = RelayFolder::new("");
    folder.add_setting("retired_secrets = [{ env = \"RETIRED_SECRET\" }]");
    folder.set("RETIRED_SECRET", RETIRED);
    folder
}

fn body() -> Vec<u8> {
    Sentry::body("root_cause_completed", &json!({ "run_id": 1, "title": "Café / <b>" }))
}

/// Posts a body with this signature; returns the status and the code of the answer.
async fn refused(relay: &Relay, body: Vec<u8>, headers: &[(&str, &str)]) -> (u16, String) {
    let answer = relay.sentry().post_raw(body, headers).await;
    let status = answer.status().as_u16();
    let json: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let strings: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(strings, ["code", "hint", "message"]);
    (status, json["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn each_cause_is_logged_and_counted_and_none_is_told_to_strangers() {
    let folder = folder();
    let relay = folder.serve();
    let touched = String::from_utf8(body()).unwrap().replace("\\u00e9", "é").replace(',', ", ").into_bytes();
    let of_body = Sentry::sign(&body(), SECRET);
    let of_retired = Sentry::sign(&body(), RETIRED);
    let of_line = Sentry::sign(&body(), &format!("{SECRET}\n"));
    let of_nobody = Sentry::sign(&body(), "nobody's");
    let prefixed = format!("sha256={of_body}");
    let signed = |signature| [("sentry-hook-signature", signature)];
    let mismatch = (401, "signature_mismatch".to_owned());
    for (body, headers, answer, cause) in [
        (touched, &signed(of_body.as_str())[..], &mismatch, "reserialised"),
        (body(), &signed(&of_retired), &mismatch, "old_secret"),
        (body(), &signed(&of_line), &mismatch, "decoded_secret"),
        (body(), &signed(&of_nobody), &mismatch, "unknown"),
        (body(), &signed(&prefixed), &(401, "signature_malformed".to_owned()), "malformed"),
        (body(), &[], &(401, "signature_missing".to_owned()), "missing"),
        (
            body(),
            &[("x-hub-signature-256", "sha256=00")],
            &(401, "signature_missing".to_owned()),
            "other_header",
        ),
        (
            body(),
            &[("user-agent", "sentry/26.11.0 (https://sentry.io)")],
            &(401, "signature_missing".to_owned()),
            "legacy_plugin",
        ),
    ] {
        assert_eq!(&refused(&relay, body, headers).await, answer, "{cause}");
        let line = relay.logged(&format!("\"cause\":\"{cause}\""));
        let level = if ["reserialised", "old_secret", "decoded_secret"].contains(&cause) {
            assert_eq!(line["organization"], "acme");
            "ERROR"
        } else {
            "WARN"
        };
        assert_eq!((&line["level"], &line["count"]), (&json!(level), &json!(1)), "{line}");
        assert!(line["hint"].is_string(), "{line}");
        for secret in [SECRET, RETIRED, &of_body, &of_retired] {
            assert!(!line.to_string().contains(secret), "{line}");
        }
        let metrics = relay.metrics(&folder).await;
        let counted = format!("seer_relay_signature_failures_total{{cause=\"{cause}\"}} 1\n");
        assert!(metrics.contains(&counted), "{metrics}");
    }
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1 })).await;
}

#[tokio::test]
async fn a_flood_of_forgeries_costs_a_few_looks_and_a_few_lines() {
    let folder = folder();
    let relay = folder.serve();
    let forged = Sentry::sign(b"something else", SECRET);
    let large = vec![b' '; 300 * 1024];
    let began = Instant::now();
    for number in 0..400 {
        let body = if number % 40 == 0 { large.clone() } else { body() };
        relay.sentry().post_raw(body, &[("sentry-hook-signature", &forged)]).await;
    }
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1 })).await;
    let metrics = relay.metrics(&folder).await;
    let count = |cause: &str| -> u64 {
        let name = format!("seer_relay_signature_failures_total{{cause=\"{cause}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0, |count| count.parse().unwrap())
    };
    // One may still be looked at.
    let (unknown, unexamined) = (count("unknown"), count("unexamined"));
    assert!((399..=400).contains(&(unknown + unexamined)), "{unknown} and {unexamined}");
    let minutes = began.elapsed().as_secs() / 60 + 1;
    assert!(unknown <= 6 * minutes, "{unknown} looks in {minutes} minutes");
    let lines = relay.log().iter().filter(|line| !line["cause"].is_null()).count() as u64;
    assert!(lines <= 2 * minutes, "{lines} lines in {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}
