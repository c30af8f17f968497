//! What the built-in templates say, stage by stage, and that they read well where little is known.

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
fn a_started_step_is_one_quiet_line() {
    for (action, before, after) in [
        ("root_cause_started", "Seer is looking for the root cause of ", "."),
        ("solution_started", "Seer is planning a fix for ", "."),
        ("coding_started", "Seer is writing the fix for ", "."),
        ("iteration_started", "Seer is revising its pull request for ", " (round 2)."),
    ] {
        let issue = "[issue 1170820242](https://acme.sentry.io/issues/1170820242/?seerDrawer=true)";
        assert_eq!(lines(&[bare(action)], &slack()), format!("# \n{before}{issue}{after}\n"));
    }
}

#[test]
fn a_root_cause_comes_with_its_whys() {
    assert_lines(
        &[event("root_cause_completed", root_cause())],
        "
# Root cause found · issue 1170820242
The `total` of an empty cart is read before it is set. The checkout fails.
 | 
Repository | acme/api
## Why it happens
1. The view divides by `cart.total`.
2. An empty cart has **no** total.
## How to reproduce
1. Open `/checkout` with an empty cart.
✓ Root cause · ○ Plan · ○ Code · ○ Pull request",
    );
}

#[test]
fn of_titled_reasons_the_decisive_one_is_told_in_full() {
    let reason = |title: &str, file: Option<&str>, important| Step {
        title: Some(title.to_owned()),
        text: Some("What happens there. In detail. At length.".to_owned()),
        file: file.map(str::to_owned),
        repo: None,
        important,
    };
    let mut artifacts = root_cause();
    let cause = artifacts.root_cause.as_mut().unwrap();
    cause.reasons =
        vec![reason("A request comes", None, false), reason("It **fails**", Some("src/page.ts"), true)];
    cause.reasons.extend((0..9).map(|index| reason(&format!("Then {index}"), Some("a.ts"), false)));
    cause.reproduction.clear();

    assert_lines(
        &[event("root_cause_completed", artifacts)],
        "
# Root cause found · issue 1170820242
The `total` of an empty cart is read before it is set. The checkout fails.
 | 
Repository | acme/api
## Why it happens
1. A request comes
2. It **fails** · `src/page.ts` · **the decisive step**
   What happens there. In detail. …
3. Then 0 · `a.ts`
4. Then 1 · `a.ts`
5. Then 2 · `a.ts`
6. Then 3 · `a.ts`
7. Then 4 · `a.ts`
8. Then 5 · `a.ts`
And 3 more steps in Sentry.
✓ Root cause · ○ Plan · ○ Code · ○ Pull request",
    );
}

#[test]
fn that_no_code_fix_will_follow_is_said_plainly() {
    for (classification, reason, expected) in [
        ("rca_only", None, "**No code fix will follow.** Seer was to find the cause only."),
        (
            "action_recommended",
            None,
            "**No code fix will follow.** Seer recommends an action outside the code; Sentry shows which.",
        ),
        ("action_recommended", Some("Rotate the *key*."), "**No code fix will follow.** Rotate the *key*."),
        ("a_new_word", Some("Rotate the *key*."), "**No code fix will follow.** Rotate the *key*."),
        ("", Some("Rotate the *key*."), "**No code fix will follow.** Rotate the *key*."),
    ] {
        let mut artifacts = root_cause();
        let cause = artifacts.root_cause.as_mut().unwrap();
        cause.classification = Some(classification.to_owned()).filter(|word| !word.is_empty());
        cause.no_code_fix_reason = reason.map(str::to_owned);
        let lines = lines(&[event("root_cause_completed", artifacts)], &slack());

        assert_eq!(lines.lines().nth(2), Some(expected));
        assert!(!lines.contains("○ Code"), "no step is shown as to come: {lines}");
    }
}

#[test]
fn a_code_fix_that_is_to_come_is_not_denied() {
    for (classification, reason) in [("code_fix", Some("None.")), ("code_fix", None), ("a_new_word", None)] {
        let mut artifacts = root_cause();
        let cause = artifacts.root_cause.as_mut().unwrap();
        cause.classification = Some(classification.to_owned());
        cause.no_code_fix_reason = reason.map(str::to_owned);
        let lines = lines(&[event("root_cause_completed", artifacts)], &slack());

        assert!(!lines.contains("No code fix") && lines.contains("○ Code"), "{lines}");
    }
}

#[test]
fn numbers_that_a_model_gave_its_reasons_are_not_told_twice() {
    let mut artifacts = root_cause();
    let cause = artifacts.root_cause.as_mut().unwrap();
    cause.reasons = vec![
        Step { text: Some("1. **Why does it fail?** The total is read.".to_owned()), ..Step::default() },
        Step { title: Some("2. It is `null`".to_owned()), ..Step::default() },
        Step {
            text: Some("Two causes:\n\n1. A.\n2. B.".to_owned()),
            file: Some("a.py".to_owned()),
            ..Step::default()
        },
    ];
    let lines = lines(&[event("root_cause_completed", artifacts)], &slack());

    let expected = "1. **Why does it fail?** The total is read.\n2. It is `null`\n3. `a.py`\n   Two causes:\n   1. A.\n   2. B.\n";
    assert!(lines.contains(expected), "{lines}");
}

#[test]
fn a_step_that_is_a_list_is_told_whole() {
    let mut plan = solution(3);
    if let Some(plan) = plan.solution.as_mut() {
        plan.steps[0].title = Some("Update a.py".to_owned());
        plan.steps[0].text = Some("1. first\n2. second".to_owned());
        plan.steps[1].file = Some("b.py".to_owned());
        plan.steps[1].text = Some("- first\n- second".to_owned());
        plan.steps[2].file = Some("c.py".to_owned());
    }
    let lines = lines(&[event("solution_completed", plan)], &slack());

    let expected = "1. **Update a.py**:\n   1. first\n   2. second\n2. **Step 2** · `b.py`:\n   - first\n   - second\n\
                    3. **Step 3** — Guard the division. … · `c.py`\n";
    assert!(lines.contains(expected), "{lines}");
}

#[test]
fn a_plan_has_five_steps_at_most() {
    assert_lines(
        &[event("root_cause_completed", root_cause()), event("solution_completed", solution(7))],
        "
# Fix planned · issue 1170820242
Treat an empty cart as a total of zero.
 | 
Repository | acme/api
## The plan
1. **Step 1** — Guard the division. …
2. **Step 2** — Guard the division. …
3. **Step 3** — Guard the division. …
4. **Step 4** — Guard the division. …
5. **Step 5** — Guard the division. …
And 2 more steps in Sentry.
✓ Root cause · ✓ Plan · ○ Code · ○ Pull request",
    );
}

#[test]
fn code_is_told_by_file_and_diffs_only_where_wanted() {
    let artifacts = Artifacts { changes: Some(vec![changes("acme/api")]), ..Artifacts::default() };
    let event = event("coding_completed", artifacts);
    let expected = "
# Fix written · issue 1170820242
Seer changed 2 files in acme/api: +42 −7 lines.
- `src/cart.py` +30 −7
- `tests/test_cart.py` +12 −0 (new)
DIFF✓ Root cause · ✓ Plan · ✓ Code · ○ Pull request";

    assert_lines(std::slice::from_ref(&event), &expected.replace("DIFF", ""));
    let diff =
        "```diff\n--- src/cart.py\n@@ -1,2 +1,2 @@\n-return total\n… and 5 more lines in 2 files\n```\n";
    let lines = lines(&[event], &Target { diff_lines: 3, ..slack() });
    assert_eq!(lines, format!("{}\n{SENTRY}", expected.trim().replace("DIFF", diff)));
}

#[test]
fn code_in_several_repositories_is_told_one_by_one() {
    let mut second = changes("acme/web");
    second.title = Some("fix: Guard `total`".to_owned());
    second.description = Some("First. Second. Third.".to_owned());
    second.files = (0..10).map(|_| second.files[0].clone()).collect();
    let mut third = changes("acme/docs");
    third.branch = Some("seer/fix".to_owned());
    let artifacts =
        Artifacts { changes: Some(vec![changes("acme/api"), second, third]), ..Artifacts::default() };
    let lines = lines(&[event("coding_completed", artifacts)], &slack());

    let files = "- `src/cart.py` +30 −7\n- `tests/test_cart.py` +12 −0 (new)\n";
    let many = "- `src/cart.py` +30 −7\n".repeat(8);
    let expected = format!(
        "# Fix written · issue 1170820242\nSeer changed code in 3 repositories: acme/api, acme/web, acme/docs.\n\
         ### acme/api\n{files}\
         ### acme/web\n**fix: Guard `total`**: First. Second. …\n{many}- and 2 more files in Sentry\n\
         ### acme/docs\nOn branch `seer/fix`:\n{files}\
         ✓ Root cause · ✓ Plan · ✓ Code · ○ Pull request\n{SENTRY}"
    );
    assert_eq!(lines, expected);
}

#[test]
fn diffs_of_several_repositories_stand_below_their_names() {
    let artifacts =
        Artifacts { changes: Some(vec![changes("acme/api"), changes("acme/web")]), ..Artifacts::default() };
    let lines = lines(&[event("coding_completed", artifacts)], &Target { diff_lines: 9, ..slack() });

    let file = |path: &str| format!("--- {path}\n@@ -1,2 +1,2 @@\n-return total\n+return total or 0\n");
    let diff = format!(
        "```diff\n=== acme/api\n{}{}… and 9 more lines in 2 files\n```\n",
        file("src/cart.py"),
        file("tests/test_cart.py")
    );
    assert!(lines.contains(&diff), "{lines}");
}

#[test]
fn what_is_not_known_of_code_is_left_out() {
    let told = |changes: Vec<_>| {
        let artifacts = Artifacts { changes: Some(changes), ..Artifacts::default() };
        lines(&[event("coding_completed", artifacts)], &slack())
    };
    let mut bare = changes("acme/api");
    bare.files.clear();
    let second = |change: &_| format!("\nSeer changed {change}.\n");
    assert!(told(vec![bare.clone()]).contains(&second(&"code in acme/api")), "{}", told(vec![bare.clone()]));
    let many: Vec<_> = (1..=7).map(|number| changes(&format!("acme/{number}"))).collect();
    let all = "code in 7 repositories: acme/1, acme/2, acme/3, acme/4, acme/5 and 2 more";
    assert!(told(many.clone()).contains(&second(&all)), "{}", told(many));
    let mut uncounted = changes("acme/api");
    uncounted.files.truncate(1);
    (uncounted.added, uncounted.removed) = (0, 0);
    (uncounted.files[0].added, uncounted.files[0].removed) = (0, 0);
    let lines = told(vec![uncounted]);
    assert!(lines.contains(&second(&"1 file in acme/api")) && !lines.contains("+0"), "{lines}");
}

#[test]
fn a_pull_request_is_a_link_and_a_button() {
    assert_lines(
        &[
            event("root_cause_completed", root_cause()),
            event("solution_completed", solution(1)),
            with_pull_requests("pr_created", vec![pull_request("acme/api", Some(12))]),
        ],
        "
# Pull request opened · issue 1170820242
Seer opened [acme/api #12](https://github.com/acme/api/pull/12): Treat an empty cart as a total of zero.
✓ Root cause · ✓ Plan · ✓ Code · ✓ Pull request
[Review acme/api #12](https://github.com/acme/api/pull/12)",
    );
}

#[test]
fn several_pull_requests_are_a_list_and_failed_ones_are_said_to_have_failed() {
    assert_lines(
        &[
            event("root_cause_completed", root_cause()),
            with_pull_requests(
                "pr_created",
                vec![pull_request("acme/api", Some(12)), pull_request("acme/web", None)],
            ),
        ],
        "
# Pull request opened, 1 failed · issue 1170820242
To fix this: The `total` of an empty cart is read before it is set. …
- [acme/api #12](https://github.com/acme/api/pull/12)
- acme/web: the pull request could not be opened
✓ Root cause · ✓ Plan · ✓ Code · ✓ Pull request
[Review acme/api #12](https://github.com/acme/api/pull/12)",
    );
    assert_lines(
        &[with_pull_requests("pr_created", vec![pull_request("acme/web", None)])],
        "
# Pull request failed · issue 1170820242
Seer wrote a fix, but could not open a pull request in acme/web. Sentry shows the change.
✓ Root cause · ✓ Plan · ✓ Code · ✗ Pull request (failed)",
    );
}

#[test]
fn many_pull_requests_have_no_buttons() {
    let pull_requests = (1..=12).map(|number| pull_request("acme/api", Some(number))).collect();
    let lines = lines(&[with_pull_requests("pr_ready_for_review", pull_requests)], &slack());

    assert!(
        lines.starts_with(
            "# Ready for review · issue 1170820242\n12 pull requests wait for your review.\n- ["
        )
    );
    assert!(lines.contains("/pull/10), ready for review\n- and 2 more in Sentry\n"), "{lines}");
    assert!(!lines.contains("[Review"));
}

#[test]
fn a_pull_request_ready_for_review_says_what_it_does() {
    let lines = lines(
        &[
            event("solution_completed", solution(1)),
            with_pull_requests("pr_ready_for_review", vec![pull_request("acme/api", Some(12))]),
        ],
        &slack(),
    );

    let link = "[acme/api #12](https://github.com/acme/api/pull/12)";
    assert_eq!(
        lines.lines().nth(1).unwrap(),
        format!("{link} waits for your review: Treat an empty cart as a total of zero.")
    );
}

#[test]
fn an_iteration_says_its_round_and_what_it_changed() {
    let artifacts = Artifacts {
        changes: Some(vec![changes("acme/api")]),
        pull_requests: Some(vec![pull_request("acme/api", Some(12))]),
        ..Artifacts::default()
    };
    assert_lines(
        &[event("iteration_completed", artifacts)],
        "
# Pull request updated (round 2) · issue 1170820242
Seer pushed its changes to [acme/api #12](https://github.com/acme/api/pull/12).
- `src/cart.py` +30 −7
- `tests/test_cart.py` +12 −0 (new)
[Review acme/api #12](https://github.com/acme/api/pull/12)",
    );
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

/// A notice of the relay's own at the end of a run that got so far.
fn notice(action: &str, steps: &[&str], failed: Vec<PullRequest>) -> Vec<Event> {
    let resource = crate::event::RELAY_RESOURCE.to_owned();
    let last = Event { resource, iteration: None, ..with_pull_requests(action, failed) };
    steps.iter().map(|step| bare(step)).chain([last]).collect()
}

#[test]
fn a_failed_run_says_where_it_stopped_and_where_to_look() {
    let reason = Some("403: no *right* to <!channel>".to_owned());
    let failed = |repo: &str, reason| PullRequest { reason, ..pull_request(repo, None) };
    assert_lines(
        &notice("relay.failed", &["solution_completed", "coding_started"], vec![failed("acme/api", reason)]),
        "
# Seer failed · issue 1170820242
The run ended with an error while writing the fix. See in Sentry how far it came, and start it again there.
- acme/api: the pull request could not be opened: 403: no *right* to <!channel>
 | 
Repository | acme/api
✓ Root cause · ✓ Plan · ✗ Code (failed) · ✗ Pull request (failed)",
    );
    for (step, doing) in [
        ("root_cause_started", " while looking for the root cause"),
        ("solution_started", " while planning the fix"),
        ("iteration_started", " while revising its pull request"),
        ("brand_new", ""),
    ] {
        let told = lines(&notice("relay.failed", &[step], Vec::new()), &slack());
        assert!(told.contains(&format!("\nThe run ended with an error{doing}. See in Sentry")), "{told}");
    }
    let unexplained =
        lines(&notice("relay.failed", &["coding_started"], vec![failed("a/b", None)]), &slack());
    assert!(unexplained.contains("\n- a/b: the pull request could not be opened\n"), "{unexplained}");
}

#[test]
fn a_run_that_waits_says_for_whom() {
    assert_lines(
        &notice("relay.waiting", &["root_cause_completed", "solution_started"], Vec::new()),
        "
# Seer needs an answer · issue 1170820242
The run stopped while planning the fix. Read Seer's question in Sentry, and answer it there.
✓ Root cause · ! Plan (needs an answer) · ○ Code · ○ Pull request",
    );
}

/// What a notice says that was not heard.
fn silence(last_heard_at: Option<i64>, bad_signatures: Option<u64>) -> Artifacts {
    let last_heard_at = last_heard_at.map(|second| jiff::Timestamp::from_second(second).unwrap());
    let silence = crate::event::Silence { seconds: 5_400, last_heard_at, bad_signatures };
    Artifacts { silence: Some(silence), ..Artifacts::default() }
}

#[test]
fn a_stalled_run_says_for_how_long_and_what_it_was_doing() {
    let mut events = notice("relay.stalled", &["root_cause_completed", "solution_started"], Vec::new());
    events.last_mut().unwrap().artifacts = silence(None, None);
    assert_lines(
        &events,
        "
# Seer has fallen silent · issue 1170820242
Nothing has been heard of the run for 1 h 30 min while planning the fix. It may have failed, or wait for somebody: see in Sentry how far it came.
✓ Root cause · ! Plan (stalled) · ○ Code · ○ Pull request",
    );
}

#[test]
fn the_silence_of_webhooks_says_what_may_be_wrong() {
    let told = |artifacts| {
        let resource = crate::event::RELAY_RESOURCE.to_owned();
        lines(
            &[Event { resource, group_id: None, run_id: None, ..event("relay.silent", artifacts) }],
            &slack(),
        )
    };
    let silent = told(silence(None, Some(0)));
    assert!(
        silent.contains(
            "# No webhooks come from Sentry · acme\nNothing has been heard of acme for 1 h 30 min. See that the \
             integration in Sentry still has the relay's address, and that Sentry can reach it.\nNothing has ever come from it."
        ),
        "{silent}"
    );
    let doubtful = told(silence(Some(0), Some(2)));
    assert!(doubtful.contains("for 1 h 30 min but 2 webhooks with a bad signature. See that"), "{doubtful}");
    assert!(doubtful.contains("\nThe last webhook came "), "{doubtful}");
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
fn a_summary_that_begins_with_a_heading_and_steps_without_words_read_well() {
    let mut cause = root_cause();
    if let Some(cause) = cause.root_cause.as_mut() {
        cause.summary = Some("# Summary\n\nThe worker dies. Often.\n\nThen more.".to_owned());
        cause.reasons = vec![
            Step { file: Some("a.py".to_owned()), important: true, ..Step::default() },
            Step { text: Some("```py\na = 1\n```\n\nIt is read twice.".to_owned()), ..Step::default() },
        ];
        cause.reproduction.clear();
    }
    let mut plan = solution(6);
    if let Some(plan) = plan.solution.as_mut() {
        plan.steps[0] = Step { file: Some("a.py".to_owned()), ..Step::default() };
    }
    let events = [event("root_cause_completed", cause), event("solution_completed", plan)];

    let told = lines(&events[..1], &slack());
    for line in
        ["The worker dies. Often. …", "1. `a.py` · **the decisive step**", "2. ```py", "   It is read twice."]
    {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    let told = lines(&events, &slack());
    for line in ["1. `a.py`", "And 1 more step in Sentry."] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
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
