//! Cards in a Slack that nobody here wrote, over a way that refuses calls and loses answers.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::support::{Emulator, Gateway, Relay, RelayFolder, Sentry, emulator};

const RUNS: u64 = 10;
const ACTIONS: [&str; 10] = [
    "root_cause_started",
    "root_cause_completed",
    "solution_started",
    "solution_completed",
    "coding_started",
    "coding_completed",
    "pr_created",
    "pr_ready_for_review",
    "iteration_started",
    "iteration_completed",
];

fn folder(gateway: &Gateway) -> RelayFolder {
    let routes = format!(
        "[slack.fixes]\nbot_token = {{ env = \"SLACK_BOT_TOKEN\" }}\nchannel = \"#general\"\napi_url = \"{}\"\n\
         rate = \"unlimited\"\n[[route]]\nname = \"all\"\nto = [\"fixes\"]\n",
        gateway.api_url()
    );
    let mut folder = RelayFolder::new(&routes);
    folder.set("SLACK_BOT_TOKEN", emulator::TOKEN);
    folder
}

/// What every event of a run says.
fn data(run: u64) -> Value {
    json!({ "run_id": run, "group_id": 1000 + run, "pull_requests": [{ "repo_name": "acme/api",
        "pull_request": { "pr_number": run, "pr_url": format!("https://github.com/acme/api/pull/{run}") } }] })
}

/// Every event of every run, in any order, and some of them twice.
fn events(chance: &mut StdRng) -> Vec<(u64, &'static str)> {
    let mut events: Vec<_> = (1..=RUNS).flat_map(|run| ACTIONS.map(|action| (run, action))).collect();
    for _ in 0..RUNS {
        events.push(events[chance.random_range(0..events.len())]);
    }
    events.shuffle(chance);
    events
}

async fn post(sentry: &Sentry, event: &(u64, &str)) {
    let status = sentry.post(event.1, &data(event.0)).await.status().as_u16();
    assert!(matches!(status, 200 | 202), "{status}");
}

/// Which run a message is about: it names the issue.
fn is_about(message: &Value, run: u64) -> bool {
    message.to_string().contains(&format!("/issues/{}/", 1000 + run))
}

/// Returns the deliveries of this part that were taken, in order of their ids.
fn delivered(folder: &RelayFolder, part: &str) -> Vec<String> {
    let rows = folder.json(&["deliveries", "--limit", "10000"]);
    let is_taken = |row: &&Value| row["part"] == part && row["state"] == "delivered";
    let taken = rows.as_array().unwrap().iter().filter(is_taken);
    let mut ids: Vec<String> = taken.map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// Returns what a message is known by.
fn mark(message: &Value) -> &str {
    message["metadata"]["event_payload"]["mark"].as_str().unwrap()
}

async fn play(relay: Relay, folder: &RelayFolder, events: &[(u64, &'static str)]) -> Relay {
    let mut relay = relay;
    for (index, part) in events.chunks(events.len().div_ceil(3)).enumerate() {
        if index > 0 {
            relay.kill();
            relay = folder.serve();
        }
        let sentry = relay.sentry();
        for event in part {
            post(&sentry, event).await;
        }
    }
    relay
}

#[tokio::test]
async fn every_run_has_one_card_that_shows_its_furthest_stage_whatever_was_lost() {
    for seed in [1, 2] {
        let emulator = Emulator::start();
        let gateway = Gateway::start(&emulator, seed);
        let folder = folder(&gateway);
        let events = events(&mut StdRng::seed_from_u64(seed));
        let _relay = play(folder.serve(), &folder, &events).await;
        folder.until_nothing_waits().await;

        let messages = emulator.messages().await;
        let mut announced = Vec::new();
        for run in 1..=RUNS {
            let cards: Vec<_> = messages.iter().filter(|message| is_about(message, run)).collect();
            assert_eq!(cards.len(), 1, "run {run}, seed {seed}: {cards:#?}");
            let text = cards[0]["text"].as_str().unwrap();
            assert!(text.starts_with("Pull request updated (round 1)"), "run {run}, seed {seed}: {text}");
            let answers = emulator.answers(cards[0]["ts"].as_str().unwrap()).await;
            assert!(!answers.is_empty(), "run {run}, seed {seed}: nothing was announced");
            announced.extend(answers.iter().map(|answer| mark(answer).to_owned()));
        }
        announced.sort();
        assert_eq!(announced, delivered(&folder, "announcement"), "seed {seed}");
        assert_eq!(folder.json(&["deliveries", "--state", "dead"]), json!([]));
    }
}
