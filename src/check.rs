//! All faults of a config folder: settings, routes, and every template rendered. Used by `check` and by `serve`.
//!
//! Opens no store and calls nobody.

mod digest;
mod templates;

use std::path::Path;

use crate::config::fault::{Fault, Faults};
use crate::config::{Config, Environment, Reading};
use crate::render::Renderer;

/// Everything that was found: what must be mended, and what may stay.
pub type CheckReport = Faults;

/// A configuration and its templates, free of faults but for those that [`load_for_drawing`] names.
#[derive(Debug)]
pub struct Checked {
    /// The settings, destinations and routes; its warnings are everything that may stay.
    pub config: Config,
    /// The templates.
    pub renderer: Renderer,
    /// A few hex digits that tell these files, the team's own templates among them, from others.
    pub digest: String,
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

/// Loads what can be drawn: the templates may have faults, which are returned beside them; to render with one of them
/// fails, and says so.
///
/// # Errors
/// Everything that [`check`] finds, where a fault is among it that no template has.
pub fn load_for_drawing(dir: &Path, environment: &Environment) -> Result<(Checked, Vec<Fault>), CheckReport> {
    load_faulty(dir, environment).map(|(checked, faults, _)| (checked, faults))
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
    let (checked, faults, without_secret) = load_faulty(dir, environment)?;
    if faults.is_empty() {
        Ok((checked, without_secret))
    } else {
        Err(Faults { faults, warnings: checked.config.warnings })
    }
}

/// Loads everything, and returns beside it what is wrong with the templates.
fn load_faulty(
    dir: &Path,
    environment: &Environment,
) -> Result<(Checked, Vec<Fault>, Option<Fault>), CheckReport> {
    let reading = Reading::of(dir, environment);
    let (renderer, templates) = templates::check(&reading, dir);
    let without_secret = reading.without_secret().cloned();
    let digest = renderer.as_ref().map(|renderer| digest::of(&reading, renderer));
    let mut report = match (reading.into_config(), renderer.zip(digest)) {
        (Ok(mut config), Some((renderer, digest))) => {
            config.warnings.extend(templates.warnings);
            return Ok((Checked { config, renderer, digest }, templates.faults, without_secret));
        }
        (Ok(config), None) => Faults { faults: Vec::new(), warnings: config.warnings },
        (Err(report), _) => report,
    };
    report.faults.extend(templates.faults);
    report.warnings.extend(templates.warnings);
    Err(report)
}

#[cfg(test)]
mod tests;
