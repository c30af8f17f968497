//! Events for tests: a believable run, with what each step finds.

use crate::delivery::DestinationKind;
use crate::event::{
    Action, Artifacts, ChangeKind, Event, EventId, FileChange, GroupId, Organization, PullRequest,
    RepositoryChange, RootCause, RunId, Solution, Step,
};
use crate::issue::{Issue, Project};
use crate::render::context::{Context, Links};
use crate::render::{Rendered, Renderer, Target};

/// Returns an event of run 12345 in organization `acme`.
pub(crate) fn event(action: &str, artifacts: Artifacts) -> Event {
    Event {
        id: EventId::new(format!("evt_{action}")),
        organization: Organization::new("acme"),
        resource: "seer".to_owned(),
        action: Action::from_name(action),
        run_id: Some(RunId::new("12345")),
        sentry_run_id: None,
        group_id: Some(GroupId::new("1170820242")),
        iteration: action.starts_with("iteration").then_some(2),
        received_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        sent_at: None,
        artifacts,
    }
}

/// Returns the links of organization `acme`.
pub(crate) fn links() -> Links {
    Links { base_url: "https://acme.sentry.io".parse().unwrap(), public_url: None }
}

/// Returns a Slack destination without a template set.
pub(crate) fn slack() -> Target {
    Target { kind: DestinationKind::Slack, set: None, destination: "backend".to_owned(), diff_lines: 0 }
}

/// Returns the context of the last of these events, of whose issue nothing is known.
pub(crate) fn context(events: &[Event]) -> Context {
    context_of(events, None)
}

/// Returns the context of the last of these events, with what is known of the issue.
pub(crate) fn context_of(events: &[Event], issue: Option<&Issue>) -> Context {
    Context::new(events, issue, &links(), false).unwrap()
}

/// Returns an issue of which everything is known.
pub(crate) fn issue() -> Issue {
    let text = |text: &str| Some(text.to_owned());
    Issue {
        id: GroupId::new("1170820242"),
        short_id: text("API-1X"),
        title: text("ZeroDivisionError: division by zero"),
        culprit: text("shop.views in checkout"),
        permalink: text("https://acme.sentry.io/issues/1170820242/?project=7"),
        level: text("error"),
        priority: text("high"),
        status: text("unresolved"),
        substatus: text("escalating"),
        platform: text("python"),
        project: Some(Project { id: text("7"), slug: text("api"), name: text("The API") }),
        first_seen: "2026-11-20T08:00:00.123456Z".parse().ok(),
        last_seen: "2026-11-23T09:59:00Z".parse().ok(),
        event_count: Some(1204),
        user_count: Some(31),
    }
}

/// Renders the last of these events by the built-in templates and returns the message as lines.
pub(crate) fn lines(events: &[Event], target: &Target) -> String {
    lines_of(events, None, target)
}

/// As [`lines`], with what is known of the issue.
pub(crate) fn lines_of(events: &[Event], issue: Option<&Issue>, target: &Target) -> String {
    match Renderer::built_in().render(&context_of(events, issue), target) {
        Ok(Rendered::Message(message)) => crate::message::outline::lines(&message),
        other => panic!("no message: {other:?}"),
    }
}

/// What `root_cause_completed` tells.
pub(crate) fn root_cause() -> Artifacts {
    let why = |text: &str| Step { text: Some(text.to_owned()), ..Step::default() };
    Artifacts {
        root_cause: Some(RootCause {
            summary: Some(
                "The `total` of an empty cart is read before it is set. The checkout fails.".to_owned(),
            ),
            reasons: vec![why("The view divides by `cart.total`."), why("An empty cart has **no** total.")],
            reproduction: vec!["Open `/checkout` with an empty cart.".to_owned()],
            repo: Some("acme/api".to_owned()),
            classification: Some("code_fix".to_owned()),
            no_code_fix_reason: None,
        }),
        ..Artifacts::default()
    }
}

/// What `solution_completed` tells, with so many steps.
pub(crate) fn solution(steps: usize) -> Artifacts {
    let step = |index| Step {
        title: Some(format!("Step {index}")),
        text: Some("Guard the division. And more.".to_owned()),
        ..Step::default()
    };
    let summary = Some("Treat an empty cart as a total of zero.".to_owned());
    Artifacts {
        solution: Some(Solution { summary, steps: (1..=steps).map(step).collect() }),
        ..Artifacts::default()
    }
}

/// What `coding_completed` tells of one repository.
pub(crate) fn changes(repo: &str) -> RepositoryChange {
    let file = |path: &str, kind, added, removed| FileChange {
        path: Some(path.to_owned()),
        kind: Some(kind),
        added,
        removed,
        diff: Some("@@ -1,2 +1,2 @@\n-return total\n+return total or 0\n".to_owned()),
    };
    RepositoryChange {
        repo: Some(repo.to_owned()),
        added: 42,
        removed: 7,
        files: vec![
            file("src/cart.py", ChangeKind::Modified, 30, 7),
            file("tests/test_cart.py", ChangeKind::Added, 12, 0),
        ],
        ..RepositoryChange::default()
    }
}

/// A pull request, or with `None` the failed try to open one.
pub(crate) fn pull_request(repo: &str, number: Option<u64>) -> PullRequest {
    PullRequest {
        repo: Some(repo.to_owned()),
        provider: Some("github".to_owned()),
        number,
        id: number.map(|number| number.to_string()),
        url: number.map(|number| format!("https://github.com/{repo}/pull/{number}")),
        failed: number.is_none(),
        reason: None,
        ready: None,
    }
}
