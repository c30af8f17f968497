//! The settings, in short; `check` says all of it.

use std::path::Path;

use super::report::{Check, Group, Report};
use super::spans::counted;
use crate::check::{Checked, load_for_drawing};
use crate::config::{Environment, Fault};

/// How many faults are shown; `check` shows the rest.
const SHOWN: usize = 3;

/// Loads the settings; `None` where they have faults that leave nothing else to look at.
pub(super) fn look(dir: &Path, environment: &Environment, report: &mut Report) -> Option<Checked> {
    let (checked, faults, warnings) = match load_for_drawing(dir, environment) {
        Ok((checked, faults)) => {
            let warnings = checked.config.warnings.clone();
            (Some(checked), faults, warnings)
        }
        Err(found) => (None, found.faults, found.warnings),
    };
    for fault in faults.iter().take(SHOWN) {
        report.add(of(fault, Check::fault(Group::Settings, text(fault))));
    }
    if faults.len() > SHOWN {
        let more = counted(u64::try_from(faults.len() - SHOWN).unwrap_or(u64::MAX), "more fault");
        report.add(Check::fault(Group::Settings, more).hint("`seer-relay check` shows them all"));
    }
    let Some(checked) = checked else {
        let rest = "everything else: it needs settings that can be read";
        report.add(Check::unknown(Group::Relay, rest).hint("mend the settings, and ask again"));
        return None;
    };
    let mut secrets = checked.config.organizations.iter().flat_map(|config| &config.client_secrets);
    if !secrets.any(|secret| secret.known().is_some()) {
        let message =
            "no client secret is set here: `serve` would not start, since it could verify no webhook";
        let hint = "copy the Client Secret of your integration in Sentry (Settings, Developer Settings) to where \
                    `client_secrets` names it, or run `doctor` with the environment of `serve`";
        report.add(Check::fault(Group::Settings, message).hint(hint));
    }
    for warning in &warnings {
        report.add(of(warning, Check::warning(Group::Settings, text(warning))));
    }
    if faults.is_empty() {
        report.add(Check::ok(Group::Settings, format!("`{}` has no faults", dir.display())));
    }
    Some(checked)
}

fn of(fault: &Fault, check: Check) -> Check {
    match &fault.hint {
        Some(hint) => check.hint(hint.as_str()),
        None => check,
    }
}

/// Returns what is wrong and where, in one line.
fn text(fault: &Fault) -> String {
    let Some(file) = &fault.file else { return fault.message.clone() };
    let place = [fault.line, fault.column].into_iter().flatten();
    let place = place.fold(file.display().to_string(), |place, number| format!("{place}:{number}"));
    format!("{place}: {}", fault.message)
}
