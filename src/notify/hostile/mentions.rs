//! Messages with mentions: above the text, and nothing in the text pings beside them.

use serde_json::{Value, json};

use super::texts::TEXTS;
use super::{discord, large, places, slack};
use crate::delivery::{MOST_MENTIONS, Mention, MessageRef, Rung};
use crate::message::Message;
use crate::notify::{Destination, Envelope, Position, body_for};
use crate::render::Rendered;

const RUNGS: [Rung; 3] = [Rung::Whole, Rung::Brief, Rung::Line];

fn envelope(mentions: Vec<Mention>) -> Envelope {
    Envelope { mentions, ..Envelope::default() }
}

fn of_slack() -> Vec<Mention> {
    vec![
        Mention::SlackUser("U012AB3CD".to_owned()),
        Mention::SlackGroup("S0614TZR7".to_owned()),
        Mention::Here,
    ]
}

fn of_discord() -> Vec<Mention> {
    vec![Mention::DiscordRole("123".to_owned()), Mention::DiscordUser("456".to_owned()), Mention::Everyone]
}

/// As many as there may be, as long as they may be.
fn most(mention: fn(String) -> Mention) -> Vec<Mention> {
    (0..MOST_MENTIONS).map(|number| mention(format!("S{:019}", 10_usize.pow(18) + number))).collect()
}

fn made(destination: &Destination, rendered: &Rendered, rung: Rung, envelope: &Envelope) -> Value {
    serde_json::from_slice(&body_for(destination, rendered, rung, envelope)).unwrap()
}

fn of(destination: &Destination, message: &Message, rung: Rung, envelope: &Envelope) -> Value {
    made(destination, &Rendered::Message(message.clone()), rung, envelope)
}

/// Puts words of the same length in the place of a line of mentions.
fn without(line: &str, body: &Value) -> Value {
    let words = "m".repeat(line.chars().count());
    serde_json::from_str(&body.to_string().replace(line, &words)).unwrap()
}

#[test]
fn in_slack_nothing_pings_but_whom_the_route_names_in_the_first_block_and_the_notification() {
    const LINE: &str = "<@U012AB3CD> <!subteam^S0614TZR7> <!here>";
    let mut bodies = Vec::new();
    for (name, message) in TEXTS.iter().flat_map(|words| places(words)) {
        for rung in RUNGS {
            let body = of(&slack(true, false), &message, rung, &envelope(of_slack()));
            let text = body["text"].as_str().unwrap();
            assert!(text.starts_with(LINE), "{name}: {text}");
            if rung != Rung::Line {
                let first = json!({ "type": "section", "text": { "type": "mrkdwn", "text": LINE } });
                assert_eq!(body["blocks"][0], first, "{name}");
                bodies.push((format!("{name} {rung}"), without(LINE, &body)));
            }
            for ping in ["<!", "<@", "<#"] {
                assert!(!text.replace(LINE, "").contains(ping), "{name} {rung}: {ping} in {text}");
            }
        }
    }
    super::slack::check_all(&bodies);
}

#[test]
fn slack_messages_of_any_size_keep_within_every_limit_with_as_many_mentions_as_there_may_be() {
    let mentions = envelope(most(Mention::SlackGroup));
    let line = super::super::mention::line(crate::notify::dialect::Dialect::Slack, &mentions.mentions);
    let mut bodies = Vec::new();
    for (name, message) in large() {
        for rung in [Rung::Whole, Rung::Brief] {
            let body = of(&slack(true, false), &message, rung, &mentions);
            bodies.push((format!("{name} {rung}"), without(&line, &body)));
        }
        let body = of(&slack(true, false), &message, Rung::Line, &mentions);
        assert!(body["text"].as_str().unwrap().chars().count() <= 3_000, "{name}");
    }
    super::slack::check_all(&bodies);
}

#[test]
fn a_compatible_receiver_is_told_of_everybody_but_of_no_id_of_slack() {
    let mentions = envelope([of_slack(), vec![Mention::Everyone]].concat());
    for (name, message) in TEXTS.iter().flat_map(|words| places(words)) {
        for rung in RUNGS {
            let body = of(&slack(false, true), &message, rung, &mentions);
            let text = body["text"].as_str().unwrap();
            let rest = text.strip_prefix("@here @all\n").unwrap_or_else(|| panic!("{name}: {text}"));
            for ping in ["@channel", "@here", "@all", "@everyone", "<!", "<@"] {
                assert!(!rest.contains(ping), "{name} {rung}: {ping} in {rest}");
            }
        }
    }
}

#[test]
fn in_discord_nothing_pings_but_whom_the_route_names() {
    const LINE: &str = "<@&123> <@456> @everyone";
    let validator = super::discord::validator();
    let allowed = json!({ "parse": ["everyone"], "users": ["456"], "roles": ["123"] });
    for (name, message) in TEXTS.iter().flat_map(|words| places(words)) {
        for rung in RUNGS {
            let mut body = of(&discord(), &message, rung, &envelope(of_discord()));
            assert_eq!(body["allowed_mentions"], allowed, "{name}");
            assert!(validator.is_valid(&body), "{name}: {body}");
            let content = body["content"].as_str().unwrap();
            let rest = content.strip_prefix(LINE).unwrap_or_else(|| panic!("{name}: {content}")).to_owned();
            for ping in ["@everyone", "@here", "<@"] {
                assert!(!rest.contains(ping), "{name} {rung}: {ping} in {rest}");
            }
            body["allowed_mentions"] = json!({ "parse": [] });
            super::discord::check(&validator, name, &body);
        }
    }
}

#[test]
fn discord_messages_of_any_size_keep_within_every_limit_with_as_many_mentions_as_there_may_be() {
    let validator = super::discord::validator();
    let user = |id: String| Mention::DiscordUser(id.replace('S', "1"));
    for (name, message) in large() {
        for rung in RUNGS {
            let mut body = of(&discord(), &message, rung, &envelope(most(user)));
            assert_eq!(body["allowed_mentions"]["users"].as_array().unwrap().len(), MOST_MENTIONS);
            assert!(body["content"].as_str().unwrap().chars().count() <= 2_000, "{name} {rung}");
            body["allowed_mentions"] = json!({ "parse": [] });
            super::discord::check(&validator, name, &body);
        }
    }
}

#[test]
fn an_edit_says_whom_the_message_mentioned_and_pings_nobody() {
    let message = MessageRef { channel: "C1".to_owned(), id: "1".to_owned() };
    let edit = Envelope { position: Position::Instead(message), ..envelope(of_discord()) };
    let body = of(&discord(), &places("words")[2].1, Rung::Whole, &edit);
    assert_eq!(body["content"], "<@&123> <@456> @everyone");
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
}

#[test]
fn a_templates_own_body_for_slack_has_the_mentions_above_it() {
    let body = |own: Value, rung| {
        made(&slack(false, false), &Rendered::Body(own), rung, &envelope(vec![Mention::Here]))
    };
    let blocks = json!([{ "type": "divider" }]);
    let first = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "<!here>" } });
    let whole = body(json!({ "text": "own", "blocks": blocks }), Rung::Whole);
    assert_eq!(whole, json!({ "text": "<!here> own", "blocks": [first, { "type": "divider" }] }));
    assert_eq!(body(json!({ "text": "own" }), Rung::Whole)["text"], "<!here>\nown");
    assert_eq!(body(json!({ "attachments": [{}] }), Rung::Whole)["text"], "<!here>");
    assert_eq!(body(json!({ "text": "own", "blocks": blocks }), Rung::Brief)["text"], "<!here>\nown");
    assert_eq!(body(json!({ "text": "own", "blocks": blocks }), Rung::Line)["text"], "<!here>\nown");
    let long = body(json!({ "text": "x ".repeat(5_000) }), Rung::Brief);
    assert!(long["text"].as_str().unwrap().chars().count() <= 3_000);
}

#[test]
fn a_templates_own_body_for_discord_pings_exactly_whom_the_route_names() {
    let own = json!({
        "content": "@everyone <@9>",
        "embeds": [{ "title": "@here", "url": "https://x.dev/@here" }],
        "allowed_mentions": { "parse": ["users"] },
    });
    let body = |own: &Value, rung, mentions| {
        made(&discord(), &Rendered::Body(own.clone()), rung, &envelope(mentions))
    };
    for rung in RUNGS {
        let body = body(&own, rung, vec![Mention::Here, Mention::DiscordUser("4".to_owned())]);
        assert_eq!(body["allowed_mentions"], json!({ "parse": ["everyone"], "users": ["4"] }));
        let content = body["content"].as_str().unwrap();
        let rest = content.strip_prefix("@here <@4>\n").unwrap_or_else(|| panic!("{content}"));
        assert!(!rest.contains("@everyone") && rest.contains("everyone"), "{rest}");
        if rung == Rung::Whole {
            assert_eq!(body["embeds"], json!([{ "title": "@\u{200b}here", "url": "https://x.dev/@here" }]));
        }
    }
    let long = body(&json!({ "content": "x ".repeat(1_000) }), Rung::Whole, of_discord());
    assert!(long["content"].as_str().unwrap().chars().count() <= 2_000);

    let layout = json!({ "flags": 1 << 15, "components": [{ "type": 10, "content": "@everyone" }] });
    let made = body(&layout, Rung::Whole, of_discord());
    assert_eq!(made.get("content"), None);
    let texts: Vec<&str> =
        made["components"].as_array().unwrap().iter().map(|part| part["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["<@&123> <@456> @everyone", "@\u{200b}everyone"]);
}
