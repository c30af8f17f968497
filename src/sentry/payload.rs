//! Payloads: what a verified webhook says, from the documented and the present shape and from activity alerts alike.
//! Pure.
//!
//! A verified webhook is never refused for its content: `action` and `data` must be there, everything else may be
//! missing, null, new or of another type. Knows neither how events are kept nor how they are shown.

mod alert;
mod analysis;
mod changes;
mod diff;
mod fingerprint;
mod novelty;
mod pull_requests;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::reading::{id, object, whole_number};
use super::signature::VerifiedWebhook;
use crate::event::{
    ACTIVITY_ALERT_RESOURCE, Action, Artifacts, Event, EventId, GroupId, Organization, RunId, SEER_RESOURCE,
    SentryRunId,
};
use crate::issue::Issue;
use crate::json::{NotJson, parse_lenient};

/// Why verified bytes are no webhook.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The body is not JSON; says what is wrong and where.
    #[error("the body is not JSON: {0}")]
    NotJson(#[from] NotJson),
    /// It is JSON, but a field without which there is no event is missing or wrong.
    #[error("`{field}` {message}")]
    NotAWebhook {
        /// `body`, `action` or `data`.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// It is a webhook, but of another resource, or an alert on another activity: nothing that Seer did.
    #[error("it tells of nothing that Seer did")]
    NotSeer,
}

/// A verified webhook, parsed and ready to be stored. Made by [`parse`] alone.
#[derive(Debug, Clone)]
pub struct AcceptedEvent {
    organization: Organization,
    resource: String,
    action: Action,
    run_id: Option<RunId>,
    sentry_run_id: Option<SentryRunId>,
    group_id: Option<GroupId>,
    iteration: Option<u64>,
    received_at: Timestamp,
    sent_at: Option<Timestamp>,
    artifacts: Artifacts,
    issue: Option<Issue>,
    fingerprint: [u8; 16],
    raw: Bytes,
    headers: Vec<(String, String)>,
    novelties: Vec<String>,
}

/// What a payload says of a step, whichever webhook it came by.
struct Said {
    action: Action,
    run_id: Option<RunId>,
    sentry_run_id: Option<SentryRunId>,
    group_id: Option<GroupId>,
    iteration: Option<u64>,
    artifacts: Artifacts,
    issue: Option<Issue>,
    novelties: Vec<String>,
}

/// Tells whether anything of this resource is read.
pub fn is_read(resource: &str) -> bool {
    [SEER_RESOURCE, ACTIVITY_ALERT_RESOURCE].contains(&resource)
}

/// Reads a verified webhook.
///
/// # Errors
/// [`PayloadError`] where it is no JSON object with `action` and `data`, or tells of nothing that Seer did.
pub fn parse(webhook: VerifiedWebhook, received_at: Timestamp) -> Result<AcceptedEvent, PayloadError> {
    if !is_read(webhook.resource()) {
        return Err(PayloadError::NotSeer);
    }
    let body = parse_lenient(webhook.body())?;
    let Value::Object(body) = &body else {
        return Err(not_a_webhook("body", "must be a JSON object"));
    };
    let action = read_action(body)?;
    let Some(data) = object(body.get("data")) else {
        return Err(not_a_webhook("data", "must be an object"));
    };
    let resource = webhook.resource().to_owned();
    let (said, fingerprint) = if resource == ACTIVITY_ALERT_RESOURCE {
        let said = alert::read(body, data).ok_or(PayloadError::NotSeer)?;
        let fingerprint = fingerprint::of(webhook.organization(), &said.action, &alert::without_rule(data));
        (said, fingerprint)
    } else {
        let fingerprint = fingerprint::of(webhook.organization(), &action, data);
        (read_step(action, body, data), fingerprint)
    };
    let (organization, headers, raw) = webhook.into_parts();
    Ok(AcceptedEvent {
        organization,
        resource,
        action: said.action,
        run_id: said.run_id,
        sentry_run_id: said.sentry_run_id,
        group_id: said.group_id,
        iteration: said.iteration,
        received_at,
        sent_at: headers.timestamp,
        artifacts: said.artifacts,
        issue: said.issue,
        fingerprint,
        raw,
        headers: headers.all,
        novelties: said.novelties,
    })
}

fn read_step(action: Action, body: &Map<String, Value>, data: &Map<String, Value>) -> Said {
    Said {
        run_id: id(data.get("run_id")).map(RunId::new),
        sentry_run_id: id(data.get("sentry_run_id")).map(SentryRunId::new),
        group_id: id(data.get("group_id")).map(GroupId::new),
        iteration: whole_number(data.get("iteration_index")),
        artifacts: read_artifacts(data),
        issue: None,
        novelties: novelty::of(&action, body, data),
        action,
    }
}

fn read_action(body: &Map<String, Value>) -> Result<Action, PayloadError> {
    let Some(Value::String(name)) = body.get("action") else {
        return Err(not_a_webhook("action", "must be a text"));
    };
    if name.contains(char::is_control) {
        let name: String = name.chars().filter(|character| !character.is_control()).collect();
        return if name.is_empty() { Err(empty_action()) } else { Ok(Action::from_name(&name)) };
    }
    if name.is_empty() { Err(empty_action()) } else { Ok(Action::from_name(name)) }
}

fn empty_action() -> PayloadError {
    not_a_webhook("action", "must not be empty")
}

fn not_a_webhook(field: &'static str, message: &str) -> PayloadError {
    PayloadError::NotAWebhook { field, message: message.to_owned() }
}

fn read_artifacts(data: &Map<String, Value>) -> Artifacts {
    Artifacts {
        root_cause: analysis::root_cause(data.get("root_cause")),
        solution: analysis::solution(data.get("solution")),
        changes: changes::read(data),
        pull_requests: pull_requests::read(data.get("pull_requests")),
        silence: None,
        destination: None,
    }
}

impl AcceptedEvent {
    /// Returns whose secret verified it.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Returns the first half of the event's name.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Returns what happened.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Returns Sentry's `run_id`, where the payload names one.
    pub fn run_id(&self) -> Option<&RunId> {
        self.run_id.as_ref()
    }

    /// Returns Sentry's `sentry_run_id`, where the payload names one.
    pub fn sentry_run_id(&self) -> Option<&SentryRunId> {
        self.sentry_run_id.as_ref()
    }

    /// Returns the issue, where the payload names one.
    pub fn group_id(&self) -> Option<&GroupId> {
        self.group_id.as_ref()
    }

    /// Returns `iteration_index`, where the payload has one.
    pub fn iteration(&self) -> Option<u64> {
        self.iteration
    }

    /// Returns when the relay read the webhook.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Returns when Sentry built the request, where it says so.
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.sent_at
    }

    /// Returns what the payload says of cause, plan, code and pull requests.
    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// Returns what Sentry says of the issue, where it says more than an id: in activity alerts.
    pub fn issue(&self) -> Option<&Issue> {
        self.issue.as_ref()
    }

    /// Returns what is the same for two events of the same organization and action with equal `data`, and for no
    /// others. Which rule sent an activity alert does not count.
    pub fn fingerprint(&self) -> [u8; 16] {
        self.fingerprint
    }

    /// Returns the body as it came.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Returns the headers that are kept with the event.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Returns what this version does not know: "action `x`", "field `data.foo`".
    pub fn novelties(&self) -> &[String] {
        &self.novelties
    }

    /// Returns the event as it is known once the store has given it an id.
    pub fn to_event(&self, id: EventId) -> Event {
        Event {
            id,
            organization: self.organization.clone(),
            resource: self.resource.clone(),
            action: self.action.clone(),
            run_id: self.run_id.clone(),
            sentry_run_id: self.sentry_run_id.clone(),
            group_id: self.group_id.clone(),
            iteration: self.iteration,
            received_at: self.received_at,
            sent_at: self.sent_at,
            artifacts: self.artifacts.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::sentry::vectors::{V1, V2, V3, verified};

    fn read(body: impl Into<Bytes>) -> Result<AcceptedEvent, PayloadError> {
        parse(verified(body.into()), Timestamp::UNIX_EPOCH)
    }

    fn event(body: &Value) -> AcceptedEvent {
        read(body.to_string()).unwrap()
    }

    fn refused_field(body: &Value) -> &'static str {
        match read(body.to_string()).unwrap_err() {
            PayloadError::NotAWebhook { field, .. } => field,
            other @ (PayloadError::NotJson(_) | PayloadError::NotSeer) => panic!("{other}"),
        }
    }

    #[test]
    fn the_vectors_are_read() {
        let started = read(V1).unwrap();
        assert_eq!(started.action(), &Action::RootCauseStarted);
        assert_eq!(started.run_id().map(RunId::as_str), Some("12345"));
        assert_eq!(started.sentry_run_id().unwrap().as_str(), "5c2a6a0e-7d0e-4b39-9d0b-0c8d6f2f9a11");
        assert_eq!(started.group_id().map(GroupId::as_str), Some("1170820242"));
        assert_eq!(started.artifacts(), &Artifacts::default());
        assert_eq!(started.raw(), V1);
        assert_eq!(started.resource(), "seer");
        assert_eq!(started.sent_at(), Some(Timestamp::UNIX_EPOCH));
        assert!(started.headers().iter().any(|(name, _)| name == "request-id"));
        assert!(started.headers().iter().all(|(name, _)| name != "sentry-hook-signature"));

        let completed = read(V2).unwrap();
        assert_eq!(completed.sentry_run_id(), None);
        let root_cause = completed.artifacts().root_cause.clone().unwrap();
        assert_eq!(root_cause.summary.as_deref(), Some("Café 💥 <b> & 'x'"));
        assert_eq!(completed.artifacts(), read(V3).unwrap().artifacts());
        assert_eq!(completed.fingerprint(), read(V3).unwrap().fingerprint());
        assert!(completed.novelties().is_empty());
    }

    #[test]
    fn only_action_and_data_must_be_there() {
        assert_eq!(refused_field(&json!([])), "body");
        assert_eq!(refused_field(&json!("text")), "body");
        assert_eq!(refused_field(&json!({"data": {}})), "action");
        assert_eq!(refused_field(&json!({"action": null, "data": {}})), "action");
        assert_eq!(refused_field(&json!({"action": 5, "data": {}})), "action");
        assert_eq!(refused_field(&json!({"action": "", "data": {}})), "action");
        assert_eq!(refused_field(&json!({"action": "\0", "data": {}})), "action");
        assert_eq!(refused_field(&json!({"action": "pr_created"})), "data");
        assert_eq!(refused_field(&json!({"action": "pr_created", "data": null})), "data");
        assert_eq!(refused_field(&json!({"action": "pr_created", "data": []})), "data");
        assert!(matches!(read("{"), Err(PayloadError::NotJson(_))));
        assert!(matches!(read(""), Err(PayloadError::NotJson(_))));
        let least = event(&json!({"action": "pr_created", "data": {}}));
        assert_eq!((least.run_id(), least.group_id(), least.iteration()), (None, None, None));
    }

    #[test]
    fn an_unknown_action_is_an_event_like_any_other() {
        let read = event(&json!({"action": "tri\u{0}age\n_started", "data": {"run_id": 1, "cost": 2}}));
        assert_eq!(read.action(), &Action::Other("triage_started".to_owned()));
        assert_eq!(read.novelties(), ["action `triage_started`", "field `data.cost`"]);
    }

    #[test]
    fn ids_of_any_kind_are_text() {
        let id = |value: &str| {
            let body = format!(r#"{{"action":"x","data":{{"run_id":{value},"group_id":{value}}}}}"#);
            let read = read(body).unwrap();
            assert_eq!(read.run_id().map(RunId::as_str), read.group_id().map(GroupId::as_str));
            read.run_id().map(ToString::to_string)
        };
        assert_eq!(id("12345").as_deref(), Some("12345"));
        assert_eq!(id("\"12345x\"").as_deref(), Some("12345x"));
        assert_eq!(id("9223372036854775809").as_deref(), Some("9223372036854775809"));
        assert_eq!(id("123456789012345678901234567890").as_deref(), Some("123456789012345678901234567890"));
        assert_eq!(id("12345.0").as_deref(), Some("12345"));
        assert_eq!(id("\"a\\u0000\\u009bb\"").as_deref(), Some("ab"));
        for nothing in ["null", "\"\"", "true", "[1]", "{}", "1e999", "\"\\u0000\""] {
            assert_eq!(id(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn fields_of_another_type_are_as_if_they_were_not_there() {
        for odd in [json!(null), json!(true), json!(5), json!([1, [2], null]), json!({"a": {"b": []}})] {
            let data = json!({"run_id": 1, "sentry_run_id": odd, "group_id": odd, "iteration_index": odd,
                "root_cause": odd, "solution": odd, "changes": odd, "code_changes": odd, "pull_requests": odd});
            let body =
                json!({"action": "iteration_completed", "installation": odd, "actor": odd, "data": data});
            assert_eq!(event(&body).run_id().map(RunId::as_str), Some("1"), "{odd}");
        }
    }

    #[test]
    fn no_text_keeps_a_nul() {
        let text = "a\u{0}b";
        let data = json!({"run_id": text, "sentry_run_id": text, "group_id": text,
            "root_cause": {"description": text, "steps": [{"title": text, "relevant_code_file": {"file_path": text}}],
                "reproduction_steps": [text], "relevant_repo": text, "classification": text, "no_code_fix_reason": text},
            "solution": {"description": text, "steps": [{"title": text, "description": text}]},
            "code_changes": {text: [{"path": text, "diff": text}], "b": [{"diff": "--- a\u{0}\n+++ a\u{0}\n+x"}]},
            "pull_requests": [{"repo_name": text, "provider": text,
                "pull_request": {"pr_id": text, "pr_url": "https://a\u{0}b.example/\u{0}"}}]});
        let body = json!({"action": text, "data": data});
        let read = event(&body);
        let shown = serde_json::to_string(read.artifacts()).unwrap();
        assert!(!shown.contains("\\u0000"), "{shown}");
        assert_eq!(read.run_id().map(RunId::as_str), Some("ab"));
        assert_eq!(read.action().as_str(), "ab");
    }

    #[test]
    fn duplicates_are_told_by_action_and_data_alone() {
        let one =
            json!({"action": "x", "installation": {"uuid": "1"}, "data": {"run_id": 1, "a": [1, null]}});
        let copy =
            json!({"data": {"a": [1, null], "run_id": 1}, "installation": 2, "action": "x", "actor": "y"});
        let mut other = one.clone();
        other["data"]["a"] = json!([1]);
        assert_eq!(event(&one).fingerprint(), event(&copy).fingerprint());
        assert_ne!(event(&one).fingerprint(), event(&other).fingerprint());
    }

    #[test]
    fn an_event_has_what_was_accepted_and_an_id() {
        let accepted = read(V2).unwrap();
        let event = accepted.to_event(EventId::new("evt_1"));
        assert_eq!(event.id.as_str(), "evt_1");
        assert_eq!(&event.action, accepted.action());
        assert_eq!(&event.artifacts, accepted.artifacts());
        assert_eq!(event.received_at, accepted.received_at());
    }

    proptest! {
        #[test]
        fn nothing_under_data_makes_it_panic_or_refuse(
            field in "(run_id|root_cause|solution|changes|code_changes|pull_requests|iteration_index)",
            value in r#"(null|1|"a"|\{\}|\[\]|\[null\]|\{"(steps|five_whys|diff|a/b)":(\[("a"|\{"title":"\\ud800"\}|3)\]|"-a"|1e999)\})"#
        ) {
            let body = format!(r#"{{"action":"x","data":{{"{field}":{value},"x":[{value}]}}}}"#);
            prop_assert!(read(body).is_ok());
        }
    }
}
