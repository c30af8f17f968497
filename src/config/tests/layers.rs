//! Defaults, `relay.toml` and the environment over each other.

use std::time::Duration;

use secrecy::ExposeSecret;
use tracing::level_filters::LevelFilter;

use super::{RELAY, ROOT, ROUTES, environment, faults, folder, load};
use crate::config::{Config, Environment};
use crate::telemetry::LogFormat;

#[test]
fn without_a_word_the_defaults_hold() {
    let config = load(RELAY, ROUTES).expect("sound");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.public_url, None);
    assert_eq!(config.http.max_body_bytes, 10 * 1024 * 1024);
    assert!(config.http.token.is_none());
    assert!(config.store.path.is_absolute() && config.store.path.ends_with("data/relay.db"));
    assert_eq!(config.store.retention, Duration::from_hours(90 * 24));
    assert!(config.templates.dir.is_absolute() && config.templates.dir.ends_with("templates"));
    assert!(!config.templates.dir_is_explicit);
    assert_eq!(config.delivery.retry_min, Duration::from_secs(1));
    assert_eq!(config.delivery.retry_max, Duration::from_mins(10));
    assert_eq!(config.delivery.give_up_after, Duration::from_hours(24));
    assert_eq!(config.delivery.attempt_timeout, Duration::from_secs(10));
    assert_eq!(config.delivery.stop_grace, Duration::from_secs(8));
    assert_eq!(config.delivery.dedupe_window, Duration::from_mins(20));
    assert_eq!(config.delivery.ca_file, None);
    assert_eq!((config.log.format, config.log.level), (LogFormat::Text, LevelFilter::INFO));
}

#[test]
fn the_file_wins_over_the_default_and_the_environment_over_the_file() {
    let relay = format!(
        "{RELAY}[http]\nlisten = \"127.0.0.1:1\"\nmax_body = \"1 MiB\"\n[delivery]\nretry_max = \"2m\"\n"
    );
    let dir = folder(&relay, ROUTES);
    let environment = environment(&[
        ("SEER_RELAY__HTTP__LISTEN", "0.0.0.0:8080"),
        ("SEER_RELAY__LOG__FORMAT", "json"),
        ("SEER_RELAY__DELIVERY__DEDUPE_WINDOW", "off"),
    ]);
    let config = Config::load(dir.path(), &environment).expect("sound");
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.http.max_body_bytes, 1024 * 1024);
    assert_eq!(config.delivery.retry_max, Duration::from_mins(2));
    assert_eq!(config.delivery.dedupe_window, Duration::ZERO);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn every_setting_can_come_from_the_environment() {
    let dir = folder(RELAY, ROUTES);
    std::fs::create_dir(dir.path().join("mine")).expect("makes a folder");
    std::fs::write(dir.path().join("ca.pem"), ROOT).expect("writes");
    let environment = environment(&[
        ("SEER_RELAY__HTTP__LISTEN", "[::1]:1"),
        ("SEER_RELAY__HTTP__PUBLIC_URL", "https://relay.acme.dev"),
        ("SEER_RELAY__HTTP__MAX_BODY", "64 KiB"),
        ("SEER_RELAY__HTTP__TOKEN", "from the environment"),
        ("SEER_RELAY__STORE__URL", "sqlite:/var/lib/relay.db"),
        ("SEER_RELAY__STORE__RETENTION", "1h"),
        ("SEER_RELAY__TEMPLATES__DIR", "mine"),
        ("SEER_RELAY__DELIVERY__RETRY_MIN", "1ms"),
        ("SEER_RELAY__DELIVERY__RETRY_MAX", "1ms"),
        ("SEER_RELAY__DELIVERY__GIVE_UP_AFTER", "1s"),
        ("SEER_RELAY__DELIVERY__ATTEMPT_TIMEOUT", "100ms"),
        ("SEER_RELAY__DELIVERY__STOP_GRACE", "0s"),
        ("SEER_RELAY__DELIVERY__DEDUPE_WINDOW", "7d"),
        ("SEER_RELAY__DELIVERY__CA_FILE", "ca.pem"),
        ("SEER_RELAY__LOG__FORMAT", "json"),
        ("SEER_RELAY__LOG__LEVEL", "trace"),
    ]);
    let config = Config::load(dir.path(), &environment).expect("sound");
    assert_eq!(config.http.token.expect("a token").expose_secret(), "from the environment");
    assert_eq!(config.store.path.to_str(), Some("/var/lib/relay.db"));
    assert!(config.templates.dir_is_explicit);
    assert_eq!(config.templates.dir, dir.path().join("mine"));
    assert_eq!(config.delivery.ca_file, Some(dir.path().join("ca.pem")));
    assert_eq!(config.destinations[0].timeout, Duration::from_millis(100));
    assert_eq!(config.warnings, []);
}

#[test]
fn a_fault_of_the_environment_names_the_variable() {
    let dir = folder(RELAY, ROUTES);
    for (name, value, code, message, hint) in [
        (
            "SEER_RELAY__HTTP__LISTN",
            "x",
            "unknown_variable",
            "names no setting",
            "did you mean `SEER_RELAY__HTTP__LISTEN`",
        ),
        (
            "SEER_RELAY__SENTRY__ACME__BASE_URL",
            "x",
            "unknown_variable",
            "names no setting",
            "only the tables `delivery`, `http`",
        ),
        ("SEER_RELAY__", "x", "unknown_variable", "names no setting", "SEER_RELAY__HTTP__LISTEN"),
        ("SEER_RELAY__HTTP", "x", "unknown_variable", "names no setting", "SEER_RELAY__HTTP__"),
        (
            "SEER_RELAY__HTTP__listen",
            "x",
            "unknown_variable",
            "names no setting",
            "`SEER_RELAY__HTTP__LISTEN`",
        ),
        ("SEER_RELAY__HTTP__LISTEN", "x", "invalid_value", "`http.listen` is `x`", "127.0.0.1:8080"),
        ("SEER_RELAY__STORE__RETENTION", "1m", "out_of_range", "outside `1h`", "90d"),
        ("SEER_RELAY__TEMPLATES__DIR", "nowhere", "folder_missing", "`nowhere`", "built-in"),
        (
            "SEER_RELAY__DELIVERY__RETRY_MAX",
            "1ms",
            "out_of_range",
            "`delivery.retry_min` is `1s`",
            "first pause",
        ),
    ] {
        let found = faults(dir.path(), &environment(&[(name, value)]));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!((found[0].code, found[0].file.as_ref(), found[0].line), (code, None, None), "{found:?}");
        assert!(found[0].message.starts_with(&format!("environment variable `{name}`: ")), "{found:?}");
        assert!(found[0].message.contains(message), "{found:?}");
        assert!(found[0].hint.as_ref().is_some_and(|text| text.contains(hint)), "{found:?}");
    }
}

#[test]
fn names_with_one_underscore_and_empty_values_are_none_of_ours() {
    let dir = folder(RELAY, ROUTES);
    let environment = environment(&[
        ("SEER_RELAY_CONFIG_DIR", "elsewhere"),
        ("SEER_RELAY_TOKEN", "x"),
        ("SEER_RELAY__HTTP__LISTEN", ""),
        ("SEER_RELAY__HTTP__PUBLIC_URL", ""),
    ]);
    let config = Config::load(dir.path(), &environment).expect("sound");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.public_url, None);
}

#[test]
fn a_faulty_layer_does_not_hide_the_faults_of_another_setting() {
    let relay =
        format!("{RELAY}[delivery]\nretry_min = \"11m\"\nca_file = \"nowhere\"\n[log]\nlevel = \"x\"\n");
    let codes: Vec<_> =
        faults(folder(&relay, ROUTES).path(), &environment(&[])).iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["out_of_range", "file_unreadable", "invalid_value"]);
}

#[test]
fn the_environment_of_the_process_can_be_read() {
    assert!(!format!("{:?}", Environment::of_process()).is_empty());
}
