//! Tables for people: aligned columns, no lines, a head in capitals.

use std::ops::Range;

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

use super::Terminal;

/// No cell is longer: one name of 100 kB would make every line as long. `--json` has it in full.
const LONGEST_CELL: usize = 100;

/// Columns of nothing between two cells.
const GAP: u16 = 2;

/// What stands before the second line of a row.
const INDENT: &str = "    ";

/// Lays rows out under a head. Where the terminal is too narrow, each takes several lines: no cell is broken, so that
/// an id can be copied.
pub(super) fn table<const N: usize>(
    terminal: Terminal,
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let head = head.map(str::to_owned).to_vec();
    let rows = rows.into_iter().map(|row| row.map(|text| shortened(clean(&text))).to_vec());
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = if terminal.is_terminal { terminal.width } else { usize::MAX };
    let parts: Vec<Vec<String>> = groups(&layout(&rows), width)
        .into_iter()
        .map(|group| {
            let cells = rows.iter().map(|row| row.get(group.clone()).unwrap_or_default().to_vec());
            layout(&cells.collect::<Vec<_>>()).lines().map(|line| line.trim_end().to_owned()).collect()
        })
        .collect();
    let mut text = String::new();
    for row in 0..rows.len() {
        for (number, line) in parts.iter().filter_map(|part| part.get(row)).enumerate() {
            if number > 0 && !line.is_empty() {
                text.push_str(INDENT);
            }
            if number == 0 || !line.is_empty() {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

fn layout(rows: &[Vec<String>]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table
}

/// Returns which columns stand on one line together.
fn groups(table: &Table, width: usize) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut used = 0;
    for (column, content) in table.column_max_content_widths().into_iter().map(usize::from).enumerate() {
        if let Some(group) = groups.last_mut().filter(|_| used + content <= width) {
            group.end = column + 1;
        } else {
            used = if column == 0 { 0 } else { INDENT.len() };
            groups.push(column..column + 1);
        }
        used += content + usize::from(GAP);
    }
    groups
}

/// Drops what could move a terminal's cursor or ring its bell: ids and names may be strangers' text.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|character| !character.is_control() && !turns_text(*character)).collect()
}

/// Tells whether a character turns the direction of what stands around it, beyond its own cell.
// Source: https://www.unicode.org/reports/tr9/, "Directional Formatting Characters", read 2026-11-25.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_CELL) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_makes_no_long_line_of_every_row() {
        let terminal = Terminal { is_terminal: false, colour: false, width: 80 };
        let rows = [["x".repeat(100_000), "b".to_owned()], ["\u{1b}[31mc\n".to_owned(), "d".to_owned()]];
        let text = table(terminal, ["ONE", "TWO"], rows);
        assert!(text.lines().all(|line| line.chars().count() <= 108), "{}", text.len());
        assert!(text.contains('…') && text.contains("[31mc "), "{text}");
    }

    #[test]
    fn a_narrow_terminal_gets_rows_of_several_lines_and_no_broken_cell() {
        let rows = || {
            [["dlv_01", "acme/1", "delivered"], ["dlv_02", "acme/12345", ""]]
                .map(|row| row.map(str::to_owned))
        };
        let at = |is_terminal, width| {
            table(Terminal { is_terminal, colour: false, width }, ["ID", "RUN", "STATE"], rows())
        };
        let whole = "\
ID      RUN         STATE
dlv_01  acme/1      delivered
dlv_02  acme/12345
";
        assert_eq!(at(false, 10), whole, "a pipe has no width");
        assert_eq!(at(true, 29), whole);
        let two = "\
ID      RUN
    STATE
dlv_01  acme/1
    delivered
dlv_02  acme/12345
";
        assert_eq!(at(true, 28), two);
    }
}
