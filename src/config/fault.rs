//! Faults: what is wrong in a file of the configuration, where, and how to mend it.
//!
//! Knows neither how a fault is found nor who shows it.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// One thing that is wrong, or unwise, in a file or in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, as the user would name it (config folder joined with the file's name); `None` for the environment.
    #[serde(serialize_with = "shown")]
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

/// Writes a path as people see it: one that is no text must not cost the whole report.
#[expect(clippy::ref_option, reason = "serde hands the field over as it is")]
fn shown<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

impl Fault {
    /// Returns whether it says that a secret has no usable value.
    pub fn is_missing_secret(&self) -> bool {
        ["secret_missing", "secret_unusable"].contains(&self.code)
    }

    /// Returns the same text as `Display`, under the word `warning` instead of `error`.
    pub fn as_warning(&self) -> Titled<'_> {
        Titled { title: "warning", fault: self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Titled { title: "error", fault: self }.fmt(formatter)
    }
}

/// A fault under the word that says how grave it is.
#[derive(Debug, Clone, Copy)]
pub struct Titled<'a> {
    title: &'static str,
    fault: &'a Fault,
}

impl fmt::Display for Titled<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.title, self.fault.message)?;
        if let Some(file) = &self.fault.file {
            write!(formatter, "\n  --> {}", file.display())?;
            for number in [self.fault.line, self.fault.column].into_iter().flatten() {
                write!(formatter, ":{number}")?;
            }
        }
        if let Some(hint) = &self.fault.hint {
            write!(formatter, "\n\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// Everything that was found at once: what must be mended, and what is only unwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// What must be mended, in order of file and line.
    pub faults: Vec<Fault>,
    /// What may stay, in order of file and line.
    pub warnings: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults.iter().map(Fault::to_string);
        let warnings = self.warnings.iter().map(|warning| warning.as_warning().to_string());
        formatter.write_str(&faults.chain(warnings).collect::<Vec<_>>().join("\n\n"))
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> Fault {
        Fault {
            file: Some(PathBuf::from("config/routes.toml")),
            line: Some(41),
            column: Some(15),
            code: "unknown_destination",
            message: "route `backend-prs` sends to destination `slack-bakend`, which is not defined"
                .to_owned(),
            hint: Some("did you mean `slack-backend`? defined: `discord-ops`, `slack-backend`".to_owned()),
        }
    }

    #[test]
    fn a_fault_reads_as_the_style_guide_shows_it() {
        assert_eq!(
            fault().to_string(),
            "error: route `backend-prs` sends to destination `slack-bakend`, which is not defined\n  \
             --> config/routes.toml:41:15\n\nhint: did you mean `slack-backend`? defined: `discord-ops`, \
             `slack-backend`"
        );
        assert!(fault().as_warning().to_string().starts_with("warning: route"));
    }

    #[test]
    fn a_fault_of_the_environment_shows_no_place() {
        let fault = Fault { file: None, line: None, column: None, hint: None, ..fault() };
        assert!(!fault.to_string().contains("-->"));
    }

    #[test]
    fn a_path_that_is_no_text_does_not_cost_the_report() {
        use std::os::unix::ffi::OsStringExt;
        let file = Some(PathBuf::from(std::ffi::OsString::from_vec(b"bad\xff".to_vec())));
        let document = serde_json::to_value(Fault { file, ..fault() }).unwrap();
        assert_eq!(document["file"], "bad\u{fffd}");
    }

    #[test]
    fn several_are_parted_by_an_empty_line() {
        let both = Faults { faults: vec![fault()], warnings: vec![fault()] };
        assert!(both.to_string().contains("`slack-backend`\n\nwarning: "));
    }
}
