//! The filter `code`: any text as code, whatever it holds.

use tera::{Kwargs, TeraResult, Value};

use super::super::tokens;
use super::arguments;

/// No platform shows as much in one message; a longer block is cut after a line.
const LONGEST_BLOCK_BYTES: usize = 64 * 1024;

/// Returns a text as `` `code` ``, or as a block of code where a language is named.
pub(super) fn of_text(text: &str, arguments: &Kwargs) -> TeraResult<Value> {
    let language = arguments::text("code", "language", arguments)?;
    if text.trim().is_empty() {
        return Ok(Value::from(""));
    }
    Ok(tokens::markdown(&match language {
        Some(language) => block(text, language),
        None => span(text),
    }))
}

/// Makes a span whose fence is longer than any run of backticks in the text.
fn span(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let line = text.replace("\r\n", " ").replace(['\n', '\r'], " ");
    // The parser takes one space off both ends where the text begins or ends with a backtick, or with both spaces.
    format!("{fence} {line} {fence}")
}

fn block(text: &str, language: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let language: String = language.chars().take_while(|character| !character.is_whitespace()).collect();
    let text = text.trim_end_matches('\n');
    let head = text.get(..text.floor_char_boundary(LONGEST_BLOCK_BYTES)).unwrap_or_default();
    let (text, cut) = if head.len() == text.len() {
        (text, "")
    } else {
        (head.rfind('\n').and_then(|end| head.get(..end)).unwrap_or(head), "\n…")
    };
    format!("{fence}{}\n{text}{cut}\n{fence}", language.replace('`', ""))
}

/// Returns a text between backticks, for a request body: no platform knows more there.
pub(super) fn between_backticks(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    format!("`{}`", text.replace(['\n', '\r'], " ").replace('`', "'").trim())
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or_default()
}
