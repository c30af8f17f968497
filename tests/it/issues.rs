//! Issues, through the whole relay: what alerts and Sentry's API say of them, in messages and in routes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use seer_relay::clock::Clock;
use seer_relay::demo::receivers::sentry::{Fault, SentryStandIn, issue};
use serde_json::{Value, json};

use crate::support::{Received, Receiver, RelayFolder, SECRET, Sentry};

const TOKEN: &str = "hunter2-hunter2-hunter2";

/// A `webhook` destination for everything.
fn everything(receiver: &Receiver) -> String {
    format!(
        "[webhook.audit]\nurl = \"{}\"\n[[route]]\nname = \"all\"\nto = [\"audit\"]\n",
        receiver.url("/audit")
    )
}

async fn alert(sentry: &Sentry, activity: &str, issue: &Value) {
    let data =
        json!({ "issue": issue, "activity": { "type": activity, "details": {} }, "alert": { "id": 1 } });
    let body = Sentry::body("triggered", &data);
    let signature = Sentry::sign(&body, SECRET);
    let head = [("sentry-hook-signature", signature.as_str()), ("sentry-hook-resource", "activity_alert")];
    assert_eq!(sentry.post_raw(body, &head).await.status().as_u16(), 202);
}

/// What the receiver took of each run, by its id: the action and title of each message, in order.
fn told(messages: &[Received]) -> Vec<(String, Option<String>)> {
    let told = |message: &Received| {
        let document = message.json();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        (text(&document["type"]).unwrap(), text(&document["data"]["issue"]["title"]))
    };
    messages.iter().map(told).collect()
}

#[tokio::test]
async fn an_alert_names_the_issue_for_itself_and_for_the_webhooks_after_it_without_any_token() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&everything(&receiver));
    let relay = folder.serve();
    let sentry = relay.sentry();
    sentry.accepted("root_cause_completed", &json!({ "run_id": 1, "group_id": 5 })).await;
    receiver.took(1).await;
    alert(&sentry, "seer_root_cause_completed", &issue("5", "API-5", "boom", "api")).await;
    receiver.took(2).await;
    sentry.accepted("solution_started", &json!({ "run_id": 1, "group_id": 5 })).await;
    receiver.took(3).await;
    sentry.accepted("solution_started", &json!({ "run_id": 2, "group_id": 6 })).await;

    let boom = || Some("boom".to_owned());
    let expected = [
        ("seer.root_cause_completed", None),
        ("activity_alert.seer_root_cause_completed", boom()),
        ("seer.solution_started", boom()),
        ("seer.solution_started", None),
    ];
    let messages = receiver.took(4).await;
    assert_eq!(told(&messages), expected.map(|(kind, title)| (kind.to_owned(), title)));
    let issue = &messages[1].json()["data"]["issue"];
    assert_eq!((&issue["short_id"], &issue["project"]["slug"]), (&json!("API-5"), &json!("api")));
    let run = messages[2].json()["data"]["run"].clone();
    assert_eq!((&run["id"], &run["stages"][0]["times"]), (&json!("1"), &json!(1)));
}

#[tokio::test]
async fn a_step_that_an_alert_tells_as_well_is_one_message_in_chat_through_a_restart() {
    let (audit, chat) = (Receiver::start(), Receiver::start());
    let routes = format!(
        "{}[slack.chat]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n[[route]]\nname = \"chat\"\nto = [\"chat\"]\n",
        everything(&audit),
        chat.url("/slack/chat")
    );
    let folder = RelayFolder::new(&routes);
    let boom = issue("5", "API-5", "boom", "api");

    let relay = folder.serve();
    alert(&relay.sentry(), "seer_root_cause_completed", &boom).await;
    assert!(relay.terminate().success());
    let relay = folder.serve();
    relay.sentry().accepted("root_cause_completed", &json!({ "run_id": 1, "group_id": 5 })).await;
    audit.took(2).await;
    relay.sentry().accepted("solution_completed", &json!({ "run_id": 1, "group_id": 5 })).await;
    audit.took(3).await;
    assert!(relay.terminate().success());
    let relay = folder.serve();
    alert(&relay.sentry(), "seer_solution_completed", &boom).await;
    audit.took(4).await;
    folder.until_nothing_waits().await;

    let kinds: Vec<String> = told(&audit.taken()).into_iter().map(|(kind, _)| kind).collect();
    let expected = [
        "seer.root_cause_completed",
        "activity_alert.seer_root_cause_completed",
        "seer.solution_completed",
        "activity_alert.seer_solution_completed",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(chat.count(), 2, "{:?}", chat.taken());
    let shown = folder.json(&["show", "acme/1"]);
    assert_eq!(shown["events"].as_array().unwrap().len(), 4);
    assert_eq!(shown["issue"]["short_id"], "API-5");
}

/// A relay that asks this stand-in, and sends everything to `receiver`, what is of project `api` also to `project`.
fn asking(api: &SentryStandIn, receiver: &Receiver, project: &Receiver) -> RelayFolder {
    let routes = format!(
        "{}[webhook.api]\nurl = \"{}\"\n[[route]]\nname = \"api\"\nwhen = {{ project = \"api\", level = \"error\" }}\n\
         to = [\"api\"]\n",
        everything(receiver),
        project.url("/api")
    );
    let mut folder = RelayFolder::asking(&api.url(), &routes);
    folder.set("API_TOKEN", TOKEN);
    folder
}

fn stand_in() -> SentryStandIn {
    let api = SentryStandIn::start("acme", Clock::system()).unwrap();
    api.grant(TOKEN, &["event:read"]);
    api
}

#[tokio::test]
async fn what_sentry_says_of_an_issue_is_in_routes_and_messages_and_was_asked_for_once() {
    let api = stand_in();
    for group in ["5", "6"] {
        let project = if group == "5" { "api" } else { "web" };
        api.put(group, issue(group, &format!("API-{group}"), &format!("boom {group}"), project));
    }
    let (receiver, project) = (Receiver::start(), Receiver::start());
    let folder = asking(&api, &receiver, &project);
    let relay = folder.serve();

    let sentry = relay.sentry();
    for run in 0..30 {
        let ids = json!({ "run_id": run, "group_id": 5 + run % 2 });
        sentry.accepted("root_cause_started", &ids).await;
        sentry.accepted("root_cause_completed", &ids).await;
    }

    let mut of_run = HashMap::<String, Vec<String>>::new();
    for message in receiver.took(60).await {
        let document = message.json();
        let of = &document["data"];
        let title = format!("boom {}", of["issue"]["id"].as_str().unwrap());
        assert_eq!(of["issue"]["title"], title, "every one knows its issue");
        let action = of["event"]["action"].as_str().unwrap().to_owned();
        of_run.entry(of["run"]["id"].as_str().unwrap().to_owned()).or_default().push(action);
    }
    assert!(of_run.values().all(|actions| *actions == ["root_cause_started", "root_cause_completed"]));
    folder.until_nothing_waits().await;
    assert_eq!(project.count(), 30, "only what is of its project");
    let asked = api.asked();
    assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [200, 200], "{asked:?}");
    assert!(!relay.log().iter().any(|line| line.to_string().contains(TOKEN)));
}

#[tokio::test]
async fn a_step_that_is_told_by_the_ids_of_a_merged_issue_and_of_its_survivor_is_one_message_in_chat() {
    let api = stand_in();
    for (merged, survivor) in [("5", "75"), ("6", "76")] {
        api.put(survivor, issue(survivor, &format!("API-{survivor}"), "boom", "api"));
        api.merge(merged, survivor);
    }
    let (audit, project, chat) = (Receiver::start(), Receiver::start(), Receiver::start());
    let folder = asking(&api, &audit, &project);
    folder.add_route(&format!(
        "[slack.chat]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n[[route]]\nname = \"chat\"\nto = [\"chat\"]\n",
        chat.url("/slack/chat")
    ));
    let relay = folder.serve();
    let sentry = relay.sentry();
    sentry.accepted("root_cause_completed", &json!({ "run_id": 1, "group_id": 5 })).await;
    audit.took(1).await;
    alert(&sentry, "seer_root_cause_completed", &issue("75", "API-75", "boom", "api")).await;
    audit.took(2).await;
    alert(&sentry, "seer_root_cause_completed", &issue("76", "API-76", "boom", "api")).await;
    sentry.accepted("root_cause_completed", &json!({ "run_id": 2, "group_id": 6 })).await;
    audit.took(4).await;
    folder.until_nothing_waits().await;

    assert_eq!(chat.count(), 2, "{:?}", chat.taken());
    for run in ["acme/1", "acme/2"] {
        assert_eq!(folder.json(&["show", run])["events"].as_array().unwrap().len(), 2, "{run}");
    }
}

#[tokio::test]
async fn no_message_waits_longer_for_its_issue_than_it_may_and_histories_say_why_it_went_without() {
    let api = stand_in();
    api.misbehave(Some(Fault::Hang));
    let (receiver, project) = (Receiver::start(), Receiver::start());
    let folder = asking(&api, &receiver, &project);
    folder.add_setting("lookup_wait = \"300ms\"");
    let relay = folder.serve();

    let sentry = relay.sentry();
    let began = Instant::now();
    for group in 0..20 {
        sentry.accepted("root_cause_started", &json!({ "run_id": group, "group_id": group })).await;
    }
    let messages = receiver.took(20).await;
    let slowest = messages.iter().map(|message| message.at.duration_since(began)).max().unwrap();
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(messages.iter().all(|message| message.json()["data"]["issue"]["title"].is_null()));
    assert_eq!(project.count(), 0);

    let shown = folder.json(&["show", "acme/7"]);
    assert_eq!(shown["events"][0]["issue_unknown"], true, "{shown}");
    let page = folder.run(&["show", "acme/7"]);
    assert!(String::from_utf8_lossy(&page.stdout).contains("all (the issue was not known)"));
}
