//! What the built-in templates say, stage by stage, and that they read well where little is known.

mod endings;
mod steps;

use super::*;
use crate::event::{Artifacts, Event, PullRequest, Step};
use crate::issue::{Issue, Project};
use crate::render::context::Links;
use crate::render::fixture::{
    changes, context, event, issue, lines, lines_of, links, pull_request, root_cause, slack, solution,
};

const SENTRY: &str = "[Open in Sentry](https://acme.sentry.io/issues/1170820242/?seerDrawer=true)\n";

fn bare(action: &str) -> Event {
    event(action, Artifacts::default())
}

fn with_pull_requests(action: &str, pull_requests: Vec<PullRequest>) -> Event {
    event(action, Artifacts { pull_requests: Some(pull_requests), ..Artifacts::default() })
}

fn assert_lines(events: &[Event], expected: &str) {
    assert_eq!(lines(events, &slack()), format!("{}\n{SENTRY}", expected.trim()));
}

#[test]
fn an_unknown_action_is_told_in_its_own_word() {
    assert_lines(
        &[bare("triage_completed")],
        "
# Seer: triage completed · issue 1170820242
Seer reports `triage_completed`, a step that this relay has no words for yet.
○ Root cause · ○ Plan · ○ Code · ○ Pull request",
    );
}

#[test]
fn every_action_reads_well_where_nothing_is_known() {
    let empty = Artifacts {
        root_cause: Some(crate::event::RootCause { reasons: vec![Step::default()], ..Default::default() }),
        solution: Some(crate::event::Solution {
            steps: vec![crate::event::Step::default()],
            ..Default::default()
        }),
        changes: Some(vec![crate::event::RepositoryChange {
            files: vec![crate::event::FileChange::default()],
            ..Default::default()
        }]),
        pull_requests: Some(vec![
            PullRequest::default(),
            PullRequest { failed: true, ..PullRequest::default() },
        ]),
        silence: Some(crate::event::Silence::default()),
        destination: Some(crate::event::DestinationReport::default()),
    };
    for artifacts in [Artifacts::default(), empty] {
        for action in Action::known().chain([Action::Other("brand_new".to_owned())]) {
            let event = Event {
                run_id: None,
                group_id: None,
                iteration: None,
                ..event(action.as_str(), artifacts.clone())
            };
            let lines = lines(&[event], &Target { diff_lines: 5, ..slack() });

            let names_it = lines.starts_with("# \n") && lines.contains("an issue of acme");
            assert!(names_it || lines.lines().next().unwrap().ends_with(" · acme"), "{lines}");
            assert!(!lines.contains("N/A") && !lines.contains("None") && !lines.contains("``"), "{lines}");
            let second = lines.lines().nth(1);
            assert!(second.is_none_or(|line| line.ends_with(['.', ':', ')'])), "{lines}");
        }
    }
}

#[test]
fn no_message_links_to_a_page_that_the_relay_does_not_have() {
    let links = Links { public_url: Some("https://relay.acme.dev/x/".parse().unwrap()), ..links() };
    let context = Context::new(&[bare("coding_completed")], None, &links, false).unwrap();
    let Ok(Rendered::Message(message)) = Renderer::built_in().render(&context, &slack()) else { panic!() };

    let addresses: Vec<_> = message.buttons.iter().map(|button| button.url.as_str()).collect();
    assert_eq!(addresses, ["https://acme.sentry.io/issues/1170820242/?seerDrawer=true"]);
}

#[test]
fn every_kind_and_every_state_of_a_run_renders() {
    let renderer = Renderer::built_in();
    let changes = Artifacts { changes: Some(vec![changes("acme/api")]), ..Artifacts::default() };
    let mut events = Vec::new();
    for action in Action::known() {
        let artifacts = match action {
            Action::RootCauseCompleted => root_cause(),
            Action::SolutionCompleted => solution(3),
            Action::CodingCompleted => changes.clone(),
            Action::PrCreated | Action::PrReadyForReview | Action::IterationCompleted => {
                let opened = vec![pull_request("acme/api", Some(12))];
                Artifacts { pull_requests: Some(opened), ..Artifacts::default() }
            }
            Action::RootCauseStarted
            | Action::SolutionStarted
            | Action::CodingStarted
            | Action::IterationStarted
            | Action::RunFailed
            | Action::RunWaiting
            | Action::RunStalled
            | Action::Silent
            | Action::DestinationDown
            | Action::DestinationUp
            | Action::DeadLetter
            | Action::Other(_) => Artifacts::default(),
        };
        events.push(event(action.as_str(), artifacts));
        for kind in DestinationKind::ALL {
            let target = Target { kind: *kind, diff_lines: 20, ..slack() };
            renderer.render(&context(&events), &target).unwrap();
        }
    }
}

#[test]
fn a_known_issue_is_named_by_its_short_id_and_its_title() {
    let told = |action: &str| lines_of(&[event(action, root_cause())], Some(&issue()), &slack());
    for (action, heading) in [
        ("root_cause_completed", "Root cause found"),
        ("solution_completed", "Fix planned"),
        ("coding_completed", "Fix written"),
        ("pr_created", "Pull request opened"),
        ("pr_ready_for_review", "Ready for review"),
        ("iteration_completed", "Pull request updated (round 2)"),
        ("brand_new", "Seer: brand new"),
    ] {
        let head = format!("# {heading} · API-1X\n### ZeroDivisionError: division by zero\n");
        assert!(told(action).starts_with(&head), "{}", told(action));
        assert_eq!(told(action).matches("division by zero").count(), 1, "{}", told(action));
    }
    let facts = " | \nProject | The API\nLevel | error, high priority\nCulprit | `shop.views in checkout`\n\
                 Repository | acme/api\n";
    for action in ["root_cause_completed", "solution_completed", "brand_new"] {
        assert!(told(action).contains(facts), "{}", told(action));
    }
    let issue = "[API-1X](https://acme.sentry.io/issues/1170820242/?seerDrawer=true)";
    assert_eq!(
        told("iteration_started"),
        format!(
            "# \nSeer is revising its pull request for {issue}, “ZeroDivisionError: division by zero” (round 2).\n"
        )
    );
}

#[test]
fn of_an_issue_that_is_half_known_nothing_is_told_twice_or_left_hanging() {
    let told =
        |action: &str, issue: &Issue| lines_of(&[event(action, Artifacts::default())], Some(issue), &slack());
    let without = |change: fn(&mut Issue)| {
        let mut issue = issue();
        change(&mut issue);
        issue
    };
    let nameless = without(|issue| issue.short_id = None);
    let cause = told("root_cause_completed", &nameless);
    assert!(
        cause.starts_with("# Root cause found · ZeroDivisionError: division by zero\nSeer has"),
        "{cause}"
    );
    assert_eq!(cause.matches("division by zero").count(), 1, "{cause}");
    let started = told("coding_started", &nameless);
    assert!(started.contains("fix for [“ZeroDivisionError: division by zero”]("), "{started}");

    let untitled = told("root_cause_completed", &without(|issue| issue.title = None));
    assert!(untitled.starts_with("# Root cause found · API-1X\nSeer has"), "{untitled}");
    let level = told("root_cause_completed", &without(|issue| issue.priority = None));
    assert!(level.contains("\nLevel | error\n"), "{level}");
    let priority = told("root_cause_completed", &without(|issue| issue.level = None));
    assert!(priority.contains("\nPriority | high\n"), "{priority}");
    let slug = told(
        "root_cause_completed",
        &without(|issue| {
            issue.project = issue.project.take().map(|project| Project { name: None, ..project });
        }),
    );
    assert!(slug.contains("\nProject | api\n"), "{slug}");
    let bare = Issue::unknown(crate::event::GroupId::new("1170820242"));
    for action in Action::known() {
        let event = [event(action.as_str(), root_cause())];
        assert_eq!(lines_of(&event, Some(&bare), &slack()), lines(&event, &slack()), "{action}");
    }
}
