//! Novelties: the actions and fields of a payload that this version does not know.
//!
//! They change nothing for the event; they are counted and logged, so that somebody can teach the relay.

use serde_json::{Map, Value};

use crate::event::Action;

/// How many characters of a foreign name are shown.
const NAME_CHARACTERS: usize = 64;

/// How many novelties of one event are told.
const MAX_NOVELTIES: usize = 16;

const TOP_LEVEL: &[&str] = &["action", "installation", "data", "actor"];
const DATA: &[&str] = &[
    "run_id",
    "sentry_run_id",
    "group_id",
    "iteration_index",
    "root_cause",
    "solution",
    "changes",
    "code_changes",
    "pull_requests",
];
const ROOT_CAUSE: &[&str] = &[
    "one_line_description",
    "five_whys",
    "reproduction_steps",
    "relevant_repo",
    "classification",
    "no_code_fix_reason",
    "analyzed_window",
    "description",
    "steps",
];
const SOLUTION: &[&str] = &["one_line_summary", "description", "steps"];
const CHANGE: &[&str] = &[
    "repo_name",
    "repo_external_id",
    "title",
    "description",
    "branch_name",
    "diff",
    "path",
    "type",
    "added",
    "removed",
];
const PULL_REQUEST: &[&str] = &["provider", "repo_name", "pull_request", "pr_id", "pr_number", "pr_url"];

const ALERT_DATA: &[&str] = &["issue", "activity", "alert"];
const ACTIVITY: &[&str] = &["type", "details"];
const DETAILS: &[&str] = &["summary", "pull_requests", "code_changes", "iteration_index", "user"];
const ALERT_PULL_REQUEST: &[&str] = &["repo_name", "url"];
const RULE: &[&str] = &["id", "title", "sentry_app_id", "url", "web_url", "settings"];

/// Returns each novelty of an activity alert once: "activity `seer_x`", "field `data.activity.foo`". The issue is not
/// looked at: its fields vary.
pub(super) fn of_alert(action: &Action, body: &Map<String, Value>, data: &Map<String, Value>) -> Vec<String> {
    let mut novelties = Novelties::default();
    if let Action::Other(_) = action {
        novelties.add("activity", "", &action.activity());
    }
    novelties.look_at(body, "", TOP_LEVEL);
    novelties.look_at(data, "data.", ALERT_DATA);
    for (field, value) in data {
        match field.as_str() {
            "activity" => novelties.look_into_activity(value),
            "alert" => novelties.look_into(value, "data.alert.", RULE),
            _ => {}
        }
    }
    novelties.0
}

/// Returns each novelty once: "action `x`", "field `data.foo`".
pub(super) fn of(action: &Action, body: &Map<String, Value>, data: &Map<String, Value>) -> Vec<String> {
    let mut novelties = Novelties::default();
    if let Action::Other(name) = action {
        novelties.add("action", "", name);
    }
    novelties.look_at(body, "", TOP_LEVEL);
    novelties.look_at(data, "data.", DATA);
    for (field, value) in data {
        match field.as_str() {
            "root_cause" => novelties.look_into(value, "data.root_cause.", ROOT_CAUSE),
            "solution" => novelties.look_into(value, "data.solution.", SOLUTION),
            "changes" => novelties.look_into_items(value, "data.changes[].", CHANGE),
            "code_changes" => novelties.look_into_items(value, "data.code_changes[].", CHANGE),
            "pull_requests" => novelties.look_into_items(value, "data.pull_requests[].", PULL_REQUEST),
            _ => {}
        }
    }
    novelties.0
}

#[derive(Default)]
struct Novelties(Vec<String>);

impl Novelties {
    fn look_at(&mut self, fields: &Map<String, Value>, place: &str, known: &[&str]) {
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            self.add("field", place, name);
        }
    }

    fn look_into(&mut self, value: &Value, place: &str, known: &[&str]) {
        if let Value::Object(fields) = value {
            self.look_at(fields, place, known);
        }
    }

    fn look_into_activity(&mut self, value: &Value) {
        self.look_into(value, "data.activity.", ACTIVITY);
        let Some(details) = value.get("details") else { return };
        self.look_into(details, "data.activity.details.", DETAILS);
        if let Some(items) = details.get("pull_requests") {
            self.look_into_items(items, "data.activity.details.pull_requests[].", ALERT_PULL_REQUEST);
        }
        if let Some(items) = details.get("code_changes") {
            self.look_into_items(items, "data.activity.details.code_changes[].", CHANGE);
        }
    }

    /// Looks into the objects of a list, or of the lists that a map of repositories holds.
    fn look_into_items(&mut self, value: &Value, place: &str, known: &[&str]) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look_into(item, place, known)),
            Value::Object(repositories) => {
                for item in repositories.values().filter_map(Value::as_array).flatten() {
                    self.look_into(item, place, known);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn add(&mut self, kind: &str, place: &str, name: &str) {
        if self.0.len() >= MAX_NOVELTIES {
            return;
        }
        let name: String =
            name.chars().filter(|character| !character.is_control()).take(NAME_CHARACTERS).collect();
        let novelty = format!("{kind} `{place}{name}`");
        if !self.0.contains(&novelty) {
            self.0.push(novelty);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn novelties(action: &str, body: &Value) -> Vec<String> {
        let body = body.as_object().unwrap();
        let mut novelties = of(&Action::from_name(action), body, body["data"].as_object().unwrap());
        novelties.sort();
        novelties
    }

    #[test]
    fn what_is_known_is_no_novelty() {
        let body = json!({"action": "root_cause_completed", "installation": {"new": 1}, "actor": {"new": 1}, "data": {
            "run_id": 1, "sentry_run_id": null, "group_id": 1, "iteration_index": 1,
            "root_cause": {"analyzed_window": {"new": 1}, "classification": null, "steps": [{"url": 1}]},
            "solution": "other type", "changes": [{"repo_external_id": 1}],
            "code_changes": {"acme/api": [{"path": "a", "type": "A"}]}, "pull_requests": [{"pr_number": 1}, 5]
        }});
        assert!(novelties("root_cause_completed", &body).is_empty());
    }

    #[test]
    fn an_unknown_action_and_unknown_fields_are_told_once_with_their_places() {
        let body = json!({"action": "x", "version": 2, "data": {
            "cost": 1, "root_cause": {"confidence": 1}, "solution": {"risk": 1}, "changes": [{"lang": 1}, {"lang": 2}],
            "code_changes": {"a": [{"binary": true}]}, "pull_requests": [{"status": "failed"}]
        }});
        let expected = [
            "action `x`",
            "field `data.changes[].lang`",
            "field `data.code_changes[].binary`",
            "field `data.cost`",
            "field `data.pull_requests[].status`",
            "field `data.root_cause.confidence`",
            "field `data.solution.risk`",
            "field `version`",
        ];
        assert_eq!(novelties("x", &body), expected);
    }

    #[test]
    fn names_are_cut_and_their_number_is_bounded() {
        let mut body = json!({"data": {}});
        body["data"][format!("a\u{0}\n\u{9b}{}", "é".repeat(100))] = json!(1);
        assert_eq!(novelties("pr_created", &body), [format!("field `data.a{}`", "é".repeat(63))]);
        for number in 0..1000 {
            body["data"][format!("new{number}")] = json!(1);
        }
        assert_eq!(novelties("pr_created", &body).len(), MAX_NOVELTIES);
    }
}
