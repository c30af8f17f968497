//! Faults: what is wrong in a file of the configuration, where, and how to mend it.

use std::path::PathBuf;

use serde::Serialize;

/// One thing that is wrong, or unwise, in a file or in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, as the user would name it (config folder joined with the file's name); `None` for the environment.
    pub file: Option<PathBuf>,
    /// Line, counted from 1.
    pub line: Option<usize>,
    /// Column in characters, counted from 1.
    pub column: Option<usize>,
    /// A stable word for the class of fault, `snake_case`.
    pub code: &'static str,
    /// What is wrong: lower case, names and values in backticks, no final full stop, no secret.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}
