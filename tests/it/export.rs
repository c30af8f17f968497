//! `export`: the record as lines for programs and rows for spreadsheets, through the real binary.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Answer, Receiver, RelayFolder, SECRET, Sentry, Terminal};

const PULL_REQUEST_TITLE: &str = "=HYPERLINK(\"https://evil.test\")";

fn routes(receiver: &Receiver) -> String {
    format!(
        "[webhook.audit]\nurl = \"{}\"\n[webhook.strict]\nurl = \"{}\"\n\
         [[route]]\nname = \"=everything\"\nto = [\"audit\"]\n\
         [[route]]\nname = \"fixes\"\nwhen = {{ action = \"pr_*\" }}\nto = [\"strict\"]\n",
        receiver.url("/audit"),
        receiver.url("/strict"),
    )
}

fn pull_request(run: u64, repo: &str) -> Value {
    let pr = json!({
        "repo_name": repo, "provider": "github",
        "pull_request": { "pr_number": 12, "pr_url": format!("https://github.com/{repo}/pull/12"), "pr_id": 7 },
    });
    json!({ "run_id": run, "group_id": 5, "pull_requests": [pr] })
}

fn output(folder: &RelayFolder, arguments: &[&str]) -> String {
    let output = folder.run(&[&["export"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "nothing but the record is written where no terminal is");
    String::from_utf8(output.stdout).unwrap()
}

fn lines(folder: &RelayFolder, arguments: &[&str]) -> Vec<Value> {
    let text = output(folder, &[&["--format", "jsonl"], arguments].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every row by the names of its columns.
fn rows(text: &str) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let row = |row: Result<csv::StringRecord, csv::Error>| {
        head.iter().map(str::to_owned).zip(row.unwrap().iter().map(Value::from)).collect()
    };
    reader.records().map(row).collect()
}

#[tokio::test]
async fn every_event_is_a_line_with_all_that_became_of_it() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&routes(&receiver));
    let relay = folder.serve();
    let begun = relay.sentry().accepted("root_cause_started", &json!({ "run_id": 1 })).await;
    receiver.took(1).await;
    folder.until_nothing_waits().await;
    receiver.always(Answer::Refuse(400, Vec::new(), "no".to_owned()));
    let opened = relay.sentry().accepted("pr_created", &pull_request(1, "acme/api")).await;
    relay.sentry().accepted("pr_created", &pull_request(2, "acme/web")).await;
    folder
        .until("all were refused", |list| list.iter().filter(|row| row["state"] == "dead").count() == 4)
        .await;

    let told = lines(&folder, &[]);
    assert_eq!(told.len(), 3);
    let (first, second) = (&told[0], &told[1]);
    assert_eq!(json!([first["id"], second["id"]]), json!([begun, opened]));
    assert_eq!(
        json!([
            second["organization"],
            second["run"],
            second["run_id"],
            second["group_id"],
            second["resource"]
        ]),
        json!(["acme", "acme/1", "1", "5", "seer"])
    );
    assert_eq!(
        json!([second["repos"], first["repos"]]),
        json!([["acme/api"], ["acme/api"]]),
        "of the run as it is now"
    );
    assert_eq!(second["routes"], json!(["=everything", "fixes"]));
    assert_eq!(json!([second["iteration"], second["issue_unknown"]]), json!([null, false]));
    for time in ["received_at", "planned_at"] {
        assert!(second[time].as_str().unwrap().ends_with('Z'), "{time}");
    }
    assert_eq!(
        json!([first["deliveries"][0]["state"], first["deliveries"][0]["last_status"]]),
        json!(["delivered", 204])
    );
    let dead = second["deliveries"].as_array().unwrap();
    assert_eq!(dead.len(), 2);
    for delivery in dead {
        assert_eq!(
            json!([delivery["state"], delivery["attempts"], delivery["last_reason"], delivery["origin"]]),
            json!(["dead", 1, "client_error", "event"])
        );
        assert_eq!((&delivery["delivered_at"], delivery["finished_at"].is_string()), (&Value::Null, true));
        assert!(delivery.get("event_id").is_none() && delivery.get("run").is_none(), "the event says so");
    }
    let text = serde_json::to_string(&told).unwrap();
    assert!(!text.contains(receiver.url("").trim_start_matches("http://")), "no address of a destination");
}

#[tokio::test]
async fn only_what_is_asked_for_is_exported() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&routes(&receiver));
    let relay = folder.serve();
    for (run, repo) in [(1, "acme/api"), (2, "acme/web"), (3, "acme/api")] {
        relay.sentry().accepted("coding_started", &json!({ "run_id": run })).await;
        relay.sentry().accepted("pr_created", &pull_request(run, repo)).await;
    }
    folder.until_nothing_waits().await;
    let runs = |arguments: &[&str]| -> Vec<String> {
        lines(&folder, arguments).iter().map(|line| line["run"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(runs(&["--repo", "acme/api"]), ["acme/1", "acme/1", "acme/3", "acme/3"]);
    assert_eq!(runs(&["--repo", "acme/other"]), [""; 0]);
    assert_eq!(runs(&["--organization", "acme"]).len(), 6);
    assert_eq!(runs(&["--organization", "other"]), [""; 0]);
    assert_eq!(runs(&["--since", "1h"]).len(), 6);
    assert_eq!(runs(&["--until", "1h"]), [""; 0]);
    assert_eq!(runs(&["--since", "2020-01-01", "--until", "2020-02-01"]), [""; 0]);
    let all = lines(&folder, &[]);
    let third = all[2]["received_at"].as_str().unwrap();
    assert!(runs(&["--since", third]).len() <= 4, "milliseconds are cut off");
    assert!(runs(&["--until", third]).len() >= 2);
    let wrong = folder.run(&["export", "--format", "jsonl", "--since", "yesterday"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test]
async fn a_sheet_has_a_row_for_each_event_and_no_formula() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&routes(&receiver));
    let relay = folder.serve();
    let issue = json!({ "id": "5", "shortId": "API-1X", "title": PULL_REQUEST_TITLE });
    let alert = json!({ "activity": { "type": "seer_pr_created", "details": {} }, "issue": issue });
    relay.sentry().accepted("pr_created", &pull_request(1, "acme/api")).await;
    let body = Sentry::body("triggered", &alert);
    let signature = Sentry::sign(&body, SECRET);
    let headers = [("sentry-hook-signature", signature.as_str()), ("sentry-hook-resource", "activity_alert")];
    assert_eq!(relay.sentry().post_raw(body, &headers).await.status(), 202);
    folder.until_nothing_waits().await;
    let text = output(&folder, &["--format", "csv"]);
    assert!(text.ends_with("\r\n") && text.starts_with("id,received_at,"), "{text}");
    let rows = rows(&text);
    assert_eq!(rows.len(), 2, "{text}");
    let row = &rows[0];
    assert_eq!(row["issue_title"], json!(format!("'{PULL_REQUEST_TITLE}")));
    assert_eq!(row["routes"], "'=everything, fixes");
    assert_eq!(
        json!([row["deliveries"], row["delivered"], row["dead"], row["attempts"], row["destinations"]]),
        json!(["2", "2", "0", "2", "audit, strict"])
    );
    assert_eq!(
        json!([row["delivered_to"], row["dead_to"], row["routed"]]),
        json!(["audit, strict", "", "true"])
    );
}

#[tokio::test]
async fn a_file_has_its_name_only_once_it_is_whole() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &pull_request(1, "acme/api")).await;
    let file = folder.path().join("record.jsonl");
    let path = file.to_str().unwrap();
    let arguments = ["export", "--format", "jsonl", "-o", path];
    let done = folder.run(&arguments);
    assert!(done.status.success() && done.stdout.is_empty());
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    relay.sentry().accepted("pr_created", &pull_request(2, "acme/api")).await;
    assert!(folder.run(&arguments).status.success(), "an older one is replaced");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);

    for (place, words) in [
        (folder.path().to_str().unwrap(), "is a folder"),
        ("/dev/null", "is no file that can be replaced"),
        ("nowhere/record.csv", "cannot write `nowhere/record.csv`"),
    ] {
        let refused = folder.run(&["export", "--format", "csv", "-o", place]);
        let errors = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{place}");
        assert!(errors.contains(words) && errors.contains("hint: "), "{errors}");
    }
    let standard = folder.run(&["export", "--format", "jsonl", "-o", "-"]);
    assert_eq!(String::from_utf8(standard.stdout).unwrap().lines().count(), 2);
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("seer-relay-export")), "{left:?}");
}

/// Fills a store with more events than a pipe holds.
fn fill(folder: &RelayFolder, events: u32) {
    let connection = rusqlite::Connection::open(folder.store()).unwrap();
    connection
        .execute_batch(&format!(
            "INSERT INTO run (number, organization, opened_at) VALUES (1, 'acme', 0);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {events})
             INSERT INTO event (sequence, id, organization, run_number, resource, action, run_id, received_at, routes)
             SELECT i, printf('evt_%026d', i), 'acme', 1, 'seer', 'pr_created', '1', 1800000000000000 + i, '[]' FROM n"
        ))
        .unwrap();
}

#[test]
fn whoever_has_read_enough_ends_it_quietly_and_an_interrupt_says_so() {
    let folder = RelayFolder::new("");
    drop(folder.serve());
    fill(&folder, 5_000);
    let start = || {
        let mut command = folder.command(&["export", "--format", "jsonl"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut enough = start();
    let mut first = String::new();
    BufReader::with_capacity(16, enough.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"id\":\"evt_"));
    let end = enough.wait_with_output().unwrap();
    assert_eq!((end.status.code(), end.stderr.as_slice()), (Some(1), &b""[..]));

    let mut interrupted = start();
    // Its first byte is there, and the pipe too small for all others.
    interrupted.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    kill_process(Pid::from_child(&interrupted), Signal::INT).unwrap();
    let mut errors = String::new();
    interrupted.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(interrupted.wait().unwrap().code(), Some(1));
    assert!(errors.contains("error: the export was interrupted") && errors.contains("hint: "), "{errors}");
}

#[test]
fn whoever_watches_sees_how_far_it_is_and_the_record_does_not() {
    let folder = RelayFolder::new("");
    drop(folder.serve());
    fill(&folder, 5_000);
    let terminal = Terminal::open();
    let mut command = folder.command(&["export", "--format", "jsonl"]);
    command.env("TERM", "xterm");
    let child = command.stdout(Stdio::piped()).stderr(terminal.end()).spawn().unwrap();
    drop(command);
    let end = child.wait_with_output().unwrap();
    let written = terminal.written();
    assert!(end.status.success(), "{written}");
    assert!(written.contains(" events") && written.contains('%'), "{written}");
    let record = String::from_utf8(end.stdout).unwrap();
    assert_eq!(
        record.lines().filter(|line| line.starts_with("{\"id\":") && line.ends_with('}')).count(),
        5_000
    );
}
