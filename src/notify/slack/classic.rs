//! The classic form for receivers that speak Slack's older dialect: `text` and one attachment, in Markdown.
//!
//! Block Kit is an empty box to them.
// Source: https://github.com/mattermost/mattermost/issues/14973 and
// https://developers.mattermost.com/integrate/reference/message-attachments/, read 2026-11-23.

use serde_json::{Value, json};

use super::{blocks, body, limit};
use crate::message::{Block, Button, Inline, Message, Tone, plain_text};
use crate::notify::dialect::{Dialect, WORD_JOINER};
use crate::notify::markdown::blocks_within;
use crate::notify::shortening::{self, Missing};
use crate::notify::summary;

/// Room that is set aside for the links at the end.
const LINKS: usize = 1_500;

/// Returns the whole message.
pub(super) fn whole(message: &Message) -> Value {
    if let Some(links) = links_of_lone_line(message) {
        return attachment(message, &body::links(Dialect::Mattermost, &links, LINKS));
    }
    let links = body::links(Dialect::Mattermost, &message.buttons, LINKS);
    let (mut text, missing) = written(message, &links);
    let note = if missing.is_nothing() { String::new() } else { missing.sentence() };
    for part in [note, links].into_iter().filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&part);
    }
    attachment(message, &text)
}

/// Returns whether all blocks of a message fit.
pub(crate) fn fits(message: &Message) -> bool {
    let links = body::links(Dialect::Mattermost, &message.buttons, LINKS);
    written(message, &links).1.is_nothing()
}

fn written(message: &Message, links: &str) -> (String, Missing) {
    let blocks: Vec<&Block> = message.blocks.iter().collect();
    let room = limit::CLASSIC - links.chars().count() - shortening::SENTENCE_ROOM - 4;
    blocks_within(Dialect::Mattermost, room, &blocks)
}

/// Returns the links in a message that is one line and nothing else: its words stand in `text` already.
fn links_of_lone_line(message: &Message) -> Option<Vec<Button>> {
    let ([Block::Paragraph(line)], []) = (message.blocks.as_slice(), message.buttons.as_slice()) else {
        return None;
    };
    let button = |inline: &Inline| {
        let Inline::Link { url, content } = inline else { return None };
        Some(Button { label: plain_text(content), url: url.clone() })
    };
    let links: Vec<Button> = line.iter().filter_map(button).collect();
    let is_plain = line.iter().all(|inline| matches!(inline, Inline::Text(_) | Inline::Link { .. }));
    let is_told = message.title.is_empty() && plain_text(line).chars().count() <= limit::SENTENCE;
    (is_plain && is_told && !links.is_empty()).then_some(links)
}

/// Returns title, first words and links.
pub(super) fn brief(message: &Message) -> Value {
    let words = body::literal(Dialect::Mattermost, &summary::first_words(message), limit::SENTENCE);
    let links = body::links(Dialect::Mattermost, &message.buttons, LINKS);
    let parts: Vec<String> = [words, links].into_iter().filter(|part| !part.is_empty()).collect();
    attachment(message, &parts.join("\n\n"))
}

fn attachment(message: &Message, text: &str) -> Value {
    let title = summary::title(message);
    let headline = if title.is_empty() { summary::sentence(message) } else { title };
    let sentence = summary::sentence(message).replace('@', &format!("@{WORD_JOINER}"));
    let mut attachment = json!({
        "fallback": blocks::plain(&sentence, limit::SENTENCE),
        "color": color(message.tone),
        "text": text,
    });
    // The title stands above the attachment as the message's text; an attachment without any words is an empty box.
    if let (Some(attachment), true) = (attachment.as_object_mut(), text.is_empty()) {
        attachment
            .insert("title".to_owned(), json!(body::literal(Dialect::Mattermost, &headline, limit::HEADER)));
    }
    json!({
        "text": body::literal(Dialect::Mattermost, &headline, limit::SENTENCE),
        "attachments": [attachment],
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn color(tone: Tone) -> &'static str {
    match tone {
        Tone::Progress => "#5865F2",
        Tone::Ready => "#E8A317",
        Tone::Done => "#2EA043",
        Tone::Trouble => "#D1242F",
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn a_compatible_receiver_gets_text_and_one_attachment_in_markdown() {
        let text = |words: &str| vec![Inline::Text(words.to_owned())];
        let url = Url::parse("https://acme.sentry.io/issues/117/").unwrap();
        let message = Message {
            title: text("Root cause *found*"),
            blocks: vec![
                Block::Paragraph(vec![
                    Inline::Strong(text("A null coupon")),
                    Inline::Text(" @channel".to_owned()),
                ]),
                Block::Code { language: Some("diff".to_owned()), text: "-a\n+b".to_owned() },
            ],
            buttons: vec![Button { label: "Open in Sentry".to_owned(), url }],
            tone: Tone::Ready,
        };
        assert_eq!(
            whole(&message),
            json!({
                "text": r"Root cause \*found\*",
                "attachments": [{
                    "fallback": "Root cause *found*: A null coupon @\u{2060}channel",
                    "text": "**A null coupon** @\u{2060}channel\n\n```diff\n-a\n+b\n```\n\n[Open in Sentry](https://acme.sentry.io/issues/117/)",
                    "color": "#E8A317",
                }],
                "unfurl_links": false,
                "unfurl_media": false,
            })
        );
    }

    #[test]
    fn one_line_is_told_once_and_its_link_stands_below() {
        let url = Url::parse("https://acme.sentry.io/issues/117/").unwrap();
        let issue = Inline::Link { url, content: vec![Inline::Text("issue 117".to_owned())] };
        let line = vec![Inline::Text("Seer is writing the fix for ".to_owned()), issue];
        let message = Message { blocks: vec![Block::Paragraph(line)], ..Message::default() };
        let body = whole(&message);
        assert_eq!(body["text"], "Seer is writing the fix for issue 117");
        assert_eq!(body["attachments"][0]["text"], "[issue 117](https://acme.sentry.io/issues/117/)");
    }

    #[test]
    fn an_attachment_without_words_shows_the_title() {
        let message = Message { title: vec![Inline::Text("T".to_owned())], ..Message::default() };
        assert_eq!(whole(&message)["attachments"][0]["title"], "T");
    }
}
