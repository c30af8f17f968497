//! Nodes: what is open while a document is read.

use super::leaf::{Leaves, Piece};
use crate::message::{Block, Inline, ListItem};

/// A tag that was opened and not closed yet, with what it holds so far.
pub(super) enum Node {
    /// Holds blocks, and maybe a line of its own: the words of a tight list item.
    Blocks { holder: Holder, blocks: Vec<Block>, run: Run },
    /// Holds items.
    List { start: Option<u64>, items: Vec<ListItem> },
    /// Holds a part of a line.
    Line { kind: Line, run: Run },
    /// Holds code, tokens in it.
    Code { language: Option<String>, text: String },
    /// Holds rows, and the one that is being read.
    Table { header: Vec<Vec<Inline>>, rows: Vec<Vec<Vec<Inline>>>, row: Vec<Vec<Inline>> },
}

/// What holds blocks.
#[derive(Clone, Copy)]
pub(super) enum Holder {
    Root,
    Quote,
    Item { checked: Option<bool> },
}

/// What holds a line or a part of one.
pub(super) enum Line {
    Paragraph,
    Heading(u8),
    Cell,
    Strong,
    Emphasis,
    Strike,
    Link { address: String, is_button: bool },
}

impl Node {
    pub(super) fn blocks(holder: Holder) -> Self {
        Self::Blocks { holder, blocks: Vec::new(), run: Run::default() }
    }

    pub(super) fn line(kind: Line) -> Self {
        Self::Line { kind, run: Run::default() }
    }

    /// Whether it ends the line that stands before it.
    pub(super) fn is_block(&self) -> bool {
        match self {
            Self::Blocks { .. } | Self::List { .. } | Self::Code { .. } | Self::Table { .. } => true,
            Self::Line { kind, .. } => matches!(kind, Line::Paragraph | Line::Heading(_)),
        }
    }
}

/// A line as it grows. Text is gathered until something else comes, since the parser splits it where it likes.
#[derive(Default)]
pub(super) struct Run {
    pieces: Vec<Piece>,
    text: String,
}

impl Run {
    pub(super) fn push_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn push(&mut self, piece: Piece, leaves: &Leaves<'_>) {
        self.decode_text(leaves);
        self.pieces.push(piece);
    }

    pub(super) fn end(mut self, leaves: &Leaves<'_>) -> Vec<Piece> {
        self.decode_text(leaves);
        self.pieces
    }

    fn decode_text(&mut self, leaves: &Leaves<'_>) {
        if !self.text.is_empty() {
            leaves.text(&std::mem::take(&mut self.text), &mut self.pieces);
        }
    }
}
