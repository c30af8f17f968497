//! `backtest`: stored events through today's configuration and a new one, through the real binary.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Receiver, RelayFolder};

const ROUTES: &str = "[[route]]\nname = \"fixes\"\nwhen = { action = \"pr_*\" }\nto = [\"a\"]\n\
     [[route]]\nname = \"causes\"\nwhen = { action = \"root_cause_*\" }\nto = [\"a\", \"b\"]\n";

/// A folder whose relay has told of two runs of three steps, and stopped.
async fn told() -> RelayFolder {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&file(&receiver.url(""), ROUTES));
    let relay = folder.serve();
    for run in [1, 2] {
        for action in ["root_cause_started", "root_cause_completed", "pr_created"] {
            relay.sentry().accepted(action, &json!({ "run_id": run, "group_id": run })).await;
        }
    }
    receiver.took(10).await;
    folder.until_nothing_waits().await;
    assert!(relay.terminate().success());
    folder
}

fn file(url: &str, routes: &str) -> String {
    format!("[webhook.a]\nurl = \"{url}/a\"\n[webhook.b]\nurl = \"{url}/b\"\n{routes}")
}

/// Writes a new configuration beside the old one.
fn new_config(folder: &RelayFolder, routes: &str) -> PathBuf {
    let new = folder.path().join("new");
    std::fs::create_dir_all(&new).unwrap();
    // As it lies in a repository: no store, and no secret has a value.
    let relay = "[sentry.acme]\nclient_secrets = [{ env = \"UNSET_HERE\" }]\n";
    std::fs::write(new.join("relay.toml"), relay).unwrap();
    std::fs::write(new.join("routes.toml"), file("https://elsewhere.test", routes)).unwrap();
    new
}

/// Runs a backtest of these routes; returns the exit code and the page.
fn backtest(folder: &RelayFolder, routes: &str, more: &[&str]) -> (Option<i32>, String, String) {
    new_config(folder, routes);
    let output = folder.run(&[&["backtest", "--config-dir", "new"], more].concat());
    let read = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), read(&output.stdout), read(&output.stderr))
}

fn document(folder: &RelayFolder, routes: &str, more: &[&str]) -> (Option<i32>, Value) {
    let (code, out, err) = backtest(folder, routes, &[more, &["--json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

#[tokio::test]
async fn routes_that_lead_to_the_same_messages_change_nothing() {
    let folder = told().await;
    let renamed = ROUTES.replace("\"fixes\"", "\"pull requests\"");
    let (code, out, err) = backtest(&folder, &renamed, &[]);
    assert_eq!((code, out.as_str()), (Some(0), "6 events of 2 runs: nothing would change\n"), "{err}");
    let (code, document) = document(&folder, &renamed, &["--since", "7d"]);
    assert_eq!((code, &document["events"], &document["differing"]), (Some(0), &json!(6), &json!(0)));
    let (code, out, _) = backtest(&folder, &renamed, &["--since", "0s"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("0 events of 0 runs since "), "{out}");
}

/// What a kind of difference says, in one line.
fn line_of(kind: &Value) -> String {
    let names = |list: &Value| {
        let names = list.as_array().unwrap().iter().map(|row| row["destination"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    let (added, removed, changed) = (names(&kind["added"]), names(&kind["removed"]), names(&kind["changed"]));
    let routes = format!("{}→{}", kind["routes_before"], kind["routes_after"]);
    format!("{} {} +{added} -{removed} ~{changed} {routes}", kind["events"], kind["actions"])
}

#[tokio::test]
async fn mutes_people_and_stand_ins_count_and_so_do_organizations() {
    let folder = told().await;
    let always = "[mute.always]\ndays = [\"mon-sat\"]\ntimezone = \"UTC\"\n[mute.sundays]\ndays = \"sun\"\ntimezone = \"UTC\"\n";
    let fixes = |more: &str| ROUTES.replacen("to = [\"a\"]\n", &format!("to = [\"a\"]\n{more}"), 1) + always;
    // Whatever day it is: one of the two is in force.
    let day = seer_relay::clock::Clock::system().now().strftime("%a").to_string();
    let mute = if day == "Sun" { "sundays" } else { "always" };

    let (code, page, _) = backtest(&folder, &fixes(&format!("mute = \"{mute}\"\nmuted = \"drop\"\n")), &[]);
    assert_eq!(code, Some(1));
    assert!(page.contains("    - a (webhook) by documented JSON, built in\n    by fixes\n"), "{page}");
    let (code, page, _) = backtest(&folder, &fixes(&format!("mute = \"{mute}\"\n")), &[]);
    assert_eq!(code, Some(1));
    assert!(page.contains("    ~ a (webhook) at once → held back\n"), "{page}");

    let stand_in = ROUTES.to_owned();
    new_config(&folder, &stand_in);
    let routes = folder.path().join("new/routes.toml");
    let text = std::fs::read_to_string(&routes).unwrap().replacen("/a\"\n", "/a\"\nfallback = \"b\"\n", 1);
    std::fs::write(&routes, text).unwrap();
    let output = folder.run(&["backtest", "--config-dir", "new", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let after = &told["differences"][0]["changed"][0]["after"];
    assert_eq!((output.status.code(), &after["fallback"]), (Some(1), &json!("b")), "{told:#}");

    new_config(&folder, ROUTES);
    let relay = folder.path().join("new/relay.toml");
    std::fs::write(&relay, "[sentry.other]\nclient_secrets = [{ env = \"UNSET_HERE\" }]\n").unwrap();
    let output = folder.run(&["backtest", "--config-dir", "new", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["differing"]), (Some(1), &json!(6)), "{told:#}");
}

#[tokio::test]
async fn what_would_change_is_told_once_for_all_events_that_change_alike() {
    let folder = told().await;
    let template = folder.path().join("new/templates/oncall/webhook");
    std::fs::create_dir_all(&template).unwrap();
    std::fs::write(template.join("root_cause_completed.json.tera"), "{ \"a\": 1 }").unwrap();
    let routes = "[[route]]\nname = \"fixes\"\nwhen = { action = \"pr_*\" }\nto = [\"b\"]\n\
         [[route]]\nname = \"causes\"\nwhen = { action = \"root_cause_completed\" }\nto = [\"a\", \"b\"]\ntemplate = \"oncall\"\n\
         [[route]]\nname = \"starts\"\nwhen = { action = \"*_started\" }\nto = [\"b\"]\n";
    let (code, told) = document(&folder, routes, &[]);
    assert_eq!((code, &told["differing"], &told["events"]), (Some(1), &json!(6), &json!(6)));
    let kinds = told["differences"].as_array().unwrap();
    let lines: Vec<String> = kinds.iter().map(line_of).collect();
    assert_eq!(
        lines,
        [
            r#"2 {"root_cause_started":2} + -a ~ ["causes"]→["starts"]"#,
            r#"2 {"root_cause_completed":2} + - ~a b ["causes"]→["causes"]"#,
            r#"2 {"pr_created":2} +b -a ~ ["fixes"]→["fixes"]"#,
        ]
    );
    assert_eq!(
        kinds[1]["changed"][0],
        json!({
            "destination": "a", "kind": "webhook", "part": "message",
            "before": { "template": "documented JSON", "template_set": null, "built_in": true, "held_back": false,
                "mentions": [], "fallback": null },
            "after": { "template": "oncall/webhook/root_cause_completed.json.tera", "template_set": "oncall",
                "built_in": false, "held_back": false, "mentions": [], "fallback": null },
        })
    );
    assert_eq!(kinds[0]["examples"].as_array().unwrap().len(), 2);

    let (code, page, _) = backtest(&folder, routes, &["--limit", "2"]);
    assert_eq!(code, Some(1));
    for line in [
        "6 events of 2 runs: 6 would become something else",
        "2 events  root_cause_started 2",
        "    - a (webhook) by documented JSON, built in",
        "    by causes → starts",
        "    ~ a (webhook) by documented JSON, built in → by oncall/webhook/root_cause_completed.json.tera (set `oncall`)",
        "and 1 more kind of difference; see --limit",
    ] {
        assert!(page.contains(line), "{line}\n---\n{page}");
    }
}

#[tokio::test]
async fn a_new_configuration_with_faults_is_told_apart_from_one_that_differs() {
    let folder = told().await;
    let faulty = ROUTES.replace("\"a\", \"b\"", "\"a\", \"c\"");
    let (code, out, err) = backtest(&folder, &faulty, &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("`c`, which is not defined") && err.contains("new/routes.toml:12:"), "{err}");
    let (code, told) = document(&folder, &faulty, &[]);
    assert_eq!((code, &told["events"], &told["differing"]), (Some(1), &json!(0), &json!(0)));
    assert_eq!((told["faults"].as_array().unwrap().len(), &told["against_faults"]), (1, &json!([])));
    let (code, told) = document(&folder, ROUTES, &["--against", "nowhere"]);
    assert_eq!(code, Some(1));
    assert!(!told["against_faults"].as_array().unwrap().is_empty() && told["faults"] == json!([]), "{told}");
}

#[tokio::test]
async fn a_configuration_is_not_compared_with_itself() {
    let folder = RelayFolder::new("");
    let output = folder.run(&["backtest"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("compared with itself") && error.contains("--config-dir"), "{error}");
    assert_eq!(folder.run(&["backtest", "--since", "x"]).status.code(), Some(2));
}

#[tokio::test]
async fn it_works_beside_a_running_relay_and_on_a_copy_that_nobody_may_write() {
    let folder = told().await;
    let removed = ROUTES.split_inclusive("to = [\"a\"]\n").next().unwrap();
    let copy = folder.path().join("copy.db");
    let relay = folder.serve();
    let (code, told) = document(&folder, removed, &[]);
    assert_eq!((code, &told["differing"]), (Some(1), &json!(4)));
    rusqlite::Connection::open(folder.store())
        .unwrap()
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    assert!(relay.terminate().success());
    std::fs::remove_file(folder.store()).unwrap();
    let mut only_read = std::fs::metadata(&copy).unwrap().permissions();
    only_read.set_readonly(true);
    std::fs::set_permissions(&copy, only_read).unwrap();
    let before = std::fs::read(&copy).unwrap();
    let (code, of_copy) = document(&folder, removed, &["--store", "copy.db"]);
    assert_eq!((code, &of_copy), (Some(1), &told));
    assert!(std::fs::read(&copy).unwrap() == before, "it is as it was");
    let (code, ..) = backtest(&folder, removed, &[]);
    assert_eq!(code, Some(1), "there is no store");
}
