//! Messages: what a template made for one destination, as a sanitised Markdown document.
//!
//! Every text in it is a literal: whatever characters it holds, they are to be shown and never to be interpreted.
//! Turning it into a platform's form is the notifiers' work (`notify/slack/blocks.rs`, `notify/discord/embed.rs`).

pub mod markdown;
#[cfg(test)]
pub(crate) mod outline;

use url::Url;

/// What a template made for one destination.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// From the first level-one heading; empty where the template has none.
    pub title: Vec<Inline>,
    /// Everything else, from top to bottom.
    pub blocks: Vec<Block>,
    /// Links titled `"button"`, in order; they stay where they stood as links, too, when a destination has no
    /// buttons: each paragraph that holds nothing but buttons is taken out of `blocks` and stands only here.
    pub buttons: Vec<Button>,
    /// What mood the message has.
    pub tone: Tone,
    /// Where all of it can be read that does not fit; http or https.
    pub source: Option<Url>,
}

/// A link that wants to be pressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Button {
    /// Its words, plain.
    pub label: String,
    /// Where it leads; http or https.
    pub url: Url,
}

/// The mood of a message, shown as a colour where a platform has one, never by it alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// Work goes on.
    #[default]
    Progress,
    /// Something is ready to be looked at.
    Ready,
    /// Done: there is a pull request.
    Done,
    /// Something did not work.
    Trouble,
}

/// A part of a message that stands on its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Text.
    Paragraph(Vec<Inline>),
    /// A heading below the title; level 1 to 6.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Its words.
        content: Vec<Inline>,
    },
    /// A list.
    List {
        /// The first number of an ordered list; `None` for a bulleted one.
        start: Option<u64>,
        /// Its items.
        items: Vec<ListItem>,
    },
    /// A quotation.
    Quote(Vec<Block>),
    /// A fenced or indented code block.
    Code {
        /// The word behind the fence (`diff`, `rust` …), letters, digits, `+`, `-`, `_` and `#` only.
        language: Option<String>,
        /// The text, without a final line break.
        text: String,
    },
    /// A table. A two-column one whose header is empty (`| | |`) or not is shown as fields.
    Table {
        /// The cells of the head.
        header: Vec<Vec<Inline>>,
        /// The rows, each as many cells as the head has.
        rows: Vec<Vec<Vec<Inline>>>,
    },
    /// A line across.
    Rule,
}

/// An item of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListItem {
    /// `Some(done)` for an item of a task list.
    pub checked: Option<bool>,
    /// What it holds; a tight item holds one paragraph, and maybe further lists.
    pub blocks: Vec<Block>,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Inline {
    /// Literal text, without line breaks.
    Text(String),
    /// `**strong**`
    Strong(Vec<Inline>),
    /// `*emphasis*`
    Emphasis(Vec<Inline>),
    /// `~~strike~~`
    Strike(Vec<Inline>),
    /// `` `code` ``, without line breaks
    Code(String),
    /// A link; its words hold no other link.
    Link {
        /// Where it leads; http or https, no credentials in it.
        url: Url,
        /// Its words; never empty.
        content: Vec<Inline>,
    },
    /// A line break inside a paragraph.
    Break,
}

/// Returns the words alone, line breaks as spaces.
pub fn plain_text(inlines: &[Inline]) -> String {
    let mut text = String::new();
    collect_plain_text(inlines, &mut text);
    text
}

fn collect_plain_text(inlines: &[Inline], text: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text(words) | Inline::Code(words) => text.push_str(words),
            Inline::Strong(content)
            | Inline::Emphasis(content)
            | Inline::Strike(content)
            | Inline::Link { content, .. } => collect_plain_text(content, text),
            Inline::Break => text.push(' '),
        }
    }
}
