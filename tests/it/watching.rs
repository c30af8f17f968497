//! Runs that fall silent and webhooks that stop coming, through the whole relay: what becomes a notice, once, or nothing.
//!
//! The relay runs in the test's process, so that it can be told to ask sooner than the settings allow.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use seer_relay::app::{Running, start};
use seer_relay::check::load_checked;
use seer_relay::clock::Clock;
use seer_relay::config::Environment;
use seer_relay::demo::receivers::sentry::{Fault, Question, SentryStandIn, issue};
use seer_relay::dispatch::{StallAfter, WatchConfig};
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use crate::support::{PATIENCE, Received, Receiver, RelayFolder, SECRET, Sentry};

const TOKEN: &str = "hunter2-hunter2-hunter2";

/// Sentry, a relay that asks it soon, and a destination that gets everything with the notices.
struct Rig {
    api: SentryStandIn,
    receiver: Receiver,
    folder: RelayFolder,
}

impl Rig {
    fn new() -> Self {
        let api = SentryStandIn::start("acme", Clock::system()).unwrap();
        api.grant(TOKEN, &["event:read"]);
        api.put("5", issue("5", "API-5", "boom", "api"));
        let receiver = Receiver::start();
        let routes = format!(
            "[webhook.audit]\nurl = \"{}\"\n[[route]]\nto = [\"audit\"]\n\
             [[route]]\nwhen = {{ action = \"relay.*\" }}\nto = [\"audit\"]\n",
            receiver.url("/audit")
        );
        let folder = RelayFolder::asking(&api.url(), &routes);
        Self { api, receiver, folder }
    }

    /// Starts the relay; it asks after so long a silence.
    async fn relay(&self, stall_after: Duration) -> (Running, Sentry) {
        let environment = Environment::from_pairs([("CLIENT_SECRET", SECRET), ("API_TOKEN", TOKEN)]);
        let mut checked = load_checked(&self.folder.config(), &environment).unwrap();
        checked.config.watch.stall_after = StallAfter::all(Some(stall_after));
        let relay = start(checked, Clock::system()).await.unwrap();
        let sentry = Sentry::new(&relay.address().to_string());
        (relay, sentry)
    }

    fn questions(&self) -> usize {
        self.api.asked().iter().filter(|asked| asked.question == Question::Run).count()
    }

    async fn until_asked(&self, times: usize) {
        let mut every = interval(Duration::from_millis(10));
        let asked = async {
            while self.questions() < times {
                every.tick().await;
            }
        };
        timeout(PATIENCE, asked).await.expect("Sentry is asked");
    }

    /// Waits until so many messages arrived; returns what they are.
    async fn told(&self, count: usize) -> Vec<String> {
        let took = self.receiver.took(count).await;
        took.iter().map(|each| each.json()["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// What Sentry says of run 1.
fn run(status: &str) -> Value {
    json!({ "run_id": 1, "status": status, "blocks": [], "repo_pr_states": {} })
}

fn step() -> Value {
    json!({ "run_id": 1, "group_id": 5 })
}

const SOON: Duration = Duration::from_millis(300);

#[tokio::test]
async fn what_became_of_a_silent_run_is_told_once_and_a_later_step_turns_it_back() {
    let rig = Rig::new();
    rig.api.put_run(
        "5",
        json!({ "run_id": 1, "status": "error", "repo_pr_states": { "acme/api": {
            "repo_name": "acme/api", "pr_creation_status": "error", "pr_creation_error": "branch protected" } } }),
    );
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("root_cause_completed", &step()).await;
    sentry.accepted("coding_started", &step()).await;
    let told = rig.told(3).await;
    assert_eq!(told, ["seer.root_cause_completed", "seer.coding_started", "relay.failed"]);

    let notice = rig.receiver.received()[2].json();
    let data = &notice["data"];
    assert_eq!((&data["event"]["resource"], &data["event"]["known"]), (&json!("relay"), &json!(true)));
    assert_eq!((&data["event"]["stage"], &data["event"]["phase"]), (&json!(null), &json!(null)));
    assert_eq!((&data["run"]["id"], &data["run"]["state"]), (&json!("1"), &json!("failed")));
    assert_eq!(data["run"]["stages"][2]["state"], "stalled");
    assert_eq!(data["run"]["pull_requests"][0]["reason"], "branch protected");
    assert_eq!((&data["issue"]["title"], data.get("payload")), (&json!("boom"), Some(&json!(null))));
    relay.stop().await;

    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("pr_created", &step()).await;
    assert_eq!(rig.told(4).await[3], "seer.pr_created");
    assert_eq!(rig.receiver.received()[3].json()["data"]["run"]["state"], "pr_created");
    // Of another run Sentry says nothing; once it was asked, the first one is behind it.
    sentry.accepted("coding_started", &json!({ "run_id": 2, "group_id": 5 })).await;
    assert_eq!(rig.told(6).await[4..], ["seer.coding_started", "relay.stalled"]);
    relay.stop().await;
    assert_eq!((rig.questions(), rig.receiver.count()), (2, 6));
}

#[tokio::test]
async fn a_run_at_work_is_stalled_and_what_became_of_it_is_told_as_well() {
    let rig = Rig::new();
    rig.api.put_run("5", run("processing"));
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("solution_started", &step()).await;
    rig.until_asked(1).await;
    rig.api.put_run("5", run("NEED_MORE_INFORMATION"));
    let told = rig.told(3).await;
    assert_eq!(told, ["seer.solution_started", "relay.stalled", "relay.waiting"]);
    let states: Vec<Value> =
        rig.receiver.received().iter().map(|each| each.json()["data"]["run"]["state"].clone()).collect();
    assert_eq!(states, ["solution_started", "stalled", "waiting_for_user"]);
    relay.stop().await;
    assert_eq!(rig.questions(), 2);
}

/// Holds that a run is stalled where Sentry answers like this, and how often it is asked.
async fn assert_stalled(fault: Option<Fault>, answer: Value, times: usize) {
    let rig = Rig::new();
    rig.api.put_run("5", answer.clone());
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("coding_started", &step()).await;
    rig.told(1).await; // With its issue: of that Sentry is asked before the trouble begins.
    rig.api.misbehave(fault);
    rig.until_asked(times).await;
    rig.api.misbehave(None);
    // Behind it in the order of acceptance: once that one is told, the first one is settled.
    rig.api.put("6", issue("6", "API-6", "bang", "api"));
    rig.api.put_run("6", json!({ "run_id": 9, "status": "error" }));
    sentry.accepted("coding_started", &json!({ "run_id": 9, "group_id": 6 })).await;
    let expected = ["seer.coding_started", "relay.stalled", "seer.coding_started", "relay.failed"];
    assert_eq!(rig.told(4).await, expected, "{fault:?} {answer}");
    let ids: Vec<Value> =
        rig.receiver.received().iter().map(|each| each.json()["data"]["run"]["id"].clone()).collect();
    assert!(ids.ends_with(&[json!("9"), json!("9")]), "{fault:?} {answer} {ids:?}");
    relay.stop().await;
    assert_eq!(rig.questions(), times + 1, "{fault:?} {answer}");
}

#[tokio::test]
async fn where_nothing_is_understood_a_run_is_stalled_and_asked_about_three_times_at_most() {
    let error = || run("error");
    tokio::join!(
        assert_stalled(Some(Fault::Html), error(), 3),
        assert_stalled(Some(Fault::OtherSchema), error(), 3),
        assert_stalled(Some(Fault::Status(403)), error(), 3),
        assert_stalled(Some(Fault::Status(404)), error(), 3),
        assert_stalled(None, Value::Null, 3),
        assert_stalled(None, run("processing"), 3),
    );
}

#[tokio::test]
async fn while_sentry_does_not_answer_one_run_waits_for_it_and_the_others_are_stalled_at_once() {
    let rig = Rig::new();
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("coding_started", &step()).await;
    rig.told(1).await; // With its issue: of that Sentry is asked before the trouble begins.
    rig.api.misbehave(Some(Fault::Status(500)));
    for run in 2..5 {
        sentry.accepted("coding_started", &json!({ "run_id": run, "group_id": 5 })).await;
    }
    let mut told = rig.told(8).await;
    told.sort();
    assert_eq!(told, [["relay.stalled"; 4], ["seer.coding_started"; 4]].concat());
    relay.stop().await;
    assert_eq!(rig.questions(), 1);
}

#[tokio::test]
async fn a_stage_without_an_end_is_stalled_whatever_sentry_says_and_another_run_says_nothing_of_it() {
    tokio::join!(
        assert_stalled(None, run("completed"), 1),
        assert_stalled(None, run("cancelled"), 1),
        assert_stalled(None, run("napping"), 1),
        assert_stalled(None, json!({ "run_id": 2, "status": "error" }), 1),
        assert_stalled(None, json!({ "status": "error" }), 1),
    );
}

/// The run's step that names a pull request of this repository, which could be opened or not.
fn opened(run: i64, repo: &str, number: Option<i64>) -> Value {
    let url = number.map(|number| format!("https://github.com/{repo}/pull/{number}"));
    let pull_request = json!({ "pr_id": number, "pr_number": number, "pr_url": url });
    json!({ "run_id": run, "group_id": 5,
        "pull_requests": [{ "provider": "github", "repo_name": repo, "pull_request": pull_request }] })
}

#[tokio::test]
async fn a_run_failed_where_no_pull_request_could_be_opened_and_not_where_one_was() {
    let failed =
        json!({ "repo_name": "acme/api", "pr_creation_status": "error", "pr_creation_error": "no right" });
    let completed = json!({ "run_id": 1, "status": "completed", "repo_pr_states": { "acme/api": failed } });
    let rig = Rig::new();
    rig.api.put_run("5", completed.clone());
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("pr_created", &opened(1, "acme/api", None)).await;
    assert_eq!(rig.told(2).await, ["seer.pr_created", "relay.failed"]);
    let run = &rig.receiver.received()[1].json()["data"]["run"];
    assert_eq!((&run["state"], &run["pull_requests"][0]["reason"]), (&json!("failed"), &json!("no right")));
    relay.stop().await;

    let rig = Rig::new();
    rig.api.put_run("5", completed);
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("pr_created", &opened(1, "acme/web", Some(12))).await;
    sentry.accepted("iteration_started", &json!({ "run_id": 1, "group_id": 5, "iteration_index": 1 })).await;
    assert_eq!(rig.told(3).await, ["seer.pr_created", "seer.iteration_started", "relay.stalled"]);
    relay.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_an_answer_and_the_run_is_asked_about_after_the_start() {
    let rig = Rig::new();
    rig.api.misbehave(Some(Fault::Hang));
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("coding_started", &step()).await;
    rig.until_asked(1).await;
    let began = Instant::now();
    relay.stop().await;
    assert!(began.elapsed() < Duration::from_secs(2), "took {:?}", began.elapsed());

    rig.api.misbehave(None);
    rig.api.put_run("5", run("error"));
    let (relay, _) = rig.relay(SOON).await;
    assert_eq!(rig.told(2).await, ["seer.coding_started", "relay.failed"]);
    relay.stop().await;
}

#[tokio::test]
async fn a_step_that_comes_while_sentry_is_asked_wins() {
    let rig = Rig::new();
    rig.api.put_run("5", run("error"));
    rig.api.misbehave(Some(Fault::Hang));
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("coding_started", &step()).await;
    rig.until_asked(1).await;
    sentry.accepted("coding_completed", &step()).await;
    rig.told(2).await;
    relay.stop().await;
    rig.api.misbehave(None);
    rig.api.put_run("5", run("completed"));
    let (relay, sentry) = rig.relay(SOON).await;
    rig.until_asked(2).await;
    sentry.accepted("pr_created", &step()).await;
    assert_eq!(rig.told(3).await.iter().filter(|told| told.starts_with("relay.")).count(), 0);
    relay.stop().await;
}

/// A clock that is turned by hand.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn clock(&self) -> Clock {
        let turned = Arc::clone(&self.0);
        Clock::from_fn(move || {
            Clock::system().now() + SignedDuration::from_mins(turned.load(Ordering::Relaxed))
        })
    }

    fn turn(&self, minutes: i64) {
        self.0.fetch_add(minutes, Ordering::Relaxed);
    }
}

/// A relay without a token, and a destination that gets everything with the notices.
struct Deaf {
    receiver: Receiver,
    folder: RelayFolder,
    hand: Hand,
}

impl Deaf {
    fn new() -> Self {
        let receiver = Receiver::start();
        let routes = format!(
            "[webhook.audit]\nurl = \"{}\"\n[[route]]\nto = [\"audit\"]\n\
             [[route]]\nwhen = {{ action = \"relay.*\" }}\nto = [\"audit\"]\n",
            receiver.url("/audit")
        );
        Self { receiver, folder: RelayFolder::new(&routes), hand: Hand::default() }
    }

    /// Starts the relay, which watches like this.
    async fn relay(&self, watch: WatchConfig) -> (Running, Sentry) {
        let environment = Environment::from_pairs([("CLIENT_SECRET", SECRET)]);
        let mut checked = load_checked(&self.folder.config(), &environment).unwrap();
        checked.config.watch = watch;
        let relay = start(checked, self.hand.clock()).await.unwrap();
        let sentry = Sentry::new(&relay.address().to_string());
        (relay, sentry)
    }

    /// Waits until so many messages arrived; returns what they are and of which run.
    async fn told(&self, count: usize) -> Vec<(String, Option<String>)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let told = |each: &Received| {
            let document = each.json();
            (text(&document["type"]).unwrap(), text(&document["data"]["run"]["id"]))
        };
        self.receiver.took(count).await.iter().map(told).collect()
    }
}

fn of_run(action: &str, run: &str) -> (String, Option<String>) {
    (action.to_owned(), Some(run.to_owned()))
}

/// Ten minutes for every stage.
fn ten_minutes() -> WatchConfig {
    WatchConfig { stall_after: StallAfter::all(Some(Duration::from_mins(10))), ..WatchConfig::OFF }
}

#[tokio::test]
async fn without_a_token_a_stage_that_does_not_end_is_stalled_once_through_restarts() {
    let deaf = Deaf::new();
    let mut watch = ten_minutes();
    watch.stall_after.coding = Some(Duration::from_hours(2));
    let (relay, sentry) = deaf.relay(watch).await;
    for (action, run) in [("root_cause_started", 1), ("coding_started", 2), ("solution_completed", 3)] {
        sentry.accepted(action, &json!({ "run_id": run })).await;
    }
    deaf.told(3).await;
    relay.stop().await;

    deaf.hand.turn(11);
    let (relay, _) = deaf.relay(watch).await;
    assert_eq!(deaf.told(4).await[3], of_run("relay.stalled", "1"));
    let notice = deaf.receiver.received()[3].json();
    let run = &notice["data"]["run"];
    assert_eq!((&run["state"], &run["stages"][0]["state"]), (&json!("stalled"), &json!("stalled")));
    assert_eq!(notice["data"]["event"]["silent_seconds"].as_u64().unwrap() / 60, 11);
    assert_eq!(deaf.folder.json(&["runs"])[0]["state"], "stalled");
    relay.stop().await;

    deaf.hand.turn(120);
    let (relay, sentry) = deaf.relay(watch).await;
    assert_eq!(deaf.told(5).await[4], of_run("relay.stalled", "2"), "once each, and what ended never");
    sentry.accepted("root_cause_completed", &json!({ "run_id": 1 })).await;
    assert_eq!(deaf.told(6).await[5], of_run("seer.root_cause_completed", "1"));
    let late = deaf.receiver.received()[5].json();
    assert_eq!(late["data"]["run"]["state"], "root_cause_completed", "a late end turns it back");
    relay.stop().await;
}

#[tokio::test]
async fn nothing_is_told_of_what_fell_silent_a_day_ago_or_while_nobody_watched() {
    let deaf = Deaf::new();
    let (relay, sentry) = deaf.relay(ten_minutes()).await;
    for run in 1..=50 {
        sentry.accepted("coding_started", &json!({ "run_id": run })).await;
    }
    deaf.told(50).await;
    relay.stop().await;
    for (turned, watch, run) in
        [(25 * 60, ten_minutes(), 51), (5, WatchConfig::OFF, 52), (11, ten_minutes(), 53)]
    {
        deaf.hand.turn(turned);
        let (relay, sentry) = deaf.relay(watch).await;
        sentry.accepted("coding_started", &json!({ "run_id": run })).await;
        assert_eq!(deaf.told(run).await[run - 1], of_run("seer.coding_started", &run.to_string()));
        relay.stop().await;
    }
    deaf.hand.turn(11);
    let (relay, _) = deaf.relay(ten_minutes()).await;
    assert_eq!(deaf.told(54).await[53], of_run("relay.stalled", "53"));
    relay.stop().await;
}

#[tokio::test]
async fn the_silence_of_webhooks_is_told_once_with_the_bad_signatures_of_that_time() {
    let deaf = Deaf::new();
    let watch = WatchConfig { silent_after: Some(Duration::from_mins(3)), ..WatchConfig::OFF };
    for run in [1, 2] {
        // A relay that is down hears nothing, and counts from its start.
        deaf.hand.turn(100);
        let (relay, sentry) = deaf.relay(watch).await;
        sentry.accepted("coding_started", &json!({ "run_id": run })).await;
        assert_eq!(deaf.told(run).await[run - 1], of_run("seer.coding_started", &run.to_string()));
        let body = Sentry::body("pr_created", &json!({ "run_id": 9 }));
        let signature = Sentry::sign(&body, "another secret");
        let refused = sentry.post_raw(body, &[("sentry-hook-signature", &signature)]).await;
        assert_eq!(refused.status().as_u16(), 401);
        relay.stop().await;
    }
    deaf.hand.turn(4);
    let (relay, _) = deaf.relay(watch).await;
    assert_eq!(deaf.told(3).await[2], ("relay.silent".to_owned(), None));
    let data = deaf.receiver.received()[2].json()["data"].clone();
    assert_eq!(data["event"]["silent_seconds"].as_u64().unwrap() / 60, 4);
    assert_eq!((&data["event"]["bad_signatures"], &data["organization"]), (&json!(1), &json!("acme")));
    assert!(data["event"]["last_heard_at"].is_string(), "{data}");
    assert_eq!(deaf.folder.json(&["runs"]).as_array().unwrap().len(), 2, "it is no run");
    relay.stop().await;

    deaf.hand.turn(4);
    let (relay, sentry) = deaf.relay(watch).await;
    sentry.accepted("coding_started", &json!({ "run_id": 3 })).await;
    assert_eq!(deaf.told(4).await[3], of_run("seer.coding_started", "3"), "it is told once");
    relay.stop().await;
}
