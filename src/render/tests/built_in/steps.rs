//! What the built-in templates say of the cause, the plan and the code.

use super::*;

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
