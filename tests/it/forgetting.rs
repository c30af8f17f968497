//! `forget`: runs that are removed for good beside a running relay, through the real binary.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Answer, Receiver, RelayFolder, Terminal};

fn pull_request(run: u64, repo: &str) -> Value {
    let pr = json!({
        "repo_name": repo, "provider": "github",
        "pull_request": { "pr_number": 12, "pr_url": format!("https://github.com/{repo}/pull/12"), "pr_id": 7 },
    });
    json!({ "run_id": run, "group_id": run, "pull_requests": [pr] })
}

fn errors(folder: &RelayFolder, arguments: &[&str]) -> (Option<i32>, String) {
    let output = folder.run(arguments);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_run_goes_beside_a_running_relay_and_what_waits_of_it_is_not_sent() {
    let receiver = Receiver::start();
    receiver.always(Answer::Refuse(503, vec![("retry-after", "3600".to_owned())], "later".to_owned()));
    let folder = RelayFolder::new(&format!(
        "[webhook.audit]\nurl = \"{}\"\n[[route]]\nto = [\"audit\"]\n",
        receiver.url("/")
    ));
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &pull_request(1, "acme/secret")).await;
    relay.sentry().accepted("pr_created", &pull_request(2, "acme/api")).await;
    folder.until("both wait", |list| list.iter().filter(|row| row["state"] == "waiting").count() == 2).await;

    let (code, refusal) = errors(&folder, &["forget", "acme/1"]);
    assert_eq!(code, Some(1));
    assert!(
        refusal.contains("`acme/1` (1 run, 1 event and 1 delivery) would be removed for good"),
        "{refusal}"
    );
    assert!(refusal.contains("hint: say `--yes`"), "{refusal}");
    let removed = folder.json(&["forget", "acme/1", "--yes"]);
    assert_eq!(
        json!([removed["kind"], removed["runs"], removed["events"], removed["deliveries"]]),
        json!(["run", 1, 1, 1])
    );
    let left = folder.json(&["deliveries"]);
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["run"], "acme/2");
    let (code, unknown) = errors(&folder, &["forget", "acme/1", "--yes"]);
    assert!(
        code == Some(1) && unknown.contains("no event, run or delivery is known as `acme/1`"),
        "{unknown}"
    );

    let listed = folder.json(&["forget", "--list"]);
    assert_eq!(listed, json!([removed]));
    assert_eq!(folder.json(&["forget", "--list", "acme/1"]), json!([removed]));
    assert_eq!(folder.json(&["forget", "--list", "acme/2"]), json!([]));
    assert!(!listed.to_string().contains("acme"), "no name is kept");
    // It goes on, and the run may begin anew.
    let again = relay.sentry().accepted("pr_ready_for_review", &pull_request(1, "acme/secret")).await;
    assert_eq!(folder.json(&["show", "acme/1"])["events"][0]["id"], json!(again));
    let drawn = folder.run(&["forget", "--list"]);
    let page = String::from_utf8(drawn.stdout).unwrap();
    assert!(page.contains("FINGERPRINT") && page.lines().count() == 2, "{page}");
}

#[tokio::test]
async fn all_runs_about_a_repository_go_and_their_words_with_them() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&format!(
        "[webhook.audit]\nurl = \"{}\"\n[[route]]\nto = [\"audit\"]\n",
        receiver.url("/")
    ));
    let relay = folder.serve();
    for run in 1..=3 {
        let repo = if run == 2 { "acme/api" } else { "acme/zyxomma" };
        relay.sentry().accepted("pr_created", &pull_request(run, repo)).await;
    }
    folder.until_nothing_waits().await;
    let output = folder.run(&["forget", "--repo", "acme/zyxomma", "--yes"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said,
        "removed 2 runs, 2 events and 2 deliveries\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for entry in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"zyxomma"), "{}", path.display());
    }
    let runs = folder.json(&["runs"]);
    assert_eq!((runs.as_array().unwrap().len(), &runs[0]["id"]), (1, &json!("acme/2")));
    let nothing = folder.run(&["forget", "--repo", "acme/zyxomma", "--yes"]);
    assert_eq!(String::from_utf8(nothing.stdout).unwrap(), "there is nothing to remove\n");
    assert_eq!(errors(&folder, &["forget"]).0, Some(2));
    assert_eq!(errors(&folder, &["forget", "acme/1", "--repo", "acme/api"]).0, Some(2));
    drop(relay);
}

#[tokio::test]
async fn a_signal_leaves_nothing_half_removed() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    for run in 1..=40 {
        relay.sentry().accepted("pr_created", &pull_request(run, "acme/zyxomma")).await;
    }
    let mut command = folder.command(&["forget", "--repo", "acme/zyxomma", "--yes"]);
    let forget = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut every = tokio::time::interval(Duration::from_millis(10));
    while folder.json(&["runs", "--limit", "50"]).as_array().unwrap().len() == 40 {
        every.tick().await;
    }
    // Wherever in its work that meets it.
    let _ = kill_process(Pid::from_child(&forget), Signal::TERM);
    let end = forget.wait_with_output().unwrap();
    let said = String::from_utf8(end.stderr).unwrap();
    assert_eq!(end.status.code(), Some(0), "{said}");
    assert_eq!(String::from_utf8(end.stdout).unwrap(), "removed 40 runs, 40 events and 0 deliveries\n");
    for entry in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"zyxomma"), "{}", path.display());
    }
}

#[tokio::test]
async fn in_a_terminal_it_asks_and_takes_no_for_an_answer() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &pull_request(1, "acme/api")).await;
    for (answer, code, left) in [("\n", 1, 1), ("no\n", 1, 1), ("y\n", 0, 0)] {
        let mut terminal = Terminal::open();
        let mut command = folder.command(&["forget", "1"]);
        let child =
            command.stdin(terminal.end()).stdout(Stdio::null()).stderr(terminal.end()).spawn().unwrap();
        drop(command);
        terminal.types(answer);
        let end = child.wait_with_output().unwrap();
        let written = terminal.written();
        assert_eq!(end.status.code(), Some(code), "{answer:?}: {written}");
        assert!(
            written.contains(
                "`acme/1` (1 run, 1 event and 0 deliveries) will be removed for good. Go on? [y/N] "
            )
        );
        assert_eq!(folder.json(&["runs"]).as_array().unwrap().len(), left, "{written}");
    }
}
