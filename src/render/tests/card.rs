//! What the built-in card says in each state of a run, and that it reads well where little is known.

use jiff::SignedDuration;

use super::*;
use crate::event::{Artifacts, Event, PullRequest, RELAY_RESOURCE, Step};
use crate::issue::Issue;
use crate::message::outline::{self, Outline};
use crate::message::{Message, Tone, plain_text};
use crate::render::fixture::{
    changes, context, context_of, event, issue, pull_request, root_cause, slack, solution,
};

/// Returns an event so many seconds after the run's start; a notice where it has the name of one.
fn at(seconds: i64, action: &str, artifacts: Artifacts) -> Event {
    let event = event(action, artifacts);
    let resource = if action.starts_with("relay.") { RELAY_RESOURCE.to_owned() } else { event.resource };
    let received_at = event.received_at + SignedDuration::from_secs(seconds);
    let iteration = event.iteration.map(|_| 1);
    Event { resource, iteration, received_at, ..event }
}

fn bare(seconds: i64, action: &str) -> Event {
    at(seconds, action, Artifacts::default())
}

fn opened(pull_requests: Vec<PullRequest>) -> Artifacts {
    Artifacts { pull_requests: Some(pull_requests), ..Artifacts::default() }
}

/// A whole run with one round of changes.
fn run() -> Vec<Event> {
    let mut cause = root_cause();
    if let Some(cause) = cause.root_cause.as_mut() {
        cause.reasons[1].important = true;
        cause.reasons[1].file = Some("src/cart.py".to_owned());
    }
    let written = Artifacts { changes: Some(vec![changes("acme/api")]), ..Artifacts::default() };
    let pull_requests = || opened(vec![pull_request("acme/api", Some(12))]);
    vec![
        bare(0, "root_cause_started"),
        at(41, "root_cause_completed", cause),
        bare(43, "solution_started"),
        at(105, "solution_completed", solution(2)),
        bare(106, "coding_started"),
        at(406, "coding_completed", written),
        at(410, "pr_created", pull_requests()),
        at(3_600, "pr_ready_for_review", pull_requests()),
        bare(7_200, "iteration_started"),
        at(7_300, "iteration_completed", pull_requests()),
    ]
}

fn card_of(events: &[Event], issue: Option<&Issue>) -> Message {
    match Renderer::built_in().render_card(&context_of(events, issue), &slack()) {
        Ok(Rendered::Message(message)) => message,
        other => panic!("no message: {other:?}"),
    }
}

/// What every card of issue 1170820242 ends with.
const FOOT: &str = "\
*Run 12345 · began 23 Nov 2026, 10:00 UTC*
[Open in Sentry](https://acme.sentry.io/issues/1170820242/?seerDrawer=true)
";

/// Returns the card as lines, in which no space is told from another.
fn lines(events: &[Event]) -> String {
    outline::lines(&card_of(events, None)).replace('\u{a0}', " ")
}

#[track_caller]
fn assert_card(events: &[Event], expected: &str) {
    assert_eq!(lines(events), format!("{}\n{FOOT}", expected.trim()));
}

fn title(events: &[Event]) -> String {
    plain_text(&card_of(events, None).title)
}

/// Returns the progress line.
fn progress(events: &[Event]) -> String {
    let lines = lines(events);
    let line = lines.lines().find(|line| !line.starts_with('#') && line.contains(" Root cause"));
    line.unwrap_or_default().to_owned()
}

#[test]
fn every_state_of_a_run_has_its_title_and_its_tone() {
    let told = |actions: &[&str]| -> Vec<Event> {
        (0..).zip(actions).map(|(seconds, action)| bare(seconds, action)).collect()
    };
    let pull_requests = |numbers: &[Option<u64>]| {
        let named = numbers.iter().zip(["acme/api", "acme/web", "acme/docs"]);
        vec![at(0, "pr_created", opened(named.map(|(number, repo)| pull_request(repo, *number)).collect()))]
    };
    let cases = [
        (told(&["an_action_of_tomorrow"]), "Seer is at work", Tone::Progress),
        (told(&["root_cause_started"]), "Looking for the root cause", Tone::Progress),
        (told(&["root_cause_completed"]), "Root cause found", Tone::Ready),
        (told(&["solution_started"]), "Planning a fix", Tone::Progress),
        (told(&["solution_completed"]), "Fix planned", Tone::Ready),
        (told(&["coding_started"]), "Writing the fix", Tone::Progress),
        (told(&["coding_completed"]), "Fix written", Tone::Ready),
        (told(&["pr_created"]), "Pull request opened", Tone::Done),
        (pull_requests(&[Some(1), Some(2)]), "2 pull requests opened", Tone::Done),
        (pull_requests(&[Some(1), None]), "Pull request opened, 1 failed", Tone::Ready),
        (pull_requests(&[None]), "Pull request failed", Tone::Trouble),
        (told(&["pr_ready_for_review"]), "Ready for review", Tone::Done),
        (told(&["iteration_started"]), "Revising the pull request (round 1)", Tone::Progress),
        (told(&["iteration_completed"]), "Pull request updated (round 1)", Tone::Done),
        (told(&["coding_started", "relay.failed"]), "Seer failed", Tone::Trouble),
        (told(&["coding_started", "relay.stalled"]), "Seer stalled", Tone::Trouble),
        (told(&["relay.stalled", "coding_completed"]), "Fix written", Tone::Ready),
        (told(&["coding_started", "relay.waiting"]), "Seer needs an answer", Tone::Ready),
        (told(&["relay.failed", "coding_started"]), "Writing the fix", Tone::Progress),
        (told(&["coding_completed", "root_cause_started"]), "Fix written", Tone::Ready),
    ];
    for (events, expected, tone) in cases {
        let card = card_of(&events, None);
        assert_eq!(plain_text(&card.title), format!("{expected} · issue 1170820242"));
        assert_eq!(card.tone, tone, "{expected}");
        assert_eq!(card.buttons.last().unwrap().label, "Open in Sentry", "{expected}");
    }
}

#[test]
fn a_run_that_has_just_begun_is_a_title_a_progress_line_and_a_link() {
    assert_card(
        &run()[..1],
        "
# Looking for the root cause · issue 1170820242
… Root cause (since 10:00 UTC) → ○ Plan → ○ Code → ○ Pull request",
    );
}

#[test]
fn a_card_tells_all_that_is_known_of_its_run() {
    let review = "[Review acme/api #12](https://github.com/acme/api/pull/12)\n[Open";
    let card = lines(&run());
    assert!(card.contains(review), "{card}");
    assert_eq!(
        card.replace(review, "[Open"),
        format!(
            "\
# Pull request updated (round 1) · issue 1170820242
✓ Root cause (41 s) → ✓ Plan (1 min 2 s) → ✓ Code (5 min) → ✓ Pull request → ✓ Round 1
## Root cause
The `total` of an empty cart is read before it is set. The checkout fails.
**The decisive step** in `src/cart.py`: An empty cart has **no** total.
## Plan
- Step 1
- Step 2
## Changes
- acme/api · 2 files, +42 −7
## Pull request
- [acme/api #12](https://github.com/acme/api/pull/12), ready for review
{FOOT}"
        )
    );
}

#[test]
fn a_known_issue_is_named_and_described() {
    let card = outline::lines(&card_of(&run()[..1], Some(&issue()))).replace('\u{a0}', " ");
    let head = "\
# Looking for the root cause · API-1X
### ZeroDivisionError: division by zero
The API · error · high priority · `shop.views in checkout`
… Root cause (since 10:00 UTC) → ";
    assert!(card.starts_with(head), "{card}");
    let half = Issue { level: None, culprit: None, short_id: None, ..issue() };
    let card = outline::lines(&card_of(&run()[..1], Some(&half))).replace('\u{a0}', " ");
    let head = "\
# Looking for the root cause · ZeroDivisionError: division by zero
The API · high priority
… Root cause";
    assert!(card.starts_with(head), "{card}");
}

#[test]
fn a_stage_tells_how_far_it_is_and_when() {
    let until = |count: usize| progress(&run()[..count]);
    for (count, expected) in [
        (1, "… Root cause (since 10:00 UTC) → ○ Plan → ○ Code → ○ Pull request"),
        (2, "✓ Root cause (41 s) → ○ Plan → ○ Code → ○ Pull request"),
        (3, "✓ Root cause (41 s) → … Plan (since 10:00 UTC) → ○ Code → ○ Pull request"),
        (5, "✓ Root cause (41 s) → ✓ Plan (1 min 2 s) → … Code (since 10:01 UTC) → ○ Pull request"),
        (7, "✓ Root cause (41 s) → ✓ Plan (1 min 2 s) → ✓ Code (5 min) → ✓ Pull request"),
        (9, "✓ Root cause (41 s) → ✓ Plan (1 min 2 s) → ✓ Code (5 min) → ✓ Pull request → … Round 1"),
    ] {
        assert_eq!(until(count), expected);
    }
    let mut late = run();
    late.truncate(2);
    late[0].received_at = "2026-11-22T23:59:00Z".parse().unwrap();
    late.push(bare(50, "solution_started"));
    let expected = "✓ Root cause (10 h 1 min) → … Plan (since 23 Nov, 10:00 UTC) → ○ Code → ○ Pull request";
    assert_eq!(progress(&late), expected);
}

#[test]
fn the_progress_line_is_broken_at_its_arrows_alone() {
    let mut failed = run();
    failed.truncate(9);
    failed.push(bare(7_300, "relay.failed"));
    for events in [&run()[..5], &failed] {
        let card = outline::lines(&card_of(events, None));
        let line = card.lines().find(|line| line.contains(" → ")).unwrap();
        assert_eq!(line.matches(' ').count(), 2 * line.matches('→').count(), "{line}");
    }
}

#[test]
fn a_stage_whose_end_or_beginning_was_not_heard_of_is_over_once_a_later_one_was() {
    let lost = [bare(0, "root_cause_started"), bare(9, "coding_started"), bare(99, "relay.failed")];
    for (events, expected) in [
        (&lost[..2], "✓ Root cause → ✓ Plan → … Code (since 10:00 UTC) → ○ Pull request"),
        (&lost[..], "✓ Root cause → ✓ Plan → ✗ Code (failed) → ○ Pull request"),
        (&[bare(0, "pr_ready_for_review")], "✓ Root cause → ✓ Plan → ✓ Code → ✓ Pull request"),
    ] {
        assert_eq!(progress(events), expected);
    }
}

#[test]
fn a_stage_that_is_run_again_is_shown_so() {
    let mut events = run();
    events.truncate(6);
    events.push(bare(1_000, "coding_started"));
    events[6].sent_at = Some(events[6].received_at);
    events[5].sent_at = Some(events[5].received_at);
    let expected = |code| format!("✓ Root cause (41 s) → ✓ Plan (1 min 2 s) → {code} → ○ Pull request");
    assert_eq!(progress(&events), expected("… Code (again, since 10:16 UTC)"));
    assert_eq!(title(&events), "Fix written · issue 1170820242");
    events.push(bare(1_090, "coding_completed"));
    assert_eq!(progress(&events), expected("✓ Code (2 times, last in 1 min 30 s)"));
}

#[test]
fn a_run_that_failed_waits_or_stalls_says_where() {
    let mut events = run();
    events.truncate(5);
    events.push(bare(2_000, "relay.failed"));
    let known = "\
## Root cause
The `total` of an empty cart is read before it is set. The checkout fails.
**The decisive step** in `src/cart.py`: An empty cart has **no** total.
## Plan
- Step 1
- Step 2";
    let failed = format!(
        "\
# Seer failed · issue 1170820242
The run ended with an error while writing the fix. See in Sentry how far it came, and start it again there.
✓ Root cause (41 s) → ✓ Plan (1 min 2 s) → ✗ Code (failed) → ○ Pull request
{known}"
    );
    assert_card(&events, &failed);
    events[5] = bare(2_000, "relay.waiting");
    let waiting = format!(
        "\
# Seer needs an answer · issue 1170820242
The run stopped while writing the fix. Read Seer's question in Sentry, and answer it there.
✓ Root cause (41 s) → ✓ Plan (1 min 2 s) → ! Code (needs an answer, since 10:01 UTC) → ○ Pull request
{known}"
    );
    assert_card(&events, &waiting);
    let mut revised = run();
    revised.insert(9, bare(7_300, "relay.failed"));
    revised.truncate(10);
    assert!(progress(&revised).ends_with(" → ✓ Pull request → ✗ Round 1 (failed)"), "{}", progress(&revised));
    assert!(lines(&revised).contains("with an error while revising its pull request."));
}

#[test]
fn that_no_code_fix_will_follow_is_said_and_no_stage_is_shown_as_to_come() {
    let mut artifacts = root_cause();
    if let Some(cause) = artifacts.root_cause.as_mut() {
        cause.classification = Some("action_recommended".to_owned());
        cause.no_code_fix_reason = Some("Rotate the *key*.".to_owned());
    }
    let mut events = vec![at(0, "root_cause_completed", artifacts)];
    let card = lines(&events);
    assert!(card.contains("\n**No code fix will follow.** Rotate the *key*.\n"), "{card}");
    assert_eq!(progress(&events), "✓ Root cause");
    events.push(bare(60, "coding_started"));
    let card = lines(&events);
    assert!(!card.contains("No code fix") && card.contains("Code (since 10:01 UTC)"), "{card}");
}

#[test]
fn several_repositories_and_many_steps_are_counted_and_never_listed_to_the_end() {
    let mut many: Vec<_> = (1..=7).map(|number| changes(&format!("acme/{number}"))).collect();
    many[0].title = Some("fix: Guard `total`".to_owned());
    many[1].files.clear();
    (many[2].added, many[2].removed) = (0, 0);
    let events = [
        at(0, "solution_completed", solution(7)),
        at(1, "coding_completed", Artifacts { changes: Some(many), ..Artifacts::default() }),
        at(2, "pr_created", opened(vec![pull_request("acme/1", Some(12)), pull_request("acme/2", None)])),
    ];
    let review = "[Review acme/1 #12](https://github.com/acme/1/pull/12)\n[Open";
    let card = lines(&events);
    assert!(card.contains(review), "{card}");
    assert_eq!(
        card.replace(review, "[Open"),
        format!(
            "\
# Pull request opened, 1 failed · issue 1170820242
✓ Root cause → ✓ Plan → ✓ Code → ✓ Pull request
## Plan
- Step 1
- Step 2
- Step 3
- Step 4
- Step 5
- and 2 more steps
## Changes
- acme/1 · 2 files, +42 −7 · fix: Guard `total`
- acme/2
- acme/3 · 2 files
- acme/4 · 2 files, +42 −7
- acme/5 · 2 files, +42 −7
- and 2 more repositories
## Pull requests
- [acme/1 #12](https://github.com/acme/1/pull/12)
- acme/2: the pull request could not be opened
{FOOT}"
        )
    );
}

#[test]
fn steps_without_a_title_and_plans_without_steps_are_told() {
    let mut plan = solution(3);
    if let Some(plan) = plan.solution.as_mut() {
        plan.steps[0] = Step { file: Some("a.py".to_owned()), ..Step::default() };
        plan.steps[1] = Step { text: Some("1. Guard it. And more.".to_owned()), ..Step::default() };
        plan.steps[2] = Step::default();
    }
    let told = lines(&[at(0, "solution_completed", plan)]);
    assert!(told.contains("## Plan\n- `a.py`\n- Guard it. …\n*Run"), "{told}");
    let told = lines(&[at(0, "solution_completed", solution(0))]);
    assert!(told.contains("## Plan\nTreat an empty cart as a total of zero.\n*Run"), "{told}");
}

#[test]
fn a_card_reads_well_where_nothing_is_known() {
    let empty = Artifacts {
        root_cause: Some(crate::event::RootCause { reasons: vec![Step::default()], ..Default::default() }),
        solution: Some(crate::event::Solution { steps: vec![Step::default()], ..Default::default() }),
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
            let known = at(0, action.as_str(), artifacts.clone());
            let event = Event { run_id: None, group_id: None, iteration: None, ..known };
            let card = lines(&[event]);

            assert!(card.lines().next().unwrap().ends_with(" · acme"), "{card}");
            assert!(card.ends_with("*Began 23 Nov 2026, 10:00 UTC*\n"), "{card}");
            assert!(!card.contains("N/A") && !card.contains("None") && !card.contains("``"), "{card}");
            let lines: Vec<&str> = card.lines().collect();
            let hangs =
                lines.windows(2).any(|pair| pair[0].starts_with("##") && pair[1].starts_with(['#', '*']));
            assert!(!hangs, "{card}");
        }
    }
}

#[test]
fn a_card_has_three_buttons_at_most_and_the_pull_request_comes_first() {
    let labels = |count: u64| -> Vec<String> {
        let pull_requests = (1..=count).map(|number| pull_request("acme/api", Some(number))).collect();
        let card = card_of(&[at(0, "pr_created", opened(pull_requests))], None);
        card.buttons.into_iter().map(|button| button.label).collect()
    };
    assert_eq!(labels(1), ["Review acme/api #1", "Open in Sentry"]);
    assert_eq!(labels(2), ["Review acme/api #1", "Review acme/api #2", "Open in Sentry"]);
    assert_eq!(labels(3), ["Open in Sentry"]);
}

#[test]
fn a_card_is_the_same_whenever_it_is_made() {
    let renderer = Renderer::built_in();
    for count in 1..=run().len() {
        let context = context(&run()[..count]);
        let made = |now: &str| {
            let context = context.clone().made_at(now.parse().unwrap());
            match renderer.render_card(&context, &slack()) {
                Ok(Rendered::Message(message)) => message,
                other => panic!("no message: {other:?}"),
            }
        };
        assert_eq!(made("2026-11-23T10:00:00Z"), made("2027-01-01T00:00:00Z"));
    }
}

#[test]
fn a_hostile_text_changes_nothing_but_itself() {
    let told = |text: &str| {
        let mut events = run();
        let repo = || Some(text.to_owned());
        for event in &mut events {
            event.run_id = repo().map(crate::event::RunId::new);
            let artifacts = &mut event.artifacts;
            for change in artifacts.changes.iter_mut().flatten() {
                change.repo = repo();
            }
            for pull_request in artifacts.pull_requests.iter_mut().flatten() {
                pull_request.repo = repo();
            }
            if let Some(cause) = &mut artifacts.root_cause {
                cause.reasons[1].file = repo();
            }
        }
        Outline::of(&card_of(&events, None))
    };
    let harmless = told("word");
    for value in
        ["<!channel>", "@everyone", "*", "`", "```\n# owned", "](https://evil.example)", "| a |", "\n\n- x"]
    {
        assert_eq!(told(value).structure, harmless.structure, "{value:?}");
    }
}

#[test]
fn a_name_that_does_not_end_is_cut() {
    let endless = "W".repeat(10_000);
    let mut events = run();
    for event in &mut events {
        event.run_id = Some(crate::event::RunId::new(endless.as_str()));
        if let Some(cause) = &mut event.artifacts.root_cause {
            cause.reasons[1].file = Some(endless.clone());
        }
        for change in event.artifacts.changes.iter_mut().flatten() {
            change.repo = Some(endless.clone());
        }
    }
    let failed = PullRequest { repo: Some(endless.clone()), ..pull_request("x", None) };
    let named = PullRequest { repo: Some(endless), ..pull_request("x", Some(1)) };
    events.push(at(9_000, "pr_created", opened(vec![named, failed])));
    let card = card_of(&events, None);
    let words = outline::lines(&Message { buttons: Vec::new(), ..card });
    assert!(words.chars().count() < 2_000, "{words}");
}
