//! Tables for people: aligned columns, no lines, a head in capitals.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

use super::Terminal;

/// No cell is longer: one name of 100 kB would make every line as long. `--json` has it in full.
const LONGEST_CELL: usize = 100;

/// Lays rows out under a head; wraps only where the terminal is too narrow.
pub(super) fn table<const N: usize>(
    terminal: Terminal,
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head);
    if terminal.is_terminal {
        let width = u16::try_from(terminal.width).unwrap_or(u16::MAX);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for row in rows {
        table.add_row(row.map(|text| shortened(clean(&text))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// Drops what could move a terminal's cursor or ring its bell: ids and names may be strangers' text.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
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
}
