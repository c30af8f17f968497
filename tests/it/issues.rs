//! Issues, through the whole relay: what alerts and Sentry's API say of them, in messages and in routes.

use seer_relay::clock::Clock;
use seer_relay::demo::receivers::sentry::{SentryStandIn, issue};
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use crate::support::{PATIENCE, Receiver, RelayFolder, SECRET, Sentry};

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

#[tokio::test]
async fn an_alert_names_the_issue_for_itself_and_for_the_webhooks_after_it_without_any_token() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&everything(&receiver));
    let relay = folder.serve();
    alert(&relay.sentry(), "seer_root_cause_started", &issue("5", "API-5", "boom", "api")).await;
    receiver.took(1).await;
    relay.sentry().accepted("solution_started", &json!({ "run_id": 1, "group_id": 5 })).await;
    relay.sentry().accepted("solution_started", &json!({ "run_id": 2, "group_id": 6 })).await;

    let mut told: Vec<_> =
        receiver.took(3).await.iter().map(|each| each.json()["data"]["issue"].clone()).collect();
    told.sort_by_key(|issue| issue["short_id"].is_null());
    for issue in &told[..2] {
        assert_eq!((&issue["short_id"], &issue["title"]), (&json!("API-5"), &json!("boom")));
        assert_eq!(issue["project"]["slug"], "api");
    }
    assert_eq!((&told[2]["id"], &told[2]["title"]), (&json!("6"), &json!(null)));
}

#[tokio::test]
async fn what_sentry_says_of_an_issue_is_in_routes_and_messages_and_was_asked_for_once() {
    let api = SentryStandIn::start("acme", Clock::system()).unwrap();
    api.grant(TOKEN, &["event:read"]);
    api.put("5", issue("5", "API-5", "boom", "api"));
    let (receiver, project) = (Receiver::start(), Receiver::start());
    let routes = format!(
        "{}[webhook.api]\nurl = \"{}\"\n[[route]]\nname = \"api\"\nwhen = {{ project = \"api\", level = \"error\" }}\n\
         to = [\"api\"]\n",
        everything(&receiver),
        project.url("/api")
    );
    let mut folder = RelayFolder::asking(&api.url(), &routes);
    folder.set("API_TOKEN", TOKEN);
    let relay = folder.serve();

    let sentry = relay.sentry();
    let mut run = 0;
    let until_known = async {
        let mut every = interval(std::time::Duration::from_millis(50));
        while project.count() == 0 {
            every.tick().await;
            run += 1;
            sentry.accepted("root_cause_started", &json!({ "run_id": run, "group_id": 5 })).await;
        }
    };
    timeout(PATIENCE, until_known).await.expect("the issue is learned");

    let known = project.took(1).await[0].json();
    assert_eq!(known["data"]["issue"]["title"], "boom");
    receiver.took(run).await;
    let asked = api.asked();
    assert_eq!((asked.len(), asked[0].status), (1, 200), "{asked:?}");
    assert!(!relay.log().iter().any(|line| line.to_string().contains(TOKEN)));
}
