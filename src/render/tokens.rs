//! How values leave a template: as tokens for Markdown, escaped for JSON.
//!
//! The template engine's escape function is a plain `fn`, so the values of a rendering lie in a thread-local that is
//! emptied for each.

use std::cell::RefCell;
use std::io::{self, Write};

use tera::Value;

use crate::message::markdown::Values;

thread_local! {
    static VALUES: RefCell<Values> = RefCell::default();
}

/// Runs a rendering and returns what it made, with the values that its tokens stand for.
pub(super) fn collect<T>(render: impl FnOnce() -> T) -> (T, Values) {
    VALUES.take();
    let rendered = render();
    (rendered, VALUES.take())
}

/// Writes the token of a text. The escape function of Markdown templates.
pub(super) fn escape(value: &str, output: &mut dyn Write) -> io::Result<()> {
    let token = VALUES.with_borrow_mut(|values| values.text(value));
    output.write_all(token.as_bytes())
}

/// Returns the token of a text that is Markdown.
pub(super) fn markdown(value: &str) -> Value {
    Value::safe_string(&VALUES.with_borrow_mut(|values| values.markdown(value)))
}

/// Returns a text with the values of its tokens in their places.
pub(super) fn flatten(text: &str) -> String {
    VALUES.with_borrow(|values| values.flatten(text).into_owned())
}

/// Writes a text as it stands between the quotes of a JSON string.
pub(super) fn escape_json(value: &str, output: &mut dyn Write) -> io::Result<()> {
    let quoted = serde_json::to_string(value)?;
    let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    output.write_all(inside.as_bytes())
}

/// Writes a text as it stands between the quotes of a JSON string for Slack, where `& < >` would be control
/// characters: `<!channel>` pings everybody.
// Source: https://docs.slack.dev/messaging/formatting-message-text#escaping, read 2026-11-23.
pub(super) fn escape_slack_json(value: &str, output: &mut dyn Write) -> io::Result<()> {
    escape_json(&slack_entities(value), output)
}

/// Returns the text with `& < >` as the entities that Slack shows as these characters.
pub(super) fn slack_entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
