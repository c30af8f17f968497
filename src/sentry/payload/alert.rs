//! Activity alerts: Sentry's second webhook about the same steps, which an alert's rule sends. It says all of the issue,
//! and of the step a summary or the pull requests; no run is named.

use serde_json::{Map, Value};

use super::{Said, changes, novelty, pull_requests};
use crate::event::{Action, Artifacts, GroupId, RootCause, Solution};
use crate::sentry::issue;
use crate::sentry::reading::{id, name, object, text, whole_number};

/// Reads an alert; `None` where its activity is none of Seer's.
// Source: docs.sentry.io/integrations/integration-platform/webhooks/activity-alerts/ and getsentry/sentry
// src/sentry/notifications/notification_action/activity_registry/sentry_app.py, read 2026-11-25.
pub(super) fn read(body: &Map<String, Value>, data: &Map<String, Value>) -> Option<Said> {
    let activity = object(data.get("activity"))?;
    let action = Action::from_activity(&name(activity.get("type"))?)?;
    let no_details = Map::new();
    let details = object(activity.get("details")).unwrap_or(&no_details);
    let group_id = object(data.get("issue")).and_then(|issue| id(issue.get("id"))).map(GroupId::new);
    Some(Said {
        run_id: None,
        sentry_run_id: None,
        issue: data.get("issue").and_then(|value| issue::read(value, None)),
        group_id,
        iteration: whole_number(details.get("iteration_index")),
        artifacts: artifacts(&action, details),
        novelties: novelty::of_alert(&action, body, data),
        action,
    })
}

fn artifacts(action: &Action, details: &Map<String, Value>) -> Artifacts {
    let summary = text(details.get("summary"));
    let root_cause = || RootCause { summary: summary.clone(), ..RootCause::default() };
    let solution = || Solution { summary: summary.clone(), ..Solution::default() };
    let is_of = |wanted: &Action| summary.is_some() && action == wanted;
    Artifacts {
        root_cause: is_of(&Action::RootCauseCompleted).then(root_cause),
        solution: is_of(&Action::SolutionCompleted).then(solution),
        changes: changes::read(details),
        pull_requests: pull_requests::read(details.get("pull_requests")),
        silence: None,
        destination: None,
    }
}

/// Returns what tells an alert from others: two rules may send one activity, each with its own `alert`, and between them
/// the issue may have gone on counting.
pub(super) fn without_rule(data: &Map<String, Value>) -> Map<String, Value> {
    let rest = data.iter().filter(|(field, _)| !matches!(field.as_str(), "alert" | "issue"));
    let mut rest: Map<String, Value> = rest.map(|(field, value)| (field.clone(), value.clone())).collect();
    let issue = data.get("issue").map(|issue| issue.get("id").unwrap_or(issue).clone());
    rest.extend(issue.map(|id| ("issue".to_owned(), id)));
    rest
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use crate::event::{Action, Artifacts, EventId, GroupId, RootCause, Solution};
    use crate::sentry::payload::{AcceptedEvent, PayloadError, parse};
    use crate::sentry::vectors::{V2, V6, verified, verified_as};

    fn alert(activity: &serde_json::Value) -> Result<AcceptedEvent, PayloadError> {
        let issue = json!({"id": "1170820242", "title": "TypeError", "project": {"slug": "api"}});
        of(&json!({"issue": issue, "activity": activity, "alert": {"id": 1, "title": "x"}}))
    }

    fn of(data: &serde_json::Value) -> Result<AcceptedEvent, PayloadError> {
        let body = json!({"action": "triggered", "installation": {"uuid": "1"}, "data": data, "actor": {}});
        parse(verified_as("activity_alert", body.to_string().into()), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_vector_says_the_step_and_the_issue() {
        let read = parse(verified_as("activity_alert", V6.into()), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((read.resource(), read.action()), ("activity_alert", &Action::RootCauseCompleted));
        assert_eq!((read.run_id(), read.sentry_run_id()), (None, None));
        assert_eq!(read.group_id().map(GroupId::as_str), Some("1170820242"));
        let issue = read.issue().unwrap();
        assert_eq!(issue.title.as_deref(), Some("TypeError: Café 💥 <b> & 'x'"));
        assert_eq!(issue.project.as_ref().unwrap().slug.as_deref(), Some("api"));
        assert!(read.novelties().is_empty(), "{:?}", read.novelties());

        let webhook = parse(verified(V2.into()), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(webhook.issue(), None);
        let summary = |event: &AcceptedEvent| event.artifacts().root_cause.clone().unwrap().summary;
        assert_eq!(summary(&read), summary(&webhook));
        let event = read.to_event(EventId::new("evt_1"));
        assert!(event.is_alert());
        assert_eq!(event.action.full_name(&event.resource), "activity_alert.seer_root_cause_completed");
    }

    #[test]
    fn the_details_become_what_the_step_made() {
        let of = |activity: serde_json::Value| alert(&activity).unwrap();
        let details = json!({"summary": "Guard it.", "user": {"id": 1}});
        let plan = of(json!({"type": "seer_solution_completed", "details": details}));
        let solution = Solution { summary: Some("Guard it.".to_owned()), steps: Vec::new() };
        assert_eq!(plan.artifacts(), &Artifacts { solution: Some(solution), ..Artifacts::default() });

        let url = "https://github.com/acme/api/pull/128";
        let requests = json!([{"repo_name": "acme/api", "url": url}, {"repo_name": "acme/web", "url": null}]);
        let opened = of(json!({"type": "seer_pr_created", "details": {"pull_requests": requests}}));
        let [opened, failed] = opened.artifacts().pull_requests.clone().unwrap().try_into().unwrap();
        assert_eq!((opened.url.as_deref(), opened.number), (Some(url), Some(128)));
        assert_eq!((opened.repo.as_deref(), opened.provider.as_deref()), (Some("acme/api"), Some("github")));
        assert!(failed.failed && !opened.failed);

        let code =
            json!({"acme/api": [{"diff": "+a", "path": "a.py", "type": "M", "added": 1, "removed": 0}]});
        let details = json!({"pull_requests": requests, "code_changes": code, "iteration_index": 2});
        let again = of(json!({"type": "seer_pr_iteration_completed", "details": details}));
        assert_eq!((again.action(), again.iteration()), (&Action::IterationCompleted, Some(2)));
        assert_eq!(again.artifacts().changes.as_ref().unwrap()[0].added, 1);
    }

    #[test]
    fn a_step_that_this_version_does_not_know_is_told_as_new() {
        let read = alert(&json!({"type": "seer_pr_clo\u{0}sed", "details": {"why": 1}, "at": 1})).unwrap();
        assert_eq!(read.action(), &Action::Other("pr_closed".to_owned()));
        let novelties =
            ["activity `seer_pr_closed`", "field `data.activity.at`", "field `data.activity.details.why`"];
        assert_eq!(read.novelties(), novelties);
        assert_eq!(read.artifacts(), &Artifacts::default());
    }

    #[test]
    fn what_is_no_activity_of_seers_is_no_event() {
        for activity in [
            json!({"type": "status_resolved", "details": {}}),
            json!({"type": "seer_"}),
            json!({"type": null}),
            json!({"type": 5}),
            json!({}),
            json!(null),
            json!([]),
        ] {
            assert!(matches!(alert(&activity), Err(PayloadError::NotSeer)), "{activity}");
        }
    }

    #[test]
    fn only_the_activitys_type_must_be_there() {
        for odd in [json!(null), json!(true), json!(5), json!("x"), json!([1, null]), json!({"a": {}})] {
            let activity = json!({"type": "seer_root_cause_completed", "details": odd});
            let read = of(&json!({"issue": odd, "activity": activity, "alert": odd})).unwrap();
            assert_eq!((read.issue(), read.group_id()), (None, None), "{odd}");
            assert_eq!(read.artifacts(), &Artifacts::default(), "{odd}");
        }
        let blank =
            alert(&json!({"type": "seer_root_cause_completed", "details": {"summary": " "}})).unwrap();
        assert_eq!(blank.artifacts().root_cause, None::<RootCause>);
    }

    #[test]
    fn one_activity_that_two_rules_send_is_one_event() {
        let activity = json!({"type": "seer_coding_completed", "details": {}});
        let sent = |rule: u64, count: &str| {
            let issue = json!({"id": "1", "count": count});
            of(&json!({"issue": issue, "activity": activity, "alert": {"id": rule}})).unwrap().fingerprint()
        };
        assert_eq!(sent(1, "7"), sent(2, "7"));
        assert_eq!(sent(1, "7"), sent(2, "8"), "it goes on counting meanwhile");
        let other =
            of(&json!({"issue": {"id": "2", "count": "7"}, "activity": activity, "alert": {"id": 1}}));
        assert_ne!(sent(1, "7"), other.unwrap().fingerprint());
    }
}
