//! Words and signs: how pages show the closed sets. Nothing is told by colour alone.

use serde::Serialize;

use crate::delivery::DeliveryState;
use crate::event::{ACTIVITY_ALERT_RESOURCE, Action, OWN_NOTICE, PullRequest, Stage};
use crate::run::{RunState, StageState};

/// Something in a word, with a sign before it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Word {
    sign: &'static str,
    text: &'static str,
    /// How it looks: `good`, `busy`, `bad`, `quiet`.
    look: &'static str,
}

impl Word {
    const fn new(sign: &'static str, word: &'static str, look: &'static str) -> Self {
        Self { sign, text: word, look }
    }
}

/// Returns the word for how far a run is.
pub(super) const fn of_run(state: RunState) -> Word {
    match state {
        RunState::Unknown => Word::new("·", "unknown", "quiet"),
        RunState::RootCauseStarted => Word::new("▸", "looks for the cause", "busy"),
        RunState::RootCauseCompleted => Word::new("✓", "cause found", "good"),
        RunState::SolutionStarted => Word::new("▸", "makes a plan", "busy"),
        RunState::SolutionCompleted => Word::new("✓", "plan made", "good"),
        RunState::CodingStarted => Word::new("▸", "writes code", "busy"),
        RunState::CodingCompleted => Word::new("✓", "code written", "good"),
        RunState::PrCreated => Word::new("✓", "PR opened", "good"),
        RunState::PrReady => Word::new("✓", "PR ready for review", "good"),
        RunState::Iterating => Word::new("▸", "works on the PR again", "busy"),
        RunState::PrUpdated => Word::new("✓", "PR updated", "good"),
        RunState::Failed => Word::new("✗", "failed", "bad"),
        RunState::WaitingForUser => Word::new("!", "waits for somebody", "warn"),
        RunState::Stalled => Word::new("!", "stalled", "warn"),
    }
}

/// Returns the word for how far a stage is.
pub(super) const fn of_stage(state: StageState) -> Word {
    match state {
        StageState::Pending => Word::new("○", "not begun", "quiet"),
        StageState::Running => Word::new("▸", "running", "busy"),
        StageState::Completed => Word::new("✓", "done", "good"),
        StageState::Stalled => Word::new("!", "stopped", "warn"),
    }
}

/// Returns the word for where a delivery stands.
pub(super) const fn of_delivery(state: DeliveryState) -> Word {
    match state {
        DeliveryState::Waiting => Word::new("…", "waiting", "busy"),
        DeliveryState::Sending => Word::new("▸", "sending", "busy"),
        DeliveryState::Delivered => Word::new("✓", "delivered", "good"),
        DeliveryState::Superseded => Word::new("·", "superseded", "quiet"),
        DeliveryState::Dead => Word::new("✗", "dead letter", "bad"),
    }
}

/// Returns what a stage is called.
pub(super) const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::RootCause => "Cause",
        Stage::Solution => "Plan",
        Stage::Coding => "Code",
        Stage::PullRequest => "PR",
        Stage::Iteration => "Round",
    }
}

/// Returns an action in words: `pr_created` as "PR created".
pub(super) fn action(action: &Action, resource: &str) -> String {
    let name = action.as_str();
    let words = name.strip_prefix(OWN_NOTICE).unwrap_or(name).replace('_', " ");
    let words: String = match words.strip_prefix("pr ") {
        Some(rest) => format!("PR {rest}"),
        None => words.chars().take(1).flat_map(char::to_uppercase).chain(words.chars().skip(1)).collect(),
    };
    if resource == ACTIVITY_ALERT_RESOURCE { format!("{words} (alert)") } else { words }
}

/// Counts things: `1 event`, `2 events`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A pull request, as pages show it.
#[derive(Debug, Serialize)]
pub(super) struct PullRequestView {
    label: String,
    /// Its address, where that is one of the web.
    href: Option<String>,
    word: Word,
    reason: Option<String>,
}

impl From<&PullRequest> for PullRequestView {
    fn from(pull_request: &PullRequest) -> Self {
        let repo = pull_request.repo.as_deref().unwrap_or("unknown repository");
        let number = pull_request.number.map(|number| format!(" #{number}"));
        Self {
            label: format!("{repo}{}", number.unwrap_or_default()),
            href: pull_request.url.as_deref().and_then(web),
            word: match (pull_request.failed, pull_request.ready) {
                (true, _) => Word::new("✗", "could not be opened", "bad"),
                (false, Some(true)) => Word::new("✓", "ready for review", "good"),
                (false, Some(false) | None) => Word::new("✓", "open", "good"),
            },
            reason: pull_request.reason.clone(),
        }
    }
}

/// Returns an address that a browser may be led to: one of the web.
pub(super) fn web(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.to_string())
}

/// Returns a piece of a path as it stands in an address; the slash in the name of a run stays one.
pub(super) fn in_path(name: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(name, KEPT).to_string()
}

/// Returns an address with these parameters, without those that say nothing.
pub(super) fn address<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
