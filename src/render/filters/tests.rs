//! What the filters make of good and of odd input.

use tera::{Context, Tera, Value};

use super::super::family::Family;
use super::super::values::to_tera;
use super::register;
use crate::delivery::DestinationKind;
use crate::event::Artifacts;
use crate::message::outline;
use crate::render::{Rendered, Renderer, TemplatesConfig, fixture};

/// Evaluates an expression in which `v` is the JSON value.
fn evaluate(expression: &str, json: &str) -> Result<String, String> {
    let mut tera = Tera::default();
    register(&mut tera, Family::Markdown, DestinationKind::Discord);
    let mut context = Context::new();
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    context.insert_value("v", to_tera(&value, Family::Markdown));
    tera.add_raw_template("t", &format!("{{{{ {expression} }}}}")).map_err(|error| error.to_string())?;
    tera.render("t", &context).map_err(|error| error.to_string())
}

fn assert_makes(cases: &[(&str, &str, &str)]) {
    for (expression, json, expected) in cases {
        assert_eq!(evaluate(expression, json).as_deref(), Ok(*expected), "{expression} of {json}");
    }
}

#[test]
fn plural_counts_numbers_and_lists() {
    let plural = "v | plural(one=\"file\", many=\"files\")";
    assert_makes(&[
        (plural, "0", "0 files"),
        (plural, "1", "1 file"),
        (plural, "1.0", "1 file"),
        (plural, "2", "2 files"),
        (plural, "[1]", "1 file"),
        (plural, "[]", "0 files"),
        (plural, "2.5", "2.5 files"),
        (plural, "9007199254740993", "9007199254740993 files"),
        (plural, "18446744073709551615", "18446744073709551615 files"),
    ]);
    assert!(evaluate(plural, "\"text\"").is_err());
}

#[test]
fn duration_shows_two_units_at_most() {
    assert_makes(&[
        ("v | duration", "0", "0 s"),
        ("v | duration", "41.2", "41 s"),
        ("v | duration", "60", "1 min"),
        ("v | duration", "125", "2 min 5 s"),
        ("v | duration", "3600", "1 h"),
        ("v | duration", "11520", "3 h 12 min"),
        ("v | duration", "3605", "1 h"),
        ("v | duration", "90000", "1 d 1 h"),
        ("v | duration", "-5", "0 s"),
        ("v | duration", "1e300", "11574074 d 1 h"),
        ("v | duration", "9000000000000000000", "11574074 d 1 h"),
        ("v | duration", "18446744073709551615", "11574074 d 1 h"),
        ("v | duration", "9007199254740993", "11574074 d 1 h"),
        ("v | duration", "null", ""),
    ]);
}

#[test]
fn utc_shows_as_much_of_a_date_as_the_day_leaves_open() {
    let time = "\"2026-11-23T10:00:59.999Z\"";
    let on = |day: &str| format!("v | utc(day=\"{day}\")");
    assert_makes(&[
        ("v | utc", time, "23 Nov 2026, 10:00 UTC"),
        ("v | utc", "\"2026-03-01T23:30:00-02:00\"", "2 Mar 2026, 01:30 UTC"),
        ("v | utc", "null", ""),
        ("v | utc(day=v)", time, "10:00 UTC"),
        (&on("2026-11-22T23:59:59Z"), time, "23 Nov, 10:00 UTC"),
        (&on("2025-11-23T10:00:00Z"), time, "23 Nov 2026, 10:00 UTC"),
        (&on(""), time, "23 Nov 2026, 10:00 UTC"),
    ]);
    assert!(evaluate("v | utc", "\"soon\"").is_err_and(|error| !error.contains("soon")));
    assert!(evaluate("v | utc(day=1)", time).is_err());
}

#[test]
fn diff_keeps_whole_lines_and_says_what_is_missing() {
    assert_makes(&[
        ("v | diff(lines=2)", r#""a\nb\nc\nd""#, "a\nb\n… and 2 more lines"),
        ("v | diff(lines=2)", r#""a\nb\nc""#, "a\nb\n… and 1 more line"),
        ("v | diff(lines=9)", r#""a\nb""#, "a\nb\n"),
        ("v | diff(lines=9)", "null", ""),
        (
            "v | diff(lines=9)",
            r#"[{"path": "a.py", "diff": "+x"}, {"path": "b.py", "diff": null}]"#,
            "--- a.py\n+x\n",
        ),
        ("v | diff(lines=9)", r#"[{"path": null, "diff": "+x"}]"#, "+x\n"),
        (
            "v | diff(lines=9)",
            r#"[{"files": [{"path": "a", "diff": "diff --git a/a b/a\nindex 1..2\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n+x\n"}, {"path": "b", "diff": "+y"}]}, {"files": []}]"#,
            "--- a/a\n+++ b/a\n@@ -1 +1 @@\n+x\n--- b\n+y\n",
        ),
    ]);
}

#[test]
fn diff_is_cut_between_hunks() {
    let hunk = |from: usize, changes: usize| {
        format!("@@ -{from} +{from} @@\n a\n b\n c\n{} d\n", "+x\n".repeat(changes))
    };
    let file = |path: &str, hunks: &[String]| serde_json::json!({ "path": path, "diff": hunks.concat() });
    let two = serde_json::json!([file("a", &[hunk(1, 2), hunk(9, 1)]), file("b", &[hunk(1, 9)])]).to_string();
    let first = format!("--- a\n{}", hunk(1, 2));
    let both = format!("{first}{}", hunk(9, 1));
    assert_makes(&[
        ("v | diff(lines=8)", &two, &format!("{first}… and 21 more lines in 2 files")),
        ("v | diff(lines=13)", &two, &format!("{first}… and 21 more lines in 2 files")),
        ("v | diff(lines=14)", &two, &format!("{both}… and 15 more lines in 1 file")),
        ("v | diff(lines=28)", &two, &format!("{both}… and 15 more lines in 1 file")),
        ("v | diff(lines=29)", &two, &format!("{both}--- b\n{}", hunk(1, 9))),
        ("v | diff(lines=5)", &two, "--- a\n@@ -1 +1 @@\n c\n+x\n+x\n… and 24 more lines in 2 files"),
        ("v | diff(lines=3)", &two, "--- a\n@@ -1 +1 @@\n+x\n… and 26 more lines in 2 files"),
        ("v | diff(lines=2)", &two, "--- a\n+x\n… and 27 more lines in 2 files"),
        ("v | diff(lines=1)", &two, "--- a\n… and 28 more lines in 2 files"),
        ("v | diff(lines=0)", &two, "… and 29 more lines in 2 files"),
    ]);
    let text = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n--- y\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n+y\n";
    let json = serde_json::json!(text).to_string();
    assert_makes(&[
        ("v | diff(lines=9)", &json, text),
        ("v | diff(lines=5)", &json, &format!("{}… and 4 more lines in 1 file", &text[..37])),
    ]);
}

#[test]
fn diff_names_repositories_where_there_are_several() {
    let change = |repo: Option<&str>, diff: Option<&str>| serde_json::json!({ "repo": repo, "files": [{ "path": "a.py", "diff": diff }, { "path": "b.py", "diff": diff }] });
    let (api, web) = (change(Some("acme/api"), Some("+x")), change(Some("acme/web"), Some("+y")));
    let shown = |list: &[&serde_json::Value], lines: usize| {
        evaluate(&format!("v | diff(lines={lines})"), &serde_json::json!(list).to_string()).unwrap()
    };
    let first = "--- a.py\n+x\n--- b.py\n+x\n";
    assert_eq!(shown(&[&api], 20), first);
    assert_eq!(shown(&[&api, &change(Some("acme/docs"), None)], 20), first);
    assert_eq!(
        shown(&[&api, &web], 20),
        format!("=== acme/api\n{first}=== acme/web\n--- a.py\n+y\n--- b.py\n+y\n")
    );
    assert_eq!(shown(&[&api, &web], 6), format!("=== acme/api\n{first}… and 5 more lines in 2 files"));
    assert!(shown(&[&api, &change(None, Some("+z"))], 20).contains("=== another repository\n--- a.py\n+z"));
}

#[test]
fn a_wrong_argument_is_named_with_its_filter() {
    for (expression, expected) in [
        ("v | truncate(length=-1)", "`truncate` takes a whole number from 0 on as `length`, not this number"),
        (
            "v | truncate(length=1.5)",
            "`truncate` takes a whole number from 0 on as `length`, not this number",
        ),
        ("v | truncate(length=\"9\")", "`truncate` takes a whole number from 0 on as `length`, not `string`"),
        ("v | truncate", "`truncate` needs the argument `length`"),
        ("v | truncate(length=3, end=1)", "`truncate` takes a text as `end`, not this number"),
        ("v | sentence(count=-2)", "`sentence` takes a whole number from 0 on as `count`"),
        ("v | sentence(length=true)", "`sentence` takes a whole number from 0 on as `length`, not `bool`"),
        ("v | diff(lines=-1)", "`diff` takes a whole number from 0 on as `lines`"),
        ("v | diff", "`diff` needs the argument `lines`"),
        ("1 | plural(one=\"a\", many=\"b\") ~ (2 | plural(one=\"a\"))", "`plural` needs the argument `many`"),
        ("v | code(language=1)", "`code` takes a text as `language`"),
        ("[1] | nth(n=-1)", "`nth` takes a whole number from 0 on as `n`"),
        ("v | default", "`default` needs the argument `value`"),
    ] {
        let error = evaluate(expression, "\"some text\"").unwrap_err();
        assert!(error.contains(expected), "{expression}: {error}");
    }
    assert_makes(&[
        ("v | truncate(length=9223372036854775807)", "\"a\"", "a"),
        ("v | sentence(count=0)", "\"a\"", "a"),
    ]);
}

#[test]
fn a_pull_request_is_named_by_what_is_known_of_it() {
    assert_makes(&[
        ("v | pr_label", r#"{"repo": "acme/api", "number": 12}"#, "acme/api #12"),
        ("v | pr_label", r#"{"repo": null, "number": 12}"#, "#12"),
        ("v | pr_label", r#"{"repo": "acme/api", "number": null}"#, "acme/api"),
        ("v | pr_label", r#"{"repo": null, "number": null}"#, "pull request"),
    ]);
}

#[test]
fn null_and_empty_text_count_as_missing() {
    assert_makes(&[
        ("v | default(value=\"x\")", "null", "x"),
        ("v | default(value=\"x\")", "\"\"", "x"),
        ("v | default(value=\"x\")", "0", "0"),
        ("v | default(value=\"x\", boolean=true)", "0", "x"),
        ("v is none", "null", "true"),
        ("v is none", "\"\"", "true"),
        ("v is not none", "\"a\"", "true"),
        ("v is none", "[]", "false"),
        ("v | first", "[]", ""),
        ("v | last", "[null]", ""),
        ("v | nth(n=1)", "[1]", ""),
        ("v | nth(n=1)", "[1, 2]", "2"),
    ]);
}

#[test]
fn numbers_keep_what_they_are() {
    assert_makes(&[
        ("v", "18446744073709551615", "18446744073709551615"),
        ("v", "-9223372036854775808", "-9223372036854775808"),
        ("v", "41.2", "41.2"),
        ("v + 1", "1", "2"),
        ("v is number", "1.5", "true"),
    ]);
}

#[test]
fn json_in_markdown_is_text_like_any_other() {
    assert_makes(&[("v | json", r#"{"a": "<b>"}"#, r#"{"a":"<b>"}"#)]);
    assert_eq!(to_tera(&serde_json::Value::Null, Family::Json), Value::none());
}

#[test]
fn diffstat_counts_a_change_a_file_or_a_list() {
    assert_makes(&[
        ("v | diffstat", r#"{"added": 42, "removed": 7, "files": []}"#, "+42 −7"),
        ("v | diffstat", r#"[{"added": 1, "removed": 0}, {"added": 2, "removed": 3}]"#, "+3 −3"),
        ("v | diffstat", "[]", "+0 −0"),
        ("v | diffstat", r#"{"added": -5, "removed": 99999999999}"#, "+0 −99999999999"),
        ("v | diffstat", r#"{"added": 18446744073709551615, "removed": 0}"#, "+18446744073709551615 −0"),
        ("v | diffstat", "null", ""),
    ]);
    assert!(evaluate("v | diffstat", "7").unwrap_err().contains("a change, a file or a list"));
    assert!(evaluate("v | diffstat", r#"{"path": "a"}"#).is_err());
}

#[test]
fn what_is_undefined_is_an_error_in_every_filter() {
    for filter in super::OWN {
        let arguments = match filter {
            "diff" => "(lines=1)",
            "truncate" => "(length=9)",
            "plural" => "(one=\"a\", many=\"b\")",
            _ => "",
        };
        assert!(evaluate(&format!("nope | {filter}{arguments}"), "1").is_err(), "{filter}");
        assert!(evaluate(&format!("v.nope | {filter}{arguments}"), "{}").is_err(), "{filter}");
    }
}

/// Renders a template over a run that has got as far as its pull request, three minutes after its start.
fn message_of(template: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("default.md.tera"), template).unwrap();
    let config = TemplatesConfig { dir: dir.path().to_owned(), dir_is_explicit: true };
    let renderer = Renderer::load(&config).unwrap();
    let changed = Artifacts { changes: Some(vec![fixture::changes("acme/api")]), ..Artifacts::default() };
    let pull_requests = Some(vec![fixture::pull_request("acme/api", Some(12))]);
    let opened = Artifacts { pull_requests, ..Artifacts::default() };
    let events =
        [fixture::event("coding_completed", changed), fixture::event("an_action_of_tomorrow", opened)];
    let now = events[0].received_at + jiff::SignedDuration::from_mins(3);
    match renderer.render(&fixture::context(&events).made_at(now), &fixture::slack()) {
        Ok(Rendered::Message(message)) => outline::lines(&message).replacen("# \n", "", 1),
        other => panic!("{template}: {other:?}"),
    }
}

#[test]
fn the_examples_of_the_readme_show_what_it_says() {
    let readme = include_str!("../../../README.md");
    let rows = readme.lines().skip_while(|line| !line.starts_with("| filter |")).skip(2);
    let mut seen = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let row = row.replace("\\|", "\u{0}");
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().replace('\0', "|")).collect();
        let shown = message_of(cells[3].trim_matches('`'));
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(shown, cells[4], "{}", cells[3]);
        seen.push(cells[1].trim_matches('`').to_owned());
    }
    seen.sort();
    assert_eq!(seen, super::OWN);
}

#[test]
fn code_is_code_whatever_it_holds() {
    use crate::message::{Block, Inline};
    let code = |text: &str, filter: &str| {
        let mut values = Err("nothing".to_owned());
        let ((), tokens) = super::tokens::collect(|| {
            values = evaluate(&format!("v | {filter}"), &serde_json::to_string(text).unwrap());
        });
        crate::message::markdown::parse(&format!("a {} b", values.unwrap()), &tokens).blocks
    };
    for text in ["x", "`", "a`b``c", "```", "<b>&amp;</b> | \\", "**b** [x](y)", "a\nb", " a "] {
        let expected = text.replace('\n', " ");
        let Some(Block::Paragraph(line)) = code(text, "code").into_iter().next() else { panic!("{text}") };
        assert_eq!(line[1], Inline::Code(expected), "{line:?}");
    }
    assert_eq!(evaluate("v | code", "null").as_deref(), Ok(""));
    let shown = message_of("{{ \"-a\\n```\\n+b\" | code(language=\"diff\") }}");
    assert_eq!(shown, "```diff\n-a\n```\n+b\n```\n");
}
