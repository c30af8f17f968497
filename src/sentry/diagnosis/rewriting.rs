//! What a body may have been before somebody on its way touched it. Pure.
//!
//! A proxy that keeps the meaning of JSON but not its bytes breaks the signature. Of such a body the forms are made here
//! in which it may have been signed, so that the one whose signature holds tells what was done to it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::sentry::writing::{field_rank, write_string};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A form of a body, and what was done to it if this is what was signed.
pub(super) type Rewriting<'a> = (&'static str, Cow<'a, [u8]>);

/// Makes every form in which a body may have been signed, the likeliest first; some thirty at most, one at a time.
pub(super) fn rewritings(body: &[u8]) -> impl Iterator<Item = Rewriting<'_>> {
    bytewise(body).into_iter().chain(anew(body))
}

/// What was done to the bytes as they are.
fn bytewise(body: &[u8]) -> Vec<Rewriting<'_>> {
    let text = str::from_utf8(body).ok();
    let mut forms: Vec<Rewriting<'_>> = vec![
        ("a byte order mark was put before it", body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).into()),
        ("white space was put around it", body.trim_ascii().into()),
        ("the line break at its end was cut off", [body, b"\n"].concat().into()),
        ("the line break at its end was cut off", [body, b"\r\n"].concat().into()),
        ("it is read as Latin-1 and written as UTF-8", text.and_then(latin_1).unwrap_or_default().into()),
    ];
    if text.is_none() {
        let read: String = body.iter().copied().map(char::from).collect();
        forms.push(("it is written as Latin-1", read.into_bytes().into()));
    }
    if let Some(text) = text.filter(|text| text.contains('\n')) {
        let plain = text.replace("\r\n", "\n");
        forms.push(("its line breaks were changed", plain.replace('\n', "\r\n").into_bytes().into()));
        forms.push(("its line breaks were changed", plain.into_bytes().into()));
    }
    forms.retain(|(_, form)| form.as_ref() != body && !form.is_empty());
    forms
}

/// Returns the bytes that somebody read as Latin-1; `None` where nobody did.
fn latin_1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| u8::try_from(character).ok()).collect()
}

/// Writes JSON anew, in the ways in which it may have been written.
fn anew(body: &[u8]) -> impl Iterator<Item = Rewriting<'_>> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let tree: Option<Tree> = serde_json::from_slice(body).ok();
    tree.into_iter().flat_map(|tree| {
        let orders = [Order::AsItIs, Order::OfSentry, Order::ByName];
        orders.into_iter().flat_map(move |order| {
            let tree = tree.ordered(order);
            let said = match order {
                Order::AsItIs => "its JSON is written anew",
                Order::OfSentry | Order::ByName => "its JSON is written anew, with its keys in another order",
            };
            Style::ALL.into_iter().map(move |style| {
                let mut text = String::new();
                tree.write(style, &mut text);
                (said, Cow::Owned(text.into_bytes()))
            })
        })
    })
}

/// The order of an object's keys.
#[derive(Debug, Clone, Copy)]
enum Order {
    AsItIs,
    OfSentry,
    ByName,
}

/// How JSON is written.
#[derive(Debug, Clone, Copy)]
struct Style {
    /// Whether everything beyond ASCII is escaped, as Sentry does.
    is_ascii: bool,
    /// Whether there are blanks behind commas and colons.
    has_blanks: bool,
    /// Whether slashes are escaped.
    escapes_slashes: bool,
}

impl Style {
    /// Sentry's own first.
    const ALL: [Self; 8] = [
        Self { is_ascii: true, has_blanks: false, escapes_slashes: false },
        Self { is_ascii: false, has_blanks: false, escapes_slashes: false },
        Self { is_ascii: true, has_blanks: true, escapes_slashes: false },
        Self { is_ascii: false, has_blanks: true, escapes_slashes: false },
        Self { is_ascii: true, has_blanks: false, escapes_slashes: true },
        Self { is_ascii: false, has_blanks: false, escapes_slashes: true },
        Self { is_ascii: true, has_blanks: true, escapes_slashes: true },
        Self { is_ascii: false, has_blanks: true, escapes_slashes: true },
    ];

    fn separator(self) -> &'static str {
        if self.has_blanks { ", " } else { "," }
    }

    fn colon(self) -> &'static str {
        if self.has_blanks { ": " } else { ":" }
    }

    fn write_string(self, string: &str, text: &mut String) {
        let from = text.len();
        if self.is_ascii {
            write_string(string, text);
        } else if let Ok(written) = serde_json::to_string(string) {
            text.push_str(&written);
        }
        if self.escapes_slashes && string.contains('/') {
            let written = text.split_off(from).replace('/', "\\/");
            text.push_str(&written);
        }
    }
}

/// JSON that remembers the order of its keys.
#[derive(Debug, Clone, PartialEq)]
enum Tree {
    /// `null`, a number, `true` or `false`, as it is written.
    Scalar(String),
    Text(String),
    List(Vec<Self>),
    Table(Vec<(String, Self)>),
}

impl Tree {
    fn ordered(&self, order: Order) -> Self {
        match self {
            Self::Scalar(_) | Self::Text(_) => self.clone(),
            Self::List(items) => Self::List(items.iter().map(|item| item.ordered(order)).collect()),
            Self::Table(fields) => {
                let mut fields: Vec<(String, Self)> =
                    fields.iter().map(|(name, value)| (name.clone(), value.ordered(order))).collect();
                match order {
                    Order::AsItIs => {}
                    Order::OfSentry => fields.sort_by_key(|(name, _)| field_rank(name)),
                    Order::ByName => fields.sort_by(|(name, _), (other, _)| name.cmp(other)),
                }
                Self::Table(fields)
            }
        }
    }

    fn write(&self, style: Style, text: &mut String) {
        match self {
            Self::Scalar(scalar) => text.push_str(scalar),
            Self::Text(string) => style.write_string(string, text),
            Self::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { style.separator() });
                    item.write(style, text);
                }
                text.push(']');
            }
            Self::Table(fields) => {
                text.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { style.separator() });
                    style.write_string(name, text);
                    text.push_str(style.colon());
                    value.write(style, text);
                }
                text.push('}');
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Grower)
    }
}

/// Makes a tree of what is read.
struct Grower;

impl<'de> Visitor<'de> for Grower {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar("null".to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(serde_json::Value::from(value).to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree, A::Error> {
        let mut table = Vec::new();
        while let Some(field) = fields.next_entry()? {
            table.push(field);
        }
        Ok(Tree::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentry::vectors::{V1, V2, V3, V6};

    /// What is said to have been done to `touched`, if `signed` is what was signed.
    fn done_to(touched: &[u8], signed: &[u8]) -> Option<&'static str> {
        rewritings(touched).find(|(_, form)| form.as_ref() == signed).map(|(said, _)| said)
    }

    #[test]
    fn what_was_done_to_the_bytes_is_told() {
        let body = V3.as_bytes();
        let lines = b"{\n\"a\": 1\n}\n".as_slice();
        let mojibake: String = body.iter().copied().map(char::from).collect();
        let latin: Vec<u8> = "{\"a\":\"é\"}".chars().map(|character| character as u8).collect();
        for (touched, signed, said) in [
            ([BYTE_ORDER_MARK, body].concat(), body, "a byte order mark was put before it"),
            ([body, b"\n"].concat(), body, "white space was put around it"),
            ([b"\r\n ", body].concat(), body, "white space was put around it"),
            (lines[..lines.len() - 1].to_vec(), lines, "the line break at its end was cut off"),
            (b"{\r\n\"a\": 1\r\n}\r\n".to_vec(), lines, "its line breaks were changed"),
            (mojibake.into_bytes(), body, "it is read as Latin-1 and written as UTF-8"),
            (latin, "{\"a\":\"é\"}".as_bytes(), "it is written as Latin-1"),
        ] {
            assert_eq!(done_to(&touched, signed), Some(said), "{}", String::from_utf8_lossy(&touched));
        }
        assert_eq!(done_to(lines, b"{\r\n\"a\": 1\r\n}\r\n"), Some("its line breaks were changed"));
    }

    #[test]
    fn json_that_was_written_anew_is_found_as_sentry_wrote_it() {
        let value: serde_json::Value = serde_json::from_str(V2).unwrap();
        let by_name = value.to_string();
        let anew = "its JSON is written anew";
        let ordered = "its JSON is written anew, with its keys in another order";
        for (touched, said) in [
            (V3.to_owned(), anew),
            (V3.replace(',', ", ").replace(':', ": "), anew),
            (V2.replace('/', "\\/").replace('<', "\\u003c").replace('&', "\\u0026"), anew),
            (V2.replace("\\u00e9", "\\u00E9"), anew),
            (serde_json::to_string_pretty(&value).unwrap(), ordered),
            (by_name, ordered),
        ] {
            assert_eq!(done_to(touched.as_bytes(), V2.as_bytes()), Some(said), "{touched}");
        }
        let spaced = V1.replace(',', ", ").replace(':', ": ");
        assert_eq!(done_to(V1.as_bytes(), spaced.as_bytes()), Some(anew));
    }

    #[test]
    fn a_tree_says_what_it_read_in_its_order() {
        for body in [V1, V2, V6, r#"{"z":[],"a":{},"n":[null,true,-7,1.5,18446744073709551615],"z":"\\"}"#] {
            let tree: Tree = serde_json::from_str(body).unwrap();
            let mut written = String::new();
            tree.write(Style::ALL[0], &mut written);
            assert_eq!(written, body);
        }
    }

    #[test]
    fn no_body_takes_more_than_a_few_dozen_forms_or_panics() {
        let deep = "[".repeat(100_000);
        for body in
            [b"".as_slice(), b"\xff\xfe", b"{", b"\xef\xbb\xbf", b"\n", deep.as_bytes(), V6.as_bytes()]
        {
            assert!(rewritings(body).count() <= 32);
        }
    }
}
