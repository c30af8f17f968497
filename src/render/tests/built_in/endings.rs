//! What the built-in templates say of pull requests, and of runs that ended without them.

use super::*;

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
