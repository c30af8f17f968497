//! One card per run: posted once, edited from then on, with a short message beside it for what counts.

use serde_json::{Value, json};

use crate::support::{Answer, Received, Receiver, Relay, RelayFolder, mute_now};

const ROUTE: &str = "rate = \"unlimited\"\n[[route]]\nname = \"all\"\nto = [\"fixes\"]\n";

fn slack(receiver: &Receiver) -> RelayFolder {
    let routes = format!(
        "[slack.fixes]\nbot_token = {{ env = \"SLACK_BOT_TOKEN\" }}\nchannel = \"C0FIXES00\"\napi_url = \"{}\"\n{ROUTE}",
        receiver.url("/api")
    );
    let mut folder = RelayFolder::new(&routes);
    folder.set("SLACK_BOT_TOKEN", "xoxb-known-to-the-tests");
    folder
}

fn discord(receiver: &Receiver, more: &str) -> RelayFolder {
    let url = receiver.url("/discord/7/token");
    RelayFolder::new(&format!("[discord.fixes]\nwebhook_url = \"{url}\"\n{more}{ROUTE}"))
}

fn refusal(error: &str) -> Answer {
    Answer::Refuse(200, Vec::new(), json!({ "ok": false, "error": error }).to_string())
}

fn lost() -> Answer {
    Answer::Refuse(502, Vec::new(), "a gateway".to_owned())
}

/// An event of run 1.
async fn event(relay: &Relay, action: &str) {
    let data = json!({ "run_id": 1, "group_id": 5, "pull_requests": [{ "repo_name": "acme/api",
        "pull_request": { "pr_number": 12, "pr_url": "https://github.com/acme/api/pull/12" } }] });
    relay.sentry().accepted(action, &data).await;
}

/// Accepts an event of run 1 and waits until so many messages were taken in all.
async fn told(relay: &Relay, receiver: &Receiver, action: &str, taken: usize) {
    event(relay, action).await;
    receiver.took(taken).await;
}

/// The method of each call, and which message it is about.
fn calls(received: &[Received]) -> Vec<(&str, Value)> {
    let about =
        |each: &Received| serde_json::from_slice::<Value>(&each.body).unwrap_or_default()["ts"].clone();
    received.iter().map(|each| (method(&each.target), about(each))).collect()
}

fn method(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

#[tokio::test]
async fn a_card_is_posted_once_and_edited_from_then_on_through_a_restart() {
    let receiver = Receiver::start();
    let folder = slack(&receiver);
    let relay = folder.serve();
    told(&relay, &receiver, "root_cause_started", 1).await;
    told(&relay, &receiver, "root_cause_completed", 2).await;
    assert!(relay.terminate().success());
    let relay = folder.serve();
    told(&relay, &receiver, "solution_started", 3).await;
    relay.sentry().accepted("root_cause_started", &json!({ "run_id": 2, "group_id": 5 })).await;
    let taken = receiver.took(4).await;

    let first = json!("1.0");
    assert_eq!(
        calls(&taken),
        [
            ("chat.postMessage", Value::Null),
            ("chat.update", first.clone()),
            ("chat.update", first),
            ("chat.postMessage", Value::Null),
        ]
    );
    assert_eq!(taken[0].json()["channel"], "C0FIXES00");
    let edit = taken[2].json();
    assert_eq!(edit["channel"], "C-of-C0FIXES00", "an edit names the channel as Slack did");
    assert!(edit.get("unfurl_links").is_none() && edit["metadata"] == taken[0].json()["metadata"]);
    assert!(edit["text"].as_str().unwrap().contains("Planning"), "{edit}");
}

#[tokio::test]
async fn what_counts_is_announced_beside_the_card_and_behind_it() {
    let receiver = Receiver::start();
    let folder = slack(&receiver);
    let relay = folder.serve();
    told(&relay, &receiver, "coding_completed", 1).await;
    told(&relay, &receiver, "pr_created", 3).await;
    told(&relay, &receiver, "pr_ready_for_review", 4).await;
    folder.until_nothing_waits().await;

    let taken = receiver.taken();
    let first = || json!("1.0");
    assert_eq!(
        calls(&taken),
        [
            ("chat.postMessage", Value::Null),
            ("chat.update", first()),
            ("chat.postMessage", Value::Null),
            ("chat.update", first()),
        ],
        "the pull request is announced once"
    );
    let announced = taken[2].json();
    assert_eq!((&announced["thread_ts"], &announced["reply_broadcast"]), (&first(), &json!(true)));
    let parts: Vec<Value> =
        folder.json(&["deliveries"]).as_array().unwrap().iter().map(|row| row["part"].clone()).collect();
    assert_eq!(parts, ["announcement", "card", "announcement", "card", "card"]);
}

#[tokio::test]
async fn an_edit_that_would_change_nothing_is_not_made() {
    let receiver = Receiver::start();
    let folder = slack(&receiver);
    let relay = folder.serve();
    told(&relay, &receiver, "coding_completed", 1).await;
    event(&relay, "root_cause_started").await;
    folder.until_nothing_waits().await;

    assert_eq!(receiver.count(), 1);
    assert_eq!(folder.json(&["deliveries"])[0]["state"], "superseded");
}

#[tokio::test]
async fn edits_that_wait_become_one_and_the_others_are_counted() {
    let receiver = Receiver::start();
    let (card, hook) = (receiver.url("/discord/7/token"), receiver.url("/hook"));
    let folder = RelayFolder::new(&format!(
        "[discord.fixes]\nwebhook_url = \"{card}\"\n[webhook.audit]\nurl = \"{hook}\"\n{}\
         [[route]]\nname = \"card\"\nto = \"fixes\"\nmute = \"now\"\n\
         [[route]]\nname = \"audit\"\nwhen = {{ action = \"solution_started\" }}\nto = \"audit\"\n",
        mute_now()
    ));
    let relay = folder.serve();
    event(&relay, "root_cause_started").await;
    event(&relay, "root_cause_completed").await;
    folder.until("both are planned", |list| list.len() >= 2).await;
    // What is planned next is sent after all before it was counted.
    event(&relay, "solution_started").await;
    receiver.took(1).await;

    let rows = folder.json(&["deliveries", "--to", "fixes", "--state", "superseded"]);
    assert_eq!(rows.as_array().unwrap().len(), 2);
    let metrics = relay.metrics(&folder).await;
    let line = "seer_relay_cards_merged_total{destination=\"fixes\"} 2";
    assert!(metrics.lines().any(|shown| shown == line), "{metrics}");
}

#[tokio::test]
async fn a_replay_brings_back_a_card_that_somebody_deleted_though_nothing_changed_since() {
    let receiver = Receiver::start();
    let folder = slack(&receiver);
    let relay = folder.serve();
    told(&relay, &receiver, "root_cause_completed", 1).await;
    receiver.next([refusal("message_not_found")]);
    assert!(folder.run(&["replay", "1"]).status.success());
    receiver.took(2).await;

    let expected =
        [("chat.postMessage", Value::Null), ("chat.update", json!("1.0")), ("chat.postMessage", Value::Null)];
    assert_eq!(calls(&receiver.received()), expected);
}

#[tokio::test]
async fn a_card_that_can_no_longer_be_edited_is_posted_anew() {
    for error in ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"] {
        let receiver = Receiver::start();
        let folder = slack(&receiver);
        let relay = folder.serve();
        told(&relay, &receiver, "root_cause_started", 1).await;
        receiver.next([refusal(error)]);
        told(&relay, &receiver, "root_cause_completed", 2).await;
        told(&relay, &receiver, "solution_started", 3).await;

        let expected = [
            ("chat.postMessage", Value::Null),
            ("chat.update", json!("1.0")),
            ("chat.postMessage", Value::Null),
            ("chat.update", json!("3.0")),
        ];
        assert_eq!(calls(&receiver.received()), expected, "{error}");
    }
}

#[tokio::test]
async fn a_card_whose_answer_was_lost_is_looked_for_before_it_is_posted_again() {
    let receiver = Receiver::start();
    let folder = slack(&receiver);
    let relay = folder.serve();
    // What stands there is known by its mark, whatever else does.
    receiver.next([lost(), Answer::Refuse(200, Vec::new(), history(&["of another message"]))]);
    told(&relay, &receiver, "root_cause_started", 1).await;
    let all = receiver.received();
    let names: Vec<_> = calls(&all).into_iter().map(|(method, _)| method).collect();
    assert_eq!(names, ["chat.postMessage", "conversations.history", "chat.postMessage"]);
    let asked = String::from_utf8(all[1].body.to_vec()).unwrap();
    assert!(asked.starts_with("channel=C0FIXES00&oldest="), "{asked}");
    assert_eq!(in_doubt(&folder, &relay).await, ["absent 1"]);
}

#[tokio::test]
async fn a_card_that_stands_there_is_edited_though_its_answer_was_lost() {
    let receiver = Receiver::start();
    let folder = slack(&receiver);
    let relay = folder.serve();
    receiver.next([lost(), Answer::Hang]);
    event(&relay, "root_cause_started").await;
    receiver.more_than(1).await;
    let mark = receiver.received()[0].json()["metadata"]["event_payload"]["mark"].clone();
    relay.kill();
    let stands = history(&["of another message", mark.as_str().unwrap()]);
    receiver.next([Answer::Refuse(200, Vec::new(), stands)]);
    let relay = folder.serve();
    let taken = receiver.took(1).await;
    assert_eq!(calls(&taken), [("chat.update", json!("101.0"))]);
    assert_eq!(in_doubt(&folder, &relay).await, ["found 1"]);
    told(&relay, &receiver, "root_cause_completed", 2).await;
    assert_eq!(calls(&receiver.taken())[1], ("chat.update", json!("101.0")), "from then on, too");
}

#[tokio::test]
async fn where_nobody_can_say_whether_a_card_stands_there_it_is_posted_and_counted() {
    let receiver = Receiver::start();
    let folder = slack(&receiver);
    let relay = folder.serve();
    receiver.next([lost(), refusal("missing_scope")]);
    told(&relay, &receiver, "root_cause_started", 1).await;
    assert_eq!(in_doubt(&folder, &relay).await, ["unknown 1"]);

    let receiver = Receiver::start();
    let folder = discord(&receiver, "");
    let relay = folder.serve();
    receiver.next([lost()]);
    told(&relay, &receiver, "root_cause_started", 1).await;
    assert_eq!(receiver.count(), 2);
    assert_eq!(in_doubt(&folder, &relay).await, ["unknown 1"]);
}

#[tokio::test]
async fn each_time_a_message_may_have_come_once_more_is_counted() {
    let receiver = Receiver::start();
    let folder = discord(&receiver, "");
    let relay = folder.serve();
    receiver.next([lost(), lost(), lost()]);
    told(&relay, &receiver, "root_cause_started", 1).await;
    assert_eq!(receiver.count(), 4);
    assert_eq!(in_doubt(&folder, &relay).await, ["unknown 3"]);
}

#[tokio::test]
async fn an_edit_whose_answer_was_lost_is_made_again_without_a_doubt() {
    let receiver = Receiver::start();
    let folder = slack(&receiver);
    let relay = folder.serve();
    told(&relay, &receiver, "root_cause_started", 1).await;
    receiver.next([lost()]);
    told(&relay, &receiver, "root_cause_completed", 2).await;
    assert_eq!(receiver.count(), 3);
    assert!(in_doubt(&folder, &relay).await.is_empty());
}

#[tokio::test]
async fn discords_card_is_patched_and_its_announcement_stands_beside_it() {
    let receiver = Receiver::start();
    let folder = discord(&receiver, "");
    let relay = folder.serve();
    told(&relay, &receiver, "coding_completed", 1).await;
    told(&relay, &receiver, "pr_created", 3).await;

    let taken = receiver.taken();
    let targets: Vec<&str> = taken.iter().map(|each| each.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "/discord/7/token?wait=true&with_components=true",
            "/discord/7/token/messages/1?with_components=true",
            "/discord/7/token?wait=true&with_components=true",
        ]
    );
    for each in &taken {
        assert_eq!(each.json()["allowed_mentions"], json!({ "parse": [] }));
    }
    let edit = taken[1].json();
    assert!(edit["embeds"][0]["title"].as_str().unwrap().starts_with("Pull request opened"), "{edit}");
    assert_eq!(edit["content"], "", "an edit leaves nothing standing that it does not name");
}

#[tokio::test]
async fn a_card_that_discord_lost_is_posted_anew() {
    for (status, code) in [(404, 10008), (429, 30046), (400, 30046)] {
        let receiver = Receiver::start();
        let folder = discord(&receiver, "");
        let relay = folder.serve();
        told(&relay, &receiver, "root_cause_started", 1).await;
        let body = json!({ "code": code, "message": "no" }).to_string();
        receiver.next([Answer::Refuse(status, Vec::new(), body)]);
        told(&relay, &receiver, "root_cause_completed", 2).await;
        told(&relay, &receiver, "solution_started", 3).await;
        let targets: Vec<String> = receiver.received().into_iter().map(|each| each.target).collect();
        assert!(targets[1].contains("/messages/1") && targets[3].contains("/messages/3"), "{targets:?}");
    }
}

#[tokio::test]
async fn in_a_forum_a_run_has_a_thread_named_after_it() {
    let receiver = Receiver::start();
    let folder = discord(&receiver, "style = \"thread\"\nthread_name = \"Seer · {issue}\"\n");
    let relay = folder.serve();
    told(&relay, &receiver, "root_cause_started", 1).await;
    told(&relay, &receiver, "root_cause_completed", 2).await;
    let taken = receiver.taken();
    let name = taken[0].json()["thread_name"].clone();
    assert_eq!(name, "Seer · Issue 5");
    assert!(taken[1].target.ends_with("&thread_id=2"), "{}", taken[1].target);
    assert!(taken[1].json().get("thread_name").is_none());

    let receiver = Receiver::start();
    let folder = discord(&receiver, "thread_name = \"{title}\"\n");
    let relay = folder.serve();
    told(&relay, &receiver, "coding_completed", 1).await;
    told(&relay, &receiver, "pr_created", 3).await;
    let targets: Vec<String> = receiver.taken().into_iter().map(|each| each.target).collect();
    assert!(targets[1].contains("/messages/1?") && targets[1].ends_with("thread_id=2"), "{targets:?}");
    assert!(targets[2].ends_with("&thread_id=2"), "an announcement stands in the card's thread: {targets:?}");
}

#[tokio::test]
async fn a_channel_is_asked_for_by_its_name_once() {
    for (answer, channel) in [(channels(), "C0FIXES00"), (channels().replace("fixes", "others"), "#fixes")] {
        let receiver = Receiver::start();
        let folder = slack(&receiver);
        let routes = folder.config().join("routes.toml");
        let by_name = std::fs::read_to_string(&routes).unwrap().replace("\"C0FIXES00\"", "\"#fixes\"");
        std::fs::write(&routes, by_name).unwrap();
        let relay = folder.serve();
        receiver.next([Answer::Refuse(200, Vec::new(), answer)]);
        told(&relay, &receiver, "root_cause_started", 1).await;
        relay.sentry().accepted("root_cause_started", &json!({ "run_id": 2, "group_id": 6 })).await;
        receiver.took(2).await;

        let all = receiver.received();
        let names: Vec<_> = calls(&all).into_iter().map(|(method, _)| method).collect();
        assert_eq!(names, ["conversations.list", "chat.postMessage", "chat.postMessage"]);
        assert_eq!(all[1].json()["channel"], channel);
    }
}

fn channels() -> String {
    json!({ "ok": true, "channels": [{ "id": "C0OTHER00", "name": "other" }, { "id": "C0FIXES00", "name": "fixes" }] })
        .to_string()
}

/// A channel's messages with these marks, the newest first.
fn history(marks: &[&str]) -> String {
    let message = |(number, mark): (usize, &&str)| {
        let metadata = json!({ "event_type": "seer_relay_message", "event_payload": { "mark": mark } });
        json!({ "type": "message", "ts": format!("{}.0", 100 + number), "metadata": metadata })
    };
    let messages: Vec<Value> = marks.iter().enumerate().map(message).collect();
    json!({ "ok": true, "messages": messages, "has_more": false }).to_string()
}

/// What is counted of messages that were sent again after an answer was lost.
async fn in_doubt(folder: &RelayFolder, relay: &Relay) -> Vec<String> {
    folder.until_nothing_waits().await;
    let metrics = relay.metrics(folder).await;
    let lines = metrics.lines().filter(|line| line.starts_with("seer_relay_messages_in_doubt_total{"));
    let count = |line: &str| {
        let stood = line.split("stood=\"").nth(1)?.split('"').next()?;
        Some(format!("{stood} {}", line.rsplit(' ').next()?))
    };
    lines.filter_map(count).collect()
}
