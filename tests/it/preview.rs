//! The preview page, as the binary writes it.

use std::process::Output;

use crate::support::RelayFolder;

const ROUTES: &str = "\
    [slack.team]\nwebhook_url = { env = \"UNSET\" }\nbuttons = true\n\
    [slack.chat]\nwebhook_url = { env = \"UNSET\" }\nslack_compatible = true\n\
    [discord.dev]\nwebhook_url = { env = \"UNSET\" }\ndiff = 10\n\
    [webhook.audit]\nurl = \"https://audit.test/\"\n\
    [[route]]\nname = \"reviews\"\nwhen = { action = \"pr_*\" }\nto = [\"team\", \"chat\"]\n\
    [[route]]\nname = \"on call\"\nwhen = { repo = \"acme/other\" }\nto = [\"dev\"]\ntemplate = \"oncall\"\n\
    [[route]]\nname = \"all\"\nto = [\"dev\", \"audit\"]\n";

/// Returns a folder with these routes and one template of its own, in a set.
fn folder() -> RelayFolder {
    let folder = RelayFolder::new(ROUTES);
    let set = folder.config().join("templates/oncall");
    std::fs::create_dir_all(&set).unwrap();
    std::fs::write(
        set.join("pr_created.md.tera"),
        "# On call: {{ issue.id }}\n\nLook <b>now</b> & *here*.\n",
    )
    .unwrap();
    folder
}

fn written(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!(output.status.code(), Some(0), "{err}");
    out
}

/// Returns the part of a page that shows an action at a destination.
fn view<'page>(page: &'page str, anchor: &str) -> &'page str {
    let (_, rest) = page
        .split_once(&format!("<article class=\"view\" id=\"{anchor}"))
        .unwrap_or_else(|| panic!("{anchor}"));
    rest.split_once("</article>").unwrap().0
}

#[test]
fn the_preview_page_draws_every_action_for_every_destination_without_a_secret() {
    let folder = folder();

    assert_eq!(written(&folder.run(&["render", "--preview", "page.html"])), "page.html\n");

    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(
        page.contains(
            "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-"
        )
    );
    for action in ["root_cause_started", "coding_completed", "pr_ready_for_review", "an_action_of_tomorrow"] {
        for destination in ["team", "chat", "dev", "audit"] {
            view(&page, &format!("{}--{destination}", action.replace('_', "-")));
        }
    }
    let slack = view(&page, "pr-created--team--pr-created");
    assert!(slack.contains("<a class=\"button\" href=\"https://github.com/acme/api/pull/128\""), "{slack}");
    assert!(!slack.contains("no route sends"), "{slack}");
    let own = view(&page, "pr-created--dev--oncall");
    assert!(
        own.contains(">yours<") && own.contains("no route sends") && own.contains("On call: 1170820242"),
        "{own}"
    );
    assert!(own.contains("&amp; <i>here</i>") && !own.contains("<b>now"), "{own}");
    let json = view(&page, "iteration-started--audit");
    assert!(json.contains("&quot;seer.iteration_started&quot;"), "{json}");
    for (step, title) in
        [("root-cause-started", "Looking for the root cause"), ("relay-failed", "Seer failed")]
    {
        let card = view(&page, &format!("card-after-{step}--dev--card-md-tera"));
        assert!(card.contains(title), "{card}");
        let cannot_edit = format!("card-after-{step}--team");
        assert!(!page.contains(&cannot_edit), "an incoming webhook of Slack has no cards");
    }
    let cut = view(&page, "root-cause-completed--dev");
    assert!(cut.contains("Cut to fit: "), "{cut}");
}

#[test]
fn no_hostile_sample_becomes_a_part_of_the_page() {
    let folder = folder();
    written(&folder.run(&["render", "--preview", "page.html"]));
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("onerror=alert(1)") && page.contains("@everyone"), "the hostile samples are drawn");
    for (at, _) in page.match_indices('<') {
        let tag: String = page[at..].chars().take_while(|each| *each != '>').collect();
        let name = tag.trim_start_matches(['<', '/', '!']).split(' ').next().unwrap();
        assert!(!["script", "img", "iframe", "object", "svg", "link", "base"].contains(&name), "{tag}");
        for word in [" on", " style=", " src=", "href=\"javascript:", "href=\"data:"] {
            assert!(!tag.split_once('"').map_or(tag.as_str(), |(start, _)| start).contains(word), "{tag}");
        }
        if let Some((_, address)) = tag.split_once("href=\"") {
            assert!(["#", "http://", "https://"].iter().any(|start| address.starts_with(start)), "{tag}");
        }
    }
    assert!(!page.contains("href=\"https://evil.example/x.png"), "no image became a link");
}

#[test]
fn a_faulty_template_keeps_no_other_one_from_the_page() {
    let folder = folder();
    let templates = folder.config().join("templates");
    std::fs::write(templates.join("oncall/pr_created.md.tera"), "# On call\n\n{{ issue.id\n").unwrap();
    std::fs::write(templates.join("_own.md.tera"), "{% if run %}\n").unwrap();
    std::fs::write(templates.join("coding_started.md.tera"), "# {% include \"_own.md.tera\" %}\n").unwrap();
    std::fs::write(templates.join("solution_started.md.tera"), "# {{ run.solution.summary }}\n").unwrap();

    let output = folder.run(&["render", "--preview", "page.html"]);

    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!((output.status.code(), out.as_str()), (Some(1), "page.html\n"), "{err}");
    for place in [
        "templates/_own.md.tera:",
        "templates/oncall/pr_created.md.tera:",
        "solution_started.md.tera:1:",
        "has 3 faults",
    ] {
        assert!(err.contains(place), "{place} in {err}");
    }
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    for (anchor, words) in [
        ("pr-created--dev--oncall", "template `oncall/pr_created.md.tera`, line "),
        (
            "coding-started--team",
            "template `coding_started.md.tera`: a template that it includes or extends has",
        ),
        ("solution-started--team", "template `solution_started.md.tera`, line 1: "),
    ] {
        let failed = view(&page, anchor);
        assert!(failed.contains(words) && failed.contains("class=\"failed\""), "{words} in {failed}");
    }
    assert!(view(&page, "pr-created--team").contains("github.com/acme/api/pull/128"));

    for name in ["oncall/pr_created.md.tera", "_own.md.tera", "coding_started.md.tera"] {
        std::fs::remove_file(templates.join(name)).unwrap();
    }
    let output = folder.run(&["render", "--preview", "page.html"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && err.contains("solution_started.md.tera:1:"), "{err}");
}

#[test]
fn the_preview_takes_no_event_and_says_where_it_cannot_write() {
    let folder = folder();
    for arguments in [
        &["render", "pr_created", "--preview", "page.html"][..],
        &["render", "--to", "dev", "--preview", "page.html"],
        &["render", "pr_created"],
        &["render", "--to", "dev"],
    ] {
        assert_eq!(folder.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let output = folder.run(&["render", "--preview", "nowhere/page.html"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && words.contains("`nowhere/page.html`") && words.contains("hint"),
        "{words}"
    );
}

#[test]
fn a_sample_that_the_documentation_does_not_know_is_rendered_as_itself() {
    let folder = folder();
    let output = folder.run(&["render", "iteration_started", "--shape", "documented", "--to", "audit"]);
    assert!(written(&output).contains("\"type\":\"seer.iteration_started\""));
}
