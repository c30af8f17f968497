//! A TOML file as a tree whose every key knows where it stands.
//!
//! Knows nothing of what the keys mean.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::fault::Fault;
use super::findings::Place;

/// More syntax errors than this are echoes of the first ones.
const MAX_SYNTAX_FAULTS: usize = 10;

/// One file.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    text: String,
    /// What stands in it.
    pub(crate) root: Table,
    /// Whether the tree is the whole file; not so after a syntax error.
    pub(crate) is_whole: bool,
}

/// A table, its entries in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// The entries.
    pub(crate) entries: Vec<Entry>,
}

/// A key and what it holds.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The key, unquoted.
    pub(crate) key: String,
    /// Where the key stands: an offset for [`Document::place`].
    pub(crate) at: usize,
    /// What it holds.
    pub(crate) value: Node,
}

/// An element of a list.
#[derive(Debug)]
pub(crate) struct Item {
    /// Where it stands: an offset for [`Document::place`].
    pub(crate) at: usize,
    /// What it is.
    pub(crate) value: Node,
}

/// A value.
#[derive(Debug)]
pub(crate) enum Node {
    /// Text.
    Text(String),
    /// A whole number, in decimal digits.
    Integer(String),
    /// A number with a fraction.
    Float,
    /// `true` or `false`.
    Boolean(bool),
    /// A date or time.
    Time,
    /// A list.
    List(Vec<Item>),
    /// A table, inline or under a header.
    Table(Table),
}

impl Document {
    /// Returns the file's text as it was read.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Reads a file's text; returns what could be read of it and its syntax errors.
    pub(crate) fn parse(path: PathBuf, text: &str) -> (Self, Vec<Fault>) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let (tree, errors) = DeTable::parse_recoverable(&text);
        let root = table(tree.get_ref());
        let is_whole = errors.iter().all(is_duplicate);
        let document = Self { path, text, root, is_whole };
        let faults = document.syntax_faults(&errors);
        (document, faults)
    }

    /// Returns the file's path as the user would name it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where an offset lies: line, and column in characters.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |index| index + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Place::File { path: self.path.clone(), line: Some(line), column: Some(column) }
    }

    fn syntax_faults(&self, errors: &[Error]) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        let mut repeated_table = 0..0;
        for error in errors {
            let start = error.span().unwrap_or_default().start;
            if is_duplicate(error) && repeated_table.contains(&start) {
                continue; // Of a table given twice every key is, too.
            }
            if is_duplicate(error) && self.header(start).is_some() {
                repeated_table = start..self.end_of_table(start);
            }
            let fault = self.syntax_fault(error);
            if faults.iter().all(|earlier| earlier.line != fault.line) {
                faults.push(fault);
            }
            if faults.len() == MAX_SYNTAX_FAULTS {
                break;
            }
        }
        faults
    }

    /// Returns the header in whose brackets an offset lies, such as `[slack.backend]`.
    fn header(&self, offset: usize) -> Option<&str> {
        let line_start = self.text.get(..offset)?.rfind('\n').map_or(0, |index| index + 1);
        let line = self.text.get(line_start..)?.lines().next()?.trim();
        let end = line.rfind(']')?;
        line.starts_with('[').then(|| line.get(..=end)).flatten()
    }

    /// Returns where the table ends in whose header an offset lies: at the next header.
    fn end_of_table(&self, offset: usize) -> usize {
        let mut start = offset;
        let rest = self.text.get(offset..).unwrap_or_default();
        for line in rest.split_inclusive('\n') {
            if start > offset && line.trim_start().starts_with('[') {
                return start;
            }
            start += line.len();
        }
        start
    }

    fn syntax_fault(&self, error: &Error) -> Fault {
        let span = error.span().unwrap_or_default();
        if is_duplicate(error) {
            let key = self.text.get(span.clone()).unwrap_or_default().trim();
            let shown = crate::words::quoted(self.header(span.start).unwrap_or(key));
            return self.place(span.start).fault(
                "duplicate_key",
                format!("{shown} is given twice"),
                "keep one of the two: TOML allows a key, and a table's header, once".to_owned(),
            );
        }
        self.place(span.start).fault(
            "toml_syntax",
            format!("this is not valid TOML: {}", error.message().replace('\n', " ")),
            "text stands in quotes, lists in `[ ]`, and each `key = value` on a line of its own".to_owned(),
        )
    }
}

fn is_duplicate(error: &Error) -> bool {
    error.message() == "duplicate key"
}

impl Table {
    /// Returns the entry with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Node {
    /// Returns what kind of value it is, with an article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) | Self::Float => "a number",
            Self::Boolean(_) => "`true` or `false`",
            Self::Time => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

fn table(source: &DeTable<'_>) -> Table {
    let mut entries: Vec<Entry> = source
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: key.span().start,
            value: node(value.get_ref()),
        })
        .collect();
    entries.sort_by_key(|entry| entry.at);
    Table { entries }
}

fn node(source: &DeValue<'_>) -> Node {
    match source {
        DeValue::String(text) => Node::Text(text.to_string()),
        DeValue::Integer(integer) => Node::Integer(
            i128::from_str_radix(integer.as_str(), integer.radix())
                .map_or_else(|_| integer.as_str().to_owned(), |number| number.to_string()),
        ),
        DeValue::Float(_) => Node::Float,
        DeValue::Boolean(boolean) => Node::Boolean(*boolean),
        DeValue::Datetime(_) => Node::Time,
        DeValue::Array(items) => Node::List(items.iter().map(item).collect()),
        DeValue::Table(entries) => Node::Table(table(entries)),
    }
}

fn item(source: &Spanned<DeValue<'_>>) -> Item {
    Item { at: source.span().start, value: node(source.get_ref()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Document, Vec<Fault>) {
        Document::parse(PathBuf::from("config/relay.toml"), text)
    }

    fn position(place: Place) -> (usize, usize) {
        let fault = place.fault("x", String::new(), None);
        (fault.line.unwrap_or_default(), fault.column.unwrap_or_default())
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        let (document, faults) = parse("# größer\n\"ßß\" = { ü = 1 }\n");
        assert_eq!(faults.len(), 1, "a bare `ü` is not a key: {faults:?}");
        assert_eq!((faults[0].line, faults[0].column), (Some(2), Some(10)));
        assert_eq!(position(document.place(document.root.entries[0].at)), (2, 1));
    }

    #[test]
    fn a_byte_order_mark_and_crlf_move_no_column() {
        let (document, faults) = parse("\u{feff}a = 1\r\n[b]\r\n  c = \"x\"\r\n");
        assert_eq!(faults, []);
        assert_eq!(position(document.place(document.root.entries[0].at)), (1, 1));
        let Node::Table(table) = &document.root.entries[1].value else { panic!("a table") };
        assert_eq!(position(document.place(table.entries[0].at)), (3, 3));
    }

    #[test]
    fn entries_stand_in_the_order_of_the_file() {
        let (document, _) = parse("z = 1\na = 2\nm = 3\n");
        let keys: Vec<&str> = document.root.entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["z", "a", "m"]);
    }

    #[test]
    fn several_syntax_errors_are_told_at_once_each_line_once() {
        let (document, faults) = parse("a = tru\nb = 5 5\nc = 3\n");
        assert!(!document.is_whole);
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [Some(1), Some(2)]);
    }

    #[test]
    fn a_key_given_twice_is_named_and_leaves_the_tree_whole() {
        let (document, faults) = parse("[http]\nlisten = \"a\"\nlisten = \"b\"\n");
        assert!(document.is_whole);
        assert_eq!(faults[0].code, "duplicate_key");
        assert_eq!(faults[0].message, "`listen` is given twice");
        assert_eq!((faults[0].line, faults[0].column), (Some(3), Some(1)));
    }

    #[test]
    fn a_table_given_twice_is_one_fault_and_its_keys_are_none() {
        let (document, faults) =
            parse("[a.b]\nc = 1\n[a.b] # again\nc = 2\nd = 3\nd = 4\n[e]\nf = 1\nf = 2\n");
        assert!(document.is_whole);
        let told: Vec<_> = faults.iter().map(|fault| (fault.message.as_str(), fault.line)).collect();
        assert_eq!(told, [("`[a.b]` is given twice", Some(3)), ("`f` is given twice", Some(9))]);
    }

    #[test]
    fn deep_nesting_is_a_fault_and_no_overflow() {
        for depth in [100, 100_000] {
            let (_, faults) = parse(&format!("a = {}{}", "[".repeat(depth), "]".repeat(depth)));
            assert_eq!(faults[0].code, "toml_syntax");
            let (_, faults) = parse(&format!("a = {}", "{a=".repeat(depth)));
            assert_eq!(faults.len(), 1);
        }
    }
}
