//! The configuration: the settings of every module, from the defaults, two files and the environment.
//!
//! Each module owns its settings; this one only composes, loads and checks them, and reports everything that is wrong
//! at once. Templates are none of its business: `check.rs` looks at them with what is read here.

mod destinations;
mod document;
pub mod editors;
pub mod environment;
pub mod fault;
mod files;
mod findings;
mod organizations;
mod reader;
mod routes;
mod secrets;
mod settings;
pub mod starter;
mod values;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use self::environment::Environment;
pub use self::fault::{Fault, Faults};
pub(crate) use self::values::show;

use self::destinations::{Destinations, NamedSet, Surroundings};
use self::document::Document;
use self::files::Files;
use self::findings::{Findings, Place};
use self::organizations::Organizations;
use self::routes::{Known, Routes};
use self::secrets::Vault;
use self::settings::Settings;
use crate::delivery::{DestinationKind, DestinationName};
use crate::dispatch::{DeliveryConfig, WatchConfig};
use crate::event::Organization;
use crate::http::HttpConfig;
use crate::notify::Destination;
use crate::render::TemplatesConfig;
use crate::routing::{Route, RoutingTable};
use crate::sentry::OrganizationConfig;
use crate::store::StoreConfig;
use crate::telemetry::LogConfig;

/// Where destinations' timeouts start from when `[delivery]` cannot be read.
const FALLBACK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// A whole configuration without a fault.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[http]`
    pub http: HttpConfig,
    /// `[sentry.SLUG]`, at least one, in the order of the file.
    pub organizations: Vec<OrganizationConfig>,
    /// `[store]`
    pub store: StoreConfig,
    /// `[templates]`
    pub templates: TemplatesConfig,
    /// `[delivery]`
    pub delivery: DeliveryConfig,
    /// `[watch]`
    pub watch: WatchConfig,
    /// `[log]`
    pub log: LogConfig,
    /// Every destination of the routing file, in its order.
    pub destinations: Vec<Destination>,
    /// The routes.
    pub routing: RoutingTable,
    /// What is unwise, or missing without keeping the relay from starting, such as an unset secret.
    pub warnings: Vec<Fault>,
}

/// What commands need that only look into the store.
#[derive(Debug)]
pub struct StoreAlone {
    /// Where it is.
    pub store: StoreConfig,
    /// Whose runs are in it.
    pub organizations: Vec<OrganizationConfig>,
    /// What is wrong with the routing file.
    pub faults: Vec<Fault>,
}

impl Config {
    /// Loads the configuration of a folder. Whether the template sets that it names exist is not looked at.
    ///
    /// # Errors
    /// Every fault of every file and of the environment at once.
    pub fn load(dir: &Path, environment: &Environment) -> Result<Self, Faults> {
        Reading::of(dir, environment).into_config()
    }

    /// Loads what commands need that only look into the store, whatever is wrong with the routing file.
    ///
    /// # Errors
    /// Every fault at once, where one of them is in another place: then the store could be another one, too.
    pub fn load_store(dir: &Path, environment: &Environment) -> Result<StoreAlone, Faults> {
        let Reading { settings, organizations, findings, .. } = Reading::of(dir, environment);
        let report = findings.into_faults();
        let routes = dir.join(files::ROUTES);
        let is_of_routes = report.faults.iter().all(|fault| fault.file.as_ref() == Some(&routes));
        match settings {
            Some(settings) if is_of_routes => Ok(StoreAlone {
                store: settings.store,
                organizations: organizations.list,
                faults: report.faults,
            }),
            Some(_) | None => Err(report),
        }
    }
}

/// What could be read of a configuration, faults and all, so that templates can be checked beside them.
#[derive(Debug)]
pub(crate) struct Reading {
    settings: Option<Settings>,
    organizations: Organizations,
    destinations: Destinations,
    routes: Routes,
    findings: Findings,
    /// The texts of both files.
    texts: [Option<String>; 2],
}

impl Reading {
    /// Reads a folder.
    pub(crate) fn of(dir: &Path, environment: &Environment) -> Self {
        let mut findings = Findings::default();
        let vault = Vault { dir, environment };
        let files = files::read(dir, &mut findings);
        let Files { settings: settings_file, routes: routes_file } =
            files.unwrap_or(Files { settings: None, routes: None });
        let texts =
            [&settings_file, &routes_file].map(|file| file.as_ref().map(|file| file.text().to_owned()));
        let settings_file = settings_file.filter(|document| document.is_whole);
        let routes_file = routes_file.filter(|document| document.is_whole);
        check_tables(settings_file.as_ref(), routes_file.as_ref(), &mut findings);
        let settings = settings::read(settings_file.as_ref(), vault, &mut findings);
        let organizations =
            settings_file.as_ref().map(|document| organizations::read(document, vault, &mut findings));
        let surroundings = Surroundings {
            vault,
            attempt_timeout: settings
                .as_ref()
                .map_or(FALLBACK_TIMEOUT, |settings| settings.delivery.attempt_timeout),
            give_up_after: settings
                .as_ref()
                .map_or(values::GIVE_UP.most, |settings| settings.delivery.give_up_after),
        };
        let (destinations, routes) = routes_file
            .map(|document| {
                let watch = settings.as_ref().map(|settings| settings.watch);
                read_routes(&document, surroundings, organizations.as_ref(), watch, &mut findings)
            })
            .unwrap_or_default();
        let organizations = organizations.unwrap_or_default();
        Self { settings, organizations, destinations, routes, findings, texts }
    }

    /// Returns where templates are looked for, where that could be made out.
    pub(crate) fn templates(&self) -> Option<&TemplatesConfig> {
        self.settings.as_ref().map(|settings| &settings.templates)
    }

    /// Returns the destinations that could be made out.
    pub(crate) fn destinations(&self) -> &[Destination] {
        &self.destinations.list
    }

    /// Returns the organizations that could be made out.
    pub(crate) fn organizations(&self) -> &[OrganizationConfig] {
        &self.organizations.list
    }

    /// Returns the address of the relay for links in messages.
    pub(crate) fn public_url(&self) -> Option<&url::Url> {
        self.settings.as_ref()?.http.public_url.as_ref()
    }

    /// Returns the template sets that are asked for: the set, who asks, and where.
    pub(crate) fn template_sets(&self) -> impl Iterator<Item = &NamedSet> {
        self.destinations.sets.iter().chain(&self.routes.sets)
    }

    /// Returns the template sets by which messages to a destination are made: of the routes that send to it, else its
    /// own.
    pub(crate) fn sets_of(&self, destination: &Destination) -> Vec<Option<String>> {
        let own = destination.template_set.as_deref();
        let mut sets = Route::sets_of(&self.routes.list, &destination.name, own);
        let stands_in = |other: &Destination| {
            other.fallback.as_ref().is_some_and(|fallback| fallback.to == destination.name)
        };
        // What stands in for something asks for no set but its own.
        if self.destinations.list.iter().any(stands_in) && !sets.iter().any(|set| set.as_deref() == own) {
            sets.push(own.map(str::to_owned));
        }
        sets
    }

    /// Returns the texts of the files as they were read, settings first.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().flatten().map(String::as_str)
    }

    /// Returns whether nothing must be mended in the files.
    pub(crate) fn is_clean(&self) -> bool {
        self.findings.is_clean()
    }

    /// Returns the fault of having no client secret that can be used, which only `serve` minds.
    pub(crate) fn without_secret(&self) -> Option<&Fault> {
        self.organizations.without_secret.as_ref()
    }

    /// Returns the configuration, or everything that is wrong with it.
    pub(crate) fn into_config(self) -> Result<Config, Faults> {
        let mut findings = self.findings;
        let Some(settings) = self.settings.filter(|_| findings.is_clean()) else {
            if findings.is_clean() {
                let place = Place::whole(PathBuf::from("default.toml"));
                findings.fault(place, "defaults_broken", "the compiled-in settings cannot be read", None);
            }
            return Err(findings.into_faults());
        };
        Ok(Config {
            http: settings.http,
            organizations: self.organizations.list,
            store: settings.store,
            templates: settings.templates,
            delivery: settings.delivery,
            watch: settings.watch,
            log: settings.log,
            routing: RoutingTable::new(self.routes.list).with_own_sets(own_sets(&self.destinations.list)),
            destinations: self.destinations.list,
            warnings: findings.into_faults().warnings,
        })
    }
}

/// Returns which template sets destinations ask for themselves.
fn own_sets(destinations: &[Destination]) -> Vec<(DestinationName, String)> {
    let own = |destination: &Destination| Some((destination.name.clone(), destination.template_set.clone()?));
    destinations.iter().filter_map(own).collect()
}

fn read_routes(
    document: &Document,
    surroundings: Surroundings<'_>,
    organizations: Option<&Organizations>,
    watch: Option<WatchConfig>,
    findings: &mut Findings,
) -> (Destinations, Routes) {
    let destinations = destinations::read(document, surroundings, findings);
    let slugs: Option<Vec<Organization>> = organizations
        .map(|known| known.list.iter().map(|config| config.organization.clone()).collect::<Vec<_>>())
        .filter(|slugs| !slugs.is_empty());
    // Without an organization that can be read nothing is concluded from there being no token.
    let can_ask = slugs.is_none() || organizations.is_none_or(|known| known.has_token);
    let known = Known { organizations: slugs.as_deref(), can_ask, watch };
    let routes = routes::read(document, &destinations, known, surroundings.vault, findings);
    (destinations, routes)
}

/// Reports tables that stand in the wrong file, or that nobody knows.
fn check_tables(settings_file: Option<&Document>, routes_file: Option<&Document>, findings: &mut Findings) {
    let settings: Vec<&str> = settings::table_names().chain(["sentry"]).collect();
    let routes: Vec<&str> =
        DestinationKind::ALL.iter().map(|kind| kind.as_str()).chain([routes::MUTES, "route"]).collect();
    if let Some(document) = settings_file {
        files::check_tables(document, &settings, &routes, findings);
    }
    if let Some(document) = routes_file {
        files::check_tables(document, &routes, &settings, findings);
    }
}
