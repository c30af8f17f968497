//! 300 texts in the ways models write, and large ones made by code, through every kind of destination.

use std::path::Path;

use seer_relay::delivery::{DestinationKind, Rung};
use seer_relay::event::Action;
use seer_relay::message::{Message, plain_text};
use seer_relay::sample::Shape;
use serde_json::json;

use super::slack::Bodies;
use super::{Proof, addresses, body, discord, event, event_of, slack};

/// Returns the texts with their names.
pub(super) fn texts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        let file = std::fs::read_to_string(file).unwrap();
        for text in format!("\n{file}").split("\n%%%% ").skip(1) {
            let (name, text) = text.split_once('\n').unwrap_or((text, ""));
            texts.push((name.to_owned(), text.to_owned()));
        }
    }
    texts
}

/// Texts that are too large in one way or another.
fn large() -> Vec<(String, String)> {
    let lines: Vec<String> =
        (0..50_000).map(|line| format!("+ line {line} of a diff, {}", line % 7)).collect();
    let diff = format!("--- a/big.sql\n+++ b/big.sql\n@@ -0,0 +1,50000 @@\n{}\n", lines.join("\n"));
    let cases = [
        ("2 MB diff", diff.repeat(2).chars().take(2_000_000).collect()),
        ("a diff in a fence", format!("```diff\n{diff}\n```")),
        ("fences in a diff", "+```\n-```\n+``````\n".repeat(10_000)),
        ("one word", "x".repeat(300_000)),
        ("quotes", ">".repeat(100_000)),
        ("brackets", "[".repeat(50_000)),
        ("stars", "**a ".repeat(50_000)),
        ("emoji", "👩‍👩‍👧‍👦🏳️‍🌈".repeat(5_000)),
        ("combining", format!("a{}", "\u{301}".repeat(100_000))),
        ("Arabic", "سبب العطل هو أن القيمة فارغة. ".repeat(3_000)),
        ("items", "- item\n  - inner\n".repeat(20_000)),
        ("table", format!("| a | b | c |\n|---|---|---|\n{}", "| 1 | `2` | **3** |\n".repeat(20_000))),
        ("two columns", format!("| a | b |\n|---|---|\n{}", "| key | value |\n".repeat(5_000))),
        ("links", "[a](https://example.com/x) ".repeat(10_000)),
        ("headings", "# heading\n\n".repeat(10_000)),
        ("entities", "&lt;!channel&gt; &amp; ".repeat(20_000)),
        ("tags", "<b><i><br>".repeat(30_000)),
    ];
    cases.map(|(name, text)| (name.to_owned(), text)).into()
}

/// The messages that a text is seen in: alone, in every place, and in the built-in templates.
fn messages(proof: &Proof, text: &str) -> Vec<(&'static str, Message)> {
    let built_in = |action, shape, diff_lines| {
        proof.message(&event_of(&action, shape, text), None, DestinationKind::Discord, diff_lines)
    };
    vec![
        ("whole", proof.whole(text)),
        ("places", proof.places(text)),
        ("cause", built_in(Action::RootCauseCompleted, Shape::Present, 0)),
        ("steps", built_in(Action::RootCauseCompleted, Shape::Documented, 0)),
        ("plan", built_in(Action::SolutionCompleted, Shape::Present, 0)),
        ("code", built_in(Action::CodingCompleted, Shape::Documented, 20)),
        ("issue", proof.issue(&Action::RootCauseCompleted, text)),
        ("issue at the start", proof.issue(&Action::CodingStarted, text)),
    ]
}

/// The messages that a large text is seen in: alone, as literal text, and as the diff of a file.
fn large_messages(proof: &Proof, text: &str) -> Vec<(&'static str, Message)> {
    let data = json!({ "run_id": 7, "code_changes": { "acme/api": [
        { "path": "a.sql", "type": "M", "added": 1, "removed": 1, "diff": text },
    ] } });
    let event = event(&json!({ "action": "coding_completed", "data": data }));
    let head = text.get(..text.floor_char_boundary(50_000)).unwrap();
    vec![
        ("whole", proof.whole(text)),
        ("places", proof.places(head)),
        ("issue", proof.issue(&Action::RootCauseCompleted, head)),
        ("issue at the start", proof.issue(&Action::CodingStarted, head)),
        ("code", proof.message(&event, None, DestinationKind::Discord, 1_000_000)),
    ]
}

/// Holds every form of every message of the texts against the platforms' rules; returns how many bodies there were.
fn prove(texts: &[(String, String)], messages: fn(&Proof, &str) -> Vec<(&'static str, Message)>) -> usize {
    let proof = Proof::new();
    let validator = discord::validator();
    let (plain, buttons, classic) = (slack(false, false), slack(true, false), slack(false, true));
    let mut bodies = Bodies::default();
    let mut count = 0;
    for (name, text) in texts {
        for (place, message) in messages(&proof, text) {
            let allowed = addresses(&message);
            let name = format!("{name}, {place}");
            let rungs: &[Rung] = if place == "whole" { Rung::ALL } else { &[Rung::Whole] };
            for rung in rungs {
                let name = format!("{name}, {rung}");
                bodies.add(name.clone(), body(&plain, &message, *rung), &allowed);
                discord::check(&validator, &name, &body(&super::discord(), &message, *rung), &allowed);
                if *rung != Rung::Line {
                    super::slack::check_classic(&name, &body(&classic, &message, *rung), &allowed);
                }
                count += 3;
            }
            if place == "whole" {
                bodies.add(format!("{name}, buttons"), body(&buttons, &message, Rung::Whole), &allowed);
                count += 1;
            }
            let has_title = !plain_text(&message.title).trim().is_empty();
            assert!(has_title || place == "issue at the start", "{name}");
        }
    }
    assert!(bodies.validate() > 0);
    count
}

#[test]
fn no_text_of_the_corpus_is_refused_by_any_platform() {
    let texts = texts();
    assert!(texts.len() >= 300, "{} texts", texts.len());
    let distinct: std::collections::BTreeSet<&String> = texts.iter().map(|(_, text)| text).collect();
    assert!(distinct.len() >= 300, "{} distinct texts", distinct.len());
    assert!(prove(&texts, messages) > 8_000);
}

#[test]
fn no_text_is_too_large_for_any_platform() {
    assert!(prove(&large(), large_messages) > 250);
}
