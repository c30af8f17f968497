//! The ladder: what becomes of a message whose body the platform calls malformed.

use serde_json::{Value, json};

use crate::support::{Answer, Receiver, Relay, RelayFolder};

/// A platform that calls bodies malformed.
struct Platform {
    routes: fn(&Receiver) -> String,
    refusal: fn() -> Answer,
    words: &'static str,
}

const SLACK: Platform = Platform {
    routes: |receiver| {
        format!(
            "[slack.team]\nwebhook_url = \"{}\"\n[[route]]\nname = \"all\"\nto = [\"team\"]\n",
            receiver.url("/slack/T/B/x")
        )
    },
    refusal: || Answer::Refuse(400, vec![], "invalid_blocks".to_owned()),
    words: "invalid_blocks",
};

const DISCORD: Platform = Platform {
    routes: |receiver| {
        format!(
            "[discord.team]\nwebhook_url = \"{}\"\nstyle = \"messages\"\n[[route]]\nname = \"all\"\nto = [\"team\"]\n",
            receiver.url("/discord/1/x")
        )
    },
    refusal: || {
        let fault = json!({ "_errors": [{ "message": "Must be 256 or fewer in length." }] });
        let body = json!({
            "code": 50035,
            "message": "Invalid Form Body",
            "errors": { "embeds": { "0": { "title": fault } } },
        });
        Answer::Refuse(400, vec![("content-type", "application/json".to_owned())], body.to_string())
    },
    words: "50035 Invalid Form Body (embeds.0.title: Must be 256 or fewer in length.)",
};

/// Plays a message that is refused so often; returns the relay, and the bodies in order.
async fn play(
    platform: &Platform,
    folder: &RelayFolder,
    receiver: &Receiver,
    refusals: usize,
) -> (Relay, Vec<Value>) {
    receiver.next((0..refusals).map(|_| (platform.refusal)()));
    let relay = folder.serve();
    relay.sentry().accepted("root_cause_completed", &json!({
        "run_id": 7, "group_id": 5,
        "root_cause": { "one_line_description": "The **total** is null.", "five_whys": ["One.", "Two."] },
    }))
    .await;
    folder
        .until("it has ended", |list| {
            list.iter().any(|each| each["state"] != "waiting" && each["state"] != "sending")
        })
        .await;
    let bodies = receiver.received().iter().map(crate::support::Received::json).collect();
    (relay, bodies)
}

/// The attempts on record: rung, words, and how many milliseconds after the one before.
fn attempts(folder: &RelayFolder) -> Vec<(String, Option<String>, i64)> {
    let store = rusqlite::Connection::open(folder.store()).unwrap();
    let mut attempts = store.prepare("SELECT rung, words, started_at FROM attempt ORDER BY attempt").unwrap();
    let rows = attempts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?))).unwrap();
    let mut before = None;
    rows.map(|row| {
        let (rung, words, started_at) = row.unwrap();
        let since = started_at - before.replace(started_at).unwrap_or(started_at);
        (rung, words, since / 1_000)
    })
    .collect()
}

async fn goes_down(platform: &Platform, refusals: usize) -> Vec<Value> {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&(platform.routes)(&receiver));
    let (relay, bodies) = play(platform, &folder, &receiver, refusals).await;
    let attempts = attempts(&folder);
    let rungs: Vec<&str> = attempts.iter().map(|(rung, ..)| rung.as_str()).collect();
    assert_eq!(rungs, ["whole", "brief", "line"][..(refusals + 1).min(3)]);
    for (index, (_, words, since)) in attempts.iter().enumerate() {
        assert_eq!(words.as_deref(), (index < refusals).then_some(platform.words));
        assert!(*since < 5_000, "a rung is tried at once, not after {since} ms");
    }
    let told = relay.logged("a plainer form follows");
    assert!(
        told["level"] == "WARN" && told.to_string().contains(&json!(platform.words).to_string()),
        "{told}"
    );
    let again: Vec<Value> = relay.log().into_iter().filter(|line| line["level"] == "WARN").collect();
    assert!(again.is_empty(), "{again:#?}");
    let metrics = relay.metrics(&folder).await;
    assert!(metrics.contains("seer_relay_messages_refused_total{destination=\"team\"} 1"), "{metrics}");
    let refused = format!("outcome=\"client_error\"}} {refusals}");
    assert!(metrics.contains(&refused), "{metrics}");
    bodies
}

#[tokio::test]
async fn slack_gets_the_message_without_its_body_and_then_one_line() {
    let bodies = goes_down(&SLACK, 2).await;
    let [whole, brief, line] = bodies.try_into().unwrap();
    assert!(
        whole["blocks"].as_array().unwrap().len() > brief["blocks"].as_array().unwrap().len(),
        "{brief:#}"
    );
    assert!(brief["blocks"].as_array().unwrap().iter().all(|block| block["type"] == "section"), "{brief:#}");
    assert!(line.get("blocks").is_none(), "{line:#}");
    let text = line["text"].as_str().unwrap();
    assert!(text.starts_with("Root cause found") && !text.contains('\n'), "{text}");
}

#[tokio::test]
async fn discord_gets_the_message_without_its_body_and_then_one_line() {
    let bodies = goes_down(&DISCORD, 2).await;
    let [whole, brief, line] = bodies.try_into().unwrap();
    let length = |body: &Value| body["embeds"][0]["description"].as_str().unwrap().len();
    assert!(length(&whole) > length(&brief), "{brief:#}");
    assert!(line.get("embeds").is_none() && line["allowed_mentions"] == json!({ "parse": [] }), "{line:#}");
    let content = line["content"].as_str().unwrap();
    assert!(content.starts_with("Root cause found") && !content.contains('\n'), "{content}");
}

#[tokio::test]
async fn the_first_plainer_form_that_is_taken_ends_it_and_the_last_refusal_is_a_dead_letter() {
    assert_eq!(goes_down(&SLACK, 1).await.len(), 2);
    assert_eq!(goes_down(&SLACK, 3).await.len(), 3);
}
