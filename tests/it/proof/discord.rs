//! Discord's rules: its own schema, and what that does not hold.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::count;

/// Discord's own schema of a webhook's body.
pub(crate) fn validator() -> Validator {
    let file = include_str!("../../fixtures/discord-webhook-schema.json");
    let mut schema: Value = serde_json::from_str(file).unwrap();
    schema["$ref"] = json!("#/components/schemas/IncomingWebhookRequestPartial");
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// Holds a body against the schema, the sums and the rules for mentions and links.
pub(crate) fn check(validator: &Validator, name: &str, body: &Value, allowed: &BTreeSet<String>) {
    let faults: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{name}: {faults:?} in {body}");
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }), "{name}");
    let texts = texts(body);
    let content = count(body["content"].as_str().unwrap_or_default());
    let sum: usize = texts.iter().map(|text| count(text)).sum();
    assert!((1..=6_000).contains(&sum) && content <= 2_000, "{name}: {sum} code points");
    for text in &texts {
        assert!(!text.trim().is_empty(), "{name}: an empty text in {body}");
        assert_eq!(text.matches("```").count() % 2, 0, "{name}: an open fence in {text}");
        let lower = text.to_lowercase();
        for ping in ["@everyone", "@here", "<@", "<#", "<:", "<a:", "<t:", "</", "<id:"] {
            assert!(!lower.contains(ping), "{name}: {ping} in {text}");
        }
        for link in links(text) {
            assert!(allowed.contains(&link), "{name}: {link} in {text}");
        }
    }
    let embed = &body["embeds"][0]["url"];
    let rows = body["components"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|row| row["components"].as_array().unwrap()).map(|button| &button["url"]);
    for url in buttons.chain([embed]).filter_map(Value::as_str) {
        assert!(allowed.contains(url), "{name}: {url}");
    }
}

/// Returns every text that counts, in the order in which it is shown.
pub(super) fn texts(body: &Value) -> Vec<&str> {
    let embed = &body["embeds"][0];
    let mut parts = vec![&body["content"], &embed["title"], &embed["description"]];
    for field in embed["fields"].as_array().into_iter().flatten() {
        parts.extend([&field["name"], &field["value"]]);
    }
    parts.into_iter().filter_map(Value::as_str).collect()
}

/// Returns the addresses that a text in Markdown leads to: `[words](address)` and `<address>`.
pub(super) fn links(text: &str) -> Vec<String> {
    let text = without_code(text);
    let mut found = Vec::new();
    for (at, _) in text.match_indices("](") {
        if !is_escaped(&text, at) {
            found.extend(text[at + 2..].split(')').next().map(str::to_owned));
        }
    }
    for (at, _) in text.match_indices("<http") {
        if !is_escaped(&text, at) {
            found.extend(text[at + 1..].split('>').next().map(str::to_owned));
        }
    }
    found
}

fn is_escaped(text: &str, at: usize) -> bool {
    text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Returns the text without fences and code spans; a backtick outside them is escaped.
pub(super) fn without_code(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        let (before, code) = rest.split_at(at);
        out.push_str(before);
        if is_escaped(before, before.len()) {
            out.push('`');
            rest = &code[1..];
            continue;
        }
        let ticks = code.bytes().take_while(|byte| *byte == b'`').count();
        let fence = &code[..ticks];
        let inside = &code[ticks..];
        rest = inside.find(fence).map_or("", |end| &inside[end + ticks..]);
    }
    out.push_str(rest);
    out
}
