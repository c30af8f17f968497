//! Why a template made no message.

use std::fmt;

/// A template failed. Names the place and never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// The template, as `route` shows it; an included one where it failed there.
    pub template: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The column in characters, counted from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong: lower case, no final full stop.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl fmt::Display for RenderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "template `{}`", self.template)?;
        if let Some(line) = self.line {
            write!(formatter, ", line {line}")?;
        }
        write!(formatter, ": {}", self.message)
    }
}

impl std::error::Error for RenderError {}
