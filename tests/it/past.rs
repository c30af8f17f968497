//! A past: a store with runs that began over some weeks, as a relay would have it that was there.

use jiff::SignedDuration;
use seer_relay::clock::Clock;
use seer_relay::delivery::Reason;
use seer_relay::store::{Access, Next, StoreConfig, open};
use serde_json::{Value, json};

use crate::store::bench::{Bench, at, attempted, webhook};
use crate::support::RelayFolder;

/// The steps of a run, each some time after the one before.
const STEPS: [(&str, i64); 7] = [
    ("root_cause_started", 0),
    ("root_cause_completed", 41),
    ("solution_started", 2),
    ("solution_completed", 95),
    ("coding_started", 3),
    ("coding_completed", 640),
    ("pr_created", 20),
];
/// How many steps runs take, over and over.
const REACHES: [usize; 20] = [7, 7, 2, 7, 6, 4, 7, 1, 7, 3, 7, 2, 7, 5, 7, 7, 4, 2, 7, 6];
const REPOS: [&str; 4] = ["acme/api", "acme/web", "acme/api", "acme/billing"];
const CLASSIFICATIONS: [&str; 7] =
    ["code_fix", "code_fix", "rca_only", "code_fix", "infrastructure", "code_fix", "third_party_dependency"];

/// Fills the store of a folder with runs that began in the last days, some more on some days than on others.
pub(crate) async fn fill(folder: &RelayFolder, runs: usize, days: i64) {
    let config = StoreConfig {
        path: folder.store(),
        retention: std::time::Duration::from_hours(90 * 24),
        payload_retention: None,
    };
    let store = open(&config, Access::Serve).await.unwrap();
    let bench = Bench { store, folder: tempfile::tempdir().unwrap() };
    let now = (Clock::system().now() - at(0).duration_since(jiff::Timestamp::UNIX_EPOCH)).as_second();
    let whole = SignedDuration::from_hours(24 * days).as_secs();
    let count = i64::try_from(runs).unwrap();
    for number in 0..runs {
        let place = i64::try_from(number).unwrap();
        // Denser and denser, and a little here and there.
        let ago = whole - whole * place * (place + count) / (2 * count * count) + (place * 7_919) % 40_000;
        play(&bench, number, now - ago.max(3_600)).await;
    }
    while bench.store.catalogue().await.unwrap() {}
}

async fn play(bench: &Bench, number: usize, began: i64) {
    let mut second = began;
    let slowly = i64::try_from(1 + number * number % 5).unwrap();
    for (action, after) in &STEPS[..REACHES[number % REACHES.len()]] {
        second += after * slowly;
        let mut step = webhook(action).run(&(number + 1).to_string());
        for (key, value) in said(action, number) {
            step = step.with(key, value);
        }
        let mut destinations = vec!["audit"];
        if action.ends_with("completed") || *action == "pr_created" {
            destinations.push(["team-backend", "team-web"][number % 2]);
        }
        if *action == "pr_created" {
            destinations.push("oncall");
        }
        bench.accept_and_plan(step.at(second), second, &destinations).await;
        for destination in destinations {
            for claim in bench.claim(second + 1, destination).await {
                let next = match (destination, number % 9) {
                    ("oncall", 0 | 4) => Next::Dead(Reason::Auth),
                    ("team-web", 5) => Next::Dead(Reason::ServerError),
                    ("team-backend", 4) => Next::Superseded,
                    _ => Next::Delivered,
                };
                bench.store.record(attempted(&claim, second + 1, next), at(second + 1)).await.unwrap();
            }
        }
    }
}

fn said(action: &str, number: usize) -> Vec<(&'static str, Value)> {
    let repo = REPOS[number % REPOS.len()];
    match action {
        "root_cause_completed" => {
            let cause = json!({
                "summary": format!("The cause of run {}", number + 1), "relevant_repo": repo,
                "classification": CLASSIFICATIONS[number % CLASSIFICATIONS.len()],
            });
            vec![("root_cause", cause)]
        }
        "pr_created" => {
            let made = json!({ "repo_name": repo, "provider": "github", "pull_request": {
                "pr_number": number, "pr_url": format!("https://github.com/{repo}/pull/{number}"), "pr_id": number } });
            vec![("pull_requests", json!([made]))]
        }
        _ => Vec::new(),
    }
}
