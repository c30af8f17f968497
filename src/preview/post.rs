//! A post: what a reader of a chat sees of a request body, platform by platform in the same words.
//!
//! Every text in it is a stranger's and a literal. Knows neither how it was written down nor how it is drawn.

use std::ops::BitOr;

/// What a reader sees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Post {
    /// Whom it comes from.
    pub(super) author: String,
    /// What a locked phone shows; empty where the body gives it nothing.
    pub(super) notification: String,
    /// From top to bottom.
    pub(super) blocks: Vec<Block>,
}

/// Parts that stand close together.
pub(super) type Block = Vec<Part>;

/// Words in a line, or in several.
pub(super) type Words = Vec<Run>;

/// Something that stands on its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// A heading; level 1 is the largest.
    Heading(u8, Words),
    /// Text, maybe with line breaks.
    Text(Words),
    /// Small grey text.
    Small(Words),
    /// An empty line.
    Gap,
    /// Items below one another.
    List(Vec<Item>),
    /// A quotation.
    Quote(Vec<Part>),
    /// Code in a box.
    Code(Code),
    /// Names with values, beside one another where they may be.
    Fields(Vec<Field>),
    /// Rows of cells.
    Table(Vec<Vec<Vec<Part>>>),
    /// A line across.
    Rule,
    /// Buttons in a row.
    Buttons(Vec<Button>),
    /// Something with a coloured bar: an embed, an attachment.
    Card(Card),
    /// What cannot be drawn, by its name.
    Placeholder(String),
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// How many lists it stands in, beside its own.
    pub(super) depth: usize,
    /// `•`, `1.`, `a.` …
    pub(super) mark: String,
    /// What it says.
    pub(super) words: Words,
}

/// Code in a box.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Code {
    /// Whether the platform colours its lines as those of a diff.
    pub(super) is_diff: bool,
    /// The lines.
    pub(super) text: String,
}

/// A name with a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// Empty where the value says it all.
    pub(super) name: Words,
    /// What it is.
    pub(super) value: Vec<Part>,
    /// Whether it may stand beside others.
    pub(super) is_inline: bool,
}

/// A button.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Button {
    /// What is on it.
    pub(super) label: String,
    /// Where it leads; empty where it leads nowhere.
    pub(super) target: String,
    /// Whether it stands out.
    pub(super) is_primary: bool,
}

/// Something with a coloured bar.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Card {
    /// The bar's colour, `0xRRGGBB`; `None` for the platform's grey.
    pub(super) colour: Option<u32>,
    /// From top to bottom.
    pub(super) blocks: Vec<Block>,
}

/// Characters that look alike.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) marks: Marks,
    pub(super) role: Role,
}

/// What characters are for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Role {
    /// To be read.
    Plain,
    /// They lead to this address, which may be anything.
    Link(String),
    /// They call somebody.
    Mention,
}

/// How characters look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    pub(super) const NONE: Self = Self(0);
    pub(super) const BOLD: Self = Self(1);
    pub(super) const ITALIC: Self = Self(1 << 1);
    pub(super) const STRIKE: Self = Self(1 << 2);
    pub(super) const UNDERLINE: Self = Self(1 << 3);
    pub(super) const CODE: Self = Self(1 << 4);
    pub(super) const SPOILER: Self = Self(1 << 5);

    /// Returns whether all of these are among them.
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Run {
    /// Returns characters to be read.
    pub(super) fn new(text: impl Into<String>, marks: Marks) -> Self {
        Self { text: text.into(), marks, role: Role::Plain }
    }

    /// Returns characters without any look.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Marks::NONE)
    }

    /// Returns characters that lead somewhere.
    pub(super) fn link(text: impl Into<String>, target: impl Into<String>, marks: Marks) -> Self {
        Self { role: Role::Link(target.into()), ..Self::new(text, marks) }
    }

    /// Returns characters that call somebody.
    pub(super) fn mention(text: impl Into<String>, marks: Marks) -> Self {
        Self { role: Role::Mention, ..Self::new(text, marks) }
    }
}

impl Post {
    /// Returns the sentence that begins with these words, up to its full stop; `None` where nothing says so.
    pub fn sentence(&self, beginning: &str) -> Option<String> {
        let mut texts = Vec::new();
        collect_blocks(&self.blocks, &mut texts);
        let begun = texts.iter().find_map(|text| text.get(text.find(beginning)?..))?;
        let end = begun.find('.').map_or(begun.len(), |stop| stop + 1);
        begun.get(..end).map(str::to_owned)
    }
}

fn collect_blocks(blocks: &[Block], texts: &mut Vec<String>) {
    blocks.iter().flatten().for_each(|part| collect(part, texts));
}

fn collect(part: &Part, texts: &mut Vec<String>) {
    match part {
        Part::Heading(_, words) | Part::Text(words) | Part::Small(words) => texts.push(text_of(words)),
        Part::List(items) => texts.extend(items.iter().map(|item| text_of(&item.words))),
        Part::Quote(parts) => parts.iter().for_each(|part| collect(part, texts)),
        Part::Fields(fields) => {
            fields.iter().flat_map(|field| &field.value).for_each(|part| collect(part, texts));
        }
        Part::Table(rows) => rows.iter().flatten().flatten().for_each(|part| collect(part, texts)),
        Part::Card(card) => collect_blocks(&card.blocks, texts),
        Part::Gap | Part::Code(_) | Part::Rule | Part::Buttons(_) | Part::Placeholder(_) => {}
    }
}

/// Returns the characters of words.
pub(super) fn text_of(words: &[Run]) -> String {
    words.iter().map(|run| run.text.as_str()).collect()
}
