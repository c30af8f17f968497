//! From a signed webhook to a message at its destination, through the real binary.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Receiver, RelayFolder};

/// Routes that send everything to one webhook destination.
fn everything_to(receiver: &Receiver) -> String {
    format!(
        "[webhook.audit]\nurl = \"{}\"\n\n[[route]]\nname = \"all\"\nto = [\"audit\"]\n",
        receiver.url("/audit")
    )
}

fn actions(bodies: &[Value]) -> Vec<&str> {
    bodies.iter().map(|body| body["data"]["event"]["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_webhook_becomes_the_documented_json_with_its_signature() {
    let receiver = Receiver::start();
    let routes = everything_to(&receiver)
        .replace("\n\n[[route]]", "\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n\n[[route]]");
    let folder = RelayFolder::new(&routes);
    let relay = folder.serve();
    let event = relay
        .sentry()
        .accepted("root_cause_completed", &json!({
            "run_id": 12345, "group_id": 1_170_820_242,
            "root_cause": { "one_line_description": "Café 💥", "five_whys": ["a"], "relevant_repo": "acme/api" },
        }))
        .await;
    let arrived = receiver.took(1).await.remove(0);
    let body = arrived.json();
    assert_eq!(body["type"], "seer.root_cause_completed");
    assert_eq!(body["id"], event.as_str());
    assert_eq!(body["data"]["run"]["root_cause"]["summary"], "Café 💥");
    assert_eq!(body["data"]["run"]["repos"], json!(["acme/api"]));
    assert_eq!(body["data"]["issue"]["url"], "https://acme.sentry.io/issues/1170820242/");
    assert_eq!(body["data"]["payload"]["data"]["run_id"], 12345);
    assert!(arrived.header("webhook-id").unwrap().starts_with("dlv_"));
    let mut headers = http_headers(&arrived.headers);
    let verifier = standardwebhooks::Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    verifier.verify(&arrived.body, &headers).unwrap();
    headers.insert("webhook-id", "dlv_other".parse().unwrap());
    assert!(verifier.verify(&arrived.body, &headers).is_err());
}

fn http_headers(headers: &[(String, String)]) -> reqwest::header::HeaderMap {
    headers
        .iter()
        .map(|(name, value)| (reqwest::header::HeaderName::try_from(name).unwrap(), value.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_failed_attempt_is_retried_with_the_same_id_and_holds_back_its_run() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&everything_to(&receiver));
    receiver.next([
        Answer::Refuse(503, vec![], String::new()),
        Answer::Refuse(429, vec![("retry-after", "0.05".into())], String::new()),
    ]);
    let relay = folder.serve();
    let sentry = relay.sentry();
    for action in ["root_cause_started", "root_cause_completed", "solution_started"] {
        sentry.accepted(action, &json!({ "run_id": 1 })).await;
    }
    let arrived = receiver.took(3).await;
    let taken: Vec<Value> = receiver.taken().iter().map(super::support::Received::json).collect();
    assert_eq!(actions(&taken), ["root_cause_started", "root_cause_completed", "solution_started"]);
    let ids: Vec<_> =
        receiver.received()[..3].iter().map(|each| each.header("webhook-id").unwrap().to_owned()).collect();
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 1, "{ids:?}");
    assert_eq!(arrived.len(), 3);
    let list =
        folder.until("all delivered", |list| list.iter().all(|each| each["state"] == "delivered")).await;
    assert_eq!(list.iter().map(|each| each["attempts"].as_u64().unwrap()).max(), Some(3));
}

#[tokio::test]
async fn permanent_answers_become_dead_letters_that_can_be_replayed() {
    let receiver = Receiver::start_with(Answer::Refuse(404, vec![], "no_service".into()));
    let routes = format!(
        "[slack.team]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n[[route]]\nname = \"all\"\nto = [\"team\"]\n",
        receiver.url("/slack/T/B/x")
    );
    let folder = RelayFolder::new(&routes);
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1 })).await;
    let dead = folder.until("dead", |list| list.len() == 1 && list[0]["state"] == "dead").await;
    assert_eq!(dead[0]["last_reason"], "gone");
    relay.sentry().accepted("pr_created", &json!({ "run_id": 2 })).await;
    folder
        .until("both dead", |list| list.len() == 2 && list.iter().all(|each| each["state"] == "dead"))
        .await;
    assert_eq!(receiver.received().len(), 1, "a destination that is gone is not called again");

    receiver.always(Answer::Take);
    let test = folder.run(&["test", "team"]);
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stderr));
    let shown = receiver.received().last().unwrap().json()["blocks"].to_string();
    assert!(shown.contains(r#""text":"team""#) && !shown.contains('`'), "{shown}");
    let replayed = folder.json(&["replay", "--dead"]);
    assert_eq!(replayed["deliveries"].as_array().unwrap().len(), 2);
    receiver.took(3).await;
    let list = folder
        .until("replayed", |list| list.iter().filter(|each| each["state"] == "delivered").count() == 2)
        .await;
    let old = list.iter().find(|each| each["id"] == dead[0]["id"]).unwrap();
    let new = list.iter().find(|each| each["replay_of"] == dead[0]["id"]).unwrap();
    assert_eq!(old["replayed_by"], new["id"]);
    assert_eq!(folder.json(&["replay", "--dead"])["deliveries"], json!([]), "nothing is replayed twice");
}

#[tokio::test]
async fn a_hanging_and_a_failing_destination_delay_neither_webhooks_nor_the_healthy_ones() {
    let (healthy, slack) = (Receiver::start(), Receiver::start());
    let hanging = Receiver::start_with(Answer::Hang);
    let failing = Receiver::start_with(Answer::Refuse(500, vec![], String::new()));
    let routes = format!(
        "[webhook.healthy]\nurl = \"{}\"\n[webhook.hanging]\nurl = \"{}\"\n[webhook.failing]\nurl = \"{}\"\n\
         [slack.team]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n\
         [[route]]\nname = \"all\"\nto = [\"healthy\", \"hanging\", \"failing\", \"team\"]\n",
        healthy.url("/healthy"),
        hanging.url("/hanging"),
        failing.url("/failing"),
        slack.url("/slack/T/B/x"),
    );
    let folder = RelayFolder::with_settings("delivery.stop_grace = \"1s\"", &routes);
    let relay = folder.serve();
    let slowest = post_many(&relay.sentry(), 0..1_000).await;
    assert!(slowest < Duration::from_secs(1), "the slowest answer took {slowest:?}");
    in_order_per_run(&healthy.took(1_000).await, 1_000);
    assert_eq!(slack.took(1_000).await.len(), 1_000);
    let began = Instant::now();
    assert!(relay.terminate().success());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

/// Posts webhooks of 100 runs, 32 at once; returns the slowest answer.
async fn post_many(sentry: &crate::support::Sentry, numbers: std::ops::Range<u64>) -> Duration {
    let lanes = (0..32).map(|lane| {
        let (sentry, numbers) = (sentry.clone(), numbers.clone());
        tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            for number in numbers.filter(|number| number % 32 == lane) {
                let began = Instant::now();
                let data = json!({ "run_id": number % 32, "number": number, "group_id": 5 });
                sentry.accepted("coding_completed", &data).await;
                slowest = slowest.max(began.elapsed());
            }
            slowest
        })
    });
    let mut slowest = Duration::ZERO;
    for lane in lanes.collect::<Vec<_>>() {
        slowest = slowest.max(lane.await.unwrap());
    }
    slowest
}

/// Every number arrived once, and within a run in the order in which it was accepted.
fn in_order_per_run(received: &[super::support::Received], count: u64) {
    let mut last = std::collections::HashMap::new();
    let mut seen = std::collections::HashSet::new();
    for each in received {
        let body = each.json();
        let payload = &body["data"]["payload"]["data"];
        let (run, number) = (payload["run_id"].as_u64().unwrap(), payload["number"].as_u64().unwrap());
        let before = last.insert(run, number);
        assert!(before.is_none_or(|before| before < number), "run {run}: {number} after {before:?}");
        seen.insert(number);
    }
    assert_eq!(seen.len() as u64, count);
}

#[tokio::test]
async fn events_without_a_route_are_kept_and_shown() {
    let receiver = Receiver::start();
    let routes = format!(
        "[webhook.prs]\nurl = \"{}\"\n[[route]]\nname = \"prs\"\nwhen = {{ action = \"pr_*\", repo = \"acme/*\" }}\n\
         to = [\"prs\"]\n",
        receiver.url("/prs")
    );
    let folder = RelayFolder::new(&routes);
    let relay = folder.serve();
    let sentry = relay.sentry();
    sentry.accepted("solution_started", &json!({ "run_id": 9 })).await;
    sentry
        .accepted(
            "root_cause_completed",
            &json!({
                "run_id": 9, "root_cause": { "one_line_description": "x", "relevant_repo": "acme/api" },
            }),
        )
        .await;
    sentry.accepted("pr_created", &json!({ "run_id": 9, "pull_requests": [] })).await;
    let arrived = receiver.took(1).await;
    assert_eq!(arrived[0].json()["type"], "seer.pr_created", "the run's repository is known by then");
    let shown = folder.json(&["show", "acme/9"]);
    let routes: Vec<_> =
        shown["events"].as_array().unwrap().iter().map(|event| event["routes"].clone()).collect();
    assert_eq!(routes, [json!([]), json!([]), json!(["prs"])]);
}

#[tokio::test]
async fn a_secret_that_is_missing_keeps_one_destination_waiting_and_nothing_else() {
    let receiver = Receiver::start();
    let routes = format!(
        "[webhook.audit]\nurl = \"{}\"\n[slack.team]\nwebhook_url = {{ env = \"TEAM_URL\" }}\n\
         [[route]]\nname = \"all\"\nto = [\"audit\", \"team\"]\n",
        receiver.url("/audit")
    );
    let mut folder = RelayFolder::new(&routes);
    let strict = folder.run(&["serve", "--strict"]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&strict.stderr).contains("TEAM_URL"));
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1 })).await;
    receiver.took(1).await;
    let list = folder.until("planned", |list| list.len() == 2).await;
    assert!(list.iter().any(|each| each["destination"] == "team" && each["state"] == "waiting"), "{list:?}");
    assert!(relay.terminate().success());
    folder.set("TEAM_URL", &receiver.url("/slack/T/B/x"));
    let relay = folder.serve();
    receiver.took(2).await;
    drop(relay);
}

#[tokio::test]
async fn large_messages_to_a_destination_that_hangs_are_not_all_in_memory_at_once() {
    let (hanging, healthy) = (Receiver::start_with(Answer::Hang), Receiver::start());
    let routes = format!(
        "[webhook.hangs]\nurl = \"{}\"\n[webhook.audit]\nurl = \"{}\"\nin_flight = 1\n\
         [[route]]\nname = \"all\"\nto = [\"hangs\", \"audit\"]\n",
        hanging.url("/hangs"),
        healthy.url("/audit")
    );
    let folder = RelayFolder::new(&routes);
    let relay = folder.serve();
    let before = relay.peak_memory();
    let diff = format!("@@ -1 +1 @@\n{}", "+ a line that was added to the file\n".repeat(30_000));
    for run in 0..24 {
        let change = json!({ "path": "a.py", "type": "M", "added": 30_000, "removed": 0, "diff": diff });
        let data = json!({ "run_id": run, "code_changes": { "acme/api": [change] } });
        relay.sentry().accepted("coding_completed", &data).await;
    }
    healthy.took(24).await;
    let cost = relay.peak_memory() - before;
    assert!(cost < 85_000_000, "{cost} bytes of memory");
    assert!(!hanging.received().is_empty(), "some are tried meanwhile");
}
