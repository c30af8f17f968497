//! Loading the configuration for a command, and the store that it names.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use crate::check::{self, Checked, load_for_looking};
use crate::cli::Failure;
use crate::config::{Config, Environment, Fault, StoreAlone};
use crate::event::Organization;
use crate::render::context::Links;
use crate::sentry::OrganizationConfig;
use crate::store::{Access, Store, open};

/// Loads the settings; secrets may be missing.
pub(super) fn load(dir: &Path) -> Result<Config, Failure> {
    Config::load(dir, &Environment::of_process()).map_err(|report| Failure::of_faults(&report))
}

/// Loads the settings and templates, for a command that only looks.
pub(super) fn load_with_templates(dir: &Path) -> Result<Checked, Failure> {
    load_for_looking(dir, &Environment::of_process()).map_err(|report| Failure::of_faults(&report))
}

/// Loads the settings and templates, for a command that draws whatever can be drawn; with them what is wrong with the
/// templates.
pub(super) fn load_for_drawing(dir: &Path) -> Result<(Checked, Vec<Fault>), Failure> {
    check::load_for_drawing(dir, &Environment::of_process()).map_err(|report| Failure::of_faults(&report))
}

/// Opens the store beside a relay that may be running.
pub(super) async fn store(dir: &Path) -> Result<Arc<Store>, Failure> {
    let config = load(dir)?;
    Ok(open(&config.store, Access::Beside).await?)
}

/// A store that is only looked into.
pub(super) struct OpenStore {
    /// The store.
    pub(super) store: Arc<Store>,
    /// A warning, where the routes have faults.
    pub(super) warning: String,
    organizations: Vec<OrganizationConfig>,
}

impl OpenStore {
    /// Returns where links lead for an organization.
    pub(super) fn links(&self, organization: &Organization) -> Links {
        let known = self.organizations.iter().find(|known| known.organization == *organization);
        known.map_or_else(
            || Links::at_sentry(organization, None),
            |known| Links { base_url: known.base_url.clone(), public_url: None },
        )
    }
}

/// Opens the store for a command that only looks into it.
pub(super) async fn store_alone(dir: &Path) -> Result<OpenStore, Failure> {
    let environment = Environment::of_process();
    let StoreAlone { store, organizations, faults } =
        Config::load_store(dir, &environment).map_err(|report| Failure::of_faults(&report))?;
    let store = open(&store, Access::Beside).await?;
    let mut warning = String::new();
    if let [first, others @ ..] = faults.as_slice() {
        let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
        let _ = writeln!(warning, "{}", Fault { hint: None, ..first.clone() }.as_warning());
        let _ = writeln!(
            warning,
            "\nhint: what is stored is shown all the same; `seer-relay check` shows this fault{more}"
        );
    }
    Ok(OpenStore { store, warning, organizations })
}

/// Writes a value as JSON for people and programs.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}
