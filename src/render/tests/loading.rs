//! What is found wrong when templates are loaded.

use super::*;

#[test]
fn no_folder_is_fine_unless_it_was_asked_for() {
    let missing = tempfile::tempdir().unwrap().path().join("nowhere");

    assert!(Renderer::load(&TemplatesConfig { dir: missing.clone(), dir_is_explicit: false }).is_ok());
    let faults = Renderer::load(&config(&missing)).err().unwrap();
    assert_eq!(faults[0].message, "the templates folder does not exist");
}

#[test]
fn the_built_in_templates_are_sound() {
    let mut faults = Vec::new();
    Sets::build_all(&files::built_in(), &mut faults);

    assert_eq!(faults, []);
}

#[test]
fn every_fault_of_every_file_is_found_at_once() {
    let found = faults(&[
        ("a.md.tera", "fine"),
        ("b.md.tera", "one\n  {{ run.id | uper }} {{ run.id | markdwon }}"),
        ("c.md.tera", "{% if run.id %}\nno end"),
        ("d.md.tera", "{% include \"_fotter.md.tera\" %}"),
        ("oncall/_footer.md.tera", "{{ x is nuone }}"),
        ("e.md.tera", "{% extends \"nothing.md.tera\" %}"),
        ("f.json.tera", "{{ run.id | json_encode }} {{ now() }}"),
        ("g.md.tera", "{{ run.id | nonsense }}"),
    ]);

    assert_eq!(
        found,
        [
            "b.md.tera:2:15 unknown filter `uper` | did you mean `upper`?",
            "b.md.tera:2:35 unknown filter `markdwon` | did you mean `markdown`?",
            "c.md.tera:2:7 unexpected end of input | close every `{{` and `{%`, and end every `{% if … %}` by `{% endif %}`, every `{% for … %}` by `{% endfor %}`",
            "d.md.tera:1:12 unknown template `_fotter.md.tera` | there are `_about.md.tera`, `_changes.md.tera`, `_doing.md.tera`, `_facts.md.tera`, `_issue.md.tera`, `_links.md.tera`, `_progress.md.tera`, `_pull_requests.md.tera`, `_stage.md.tera`, `_subject.md.tera`, `_timeline.md.tera`, `_traits.md.tera`",
            "e.md.tera:1:1 unknown template `nothing.md.tera` | there are `_about.md.tera`, `_changes.md.tera`, `_doing.md.tera`, `_facts.md.tera`, `_issue.md.tera`, `_links.md.tera`, `_progress.md.tera`, `_pull_requests.md.tera`, `_stage.md.tera`, `_subject.md.tera`, `_timeline.md.tera`, `_traits.md.tera`",
            "f.json.tera:1:13 unknown filter `json_encode` | did you mean `json`?",
            "f.json.tera:1:31 unknown function `now` | there are `range`, `super`, `throw`",
            "g.md.tera:1:13 unknown filter `nonsense` | filters of the relay: `ago`, `code`, `diff`, `diffstat`, `duration`, `json`, `markdown`, `plural`, `pr_label`, `sentence`, `truncate`, `utc`",
            "oncall/_footer.md.tera:1:9 unknown test `nuone` | did you mean `none`?",
        ]
    );
}

#[test]
fn circles_are_named() {
    let found = faults(&[
        ("pr_created.md.tera", "\n{% extends \"pr_created.md.tera\" %}"),
        ("_a.md.tera", "{% include \"_b.md.tera\" %}"),
        ("_b.md.tera", "{% include \"_a.md.tera\" %}"),
    ]);

    assert_eq!(
        found,
        [
            "_a.md.tera:1:1 the template includes itself: _a.md.tera → _b.md.tera → _a.md.tera | take one of these `include`s out",
            "pr_created.md.tera:2:1 the template extends itself | a template of the same name is reached as `built-in/pr_created.md.tera`",
        ]
    );
}

#[test]
fn comparing_with_none_is_found() {
    let found = faults(&[(
        "a.md.tera",
        "== none\n{% if issue.title != none %}x{% endif %}{{ run.id == nonexistent }}",
    )]);

    assert_eq!(
        found,
        ["a.md.tera:2:22 nothing equals `none`, for null is empty text here | write `is not none`"]
    );
}

#[test]
fn files_that_would_never_be_used_are_found() {
    let found = faults(&[
        ("README.md", "ignored"),
        (".hidden/x.md.tera", "ignored"),
        ("notes/plain.txt", "ignored"),
        ("my_own_action.md.tera", "fine"),
        ("_part.md.tera", "fine"),
        ("pr_created.tera", "x"),
        ("pr_created.md", "x"),
        ("oncall/default.json", "x"),
        ("notes.json", "ignored"),
        ("page.html.tera", "x"),
        (".md.tera", "ignored, as it is hidden"),
        ("card.md.tera", "fine"),
        ("discord/card.json.tera", "{}"),
        ("slack/card.md", "x"),
        ("webhook/card.json.tera", "{}"),
        ("oncall/webhook/card.md.tera", "x"),
        ("webhook/default.md.tera", "x"),
        ("oncall/webhook/default.md.tera", "x"),
        ("oncall/deeper/x.md.tera", "x"),
        ("slack/deeper/x.md.tera", "x"),
        ("built-in/x.md.tera", "x"),
    ]);

    let markdown = "a webhook gets JSON, not Markdown | name it `<action>.json.tera`, or remove it for the documented JSON";
    let card =
        "a webhook has no card: it gets every event | remove the file, or move it to where a chat finds it";
    let name = "no action has a template of this name | name it `<action>.md.tera` or `<action>.json.tera`";
    assert_eq!(
        found,
        [
            "built-in its templates would never be used | `built-in` is the name by which templates reach the built-in ones".to_owned(),
            "oncall/deeper its templates would never be used | a set's folders are kinds: `slack`, `discord`, `webhook`".to_owned(),
            "oncall/default.json this would never be used: its name does not end with `.tera` | name it `default.json.tera`".to_owned(),
            format!("oncall/webhook/card.md.tera {card}"),
            format!("oncall/webhook/default.md.tera {markdown}"),
            format!("page.html.tera {name}"),
            "pr_created.md this would never be used: its name does not end with `.tera` | name it `pr_created.md.tera`".to_owned(),
            format!("pr_created.tera {name}"),
            "slack/card.md this would never be used: its name does not end with `.tera` | name it `card.md.tera`".to_owned(),
            "slack/deeper its templates would never be used | no template is looked for below a kind's folder".to_owned(),
            format!("webhook/card.json.tera {card}"),
            format!("webhook/default.md.tera {markdown}"),
        ]
    );
}

#[test]
fn a_file_that_is_no_text_is_a_fault() {
    let dir = folder(&[]);
    fs::write(dir.path().join("a.md.tera"), b"# gr\xc3\xbcn\nund gr\xfcn").unwrap();
    fs::write(dir.path().join("b.md.tera"), vec![b' '; 1024 * 1024 + 1]).unwrap();
    std::os::unix::fs::symlink("/dev/null", dir.path().join("c.md.tera")).unwrap();
    std::os::unix::fs::symlink("/nowhere", dir.path().join("d.md.tera")).unwrap();

    let faults = Renderer::load(&config(dir.path())).err().unwrap();

    let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    let expected = [
        "the file is not UTF-8",
        "the file is larger than 1 MiB",
        "this is not a file",
        "the file cannot be read: entity not found",
    ];
    assert_eq!(messages, expected);
    assert_eq!((faults[0].line, faults[0].column), (Some(2), Some(7)));
    assert!(faults.iter().all(|fault| fault.hint.is_some()), "{faults:?}");
}
