//! The request body for each rung of the ladder.
//!
//! Knows no HTTP; pure.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::disarm::disarm;
use super::{SlackAccess, SlackConfig, blocks, classic, limit};
use crate::delivery::Rung;
use crate::message::{Button, Inline, Message};
use crate::notify::dialect::Dialect;
use crate::notify::fit;
use crate::notify::inline::InlineWriter;
use crate::notify::{Envelope, Position, mention, shortening, summary, written};
use crate::render::Rendered;
use crate::words::is_blank;

/// Room for the links behind a sentence.
const LINKS: usize = 1_200;

/// The type of the metadata that every message of a bot carries.
pub(super) const EVENT_TYPE: &str = "seer_relay_message";
/// The field of it that holds the message's mark.
pub(super) const MARK: &str = "mark";

/// Returns the exact request body.
pub(crate) fn body(config: &SlackConfig, rendered: &Rendered, rung: Rung, envelope: &Envelope) -> Bytes {
    let dialect = if config.slack_compatible { Dialect::Mattermost } else { Dialect::Slack };
    let mentions = mention::line(dialect, &envelope.mentions);
    let mut value = match rendered {
        Rendered::Body(value) => {
            let mut value = value.clone();
            disarm(&mut value, dialect);
            of_template(&value, rung, &mentions)
        }
        Rendered::Message(_) | Rendered::Document(_) => {
            let message = summary::message_of(rendered).unwrap_or_default();
            of_message(config, &message, rung, &mentions)
        }
    };
    if let (Some(body), false) = (value.as_object_mut(), mentions.is_empty()) {
        put_above(body, &mentions);
    }
    if let (SlackAccess::Bot(bot), Some(body)) = (&config.access, value.as_object_mut()) {
        body.insert("channel".to_owned(), Value::from(bot.channel.as_str()));
        if !envelope.mark.is_empty() {
            let payload = Map::from_iter([(MARK.to_owned(), Value::from(envelope.mark.as_str()))]);
            // A template's own metadata is meant for somebody; ours only saves a message from being sent twice.
            body.entry("metadata")
                .or_insert_with(|| json!({ "event_type": EVENT_TYPE, "event_payload": payload }));
        }
        place(body, &envelope.position);
    }
    written(&value)
}

/// Returns the body of a message that stands for itself as it is to be in another position.
pub(super) fn placed(body: &Bytes, position: &Position) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    if let Some(body) = value.as_object_mut() {
        place(body, position);
    }
    written(&value)
}

/// Returns the body of a message as it is to be in the channel of this id.
pub(super) fn in_channel(body: &Bytes, id: &str) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    if let Some(body) = value.as_object_mut() {
        body.insert("channel".to_owned(), Value::from(id));
    }
    written(&value)
}

/// Says where a message goes.
fn place(body: &mut Map<String, Value>, position: &Position) {
    match position {
        Position::Alone => {}
        Position::Under { message, announced } => {
            body.insert("channel".to_owned(), Value::from(message.channel.as_str()));
            body.insert("thread_ts".to_owned(), Value::from(message.id.as_str()));
            body.insert("reply_broadcast".to_owned(), Value::from(*announced));
        }
        Position::Instead(message) => {
            // What only a new message may be told.
            // Source: https://docs.slack.dev/reference/methods/chat.update, read 2026-11-30.
            for name in ["thread_ts", "reply_broadcast", "unfurl_links", "unfurl_media"] {
                body.remove(name);
            }
            // What an edit does not name may stay.
            for name in ["blocks", "attachments"] {
                body.entry(name).or_insert_with(|| json!([]));
            }
            body.insert("channel".to_owned(), Value::from(message.channel.as_str()));
            body.insert("ts".to_owned(), Value::from(message.id.as_str()));
        }
    }
}

/// Puts a line of mentions above a message: as the first of its blocks, where it has any, and in the notification.
fn put_above(body: &mut Map<String, Value>, mentions: &str) {
    let blocks = body.get_mut("blocks").and_then(Value::as_array_mut).filter(|blocks| !blocks.is_empty());
    let separator = if blocks.is_some() { ' ' } else { '\n' };
    if let Some(blocks) = blocks {
        let text = json!({ "type": "mrkdwn", "text": mentions });
        blocks.insert(0, json!({ "type": "section", "text": text }));
    }
    let text = match body.get("text").and_then(Value::as_str) {
        Some(text) if !is_blank(text) => format!("{mentions}{separator}{text}"),
        Some(_) | None => mentions.to_owned(),
    };
    body.insert("text".to_owned(), Value::from(text));
}

fn of_message(config: &SlackConfig, message: &Message, rung: Rung, mentions: &str) -> Value {
    match (rung, config.slack_compatible) {
        (Rung::Whole, false) => whole(config, message, mentions),
        (Rung::Whole, true) => classic::whole(message),
        (Rung::Brief, false) => brief(message),
        (Rung::Brief, true) => classic::brief(message),
        (Rung::Line, compatible) => {
            let dialect = if compatible { Dialect::Mattermost } else { Dialect::Slack };
            with_blocks(&line(dialect, message, mentions), Vec::new())
        }
    }
}

fn whole(config: &SlackConfig, message: &Message, mentions: &str) -> Value {
    let text = sentence(Dialect::Slack, message);
    // They stand in the notification, and in a block of their own.
    let (room, taken) = (limit::MESSAGE - 2 * mention::room_of(mentions), usize::from(!mentions.is_empty()));
    let most = limit::BLOCKS - taken;
    let blocks = blocks::blocks(message, config.buttons, room - text.chars().count(), most);
    with_blocks(&text, blocks)
}

/// Returns whether nothing of a message's blocks and links is left out of its whole form.
pub(crate) fn fits(config: &SlackConfig, message: &Message) -> bool {
    let text = sentence(Dialect::Slack, message);
    blocks::fit(message, config.buttons, limit::MESSAGE - text.chars().count())
}

/// Returns title, first words and links in the simplest blocks there are.
fn brief(message: &Message) -> Value {
    let text = sentence(Dialect::Slack, message);
    let words = [summary::title(message), summary::first_words(message)];
    let mut blocks = Vec::new();
    for words in words.iter().filter(|words| !words.is_empty()) {
        let words = blocks::plain(words, limit::SENTENCE);
        let text = json!({ "type": "plain_text", "text": words, "emoji": false });
        blocks.push(json!({ "type": "section", "text": text }));
    }
    let links = links(Dialect::Slack, &message.buttons, limit::SECTION);
    if !links.is_empty() {
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": links } }));
    }
    with_blocks(&text, blocks)
}

fn with_blocks(text: &str, blocks: Vec<Value>) -> Value {
    let mut body = json!({ "text": text, "unfurl_links": false, "unfurl_media": false });
    if let (Some(body), false) = (body.as_object_mut(), blocks.is_empty()) {
        body.insert("blocks".to_owned(), Value::Array(blocks));
    }
    body
}

/// Returns a message in one sentence, literal in the dialect.
pub(super) fn sentence(dialect: Dialect, message: &Message) -> String {
    literal(dialect, &summary::sentence(message), limit::SENTENCE)
}

/// Returns a text literally, in one line of at most `room` code points.
pub(super) fn literal(dialect: Dialect, text: &str, room: usize) -> String {
    let mut writer = InlineWriter::new(dialect, room);
    writer.text(text.trim());
    writer.finish()
}

fn line(dialect: Dialect, message: &Message, mentions: &str) -> String {
    let sentence = sentence(dialect, message);
    let room = limit::TEXT - limit::SENTENCE - 3 - mention::room_of(mentions);
    let links = links(dialect, &message.buttons, LINKS.min(room));
    if links.is_empty() { sentence } else { format!("{sentence} · {links}") }
}

/// Returns as many links as fit, one behind the other.
pub(super) fn links(dialect: Dialect, buttons: &[Button], room: usize) -> String {
    let mut out = String::new();
    for button in buttons {
        let mut writer = InlineWriter::new(dialect, limit::SECTION);
        let label = fit::shortened(&shortening::label(button), limit::BUTTON);
        writer.inlines(&[Inline::Link { url: button.url.clone(), content: vec![Inline::Text(label)] }]);
        let link = writer.finish();
        let separator = if out.is_empty() { "" } else { " · " };
        if out.chars().count() + link.chars().count() + separator.len() > room {
            break;
        }
        out.push_str(separator);
        out.push_str(&link);
    }
    out
}

/// Returns what a team's own template wrote, and for the plainer rungs its `text` alone: as it wrote it, then
/// literally.
fn of_template(template: &Value, rung: Rung, mentions: &str) -> Value {
    let own = template.get("text").and_then(Value::as_str).filter(|text| !is_blank(text));
    match rung {
        Rung::Whole => template.clone(),
        Rung::Brief if own.is_some() => {
            let room = limit::TEXT - mention::room_of(mentions);
            with_blocks(&cut_markup(own.unwrap_or_default(), room), Vec::new())
        }
        Rung::Brief | Rung::Line => {
            let text = own.or_else(|| first_text(template.get("blocks"))).unwrap_or(summary::WORDLESS);
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            with_blocks(&literal(Dialect::Slack, &text, limit::SENTENCE), Vec::new())
        }
    }
}

fn first_text(blocks: Option<&Value>) -> Option<&str> {
    let blocks = blocks.and_then(Value::as_array)?;
    let texts = blocks.iter().filter_map(|block| block.pointer("/text/text").and_then(Value::as_str));
    texts.into_iter().find(|text| !is_blank(text))
}

/// Cuts mrkdwn such that neither an entity nor a link is left open.
fn cut_markup(text: &str, room: usize) -> String {
    let mut cut = fit::shortened(text, room);
    if cut.len() == text.len() {
        return cut;
    }
    for (opener, closer) in [('<', '>'), ('&', ';')] {
        let open = cut.rfind(opener).filter(|open| !cut.get(*open..).unwrap_or_default().contains(closer));
        if let Some(open) = open.filter(|open| opener == '<' || cut.len() - open < 10) {
            cut.truncate(open);
            cut.push('…');
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use url::Url;

    use super::*;
    use crate::delivery::MessageRef;
    use crate::message::Block;
    use crate::secret::Secret;

    fn config() -> SlackConfig {
        SlackConfig::of_webhook(Secret::Known(SecretString::from("https://hooks.example/x")))
    }

    fn message() -> Message {
        let url = Url::parse("https://acme.sentry.io/issues/117/").unwrap();
        Message {
            title: vec![Inline::Text("Root cause found · issue <117>".to_owned())],
            blocks: vec![Block::Paragraph(vec![Inline::Text("A null coupon & *more*.".to_owned())])],
            buttons: vec![Button { label: "Open in Sentry".to_owned(), url }],
            ..Message::default()
        }
    }

    fn made(rendered: &Rendered, rung: Rung) -> Value {
        serde_json::from_slice(&body(&config(), rendered, rung, &Envelope::default())).unwrap()
    }

    fn snapshot(name: &str, body: &Value) {
        let mut settings = insta::Settings::clone_current();
        settings.set_sort_maps(true);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path("../../../tests/snapshots");
        settings.bind(|| insta::assert_json_snapshot!(name, body));
    }

    #[test]
    fn the_whole_message_has_a_sentence_and_blocks() {
        snapshot("slack_whole", &made(&Rendered::Message(message()), Rung::Whole));
    }

    #[test]
    fn the_brief_form_is_plain_sections_and_the_line_is_text_alone() {
        snapshot("slack_brief", &made(&Rendered::Message(message()), Rung::Brief));
        assert_eq!(
            made(&Rendered::Message(message()), Rung::Line),
            json!({
                "text": "Root cause found · issue &lt;117&gt;: A null coupon &amp; \u{2060}*\u{2060}more\u{2060}*\u{2060}. · <https://acme.sentry.io/issues/117/|Open in Sentry>",
                "unfurl_links": false,
                "unfurl_media": false,
            })
        );
    }

    #[test]
    fn an_edit_leaves_no_blocks_and_attachments_standing_that_it_does_not_name() {
        let message = MessageRef { channel: "C1".to_owned(), id: "1.0".to_owned() };
        let edit = |body: Value| {
            let made = placed(&written(&body), &Position::Instead(message.clone()));
            let made: Value = serde_json::from_slice(&made).unwrap();
            (made["blocks"].clone(), made["attachments"].clone())
        };
        assert_eq!(edit(json!({ "text": "a" })), (json!([]), json!([])));
        let blocks = json!([{ "type": "divider" }]);
        assert_eq!(edit(json!({ "text": "a", "blocks": blocks })), (blocks, json!([])));
    }

    #[test]
    fn a_template_s_own_body_goes_out_as_it_is_and_then_as_its_text() {
        let own = json!({ "text": "*a* &lt;b&gt;", "blocks": [{ "type": "divider" }], "x": 1 });
        let rendered = Rendered::Body(own.clone());
        assert_eq!(made(&rendered, Rung::Whole), own);
        assert_eq!(made(&rendered, Rung::Brief)["text"], "*a* &lt;b&gt;");
        assert_eq!(made(&rendered, Rung::Line)["text"], "\u{2060}*\u{2060}a\u{2060}*\u{2060} &lt;b&gt;");
        assert_eq!(made(&Rendered::Body(json!([1])), Rung::Line)["text"], summary::WORDLESS);
    }

    #[test]
    fn markup_is_not_cut_in_the_middle() {
        let text = format!("{}<https://x.dev/{}|label>", "a ".repeat(1_400), "y".repeat(500));
        let cut = cut_markup(&text, limit::TEXT);
        assert!(cut.chars().count() <= limit::TEXT && !cut.contains('<'), "{cut}");
        let cut = cut_markup(&"&lt;".repeat(2_000), limit::TEXT);
        assert!(cut.trim_end_matches('…').ends_with("&lt;"), "{cut}");
    }

    #[test]
    fn the_documented_json_in_a_chat_becomes_a_line_with_a_link() {
        let document = json!({
            "event": { "action": "coding_completed" },
            "run": { "id": "12345" },
            "links": { "seer": "https://acme.sentry.io/issues/117/?seerDrawer=true" },
        });
        let body = made(&Rendered::Document(document.into()), Rung::Whole);
        assert_eq!(body["text"], "coding completed · run 12345");
    }
}
