//! Tables that a platform has no form for: aligned columns for a fence, and the pairs that become fields.
//!
//! Knows no platform.

use crate::message::{Block, Inline, plain_text};
use crate::notify::fit;

/// A table with a wider cell than this, in code points, is no longer aligned: its lines would wrap.
const WIDEST_CELL: usize = 60;

/// One row of a two-column table: name and value.
pub(crate) type Pair<'a> = (&'a [Inline], &'a [Inline]);

/// Returns the rows of a two-column table, its head first where that says something; `None` for any other block.
pub(crate) fn pairs(block: &Block) -> Option<Vec<Pair<'_>>> {
    let Block::Table { header, rows } = block else { return None };
    let mut pairs = Vec::with_capacity(rows.len() + 1);
    for row in std::iter::once(header).chain(rows) {
        let [name, value] = row.as_slice() else { return None };
        if !(is_blank(name) && is_blank(value)) {
            pairs.push((name.as_slice(), value.as_slice()));
        }
    }
    Some(pairs)
}

/// Returns whether any cell holds a link, which a text table would lose.
pub(crate) fn has_link(header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> bool {
    header.iter().chain(rows.iter().flatten()).any(|cell| cell.iter().any(holds_link))
}

fn holds_link(inline: &Inline) -> bool {
    match inline {
        Inline::Link { .. } => true,
        Inline::Strong(content) | Inline::Emphasis(content) | Inline::Strike(content) => {
            content.iter().any(holds_link)
        }
        Inline::Text(_) | Inline::Code(_) | Inline::Break => false,
    }
}

/// Returns whether a table is told row by row: aligned columns would lose the links in it, or wrap.
pub(crate) fn is_told_by_rows(header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> bool {
    let is_wide = |cell: &Vec<Inline>| plain_text(cell).trim().chars().count() > WIDEST_CELL;
    has_link(header, rows) || header.iter().chain(rows.iter().flatten()).any(is_wide)
}

/// Returns the table as aligned columns, at least `room` code points of it.
pub(crate) fn columns(header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>], room: usize) -> String {
    let shown = room / 2 + 2;
    let head = (!header.iter().all(|cell| is_blank(cell))).then_some(header);
    let table: Vec<Vec<String>> = head
        .into_iter()
        .chain(rows.iter().map(Vec::as_slice))
        .take(shown)
        .map(|row| row.iter().map(|cell| cell_text(cell)).collect())
        .collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &table {
        for (index, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(index) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut lines: Vec<String> = table.iter().map(|row| line(row, &widths)).collect();
    if head.is_some() && !rows.is_empty() {
        lines.insert(1, widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join("  "));
    }
    lines.join("\n")
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
    }
    line.trim_end().to_owned()
}

fn cell_text(cell: &[Inline]) -> String {
    let text = plain_text(cell);
    fit::one_line(&text).trim().to_owned()
}

fn is_blank(cell: &[Inline]) -> bool {
    crate::notify::shortening::inlines_are_blank(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(words: &[&str]) -> Vec<Vec<Inline>> {
        words.iter().map(|word| vec![Inline::Text((*word).to_owned())]).collect()
    }

    #[test]
    fn columns_are_aligned_below_a_line() {
        let rows = [cells(&["src/a.py", "+42", "−7"]), cells(&["b", "+1", ""])];
        assert_eq!(
            columns(&cells(&["File", "Added", "Gone"]), &rows, 1_000),
            "File      Added  Gone\n────────  ─────  ────\nsrc/a.py  +42    −7\nb         +1"
        );
    }

    #[test]
    fn a_head_without_words_is_no_line() {
        assert_eq!(columns(&cells(&["", "", ""]), &[cells(&["a", "b", "c"])], 1_000), "a  b  c");
    }

    #[test]
    fn only_a_two_column_table_has_pairs_and_its_head_counts_where_it_says_something() {
        let table = |header: &[&str], rows: &[&[&str]]| Block::Table {
            header: cells(header),
            rows: rows.iter().map(|row| cells(row)).collect(),
        };
        assert_eq!(pairs(&table(&["", ""], &[&["a", "b"], &["", ""]])).map(|pairs| pairs.len()), Some(1));
        assert_eq!(pairs(&table(&["x", "y"], &[&["a", "b"]])).map(|pairs| pairs.len()), Some(2));
        assert!(pairs(&table(&["x"], &[&["a"]])).is_none());
        assert!(pairs(&Block::Rule).is_none());
    }
}
