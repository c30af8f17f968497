//! Activity alerts as Sentry would send them, and how a body is told to be one.

use serde_json::{Map, Value, json};

use super::{INSTALLATION, SampleIds, id, issue, story};
use crate::event::{ACTIVITY_ALERT_RESOURCE, Action, SEER_RESOURCE};
use crate::json::parse_lenient;

/// The `action` of every activity alert.
const TRIGGERED: &str = "triggered";

/// Returns the body of an activity alert on this step. It names no run.
// Source: docs.sentry.io/integrations/integration-platform/webhooks/activity-alerts/ and getsentry/sentry
// src/sentry/notifications/notification_action/activity_registry/sentry_app.py, read 2026-11-25.
pub fn alert(action: &Action, ids: &SampleIds) -> Value {
    let mut details = story::details(action);
    if *action == Action::IterationCompleted {
        details.insert("iteration_index".to_owned(), json!(ids.iteration));
    }
    json!({
        "action": TRIGGERED,
        "installation": {"uuid": INSTALLATION},
        "data": {
            "issue": issue::fields(&ids.group_id),
            "activity": {"type": action.activity(), "details": details},
            "alert": {
                "id": id("10"),
                "title": "What Seer does",
                "sentry_app_id": 2,
                "url": "https://acme.sentry.io/api/0/organizations/acme/workflows/10/",
                "web_url": "https://acme.sentry.io/monitors/alerts/10/",
            },
        },
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
    })
}

/// Returns the resource that Sentry would send a body as: it says so in a header alone.
pub(super) fn resource_of(body: &[u8]) -> &'static str {
    // Most bodies are none, and may be megabytes.
    const ACTIVITY: &[u8] = b"\"activity\"";
    if !body.windows(ACTIVITY.len()).any(|window| window == ACTIVITY) {
        return SEER_RESOURCE;
    }
    match parse_lenient(body) {
        Ok(Value::Object(body)) if is_alert(&body) => ACTIVITY_ALERT_RESOURCE,
        Ok(_) | Err(_) => SEER_RESOURCE,
    }
}

fn is_alert(body: &Map<String, Value>) -> bool {
    let activity = body.get("data").and_then(|data| data.get("activity"));
    body.get("action").is_some_and(|action| action == TRIGGERED) && activity.is_some_and(Value::is_object)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;
    use crate::event::{EventId, Organization};
    use crate::sample::{accept, encode, issue};
    use crate::sentry::payload::AcceptedEvent;

    fn accepted(body: &Value) -> AcceptedEvent {
        accept(Bytes::from(encode(body)), &Organization::new("acme"), Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn every_alert_is_accepted_and_new_in_nothing() {
        for action in Action::OF_SEER {
            let alert = accepted(&alert(&action, &SampleIds::default()));
            assert_eq!((alert.resource(), alert.action()), ("activity_alert", &action));
            assert_eq!(alert.issue(), Some(&issue("1170820242")));
            assert_eq!((alert.run_id(), alert.sentry_run_id()), (None, None));
            assert_eq!(alert.group_id().map(ToString::to_string).as_deref(), Some("1170820242"));
            assert!(alert.novelties().is_empty(), "{:?}", alert.novelties());
            assert!(alert.to_event(EventId::new("evt_1")).is_alert());
        }
    }

    #[test]
    fn an_alert_and_the_webhook_of_its_step_tell_one_story() {
        let ids = SampleIds::default();
        let both = |action: &Action| {
            let webhook = crate::sample::body(action, crate::sample::Shape::Present, &ids);
            [accepted(&alert(action, &ids)), accepted(&webhook)].map(|event| event.artifacts().clone())
        };
        let [alert, webhook] = both(&Action::RootCauseCompleted).map(|said| said.root_cause.unwrap().summary);
        assert_eq!(alert, webhook);
        let [alert, webhook] = both(&Action::SolutionCompleted).map(|said| said.solution.unwrap().summary);
        assert_eq!(alert, webhook);
        let [alert, webhook] = both(&Action::PrCreated).map(|said| said.pull_requests.unwrap().remove(0));
        assert_eq!((alert.url, alert.number, alert.repo), (webhook.url, webhook.number, webhook.repo));
        let [alert, webhook] = both(&Action::IterationCompleted).map(|said| said.changes);
        assert_eq!(alert, webhook);
    }

    #[test]
    fn a_body_is_told_by_what_it_holds() {
        let of = |body: &str| resource_of(body.as_bytes());
        assert_eq!(of(r#"{"action":"triggered","data":{"activity":{}}}"#), "activity_alert");
        for body in [
            r#"{"action":"triggered","data":{"event":{}}}"#,
            r#"{"action":"root_cause_started","data":{"activity":{}}}"#,
            r#"{"action":"triggered","data":{"activity":5}}"#,
            r#"{"action":"triggered","data":{"activity":{}"#,
            "",
        ] {
            assert_eq!(of(body), "seer", "{body}");
        }
    }
}
