//! The renderer.

use std::path::PathBuf;

use serde_json::Value;

use crate::message::Message;

/// Settings of the `[templates]` table.
#[derive(Debug, Clone)]
pub struct TemplatesConfig {
    /// Where a team's own templates stand; absolute. They win over the built-in ones, file by file.
    pub dir: PathBuf,
    /// Whether the file names `dir` itself: then the folder must exist.
    pub dir_is_explicit: bool,
}

/// What a template made.
#[derive(Debug, Clone)]
pub enum Rendered {
    /// From a Markdown template.
    Message(Message),
    /// From a `.json.tera` template: the request body, valid JSON.
    Body(Value),
    /// The documented JSON, for a `webhook` destination without a template of its own: `data` of the body.
    Document(Value),
}
