//! Runs that fall silent, through the whole relay: what Sentry's API says of them becomes a notice, once, or nothing.
//!
//! The relay runs in the test's process, so that it can be told to ask sooner than the settings allow.

use std::time::{Duration, Instant};

use seer_relay::app::{Running, start};
use seer_relay::check::load_checked;
use seer_relay::clock::Clock;
use seer_relay::config::Environment;
use seer_relay::demo::receivers::sentry::{Fault, Question, SentryStandIn, issue};
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use crate::support::{PATIENCE, Receiver, RelayFolder, SECRET, Sentry};

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
        checked.config.watch.stall_after = Some(stall_after);
        let relay = start(checked.config, checked.renderer, Clock::system()).await.unwrap();
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
    rig.until_asked(2).await;
    rig.told(5).await;
    relay.stop().await;
    assert_eq!((rig.questions(), rig.receiver.count()), (2, 5));
}

#[tokio::test]
async fn a_run_that_waits_for_somebody_is_told_as_well_and_one_at_work_only_once_it_is_not() {
    let rig = Rig::new();
    rig.api.put_run("5", run("processing"));
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("solution_started", &step()).await;
    rig.until_asked(1).await;
    rig.api.put_run("5", run("NEED_MORE_INFORMATION"));
    assert_eq!(rig.told(2).await, ["seer.solution_started", "relay.waiting"]);
    assert_eq!(rig.receiver.received()[1].json()["data"]["run"]["state"], "waiting_for_user");
    relay.stop().await;
    assert_eq!(rig.questions(), 2);
}

/// Holds that nothing is told of a run where Sentry answers like this, and how often it is asked.
async fn assert_unknown(fault: Option<Fault>, answer: Value, times: usize) {
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
    let told = rig.told(3).await;
    assert_eq!(told, ["seer.coding_started", "seer.coding_started", "relay.failed"], "{fault:?} {answer}");
    assert_eq!(rig.receiver.received()[2].json()["data"]["run"]["id"], "9", "{fault:?} {answer}");
    relay.stop().await;
    assert_eq!(rig.questions(), times + 1, "{fault:?} {answer}");
}

#[tokio::test]
async fn whatever_is_not_understood_says_nothing_and_is_asked_three_times_at_most() {
    let error = || run("error");
    tokio::join!(
        assert_unknown(Some(Fault::Html), error(), 3),
        assert_unknown(Some(Fault::OtherSchema), error(), 3),
        assert_unknown(Some(Fault::Status(403)), error(), 3),
        assert_unknown(Some(Fault::Status(404)), error(), 3),
        assert_unknown(None, Value::Null, 3),
        assert_unknown(None, run("processing"), 3),
    );
}

#[tokio::test]
async fn a_run_that_ended_otherwise_and_another_run_say_nothing() {
    tokio::join!(
        assert_unknown(None, run("completed"), 1),
        assert_unknown(None, run("cancelled"), 1),
        assert_unknown(None, run("napping"), 1),
        assert_unknown(None, json!({ "run_id": 2, "status": "error" }), 1),
        assert_unknown(None, json!({ "status": "error" }), 1),
    );
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
    rig.api.misbehave(Some(Fault::RetryAfter(Duration::from_secs(1))));
    let (relay, sentry) = rig.relay(SOON).await;
    sentry.accepted("coding_started", &step()).await;
    rig.until_asked(1).await;
    rig.api.misbehave(None);
    sentry.accepted("coding_completed", &step()).await;
    sentry.accepted("coding_started", &json!({ "run_id": 2, "group_id": 5 })).await;
    rig.until_asked(2).await;
    assert_eq!(rig.told(3).await.iter().filter(|told| told.starts_with("relay.")).count(), 0);
    relay.stop().await;
}
