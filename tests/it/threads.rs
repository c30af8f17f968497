//! One thread per run: the first message stands in the channel, and the rest answer it.

use serde_json::{Value, json};

use crate::support::{Answer, Receiver, RelayFolder};

fn bot(receiver: &Receiver) -> RelayFolder {
    let routes = format!(
        "[slack.fixes]\nbot_token = {{ env = \"SLACK_BOT_TOKEN\" }}\nchannel = \"C0FIXES00\"\napi_url = \"{}\"\n\
         style = \"thread\"\nrate = \"unlimited\"\n[[route]]\nname = \"all\"\nto = [\"fixes\"]\n",
        receiver.url("/api")
    );
    let mut folder = RelayFolder::new(&routes);
    folder.set("SLACK_BOT_TOKEN", "xoxb-known-to-the-tests");
    folder
}

fn refusal(error: &str) -> Answer {
    Answer::Refuse(200, Vec::new(), json!({ "ok": false, "error": error }).to_string())
}

/// Channel, thread and whether all see it, of each message that was taken.
fn places(receiver: &Receiver) -> Vec<(Value, Value, Value)> {
    let place = |body: Value| {
        let part = |name: &str| body[name].clone();
        (part("channel"), part("thread_ts"), part("reply_broadcast"))
    };
    receiver.taken().iter().map(|message| place(message.json())).collect()
}

#[tokio::test]
async fn a_runs_messages_answer_its_first_one_through_a_restart_and_what_counts_is_shown_to_all() {
    let receiver = Receiver::start();
    let folder = bot(&receiver);
    let ids = json!({ "run_id": 1, "group_id": 5 });
    let relay = folder.serve();
    relay.sentry().accepted("root_cause_started", &ids).await;
    receiver.took(1).await;
    relay.sentry().accepted("root_cause_completed", &ids).await;
    receiver.took(2).await;
    assert!(relay.terminate().success());
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &ids).await;
    receiver.took(3).await;
    relay.sentry().accepted("root_cause_started", &json!({ "run_id": 2, "group_id": 6 })).await;
    receiver.took(4).await;

    let first = || json!("1.0");
    let expected = [
        (json!("C0FIXES00"), Value::Null, Value::Null),
        (json!("C-of-C0FIXES00"), first(), json!(false)),
        (json!("C-of-C0FIXES00"), first(), json!(true)),
        (json!("C0FIXES00"), Value::Null, Value::Null),
    ];
    assert_eq!(places(&receiver), expected);
    assert!(receiver.taken().iter().all(|message| {
        message.target == "/api/chat.postMessage"
            && message.header("authorization") == Some("Bearer xoxb-known-to-the-tests")
    }));
}

#[tokio::test]
async fn where_the_first_message_was_removed_the_next_one_begins_a_thread() {
    let receiver = Receiver::start();
    let folder = bot(&receiver);
    let relay = folder.serve();
    let ids = json!({ "run_id": 1, "group_id": 5 });
    relay.sentry().accepted("root_cause_started", &ids).await;
    receiver.took(1).await;
    receiver.next([refusal("thread_not_found")]);
    relay.sentry().accepted("root_cause_completed", &ids).await;
    receiver.took(2).await;
    relay.sentry().accepted("solution_started", &ids).await;
    receiver.took(3).await;

    let threads: Vec<Value> = places(&receiver).into_iter().map(|(_, thread, _)| thread).collect();
    assert_eq!(threads, [Value::Null, Value::Null, json!("3.0")]);
}
