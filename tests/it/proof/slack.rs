//! Slack's rules: what `slackblocks` knows, and what it does not.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::count;

/// Bodies that wait for the validator, which is a program of its own.
#[derive(Default)]
pub(super) struct Bodies(Vec<(String, Value)>);

impl Bodies {
    /// Holds a body against the sums, and keeps it for the validator.
    pub(super) fn add(&mut self, name: String, body: Value, allowed: &BTreeSet<String>) {
        check(&name, &body, allowed);
        if body.get("blocks").is_some() {
            self.0.push((name, body));
        }
    }

    /// Runs the validator over all of them; returns how many there were.
    pub(super) fn validate(self) -> usize {
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
        let lines = self.0.iter().map(|(_, body)| body.to_string()).collect::<Vec<_>>().join("\n");
        let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = validator.wait_with_output().unwrap();
        writer.join().unwrap().expect("the validator builds and reads all bodies");
        let verdicts = String::from_utf8(output.stdout).unwrap();
        assert_eq!(verdicts.lines().count(), self.0.len(), "one verdict for each body");
        for ((name, body), verdict) in self.0.iter().zip(verdicts.lines()) {
            assert_eq!(verdict, "ok", "{name}: {body}");
        }
        self.0.len()
    }
}

/// Calls `visit` with every text of a body, its key, and the object it stands in.
pub(super) fn texts<'a>(value: &'a Value, visit: &mut impl FnMut(&str, &'a str, &'a Value)) {
    match value {
        Value::Array(list) => list.iter().for_each(|inner| texts(inner, visit)),
        Value::Object(object) => {
            // A style, say, stands before the text by its name; the order of what is shown is that of the elements.
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

/// Returns the words of a message's blocks as a reader sees them.
pub(super) fn shown(body: &Value) -> String {
    let mut shown = String::new();
    texts(&body["blocks"], &mut |key, text, object| {
        if key == "text" {
            let is_markup = object["type"] == "mrkdwn";
            let text = if is_markup {
                text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            } else {
                text.to_owned()
            };
            shown.push_str(&text);
            shown.push(' ');
        }
    });
    shown
}

pub(crate) fn check(name: &str, body: &Value, allowed: &BTreeSet<String>) {
    let known = ["blocks", "text", "unfurl_links", "unfurl_media"];
    assert!(body.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{name}: {body}");
    assert_eq!(body["unfurl_links"], false);
    let top = body["text"].as_str().unwrap();
    assert!((1..=3_000).contains(&count(top)) && !top.contains('\n'), "{name}: {top}");
    assert!(body.get("blocks").and_then(Value::as_array).map_or(0, Vec::len) <= 50, "{name}");
    let mut sum = 0;
    texts(body, &mut |key, text, object| match key {
        "text" => {
            sum += count(text);
            let is_markup = object["type"] == "mrkdwn" || object.get("unfurl_links").is_some();
            let links = if is_markup { markup_links(text) } else { Vec::new() };
            for link in &links {
                assert!(allowed.contains(link), "{name}: <{link}> in {text}");
            }
            let text = links.iter().fold(text.to_owned(), |text, link| {
                text.replace(&format!("<{}", link.replace('&', "&amp;")), "")
            });
            for bad in ["<!", "<@", "<#", "<http:", "<https:", "<mailto:", "<tel:", "<slack:"] {
                assert!(!text.contains(bad), "{name}: {bad} in {text}");
            }
        }
        "type" => {
            let mentions = ["user", "usergroup", "broadcast", "channel", "team", "emoji", "image", "date"];
            assert!(!mentions.contains(&text), "{name}: an element `{text}`");
        }
        "url" => assert!(allowed.contains(text) && count(text) <= 3_000, "{name}: url {text}"),
        _ => {}
    });
    assert!(sum <= 10_000, "{name}: {sum} code points");
}

/// Returns the addresses in `<address|words>`; every other `<` is written `&lt;`.
fn markup_links(text: &str) -> Vec<String> {
    let parts = text.split('<').skip(1);
    parts.map(|part| part.split(['|', '>']).next().unwrap_or_default().replace("&amp;", "&")).collect()
}

/// Holds the classic form, for Mattermost and Rocket.Chat, against its rules.
pub(crate) fn check_classic(name: &str, body: &Value, allowed: &BTreeSet<String>) {
    let attachments = body["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 1, "{name}");
    assert!(body.get("blocks").is_none());
    let pings = ["@channel", "@here", "@all", "@everyone", "<!", "<@", "<#"];
    let attachment = &attachments[0];
    for text in [&body["text"], &attachment["fallback"], &attachment["text"], &attachment["title"]] {
        let text = text.as_str().unwrap_or_default();
        assert!(count(text) <= 4_000, "{name}: {} code points", count(text));
        let lower = text.to_lowercase();
        assert!(pings.iter().all(|ping| !lower.contains(ping)), "{name}: {text}");
    }
    // The fallback is plain text.
    for text in [&body["text"], &attachment["text"], &attachment["title"]] {
        let text = text.as_str().unwrap_or_default();
        for link in super::discord::links(text) {
            assert!(allowed.contains(&link), "{name}: {link} in {text}");
        }
        assert_eq!(text.matches("```").count() % 2, 0, "{name}: an open fence in {text}");
    }
    assert!(!attachments[0]["fallback"].as_str().unwrap().is_empty(), "{name}");
}
