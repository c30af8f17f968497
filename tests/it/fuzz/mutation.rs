//! Mutations: inputs made of seeds by changes to their bytes, and to the values or lines that they consist of.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::MAX_BYTES;

/// What is known of the form of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Structure {
    /// They are, or end in, a JSON document.
    Json,
    /// They consist of lines, with keys and values.
    Lines,
}

/// What a mutation changes.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Bytes(OfBytes),
    Json(OfJson),
    Lines(OfLines),
}

#[derive(Debug, Clone, Copy)]
enum OfBytes {
    FlipBit,
    Set,
    Delete,
    Repeat,
    InsertWord,
    ReplaceNumber,
    Splice,
    Truncate,
}

#[derive(Debug, Clone, Copy)]
enum OfJson {
    Replace,
    DeleteChild,
    Copy,
    Wrap,
    RenameKey,
}

#[derive(Debug, Clone, Copy)]
enum OfLines {
    Drop,
    Copy,
    Swap,
    Borrow,
    ReplaceValue,
}

const BYTES: &[Kind] = &[
    Kind::Bytes(OfBytes::FlipBit),
    Kind::Bytes(OfBytes::Set),
    Kind::Bytes(OfBytes::Delete),
    Kind::Bytes(OfBytes::Repeat),
    Kind::Bytes(OfBytes::InsertWord),
    Kind::Bytes(OfBytes::InsertWord),
    Kind::Bytes(OfBytes::ReplaceNumber),
    Kind::Bytes(OfBytes::Splice),
    Kind::Bytes(OfBytes::Truncate),
];
const JSON: &[Kind] = &[
    Kind::Json(OfJson::Replace),
    Kind::Json(OfJson::Replace),
    Kind::Json(OfJson::DeleteChild),
    Kind::Json(OfJson::Copy),
    Kind::Json(OfJson::Wrap),
    Kind::Json(OfJson::RenameKey),
];
const LINES: &[Kind] = &[
    Kind::Lines(OfLines::Drop),
    Kind::Lines(OfLines::Copy),
    Kind::Lines(OfLines::Swap),
    Kind::Lines(OfLines::Borrow),
    Kind::Lines(OfLines::ReplaceValue),
    Kind::Lines(OfLines::ReplaceValue),
];

/// Bytes that parsers stumble over.
const ODD_BYTES: &[u8] = b"\0\t\n\r\x1b \"#'(),-./0:;<=>[\\]`{|}\x7f\x80\xc3\xe2\xed\xf0\xff";
/// Numbers at the edges of what types hold.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1",
    "00",
    "0.1",
    "0.0000001",
    "1e3",
    "1e308",
    "1e309",
    "-1e309",
    "1e-400",
    "127",
    "255",
    "65536",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "NaN",
    "inf",
    "123456789012345678901234567890",
];

/// One change; what it does not need of its places, it does not look at.
#[derive(Debug, Clone)]
struct Mutation {
    kind: Kind,
    at: Index,
    to: Index,
    with: Index,
}

/// Returns inputs made of seeds.
pub(super) fn inputs(
    seeds: Vec<Vec<u8>>,
    words: &'static [&'static str],
    structure: Structure,
) -> impl Strategy<Value = Vec<u8>> {
    assert!(!seeds.is_empty());
    let seeds = Arc::new(seeds);
    let structured = match structure {
        Structure::Json => JSON,
        Structure::Lines => LINES,
    };
    let kinds = prop_oneof![select(BYTES), select(structured)];
    let mutation = (kinds, any::<Index>(), any::<Index>(), any::<Index>())
        .prop_map(|(kind, at, to, with)| Mutation { kind, at, to, with });
    (any::<Index>(), prop::collection::vec(mutation, 1..10)).prop_map(move |(seed, mutations)| {
        let mut bytes = seeds[seed.index(seeds.len())].clone();
        for mutation in mutations {
            mutation.apply(&mut bytes, &seeds, words);
            bytes.truncate(MAX_BYTES);
        }
        bytes
    })
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
        match self.kind {
            Kind::Bytes(kind) => self.apply_to_bytes(kind, bytes, seeds, words),
            Kind::Json(kind) => {
                let start = bytes.iter().position(|byte| *byte == b'{').unwrap_or(0);
                if let Ok(mut value) = serde_json::from_slice(&bytes[start..]) {
                    self.apply_to_json(kind, &mut value, words);
                    bytes.truncate(start);
                    bytes.extend(value.to_string().into_bytes());
                }
            }
            Kind::Lines(kind) => {
                let other = &seeds[self.with.index(seeds.len())];
                self.apply_to_lines(kind, bytes, other, words);
            }
        }
    }

    fn apply_to_bytes(&self, kind: OfBytes, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
        let length = bytes.len();
        let at = self.at.index(length + 1);
        let end = at + self.to.index(length - at + 1).min(1 + self.with.index(64));
        match kind {
            OfBytes::FlipBit if at < length => bytes[at] ^= 1 << self.with.index(8),
            OfBytes::Set if at < length => bytes[at] = ODD_BYTES[self.with.index(ODD_BYTES.len())],
            OfBytes::Delete => drop(bytes.drain(at..end.min(length))),
            OfBytes::Repeat => {
                let part = bytes[at..end.min(length)].to_vec();
                let times = [1, 2, 3, 20, 130, 1_000, 30_000][self.with.index(7)];
                let times = times.min((MAX_BYTES.saturating_sub(length)) / part.len().max(1));
                bytes.splice(at..at, part.repeat(times));
            }
            OfBytes::InsertWord => {
                let word = words[self.with.index(words.len())];
                bytes.splice(at..at, word.bytes());
            }
            OfBytes::ReplaceNumber => {
                let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|start| at + start)
                else {
                    return;
                };
                let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                bytes.splice(start..start + digits, NUMBERS[self.with.index(NUMBERS.len())].bytes());
            }
            OfBytes::Splice => {
                let other = &seeds[self.with.index(seeds.len())];
                bytes.truncate(at);
                bytes.extend(&other[self.to.index(other.len() + 1)..]);
            }
            OfBytes::Truncate => bytes.truncate(at),
            OfBytes::FlipBit | OfBytes::Set => {}
        }
    }

    fn apply_to_json(&self, kind: OfJson, value: &mut Value, words: &[&str]) {
        let count = size(value);
        let word = words[self.with.index(words.len())];
        let source = node(value, &mut self.to.index(count)).cloned().unwrap_or_default();
        let Some(node) = node(value, &mut self.at.index(count)) else { return };
        match (kind, node) {
            (OfJson::Replace, node) => *node = odd_value(self.to.index(16), word),
            (OfJson::Copy, node) => *node = source,
            (OfJson::Wrap, node) => {
                for _ in 0..[1, 2, 20, 127][self.with.index(4)] {
                    *node = json!([node.take()]);
                }
            }
            (OfJson::DeleteChild, Value::Array(items)) if !items.is_empty() => {
                items.remove(self.to.index(items.len()));
            }
            (OfJson::DeleteChild | OfJson::RenameKey, Value::Object(fields)) if !fields.is_empty() => {
                let key = fields.keys().nth(self.to.index(fields.len())).cloned().unwrap_or_default();
                let old = fields.remove(&key).unwrap_or_default();
                if matches!(kind, OfJson::RenameKey) {
                    fields.insert(word.to_owned(), old);
                }
            }
            _ => {}
        }
    }

    fn apply_to_lines(&self, kind: OfLines, bytes: &mut Vec<u8>, other: &[u8], words: &[&str]) {
        let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let (at, to) = (self.at.index(lines.len()), self.to.index(lines.len()));
        match kind {
            OfLines::Drop => drop(lines.remove(at)),
            OfLines::Copy => lines.insert(at, lines[to].clone()),
            OfLines::Swap => lines.swap(at, to),
            OfLines::Borrow => {
                let others: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
                lines.insert(at, others[self.to.index(others.len())].to_vec());
            }
            OfLines::ReplaceValue => {
                let assigned = (at..lines.len()).find(|at| lines[*at].contains(&b'='));
                let Some(line) = assigned.map(|at| &mut lines[at]) else { return };
                let key = line.iter().position(|byte| *byte == b'=').unwrap_or_default();
                line.truncate(key + 1);
                let all = words.len() + NUMBERS.len();
                let word = words.iter().chain(NUMBERS).nth(self.with.index(all)).unwrap();
                line.extend(word.bytes());
            }
        }
        *bytes = lines.join(&b'\n');
    }
}

fn odd_value(which: usize, word: &str) -> Value {
    match which {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(""),
        4 => json!([]),
        5 => json!({}),
        6 => json!(0),
        7 => json!(-1),
        8 => json!(u64::MAX),
        9 => json!(0.65),
        10 => json!(1e300),
        11 => json!(word.repeat(2_000)),
        12 => json!([word, [], null]),
        13 => json!({ word: word }),
        _ => json!(word),
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Returns the node of this number, from the top.
fn node<'a>(value: &'a mut Value, number: &mut usize) -> Option<&'a mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| node(item, number)),
        Value::Object(fields) => fields.values_mut().find_map(|field| node(field, number)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
