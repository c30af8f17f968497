//! SIGTERM under load, twice, a port or a store in use, and commands beside a relay that works.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use super::everything_to;
use crate::support::{Answer, Answered, Ledger, Load, Receiver, RelayFolder, Scale};

#[tokio::test]
async fn nothing_is_lost_or_sent_twice_when_it_is_told_to_stop_under_load() {
    let scale = Scale::of_run();
    let rounds = scale.pick(5, 100);
    let audit = Receiver::start();
    let folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let mut answered = Answered::default();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let relay = folder.serve();
        let load = Load::start(&relay.sentry(), 16, round * 1_000_000);
        load.until_accepted(rand::random_range(1..scale.pick(100, 500))).await;
        let told_at = Instant::now();
        assert!(relay.terminate().success());
        slowest = slowest.max(told_at.elapsed());
        answered.add(load.end().await);
    }

    let relay = folder.serve();
    let mut ledger = Ledger::of(&audit);
    ledger.settles(&answered).await;
    folder.until_nothing_waits().await;
    ledger.read();
    assert_eq!(ledger.repeated().len(), 0, "{:?}", ledger.repeated());
    assert!(slowest < scale.within(Duration::from_secs(2)), "a stop took {slowest:?}");
    drop(relay);
    scale.report(
        "SIGTERM under load, restart",
        &format!("{rounds} stops, {} acknowledged", answered.accepted.len()),
        &format!("0 lost, 0 duplicates; the slowest stop took {} ms", slowest.as_millis()),
    );
}

#[tokio::test]
async fn told_twice_to_stop_it_leaves_at_once_and_loses_nothing() {
    let scale = Scale::of_run();
    let audit = Receiver::start_with(Answer::Hang);
    let folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let relay = folder.serve();
    relay.sentry().accepted("step", &json!({ "run_id": 1, "number": 1 })).await;
    audit.more_than(0).await;
    relay.tell_to_stop();
    relay.logged("stopping");
    let told_at = Instant::now();
    relay.terminate();
    let took = told_at.elapsed();
    assert!(took < Duration::from_secs(4), "the grace is 8 s, and it took {took:?}");

    audit.always(Answer::Take);
    let relay = folder.serve();
    audit.took(1).await;
    drop(relay);
    scale.report(
        "SIGTERM twice while a destination hangs",
        "1 delivery under way",
        &format!("left {} ms after the second one, delivered after the restart", took.as_millis()),
    );
}

#[tokio::test]
async fn a_port_or_a_store_that_is_in_use_is_said_and_whoever_has_it_goes_on() {
    let scale = Scale::of_run();
    let audit = Receiver::start();
    let mut folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let relay = folder.serve();
    let said = folder.serve_refused();
    assert!(said.contains("is in use by another `seer-relay serve` (process "), "{said}");
    assert!(said.contains("hint: one `serve` at a time has a store"), "{said}");
    relay.sentry().accepted("step", &json!({ "run_id": 1 })).await;
    audit.took(1).await;
    assert!(relay.terminate().success());

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    folder.set("SEER_RELAY__HTTP__LISTEN", &address);
    let said = folder.serve_refused();
    assert!(said.contains(&format!("cannot listen on `{address}`")), "{said}");
    assert!(said.contains("hint: another program may listen there"), "{said}");
    drop(taken);
    drop(folder.serve());
    scale.report(
        "a port in use, a second `serve` on one file",
        "1 each",
        "exit 1 with what to do; the first one goes on",
    );
}

// Several threads: the load must not wait for the commands that are run beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_beside_a_relay_under_load_work_and_hold_nothing_up() {
    let scale = Scale::of_run();
    let rounds = scale.pick(4, 40);
    let audit = Receiver::start();
    let folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let relay = folder.serve();
    let load = Load::start(&relay.sentry(), 16, 0);
    load.until_accepted(100).await;
    for round in 1..=rounds {
        let runs = folder.json(&["runs"]);
        let run = runs[0]["id"].as_str().unwrap().to_owned();
        assert!(!folder.json(&["show", &run])["events"].as_array().unwrap().is_empty());
        folder.json(&["deliveries"]);
        let delivery = folder.json(&["show", "acme/0"])["deliveries"][0]["id"].as_str().unwrap().to_owned();
        folder.json(&["replay", &delivery]);
        load.until_accepted(round * 100).await;
    }
    let answered = load.end().await;
    assert_eq!(answered.unavailable.len(), 0);
    assert!(answered.slowest() < scale.within(Duration::from_millis(500)), "{:?}", answered.slowest());
    folder.until_nothing_waits().await;
    let of_one =
        audit.taken().iter().filter(|each| each.json()["data"]["payload"]["data"]["number"] == 0).count();
    assert_eq!(of_one, 1 + rounds, "each replay is one more delivery");
    assert!(relay.terminate().success());
    scale.report(
        "commands beside `serve` under load",
        &format!("{} commands, {} acknowledged", rounds * 5, answered.accepted.len()),
        &format!("all work; the slowest acknowledgement took {} ms", answered.slowest().as_millis()),
    );
}
