//! Words and signs: how pages show the closed sets. Nothing is told by colour alone.

use std::fmt::Write;

use serde::Serialize;

use super::engine::escaped;
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

/// Writes what is told of a delivery as HTML, with each id of a delivery or an event as a link to its page.
pub(super) fn linked_html(text: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut html = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !is_part(character)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        match page_of(word) {
            Some(page) => {
                let _ = write!(html, "<a href=\"{}\">{}</a>", escaped(&page), escaped(word));
            }
            None => html.push_str(&escaped(word)),
        }
        let (between, next) = behind.split_at(behind.find(is_part).unwrap_or(behind.len()));
        html.push_str(&escaped(between));
        rest = next;
    }
    html
}

/// Returns the page of what has this id.
fn page_of(id: &str) -> Option<String> {
    let is_whole = |rest: &&str| !rest.is_empty() && rest.chars().all(|each| each.is_ascii_alphanumeric());
    let delivery = id.strip_prefix("dlv_").filter(is_whole).map(|_| format!("/deliveries/{id}"));
    // An event stands on the page of its run, which is found by it, too.
    delivery.or_else(|| id.strip_prefix("evt_").filter(is_whole).map(|_| format!("/runs/{id}#{id}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_what_is_told_lead_to_their_pages() {
        assert_eq!(
            linked_html("taken over by backend: dlv_01k8"),
            "taken over by backend: <a href=\"/deliveries/dlv_01k8\">dlv_01k8</a>"
        );
        assert_eq!(
            linked_html("superseded: evt_7f told the same there."),
            "superseded: <a href=\"/runs/evt_7f#evt_7f\">evt_7f</a> told the same there."
        );
        for plain in ["", "delivered", "my_dlv_1", "dlv_", "dlv_a_b", "until 2026-11-30T12:00:00Z; it’s öde"]
        {
            assert!(!linked_html(plain).contains("<a "), "{plain}");
        }
    }

    #[test]
    fn what_is_no_id_is_nothing_but_words() {
        assert_eq!(linked_html("<b>&dlv_1\""), "&lt;b&gt;&amp;<a href=\"/deliveries/dlv_1\">dlv_1</a>&quot;");
    }
}
