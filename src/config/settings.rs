//! The tables http, store, templates, delivery, watch and log: layered from the defaults, `relay.toml` and the environment.
//!
//! Every value of every layer is judged where it stands, so that a fault has its line or its variable; only sound ones
//! are handed to the `config` crate, whose own errors stop at the first fault and name no line.

mod layers;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::layers::Layers;
use super::document::Document;
use super::findings::{Findings, Place};
use super::secrets::{Vault, unreadable};
use super::values::{self, Problem};
use crate::client::certificates;
use crate::dispatch::{DeliveryConfig, StallAfter, WatchConfig};
use crate::http::HttpConfig;
use crate::render::TemplatesConfig;
use crate::store::StoreConfig;
use crate::telemetry::LogConfig;
use crate::words::{quoted, quoted_path};

pub(super) use self::schema::STAGES;
#[cfg(test)]
pub(super) use self::schema::known_keys;
pub(crate) use self::schema::{table_names, table_of};

/// The reference: every key with its default, comment, unit and range.
pub(crate) const DEFAULT: &str = include_str!("../../config/default.toml");

/// A certificate file is no larger.
const MAX_CA_BYTES: u64 = 4 * 1024 * 1024;

/// The settings of the six tables.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `[http]`
    pub(crate) http: HttpConfig,
    /// `[store]`
    pub(crate) store: StoreConfig,
    /// `[templates]`
    pub(crate) templates: TemplatesConfig,
    /// `[delivery]`
    pub(crate) delivery: DeliveryConfig,
    /// `[watch]`
    pub(crate) watch: WatchConfig,
    /// `[log]`
    pub(crate) log: LogConfig,
}

/// Reads the six tables. A faulty value is left out, as if it were not there, so that the rest can be judged.
pub(crate) fn read(
    document: Option<&Document>,
    vault: Vault<'_>,
    findings: &mut Findings,
) -> Option<Settings> {
    let mut layers = Layers::default();
    if let Some(document) = document {
        layers.add_file(document, vault, findings);
    }
    layers.add_environment(vault.environment, findings);
    let raw: Raw = layers.merge().ok()?;
    let settings = raw.parse(&layers, vault.dir)?;
    check_retries(&raw, &settings.delivery, &layers, findings);
    check_retention(&raw, &settings.store, &layers, findings);
    Some(check_paths(settings, &raw, &layers, vault.dir, findings))
}

/// The layered settings as text.
#[derive(Debug, Deserialize)]
struct Raw {
    http: RawHttp,
    store: RawStore,
    templates: RawTemplates,
    delivery: RawDelivery,
    watch: RawWatch,
    log: RawLog,
}

#[derive(Debug, Deserialize)]
struct RawHttp {
    listen: String,
    public_url: Option<String>,
    max_body: String,
}

#[derive(Debug, Deserialize)]
struct RawStore {
    url: String,
    retention: String,
    payload_retention: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawTemplates {
    dir: String,
}

#[derive(Debug, Deserialize)]
struct RawDelivery {
    retry_min: String,
    retry_max: String,
    give_up_after: String,
    attempt_timeout: String,
    stop_grace: String,
    dedupe_window: String,
    ca_file: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawWatch {
    stall_after: RawStall,
    silent_after: String,
}

/// One duration for every stage, or some by their stages.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawStall {
    All(String),
    Each(BTreeMap<String, String>),
}

impl RawStall {
    /// Parses it; stages that are not named keep the default.
    fn parse(&self) -> Option<StallAfter> {
        let duration = |text: &str| values::duration(text, values::STALL).ok();
        let each = match self {
            Self::All(text) => return Some(StallAfter::all(duration(text)?)),
            Self::Each(each) => each,
        };
        let mut stall_after = StallAfter::all(duration(values::STALL.example)?);
        for (stage, text) in each {
            let after = match stage.as_str() {
                "root_cause" => &mut stall_after.root_cause,
                "solution" => &mut stall_after.solution,
                "coding" => &mut stall_after.coding,
                "iteration" => &mut stall_after.iteration,
                _ => return None,
            };
            *after = duration(text)?;
        }
        Some(stall_after)
    }
}

#[derive(Debug, Deserialize)]
struct RawLog {
    format: String,
    level: String,
}

impl Raw {
    /// Parses what every layer's check has already passed.
    fn parse(&self, layers: &Layers, dir: &Path) -> Option<Settings> {
        let duration = |text: &str, range| values::duration(text, range).ok().map(Option::unwrap_or_default);
        let delivery = &self.delivery;
        Some(Settings {
            http: HttpConfig {
                listen: values::listen(&self.http.listen).ok()?,
                public_url: self.http.public_url.as_deref().map(schema::public_url).transpose().ok()?,
                max_body_bytes: values::size(&self.http.max_body, &values::MAX_BODY).ok()?.try_into().ok()?,
                token: layers.token(),
            },
            store: StoreConfig {
                path: absolute(&values::store_path(&self.store.url).ok()?),
                retention: duration(&self.store.retention, values::RETENTION)?,
                payload_retention: match &self.store.payload_retention {
                    Some(text) => Some(duration(text, values::PAYLOAD_RETENTION)?),
                    None => None,
                },
            },
            templates: TemplatesConfig {
                dir: absolute(&dir.join(&self.templates.dir)),
                dir_is_explicit: layers.place("templates.dir").is_some(),
            },
            delivery: DeliveryConfig {
                retry_min: duration(&delivery.retry_min, values::RETRY)?,
                retry_max: duration(&delivery.retry_max, values::RETRY)?,
                give_up_after: duration(&delivery.give_up_after, values::GIVE_UP)?,
                attempt_timeout: duration(&delivery.attempt_timeout, values::TIMEOUT)?,
                stop_grace: duration(&delivery.stop_grace, values::STOP_GRACE)?,
                dedupe_window: duration(&delivery.dedupe_window, values::DEDUPE)?,
                ca_file: delivery.ca_file.as_ref().map(|file| absolute(&dir.join(file))),
            },
            watch: WatchConfig {
                stall_after: self.watch.stall_after.parse()?,
                silent_after: values::duration(&self.watch.silent_after, values::SILENT).ok()?,
            },
            log: LogConfig {
                format: self.log.format.parse().ok()?,
                level: schema::level(&self.log.level).ok()?,
            },
        })
    }
}

fn check_retries(raw: &Raw, delivery: &DeliveryConfig, layers: &Layers, findings: &mut Findings) {
    let (retry_min, retry_max) = (&raw.delivery.retry_min, &raw.delivery.retry_max);
    let longer_than = |name: &str, value: &str| {
        let place = layers.place("delivery.retry_min").or_else(|| layers.place(name))?;
        let message = format!(
            "`delivery.retry_min` is {}, longer than `{name}`, which is {}",
            quoted(retry_min),
            quoted(value)
        );
        Some((place, message))
    };
    if delivery.retry_min > delivery.retry_max
        && let Some((place, message)) = longer_than("delivery.retry_max", retry_max)
    {
        let hint = "`retry_min` is the first pause, from which it doubles up to `retry_max`";
        findings.fault(place, "out_of_range", message, hint.to_owned());
    }
    if delivery.retry_min > delivery.give_up_after
        && let Some((place, message)) = longer_than("delivery.give_up_after", &raw.delivery.give_up_after)
    {
        let hint =
            "after the first pause a delivery would be given up: let `give_up_after` hold several pauses";
        findings.fault(place, "out_of_range", message, hint.to_owned());
    }
}

fn check_retention(raw: &Raw, store: &StoreConfig, layers: &Layers, findings: &mut Findings) {
    let is_longer = store.payload_retention.is_some_and(|payloads| payloads > store.retention);
    if is_longer
        && let Some(payloads) = &raw.store.payload_retention
        && let Some(place) =
            layers.place("store.payload_retention").or_else(|| layers.place("store.retention"))
    {
        let message = format!(
            "`store.payload_retention` is {}, longer than `store.retention`, which is {}",
            quoted(payloads),
            quoted(&raw.store.retention)
        );
        let hint =
            "a payload goes with its run at the latest: make `payload_retention` shorter, or leave it out";
        findings.fault(place, "out_of_range", message, hint.to_owned());
    }
}

/// Looks whether the files and folders that a layer names are there; what is not counts as not named.
fn check_paths(
    mut settings: Settings,
    raw: &Raw,
    layers: &Layers,
    dir: &Path,
    findings: &mut Findings,
) -> Settings {
    let place = layers.place("templates.dir").or_else(|| {
        // Where nobody names the folder it may be missing, but nothing else may stand in its place.
        let is_there = settings.templates.dir.symlink_metadata().is_ok();
        is_there.then(|| Place::whole(dir.join(&raw.templates.dir)))
    });
    if let Some(place) = place.filter(|_| !settings.templates.dir.is_dir()) {
        let message = format!("`templates.dir` names {}, which is not a folder", quoted(&raw.templates.dir));
        let hint = format!(
            "make {} a folder, or name none: the built-in templates need no folder",
            quoted_path(&settings.templates.dir)
        );
        findings.fault(place, "folder_missing", message, hint);
        settings.templates.dir_is_explicit = false;
    }
    if let Some((place, path)) = layers.place("delivery.ca_file").zip(settings.delivery.ca_file.as_deref())
        && let Err(problem) = check_ca_file(path)
    {
        let message = format!("`delivery.ca_file` {}", problem.says);
        findings.fault(place, problem.code, message, problem.hint);
    }
    settings
}

fn check_ca_file(path: &Path) -> Result<(), Problem> {
    let shown = quoted(&path.to_string_lossy());
    let hint = "name a file of certificates in PEM form, relative to the config folder";
    let unread = |kind| Problem {
        code: "file_unreadable",
        says: format!("names {shown}, which {}", unreadable(kind)),
        hint: Some(hint.to_owned()),
    };
    let metadata = std::fs::metadata(path).map_err(|error| unread(error.kind()))?;
    if !metadata.is_file() {
        return Err(unread(std::io::ErrorKind::IsADirectory));
    }
    if metadata.len() > MAX_CA_BYTES {
        return Err(Problem::invalid(format!("names {shown}, which is larger than 4 MiB"), hint));
    }
    std::fs::File::open(path).map_err(|error| unread(error.kind()))?;
    certificates(path).map(drop).map_err(|error| Problem::invalid(format!("names {shown}: {error}"), hint))
}

/// Makes a path absolute; one that cannot be stays as it is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
