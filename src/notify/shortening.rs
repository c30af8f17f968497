//! Shortening: what a message says of the parts that did not fit, and which of its parts hold nothing to see.
//!
//! Knows no platform and no limit.

use url::Url;

use crate::message::{Block, Button, Inline, ListItem, Message};
use crate::notify::fit;
use crate::words::is_blank;

/// How the sentence begins that says what is missing.
pub(crate) const SHORTENED: &str = "… shortened:";

/// How the link is called to where the whole text can be read.
const SOURCE: &str = "Open in Sentry";

/// What of a message did not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// What kind of part was cut in the middle.
    part: Option<&'static str>,
    /// How many parts were left out altogether.
    parts: usize,
}

impl Missing {
    /// Says that a part was begun and cut, and how many followed it.
    pub(crate) fn rest_of(block: &Block, later: usize) -> Self {
        Self { part: Some(name(block)), parts: later }
    }

    /// Says that so many parts were not begun.
    pub(crate) fn parts(parts: usize) -> Self {
        Self { part: None, parts }
    }

    /// Returns both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { part: self.part.or(other.part), parts: self.parts + other.parts }
    }

    /// Returns whether nothing is missing.
    pub(crate) fn is_nothing(self) -> bool {
        self.part.is_none() && self.parts == 0
    }

    /// Says what is missing, as a sentence that a link may follow.
    pub(crate) fn sentence(self) -> String {
        let parts = match self.parts {
            0 => None,
            1 => Some("1 more part".to_owned()),
            parts => Some(format!("{parts} more parts")),
        };
        let verb = if self.part.is_some() && parts.is_some() || self.parts > 1 { "are" } else { "is" };
        let what: Vec<String> =
            self.part.map(|part| format!("the rest of the {part}")).into_iter().chain(parts).collect();
        format!("{SHORTENED} {} {verb} missing.", what.join(" and "))
    }
}

/// Room that is set aside for [`Missing::sentence`].
pub(crate) const SENTENCE_ROOM: usize = 90;

/// Returns what a block is called.
pub(crate) fn name(block: &Block) -> &'static str {
    match block {
        Block::Paragraph(_) | Block::Rule => "text",
        Block::Heading { .. } => "heading",
        Block::List { .. } => "list",
        Block::Quote(_) => "quotation",
        Block::Code { language, .. } if language.as_deref() == Some("diff") => "diff",
        Block::Code { .. } => "code",
        Block::Table { .. } => "table",
    }
}

/// Returns where the whole text can be read: at its source, by the words that a button has for it, else by the last
/// button.
pub(crate) fn source(message: &Message) -> Option<Button> {
    let button = |url: &Url| message.buttons.iter().find(|button| button.url == *url);
    match &message.source {
        Some(url) => Some(
            button(url).cloned().unwrap_or_else(|| Button { label: SOURCE.to_owned(), url: url.clone() }),
        ),
        None => message.buttons.last().cloned(),
    }
}

/// Returns a button's words, its host where it has none.
pub(crate) fn label(button: &Button) -> String {
    let label = fit::one_line(&button.label);
    if is_blank(&label) {
        button.url.host_str().unwrap_or("link").to_owned()
    } else {
        label.trim().to_owned()
    }
}

/// Returns whether a block shows nothing.
pub(crate) fn block_is_blank(block: &Block) -> bool {
    match block {
        Block::Paragraph(content) | Block::Heading { content, .. } => inlines_are_blank(content),
        Block::List { items, .. } => items.iter().all(item_is_blank),
        Block::Quote(blocks) => blocks.iter().all(block_is_blank),
        Block::Code { text, .. } => is_blank(text),
        Block::Table { header, rows } => {
            header.iter().chain(rows.iter().flatten()).all(|cell| inlines_are_blank(cell))
        }
        Block::Rule => false,
    }
}

/// Returns whether a list item shows nothing.
pub(crate) fn item_is_blank(item: &ListItem) -> bool {
    item.checked.is_none() && item.blocks.iter().all(block_is_blank)
}

/// Returns whether words show nothing. A link is never blank: its address stands in.
pub(crate) fn inlines_are_blank(inlines: &[Inline]) -> bool {
    inlines.iter().all(|inline| match inline {
        Inline::Text(text) | Inline::Code(text) => is_blank(text),
        Inline::Strong(content) | Inline::Emphasis(content) | Inline::Strike(content) => {
            inlines_are_blank(content)
        }
        Inline::Link { .. } => false,
        Inline::Break => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_what_is_missing_and_keeps_within_its_room() {
        let diff = Block::Code { language: Some("diff".to_owned()), text: String::new() };
        for (missing, expected) in [
            (Missing::rest_of(&diff, 0), "… shortened: the rest of the diff is missing."),
            (Missing::rest_of(&diff, 1), "… shortened: the rest of the diff and 1 more part are missing."),
            (Missing::parts(1), "… shortened: 1 more part is missing."),
            (Missing::parts(12), "… shortened: 12 more parts are missing."),
        ] {
            assert_eq!(missing.sentence(), expected);
        }
        let longest = Missing::rest_of(&Block::Quote(Vec::new()), 1_000_000_000).sentence();
        assert!(longest.chars().count() < SENTENCE_ROOM, "{longest}");
    }
}
