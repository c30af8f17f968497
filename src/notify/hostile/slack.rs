//! Slack: every body passes a validator of Block Kit and the rules that it does not know.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::texts::{TEXTS, seen, squeezed};
use super::{empty, large, made, places, slack};
use crate::delivery::Rung;
use crate::message::Message;

/// Runs the validator, a package of its own, over all bodies at once.
fn validate(bodies: &[(String, Value)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut validator = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--manifest-path"])
        .arg(root.join("tests/slack-validator/Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target/slack-validator"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cargo runs the package tests/slack-validator");
    let mut stdin = validator.stdin.take().unwrap();
    let lines = bodies.iter().map(|(_, body)| body.to_string()).collect::<Vec<_>>().join("\n");
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = validator.wait_with_output().unwrap();
    writer.join().unwrap().expect("the validator of tests/slack-validator builds and reads all bodies");
    let verdicts = String::from_utf8(output.stdout).unwrap();
    assert_eq!(verdicts.lines().count(), bodies.len(), "one verdict for each body");
    for ((name, body), verdict) in bodies.iter().zip(verdicts.lines()) {
        assert_eq!(verdict, "ok", "{name}: {body}");
    }
}

/// Calls `visit` with every text of a body, its key, and the object it stands in.
fn texts<'a>(value: &'a Value, visit: &mut impl FnMut(&str, &'a str, &'a Value)) {
    match value {
        Value::Array(list) => list.iter().for_each(|inner| texts(inner, visit)),
        Value::Object(object) => {
            for (key, inner) in object {
                if let Value::String(text) = inner {
                    visit(key, text, value);
                }
                texts(inner, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn count(text: &str) -> usize {
    text.chars().count()
}

fn check_by_hand(name: &str, body: &Value) {
    let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let known = ["attachments", "blocks", "text", "unfurl_links", "unfurl_media"];
    assert!(keys.iter().all(|key| known.contains(key)), "{name}: {keys:?}");
    let top = body["text"].as_str().unwrap();
    // Above an attachment the text is a part of the message; above blocks it is the notification alone.
    let is_line = !top.contains('\n') || body.get("attachments").is_some();
    assert!((1..=3_000).contains(&count(top)) && is_line, "{name}: {top}");
    let blocks = body.get("blocks").and_then(Value::as_array).map_or(0, Vec::len);
    assert!(blocks <= 50, "{name}: {blocks} blocks");
    let (mut sum, mut faults) = (0, Vec::new());
    texts(body, &mut |key, text, object| match key {
        "text" => {
            sum += count(text);
            // An element of rich text may be the space between two others.
            let blank = object["type"] != "text" && text.trim().is_empty();
            if text.is_empty() || blank {
                faults.push("an empty text".to_owned());
            }
            // The top level has no type, and is mrkdwn too.
            let plain = object.get("type").is_some_and(|kind| kind != "mrkdwn");
            let raw = if plain { text.to_owned() } else { without_our_links(text) };
            for bad in ["<!", "<@", "<#", "<http", "<mailto:", "<tel:"] {
                if raw.contains(bad) {
                    faults.push(format!("{bad} in {text}"));
                }
            }
        }
        "type" if ["user", "usergroup", "broadcast", "channel", "emoji", "image"].contains(&text) => {
            faults.push(format!("an element `{text}`"));
        }
        "url" if !(text.starts_with("https://") && count(text) <= 3_000) => {
            faults.push(format!("url {text}"));
        }
        _ => {}
    });
    assert!(faults.is_empty(), "{name}: {faults:?} in {body}");
    assert!(sum <= 10_000, "{name}: {sum} code points");
}

fn without_our_links(text: &str) -> String {
    let ours = ["<https://acme.sentry.io/", "<https://github.com/acme/", "<https://x.dev/"];
    ours.iter().fold(text.to_owned(), |text, link| text.replace(link, ""))
}

fn bodies(cases: &[(&'static str, Message)]) -> Vec<(String, Value)> {
    let destinations = [slack(false, false), slack(true, false)];
    let mut bodies = Vec::new();
    for (name, message) in cases {
        for destination in &destinations {
            for rung in [Rung::Whole, Rung::Brief] {
                bodies.push((format!("{name} {rung}"), made(destination, message, rung)));
            }
        }
        let line = made(&destinations[0], message, Rung::Line);
        assert!(line["text"].as_str().is_some_and(|text| (1..=3_000).contains(&count(text))), "{name}");
    }
    bodies
}

#[test]
fn hostile_texts_stay_literal_in_every_place_of_a_slack_message() {
    let mut all = Vec::new();
    for words in TEXTS {
        let cases = places(words);
        for (name, message) in &cases {
            let body = made(&slack(false, false), message, Rung::Whole);
            let mut shown = String::new();
            texts(&body["blocks"], &mut |key, text, object| {
                if key == "text" {
                    let text = if object["type"] == "mrkdwn" {
                        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
                    } else {
                        text.to_owned()
                    };
                    shown.push_str(&text);
                }
            });
            let (shown, mut expected) = (squeezed(&shown), seen(words));
            if *name == "button" {
                // A label is cut at 75, at the end of a word.
                expected = expected.chars().take(37).collect();
            }
            // A cell is cut at 60.
            assert!(
                shown.contains(&expected) || name.starts_with("cell"),
                "{name}: `{expected}` in `{shown}`"
            );
        }
        all.extend(bodies(&cases));
    }
    check_all(&all);
}

#[test]
fn slack_messages_of_any_size_keep_within_every_limit() {
    let all = bodies(&large());
    check_all(&all);
}

#[test]
fn slack_messages_with_nothing_in_them_are_still_messages() {
    let all = bodies(&empty());
    check_all(&all);
}

pub(super) fn check_all(bodies: &[(String, Value)]) {
    for (name, body) in bodies {
        check_by_hand(name, body);
    }
    let with_blocks: Vec<_> =
        bodies.iter().filter(|(_, body)| body.get("blocks").is_some()).cloned().collect();
    validate(&with_blocks);
}

#[test]
fn a_compatible_receiver_gets_one_attachment_whatever_the_message() {
    let hostile = TEXTS.iter().flat_map(|words| places(words));
    for (name, message) in hostile.chain(large()).chain(empty()) {
        for rung in [Rung::Whole, Rung::Brief] {
            let body = made(&slack(false, true), &message, rung);
            // Of the attachment only that it is there: what is in it is no Block Kit.
            check_by_hand(name, &serde_json::json!({ "text": body["text"], "attachments": [] }));
            let attachments = body["attachments"].as_array().unwrap();
            assert_eq!(attachments.len(), 1, "{name}");
            let of_attachment = ["fallback", "text", "title"].map(|key| &attachments[0][key]);
            for text in of_attachment.into_iter().chain([&body["text"]]) {
                let text = text.as_str().unwrap_or_default();
                assert!(count(text) <= 4_000, "{name}: {text}");
                for ping in ["@channel", "@here", "@all", "@everyone", "@user", "<!", "<@"] {
                    assert!(!text.contains(ping), "{name}: {ping} in {text}");
                }
            }
            assert!(!attachments[0]["fallback"].as_str().unwrap().is_empty(), "{name}");
            assert!(body.get("blocks").is_none());
        }
    }
}

#[test]
fn what_was_cut_is_said_with_a_link_to_where_it_can_be_read() {
    for (name, message) in large().into_iter().filter(|(name, _)| *name == "diff" || *name == "5,000 fields")
    {
        let body = made(&slack(false, false), &message, Rung::Whole).to_string();
        assert!(body.contains("… shortened: ") && body.contains("Open in Sentry"), "{name}: {body}");
    }
}

#[test]
fn a_list_inside_a_list_is_indented_and_the_outer_one_counts_on() {
    use super::{Block, item, of_blocks, paragraph};
    let inner = Block::List { start: None, items: vec![item(vec![paragraph("inner")])] };
    let items = vec![item(vec![paragraph("one"), inner]), item(vec![paragraph("two")])];
    let body =
        made(&slack(false, false), &of_blocks(vec![Block::List { start: Some(5), items }]), Rung::Whole);
    let lists: Vec<(u64, u64, &str)> = body["blocks"][1]["elements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| {
            (
                list["indent"].as_u64().unwrap(),
                list["offset"].as_u64().unwrap_or(0),
                list["style"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(lists, [(0, 4, "ordered"), (1, 0, "bullet"), (0, 5, "ordered")]);
}
