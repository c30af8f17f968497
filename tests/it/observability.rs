//! What Prometheus and Grafana are given: the metrics themselves, the alert rules and the dashboard.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Receiver, RelayFolder, client};

/// A file of the source tree.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap()
}

/// Runs Prometheus' own checker, which is installed where that was not done before.
fn promtool(arguments: &[&str], input: &str) -> Output {
    let installed = Command::new(file("tests/promtool/install")).output().unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let program = String::from_utf8(installed.stdout).unwrap();
    let mut child = Command::new(program.trim())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn assert_passes(output: &Output) {
    let said = [&output.stdout[..], &output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// Every name of a metric in a text; of the series that a histogram is written as, its own.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let series = words.filter(|word| word.starts_with("seer_relay_") && !word.ends_with('_'));
    let of_histogram = |name: &str| {
        let suffix = ["_bucket", "_count", "_sum"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
        suffix.unwrap_or(name).to_owned()
    };
    series.map(of_histogram).collect()
}

/// The names under which the code registers metrics.
fn registered() -> BTreeSet<String> {
    fn collect(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, text);
            } else {
                *text += &fs::read_to_string(&path).unwrap();
            }
        }
    }
    let mut source = String::new();
    collect(&file("src/telemetry"), &mut source);
    names(&source)
}

#[tokio::test]
async fn promtool_has_nothing_to_say_of_the_metrics_of_a_relay_at_work() {
    let taking = Receiver::start();
    let folder = RelayFolder::new(&format!(
        "[webhook.audit]\nurl = \"{}\"\n[[route]]\nname = \"all\"\nto = [\"audit\"]\n",
        taking.url("/")
    ));
    let relay = folder.serve();
    let sentry = relay.sentry();
    for action in ["root_cause_started", "pr_created", "an_action_of_tomorrow"] {
        sentry.post(action, &json!({ "run_id": 7, "group_id": 8 })).await;
    }
    client().post(format!("http://{}/webhooks/sentry", relay.address())).send().await.unwrap();
    taking.took(3).await;
    folder.until_nothing_waits().await;

    let shown = relay.metrics(&folder).await;

    let checked = promtool(&["check", "metrics"], &shown);
    assert_passes(&checked);
    let said = [checked.stdout, checked.stderr].concat();
    assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
    for series in [
        r#"seer_relay_webhooks_total{action="pr_created",outcome="accepted",resource="seer"} 1"#,
        r#"seer_relay_webhooks_total{action="other",outcome="accepted",resource="seer"} 1"#,
        r#"seer_relay_webhooks_total{action="none",outcome="signature_missing",resource="none"} 1"#,
        r#"seer_relay_dead_letters_total{destination="audit",reason="auth"} 0"#,
        r#"seer_relay_event_to_delivered_seconds_count{destination="audit"} 3"#,
    ] {
        assert!(shown.lines().any(|line| line == series), "no line `{series}` in\n{shown}");
    }
}

#[test]
fn each_alert_fires_when_it_should_and_no_sooner() {
    let rules = file("config/observability/alerts.yml");
    assert_passes(&promtool(&["check", "rules", rules.to_str().unwrap()], ""));
    let tests = file("tests/promtool/alerts_test.yml");
    assert_passes(&promtool(&["test", "rules", tests.to_str().unwrap()], ""));
    let (rules, tests) = (read("config/observability/alerts.yml"), read("tests/promtool/alerts_test.yml"));
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let fires = format!("alertname: {alert}\n        exp_alerts:");
        assert!(tests.contains(&fires), "no test in which {alert} fires");
    }
}

#[test]
fn rules_dashboard_and_readme_name_the_metrics_that_there_are() {
    let registered = registered();
    for path in ["config/observability/alerts.yml", "config/observability/grafana.json"] {
        let unknown: Vec<String> = names(&read(path)).difference(&registered).cloned().collect();
        assert!(unknown.is_empty(), "{path} asks for metrics that do not exist: {unknown:?}");
    }
    let readme = read("README.md");
    let table = readme.split("| metric | shows |").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(names(table), registered);
}

#[test]
fn every_panel_of_the_dashboard_asks_a_question_that_prometheus_understands() {
    let dashboard: Value = serde_json::from_str(&read("config/observability/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let expressions: Vec<String> =
        targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(expressions.len() > 20, "{expressions:?}");
    let rule = |(number, expression): (usize, &String)| {
        let expression = expression.replace("$__range", "1h").replace("$__rate_interval", "5m");
        json!({ "record": format!("panel:{number}"), "expr": expression })
    };
    let rules: Vec<Value> = expressions.iter().enumerate().map(rule).collect();
    // JSON is YAML.
    let rules = json!({ "groups": [{ "name": "panels", "rules": rules }] });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("panels.yml");
    fs::write(&path, rules.to_string()).unwrap();

    assert_passes(&promtool(&["check", "rules", path.to_str().unwrap()], ""));
    let places: Vec<&Value> = panels.iter().map(|panel| &panel["gridPos"]).collect();
    for (number, place) in places.iter().enumerate() {
        let overlapping = places.iter().skip(number + 1).find(|other| overlap(place, other));
        assert_eq!(overlapping, None, "two panels in one place: {place}");
    }
}

/// Returns whether two rectangles share some room.
fn overlap(one: &Value, other: &Value) -> bool {
    let along = |at: &str, size: &str| {
        let (one, one_size) = (one[at].as_i64().unwrap(), one[size].as_i64().unwrap());
        let (other, other_size) = (other[at].as_i64().unwrap(), other[size].as_i64().unwrap());
        one < other + other_size && other < one + one_size
    };
    along("x", "w") && along("y", "h")
}
