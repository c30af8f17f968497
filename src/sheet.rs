//! Sheets: rows as CSV for spreadsheets and programs, with no cell that a spreadsheet would run as a formula.
//!
//! Knows nothing of what stands in the cells.

use std::borrow::Cow;

/// A spreadsheet takes a cell that begins with one of these for a formula; the last four are the full-width forms.
// Source: https://owasp.org/www-community/attacks/CSV_Injection, read 2026-11-30.
const FORMULA_SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Where some spreadsheets begin a new cell, whatever the quotes say.
const CELL_ENDS: [char; 4] = [';', '\t', '\r', '\n'];

/// What makes a spreadsheet take a cell for text.
const TEXT_SIGN: char = '\'';

/// Rows in the form of RFC 4180, in UTF-8, each line ended by CR and LF.
#[derive(Debug)]
pub struct Sheet(csv::Writer<Vec<u8>>);

impl Default for Sheet {
    fn default() -> Self {
        let mut form = csv::WriterBuilder::new();
        form.terminator(csv::Terminator::CRLF).flexible(true);
        Self(form.from_writer(Vec::new()))
    }
}

impl Sheet {
    /// Adds a row.
    pub fn add<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) {
        // Writing into memory does not fail.
        for cell in cells {
            let _ = match cell {
                Cell::Text(text) => self.0.write_field(&*harmless(&text)),
                Cell::Number(number) => self.0.write_field(number.to_string()),
                Cell::Empty => self.0.write_field(""),
            };
        }
        let _ = self.0.write_record(None::<&[u8]>);
    }

    /// Returns what was written since it was taken last.
    pub fn take(&mut self) -> Vec<u8> {
        let taken = std::mem::take(self);
        taken.0.into_inner().unwrap_or_default()
    }
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Words of anybody.
    Text(Cow<'a, str>),
    /// A number of the relay's own.
    Number(f64),
    /// Nothing.
    Empty,
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for Cell<'_> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody counts that far, and a spreadsheet has no other numbers"
    )]
    fn from(number: u64) -> Self {
        Self::Number(number as f64)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// Returns a text that no spreadsheet takes for a formula: `'` stands before what would begin one, at the beginning of the
/// cell and where some spreadsheets begin another one.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let mut safe = String::new();
    let mut done = 0;
    let mut at_start = true;
    for (place, character) in text.char_indices() {
        if at_start && FORMULA_SIGNS.contains(&character) {
            safe.push_str(text.get(done..place).unwrap_or_default());
            safe.push(TEXT_SIGN);
            done = place;
        }
        let is_passed_over = character.is_whitespace()
            || character.is_control()
            || matches!(character, '"' | '\'' | '\u{feff}' | '\u{200b}'..='\u{200f}');
        at_start = CELL_ENDS.contains(&character) || (at_start && is_passed_over);
    }
    if text.starts_with(['\t', '\r', '\n']) {
        safe.insert(0, TEXT_SIGN);
    }
    if safe.is_empty() {
        return Cow::Borrowed(text);
    }
    safe.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r", "'\r"),
            (" \"=cmd|' /C calc'!A0", " \"'=cmd|' /C calc'!A0"),
            ("＝1", "'＝1"),
            ("＋－＠", "'＋－＠"),
            ("\u{feff}=1", "\u{feff}'=1"),
            ("a;=1", "a;'=1"),
            ("a\n=1", "a\n'=1"),
            ("a; b", "a; b"),
            ("a=1", "a=1"),
            ("TypeError: x - y", "TypeError: x - y"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), safe, "{text:?}");
        }
    }

    #[test]
    fn rows_are_quoted_as_the_standard_says() {
        let mut sheet = Sheet::default();
        sheet.add([Cell::from("a \"b\", c"), Cell::from(3_u64), Cell::Empty, Cell::from("d\ne")]);
        assert_eq!(String::from_utf8(sheet.take()).unwrap(), "\"a \"\"b\"\", c\",3,,\"d\ne\"\r\n");
        assert!(sheet.take().is_empty());
        sheet.add([Cell::Number(1.5)]);
        assert_eq!(sheet.take(), b"1.5\r\n");
    }
}
