//! The classic form for receivers that speak Slack's older dialect: `text` and one attachment, in Markdown.
//!
//! Block Kit is an empty box to them.
// Source: https://github.com/mattermost/mattermost/issues/14973 and
// https://developers.mattermost.com/integrate/reference/message-attachments/, read 2026-11-23.

use serde_json::{Value, json};

use super::{blocks, body, limit};
use crate::message::{Block, Button, Inline, Message, Tone, plain_text};
use crate::notify::dialect::{Dialect, WORD_JOINER};
use crate::notify::inline::InlineWriter;
use crate::notify::markdown::{blocks_within, paragraphs};
use crate::notify::shortening::{self, Missing};
use crate::notify::summary;

/// Room that is set aside for the links at the end.
const LINKS: usize = 1_500;

/// Room for the first paragraph, where it stands in `text`; a longer one stands in the attachment.
const LEAD: usize = 1_500;

/// Returns the whole message.
pub(super) fn whole(message: &Message) -> Value {
    let classic = Classic::of(message);
    let (text, missing) = classic.body();
    let note = if missing.is_nothing() {
        String::new()
    } else {
        format!("{} {}", missing.sentence(), classic.source)
    };
    attachment(message, &classic.lead, &paragraphs([text, note.trim_end().to_owned(), classic.links]))
}

/// Returns whether all blocks of a message fit.
pub(crate) fn fits(message: &Message) -> bool {
    Classic::of(message).body().1.is_nothing()
}

/// Returns title, first words and links.
pub(super) fn brief(message: &Message) -> Value {
    let words = body::literal(Dialect::Mattermost, &summary::first_words(message), limit::SENTENCE);
    let links = body::links(Dialect::Mattermost, &message.buttons, LINKS);
    let title = summary::title(message);
    let lead = if title.is_empty() { summary::sentence(message) } else { title };
    let lead = body::literal(Dialect::Mattermost, &lead, limit::SENTENCE);
    attachment(message, &lead, &paragraphs([words, links]))
}

/// A message taken apart for the classic form.
struct Classic<'a> {
    /// What stands in `text`, above the attachment, and is the notification: title and first paragraph.
    lead: String,
    /// What stands in the attachment.
    blocks: Vec<&'a Block>,
    /// What the attachment ends in.
    links: String,
    /// The link to what does not fit, unless it is among the others.
    source: String,
}

impl<'a> Classic<'a> {
    fn of(message: &'a Message) -> Self {
        let (words, blocks) = first_paragraph(message);
        let mut lead: Vec<String> =
            [title(message), words].into_iter().filter(|part| !part.is_empty()).collect();
        if lead.is_empty() {
            lead.push(body::literal(Dialect::Mattermost, &summary::sentence(message), limit::SENTENCE));
        }
        let mut buttons = message.buttons.clone();
        if blocks.is_empty() && buttons.is_empty() {
            // An attachment without any words is an empty box.
            buttons = message.blocks.first().map(links_in).unwrap_or_default();
        }
        let source = shortening::source(message).filter(|source| !buttons.contains(source));
        let links = |buttons: &[Button]| body::links(Dialect::Mattermost, buttons, LINKS);
        Self { lead: lead.join("\n"), blocks, links: links(&buttons), source: links(source.as_slice()) }
    }

    fn body(&self) -> (String, Missing) {
        let ends = self.links.chars().count() + self.source.chars().count() + shortening::SENTENCE_ROOM;
        blocks_within(Dialect::Mattermost, limit::CLASSIC - ends - 5, &self.blocks)
    }
}

/// Returns the first paragraph, where the message begins with one that is short enough, and everything else.
fn first_paragraph(message: &Message) -> (String, Vec<&Block>) {
    if let Some((first @ Block::Paragraph(_), rest)) = message.blocks.split_first() {
        let (words, missing) = blocks_within(Dialect::Mattermost, LEAD, &[first]);
        if missing.is_nothing() {
            return (words, rest.iter().collect());
        }
    }
    (String::new(), message.blocks.iter().collect())
}

fn title(message: &Message) -> String {
    let title = summary::title(message);
    let mut writer = InlineWriter::new(Dialect::Mattermost, limit::HEADER);
    writer.inlines(&[Inline::Strong(vec![Inline::Text(title.trim().to_owned())])]);
    writer.finish()
}

fn links_in(block: &Block) -> Vec<Button> {
    let Block::Paragraph(line) = block else { return Vec::new() };
    let button = |inline: &Inline| {
        let Inline::Link { url, content } = inline else { return None };
        Some(Button { label: plain_text(content), url: url.clone() })
    };
    line.iter().filter_map(button).collect()
}

fn attachment(message: &Message, lead: &str, text: &str) -> Value {
    let sentence = summary::sentence(message).replace('@', &format!("@{WORD_JOINER}"));
    let mut attachment = json!({
        "fallback": blocks::plain(&sentence, limit::SENTENCE),
        "color": color(message.tone),
        "text": text,
    });
    if let (Some(attachment), true) = (attachment.as_object_mut(), text.is_empty()) {
        let title = body::literal(Dialect::Mattermost, &sentence, limit::HEADER);
        attachment.insert("title".to_owned(), json!(title));
    }
    json!({
        "text": lead,
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
            source: None,
        };
        assert_eq!(
            whole(&message),
            json!({
                "text": "**Root cause \\*found\\***\n**A null coupon** @\u{2060}channel",
                "attachments": [{
                    "fallback": "Root cause *found*: A null coupon @\u{2060}channel",
                    "text": "```diff\n-a\n+b\n```\n\n[Open in Sentry](https://acme.sentry.io/issues/117/)",
                    "color": "#E8A317",
                }],
                "unfurl_links": false,
                "unfurl_media": false,
            })
        );
    }

    #[test]
    fn a_lone_line_has_its_link_below() {
        let url = Url::parse("https://acme.sentry.io/issues/117/").unwrap();
        let issue = Inline::Link { url, content: vec![Inline::Text("issue 117".to_owned())] };
        let line = vec![Inline::Text("Seer is writing the fix for ".to_owned()), issue];
        let message = Message { blocks: vec![Block::Paragraph(line)], ..Message::default() };
        let body = whole(&message);
        let address = "[issue 117](https://acme.sentry.io/issues/117/)";
        assert_eq!(body["text"], format!("Seer is writing the fix for {address}"));
        assert_eq!(body["attachments"][0]["text"], address);
    }

    #[test]
    fn a_long_first_paragraph_stands_in_the_attachment() {
        let long = "Words. ".repeat(300);
        let message = Message {
            title: vec![Inline::Text("T".to_owned())],
            blocks: vec![Block::Paragraph(vec![Inline::Text(long)])],
            ..Message::default()
        };
        let body = whole(&message);
        assert_eq!(body["text"], "**T**");
        assert!(body["attachments"][0]["text"].as_str().unwrap().starts_with("Words. "), "{body}");
    }

    #[test]
    fn what_is_left_out_is_said_with_a_link_to_the_rest() {
        let source = Url::parse("https://acme.sentry.io/issues/117/").unwrap();
        let paragraph = Block::Paragraph(vec![Inline::Text("Words. ".repeat(900))]);
        let message = Message { blocks: vec![paragraph], source: Some(source), ..Message::default() };
        let body = whole(&message);
        let text = body["attachments"][0]["text"].as_str().unwrap();
        let end = "… shortened: the rest of the text is missing. [Open in Sentry](https://acme.sentry.io/issues/117/)";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn an_attachment_without_words_shows_the_title() {
        let message = Message { title: vec![Inline::Text("T".to_owned())], ..Message::default() };
        assert_eq!(whole(&message)["attachments"][0]["title"], "T");
    }
}
