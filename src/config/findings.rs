//! Where the readers of the configuration put what they find, and the places it is found at.

use std::path::{Path, PathBuf};

use super::fault::{Fault, Faults};

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file.
    File {
        /// As the user would name it.
        path: PathBuf,
        /// From 1.
        line: Option<usize>,
        /// In characters, from 1.
        column: Option<usize>,
    },
    /// In an environment variable of this name.
    Variable(String),
}

impl Place {
    /// Returns a whole file.
    pub(crate) fn whole(path: PathBuf) -> Self {
        Self::File { path, line: None, column: None }
    }

    /// Makes a fault at this place.
    pub(crate) fn fault(self, code: &'static str, message: String, hint: impl Into<Option<String>>) -> Fault {
        let hint = hint.into();
        match self {
            Self::File { path, line, column } => {
                Fault { file: Some(path), line, column, code, message, hint }
            }
            Self::Variable(name) => Fault {
                file: None,
                line: None,
                column: None,
                code,
                message: format!("environment variable `{name}`: {message}"),
                hint,
            },
        }
    }
}

/// Gathers faults and warnings.
#[derive(Debug, Default)]
pub(crate) struct Findings(Faults);

impl Findings {
    /// Adds what must be mended.
    pub(crate) fn fault(
        &mut self,
        place: Place,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.0.faults.push(place.fault(code, message.into(), hint));
    }

    /// Adds what may stay.
    pub(crate) fn warning(
        &mut self,
        place: Place,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.0.warnings.push(place.fault(code, message.into(), hint));
    }

    /// Adds faults that were made elsewhere.
    pub(crate) fn extend(&mut self, faults: Vec<Fault>) {
        self.0.faults.extend(faults);
    }

    /// Returns whether nothing must be mended.
    pub(crate) fn is_clean(&self) -> bool {
        self.0.faults.is_empty()
    }

    /// Returns whether something must be mended in a file.
    pub(crate) fn has_fault_in(&self, file: &Path) -> bool {
        self.0.faults.iter().any(|fault| fault.file.as_deref() == Some(file))
    }

    /// Returns everything, each thing once, in order of file and line; the environment's comes first.
    pub(crate) fn into_faults(self) -> Faults {
        Faults { faults: in_order(self.0.faults), warnings: in_order(self.0.warnings) }
    }
}

fn in_order(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    faults.dedup();
    faults
}
