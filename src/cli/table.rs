//! Tables for people: aligned columns, no lines, a head in capitals.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

use super::Terminal;

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
        table.add_row(row.map(|text| clean(&text)));
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
