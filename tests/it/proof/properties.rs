//! Properties that hold of any text, tried on texts made by chance of everything that Markdown and the platforms know.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use seer_relay::delivery::Rung;
use seer_relay::message::markdown::strip;
use seer_relay::message::{Block, Inline, Message, plain_text};
use serde_json::Value;

use super::slack::{Bodies, shown};
use super::{Proof, addresses, body, discord, leaves, letters, slack};

/// How many texts each property is tried on.
const CASES: u32 = 150;

/// What texts are made of.
const PARTS: &[&str] = &[
    "a",
    "some words ",
    "A sentence. ",
    "値",
    "مرحبا ",
    "שלום ",
    "👩‍👩‍👧‍👦",
    "e\u{301}",
    "\u{202e}",
    "\u{200b}",
    "\u{fdd0}\u{fde0}\u{fdd2}",
    "\u{fdd3}",
    "\0",
    "\u{1b}[31m",
    " ",
    "  ",
    "    ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\u{2028}",
    "\\",
    "*",
    "**",
    "***",
    "_",
    "__",
    "~",
    "~~",
    "`",
    "``",
    "```",
    "```diff\n",
    "~~~\n",
    "#",
    "# ",
    "## ",
    "\n- ",
    "\n  - ",
    "\n* ",
    "\n1. ",
    "\n2) ",
    "[ ] ",
    "[x] ",
    "\n> ",
    "\n>> ",
    "|",
    "\n| a | b |\n|---|---|\n| ",
    "---",
    "\n---\n",
    "===",
    "[",
    "](",
    "]",
    "(",
    ")",
    "!",
    "![",
    "<",
    ">",
    "</",
    "<b>",
    "</b>",
    "<br>",
    "<img src=x onerror=alert(1)>",
    "<script>",
    "<!--",
    "-->",
    "Vec<String>",
    "&",
    "&lt;",
    "&amp;",
    "&#60;",
    "<!channel>",
    "<!here|x>",
    "<@U123>",
    "<#C1>",
    "<@&1>",
    "<:e:1>",
    "<t:1:R>",
    "@everyone",
    "@here",
    "@channel",
    ":tada:",
    "https://",
    "https://x.example/a?b=1&c=(2)",
    "[words](https://x.example/y)",
    "[x](javascript:alert(1))",
    "<https://a.example|b>",
    "mailto:a@b.c",
    "[r]",
    "\n\n[r]: https://r.example\n",
    " \"button\")",
    "{{ x }}",
    "{% x %}",
    "$x^2$",
    "||",
    "-# ",
    ">>> ",
    "1.",
    "100000000. ",
    "W",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PARTS), 0..60).prop_map(|parts| parts.concat())
}

/// Long texts of plain words and sentences.
fn prose() -> impl Strategy<Value = String> {
    let words = [
        "word ",
        "sentence. ",
        "值。",
        "👩‍👩‍👧‍👦 ",
        "e\u{301}t\u{e9} ",
        "unbrokenunbroken",
        "a & b < c ",
        "Really? ",
    ];
    prop::collection::vec(select(words.to_vec()), 1..4_000).prop_map(|parts| parts.concat())
}

/// Tries a property; the texts are the same each time.
fn hold<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, property: impl Fn(T)) {
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 64, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(strategy, |value| {
        property(value);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_message_is_never_over_a_limit_never_invalid_and_leads_nowhere_else() {
    let (proof, validator) = (Proof::new(), discord::validator());
    let bodies = std::cell::RefCell::new(Bodies::default());
    hold(&(soup(), 1..40_usize), |(text, times)| {
        let text = text.repeat(times);
        for message in [proof.whole(&text), proof.places(&text)] {
            let allowed = addresses(&message);
            for address in &allowed {
                let host = address.split('/').nth(2).unwrap_or_default().to_lowercase();
                let known = ["ok.example", "acme.sentry.io"].contains(&host.as_str());
                assert!(known || text.to_lowercase().contains(&host), "{address} from {text:?}");
            }
            let name = format!("{text:?}");
            for rung in Rung::ALL {
                discord::check(&validator, &name, &body(&super::discord(), &message, *rung), &allowed);
                bodies.borrow_mut().add(name.clone(), body(&slack(true, false), &message, *rung), &allowed);
            }
            super::slack::check_classic(&name, &body(&slack(false, true), &message, Rung::Whole), &allowed);
        }
    });
    assert!(bodies.into_inner().validate() > 0);
}

#[test]
fn no_character_of_a_value_leaves_its_field() {
    let proof = Proof::new();
    hold(&soup(), |text| {
        let text: String = text.chars().take(60).collect();
        if strip(&text).trim().is_empty() {
            return;
        }
        let (harmless, hostile) = (proof.places("word"), proof.places(&text));
        assert_eq!(shape(&hostile), shape(&harmless), "{text:?}");
        for (leaf, model) in leaves(&hostile).iter().zip(leaves(&harmless)) {
            if !model.contains("word") {
                assert_eq!(*leaf, model, "{text:?}");
            }
        }
        same_but_words(
            &body(&slack(false, false), &hostile, Rung::Whole),
            &body(&slack(false, false), &harmless, Rung::Whole),
            &text,
        );
        same_but_words(
            &body(&super::discord(), &hostile, Rung::Whole),
            &body(&super::discord(), &harmless, Rung::Whole),
            &text,
        );
    });
}

/// The structure of a message: its debug form with every text taken out.
fn shape(message: &Message) -> String {
    let mut message = message.clone();
    blank_line(&mut message.title);
    message.blocks.iter_mut().for_each(blank);
    format!("{:?} {:?} {}", message.title, message.blocks, message.buttons.len())
}

fn blank(block: &mut Block) {
    match block {
        Block::Paragraph(line) | Block::Heading { content: line, .. } => blank_line(line),
        Block::List { items, .. } => items.iter_mut().flat_map(|item| &mut item.blocks).for_each(blank),
        Block::Quote(blocks) => blocks.iter_mut().for_each(blank),
        Block::Code { text, .. } => text.clear(),
        Block::Table { header, rows } => {
            header.iter_mut().chain(rows.iter_mut().flatten()).for_each(|cell| blank_line(cell));
        }
        Block::Rule => {}
    }
}

fn blank_line(line: &mut [Inline]) {
    for inline in line {
        match inline {
            Inline::Text(text) | Inline::Code(text) => text.clear(),
            Inline::Strong(line) | Inline::Emphasis(line) | Inline::Strike(line) => blank_line(line),
            Inline::Link { url, content } => {
                url.set_path("");
                blank_line(content);
            }
            Inline::Break => {}
        }
    }
}

/// Whether two bodies have the same fields and lists, and every text without the word is the same in both.
fn same_but_words(hostile: &Value, harmless: &Value, text: &str) {
    match (hostile, harmless) {
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{text:?}: {hostile} {harmless}");
            one.iter().zip(other).for_each(|(one, other)| same_but_words(one, other, text));
        }
        (Value::Object(one), Value::Object(other)) => {
            for (key, model) in other {
                // Whether a field is markup or plain text, and narrow or wide, depends on what it holds.
                let depends =
                    key == "inline" || key == "emoji" || (key == "type" && other.contains_key("text"));
                if !depends {
                    same_but_words(&one[key], model, text);
                }
            }
        }
        (Value::String(one), Value::String(model)) => {
            // Around a value markup may differ (spaces go out of bold, backticks want longer fences), but no line
            // that holds none may; a field of Slack without markup has no bold name.
            let mut lines = one.lines();
            for line in model.lines().filter(|line| !line.contains("word")) {
                let is_same = |shown: &str| shown.trim_matches('*') == line.trim_matches('*');
                assert!(lines.any(is_same), "{text:?}: `{line}` is missing in {one}");
            }
            let [begins, ends] = [one.starts_with("first "), one.ends_with(" last")];
            let [began, ended] = [model.starts_with("first "), model.ends_with(" last")];
            assert!(began <= begins && ended <= ends, "{text:?}: {one} is not framed like {model}");
        }
        _ => assert_eq!(hostile, harmless, "{text:?}"),
    }
}

#[test]
fn what_was_sanitised_stays_as_it_is() {
    let proof = Proof::new();
    hold(&soup(), |text| {
        let message = proof.whole(&text);
        for leaf in leaves(&message) {
            assert_eq!(strip(leaf), leaf, "{text:?}");
            let again = proof.places(leaf);
            let Block::Paragraph(line) = &again.blocks[0] else { panic!("{again:?}") };
            let line = plain_text(line);
            let inside =
                line.strip_prefix("first ").and_then(|line| line.strip_suffix(" last")).unwrap_or_default();
            assert_eq!(inside.trim(), leaf.replace(['\n', '\t'], " ").trim(), "{text:?}");
        }
        assert_eq!(proof.whole(&strip(&text)), message, "{text:?}");
    });
}

/// Returns what the classic form shows: the beginning in `text`, the rest in the attachment.
fn classic(body: &Value) -> String {
    let [lead, rest] = [&body["text"], &body["attachments"][0]["text"]].map(|text| text.as_str().unwrap());
    format!("{lead} {rest}")
}

#[test]
fn what_is_cut_is_a_beginning_of_the_words() {
    let proof = Proof::new();
    hold(&prose(), |text| {
        let message = proof.whole(&text);
        let words = letters(&leaves(&message).concat());
        for (platform, shown) in [
            ("Slack", shown(&body(&slack(false, false), &message, Rung::Whole))),
            ("Discord", discord::texts(&body(&super::discord(), &message, Rung::Whole)).join(" ")),
            ("classic", classic(&body(&slack(false, true), &message, Rung::Whole))),
        ] {
            let shown = shown.replace("\\n", " ");
            let (shown, was_cut) = match shown.split_once("… shortened: ") {
                Some((shown, _)) => (shown, true),
                None => (shown.split("Open in Sentry").next().unwrap_or_default(), false),
            };
            let shown = letters(&shown.replace("&amp;", "&").replace("&lt;", "<"));
            assert!(words.starts_with(&shown), "{platform}: {shown} of {words}");
            assert!(was_cut || words == shown, "{platform} lost words in silence: {shown} of {words}");
        }
    });
}
