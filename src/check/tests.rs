//! Whole config folders with templates.

use std::path::Path;

use tempfile::TempDir;

use super::*;

const RELAY: &str = "[sentry.acme]\nclient_secrets = [{ env = \"SENTRY_CLIENT_SECRET\" }]\n";
const ROUTES: &str =
    "[slack.backend]\nwebhook_url = { env = \"SLACK_WEBHOOK_URL\" }\n[[route]]\nto = [\"backend\"]\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [("relay.toml", RELAY), ("routes.toml", ROUTES)].iter().chain(files) {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes folders");
        std::fs::write(path, text).expect("writes");
    }
    dir
}

fn environment() -> Environment {
    Environment::from_pairs([
        ("SENTRY_CLIENT_SECRET", "a-client-secret"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
    ])
}

#[test]
fn a_sound_folder_has_nothing_to_report() {
    let dir = folder(&[]);
    assert_eq!(check(dir.path(), &environment()), Faults::default());
    assert!(load_checked(dir.path(), &environment()).is_ok());
}

#[test]
fn the_example_and_the_starter_folder_pass() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    assert_eq!(check(&example, &Environment::default()).faults, []);
    let parent = tempfile::tempdir().expect("a temporary folder");
    let dir = parent.path().join("config");
    crate::config::starter::write(&dir).expect("writes");
    let report = check(&dir, &Environment::default());
    assert_eq!(report.faults, []);
    let codes: Vec<&str> = report.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["secret_missing", "secret_missing", "no_client_secret"]);
}

#[test]
fn what_the_readme_shows_passes() {
    const README: &str = include_str!("../../README.md");
    let block = |language: &str, words: &str| {
        let blocks = README.split("\n```").skip(1).step_by(2);
        let mut bodies = blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
        bodies.find(|body| body.contains(words)).expect("the README shows it")
    };
    let dir = folder(&[
        ("routes.toml", block("toml", "[[route]]")),
        ("templates/pr_created.md.tera", block("markdown", "run.pull_requests")),
    ]);
    let report = check(dir.path(), &environment());
    assert_eq!(report.faults, []);
    let codes: Vec<&str> = report.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["secret_missing"; 3], "{report:?}");
}

#[test]
fn a_template_that_fails_is_told_once_at_its_own_line_whatever_renders_it() {
    let dir = folder(&[("templates/pr_created.md.tera", "# Title\n\nText {{ event.id | duration }}\n")]);
    let report = check(dir.path(), &environment());
    let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
    assert_eq!(fault.code, "template_fails");
    assert_eq!(fault.file.as_deref(), Some(dir.path().join("templates/pr_created.md.tera").as_path()));
    assert_eq!(fault.line, Some(3));
    assert!(fault.message.contains("duration"), "{fault:?}");
}

#[test]
fn a_template_for_an_action_that_sentry_may_add_is_tried_too() {
    let dir =
        folder(&[("templates/triage_completed.md.tera", "# Title\n\nText {{ event.id | duration }}\n")]);
    let report = check(dir.path(), &environment());
    let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
    assert_eq!((fault.code, fault.line), ("template_fails", Some(3)));
}

#[test]
fn a_template_that_cannot_be_read_hides_no_fault_of_another_one() {
    let dir = folder(&[
        ("templates/_part.md.tera", "{% nope %}\n"),
        ("templates/coding_completed.md.tera", "# {{ run.typo }}\n"),
        ("templates/pr_created.md.tera", "# {% if issue.level == \"fatal\" %}{{ rare }}{% endif %}\n"),
        ("templates/root_cause_completed.md.tera", "# {{ event.id | markdwn }}\n"),
        ("templates/solution_completed.md.tera", "# {% include \"_part.md.tera\" %}\n"),
        ("templates/solution_started.md.tera", "# {{ event.id | duration }}\n"),
    ]);
    let faults = check(dir.path(), &environment()).faults;
    let found: Vec<_> = faults
        .iter()
        .map(|fault| {
            (fault.file.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()), fault.code)
        })
        .collect();
    assert_eq!(
        found,
        [
            (Some("_part.md.tera"), "template_invalid"),
            (Some("coding_completed.md.tera"), "unknown_field"),
            (Some("pr_created.md.tera"), "unknown_field"),
            (Some("root_cause_completed.md.tera"), "template_invalid"),
            (Some("solution_started.md.tera"), "template_fails"),
        ]
    );
}

#[test]
fn a_template_that_cannot_be_read_is_told_beside_the_faults_of_the_files() {
    let routes = ROUTES.replace("[\"backend\"]", "[\"bakend\"]");
    let dir = folder(&[("templates/pr_created.md.tera", "# Title\n{% nope %}\n"), ("routes.toml", &routes)]);
    let codes: Vec<_> = check(dir.path(), &environment()).faults.iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["unknown_destination", "template_invalid"]);
}

#[test]
fn a_template_set_that_is_not_there_is_a_fault_at_the_key_that_names_it() {
    let routes = format!("{ROUTES}template = \"oncal\"\n");
    let dir =
        folder(&[("templates/oncall/default.md.tera", "# {{ event.action }}\n"), ("routes.toml", &routes)]);
    let report = check(dir.path(), &environment());
    let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
    assert_eq!((fault.code, fault.line, fault.column), ("unknown_template_set", Some(5), Some(1)));
    assert_eq!(fault.message, "route `route 1` asks for the template set `oncal`, which is not there");
    assert!(fault.hint.as_ref().is_some_and(|hint| hint.contains("did you mean `oncall`?")), "{fault:?}");
    let dir = folder(&[
        ("templates/oncall/default.md.tera", "# {{ event.action }}\n"),
        ("routes.toml", &routes.replace("oncal", "oncall")),
    ]);
    assert_eq!(check(dir.path(), &environment()).faults, []);
}

#[test]
fn serve_needs_a_client_secret_and_the_others_do_not() {
    let dir = folder(&[]);
    let environment =
        Environment::from_pairs([("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x")]);
    let report = load_checked(dir.path(), &environment).expect_err("refused");
    assert_eq!((report.faults[0].code, report.faults[0].line), ("no_client_secret", Some(2)));
    assert!(report.faults[0].message.contains("`SENTRY_CLIENT_SECRET` is not set"));
    assert!(load_for_looking(dir.path(), &environment).is_ok());
    assert_eq!(check(dir.path(), &environment).faults, []);
}

#[test]
fn a_strict_start_refuses_any_secret_without_a_value() {
    let dir = folder(&[]);
    let environment = Environment::from_pairs([("SENTRY_CLIENT_SECRET", "a-client-secret")]);
    let checked = load_checked(dir.path(), &environment).expect("starts");
    let report = checked.strict().expect_err("refused");
    assert_eq!(report.faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["secret_missing"]);
    let checked = load_checked(dir.path(), &self::environment()).expect("starts");
    assert!(checked.strict().is_ok());
}

#[test]
fn a_report_is_one_json_document() {
    let dir = folder(&[("routes.toml", "[[route]]\nto = [\"x\"]\n")]);
    let report = serde_json::to_value(check(dir.path(), &environment())).expect("serialises");
    let fault = &report["faults"][0];
    assert_eq!(fault["code"], "unknown_destination");
    assert_eq!((fault["line"].as_u64(), fault["column"].as_u64()), (Some(2), Some(7)));
    assert!(fault["file"].is_string() && fault["message"].is_string() && fault["hint"].is_string());
    assert_eq!(report["warnings"], serde_json::json!([]));
}

#[test]
fn a_template_that_only_fails_where_something_is_unknown_is_found() {
    let template = "# {{ event.action }}\n\n{{ run.root_cause.summary }}\n";
    let dir = folder(&[("templates/root_cause_completed.md.tera", template)]);
    let report = check(dir.path(), &environment());
    let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
    assert_eq!((fault.code, fault.line), ("template_fails", Some(3)));
}

#[test]
fn a_json_body_that_the_platform_would_refuse_is_told() {
    let blocks = vec!["{\"type\":\"divider\"}"; 51].join(",");
    let template = format!("{{\"text\": \"{{{{ event.action }}}}\",\n\"blocks\": [{blocks}]}}");
    let dir = folder(&[("templates/slack/pr_created.json.tera", &template)]);
    let report = check(dir.path(), &environment());
    let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
    assert_eq!(fault.code, "platform_limit");
    assert!(
        fault.message.ends_with("makes of `pr_created` has 51 blocks, of which 50 are allowed"),
        "{fault:?}"
    );
    assert!(fault.file.as_ref().is_some_and(|file| file.ends_with("templates/slack/pr_created.json.tera")));
    assert_eq!(fault.line, Some(2));
}

#[test]
fn what_is_no_json_is_told_at_the_line_that_wrote_it() {
    let template = "{\n  \"text\": \"x\",\n  \"number\": {{ run.group_id }}x\n}\n";
    let dir = folder(&[("templates/slack/default.json.tera", template)]);
    let report = check(dir.path(), &environment());
    let [fault, ..] = report.faults.as_slice() else { panic!("a fault: {report:?}") };
    assert_eq!((fault.code, fault.line), ("template_fails", Some(3)), "{fault:?}");
    assert!(fault.message.contains("not valid JSON"), "{fault:?}");
}

#[test]
fn what_would_be_cut_is_a_warning_at_the_line_that_makes_it_too_long() {
    let long = format!("# {{{{ event.action }}}}\n\nshort\n\n{}\n", "many words ".repeat(400));
    let title = format!("# {}\n\ntext\n", "long title ".repeat(15));
    let dir = folder(&[
        ("routes.toml", &format!("[discord.dev]\nwebhook_url = {{ env = \"D\" }}\n{ROUTES}")),
        ("templates/discord/pr_created.md.tera", &long),
        ("templates/coding_completed.md.tera", &title),
    ]);
    let environment = Environment::from_pairs([
        ("SENTRY_CLIENT_SECRET", "a-client-secret"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
        ("D", "https://discord.com/api/webhooks/1/x"),
    ]);
    let report = check(dir.path(), &environment);
    assert_eq!(report.faults, []);
    let told: Vec<_> = report
        .warnings
        .iter()
        .filter(|warning| warning.code == "cut")
        .map(|warning| {
            let file = warning.file.as_ref().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            (file, warning.line.unwrap(), warning.message.clone())
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "coding_completed.md.tera".to_owned(),
                1,
                "the message of `coding_completed` for `backend` would be cut: the title of 164 characters, by \
                 the limit of 150"
                    .to_owned()
            ),
            (
                "pr_created.md.tera".to_owned(),
                5,
                "the message of `pr_created` for `dev` would be cut: the text, by the limit of 4,096 characters \
                 in an embed's description"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn a_json_body_that_says_nothing_is_told() {
    let dir = folder(&[("templates/slack/pr_created.json.tera", "{\"content\": \"{{ event.action }}\"}")]);
    let report = check(dir.path(), &environment());
    let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
    assert_eq!(fault.code, "platform_limit");
    assert!(fault.message.contains("says nothing: it has none of `text`"), "{fault:?}");
}

#[test]
fn every_template_is_rendered_though_nobody_uses_it_yet() {
    let template = "# Title\n\n{{ event.nope }}\n";
    for name in ["pr_failed.md.tera", "oncall/pr_created.md.tera", "oncall/discord/default.md.tera"] {
        let dir = folder(&[(&format!("templates/{name}"), template)]);
        let report = check(dir.path(), &environment());
        let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
        assert_eq!((fault.code, fault.line), ("unknown_field", Some(3)), "{name}");
    }
}

#[test]
fn names_that_lead_nowhere_are_told() {
    let warnings = |name: &str| {
        let dir = folder(&[(&format!("templates/{name}"), "# Title\n")]);
        let report = check(dir.path(), &environment());
        assert_eq!(report.faults, [], "{name}");
        let told = report.warnings.into_iter();
        told.map(|warning| (warning.code, warning.hint.unwrap_or_default())).collect::<Vec<_>>()
    };
    assert_eq!(warnings("pr_created.md.tera"), []);
    assert_eq!(warnings("default.md.tera"), []);
    assert_eq!(warnings("_part.md.tera"), []);
    let [(code, hint)] = warnings("pr_craeted.md.tera").try_into().expect("one");
    assert_eq!(code, "unknown_action");
    assert!(hint.starts_with("did you mean `pr_created`?"), "{hint}");
    let [(code, hint)] = warnings("crad.md.tera").try_into().expect("one");
    assert_eq!(code, "unknown_action");
    assert!(hint.starts_with("did you mean `card`?"), "{hint}");
    let [(code, hint)] = warnings("slak/pr_created.md.tera").try_into().expect("one");
    assert_eq!(code, "unused_template_set");
    assert!(hint.starts_with("did you mean the folder `slack`"), "{hint}");
    let [(_, hint)] = warnings("oncall/pr_created.md.tera").try_into().expect("one");
    assert!(hint.contains("`template = \"oncall\"`"), "{hint}");
}

#[test]
fn a_set_that_no_folder_could_make_is_told_so() {
    for (set, hint) in [("slack", "every destination of that kind"), ("../x", "one word"), ("", "one word")] {
        let dir = folder(&[("routes.toml", &format!("{ROUTES}template = \"{set}\"\n"))]);
        let report = check(dir.path(), &environment());
        let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
        assert_eq!(fault.code, "unknown_template_set");
        assert!(fault.hint.as_ref().is_some_and(|told| told.contains(hint)), "{fault:?}");
    }
}

#[test]
fn every_fault_of_a_template_says_how_to_mend_it() {
    for (name, text, hint) in [
        ("pr_created.md.tera", "", "# {{ event.action }}"),
        ("slack/pr_created.json.tera", "{\"text\": {{ event.action }}}", "{{ value | json }}"),
        ("root_cause_completed.md.tera", "# {{ run.solution.summary }}\n", "put `{% if … %}` around it"),
        ("root_cause_completed.md.tera", "# {{ run.solution.sumary }}\n", "did you mean `summary`?"),
        (
            "pr_created.md.tera",
            "# T\n{% if run.pull_request %}x{% endif %}\n",
            "did you mean `pull_requests`?",
        ),
        (
            "slack/pr_created.json.tera",
            "{\"text\": {% if evnt %}\"a\"{% else %}\"b\"{% endif %}}",
            "did you mean `event`?",
        ),
        (
            "root_cause_completed.md.tera",
            "# A {{ run.root_cause.repo | upper }}\n",
            "put `{% if … %}` around it",
        ),
        ("default.md.tera", "# T\n{% for x in run.nothing %}{{ x }}{% endfor %}\n", "there are `changes`"),
        (
            "default.md.tera",
            "# T\n{% set x %}{% endset %}{% for y in x.z %}{{ y }}{% endfor %}\n",
            "there is no such field",
        ),
        ("default.md.tera", "# {{ event.action\n", "close every `{{`"),
        ("default.md.tera", "# T\n{% endif %}\n", "follow its beginning"),
        ("default.md.tera", "# {{ event.action = 1 }}\n", "{{ value | filter(argument=1) }}"),
    ] {
        let dir = folder(&[(&format!("templates/{name}"), text)]);
        let report = check(dir.path(), &environment());
        let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
        assert!(fault.hint.as_ref().is_some_and(|told| told.contains(hint)), "{text}: {fault:?}");
    }
}

#[test]
fn a_trap_in_a_template_is_a_warning_at_its_line() {
    let template =
        "# T\n\n| | |\n| --- | --- |\n{% for repo in run.repos %}\n| a | {{ repo }} |\n{% endfor %}\n";
    let dir = folder(&[("templates/pr_created.md.tera", template)]);
    let report = check(dir.path(), &environment());
    let [warning] = report.warnings.as_slice() else { panic!("one warning: {report:?}") };
    assert_eq!((report.faults.len(), warning.code, warning.line), (0, "template_trap", Some(5)));
}

#[test]
fn a_card_is_tried_in_every_state_of_a_run() {
    let every_link = "{% for pr in run.pull_requests %}{{ pr.url | duration }}{% endfor %}";
    for (name, text, code) in [
        ("card.md.tera", every_link, "template_fails"),
        ("discord/card.md.tera", "{{ run.solution.summary }}", "template_fails"),
        ("oncall/card.md.tera", "{% if run.stat %}x{% endif %}", "unknown_field"),
        ("oncall/slack/card.md.tera", "{{ event.id | markdwn }}", "template_invalid"),
    ] {
        let dir = folder(&[(&format!("templates/{name}"), &format!("# T\n\n{text}\n"))]);
        let report = check(dir.path(), &environment());
        let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
        assert_eq!((fault.code, fault.line), (code, Some(3)), "{name}: {fault:?}");
        assert!(report.warnings.iter().all(|warning| warning.code != "unknown_action"), "{report:?}");
    }
}

#[test]
fn a_card_that_would_be_cut_is_told_with_the_action_after_which_it_is() {
    let long = "many words ".repeat(1000);
    let text = format!("# {{{{ run.state }}}}\n\n{{% if run.changes %}}{long}{{% endif %}}\n");
    let dir = folder(&[("templates/card.md.tera", &text)]);
    let report = check(dir.path(), &environment());
    assert_eq!(report.faults, []);
    let told: Vec<_> =
        report.warnings.iter().map(|warning| (warning.line, warning.message.as_str())).collect();
    let [first, ..] = told.as_slice() else { panic!("a warning: {report:?}") };
    let expected = "the card after `coding_completed` for `slack` would be cut: the text, by the limit of 10,000 \
                    characters in a message";
    assert_eq!(*first, (Some(3), expected));
}

#[test]
fn the_body_of_a_card_that_the_platform_would_refuse_is_told() {
    let dir = folder(&[("templates/slack/card.json.tera", "{\"content\": \"{{ run.state }}\"}")]);
    let report = check(dir.path(), &environment());
    let [fault] = report.faults.as_slice() else { panic!("one fault: {report:?}") };
    assert_eq!(fault.code, "platform_limit");
    assert!(fault.message.contains("`slack/card.json.tera` makes of "), "{fault:?}");
}
