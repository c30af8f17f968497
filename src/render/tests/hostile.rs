//! Every place where a value can stand × every value that might break out of it.

use super::*;
use crate::event::{Artifacts, Event, PullRequest, RootCause};
use crate::issue::{Issue, Project};
use crate::message::markdown::strip;
use crate::message::outline::Outline;
use crate::render::fixture;
use crate::words::is_blank;

/// Places for literal text; `§` is where the value stands.
const PLACES: [&str; 38] = [
    "§",
    "before § after",
    "before\n§\nafter",
    "**§**",
    "a**§**b",
    "*§*",
    "__§__ and _§_",
    "~~§~~",
    "***§***",
    "`§`",
    "`` a § ` ``",
    "```\n§\n```",
    "```diff\nbefore\n§\nafter\n```",
    "~~~\n§\n~~~",
    "    §",
    "# §",
    "# title § title\n\ntext",
    "## § ##",
    "§\n---\n\nafter",
    "- §",
    "- §\n- §\n\nafter",
    "- one\n  - §\n  - two",
    "1. §\n2. next",
    "- §\n\n  § in a paragraph",
    "- [ ] §",
    "- [x] § done",
    "> §",
    "> - §\n>\n> after",
    "| a | b |\n| - | - |\n| § | c |\n\nafter",
    "| § | § |\n| - | - |\n| 1 | 2 |",
    "| | |\n| - | - |\n| Key | **§** |",
    "[§](https://ok.example/x)",
    "[a § b](https://ok.example/x \"button\")",
    "[**§**](https://ok.example/x)",
    "![§](https://ok.example/i.png)",
    "line one\\\n§",
    "- `§`: § (§)",
    "> **§** `§`\n\n[§](https://ok.example) [x]\n\n[x]: https://ok.example",
];

/// Places in an address; the value is percent-encoded there.
const IN_ADDRESS: [&str; 3] = [
    "[words](https://ok.example/§)",
    "[words](https://ok.example/a?q=§#f)",
    "[words](<https://ok.example/§> \"t\")",
];

const VALUES: [&str; 52] = [
    "*",
    "**bold**",
    "_",
    "__",
    "~~",
    "`",
    "``",
    "```",
    "```\n",
    "```\n# owned\n```",
    "~~~",
    "# heading",
    "\n# heading",
    "\n\n# heading",
    "- item",
    "\n- item",
    "1. item",
    "> quote",
    "\n> quote",
    "| cell | cell |",
    "|",
    "\\",
    "\\|",
    "[",
    "]",
    "](https://evil.example)",
    "[x](https://evil.example)",
    "![x](https://evil.example/i.png)",
    "[x]: https://evil.example",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "<!-- ",
    "-->",
    "<!channel>",
    "@everyone",
    "<@U123>",
    "&lt;b&gt;",
    "&",
    "{{ run.id }}",
    "{% raw %}",
    "---",
    "\n---\n",
    "===\n",
    "\n\n",
    "\n\n    indented",
    "\t",
    "[ ] ",
    "[x] ",
    "https://evil.example",
    "  leading and trailing  ",
    "💥 Ünïcödé 値 \u{200f}\u{e000}",
    "\u{fdd0}\u{fde0}\u{fdd2}\u{fdd3}b>\0\u{202e}\u{2066}\r\n\u{1b}[31m",
];

fn event(place: usize, value: &str) -> Event {
    let root_cause = RootCause { summary: Some(value.to_owned()), ..RootCause::default() };
    let artifacts = Artifacts { root_cause: Some(root_cause), ..Artifacts::default() };
    fixture::event(&format!("place_{place}"), artifacts)
}

fn renderer_of(places: &[&str], expression: &str) -> Renderer {
    let files = places.iter().enumerate().map(|(index, place)| {
        (format!("place_{index}.md.tera"), format!("fixed\n\n{}\n", place.replace('§', expression)))
    });
    let files: Vec<_> = files.collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    renderer(&files)
}

fn outline(renderer: &Renderer, place: usize, value: &str) -> Outline {
    match renderer.render(&fixture::context(&[event(place, value)]), &fixture::slack()) {
        Ok(Rendered::Message(message)) => Outline::of(&message),
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn a_value_never_leaves_its_place() {
    for (step, expression) in [
        (1, "{{ run.root_cause.summary }}"),
        (5, "{{ \"\" ~ run.root_cause.summary }}"),
        (5, "{% set copy %}{{ run.root_cause.summary }}{% endset %}{{ copy }}"),
        (5, "{% if run.root_cause %}{{ [run.root_cause.summary] | first }}{% endif %}"),
    ] {
        let renderer = renderer_of(&PLACES, expression);
        for (place, source) in PLACES.iter().enumerate() {
            let harmless = outline(&renderer, place, "word");
            for value in VALUES.iter().step_by(step) {
                let clean = strip(value).into_owned();
                if clean.trim().is_empty() {
                    outline(&renderer, place, value);
                    continue;
                }
                let hostile = outline(&renderer, place, value);
                assert_eq!(hostile.structure, harmless.structure, "{value:?} in {source:?}");
                for (leaf, model) in hostile.leaves.iter().zip(&harmless.leaves) {
                    assert_leaf(leaf, model, &clean, &format!("{value:?} in {source:?}"));
                }
            }
        }
    }
}

/// The leaf is the harmless one with the literal value in it; on one line but in a code block.
fn assert_leaf(leaf: &str, model: &str, value: &str, place: &str) {
    let one_line = value.replace(['\n', '\t'], " ");
    let same = |expected: String| {
        leaf == expected
            || leaf == expected.trim()
            || leaf == expected.trim_start()
            || leaf == expected.trim_end()
    };
    let is_block =
        same(model.replace("word", value.trim_end_matches('\n'))) || same(model.replace("word", value));
    assert!(same(model.replace("word", &one_line)) || is_block, "{leaf:?} from {model:?}: {place}");
}

#[test]
fn a_value_in_an_address_never_leaves_its_place() {
    let renderer = renderer_of(&IN_ADDRESS, "{{ run.root_cause.summary }}");
    for (place, source) in IN_ADDRESS.iter().enumerate() {
        let harmless = outline(&renderer, place, "word");
        for value in VALUES {
            let hostile = outline(&renderer, place, value);
            assert_eq!(hostile.structure, harmless.structure, "{value:?} in {source:?}");
            assert!(hostile.leaves[1].starts_with("https://ok.example/"), "{:?}", hostile.leaves);
            assert_eq!(hostile.leaves[2], "words");
        }
    }
}

#[test]
fn a_value_that_is_an_address_is_a_web_address_or_none() {
    let renderer = renderer_of(&["[words]({{ run.root_cause.summary }})"], "");
    for value in
        VALUES.into_iter().chain(["javascript:alert(1)", "https://a.example/ b", "http://u:p@evil.example"])
    {
        let outline = outline(&renderer, 0, value);
        let is_link = outline.structure == "title()p(T)p(link(UT))";
        assert!(is_link || outline.structure == "title()p(T)p(T)", "{outline:?}");
        assert_eq!(outline.leaves.last().unwrap(), "words");
        assert!(!is_link || outline.leaves[1].starts_with("http"), "{outline:?}");
    }
}

#[test]
fn a_markdown_value_leaves_what_stands_around_it_alone() {
    let places = ["a\n\n§\n\n**b**", "- a\n- §\n- **b**", "> §\n\n**b**", "| a |\n| - |\n| § |\n| **b** |"];
    let renderer = renderer_of(&places, "{{ run.root_cause.summary | markdown }}");
    for place in 0..places.len() {
        for value in VALUES {
            let outline = outline(&renderer, place, value);
            assert!(
                outline.structure.ends_with("strong(T))") || outline.structure.contains("strong(T))"),
                "{outline:?}"
            );
            assert!(!outline.structure.starts_with("title(T"), "{outline:?}");
            assert_eq!(outline.leaves.last().unwrap(), "b", "{outline:?}");
        }
    }
}

#[test]
fn null_numbers_and_flags_break_nothing() {
    let files = [(
        "default.md.tera",
        "**{{ run.id }}{{ issue.title }}**\n\n- a\n  - {{ issue.title }}\n\n`{{ issue.title }}` {{ event.replay }} {{ run.iterations }}",
    )];
    let event = fixture::event("anything", Artifacts::default());
    let Ok(Rendered::Message(message)) =
        renderer(&files).render(&fixture::context(&[event]), &fixture::slack())
    else {
        panic!("no message")
    };

    assert_eq!(Outline::of(&message).structure, "title()p(strong(T))list None(item None(p(T)))p(T)");
    assert_eq!(Outline::of(&message).leaves, ["12345", "a", " false 0"]);
}

#[test]
fn what_is_called_safe_is_sanitised_all_the_same() {
    let files = [("default.md.tera", "{{ run.root_cause.summary | safe }}")];
    let renderer = renderer(&files);
    let value = "<img src=x onerror=alert(1)> *a* [b](javascript:alert(1)) ![c](https://x.example) \u{fdd0}\u{fde0}\u{fdd2}";
    let outline = outline(&renderer, 0, value);

    assert_eq!(outline.leaves.concat().trim(), "a b c");
    let value = "# title\n\n[press](https://evil.example \"button\")";
    let outline = super::hostile::outline(&renderer, 0, value);
    assert_eq!(outline.structure, "title()h2(T)p(link(UT)T)");
    assert_eq!(outline.leaves.last().unwrap(), " (evil.example)");
}

#[test]
fn a_megabyte_passes_on_a_small_stack() {
    let renderer = renderer(&[(
        "default.md.tera",
        "{{ run.root_cause.summary }}\n\n{{ run.root_cause.summary | markdown }}\n\n{{ run.root_cause.summary | safe }}",
    )]);
    for unit in [">", "[", "<b>", "`"] {
        let value = unit.repeat(1024 * 1024 / unit.len());
        let outline = outline(&renderer, 0, &value);
        assert_eq!(outline.leaves[0].len(), value.len());
    }
}

/// An issue all of whose texts are this one.
fn issue_of(text: &str) -> Issue {
    let text = || Some(text.to_owned());
    Issue {
        short_id: text(),
        title: text(),
        culprit: text(),
        level: text(),
        priority: text(),
        project: Some(Project { id: text(), slug: text(), name: text() }),
        ..fixture::issue()
    }
}

/// Renders a step of an issue all of whose texts are this one.
fn of_issue(renderer: &Renderer, action: &Action, text: &str) -> Outline {
    let issue = issue_of(text);
    let event = fixture::event(action.as_str(), Artifacts::default());
    match renderer.render(&fixture::context_of(&[event], Some(&issue)), &fixture::slack()) {
        Ok(Rendered::Message(message)) => Outline::of(&message),
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn what_strangers_name_an_issue_never_leaves_its_place_and_is_cut() {
    /// More than all texts of a message that are not the issue's.
    const MOST_CHARACTERS: usize = 1000;
    let more = ["word ".repeat(2000), "W".repeat(10_000), "\u{202e}evil\u{202c} \u{2066}x".to_owned()];
    let values = VALUES.iter().map(|value| (*value).to_owned()).chain(more);
    let values: Vec<String> = values.filter(|value| !is_blank(&strip(value))).collect();
    let renderer = Renderer::built_in();
    for action in Action::known().chain([Action::from_name("brand_new")]) {
        let harmless = of_issue(&renderer, &action, "word");
        for value in &values {
            let hostile = of_issue(&renderer, &action, value);
            assert_eq!(hostile.structure, harmless.structure, "{value:?} in {action}");
            let characters: usize = hostile.leaves.iter().map(|leaf| leaf.chars().count()).sum();
            assert!(characters < MOST_CHARACTERS, "{characters} of {value:?} in {action}");
        }
    }
}

#[test]
fn why_a_pull_request_failed_stays_in_its_place_and_is_cut() {
    /// More than all other texts of the message.
    const MOST_CHARACTERS: usize = 600;
    let renderer = Renderer::built_in();
    let told = |action: &Action, reason: &str| {
        let (repo, reason) = (Some("acme/api".to_owned()), Some(reason.to_owned()));
        let failed = PullRequest { repo, reason, failed: true, ..PullRequest::default() };
        let artifacts = Artifacts { pull_requests: Some(vec![failed]), ..Artifacts::default() };
        let event = fixture::event(action.as_str(), artifacts);
        match renderer.render(&fixture::context(&[event]), &fixture::slack()) {
            Ok(Rendered::Message(message)) => Outline::of(&message),
            other => panic!("no message: {other:?}"),
        }
    };
    let long = "word ".repeat(2000);
    for action in Action::NOTICES.into_iter().chain([Action::PrCreated]) {
        let harmless = told(&action, "word");
        for value in VALUES.iter().copied().chain([long.as_str()]).filter(|value| !is_blank(&strip(value))) {
            let hostile = told(&action, value);
            assert_eq!(hostile.structure, harmless.structure, "{value:?} in {action}");
            let characters: usize = hostile.leaves.iter().map(|leaf| leaf.chars().count()).sum();
            assert!(characters < MOST_CHARACTERS, "{characters} of {value:?} in {action}");
        }
    }
}

#[test]
fn an_issue_of_blanks_is_as_good_as_one_of_which_nothing_is_known() {
    let event = [fixture::event("root_cause_completed", Artifacts::default())];
    for blank in ["", " \n\t", "\u{200b}\u{202e}\u{2066}\u{feff}"] {
        let issue = issue_of(blank);
        let told = fixture::lines_of(&event, Some(&issue), &fixture::slack());
        assert_eq!(told, fixture::lines(&event, &fixture::slack()), "{blank:?}");
    }
}
