//! What became of a run, as Sentry's API tells it. Pure; whatever is not understood counts as not known.

use serde_json::{Map, Value};

use crate::event::RunId;
use crate::sentry::reading::{id, line, name, object};

/// How much of a reason is kept.
const LONGEST_REASON_CHARS: usize = 300;
/// How many pull requests are looked at; a run has one per repository.
const MOST_PULL_REQUESTS: usize = 50;

/// The newest run of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autofix {
    /// Which run it is; to be compared with the one that is meant.
    pub run_id: Option<RunId>,
    /// How it stands.
    pub state: AutofixState,
    /// Pull requests that could not be made.
    pub failed_pull_requests: Vec<FailedPullRequest>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutofixState {
    /// It works.
    Processing,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
    /// It waits until somebody answers it in Sentry.
    WaitingForUser,
    /// Somebody called it off.
    Cancelled,
    /// A word that this version does not know.
    Unknown,
}

/// A pull request that could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedPullRequest {
    /// For which repository.
    pub repo: String,
    /// Why, in Sentry's words: one line.
    pub reason: Option<String>,
}

/// An answer that tells of no run, nor that there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotUnderstood;

/// Reads the answer; `None` where the issue has no run.
pub(super) fn read(answer: &Value) -> Result<Option<Autofix>, NotUnderstood> {
    match answer.get("autofix") {
        Some(Value::Null) => Ok(None),
        Some(Value::Object(run)) => read_run(run).map(Some).ok_or(NotUnderstood),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | None => {
            Err(NotUnderstood)
        }
    }
}

fn read_run(run: &Map<String, Value>) -> Option<Autofix> {
    let state = state(run.get("status")?.as_str()?);
    let run_id = id(run.get("run_id")).map(RunId::new);
    Some(Autofix { run_id, state, failed_pull_requests: failed_pull_requests(run) })
}

/// Returns the state of a status of either service: agents write in lower case, the older one in upper case.
// Source: getsentry/sentry src/sentry/seer/autofix/utils.py (AutofixStatus) and src/sentry/seer/explorer/client_models.py
// (SeerRunState.status), read 2026-11-25.
fn state(status: &str) -> AutofixState {
    match status.to_ascii_lowercase().as_str() {
        "processing" => AutofixState::Processing,
        "completed" => AutofixState::Completed,
        "error" => AutofixState::Failed,
        "awaiting_user_input" | "need_more_information" | "waiting_for_user_response" => {
            AutofixState::WaitingForUser
        }
        "cancelled" => AutofixState::Cancelled,
        _ => AutofixState::Unknown,
    }
}

fn failed_pull_requests(run: &Map<String, Value>) -> Vec<FailedPullRequest> {
    let states = object(run.get("repo_pr_states")).into_iter().flatten().take(MOST_PULL_REQUESTS);
    let failed = |(key, value): (&String, &Value)| {
        let fields = value.as_object()?;
        let is_failed = fields.get("pr_creation_status").and_then(Value::as_str) == Some("error");
        let repo = name(fields.get("repo_name")).or_else(|| name(Some(&Value::from(key.as_str()))))?;
        let reason = line(fields.get("pr_creation_error"), LONGEST_REASON_CHARS);
        is_failed.then_some(FailedPullRequest { repo, reason })
    };
    states.filter_map(failed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(fields: &Value) -> Autofix {
        read(&json!({ "autofix": fields })).unwrap().unwrap()
    }

    #[test]
    fn every_word_of_either_service_has_a_state() {
        for (status, expected) in [
            ("processing", AutofixState::Processing),
            ("PROCESSING", AutofixState::Processing),
            ("completed", AutofixState::Completed),
            ("COMPLETED", AutofixState::Completed),
            ("error", AutofixState::Failed),
            ("ERROR", AutofixState::Failed),
            ("awaiting_user_input", AutofixState::WaitingForUser),
            ("NEED_MORE_INFORMATION", AutofixState::WaitingForUser),
            ("WAITING_FOR_USER_RESPONSE", AutofixState::WaitingForUser),
            ("CANCELLED", AutofixState::Cancelled),
            ("napping", AutofixState::Unknown),
        ] {
            assert_eq!(run(&json!({"run_id": 7, "status": status})).state, expected, "{status}");
        }
    }

    #[test]
    fn an_issue_may_have_no_run_and_an_answer_may_be_about_something_else() {
        assert_eq!(read(&json!({"autofix": null})), Ok(None));
        for other in [
            json!({}),
            json!([]),
            json!(null),
            json!({"autofix": []}),
            json!({"autofix": "x"}),
            json!({"autofix": {}}),
            json!({"autofix": {"status": 5}}),
        ] {
            assert_eq!(read(&other), Err(NotUnderstood), "{other}");
        }
    }

    #[test]
    fn failed_pull_requests_are_told_with_their_reasons() {
        let autofix = run(&json!({
            "run_id": 12345, "status": "completed", "blocks": [{}], "repo_pr_states": {
                "acme/api": {"repo_name": "acme/api", "pr_creation_status": "error", "pr_creation_error": "no\u{0}\nright"},
                "acme/web": {"pr_creation_status": "error", "pr_creation_error": null},
                "acme/ok": {"repo_name": "acme/ok", "pr_creation_status": "completed", "pr_number": 5},
                "acme/odd": "error",
            }
        }));
        let failed = |repo: &str, reason: Option<&str>| FailedPullRequest {
            repo: repo.to_owned(),
            reason: reason.map(str::to_owned),
        };
        assert_eq!(autofix.run_id, Some(RunId::new("12345")));
        let expected = [failed("acme/api", Some("no right")), failed("acme/web", None)];
        assert_eq!(autofix.failed_pull_requests, expected);
    }
}
