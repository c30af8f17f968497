//! All faults of a config folder: settings, routes, and every template rendered. Used by `check` and by `serve`.
//!
//! Opens no store and calls nobody.

mod limits;
mod templates;

use std::path::Path;

use crate::config::fault::{Fault, Faults};
use crate::config::{Config, Environment, Reading};
use crate::render::Renderer;

/// Everything that was found: what must be mended, and what may stay.
pub type CheckReport = Faults;

/// A configuration and its templates, free of faults.
#[derive(Debug)]
pub struct Checked {
    /// The settings, destinations and routes; its warnings are everything that may stay.
    pub config: Config,
    /// The templates.
    pub renderer: Renderer,
}

impl Checked {
    /// Refuses what `serve --strict` refuses: a secret without a usable value.
    ///
    /// # Errors
    /// The report in which such warnings are faults.
    pub fn strict(self) -> Result<Self, CheckReport> {
        let (faults, warnings): (Vec<Fault>, Vec<Fault>) =
            self.config.warnings.iter().cloned().partition(Fault::is_missing_secret);
        if faults.is_empty() { Ok(self) } else { Err(Faults { faults, warnings }) }
    }
}

/// Looks for everything that is wrong in a config folder. A secret without a value is a warning.
pub fn check(dir: &Path, environment: &Environment) -> CheckReport {
    match load(dir, environment) {
        Ok((checked, without_secret)) => {
            let mut warnings = checked.config.warnings;
            warnings.extend(without_secret);
            Faults { faults: Vec::new(), warnings }
        }
        Err(report) => report,
    }
}

/// Loads what the commands need that only look: `route`, `render`, `test`, `replay`. They need no client secret.
///
/// # Errors
/// Everything that [`check`] finds, where a fault is among it.
pub fn load_for_looking(dir: &Path, environment: &Environment) -> Result<Checked, CheckReport> {
    load(dir, environment).map(|(checked, _)| checked)
}

/// Loads what `serve` needs: the same, and at least one client secret that can be used.
///
/// # Errors
/// Everything that [`check`] finds, where a fault is among it, or where no webhook could be verified.
pub fn load_checked(dir: &Path, environment: &Environment) -> Result<Checked, CheckReport> {
    match load(dir, environment)? {
        (checked, None) => Ok(checked),
        (checked, Some(fault)) => Err(Faults { faults: vec![fault], warnings: checked.config.warnings }),
    }
}

/// Loads everything; with it the fault of having no usable client secret, where that is so.
fn load(dir: &Path, environment: &Environment) -> Result<(Checked, Option<Fault>), CheckReport> {
    let reading = Reading::of(dir, environment);
    let (renderer, Faults { faults: template_faults, warnings: template_warnings }) =
        templates::check(&reading, dir);
    let without_secret = reading.without_secret().cloned();
    let mut report = match (reading.into_config(), renderer) {
        (Ok(mut config), Some(renderer)) if template_faults.is_empty() => {
            config.warnings.extend(template_warnings);
            return Ok((Checked { config, renderer }, without_secret));
        }
        (Ok(config), _) => Faults { faults: Vec::new(), warnings: config.warnings },
        (Err(report), _) => report,
    };
    report.faults.extend(template_faults);
    report.warnings.extend(template_warnings);
    Err(report)
}

#[cfg(test)]
mod tests;
