//! What a destination does not take, through the real binary: who stands in for it, and what is told of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, Conduct, Received, Receiver, RelayFolder, Rogue};

fn unavailable() -> Answer {
    Answer::Refuse(503, vec![], String::new())
}

/// A destination of this kind with a fallback.
fn falls_back(kind: &str, name: &str, url: &str, fallback: &str, after: &str) -> String {
    let key = if kind == "webhook" { "url" } else { "webhook_url" };
    format!(
        "[{kind}.{name}]\n{key} = \"{url}\"\nrate = \"unlimited\"\nfallback = \"{fallback}\"\nfallback_after = \"{after}\"\n"
    )
}

fn webhook(name: &str, url: &str) -> String {
    format!("[webhook.{name}]\nurl = \"{url}\"\n")
}

fn route(action: &str, to: &str) -> String {
    format!("[[route]]\nname = \"{action} to {to}\"\nwhen = {{ action = \"{action}\" }}\nto = [\"{to}\"]\n")
}

/// The states of what went to a destination.
fn states<'a>(list: &'a [Value], destination: &str) -> Vec<&'a str> {
    let of = list.iter().filter(|row| row["destination"] == destination);
    of.map(|row| row["state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_not_taken_in_time_goes_to_the_fallback_once_over_a_kill() {
    let (backend, ops) = (Receiver::start_with(unavailable()), Receiver::start());
    let routes = falls_back("webhook", "backend", &backend.url("/in"), "ops", "2s")
        + &webhook("ops", &ops.url("/ops"))
        + &route("*", "backend");
    let folder = RelayFolder::with_settings("delivery.retry_max = \"300ms\"", &routes);
    let relay = folder.serve();
    let sentry = relay.sentry();
    let mut events = BTreeSet::new();
    for run in 0..40 {
        events.insert(sentry.accepted("pr_created", &json!({ "run_id": run })).await);
    }
    ops.took(5).await;
    assert!(relay.metrics(&folder).await.contains("seer_relay_deliveries_handed_over_total"));
    relay.kill();
    let relay = folder.serve();
    let list = folder
        .until("all were handed over", |list| {
            let backend = states(list, "backend");
            backend.iter().all(|state| *state == "superseded")
                && states(list, "ops") == vec!["delivered"; backend.len()]
        })
        .await;
    let told: Vec<Value> = ops.taken().iter().map(Received::json).collect();
    let ids: BTreeSet<String> =
        ops.taken().iter().map(|received| received.header("webhook-id").unwrap().to_owned()).collect();
    assert_eq!((ids.len(), states(&list, "ops").len()), (40, 40), "one delivery each, whatever was killed");
    let reached: BTreeSet<String> = told.iter().map(|body| body["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(reached, events);
    assert!(told.iter().all(|body| body["data"]["event"]["fallback_for"] == "backend"), "{told:#?}");
    let old = list.iter().find(|row| row["destination"] == "backend").unwrap();
    let new = list.iter().find(|row| row["id"] == old["fallback_by"]).unwrap();
    assert_eq!((&new["fallback_for"], &new["event_id"]), (&old["id"], &old["event_id"]));

    backend.always(Answer::Take);
    let before = ops.count();
    let late = relay.sentry().accepted("pr_created", &json!({ "run_id": 99 })).await;
    let taken = backend.took(1).await.remove(0).json();
    assert_eq!(taken["id"], late.as_str(), "what was handed over is not told again");
    assert_eq!(taken["data"]["event"]["fallback_for"], Value::Null);
    assert_eq!(ops.count(), before);
}

#[tokio::test]
async fn a_permanent_refusal_goes_to_a_fallback_of_any_kind_and_says_for_whom_it_is() {
    let refused = Answer::Refuse(403, vec![], "invalid_token".into());
    let (backend, chats) = (Receiver::start_with(refused), Receiver::start());
    for (kind, url, text) in [
        ("slack", chats.url("/slack/T/B/x"), "/blocks"),
        ("discord", chats.url("/discord/1/token"), "/embeds"),
        ("webhook", chats.url("/in"), "/data/event"),
    ] {
        let key = if kind == "webhook" { "url" } else { "webhook_url" };
        let routes = falls_back("slack", "backend", &backend.url("/slack/T/B/y"), "ops", "10m")
            + &format!("[{kind}.ops]\n{key} = \"{url}\"\n")
            + &route("*", "backend");
        let folder = RelayFolder::new(&routes);
        let relay = folder.serve();
        let before = chats.count();
        relay.sentry().accepted("pr_created", &json!({ "run_id": 1, "pull_requests": [] })).await;
        chats.more_than(before).await;
        let message = chats.received_after(before).remove(0).json();
        let told = message.pointer(text).unwrap().to_string();
        if kind == "webhook" {
            let event = &message["data"]["event"];
            let marked = (&event["fallback_for"], &event["fallback_reason"]);
            assert_eq!(marked, (&json!("backend"), &json!("auth")));
        } else {
            for words in ["For ", "backend", ", which did not take it (auth)."] {
                assert!(told.contains(words), "{kind}: {told}");
            }
        }
        let list = folder.until("it was delivered", |list| states(list, "ops") == ["delivered"]).await;
        assert_eq!(states(&list, "backend"), ["dead"]);
        let table = String::from_utf8(folder.run(&["deliveries"]).stdout).unwrap();
        assert!(table.contains("ops (for backend)"), "{table}");
    }
}

#[tokio::test]
async fn one_that_hangs_or_is_gone_is_stood_in_for_and_one_with_the_event_anyway_gets_it_once() {
    let (hanging, gone) = (Rogue::start(Conduct::Hangs), Receiver::start());
    gone.always(Answer::Refuse(410, vec![], String::new()));
    let ops = Receiver::start();
    let routes = falls_back("webhook", "hanging", &hanging.url("/in"), "ops", "1s")
        + "timeout = \"200ms\"\n"
        + &falls_back("webhook", "gone", &gone.url("/in"), "ops", "10m")
        + &webhook("ops", &ops.url("/ops"))
        + &route("coding_started", "hanging")
        + &route("pr_*", "gone")
        + &route("pr_created", "ops");
    let folder = RelayFolder::new(&routes);
    let relay = folder.serve();
    let sentry = relay.sentry();
    for (run, action) in ["coding_started", "pr_created", "pr_ready_for_review"].into_iter().enumerate() {
        sentry.accepted(action, &json!({ "run_id": run })).await;
    }
    let list = folder
        .until("all came to an end", |list| {
            let is_over = |row: &Value| row["state"] != "waiting" && row["state"] != "sending";
            states(list, "ops").len() == 3 && list.iter().all(is_over)
        })
        .await;
    let marks = |received: &Received| {
        let event = received.json()["data"]["event"].clone();
        ["action", "fallback_for", "fallback_reason"].map(|field| event[field].as_str().map(str::to_owned))
    };
    let told: BTreeSet<_> = ops.taken().iter().map(marks).collect();
    let expected = [
        ["coding_started", "hanging", "timeout"].map(Some),
        ["pr_ready_for_review", "gone", "gone"].map(Some),
        [Some("pr_created"), None, None],
    ];
    let expected = expected.map(|marks| marks.map(|mark| mark.map(str::to_owned)));
    assert_eq!(told, BTreeSet::from(expected));
    assert_eq!(ops.taken().len(), 3);
    assert_eq!(states(&list, "gone"), ["dead", "dead"]);
}

#[tokio::test]
async fn a_long_backlog_goes_to_the_fallback_and_holds_up_no_webhook() {
    let (backend, ops) = (Receiver::start_with(unavailable()), Receiver::start());
    let routes = falls_back("webhook", "backend", &backend.url("/in"), "ops", "1s")
        + &webhook("ops", &ops.url("/ops"))
        + &route("*", "backend");
    let folder = RelayFolder::new(&routes);
    let relay = folder.serve();
    let sentry = relay.sentry();
    for run in 0..1_000 {
        sentry.accepted("pr_created", &json!({ "run_id": run })).await;
    }
    let run = |received: &Received| received.json()["data"]["run"]["id"].to_string();
    ops.took_different(1_000, run).await;
    assert_eq!(ops.taken().len(), 1_000, "each once");
}

/// Who is told of destinations, and of what.
fn watchers(watcher: &Receiver) -> String {
    webhook("watcher", &watcher.url("/watch"))
        + "[[route]]\nname = \"destinations\"\nto = [\"watcher\"]\n\
           when = { action = [\"relay.destination_*\", \"relay.dead_letter\"] }\n"
}

#[tokio::test]
async fn a_destination_that_keeps_refusing_is_told_of_once_over_a_restart_and_when_it_is_back() {
    let (backend, watcher) = (Receiver::start_with(unavailable()), Receiver::start());
    let routes = webhook("backend", &backend.url("/in")) + &route("*", "backend") + &watchers(&watcher);
    let folder = RelayFolder::with_settings("delivery.retry_max = \"200ms\"", &routes);
    let relay = folder.serve();
    for run in 0..7 {
        relay.sentry().accepted("pr_created", &json!({ "run_id": run })).await;
    }
    let down = watcher.took(1).await.remove(0).json();
    assert_eq!(down["type"], "relay.destination_down");
    let about = &down["data"]["event"]["destination"];
    assert_eq!((&about["name"], &about["kind"]), (&json!("backend"), &json!("webhook")));
    assert_eq!((&about["reason"], &about["waiting"]), (&json!("server_error"), &json!(7)));
    assert!(about["since"].is_string() && about["seconds"].is_null(), "{about}");
    folder.until("that it was told is written", |list| states(list, "watcher") == ["delivered"]).await;
    relay.kill();

    let refused = backend.count();
    let relay = folder.serve();
    backend.more_than(refused + 3).await;
    backend.always(Answer::Take);
    let up = watcher.took(2).await.remove(1).json();
    assert_eq!(up["type"], "relay.destination_up", "it was told once that it is down");
    let about = &up["data"]["event"]["destination"];
    assert!(about["seconds"].is_u64() && about["reason"].is_null(), "{about}");
    assert_eq!(folder.json(&["runs"]).as_array().unwrap().len(), 7, "it is about no run");
    folder.until_nothing_waits().await;
    assert_eq!(watcher.count(), 2);
    let metrics = relay.metrics(&folder).await;
    assert!(metrics.contains("seer_relay_notices_total{action=\"relay.destination_up\"} 1"), "{metrics}");
    let shown = [watcher.received()[0].body.clone(), watcher.received()[1].body.clone()].concat();
    assert!(!String::from_utf8(shown).unwrap().contains("127.0.0.1"), "no address is told");
}

#[tokio::test]
async fn dead_letters_are_told_together_and_those_of_notices_never() {
    let (backend, watcher) = (Receiver::start(), Receiver::start());
    backend.always(Answer::Refuse(410, vec![], String::new()));
    let routes = webhook("backend", &backend.url("/in"))
        + &route("pr_created", "backend")
        + &watchers(&watcher)
        + &route("relay.dead_letter", "backend");
    let folder = RelayFolder::new(&routes);
    let relay = folder.serve();
    for run in 0..12 {
        relay.sentry().accepted("pr_created", &json!({ "run_id": run })).await;
    }
    let told: Vec<Value> = watcher.took(2).await.iter().map(Received::json).collect();
    let of = |action: &str| &told.iter().find(|body| body["type"] == action).unwrap()["data"]["event"]["destination"];
    assert_eq!(of("relay.destination_down")["reason"], "gone");
    let dead = of("relay.dead_letter");
    assert_eq!((&dead["name"], &dead["dead_letters"]), (&json!("backend"), &json!(12)));
    assert_eq!(dead["reasons"], json!([{ "reason": "gone", "number": 12 }]));
    let list = folder.until("the notice died there", |list| states(list, "backend").len() == 13).await;
    assert_eq!(states(&list, "backend"), ["dead"; 13]);

    backend.always(Answer::Take);
    assert!(folder.run(&["test", "backend"]).status.success());
    let up = watcher.took(3).await.remove(2).json();
    assert_eq!(up["type"], "relay.destination_up");
    assert_eq!(watcher.count(), 3);
}
