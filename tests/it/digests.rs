//! Digests: one message for the runs of some time, whatever happens to the relay meanwhile.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{Answer, Load, Machine, Receiver, Relay, RelayFolder, Scale};

const HOUR: i64 = 3_600;

fn chat(receiver: &Receiver) -> RelayFolder {
    let url = receiver.url("/slack/team");
    RelayFolder::new(&format!(
        "[slack.team]\nwebhook_url = \"{url}\"\nrate = \"unlimited\"\ndigest = \"1h\"\n[[route]]\nname = \"all\"\nto = \"team\"\n"
    ))
}

async fn event(relay: &Relay, action: &str, run: u64) {
    relay.sentry().accepted(action, &json!({ "run_id": run, "group_id": run * 10 })).await;
}

/// Waits until so many events are in digests, sent or not.
async fn gathered(folder: &RelayFolder, events: usize) -> Vec<Value> {
    folder.until("all are planned", |list| list.len() == events).await
}

#[tokio::test]
async fn the_runs_of_an_hour_are_told_in_one_message_and_nothing_where_nothing_happened() {
    let receiver = Receiver::start();
    let mut folder = chat(&receiver);
    let machine = Machine::under(&mut folder);
    let relay = folder.serve();
    event(&relay, "root_cause_started", 1).await;
    event(&relay, "pr_created", 2).await;
    event(&relay, "root_cause_completed", 1).await;
    let list = gathered(&folder, 3).await;
    let told: Vec<_> = list.iter().map(|row| (row["part"].clone(), row["state"].clone())).collect();
    let digest = |state: &str| (json!("digest"), json!(state));
    assert_eq!(told, [digest("superseded"), digest("superseded"), digest("waiting")]);
    assert_eq!((&list[0]["digest"], &list[2]["gathered"]), (&list[2]["id"], &json!(3)));
    assert_eq!(receiver.count(), 0);

    machine.clock_ahead(HOUR + 60);
    let message = receiver.took(1).await.remove(0).json();
    let text = message["text"].as_str().unwrap();
    assert_eq!(text, "2 Seer runs, 1 needs you: 1 pull request opened · 1 root cause found");
    folder.until_nothing_waits().await;

    machine.clock_ahead(10 * HOUR);
    event(&relay, "root_cause_started", 3).await;
    gathered(&folder, 4).await;
    assert_eq!(receiver.count(), 1);
    let shown = folder.run(&["deliveries"]).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("team (digest of 3 events)") && shown.contains("team (in dlv_"), "{shown}");
    assert!(shown.contains("team (digest of 1 event)"), "{shown}");
}

#[tokio::test]
async fn a_notice_of_the_relay_s_own_and_what_is_replayed_wait_for_no_digest() {
    let receiver = Receiver::start();
    let folder = chat(&receiver);
    let relay = folder.serve();
    event(&relay, "pr_created", 1).await;
    let first = gathered(&folder, 1).await.remove(0);
    assert!(folder.run(&["replay", first["event_id"].as_str().unwrap()]).status.success());
    let message = receiver.took(1).await.remove(0).json();
    assert!(message["text"].as_str().unwrap().starts_with("Pull request opened"), "{message}");
    let parts = folder.json(&["route", "relay.failed"])["deliveries"].clone();
    assert_eq!(parts, json!([]), "no route names it");
    folder.add_route("[[route]]\nname = \"alarms\"\nwhen = { action = \"relay.*\" }\nto = \"team\"\n");
    let parts = folder.json(&["route", "relay.failed"])["deliveries"][0]["part"].clone();
    assert_eq!(parts, "message");
}

#[tokio::test]
async fn a_digest_that_died_is_replayed_whole() {
    let receiver = Receiver::start();
    let mut folder = chat(&receiver);
    let machine = Machine::under(&mut folder);
    let relay = folder.serve();
    event(&relay, "pr_created", 1).await;
    event(&relay, "pr_created", 2).await;
    gathered(&folder, 2).await;
    receiver.next([Answer::Refuse(403, vec![], "invalid_token".to_owned())]);
    machine.clock_ahead(HOUR + 60);
    folder.until("it is dead", |list| list.iter().any(|row| row["state"] == "dead")).await;
    assert!(folder.run(&["replay", "--dead"]).status.success());
    let again = receiver.took(1).await.remove(0);
    let refused = receiver.received().remove(0);
    assert_eq!(again.json(), refused.json());
    assert!(again.json()["text"].as_str().unwrap().starts_with("2 Seer runs, 2 need you"));
}

#[test]
fn route_and_render_and_check_know_digests() {
    const ROUTES: &str = "[slack.team]\nwebhook_url = \"https://slack.test/x\"\ndigest = \"90m\"\ntemplate = \"oncall\"\n\
         [discord.dev]\nwebhook_url = \"https://discord.test/x\"\ndigest = \"24h\"\n\
         [webhook.audit]\nurl = \"https://audit.test/\"\ndigest = \"5m\"\n\
         [[route]]\nname = \"all\"\nto = [\"team\", \"dev\", \"audit\"]\ntemplate = \"other\"\n";
    let folder = RelayFolder::new(ROUTES);
    for (path, text) in [
        ("oncall/digest.md.tera", "# {{ digest.total }} of {{ digest.runs[0].issue.title }}\n"),
        ("other/default.md.tera", "# {{ event.action }}\n"),
    ] {
        let path = folder.config().join("templates").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let output = folder.run(&["route", "pr_created"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "→ team (slack) in the digest of 90m by oncall/digest.md.tera",
        "→ dev (discord) in the digest of 1d by digest.md.tera",
        "→ audit (webhook) in the digest of 5m by documented JSON",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let body = |arguments: &[&str]| -> Value {
        let output = folder.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let team = body(&["render", "digest", "--to", "team"]);
    assert!(team["text"].as_str().unwrap().starts_with("11 of TypeError: unsupported"), "{team}");
    let dev = body(&["render", "pr_created", "--to", "dev"]);
    assert_eq!(dev["embeds"][0]["title"], "1 Seer run, which needs you");
    let audit = body(&["render", "digest", "--to", "audit"]);
    assert_eq!((&audit["type"], &audit["data"]["digest"]["total"]), (&json!("relay.digest"), &json!(11)));

    assert!(folder.run(&["check"]).status.success());
    assert!(folder.run(&["render", "--preview", "page.html"]).status.success());
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    for destination in ["team", "dev", "audit"] {
        assert!(page.contains(&format!("id=\"digest--{destination}")), "{destination}");
    }
    let faulty = folder.config().join("templates/oncall/digest.md.tera");
    std::fs::write(faulty, "# {{ digest.total }}\n\n{{ digest.runs[0].issue.tilte }}\n").unwrap();
    let output = folder.run(&["check"]);
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("templates/oncall/digest.md.tera:3:") && output.status.code() == Some(1), "{text}");
}

#[tokio::test]
async fn every_event_is_in_one_digest_through_kills_at_any_moment() {
    let scale = Scale::of_run();
    let receiver = Receiver::start();
    let url = receiver.url("/audit");
    let mut folder = RelayFolder::new(&format!(
        "[webhook.audit]\nurl = \"{url}\"\ndigest = \"1h\"\n[[route]]\nname = \"all\"\nto = \"audit\"\n"
    ));
    let machine = Machine::under(&mut folder);
    let rounds = scale.pick(4, 20);
    let mut ahead = 0;
    for round in 0..rounds {
        let relay = folder.serve();
        let load = Load::start(&relay.sentry(), 8, u64::try_from(round).unwrap() * 1_000_000);
        load.until_accepted(scale.pick(60, 500)).await;
        // What was opened falls due while more comes in, and the relay dies at it.
        ahead += HOUR;
        machine.clock_ahead(ahead);
        receiver.more_than(receiver.count()).await;
        relay.kill();
        load.end().await;
    }
    let relay = folder.serve();
    // Planned in order: once this one is, everything is, and no digest is opened any more.
    event(&relay, "last", 7_777_777).await;
    folder.until("the last one is planned", |list| list[0]["action"] == "last").await;
    machine.clock_ahead(ahead + 2 * HOUR);
    folder.until_nothing_waits().await;
    drop(relay);

    let mut digests: BTreeMap<String, Value> = BTreeMap::new();
    for each in receiver.taken() {
        let digest = each.json()["data"]["digest"].clone();
        let id = each.header("webhook-id").unwrap().to_owned();
        assert_eq!(digest["id"], id);
        if let Some(before) = digests.insert(id, digest.clone()) {
            assert_eq!(before, digest, "the same, where it came twice");
        }
    }
    let told: u64 = digests.values().map(|digest| digest["events"].as_u64().unwrap()).sum();
    let planned = folder.json(&["deliveries", "--limit", "1000000"]).as_array().unwrap().len();
    assert_eq!(told, u64::try_from(planned).unwrap());
    scale.report(
        "`kill -9` while digests gather and are sent",
        &format!("{rounds} kills, {planned} events"),
        &format!("each event in exactly one of {} digests", digests.len()),
    );
}

#[tokio::test]
async fn a_day_of_very_many_runs_is_one_message_and_takes_little_memory() {
    let scale = Scale::of_run();
    let events = scale.pick(800, 80_000);
    let receiver = Receiver::start();
    let url = receiver.url("/slack/team");
    let mut folder = RelayFolder::new(&format!(
        "[slack.team]\nwebhook_url = \"{url}\"\ndigest = \"24h\"\n[[route]]\nname = \"all\"\nto = \"team\"\n"
    ));
    let machine = Machine::under(&mut folder);
    let relay = folder.serve();
    let load = Load::start(&relay.sentry(), 16, 0);
    load.until_accepted(events).await;
    load.end().await;
    event(&relay, "last", 7_777_777).await;
    let is_last = |list: &[Value]| list.first().is_some_and(|row| row["action"] == "last");
    folder.until("the last one is planned", is_last).await;
    let before = relay.peak_memory();

    let began = Instant::now();
    machine.clock_ahead(25 * HOUR);
    let message = receiver.took(1).await.remove(0).json();
    let took = began.elapsed();
    folder.until_nothing_waits().await;
    assert_eq!(receiver.count(), 1);
    let text = message["text"].as_str().unwrap();
    let runs: usize = text.split(' ').next().unwrap().parse().unwrap();
    assert!(runs >= events / 8, "{text}");
    let more = relay.peak_memory().saturating_sub(before);
    assert!(more < 16 * 1024 * 1024, "{more} bytes for the digest");
    scale.report(
        "a day of runs in one digest",
        &format!("{runs} runs, {events} events"),
        &format!(
            "one message, {} ms after it was due; {} KiB more memory at most",
            took.as_millis(),
            more / 1024
        ),
    );
}
