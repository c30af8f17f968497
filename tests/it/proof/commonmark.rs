//! CommonMark's own examples, through the parser to every platform: nothing panics, and what is to be seen stays.

use seer_relay::delivery::Rung;
use serde_json::Value;

use super::slack::Bodies;
use super::{Proof, addresses, body, discord, leaves, letters, slack};

/// One example.
struct Example {
    name: String,
    section: String,
    markdown: String,
    html: String,
}

fn examples() -> Vec<Example> {
    let file: Vec<Value> = serde_json::from_str(include_str!("../../fixtures/commonmark-0.31.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let example = |each: &Value| Example {
        name: format!("example {}: {}", each["example"], each["markdown"]),
        section: text(&each["section"]),
        markdown: text(&each["markdown"]),
        html: text(&each["html"]),
    };
    file.iter().map(example).collect()
}

/// Returns the words of the HTML that an example is to become: tags go, an image's description stays.
fn words_of(html: &str) -> String {
    let mut words = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        words.push_str(before);
        let (tag, behind) = tag.split_once('>').unwrap_or((tag, ""));
        if let Some((_, description)) = tag.strip_prefix("img ").and_then(|image| image.split_once("alt=\""))
        {
            words.push_str(description.split('"').next().unwrap_or_default());
        }
        rest = behind;
    }
    words.push_str(rest);
    words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn every_example_keeps_its_words_on_every_platform() {
    let proof = Proof::new();
    let validator = discord::validator();
    let (mut bodies, mut compared) = (Bodies::default(), 0);
    let examples = examples();
    assert_eq!(examples.len(), 652);
    for Example { name, section, markdown, html } in examples {
        let message = proof.whole(&markdown);
        let allowed = addresses(&message);
        let on_slack = body(&slack(false, false), &message, Rung::Whole);
        let on_discord = body(&super::discord(), &message, Rung::Whole);
        discord::check(&validator, &name, &on_discord, &allowed);
        super::slack::check_classic(&name, &body(&slack(false, true), &message, Rung::Whole), &allowed);
        let kept = letters(&leaves(&message).join(" "));
        // A link whose words are not its address shows its host behind them, and raw HTML goes.
        let is_exact =
            !["HTML blocks", "Raw HTML"].contains(&section.as_str()) && !kept_differs(&html, &markdown);
        if is_exact {
            let expected = letters(&words_of(&html));
            assert_words(&name, "the message", &expected, &kept);
            assert_words(&name, "Slack", &expected, &letters(&super::slack::shown(&on_slack)));
            assert_words(&name, "Discord", &expected, &letters(&discord::texts(&on_discord).join(" ")));
            compared += 1;
        }
        bodies.add(name, on_slack, &allowed);
    }
    assert!(compared > 550, "{compared} were compared");
    assert_eq!(bodies.validate(), 652);
}

/// Whether an example's words are not meant to be kept: they stand in tags.
fn kept_differs(html: &str, markdown: &str) -> bool {
    let tags = [
        "<a>",
        "<a ",
        "<bab>",
        "<b2",
        "<del>",
        "<div>",
        "<table>",
        "<!--",
        "<pre>",
        "<responsive",
        "<script",
        "<i class",
    ];
    tags.iter().any(|tag| markdown.contains(tag) && html.contains(tag))
}

/// The expected letters occur in order; markup may add others (a host, a number of a list, an address).
fn assert_words(name: &str, place: &str, expected: &str, shown: &str) {
    let mut rest = shown.chars();
    let all = expected.chars().all(|wanted| rest.any(|character| character == wanted));
    assert!(all, "{place} lost words of {name}: `{expected}` in `{shown}`");
}
