//! Summaries: a message in one sentence, for notifications, screen readers and the plainest rung of the ladder.
//!
//! Knows no markup; the platforms escape what it returns.

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use crate::message::{Block, Button, Inline, ListItem, Message, plain_text};
use crate::notify::fit;
use crate::notify::shortening::{block_is_blank, inlines_are_blank};
use crate::render::Rendered;
use crate::words::is_blank;

/// What a message without a word says.
pub(crate) const WORDLESS: &str = "A step of Seer whose message has no text";

/// A sentence is taken from at most so many bytes of a paragraph.
const LONGEST_SOURCE_BYTES: usize = 16 * 1024;

/// Returns the title's words; empty where it has none.
pub(crate) fn title(message: &Message) -> String {
    words_of(&message.title)
}

/// Of a list that was announced, so many items are told.
const ITEMS: usize = 3;

/// An announcement has at most so many code points beside its title.
const ANNOUNCED: usize = 300;

/// Returns the short form of a message, which announces an event beside the run's card: its title, its first words and
/// its buttons. A short paragraph keeps its links.
pub(crate) fn announcement(message: &Message) -> Message {
    let words = first_words(message);
    let paragraph = message.blocks.iter().find_map(|block| {
        let Block::Paragraph(content) = block else { return None };
        (words_of(content) == words).then_some(content)
    });
    let told = match paragraph {
        Some(content) if words.chars().count() <= ANNOUNCED => content.clone(),
        Some(_) | None => vec![Inline::Text(fit::shortened(&words, ANNOUNCED))],
    };
    Message {
        title: message.title.clone(),
        blocks: if words.is_empty() { Vec::new() } else { vec![Block::Paragraph(told)] },
        buttons: message.buttons.clone(),
        tone: message.tone,
        source: message.source.clone(),
    }
}

/// Returns the words of the first paragraph, list or quotation, else of the first block that has any; with them those
/// of what it announces by a colon.
pub(crate) fn first_words(message: &Message) -> String {
    let tells = |block: &&Block| match block {
        Block::Paragraph(content) => !inlines_are_blank(content),
        Block::List { .. } | Block::Quote(_) => !block_is_blank(block),
        Block::Heading { .. } | Block::Code { .. } | Block::Table { .. } | Block::Rule => false,
    };
    let blocks = &message.blocks;
    let first = blocks.iter().position(|block| tells(&block));
    let first = first.or_else(|| blocks.iter().position(|block| !block_is_blank(block)));
    let mut rest = first.and_then(|first| blocks.get(first..)).unwrap_or_default().iter();
    let words = rest.next().map(block_words).unwrap_or_default();
    match rest.find(|block| !block_is_blank(block)) {
        Some(announced) if words.ends_with(':') => {
            format!("{words} {}", announced_words(announced)).trim_end().to_owned()
        }
        _ => words,
    }
}

fn announced_words(block: &Block) -> String {
    let Block::List { items, .. } = block else { return block_words(block) };
    let item_words = |item: &ListItem| item.blocks.iter().map(block_words).find(|words| !words.is_empty());
    let mut words = items.iter().filter_map(item_words);
    let told: Vec<String> = words.by_ref().take(ITEMS).collect();
    let told: Vec<&str> = told.iter().map(|words| words.trim_end_matches(['.', ';', ','])).collect();
    let end = if words.next().is_some() { "; …" } else { "." };
    format!("{}{end}", told.join("; "))
}

/// Returns title and first words in one line; never empty.
pub(crate) fn sentence(message: &Message) -> String {
    let (title, words) = (title(message), first_words(message));
    match (title.is_empty(), words.is_empty()) {
        (true, true) => WORDLESS.to_owned(),
        (true, false) => words,
        (false, true) => title,
        (false, false) if title.ends_with(['.', ':', '!', '?']) => format!("{title} {words}"),
        (false, false) => format!("{title}: {words}"),
    }
}

/// Returns what a chat destination is to show of anything but a request body.
pub(crate) fn message_of(rendered: &Rendered) -> Option<Cow<'_, Message>> {
    match rendered {
        Rendered::Message(message) => Some(Cow::Borrowed(message)),
        Rendered::Document(document) => Some(Cow::Owned(message_of_document(&document.value()))),
        Rendered::Body(_) => None,
    }
}

/// Makes do with the documented JSON, which is not meant for a chat.
fn message_of_document(document: &Value) -> Message {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let action = text("/event/action").unwrap_or("event").replace('_', " ");
    let title = match text("/run/id") {
        Some(run) => format!("{action} · run {run}"),
        None => action,
    };
    let link = text("/links/seer").or_else(|| text("/links/issue")).and_then(|link| Url::parse(link).ok());
    Message {
        title: vec![Inline::Text(title)],
        buttons: link.map(|url| Button { label: "Open in Sentry".to_owned(), url }).into_iter().collect(),
        ..Message::default()
    }
}

fn block_words(block: &Block) -> String {
    match block {
        Block::Paragraph(content) | Block::Heading { content, .. } => words_of(content),
        Block::List { items, .. } => {
            let first = items.iter().flat_map(|item| &item.blocks).find(|block| !block_is_blank(block));
            first.map(block_words).unwrap_or_default()
        }
        Block::Quote(blocks) => {
            blocks.iter().find(|block| !block_is_blank(block)).map(block_words).unwrap_or_default()
        }
        Block::Code { text, .. } => one_line(text),
        Block::Table { header, rows } => {
            let rows = std::iter::once(header).chain(rows);
            let row = rows.into_iter().find(|row| !row.iter().all(|cell| inlines_are_blank(cell)));
            let cells = row.into_iter().flatten().map(|cell| words_of(cell));
            cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" · ")
        }
        Block::Rule => String::new(),
    }
}

fn words_of(inlines: &[Inline]) -> String {
    one_line(&plain_text(inlines))
}

/// Returns the beginning of a text as one line; empty where nothing of it would be seen.
fn one_line(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_SOURCE_BYTES);
    let text = fit::one_line(text.get(..end).unwrap_or_default());
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if is_blank(&line) { String::new() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Vec<Inline> {
        vec![Inline::Text(words.to_owned())]
    }

    fn message(title: &str, blocks: Vec<Block>) -> Message {
        Message { title: text(title), blocks, ..Message::default() }
    }

    #[test]
    fn the_sentence_is_the_title_and_the_first_paragraph_in_one_line() {
        let blocks = vec![
            Block::Heading { level: 2, content: text("Why") },
            Block::Paragraph(vec![
                Inline::Text("A null coupon".to_owned()),
                Inline::Break,
                Inline::Code("total()".to_owned()),
            ]),
        ];
        assert_eq!(
            sentence(&message("Root cause found · issue 117", blocks)),
            "Root cause found · issue 117: A null coupon total()"
        );
    }

    #[test]
    fn what_a_colon_announces_is_told_too() {
        let list = |count: usize| {
            let item = |number| ListItem {
                checked: None,
                blocks: vec![Block::Paragraph(text(&format!("Cause {number}.")))],
            };
            Block::List { start: Some(1), items: (1..=count).map(item).collect() }
        };
        let told = |block| first_words(&message("T", vec![Block::Paragraph(text("Two causes:")), block]));
        assert_eq!(told(list(2)), "Two causes: Cause 1; Cause 2.");
        assert_eq!(told(list(4)), "Two causes: Cause 1; Cause 2; Cause 3; …");
        assert_eq!(told(Block::Code { language: None, text: "a\nb".to_owned() }), "Two causes: a b");
        assert_eq!(told(Block::Rule), "Two causes:");
    }

    #[test]
    fn something_is_always_said() {
        assert_eq!(sentence(&Message::default()), WORDLESS);
        assert_eq!(sentence(&message("\u{200b}", vec![Block::Rule])), WORDLESS);
        assert_eq!(sentence(&message("T", vec![])), "T");
        let item = crate::message::ListItem { checked: None, blocks: vec![Block::Paragraph(text("one"))] };
        let blocks =
            vec![Block::List { start: None, items: vec![item] }, Block::Paragraph(text("✓ Root cause"))];
        assert_eq!(sentence(&message("T", blocks)), "T: one");
        let code = Block::Code { language: None, text: "a\nb".to_owned() };
        assert_eq!(sentence(&message("", vec![code])), "a b");
    }

    #[test]
    fn an_announcement_is_title_first_words_and_buttons() {
        let url: Url = "https://github.com/acme/api/pull/12".parse().unwrap();
        let link = Inline::Link { url: url.clone(), content: text("acme/api #12") };
        let first = Block::Paragraph(vec![Inline::Text("Seer opened ".to_owned()), link]);
        let code = Block::Code { language: None, text: "+x".to_owned() };
        let whole = Message {
            buttons: vec![Button { label: "Review".to_owned(), url: url.clone() }],
            tone: crate::message::Tone::Done,
            source: Some(url),
            ..message("Pull request opened", vec![first.clone(), Block::Rule, code.clone()])
        };
        assert_eq!(announcement(&whole), Message { blocks: vec![first], ..whole.clone() });
        let untold = Message { blocks: vec![Block::Rule], ..whole.clone() };
        assert_eq!(announcement(&untold), Message { blocks: Vec::new(), ..whole.clone() });
        let only_code = Message { blocks: vec![code], ..whole.clone() };
        let paragraph = |words: &str| vec![Block::Paragraph(text(words))];
        assert_eq!(announcement(&only_code), Message { blocks: paragraph("+x"), ..whole });
    }

    #[test]
    fn an_announcement_is_short_whatever_the_message_holds() {
        let long = format!("{}. ", "A sentence that goes on for a while").repeat(20);
        let whole = message("T", vec![Block::Paragraph(text(&long)), Block::Paragraph(text("more"))]);
        let told = first_words(&announcement(&whole));
        assert!(told.ends_with("while. …") && (150..=ANNOUNCED).contains(&told.chars().count()), "{told}");
        assert_eq!(announcement(&whole).blocks.len(), 1);
    }

    #[test]
    fn a_list_that_is_announced_is_told_in_the_same_line() {
        let item = |words: &str| ListItem { checked: None, blocks: vec![Block::Paragraph(text(words))] };
        let list = Block::List { start: None, items: vec![item("One."), item("Two.")] };
        let whole = message("T", vec![Block::Paragraph(text("Two causes:")), list.clone()]);
        assert_eq!(announcement(&whole).blocks, [Block::Paragraph(text("Two causes: One; Two."))]);
        let only_list = message("T", vec![list]);
        assert_eq!(announcement(&only_list).blocks, [Block::Paragraph(text("One."))]);
    }
}
