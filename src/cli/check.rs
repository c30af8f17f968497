//! `check`: every fault of a config folder, with its place and a hint.

use std::fmt::Write;
use std::path::Path;

use super::Output;
use super::settings::json;
use crate::check::check;
use crate::config::Environment;

/// Load settings, routes and templates, and show every fault.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, dir: &Path) -> Output {
        let report = check(dir, &Environment::of_process());
        let code = u8::from(!report.faults.is_empty());
        if self.json {
            return Output { code, ..json(&report).into() };
        }
        let mut text = String::new();
        for fault in &report.faults {
            let _ = writeln!(text, "{fault}\n");
        }
        for warning in &report.warnings {
            let _ = writeln!(text, "{}\n", warning.as_warning());
        }
        let (faults, warnings) = (report.faults.len(), report.warnings.len());
        let _ = match (faults, warnings) {
            (0, 0) => writeln!(text, "{}: no faults", dir.display()),
            (0, _) => writeln!(text, "{}: no faults, {}", dir.display(), counted(warnings, "warning")),
            (_, 0) => writeln!(text, "{}: {}", dir.display(), counted(faults, "fault")),
            (_, _) => {
                let (faults, warnings) = (counted(faults, "fault"), counted(warnings, "warning"));
                writeln!(text, "{}: {faults}, {warnings}", dir.display())
            }
        };
        Output { code, ..text.into() }
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
