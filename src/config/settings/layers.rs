//! The layers of the six tables, and where the value that won in the end stands.

use std::collections::BTreeMap;

use config::{Config, ConfigError, File, FileFormat, Map};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::DEFAULT;
use super::schema::{Setting, TABLES, TableSchema};
use crate::config::document::{Document, Node};
use crate::config::environment::{Environment, Lookup, PREFIX};
use crate::config::findings::{Findings, Place};
use crate::config::reader::{Keys, Reader};
use crate::config::secrets::{Demand, Vault};
use crate::words::{listed, quoted, suggestion};

/// Sound values of the file and of the environment, above the defaults.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// By path: `http.listen`.
    file: BTreeMap<String, String>,
    /// By variable.
    variables: Map<String, String>,
    /// Where the value of a path stands, once a layer names it.
    places: BTreeMap<String, Place>,
    token: Option<SecretString>,
}

impl Layers {
    /// Takes over the sound values of `relay.toml`.
    pub(super) fn add_file(&mut self, document: &Document, vault: Vault<'_>, findings: &mut Findings) {
        for schema in &TABLES {
            let Some(entry) = document.root.get(schema.name) else { continue };
            let Node::Table(table) = &entry.value else {
                let message = format!("`{}` is {}, but has to be a table", schema.name, entry.value.kind());
                let hint = format!("write `[{}]` on a line of its own, and its keys below it", schema.name);
                findings.fault(document.place(entry.at), "wrong_type", message, hint);
                continue;
            };
            let name = schema.name.to_owned();
            let mut reader = Reader { document, table, at: entry.at, name, vault, findings };
            reader.check_keys(schema.keys);
            for setting in schema.settings {
                let path = path(schema, setting);
                let place = reader.place(setting.key);
                if let Some(parts) = parts(&mut reader, setting) {
                    self.places.insert(path.clone(), place);
                    self.file
                        .extend(parts.into_iter().map(|(part, value)| (format!("{path}.{part}"), value)));
                } else if let Some(value) = sound(&mut reader, setting, setting.key) {
                    self.places.insert(path.clone(), place);
                    self.file.insert(path, value);
                }
            }
            if schema.keys.known.contains(&"token")
                && let Some(token) = reader.secret("token", Demand::ANY)
            {
                self.token = token.secret.known().cloned();
            }
        }
    }

    /// Takes over the sound values of the environment.
    pub(super) fn add_environment(&mut self, environment: &Environment, findings: &mut Findings) {
        for (variable, rest, value) in environment.settings() {
            let place = Place::Variable(variable.to_owned());
            let Lookup::Text(text) = value else {
                findings.fault(place, "invalid_value", "its value is not UTF-8 text", None);
                continue;
            };
            if rest == "HTTP__TOKEN" {
                self.token = Some(SecretString::from(text.to_owned()));
                continue;
            }
            let Some((schema, setting)) = find(rest) else {
                let message = format!("{} names no setting", quoted(rest));
                findings.fault(place, "unknown_variable", message, unknown_hint(rest));
                continue;
            };
            let path = path(schema, setting);
            match (setting.check)(text) {
                Ok(()) => {
                    self.variables.insert(variable.to_owned(), text.to_owned());
                    self.places.insert(path, place);
                }
                Err(problem) => {
                    let message = format!("`{path}` {}", problem.says);
                    findings.fault(place, problem.code, message, problem.hint);
                }
            }
        }
    }

    /// Lays the layers over each other.
    pub(super) fn merge<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let mut file = Config::builder();
        for (path, value) in &self.file {
            file = file.set_override(path, value.as_str())?;
        }
        let environment = config::Environment::with_prefix(PREFIX.trim_end_matches('_'))
            .prefix_separator("__")
            .separator("__")
            .source(Some(self.variables.clone()));
        Config::builder()
            .add_source(File::from_str(DEFAULT, FileFormat::Toml))
            .add_source(file.build()?)
            .add_source(environment)
            .build()?
            .try_deserialize()
    }

    /// Returns where the value of a setting stands; `None` for a default.
    pub(super) fn place(&self, path: &str) -> Option<Place> {
        self.places.get(path).cloned()
    }

    /// Returns `http.token`, where its value is known.
    pub(super) fn token(&self) -> Option<SecretString> {
        self.token.clone()
    }
}

/// Reads a value that passes the check of its setting.
fn sound(reader: &mut Reader<'_>, setting: &Setting, key: &str) -> Option<String> {
    reader.parsed(key, setting.example, |text| (setting.check)(text).map(|()| text.to_owned()))
}

/// Reads the sound ones of a setting's parts; `None` where it is not given in parts.
fn parts(reader: &mut Reader<'_>, setting: &Setting) -> Option<Vec<(&'static str, String)>> {
    let entry = reader.table.get(setting.key)?;
    let Node::Table(table) = &entry.value else { return None };
    if setting.parts.is_empty() {
        return None;
    }
    let name = format!("{}.{}", reader.name, setting.key);
    let (document, vault) = (reader.document, reader.vault);
    let mut inner = Reader { document, table, at: entry.at, name, vault, findings: &mut *reader.findings };
    inner.check_keys(Keys { known: setting.parts, ..Keys::default() });
    let read = |part: &&'static str| Some((*part, sound(&mut inner, setting, part)?));
    Some(setting.parts.iter().filter_map(read).collect())
}

fn path(schema: &TableSchema, setting: &Setting) -> String {
    format!("{}.{}", schema.name, setting.key)
}

fn pairs() -> impl Iterator<Item = (&'static TableSchema, &'static Setting)> {
    const TABLES_REF: &[TableSchema] = &TABLES;
    TABLES_REF.iter().flat_map(|schema| schema.settings.iter().map(move |setting| (schema, setting)))
}

fn variable(table: &str, key: &str) -> String {
    format!("{}__{}", table.to_uppercase(), key.to_uppercase())
}

fn find(rest: &str) -> Option<(&'static TableSchema, &'static Setting)> {
    pairs().find(|(schema, setting)| variable(schema.name, setting.key) == rest)
}

fn unknown_hint(rest: &str) -> Option<String> {
    let table = rest.split("__").next().unwrap_or_default();
    let Some(schema) = TABLES.iter().find(|schema| schema.name.to_uppercase() == table) else {
        let tables = listed(super::table_names());
        return Some(format!("only the tables {tables} can be set here, for example `{PREFIX}HTTP__LISTEN`"));
    };
    let names: Vec<String> =
        schema.keys.known.iter().map(|key| format!("{PREFIX}{}", variable(schema.name, key))).collect();
    suggestion(&format!("{PREFIX}{rest}"), "known", names.iter().map(String::as_str))
}
