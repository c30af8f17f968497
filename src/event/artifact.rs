//! Artifacts: what Seer found, planned, wrote and opened, in one form for both payload shapes.
//!
//! The serialised form is the contract with template authors and webhook receivers: fields may be added, never
//! renamed. The store keeps the same form, so that what an older version wrote is read with the fields that it did not
//! know empty. Every text may be a model's and may hold Markdown.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one event's payload says; each part is `None` where it says nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Artifacts {
    /// From `data.root_cause`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<RootCause>,
    /// From `data.solution`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solution: Option<Solution>,
    /// From `data.changes` or `data.code_changes`, one entry per repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<RepositoryChange>>,
    /// From `data.pull_requests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_requests: Option<Vec<PullRequest>>,
    /// Of a notice of the relay's own: what it did not hear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
    /// Of a notice of the relay's own about a destination: which, and what of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<DestinationReport>,
}

/// What a notice says of a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DestinationReport {
    /// Its name.
    pub name: String,
    /// What kind of service it is.
    pub kind: String,
    /// Why it does not take deliveries; of several reasons the most frequent one.
    pub reason: Option<String>,
    /// Since when it takes none, or took none; of dead letters, when the first of them died.
    pub since: Option<Timestamp>,
    /// Of one that takes deliveries again: for how many seconds it took none.
    pub seconds: Option<u64>,
    /// How many deliveries wait for it.
    pub waiting: Option<u64>,
    /// How many became dead letters since that was told last.
    pub dead_letters: Option<u64>,
    /// Why these died, the most frequent reason first.
    pub reasons: Vec<ReasonCount>,
}

/// How many deliveries died of one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReasonCount {
    /// The reason's word.
    pub reason: String,
    /// How many.
    pub number: u64,
}

/// For how long the relay heard nothing of what a notice is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Silence {
    /// For how many seconds; of an organization, only those count for which the relay listened.
    pub seconds: u64,
    /// When something was heard last; `None` where never.
    pub last_heard_at: Option<Timestamp>,
    /// Of an organization: how many webhooks with bad signatures came meanwhile. They do not say whose they are, so those
    /// of all organizations count.
    pub bad_signatures: Option<u64>,
}

/// Why it broke.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RootCause {
    /// The cause in a sentence or two.
    pub summary: Option<String>,
    /// The five whys, or the steps that led there.
    pub reasons: Vec<Step>,
    /// How to see it happen, step by step.
    pub reproduction: Vec<String>,
    /// The repository where the cause lies, `owner/name`.
    pub repo: Option<String>,
    /// `code_fix`, `action_recommended`, `rca_only`, or what Sentry adds.
    pub classification: Option<String>,
    /// Why no code fix will follow.
    pub no_code_fix_reason: Option<String>,
}

/// How Seer means to mend it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Solution {
    /// The plan in a sentence or two.
    pub summary: Option<String>,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// One step: a link of the chain that leads to the cause, or a part of the plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Step {
    /// A headline.
    pub title: Option<String>,
    /// The explanation.
    pub text: Option<String>,
    /// The file it speaks of; null where Sentry says "N/A".
    pub file: Option<String>,
    /// The repository of that file; null where Sentry says "N/A".
    pub repo: Option<String>,
    /// Whether Seer marked it as the most important one.
    pub important: bool,
}

/// The code that Seer wrote in one repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RepositoryChange {
    /// `owner/name`, or whatever name Sentry gives.
    pub repo: Option<String>,
    /// What the change is called, in the documented shape.
    pub title: Option<String>,
    /// What it does, in the documented shape.
    pub description: Option<String>,
    /// The branch it was pushed to, in the documented shape.
    pub branch: Option<String>,
    /// Lines added over all files.
    pub added: u64,
    /// Lines removed over all files.
    pub removed: u64,
    /// The files, in Sentry's order.
    pub files: Vec<FileChange>,
}

/// The change of one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FileChange {
    /// The path in its repository.
    pub path: Option<String>,
    /// What happened to the file, where that is known.
    #[serde(rename = "type")]
    pub kind: Option<ChangeKind>,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// The unified diff; the first agent versions sent none.
    pub diff: Option<String>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It was there before.
    Modified,
    /// It is gone.
    Deleted,
}

/// A pull request, or the failed try to open one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PullRequest {
    /// `owner/name`, or whatever name Sentry gives.
    pub repo: Option<String>,
    /// `github`, `gitlab` …; told from the link's host where Sentry says "unknown".
    pub provider: Option<String>,
    /// Its number.
    pub number: Option<u64>,
    /// The provider's id.
    pub id: Option<String>,
    /// Its http(s) address.
    pub url: Option<String>,
    /// Whether Sentry named a repository but no pull request: opening it failed.
    pub failed: bool,
    /// Why it failed, in one line of Sentry's words, where its API says so.
    pub reason: Option<String>,
    /// True once a `pr_ready_for_review` named it.
    pub ready: Option<bool>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_version_with_fewer_fields_wrote_is_read() {
        let older = json!({
            "root_cause": { "summary": "x", "reasons": [{}] },
            "solution": { "steps": [{}] },
            "changes": [{ "files": [{}] }],
            "pull_requests": [{}],
        });
        let artifacts: Artifacts = serde_json::from_value(older).unwrap();
        let root_cause = artifacts.root_cause.unwrap();
        assert_eq!((root_cause.summary.as_deref(), root_cause.reasons.len()), (Some("x"), 1));
        assert_eq!(artifacts.solution.unwrap().steps, [Step::default()]);
        assert_eq!(artifacts.changes.unwrap()[0].files, [FileChange::default()]);
        assert_eq!(artifacts.pull_requests.unwrap(), [PullRequest::default()]);
    }
}
