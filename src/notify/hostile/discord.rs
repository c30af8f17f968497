//! Discord: every body passes Discord's own schema and the rules that it does not hold.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::texts::{TEXTS, seen, squeezed};
use super::{discord, empty, large, made, places};
use crate::delivery::Rung;

pub(super) fn validator() -> Validator {
    let file = include_str!("../../../tests/fixtures/discord-webhook-schema.json");
    let mut schema: Value = serde_json::from_str(file).unwrap();
    schema["$ref"] = json!("#/components/schemas/IncomingWebhookRequestPartial");
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

pub(super) fn check(validator: &Validator, name: &str, body: &Value) {
    let faults: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{name}: {faults:?}");
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }), "{name}");
    let text = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let embed = &body["embeds"][0];
    let mut sum = text(&embed["title"]) + text(&embed["description"]);
    for field in embed["fields"].as_array().into_iter().flatten() {
        sum += text(&field["name"]) + text(&field["value"]);
        for key in ["name", "value"] {
            assert!(!field[key].as_str().unwrap().trim().is_empty(), "{name}: an empty {key}");
        }
    }
    assert!(sum <= 6_000, "{name}: {sum}");
    assert!(sum > 0 || text(&body["content"]) > 0, "{name}: nothing in {body}");
    let keys = ["title", "description"].map(|key| embed[key].as_str().unwrap_or("x").trim().is_empty());
    assert_eq!(keys, [false, false], "{name}: {body}");
    for row in body["components"].as_array().into_iter().flatten() {
        for button in row["components"].as_array().unwrap() {
            assert!(!button["label"].as_str().unwrap().trim().is_empty(), "{name}");
        }
    }
    let fences = embed["description"].as_str().unwrap_or_default().matches("```").count();
    assert_eq!(fences % 2, 0, "{name}: an open fence");
}

/// Everything that is shown, in order.
fn shown(body: &Value) -> String {
    let embed = &body["embeds"][0];
    let mut parts = vec![&body["content"], &embed["title"], &embed["description"]];
    for field in embed["fields"].as_array().into_iter().flatten() {
        parts.extend([&field["name"], &field["value"]]);
    }
    for row in body["components"].as_array().into_iter().flatten() {
        parts.extend(row["components"].as_array().unwrap().iter().map(|button| &button["label"]));
    }
    parts.into_iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// Takes the escapes away, as Discord does outside code.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes = character == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation);
        out.push(if escapes { characters.next().unwrap() } else { character });
    }
    out
}

#[test]
fn hostile_texts_stay_literal_in_every_place_of_a_discord_message() {
    let validator = validator();
    for words in TEXTS {
        for (name, message) in places(words) {
            for rung in [Rung::Whole, Rung::Brief, Rung::Line] {
                let body = made(&discord(), &message, rung);
                check(&validator, name, &body);
                let text = shown(&body);
                for ping in ["@everyone", "@here", "<@", "<#1", "<:e", "<a:e", "<t:", "</c", "<id:"] {
                    assert!(!text.contains(ping), "{name} {rung}: {ping} in {text}");
                }
            }
            let text = shown(&made(&discord(), &message, Rung::Whole));
            let is_code = name.contains("code") || matches!(name, "fence" | "diff" | "cell" | "button");
            let text = if is_code && name != "title code" { text } else { unescaped(&text) };
            let (text, mut expected) = (squeezed(&text.replace("\n> ", "\n")), seen(words));
            if name == "button" {
                // A label is cut at 80, at the end of a word.
                expected = expected.chars().take(40).collect();
            }
            let without_quotes = squeezed(&text.replace("> ", " "));
            let found =
                text.contains(&expected) || without_quotes.contains(&squeezed(&expected.replace("> ", " ")));
            assert!(found || name.starts_with("cell"), "{name}: `{expected}` in `{text}`");
        }
    }
}

#[test]
fn no_mark_of_a_hostile_text_is_left_unescaped() {
    for words in TEXTS {
        let message = super::of_blocks(vec![super::paragraph(words)]);
        let body = made(&discord(), &message, Rung::Whole);
        let text = body["embeds"][0]["description"].as_str().unwrap().to_owned();
        let mut escaped = false;
        for (at, character) in text.char_indices() {
            let mark = matches!(character, '*' | '_' | '~' | '|' | '`' | '[' | ']' | '<' | '@');
            assert!(escaped || !mark, "{character} at {at} of {text}");
            escaped = character == '\\' && !escaped;
        }
        assert!(!escaped, "an escape without anything to escape: {text}");
        assert!(!text.starts_with(['#', '-', '+', '>', '*', ' ']), "{text}");
    }
}

#[test]
fn discord_messages_of_any_size_keep_within_every_limit() {
    let validator = validator();
    for (name, message) in large().into_iter().chain(empty()) {
        for rung in [Rung::Whole, Rung::Brief, Rung::Line] {
            check(&validator, name, &made(&discord(), &message, rung));
        }
    }
}

#[test]
fn what_was_cut_is_said_with_a_link_to_where_it_can_be_read() {
    for (name, message) in large().into_iter().filter(|(name, _)| *name == "diff" || *name == "5,000 fields")
    {
        let body = made(&discord(), &message, Rung::Whole).to_string();
        assert!(body.contains("… shortened: ") && body.contains("[Open in Sentry]("), "{name}: {body}");
    }
}

#[test]
fn a_discord_message_is_an_embed_with_fields_and_buttons() {
    use super::{Block, Inline, Message, Tone, button, link, paragraph, text};
    let message = Message {
        title: text("Root cause found · issue 117"),
        blocks: vec![
            Block::Paragraph(vec![
                Inline::Strong(text("A null coupon")),
                Inline::Text(" reaches ".to_owned()),
                Inline::Code("total()".to_owned()),
            ]),
            Block::Table {
                header: vec![text("Repository"), text("acme/api")],
                rows: vec![vec![text("Pull request"), vec![link("#12")]]],
            },
            paragraph("after"),
        ],
        buttons: vec![button("Open in Sentry")],
        tone: Tone::Done,
        source: None,
    };
    assert_eq!(
        made(&discord(), &message, Rung::Whole),
        json!({
            "allowed_mentions": { "parse": [] },
            "embeds": [{
                "title": "Root cause found · issue 117",
                "url": "https://acme.sentry.io/issues/117/?a=1&b=(2)",
                "description": "**A null coupon** reaches `total()`\n\nafter",
                "color": 0x2E_A0_43,
                "fields": [
                    { "name": "Repository", "value": "acme/api", "inline": true },
                    { "name": "Pull request", "value": "[#12](https://acme.sentry.io/issues/117/?a=1&b=%282%29)", "inline": false },
                ],
            }],
            "components": [{
                "type": 1,
                "components": [{
                    "type": 2,
                    "style": 5,
                    "label": "Open in Sentry",
                    "url": "https://acme.sentry.io/issues/117/?a=1&b=(2)",
                }],
            }],
        })
    );
}

#[test]
fn a_template_s_own_body_can_mention_nobody() {
    use crate::notify::{Envelope, body_for};
    use crate::render::Rendered;
    let own = json!({ "content": "@everyone", "allowed_mentions": { "parse": ["everyone"] }, "tts": false });
    for rung in [Rung::Whole, Rung::Brief, Rung::Line] {
        let body = body_for(&discord(), &Rendered::Body(own.clone()), rung, &Envelope::default());
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
        assert!(body["content"].as_str().unwrap().contains("everyone"));
    }
}
