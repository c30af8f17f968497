//! Every setting of the six tables: its key, an example, and what a value has to be.

use tracing::level_filters::LevelFilter;
use url::Url;

use crate::config::reader::Keys;
use crate::config::values::{self, DurationRange, Problem};
use crate::telemetry::LogFormat;
use crate::words::quoted;

/// One setting that is text in every layer. `http.token`, a secret, stands apart.
pub(super) struct Setting {
    /// Its key.
    pub(super) key: &'static str,
    /// A value as the file has it, with quotes.
    pub(super) example: &'static str,
    /// Whether a value is one.
    pub(super) check: fn(&str) -> Result<(), Problem>,
    /// What a table in the file may name instead, each with a value of its own; empty where only text is allowed.
    pub(super) parts: &'static [&'static str],
}

/// The stages that may be at work, as `watch.stall_after` names them.
pub(in crate::config) const STAGES: &[&str] = &["root_cause", "solution", "coding", "iteration"];

/// One table.
pub(super) struct TableSchema {
    /// Its name.
    pub(super) name: &'static str,
    /// Its keys.
    pub(super) keys: Keys,
    /// Its settings.
    pub(super) settings: &'static [Setting],
}

const fn keys(known: &'static [&'static str]) -> Keys {
    Keys { known, later: &[], elsewhere: &[] }
}

macro_rules! setting {
    ($key:literal, $example:literal, $check:expr) => {
        Setting { key: $key, example: concat!("\"", $example, "\""), check: $check, parts: &[] }
    };
}

/// The six tables.
pub(super) const TABLES: [TableSchema; 6] = [
    TableSchema {
        name: "http",
        keys: keys(&["listen", "public_url", "max_body", "token"]),
        settings: &[
            setting!("listen", "127.0.0.1:8080", |text| values::listen(text).map(drop)),
            setting!("public_url", "https://relay.acme.dev", |text| public_url(text).map(drop)),
            setting!("max_body", "10 MiB", |text| values::size(text, &values::MAX_BODY).map(drop)),
        ],
    },
    TableSchema {
        name: "store",
        keys: keys(&["url", "retention", "payload_retention"]),
        settings: &[
            setting!("url", "sqlite:data/relay.db", |text| values::store_path(text).map(drop)),
            setting!("retention", "90d", |text| duration(text, values::RETENTION)),
            setting!("payload_retention", "30d", |text| duration(text, values::PAYLOAD_RETENTION)),
        ],
    },
    TableSchema { name: "templates", keys: keys(&["dir"]), settings: &[setting!("dir", "templates", path)] },
    TableSchema {
        name: "delivery",
        keys: keys(&[
            "retry_min",
            "retry_max",
            "give_up_after",
            "attempt_timeout",
            "stop_grace",
            "dedupe_window",
            "ca_file",
        ]),
        settings: &[
            setting!("retry_min", "1s", |text| duration(text, values::RETRY)),
            setting!("retry_max", "10m", |text| duration(text, values::RETRY)),
            setting!("give_up_after", "24h", |text| duration(text, values::GIVE_UP)),
            setting!("attempt_timeout", "10s", |text| duration(text, values::TIMEOUT)),
            setting!("stop_grace", "8s", |text| duration(text, values::STOP_GRACE)),
            setting!("dedupe_window", "20m", |text| duration(text, values::DEDUPE)),
            setting!("ca_file", "secrets/ca.pem", path),
        ],
    },
    TableSchema {
        name: "watch",
        keys: keys(&["stall_after", "silent_after"]),
        settings: &[
            Setting { parts: STAGES, ..setting!("stall_after", "30m", |text| duration(text, values::STALL)) },
            setting!("silent_after", "off", |text| duration(text, values::SILENT)),
        ],
    },
    TableSchema {
        name: "log",
        keys: keys(&["format", "level"]),
        settings: &[
            setting!("format", "text", format),
            setting!("level", "info", |text| level(text).map(drop)),
        ],
    },
];

/// Returns the names of the six tables.
pub(crate) fn table_names() -> impl Iterator<Item = &'static str> + Clone {
    TABLES.iter().map(|table| table.name)
}

/// Returns every key with its table: `http.listen`.
#[cfg(test)]
pub(in crate::config) fn known_keys() -> impl Iterator<Item = String> {
    TABLES.iter().flat_map(|table| table.keys.known.iter().map(|key| format!("{}.{key}", table.name)))
}

/// Returns the table that has a key.
pub(crate) fn table_of(key: &str) -> Option<&'static str> {
    TABLES.iter().find(|table| table.keys.known.contains(&key)).map(|table| table.name)
}

fn duration(text: &str, range: DurationRange) -> Result<(), Problem> {
    values::duration(text, range).map(drop)
}

fn path(text: &str) -> Result<(), Problem> {
    if text.is_empty() || text.contains('\0') {
        return Err(Problem::invalid("is not a path", "write a path relative to the config folder"));
    }
    Ok(())
}

fn format(text: &str) -> Result<(), Problem> {
    text.parse::<LogFormat>().map(drop).map_err(|_| {
        Problem::invalid(
            format!("is {}, which is not a format", quoted(text)),
            "write `\"text\"` or `\"json\"`",
        )
    })
}

/// Reads the relay's own address.
pub(super) fn public_url(text: &str) -> Result<Url, Problem> {
    values::page_url(text, "https://relay.acme.dev")
}

/// Reads a log level.
pub(super) fn level(text: &str) -> Result<LevelFilter, Problem> {
    match text {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(Problem::invalid(
            format!("is {}, which is not a level", quoted(text)),
            "write `\"error\"`, `\"warn\"`, `\"info\"`, `\"debug\"` or `\"trace\"`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::organizations;
    use crate::config::settings::DEFAULT;

    #[test]
    fn the_reference_names_every_setting_and_no_other() {
        let mut header = String::new();
        let mut found = Vec::new();
        for line in DEFAULT.lines() {
            if let Some(name) = line.strip_prefix('[') {
                name.trim_end_matches(']').clone_into(&mut header);
            }
            let line = line.strip_prefix("# ").unwrap_or(line);
            if let Some(name) = line.strip_prefix("[sentry.") {
                header = format!("sentry.{}", name.trim_end_matches(']'));
            }
            if let Some((key, _)) = line.split_once(" = ")
                && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            {
                found.push(format!("{header}.{key}"));
            }
        }
        let organization = organizations::KEYS.known.iter().map(|key| format!("sentry.acme.{key}"));
        let known: Vec<String> = known_keys().chain(organization).collect();
        assert_eq!(found, known);
    }

    #[test]
    fn every_default_and_every_example_passes_its_own_check() {
        let default: toml::Table = DEFAULT.parse().expect("default.toml is TOML");
        for table in &TABLES {
            for setting in table.settings {
                let example = setting.example.trim_matches('"');
                assert_eq!((setting.check)(example), Ok(()), "{}.{}", table.name, setting.key);
                if let Some(value) = default[table.name].get(setting.key) {
                    assert_eq!((setting.check)(value.as_str().expect("text")), Ok(()));
                    assert_eq!(value.as_str(), Some(example), "{}.{}", table.name, setting.key);
                } else {
                    assert!(
                        ["public_url", "payload_retention", "ca_file"].contains(&setting.key),
                        "{}",
                        setting.key
                    );
                }
            }
        }
    }
}
