//! The last word of a command that failed: what happened, and how to mend it.

use std::fmt::Write;

use crate::app::StartError;
use crate::config::fault::Faults;
use crate::store::{FindError, StoreError};

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    report: String,
}

impl Failure {
    /// A failure with its hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { error: anyhow::anyhow!(message.into()), hint: Some(hint.into()), report: String::new() }
    }

    /// A failure because of faults in the configuration.
    pub fn of_faults(report: &Faults) -> Self {
        let count = report.faults.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        let faults =
            report.faults.iter().fold(String::new(), |text, fault| text + &fault.to_string() + "\n\n");
        Self {
            error: anyhow::anyhow!("the configuration has {count} {noun}"),
            hint: Some("`seer-relay check` shows them again".into()),
            report: faults,
        }
    }

    /// Returns the text for standard error.
    pub fn report(&self, colour: bool) -> String {
        let (error, hint) = if colour {
            ("\u{1b}[1;31merror\u{1b}[0m", "\u{1b}[1;36mhint\u{1b}[0m")
        } else {
            ("error", "hint")
        };
        let mut text = self.report.clone();
        let _ = writeln!(text, "{error}: {:#}", self.error);
        if let Some(words) = &self.hint {
            let _ = writeln!(text, "\n{hint}: {words}");
        }
        text
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { error, hint: None, report: String::new() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hint = error.hint();
        Self { error: error.into(), hint, report: String::new() }
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        let hint = match &error {
            FindError::Unknown(_) => {
                Some("`seer-relay runs` and `seer-relay deliveries` list what is known".into())
            }
            FindError::Ambiguous { .. } => Some("name it in full".into()),
            FindError::Store(error) => error.hint(),
        };
        Self { error: error.into(), hint, report: String::new() }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let hint = error.hint();
        Self { error: error.into(), hint, report: String::new() }
    }
}
