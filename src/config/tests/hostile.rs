//! Folders that nobody meant to write: no input makes the reader panic.

use std::path::Path;

use proptest::prelude::*;

use super::{RELAY, ROUTES, environment, faults, file_name, folder};
use crate::config::settings::DEFAULT;
use crate::config::{Config, Environment};

const EXAMPLE_RELAY: &str = include_str!("../../../config/relay.toml");
const EXAMPLE_ROUTES: &str = include_str!("../../../config/routes.toml");

fn codes(dir: &Path) -> Vec<(String, &'static str)> {
    faults(dir, &environment(&[])).iter().map(|fault| (file_name(fault).to_owned(), fault.code)).collect()
}

#[test]
fn a_missing_folder_names_init() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let found = faults(&parent.path().join("config"), &environment(&[]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].code, "folder_missing");
    assert!(found[0].hint.as_ref().is_some_and(|hint| hint.contains("seer-relay init ")));
}

#[test]
fn a_file_in_place_of_the_folder_is_told() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let path = parent.path().join("config");
    std::fs::write(&path, RELAY).expect("writes");
    let found = faults(&path, &environment(&[]));
    assert_eq!((found[0].code, found.len()), ("folder_missing", 1));
    assert!(found[0].message.ends_with("is not a folder"));
}

#[test]
fn a_missing_file_says_what_to_write_and_hides_nothing_of_the_other() {
    let dir = folder(RELAY, ROUTES);
    std::fs::remove_file(dir.path().join("relay.toml")).expect("removes");
    assert_eq!(codes(dir.path()), [("relay.toml".to_owned(), "file_missing")]);
    let dir = folder("[htpt]\n", ROUTES);
    std::fs::remove_file(dir.path().join("routes.toml")).expect("removes");
    let found = codes(dir.path());
    let found: Vec<(&str, &str)> = found.iter().map(|(file, code)| (file.as_str(), *code)).collect();
    assert_eq!(
        found,
        [("relay.toml", "no_organization"), ("relay.toml", "unknown_table"), ("routes.toml", "file_missing")]
    );
}

#[test]
fn a_folder_in_place_of_a_file_and_a_file_that_is_no_text_are_told() {
    let dir = folder(RELAY, ROUTES);
    std::fs::remove_file(dir.path().join("relay.toml")).expect("removes");
    std::fs::create_dir(dir.path().join("relay.toml")).expect("makes a folder");
    std::fs::write(dir.path().join("routes.toml"), b"[slack.a]\nx = \"\xff\xfe\"\n").expect("writes");
    let found = faults(dir.path(), &environment(&[]));
    let messages: Vec<&str> = found.iter().map(|fault| fault.message.as_str()).collect();
    assert!(messages[0].ends_with("relay.toml` is not a file"), "{messages:?}");
    assert!(messages[1].ends_with("routes.toml` is not UTF-8 text"), "{messages:?}");
    assert_eq!((found[1].line, found[1].column), (Some(2), Some(6)));
    assert_eq!(found.len(), 2);
}

#[test]
fn a_file_in_place_of_the_templates_is_told_though_no_key_names_it() {
    let dir = folder(RELAY, ROUTES);
    std::fs::write(dir.path().join("templates"), "x").expect("writes");
    assert_eq!(codes(dir.path()), [("templates".to_owned(), "folder_missing")]);
}

#[test]
fn certificates_that_cannot_be_trusted_are_told_as_serve_would() {
    let dir = folder(&format!("{RELAY}[delivery]\nca_file = \"ca.pem\"\n"), ROUTES);
    let broken = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n";
    for (content, what) in [("no certificate", "no certificate in it"), (broken, "BadEncoding")] {
        std::fs::write(dir.path().join("ca.pem"), content).expect("writes");
        let found = faults(dir.path(), &environment(&[]));
        assert!(found[0].message.contains(what), "{found:?}");
        assert_eq!((found[0].code, found[0].line), ("invalid_value", Some(4)));
    }
}

#[test]
fn a_file_that_may_not_be_read_is_told() {
    let dir = folder(RELAY, ROUTES);
    // Root may read everything, but nobody a link that leads to itself.
    let path = dir.path().join("routes.toml");
    std::fs::remove_file(&path).expect("removes");
    std::os::unix::fs::symlink("routes.toml", &path).expect("links");
    assert_eq!(codes(dir.path()), [("routes.toml".to_owned(), "file_unreadable")]);
}

#[test]
fn a_file_without_measure_is_refused_before_it_is_read_whole() {
    let dir = folder(&format!("{RELAY}#{}\n", "x".repeat(1024 * 1024)), ROUTES);
    assert_eq!(codes(dir.path()), [("relay.toml".to_owned(), "file_unreadable")]);
}

#[test]
fn byte_order_marks_and_windows_line_ends_are_read() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let dir = folder(&windows(EXAMPLE_RELAY), &windows(EXAMPLE_ROUTES));
    assert!(Config::load(dir.path(), &environment(&[])).is_ok());
}

#[test]
fn empty_files_lack_an_organization_and_nothing_else() {
    assert_eq!(codes(folder("", "").path()), [("relay.toml".to_owned(), "no_organization")]);
}

#[test]
fn deep_nesting_and_long_keys_end_in_faults() {
    for text in [
        format!("a = {}", "[".repeat(200_000)),
        format!("{} = 1\n", vec!["a"; 100_000].join(".")),
        format!("[{}]\n", vec!["a"; 100_000].join(".")),
        format!("{} = 1\n", "k".repeat(500_000)),
        format!("[http]\n{}", "x = 1\n".repeat(50_000)),
    ] {
        let found = Config::load(folder(&text, &text).path(), &environment(&[])).expect_err("faulty");
        assert!(found.faults.iter().all(|fault| fault.to_string().len() < 2_000));
    }
}

/// A text with a few pieces cut out, doubled or replaced.
fn mangled(text: &'static str) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[\\[\\]{}=\"'#.,\n\t \\\\a-z0-9*?_-]{0,12}",
        Just("[[route]]\n".to_owned()),
        Just("{ env = ".to_owned()),
        Just("[slack.".to_owned()),
        Just("= [[[[".to_owned()),
        any::<String>(),
    ];
    let edit = (any::<prop::sample::Index>(), 0..40_usize, piece);
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut characters: Vec<char> = text.chars().collect();
        for (index, length, piece) in edits {
            let from = index.index(characters.len() + 1);
            let to = (from + length).min(characters.len());
            characters.splice(from..to, piece.chars());
        }
        characters.into_iter().collect()
    })
}

fn load_all(relay: &[u8], routes: &[u8], environment: &Environment) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("relay.toml"), relay).expect("writes");
    std::fs::write(dir.path().join("routes.toml"), routes).expect("writes");
    if let Err(found) = Config::load(dir.path(), environment) {
        assert!(!found.faults.is_empty());
        assert!(!found.to_string().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_of_the_examples_panics(relay in mangled(EXAMPLE_RELAY), routes in mangled(EXAMPLE_ROUTES)) {
        load_all(relay.as_bytes(), routes.as_bytes(), &environment(&[]));
    }

    #[test]
    fn no_edit_of_the_reference_panics(relay in mangled(DEFAULT)) {
        load_all(relay.as_bytes(), ROUTES.as_bytes(), &environment(&[]));
    }

    #[test]
    fn no_bytes_panic(relay in prop::collection::vec(any::<u8>(), 0..200), routes in any::<String>()) {
        load_all(&relay, routes.as_bytes(), &environment(&[]));
    }

    #[test]
    fn no_variable_panics(name in "(HTTP|STORE|LOG|DELIVERY|TEMPLATES|[A-Z_]{0,5})(__[A-Z_.]{0,12})?", value in any::<String>()) {
        let name = format!("SEER_RELAY__{name}");
        load_all(RELAY.as_bytes(), ROUTES.as_bytes(), &environment(&[(name.as_str(), value.as_str())]));
    }
}
