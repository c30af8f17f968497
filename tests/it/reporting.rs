//! `report`: what is counted, held against what the export says and against other code that counts it.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{Answer, PATIENCE, Receiver, RelayFolder};

fn routes(receiver: &Receiver) -> String {
    format!(
        "[webhook.audit]\nurl = \"{}\"\n[webhook.strict]\nurl = \"{}\"\n\
         [[route]]\nto = [\"audit\"]\n[[route]]\nwhen = {{ action = \"pr_*\" }}\nto = [\"strict\"]\n",
        receiver.url("/audit"),
        receiver.url("/strict"),
    )
}

fn pull_request(run: u64, repo: &str) -> Value {
    let pr = json!({
        "repo_name": repo, "provider": "github",
        "pull_request": { "pr_number": run, "pr_url": format!("https://github.com/{repo}/pull/{run}"), "pr_id": run },
    });
    json!({ "run_id": run, "group_id": run, "pull_requests": [pr] })
}

/// A relay that has told of six runs which came differently far; of some messages none was taken.
async fn told() -> (RelayFolder, crate::support::Relay) {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&routes(&receiver));
    let relay = folder.serve();
    for run in 1..=6_u64 {
        let data = json!({ "run_id": run, "group_id": run });
        relay.sentry().accepted("root_cause_started", &data).await;
        if run > 1 {
            let cause = json!({ "summary": "a cause", "classification": if run % 2 == 0 { "code_fix" } else { "rca_only" } });
            let data = json!({ "run_id": run, "group_id": run, "root_cause": cause });
            relay.sentry().accepted("root_cause_completed", &data).await;
        }
        if run > 3 {
            folder.until_nothing_waits().await;
            receiver.always(Answer::Refuse(400, Vec::new(), "no".to_owned()));
            let repo = if run == 6 { "acme/web" } else { "acme/api" };
            relay.sentry().accepted("pr_created", &pull_request(run, repo)).await;
        }
    }
    folder.until_nothing_waits().await;
    (folder, relay)
}

/// Asks until every event is counted.
async fn report(folder: &RelayFolder, arguments: &[&str]) -> Value {
    let began = Instant::now();
    let mut every = tokio::time::interval(std::time::Duration::from_millis(50));
    loop {
        every.tick().await;
        let report = folder.json(&[&["report"], arguments].concat());
        if report["uncounted_events"] == 0 {
            return report;
        }
        assert!(began.elapsed() < PATIENCE, "not every event is counted within {PATIENCE:?}: {report}");
    }
}

fn exported(folder: &RelayFolder, arguments: &[&str]) -> Vec<Value> {
    let output = folder.run(&[&["export", "--format", "jsonl"], arguments].concat());
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Counts one thing of each that has it.
fn counted(values: impl IntoIterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// How far each run of an export came, by its last step.
fn reached(lines: &[Value]) -> BTreeMap<String, u64> {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for line in lines {
        last.insert(line["run"].as_str().unwrap(), line["action"].as_str().unwrap());
    }
    counted(last.values().map(|action| (*action).to_owned()))
}

/// What became of each delivery of an export.
fn outcomes(lines: &[Value]) -> BTreeMap<String, u64> {
    let deliveries = lines.iter().flat_map(|line| line["deliveries"].as_array().unwrap());
    counted(deliveries.map(|row| {
        let reason = row["last_reason"].as_str().unwrap_or("-");
        format!("{} {} {reason}", row["destination"].as_str().unwrap(), row["state"].as_str().unwrap())
    }))
}

/// The same as a report has it.
fn reported_outcomes(report: &Value) -> BTreeMap<String, u64> {
    let destinations = report["deliveries"]["destinations"].as_array().unwrap();
    let outcome = |destination: &Value, outcome: &Value| {
        let reason = outcome["reason"].as_str().unwrap_or("-");
        let state = outcome["state"].as_str().unwrap();
        let key = format!("{} {state} {reason}", destination["destination"].as_str().unwrap());
        (key, outcome["deliveries"].as_u64().unwrap())
    };
    let of = |destination: &Value| -> Vec<_> {
        destination["outcomes"].as_array().unwrap().iter().map(|each| outcome(destination, each)).collect()
    };
    destinations.iter().flat_map(of).collect()
}

fn reported_reached(runs: &Value) -> BTreeMap<String, u64> {
    let reached = runs["reached"].as_array().unwrap().iter();
    let pairs =
        reached.map(|each| (each["state"].as_str().unwrap().to_owned(), each["runs"].as_u64().unwrap()));
    pairs.filter(|(_, runs)| *runs > 0).collect()
}

/// Root causes of an export: how long each took, in milliseconds, in order.
fn cause_times(lines: &[Value]) -> Vec<i32> {
    let mut begun: BTreeMap<&str, jiff::Timestamp> = BTreeMap::new();
    let mut times = Vec::new();
    for line in lines {
        let (run, at) = (line["run"].as_str().unwrap(), line["received_at"].as_str().unwrap());
        let at: jiff::Timestamp = at.parse().unwrap();
        if line["action"] == "root_cause_started" {
            begun.insert(run, at);
        } else if line["action"] == "root_cause_completed" {
            times.push(at.duration_since(begun[run]).as_millis().try_into().unwrap());
        }
    }
    times.sort_unstable();
    times
}

#[tokio::test]
async fn the_report_agrees_with_the_export() {
    let (folder, _relay) = told().await;
    for arguments in [
        &[][..],
        &["--repo", "acme/api"],
        &["--repo", "acme/web", "--organization", "acme"],
        &["--organization", "other"],
    ] {
        let report = report(&folder, arguments).await;
        let lines = exported(&folder, arguments);
        assert_eq!(reported_reached(&report["runs"]), reached(&lines), "{arguments:?}");
        assert_eq!(reported_outcomes(&report), outcomes(&lines), "{arguments:?}");
        let sum = |what: &str| -> u64 {
            report["days"].as_array().unwrap().iter().map(|day| day[what].as_u64().unwrap()).sum()
        };
        let runs: BTreeMap<&str, &Value> =
            lines.iter().map(|line| (line["run"].as_str().unwrap(), line)).collect();
        let opened = |line: &&Value| {
            let named = line["pull_requests"].as_array().unwrap();
            named.iter().filter(|each| each["failed"] == false).count() as u64
        };
        let pull_requests: u64 = runs.values().map(opened).sum();
        assert_eq!(
            (&report["runs"]["pull_requests"], sum("pull_requests")),
            (&json!(pull_requests), pull_requests)
        );
        assert_eq!(json!(sum("runs")), report["runs"]["total"]);
        let causes = runs.values().filter_map(|line| Some(line["classification"].as_str()?.to_owned()));
        let told = report["root_causes"].as_array().unwrap().iter();
        let told = told.map(|each| {
            (each["classification"].as_str().unwrap().to_owned(), each["runs"].as_u64().unwrap())
        });
        assert_eq!(told.collect::<BTreeMap<_, _>>(), counted(causes));
        let dead: u64 =
            outcomes(&lines).iter().filter(|(key, _)| key.contains(" dead ")).map(|(_, n)| n).sum();
        assert_eq!(sum("dead"), dead);
        let times = cause_times(&lines);
        let stage = &report["stages"][0];
        assert_eq!((&stage["stage"], &stage["runs"]), (&json!("root_cause"), &json!(times.len())));
        if let Some(half) = times.get(times.len().div_ceil(2).wrapping_sub(1)) {
            assert_eq!(stage["p50_seconds"], json!(f64::from(*half) / 1_000.0));
        }
    }
    let all = report(&folder, &[]).await;
    assert_eq!(
        all["root_causes"],
        json!([{ "classification": "code_fix", "runs": 3 }, { "classification": "rca_only", "runs": 2 }])
    );
    assert_eq!(
        all["days"].as_array().unwrap().len(),
        31,
        "thirty days, of which the first and the last are cut"
    );
    let before = report(&folder, &["--since", "2020-01-01", "--until", "2020-01-03"]).await;
    assert_eq!(json!([before["runs"]["total"], before["deliveries"]["total"]]), json!([0, 0]));
    assert_eq!(
        json!([before["days"][0]["day"], before["days"][1]["day"]]),
        json!(["2020-01-01", "2020-01-02"])
    );
}

#[tokio::test]
async fn a_report_is_drawn_with_a_line_for_each_day() {
    let (folder, _relay) = told().await;
    report(&folder, &[]).await;
    let output = folder.run(&["report", "--since", "2d"]);
    let page = String::from_utf8(output.stdout).unwrap();
    for line in
        ["RUNS CAME TO", "runs began", "code_fix", "root cause  ", "pr_created", "client_error 3", "··█"]
    {
        assert!(page.contains(line), "{line}\n---\n{page}");
    }
    let row = page.lines().find(|line| line.starts_with("runs began")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["runs", "began", "6", "6", "··█"], "{page}");
}
