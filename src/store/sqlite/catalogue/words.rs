//! The words by which a run is found, and those that a person looks for.

use crate::event::{GroupId, RunId, SentryRunId};
use crate::issue::Issue;
use crate::run::{Outline, Run};

/// How many bytes of words a run is found by at most.
const WORDS_BYTES: usize = 4 * 1024;
/// How many words are searched for at once at most.
const MOST_WORDS: usize = 20;

/// Returns the words that a run is found by, the most telling ones first.
pub(super) fn words_of(run: &Run, outline: &Outline, issue: Option<&Issue>) -> String {
    let of_issue = issue.into_iter().flat_map(|issue| {
        let project = issue.project.as_ref().and_then(|project| project.slug.as_deref());
        [issue.short_id.as_deref(), issue.title.as_deref(), issue.culprit.as_deref(), project]
    });
    let ids = [
        outline.run_id.as_ref().map(RunId::as_str),
        outline.sentry_run_id.as_ref().map(SentryRunId::as_str),
        outline.group_id.as_ref().map(GroupId::as_str),
        // What people call a run without either.
        Some(outline.first_event.as_str())
            .filter(|_| outline.run_id.is_none() && outline.sentry_run_id.is_none()),
    ];
    let pull_requests = outline.pull_requests.iter().map(|each| each.url.as_deref());
    let cause = run.root_cause.as_ref().and_then(|cause| cause.summary.as_deref());
    let plan = run.solution.as_ref().and_then(|solution| solution.summary.as_deref());
    let texts = of_issue.chain(ids).chain(outline.repos.iter().map(|repo| Some(repo.as_str())));
    let texts = texts.chain(pull_requests).chain([cause, plan]);
    let mut words = String::new();
    for text in texts.flatten().chain(run.paths()) {
        for word in parted(text) {
            if words.len() + word.len() >= WORDS_BYTES {
                return words;
            }
            words.push_str(word);
            words.push(' ');
        }
    }
    words
}

/// Returns what a text asks for, for `search`: all of its words, each at least as a beginning.
pub(in crate::store::sqlite) fn words_in(text: &str) -> String {
    parted(text).take(MOST_WORDS).map(|word| format!("\"{word}\"*")).collect::<Vec<_>>().join(" ")
}

fn parted(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
}
