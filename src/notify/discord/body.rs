//! The request body for each rung of the ladder. Nothing in any of them may mention anybody but whom a route names.
//!
//! Knows no HTTP; pure.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::embed::{self, links, literal};
use super::{DiscordConfig, limit};
use crate::delivery::Rung;
use crate::message::{Inline, Message};
use crate::notify::dialect::Dialect;
use crate::notify::fit;
use crate::notify::markdown::paragraphs;
use crate::notify::{Envelope, Position, mention, summary, written};
use crate::render::Rendered;
use crate::words::is_blank;

/// What stands in a thread's name for what its first message says in a few words.
pub(crate) const TITLE: &str = "{title}";
/// What stands there for the issue.
const ISSUE: &str = "{issue}";
/// All of them.
pub(crate) const PLACEHOLDERS: [&str; 2] = [TITLE, ISSUE];

/// The flag of a message that is made of components alone, and the type of one that is text.
// Source: https://docs.discord.com/developers/components/reference, read 2026-11-30.
const COMPONENTS_V2: u64 = 1 << 15;
const TEXT_DISPLAY: u8 = 10;

/// Returns the exact request body.
pub(crate) fn body(config: &DiscordConfig, rendered: &Rendered, rung: Rung, envelope: &Envelope) -> Bytes {
    let mentions = mention::line(Dialect::Discord, &envelope.mentions);
    let mut body = match rendered {
        Rendered::Body(template) => of_template(template, rung, &mentions),
        Rendered::Message(_) | Rendered::Document(_) => {
            let message = summary::message_of(rendered).unwrap_or_default();
            Value::Object(of_message(&message, rung, &mentions))
        }
    };
    if let Some(body) = body.as_object_mut() {
        put_above(body, &mentions);
        // A webhook parses mentions of users by default, and escaping alone does not keep them from pinging.
        // Source: https://docs.discord.com/developers/resources/message#allowed-mentions-object, read 2026-11-23.
        let pinged = match &envelope.position {
            Position::Alone | Position::Under { .. } => envelope.mentions.as_slice(),
            // To ping somebody once is enough.
            Position::Instead(_) => &[],
        };
        body.insert("allowed_mentions".to_owned(), mention::allowed_by_discord(pinged));
        match (&envelope.position, &config.thread_name) {
            (Position::Alone, Some(name)) => {
                body.entry("thread_name")
                    .or_insert_with(|| json!(thread_name(name, rendered, &envelope.subject)));
            }
            (Position::Instead(_), _) => {
                // What an edit does not name stays as it was.
                body.entry("content").or_insert_with(|| json!(""));
                body.entry("embeds").or_insert_with(|| json!([]));
                body.entry("components").or_insert_with(|| json!([]));
            }
            (Position::Alone | Position::Under { .. }, _) => {}
        }
    }
    written(&body)
}

/// Puts a line of mentions above a message, and leaves of its own words what there is room for.
fn put_above(body: &mut Map<String, Value>, mentions: &str) {
    if mentions.is_empty() {
        return;
    }
    let is_of_components =
        body.get("flags").and_then(Value::as_u64).is_some_and(|flags| flags & COMPONENTS_V2 != 0);
    if let (true, Some(components)) =
        (is_of_components, body.get_mut("components").and_then(Value::as_array_mut))
    {
        // Such a message takes no `content`.
        components.insert(0, json!({ "type": TEXT_DISPLAY, "content": mentions }));
        return;
    }
    let content = match body.get("content").and_then(Value::as_str) {
        Some(text) if !is_blank(text) => {
            let text = fit::shortened(text, limit::CONTENT - mention::room_of(mentions));
            format!("{mentions}\n{text}")
        }
        Some(_) | None => mentions.to_owned(),
    };
    body.insert("content".to_owned(), Value::from(content));
}

/// Returns the name of the thread that a message begins.
fn thread_name(name: &str, rendered: &Rendered, subject: &str) -> String {
    let words = |message: std::borrow::Cow<'_, Message>| match summary::title(&message) {
        title if title.is_empty() => summary::sentence(&message),
        title => title,
    };
    let title = summary::message_of(rendered).map(words).unwrap_or_default();
    let subject = if is_blank(subject) { title.as_str() } else { subject };
    // Of what was put in nothing is replaced again.
    let parts = name.split(TITLE).map(|part| part.replace(ISSUE, subject));
    let name = parts.collect::<Vec<_>>().join(&title);
    let name = if is_blank(&name) { summary::WORDLESS } else { name.trim() };
    fit::shortened(&fit::one_line(name), limit::THREAD_NAME)
}

fn of_message(message: &Message, rung: Rung, mentions: &str) -> Map<String, Value> {
    let embed = match rung {
        Rung::Whole => embed::embed(message),
        Rung::Brief => embed::embed(&brief(message)),
        Rung::Line => Map::new(),
    };
    let mut body = Map::new();
    if embed.is_empty() {
        body.insert("content".to_owned(), json!(line(message, mentions)));
    } else {
        body.insert("embeds".to_owned(), json!([embed]));
    }
    let components = if rung == Rung::Whole { embed::components(message) } else { Vec::new() };
    if !components.is_empty() {
        body.insert("components".to_owned(), Value::Array(components));
    }
    body
}

/// Returns the message with its first words for a body, and its links as text.
fn brief(message: &Message) -> Message {
    let words = fit::shortened(&summary::first_words(message), limit::SENTENCE);
    let links = message.buttons.iter().take(3).flat_map(|button| {
        let content = vec![Inline::Text(crate::notify::shortening::label(button))];
        [Inline::Text(" · ".to_owned()), Inline::Link { url: button.url.clone(), content }]
    });
    let links: Vec<Inline> = links.skip(1).collect();
    let blocks = [vec![Inline::Text(words)], links].map(crate::message::Block::Paragraph).to_vec();
    Message { title: message.title.clone(), blocks, buttons: Vec::new(), ..message.clone() }
}

/// Returns one plain line with links.
fn line(message: &Message, mentions: &str) -> String {
    let sentence = literal(&summary::sentence(message), limit::SENTENCE);
    let room = limit::CONTENT - limit::SENTENCE - 3 - mention::room_of(mentions);
    let links = links(message.buttons.iter(), room);
    if links.is_empty() { sentence } else { format!("{sentence} · {links}") }
}

/// Returns what a team's own template wrote, and for the plainer rungs its words alone: as it wrote them, then
/// literally.
fn of_template(template: &Value, rung: Rung, mentions: &str) -> Value {
    let texts = ["/content", "/embeds/0/title", "/embeds/0/description"];
    let text = texts
        .into_iter()
        .filter_map(|pointer| template.pointer(pointer).and_then(Value::as_str))
        .find(|text| !is_blank(text))
        .unwrap_or(summary::WORDLESS);
    let mut body = match rung {
        Rung::Whole => template.clone(),
        Rung::Brief => json!({ "content": fit::shortened(text, limit::CONTENT) }),
        Rung::Line => json!({ "content": paragraphs([literal(text, limit::SENTENCE)]) }),
    };
    if !mentions.is_empty() {
        mention::hush(&mut body);
    }
    body
}
