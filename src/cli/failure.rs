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
        let _ = writeln!(text, "{error}: {}", words(&self.error));
        if let Some(words) = &self.hint {
            let _ = writeln!(text, "\n{hint}: {words}");
        }
        text
    }
}

/// Returns what happened and why, each once: some errors name their cause themselves.
fn words(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| {
        if text.is_empty() {
            cause
        } else if text.contains(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_whether_or_not_the_error_names_it() {
        let in_use = || std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let listen = StartError::Listen { address: ([127, 0, 0, 1], 80).into(), source: in_use() };
        let report = Failure::from(listen).report(false);
        assert!(report.starts_with("error: cannot listen on `127.0.0.1:80`: address in use\n"), "{report}");
        let wrapped = anyhow::Error::from(in_use()).context("cannot listen");
        assert_eq!(Failure::from(wrapped).report(false), "error: cannot listen: address in use\n");
    }
}
