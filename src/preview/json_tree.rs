//! JSON as a tree whose branches can be folded, in the order in which it is written.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::html::Html;

/// Branches deeper than this are folded at first.
const OPEN_DEPTH: usize = 2;

/// A value whose fields keep their order.
#[derive(Debug)]
enum Node {
    Leaf(Value),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Node::Object(object))
    }
}

/// Writes a body; as it is where it is no JSON.
pub(super) fn write(html: &mut Html, body: &[u8]) {
    match serde_json::from_slice::<Node>(body) {
        Ok(node) => html.element("div", "json", |html| branch(html, None, &node, 0, false)),
        Err(_) => html.line("pre", "raw", &String::from_utf8_lossy(body)),
    }
}

/// Writes a value with its name, and a comma where another follows.
fn branch(html: &mut Html, name: Option<&str>, node: &Node, depth: usize, comma: bool) {
    match node {
        Node::Object(fields) if !fields.is_empty() => {
            let children = fields.iter().map(|(name, node)| (Some(name.as_str()), node));
            fold(html, name, ("{", "}", "field"), children.collect(), depth, comma);
        }
        Node::List(items) if !items.is_empty() => {
            let children = items.iter().map(|node| (None, node));
            fold(html, name, ("[", "]", "item"), children.collect(), depth, comma);
        }
        Node::Object(_) => leaf(html, name, "", "{}", comma),
        Node::List(_) => leaf(html, name, "", "[]", comma),
        Node::Leaf(value) => {
            let class = match value {
                Value::String(_) => "string",
                Value::Number(_) => "number",
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => "word",
            };
            leaf(html, name, class, &value.to_string(), comma);
        }
    }
}

fn leaf(html: &mut Html, name: Option<&str>, class: &'static str, text: &str, comma: bool) {
    html.element("div", "leaf", |html| {
        key(html, name);
        html.line("span", class, text);
        html.text(if comma { "," } else { "" });
    });
}

fn fold(
    html: &mut Html,
    name: Option<&str>,
    (open, close, noun): (&str, &str, &str),
    children: Vec<(Option<&str>, &Node)>,
    depth: usize,
    comma: bool,
) {
    let count = children.len();
    let end = if comma { format!("{close},") } else { close.to_owned() };
    html.foldable(
        "",
        depth < OPEN_DEPTH,
        |html| {
            key(html, name);
            html.text(open);
            let plural = if count == 1 { "" } else { "s" };
            html.line("span", "count", &format!(" {count} {noun}{plural} {end}"));
        },
        |html| {
            html.element("div", "inside", |html| {
                for (index, (name, value)) in children.into_iter().enumerate() {
                    branch(html, name, value, depth + 1, index + 1 < count);
                }
            });
            html.line("div", "end", &end);
        },
    );
}

fn key(html: &mut Html, name: Option<&str>) {
    if let Some(name) = name {
        html.line("span", "key", &Value::String(name.to_owned()).to_string());
        html.text(": ");
    }
}
