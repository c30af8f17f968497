//! SIGHUP, through the real binary: what is taken over, what is refused and how that is told, and what ends a relay.

use std::fs::{File, write};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::support::{Answer, Receiver, Relay, RelayFolder, SECRET, Sentry, client};

const TAKEN: &str = "the settings were taken over";
const REFUSED: &str = "the settings were not taken over";

/// Routes that send everything to one destination with these keys.
fn to_audit(url: &str, keys: &str) -> String {
    format!("[webhook.audit]\nurl = \"{url}\"\n{keys}\n[[route]]\nname = \"all\"\nto = [\"audit\"]\n")
}

fn write_routes(folder: &RelayFolder, text: &str) {
    write(folder.config().join("routes.toml"), text).unwrap();
}

/// Replaces a part of the settings.
fn change_settings(folder: &RelayFolder, from: &str, to: &str) {
    let path = folder.config().join("relay.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    write(path, text.replace(from, to)).unwrap();
}

/// Has the settings read again; returns what was logged meanwhile, the outcome last.
fn reload(relay: &Relay, outcome: &str) -> Vec<Value> {
    relay.hang_up();
    relay.logged("told to read the settings again");
    relay.logged_until(outcome)
}

async fn post(relay: &Relay, run: u64) {
    relay.sentry().accepted("pr_created", &json!({ "run_id": run })).await;
}

fn shown<'a>(metrics: &'a str, name: &str) -> &'a str {
    metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {metrics}"))
}

#[tokio::test]
async fn broken_settings_are_told_with_their_places_and_the_old_ones_stay() {
    let audit = Receiver::start();
    let sound = to_audit(&audit.url("/audit"), "");
    let folder = RelayFolder::new(&sound);
    let relay = folder.serve();
    let before = relay.metrics(&folder).await;
    assert!(shown(&before, "seer_relay_config_reload_success ").ends_with(" 1"));
    let digest = shown(&before, "seer_relay_config_info").to_owned();

    write_routes(&folder, &sound.replace("to = [\"audit\"]", "to = [\"audti\", \"aduit\"]"));
    let log = reload(&relay, REFUSED);
    let faults: Vec<_> = log
        .iter()
        .filter(|entry| entry["message"].as_str().unwrap().starts_with("route `all` sends to destination"))
        .map(|entry| (entry["level"].as_str(), entry["line"].as_u64(), entry["column"].as_u64()))
        .collect();
    assert_eq!(faults, [(Some("ERROR"), Some(6), Some(7)), (Some("ERROR"), Some(6), Some(16))], "{log:#?}");
    assert_eq!(log[0]["hint"], "did you mean `audit`? defined: `audit`", "{log:#?}");
    assert!(log[0]["file"].as_str().unwrap().ends_with("config/routes.toml"));
    assert_eq!(log.last().unwrap()["reason"], "2 faults");

    post(&relay, 1).await;
    audit.took(1).await;
    let refused = relay.metrics(&folder).await;
    assert!(shown(&refused, "seer_relay_config_reload_success ").ends_with(" 0"));
    assert!(shown(&refused, "seer_relay_config_reloads_total{outcome=\"fault\"}").ends_with(" 1"));
    assert_eq!(shown(&refused, "seer_relay_config_info"), digest, "it is still in force");
    let at = "seer_relay_config_reload_success_timestamp_seconds";
    assert_eq!(shown(&refused, at), shown(&before, at));

    write_routes(&folder, &format!("{sound}# mended\n"));
    reload(&relay, TAKEN);
    let mended = relay.metrics(&folder).await;
    assert!(shown(&mended, "seer_relay_config_reload_success ").ends_with(" 1"));
    assert!(shown(&mended, "seer_relay_config_reloads_total{outcome=\"success\"}").ends_with(" 1"));
    assert_ne!(shown(&mended, "seer_relay_config_info"), digest);
    assert_eq!(mended.matches("seer_relay_config_info{").count(), 1);
}

#[tokio::test]
async fn a_template_that_would_fail_at_one_action_is_refused_and_a_good_one_is_used() {
    let chat = Receiver::start();
    let routes =
        format!("[slack.chat]\nwebhook_url = \"{}\"\n[[route]]\nto = [\"chat\"]\n", chat.url("/slack/x"));
    let folder = RelayFolder::new(&routes);
    let relay = folder.serve();
    let templates = folder.config().join("templates");
    std::fs::create_dir(&templates).unwrap();
    let template = templates.join("iteration_started.md.tera");

    write(&template, "# Round\n\n{{ run.solution.summary.words }}\n").unwrap();
    let log = reload(&relay, REFUSED);
    let fault = log
        .iter()
        .find(|entry| entry["file"].as_str().is_some_and(|file| file.contains("iteration_started")));
    assert_eq!(fault.unwrap()["line"], 3, "{log:#?}");

    write(&template, "# Round and round\n").unwrap();
    reload(&relay, TAKEN);
    relay.sentry().accepted("iteration_started", &json!({ "run_id": 1 })).await;
    let message = chat.took(1).await.remove(0).json();
    assert!(message.to_string().contains("Round and round"), "{message}");
}

#[tokio::test]
async fn a_secret_that_is_gone_lets_its_destination_wait_and_strictly_is_a_fault() {
    let audit = Receiver::start();
    let folder = RelayFolder::new("");
    let secret = folder.config().join("url");
    write(&secret, audit.url("/audit")).unwrap();
    let routes = "[webhook.audit]\nurl = { file = \"url\" }\n[[route]]\nto = [\"audit\"]\n";
    write_routes(&folder, routes);
    let (relay, strict) = (folder.serve(), RelayFolder::new(""));
    write_routes(&strict, routes);
    write(strict.config().join("url"), audit.url("/audit")).unwrap();
    let strictly = strict.serve_strictly();

    write(&secret, "").unwrap();
    let log = reload(&relay, TAKEN);
    let told = |entry: &&Value| {
        entry["message"].as_str().unwrap().contains("`webhook.audit.url` has no usable value")
    };
    assert_eq!(log.iter().find(told).unwrap()["level"], "ERROR", "{log:#?}");
    post(&relay, 1).await;
    folder.until("it waits", |list| list.len() == 1 && list[0]["state"] == "waiting").await;

    write(&secret, audit.url("/audit")).unwrap();
    reload(&relay, TAKEN);
    audit.took(1).await;

    std::fs::remove_file(strict.config().join("url")).unwrap();
    reload(&strictly, REFUSED);
    post(&strictly, 1).await;
    audit.took(2).await;
}

#[tokio::test]
async fn what_needs_a_restart_is_told_with_both_values_and_the_rest_is_taken_over() {
    let audit = Receiver::start();
    let folder = RelayFolder::new(&to_audit(&audit.url("/old"), ""));
    let relay = folder.serve();
    let store = folder.store().display().to_string();
    change_settings(&folder, "127.0.0.1:0", "127.0.0.1:9");
    change_settings(&folder, &store, &format!("{store}.new"));
    change_settings(&folder, "\"json\"", "\"text\"");
    write_routes(&folder, &to_audit(&audit.url("/new"), ""));

    let log = reload(&relay, TAKEN);
    let told: Vec<_> = log.iter().filter(|entry| entry["setting"].is_string()).collect();
    assert!(told.iter().all(|entry| entry["level"] == "WARN"), "{log:#?}");
    let told: Vec<&str> = told.iter().map(|entry| entry["message"].as_str().unwrap()).collect();
    let expected = [
        ("http.listen", "127.0.0.1:9", "127.0.0.1:0"),
        ("store.url", &format!("sqlite:{store}.new"), &format!("sqlite:{store}")),
        ("log.format", "text", "json"),
    ];
    let expected = expected.map(|(key, wanted, in_force)| {
        format!("`{key}` is `{wanted}` now, but stays `{in_force}` until the relay is started again")
    });
    assert_eq!(told, expected);
    post(&relay, 1).await;
    assert_eq!(audit.took(1).await[0].target, "/new");
}

#[tokio::test]
async fn everything_that_requests_are_measured_by_changes() {
    let audit = Receiver::start();
    let folder = RelayFolder::new(&to_audit(&audit.url("/audit"), ""));
    let relay = folder.serve();
    let sentry = relay.sentry();
    let status_of = |secret: &'static str, organization: &'static str, bytes: usize| {
        let body = Sentry::body("step", &json!({ "run_id": organization, "filler": "x".repeat(bytes) }));
        let (signature, sentry) = (Sentry::sign(&body, secret), sentry.clone());
        async move { sentry.try_post(body, &signature).await.unwrap() }
    };
    let metrics = |token: &'static str| {
        let url = format!("http://{}/metrics", relay.address());
        async move { client().get(url).bearer_auth(token).send().await.unwrap().status().as_u16() }
    };
    assert_eq!((status_of("another secret", "x", 0).await, metrics("sesame").await), (401, 401));
    assert_eq!(status_of(SECRET, "y", 100_000).await, 202);

    folder.add_setting("[sentry.umbrella]\nclient_secrets = [\"another secret\"]");
    change_settings(
        &folder,
        "http.listen",
        "http.token = \"sesame\"\nhttp.max_body = \"64 KiB\"\nhttp.listen",
    );
    change_settings(
        &folder,
        "delivery.retry_min",
        "log.level = \"error\"\ndelivery.dedupe_window = \"off\"\ndelivery.retry_min",
    );
    reload(&relay, TAKEN);

    assert_eq!((status_of("another secret", "x", 0).await, metrics("sesame").await), (202, 200));
    assert_eq!(status_of(SECRET, "z", 100_000).await, 413);
    assert_eq!(
        [status_of(SECRET, "w", 0).await, status_of(SECRET, "w", 0).await],
        [202, 202],
        "nothing is a duplicate"
    );
    audit.took(4).await;
    assert_eq!(relay.log(), [Value::Null; 0], "only errors are logged");
    assert_eq!(
        folder
            .json(&["runs"])
            .as_array()
            .unwrap()
            .iter()
            .filter(|run| run["organization"] == "umbrella")
            .count(),
        1
    );
}

#[tokio::test]
async fn an_attempt_under_way_is_not_made_again_at_another_address_and_what_waits_goes_there() {
    let (old, new) = (Receiver::start_with(Answer::Hang), Receiver::start());
    let folder = RelayFolder::new(&to_audit(&old.url("/"), "in_flight = 1\ntimeout = \"2s\""));
    let relay = folder.serve();
    for run in 1..=3 {
        post(&relay, run).await;
    }
    old.more_than(0).await;

    write_routes(&folder, &to_audit(&new.url("/"), "in_flight = 1"));
    reload(&relay, TAKEN);
    new.took(2).await;
    assert_eq!(new.count(), 2, "the first one is still under way");
    // Its attempt ends as a timeout at the old address; the next one is made at the new one.
    new.took(3).await;
    assert_eq!(old.count(), 1);
    let list =
        folder.until("all are delivered", |list| list.iter().all(|each| each["state"] == "delivered")).await;
    let attempts: Vec<u64> = list.iter().rev().map(|each| each["attempts"].as_u64().unwrap()).collect();
    assert_eq!(attempts, [2, 1, 1]);
}

#[tokio::test]
async fn what_waits_for_a_destination_that_was_removed_is_dead_and_a_new_one_is_sent_to() {
    let (refusing, new) =
        (Receiver::start_with(Answer::Refuse(503, vec![], String::new())), Receiver::start());
    let folder =
        RelayFolder::with_settings("delivery.retry_max = \"100ms\"", &to_audit(&refusing.url("/"), ""));
    let relay = folder.serve();
    post(&relay, 1).await;
    refusing.more_than(0).await;

    write_routes(&folder, &to_audit(&new.url("/"), "").replace("audit", "other"));
    reload(&relay, TAKEN);
    let dead = |list: &[Value]| list.len() == 1 && list[0]["state"] == "dead";
    assert_eq!(folder.until("it is dead", dead).await[0]["last_reason"], "removed");
    post(&relay, 2).await;
    new.took(1).await;
}

#[tokio::test]
async fn a_rate_survives_reloads() {
    let audit = Receiver::start();
    let folder = RelayFolder::new(&to_audit(&audit.url("/"), "rate = \"4/s\""));
    let relay = folder.serve();
    for run in 0..12 {
        post(&relay, run).await;
    }
    while audit.count() < 12 {
        reload(&relay, TAKEN);
    }
    let taken = audit.taken();
    let took = taken[11].at - taken[0].at;
    assert!(took > Duration::from_millis(1_900), "twelve at `4/s`, with a burst of four, took {took:?}");
}

#[tokio::test]
async fn of_many_signals_none_is_lost_and_the_newest_files_win() {
    let audit = Receiver::start();
    let folder = RelayFolder::new(&to_audit(&audit.url("/0"), ""));
    let relay = folder.serve();
    for number in 1..=40 {
        // Written as people should: a reload that comes in the middle reads all of the old one or of the new one.
        let next = folder.config().join("routes.new");
        write(&next, to_audit(&audit.url(&format!("/{number}")), "")).unwrap();
        std::fs::rename(next, folder.config().join("routes.toml")).unwrap();
        relay.hang_up();
    }
    let mut run = 0;
    while audit.received().last().is_none_or(|last| last.target != "/40") {
        run += 1;
        post(&relay, run).await;
        audit.took(usize::try_from(run).unwrap()).await;
    }
    // Whatever was still to be read has the same in it.
    post(&relay, run + 1).await;
    assert_eq!(audit.took(usize::try_from(run + 1).unwrap()).await.last().unwrap().target, "/40");
}

#[tokio::test]
async fn a_signal_before_the_start_is_over_is_a_reload_after_it() {
    let audit = Receiver::start();
    let folder = RelayFolder::new(&to_audit(&audit.url("/"), ""));
    let relay = folder.serve_and_hang_up();
    relay.logged(TAKEN);
    post(&relay, 1).await;
    audit.took(1).await;
}

#[tokio::test]
async fn a_signal_during_the_stop_changes_nothing_of_it() {
    let audit = Receiver::start_with(Answer::Hang);
    let folder = RelayFolder::with_settings("delivery.stop_grace = \"1s\"", &to_audit(&audit.url("/"), ""));
    let relay = folder.serve();
    post(&relay, 1).await;
    audit.more_than(0).await;
    relay.hang_up();
    relay.tell_to_stop();
    relay.logged("stopping");
    relay.hang_up();
    assert!(relay.ended().success());
    assert_eq!(folder.json(&["deliveries"])[0]["last_reason"], "shutdown");
}

#[tokio::test]
async fn a_relay_ends_with_the_terminal_that_it_was_started_in() {
    let folder = RelayFolder::new("");
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let input =
        open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let relay = folder.serve_at(File::from(input));
    reload(&relay, TAKEN);

    drop(terminal);
    relay.hang_up();
    relay.logged("the terminal is gone");
    assert!(relay.ended().success());
}
