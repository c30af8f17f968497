//! Loading the configuration for a command, and the store that it names.

use std::path::Path;
use std::sync::Arc;

use crate::check::{Checked, load_for_looking};
use crate::cli::Failure;
use crate::config::{Config, Environment};
use crate::store::{Access, Store, open};

/// Loads the settings; secrets may be missing.
pub(super) fn load(dir: &Path) -> Result<Config, Failure> {
    Config::load(dir, &Environment::of_process()).map_err(|report| Failure::of_faults(&report))
}

/// Loads the settings and templates, for a command that only looks.
pub(super) fn load_with_templates(dir: &Path) -> Result<Checked, Failure> {
    load_for_looking(dir, &Environment::of_process()).map_err(|report| Failure::of_faults(&report))
}

/// Opens the store beside a relay that may be running.
pub(super) async fn store(dir: &Path) -> Result<Arc<Store>, Failure> {
    let config = load(dir)?;
    Ok(open(&config.store, Access::Beside).await?)
}

/// Writes a value as JSON for people and programs.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}
