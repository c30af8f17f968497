//! Splicing: puts Markdown values in where their tokens stand, as blocks where that is possible, else as words.
//!
//! Knows nothing of tokens and of the parser.

use super::builder;
use super::leaf::{Leaves, Piece};
use crate::message::{Block, Inline, ListItem};

/// Returns what a paragraph becomes. A Markdown value that ends it goes on with all its blocks; one in the middle is
/// flattened to words.
pub(super) fn paragraph(mut pieces: Vec<Piece>, leaves: &Leaves<'_>) -> Vec<Block> {
    while pieces.last().is_some_and(is_blank_piece) {
        pieces.pop();
    }
    let last = match pieces.pop() {
        Some(Piece::Fragment(source)) => fragment(&source, leaves),
        Some(piece) => {
            pieces.push(piece);
            Vec::new()
        }
        None => Vec::new(),
    };
    let mut line = words(pieces, leaves);
    let mut blocks = Vec::new();
    let mut rest = last.into_iter().peekable();
    if let Some(Block::Paragraph(content)) = rest.next_if(|block| matches!(block, Block::Paragraph(_))) {
        line.extend(content);
    }
    let line = tidy(line);
    if !is_blank(&line) {
        blocks.push(Block::Paragraph(line));
    }
    blocks.extend(rest);
    blocks
}

/// Returns what a place without room for blocks holds: a cell, a heading, a link's words.
pub(super) fn line(pieces: Vec<Piece>, leaves: &Leaves<'_>) -> Vec<Inline> {
    tidy(words(pieces, leaves))
}

fn words(pieces: Vec<Piece>, leaves: &Leaves<'_>) -> Vec<Inline> {
    let mut line = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Inline(inline) | Piece::Button(inline) => line.push(inline),
            Piece::Fragment(source) => flatten(fragment(&source, leaves), &mut line),
        }
    }
    line
}

/// Whether a line shows nothing.
pub(super) fn is_blank(line: &[Inline]) -> bool {
    line.iter().all(|inline| match inline {
        Inline::Text(text) => text.trim().is_empty(),
        Inline::Break => true,
        Inline::Code(_)
        | Inline::Strong(_)
        | Inline::Emphasis(_)
        | Inline::Strike(_)
        | Inline::Link { .. } => false,
    })
}

/// Returns the line with line breaks as spaces, for places that have only one.
pub(super) fn without_breaks(line: Vec<Inline>) -> Vec<Inline> {
    let space = |inline| if inline == Inline::Break { Inline::Text(" ".to_owned()) } else { inline };
    tidy(line.into_iter().map(space).collect())
}

/// Returns the line without the links in it; their words stay.
pub(super) fn without_links(line: Vec<Inline>) -> Vec<Inline> {
    let mut words = Vec::new();
    for inline in line {
        match inline {
            Inline::Link { content, .. } => words.extend(without_links(content)),
            Inline::Strong(content) => words.push(Inline::Strong(without_links(content))),
            Inline::Emphasis(content) => words.push(Inline::Emphasis(without_links(content))),
            Inline::Strike(content) => words.push(Inline::Strike(without_links(content))),
            Inline::Text(_) | Inline::Code(_) | Inline::Break => words.push(inline),
        }
    }
    tidy(words)
}

/// Whether a piece shows nothing.
pub(super) fn is_blank_piece(piece: &Piece) -> bool {
    match piece {
        Piece::Inline(inline) => is_blank(std::slice::from_ref(inline)),
        Piece::Button(_) | Piece::Fragment(_) => false,
    }
}

/// Parses a Markdown value apart from everything around it. What is too long for that is shown line by line.
fn fragment(source: &str, leaves: &Leaves<'_>) -> Vec<Block> {
    if leaves.affords(source.len()) {
        return builder::fragment(source);
    }
    let mut line = Vec::new();
    for text in source.lines().filter(|text| !text.trim().is_empty()) {
        line.push(Inline::Text(text.replace('\t', " ")));
        line.push(Inline::Break);
    }
    line.pop();
    if line.is_empty() { Vec::new() } else { vec![Block::Paragraph(line)] }
}

/// Joins neighbouring texts, and takes line breaks off both ends.
fn tidy(line: Vec<Inline>) -> Vec<Inline> {
    let mut tidied: Vec<Inline> = Vec::with_capacity(line.len());
    for inline in line {
        match (tidied.last_mut(), inline) {
            (Some(Inline::Text(before)), Inline::Text(text)) => before.push_str(&text),
            (None, Inline::Break) => {}
            (Some(Inline::Break), Inline::Text(text)) => {
                let text = text.trim_start();
                if !text.is_empty() {
                    tidied.push(Inline::Text(text.to_owned()));
                }
            }
            (_, inline) => tidied.push(inline),
        }
    }
    while tidied.last() == Some(&Inline::Break) {
        tidied.pop();
    }
    tidied
}

fn flatten(blocks: Vec<Block>, line: &mut Vec<Inline>) {
    for (index, block) in blocks.into_iter().enumerate() {
        if index > 0 {
            line.push(Inline::Break);
        }
        match block {
            Block::Paragraph(content) => line.extend(content),
            Block::Heading { content, .. } => line.push(Inline::Strong(content)),
            Block::Quote(blocks) => flatten(blocks, line),
            Block::Code { text, .. } => line.push(Inline::Code(text.replace(['\n', '\t'], " "))),
            Block::List { start, items } => flatten_list(start, items, line),
            Block::Table { header, rows } => flatten_table(header, rows, line),
            Block::Rule => {}
        }
    }
}

fn flatten_list(start: Option<u64>, items: Vec<ListItem>, line: &mut Vec<Inline>) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            line.push(Inline::Break);
        }
        line.push(Inline::Text(match (item.checked, start) {
            (Some(true), _) => "☑ ".to_owned(),
            (Some(false), _) => "☐ ".to_owned(),
            (None, Some(start)) => format!("{}. ", start.saturating_add(index as u64)),
            (None, None) => "• ".to_owned(),
        }));
        flatten(item.blocks, line);
    }
}

fn flatten_table(header: Vec<Vec<Inline>>, rows: Vec<Vec<Vec<Inline>>>, line: &mut Vec<Inline>) {
    let rows = std::iter::once(header).chain(rows).filter(|row| !row.iter().all(|cell| is_blank(cell)));
    for (index, row) in rows.enumerate() {
        if index > 0 {
            line.push(Inline::Break);
        }
        for (index, cell) in row.into_iter().enumerate() {
            if index > 0 {
                line.push(Inline::Text(" · ".to_owned()));
            }
            line.extend(cell);
        }
    }
}
