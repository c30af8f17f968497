//! The mark of a message that stands in at a fallback: for which destination it is, and why that one did not take it.
//!
//! It is put above the text of whatever a template made, in each form of the message. Pure.

use serde_json::{Value, json};

use super::{discord, fit, slack, summary};
use crate::delivery::{DestinationKind, Rung, StandsFor};
use crate::message::{Block, Inline, Message};
use crate::render::Rendered;

/// Returns what a template made with the mark above its text. What a program gets says it in `event.fallback_for`.
pub fn marked(rendered: Rendered, kind: DestinationKind, rung: Rung, stands_for: &StandsFor) -> Rendered {
    match rendered {
        Rendered::Message(message) => Rendered::Message(mark_message(message, rung, stands_for)),
        Rendered::Document(document) => match kind {
            DestinationKind::Webhook => Rendered::Document(document),
            DestinationKind::Slack | DestinationKind::Discord => {
                let message =
                    summary::message_of(&Rendered::Document(document)).map(std::borrow::Cow::into_owned);
                Rendered::Message(mark_message(message.unwrap_or_default(), rung, stands_for))
            }
        },
        Rendered::Body(body) => Rendered::Body(mark_body(body, kind, stands_for)),
    }
}

fn mark_message(message: Message, rung: Rung, stands_for: &StandsFor) -> Message {
    let mut mark = inlines(stands_for);
    if rung == Rung::Whole {
        let mut blocks = vec![Block::Paragraph(mark)];
        blocks.extend(message.blocks);
        return Message { blocks, ..message };
    }
    // The plainer forms show the first words alone.
    let words = summary::first_words(&message);
    if !words.is_empty() {
        mark.push(Inline::Text(format!(" {words}")));
    }
    Message { blocks: vec![Block::Paragraph(mark)], ..message }
}

fn inlines(stands_for: &StandsFor) -> Vec<Inline> {
    let name = Inline::Code(stands_for.destination.to_string());
    vec![Inline::Text("For ".to_owned()), name, Inline::Text(rest(stands_for))]
}

fn rest(stands_for: &StandsFor) -> String {
    match stands_for.reason {
        Some(reason) => format!(", which did not take it ({reason})."),
        None => ", which did not take it in time.".to_owned(),
    }
}

/// Marks what a team's own template wrote: names of destinations hold nothing that a platform would read as markup.
fn mark_body(mut body: Value, kind: DestinationKind, stands_for: &StandsFor) -> Value {
    let line = format!("For `{}`{}", stands_for.destination, rest(stands_for));
    let Some(fields) = body.as_object_mut() else { return body };
    match kind {
        DestinationKind::Slack => {
            put_above(fields, "text", &line, usize::MAX);
            if let Some(blocks) = fields.get_mut("blocks").and_then(Value::as_array_mut) {
                blocks.insert(0, json!({ "type": "section", "text": { "type": "mrkdwn", "text": line } }));
                blocks.truncate(slack::limit::BLOCKS);
            }
        }
        DestinationKind::Discord => put_above(fields, "content", &line, discord::limit::CONTENT),
        DestinationKind::Webhook => {}
    }
    body
}

fn put_above(fields: &mut serde_json::Map<String, Value>, name: &str, line: &str, limit: usize) {
    let text = match fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()) {
        Some(text) => format!("{line}\n{text}"),
        None => line.to_owned(),
    };
    let text = if text.chars().count() > limit { fit::shortened(&text, limit) } else { text };
    fields.insert(name.to_owned(), Value::from(text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{DestinationName, Reason};
    use crate::message::plain_text;

    const MARK: &str = "For `backend`, which did not take it (auth).";

    fn stands_for(reason: Option<Reason>) -> StandsFor {
        StandsFor { destination: DestinationName::new("backend"), reason }
    }

    fn message() -> Message {
        let text = |words: &str| vec![Inline::Text(words.to_owned())];
        let blocks = vec![Block::Paragraph(text("The cause.")), Block::Paragraph(text("The plan."))];
        Message { title: text("Root cause found"), blocks, ..Message::default() }
    }

    fn paragraphs(rung: Rung, reason: Option<Reason>) -> Vec<String> {
        let rendered = Rendered::Message(message());
        let Rendered::Message(message) = marked(rendered, DestinationKind::Slack, rung, &stands_for(reason))
        else {
            panic!("it stays a message");
        };
        assert_eq!(plain_text(&message.title), "Root cause found");
        let shown = |block: &Block| {
            let Block::Paragraph(content) = block else { panic!("{block:?}") };
            plain_text(content)
        };
        message.blocks.iter().map(shown).collect()
    }

    #[test]
    fn every_form_of_a_message_says_for_whom_it_is_and_then_what_it_would() {
        let mark = "For backend, which did not take it (auth).";
        let auth = Some(Reason::Auth);
        assert_eq!(paragraphs(Rung::Whole, auth), [mark, "The cause.", "The plan."]);
        for rung in [Rung::Brief, Rung::Line] {
            assert_eq!(paragraphs(rung, auth), [format!("{mark} The cause.")]);
        }
        assert_eq!(paragraphs(Rung::Whole, None)[0], "For backend, which did not take it in time.");
    }

    fn body(kind: DestinationKind, body: Value) -> Value {
        let marked = marked(Rendered::Body(body), kind, Rung::Whole, &stands_for(Some(Reason::Auth)));
        let Rendered::Body(body) = marked else { panic!("{marked:?}") };
        body
    }

    #[test]
    fn what_a_team_wrote_as_a_body_is_marked_where_a_chat_shows_it() {
        let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": MARK } });
        assert_eq!(
            body(DestinationKind::Slack, json!({ "text": "own", "blocks": [{ "type": "divider" }] })),
            json!({ "text": format!("{MARK}\nown"), "blocks": [section, { "type": "divider" }] })
        );
        let full = json!({ "blocks": vec![json!({ "type": "divider" }); 50] });
        let marked = body(DestinationKind::Slack, full);
        assert_eq!((marked["blocks"].as_array().unwrap().len(), &marked["blocks"][0]), (50, &section));
        assert_eq!(
            body(DestinationKind::Discord, json!({ "embeds": [] })),
            json!({ "embeds": [], "content": MARK })
        );
        let long = body(DestinationKind::Discord, json!({ "content": "word ".repeat(1_000) }));
        assert!(long["content"].as_str().unwrap().chars().count() <= discord::limit::CONTENT);
        assert_eq!(body(DestinationKind::Webhook, json!({ "a": 1 })), json!({ "a": 1 }));
    }
}
