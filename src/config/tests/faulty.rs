//! Small faulty folders, each named by its fault.

mod destinations;
mod fallbacks;
mod files;
mod mentions;
mod mutes;
mod organizations;
mod routes;
mod settings;

use super::{RELAY, ROUTES, environment, faults, file_name, folder};

/// What stands in for a file: the sound one, or this text.
#[derive(Clone, Copy)]
enum Text {
    /// The sound `relay.toml`, with this below it.
    Relay(&'static str),
    /// This `relay.toml` alone.
    WholeRelay(&'static str),
    /// The sound `routes.toml`, with this below it.
    Routes(&'static str),
    /// This `routes.toml` alone.
    WholeRoutes(&'static str),
}
use Text::{Relay, Routes, WholeRelay, WholeRoutes};

/// Name, file, line, code, part of the message, part of the hint. Lines count from the top of the file: the sound
/// `relay.toml` has 2, the sound `routes.toml` 5.
type Case = (&'static str, Text, usize, &'static str, &'static str, &'static str);

fn cases() -> impl Iterator<Item = &'static Case> {
    let of_routes = [destinations::CASES, fallbacks::CASES, routes::CASES, mutes::CASES, mentions::CASES];
    [files::CASES, settings::CASES, organizations::CASES].into_iter().chain(of_routes).flatten()
}

/// Returns both files of a case, and which of them is faulty.
fn files_of(text: Text) -> (String, String, &'static str) {
    match text {
        Relay(more) => (format!("{RELAY}{more}"), ROUTES.to_owned(), "relay.toml"),
        WholeRelay(whole) => (whole.to_owned(), ROUTES.to_owned(), "relay.toml"),
        Routes(more) => (RELAY.to_owned(), format!("{ROUTES}{more}"), "routes.toml"),
        WholeRoutes(whole) => (RELAY.to_owned(), whole.to_owned(), "routes.toml"),
    }
}

/// Returns of every case its name and code, and the faulty file's name and text.
pub(super) fn each_file() -> impl Iterator<Item = (&'static str, &'static str, &'static str, String)> {
    cases().map(|(name, text, _, code, ..)| {
        let (relay, routes, file) = files_of(*text);
        (*name, *code, file, if file == "relay.toml" { relay } else { routes })
    })
}

/// Returns what is not as the case says.
fn judge((name, text, line, code, message, hint): &Case) -> Option<String> {
    let (relay, routes, file) = files_of(*text);
    let found = faults(folder(&relay, &routes).path(), &environment(&[]));
    let [fault] = found.as_slice() else { return Some(format!("{name}: not one fault: {found:#?}")) };
    let is_right = fault.code == *code
        && file_name(fault) == file
        && fault.line.unwrap_or(0) == *line
        && fault.message.contains(message)
        && fault.hint.as_ref().is_some_and(|text| text.contains(hint));
    let is_plain =
        !fault.message.ends_with('.') && !fault.message.contains('\n') && !fault.to_string().contains("pw@");
    (!is_right || !is_plain).then(|| format!("{name}: {fault:#?}"))
}

#[test]
fn every_faulty_folder_is_told_what_is_wrong_where_and_how_to_mend_it() {
    assert!(cases().count() >= 40);
    let wrong: Vec<String> = cases().filter_map(judge).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_names_of_the_faulty_folders_are_their_own() {
    let mut names: Vec<&str> = cases().map(|case| case.0).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases().count());
}

#[test]
fn the_column_is_that_of_the_key_or_of_the_element() {
    let routes =
        format!("{ROUTES}  [[route]]\n  name = \"ü\"\n  to = [\"backend\", \"nobody\"]\n  othrwise = true\n");
    let found = faults(folder(RELAY, &routes).path(), &environment(&[]));
    let places: Vec<_> = found.iter().map(|fault| (fault.line, fault.column)).collect();
    assert_eq!(places, [(Some(8), Some(20)), (Some(9), Some(3))]);
}

#[test]
fn all_faults_of_both_files_and_the_environment_are_told_at_once() {
    let relay = "[http]\nlisten = 80\nmax_bdy = \"1 MiB\"\n[delivery]\nretry_min = \"soon\"\n[sentry.acme]\n";
    let routes = "[slack.a]\nbuttons = 1\n[[route]]\nto = [\"b\"]\nwhen = { repos = \"x\" }\n";
    let environment = environment(&[("SEER_RELAY__LOG__LEVL", "info"), ("SEER_RELAY__HTTP__MAX_BODY", "1")]);
    let found = faults(folder(relay, routes).path(), &environment);
    let codes: Vec<_> =
        found.iter().map(|fault| (file_name(fault), fault.line.unwrap_or(0), fault.code)).collect();
    assert_eq!(
        codes,
        [
            ("", 0, "out_of_range"),
            ("", 0, "unknown_variable"),
            ("relay.toml", 2, "wrong_type"),
            ("relay.toml", 3, "unknown_key"),
            ("relay.toml", 5, "invalid_value"),
            ("relay.toml", 6, "missing_key"),
            ("routes.toml", 1, "missing_key"),
            ("routes.toml", 2, "wrong_type"),
            ("routes.toml", 4, "unknown_destination"),
            ("routes.toml", 5, "unknown_condition"),
        ]
    );
}

#[test]
fn a_syntax_error_in_one_file_does_not_hide_the_faults_of_the_other() {
    let found =
        faults(folder("[http\n", &format!("{ROUTES}[[route]]\nto = [\"x\"]\n")).path(), &environment(&[]));
    let codes: Vec<_> = found.iter().map(|fault| (file_name(fault), fault.code)).collect();
    assert_eq!(codes, [("relay.toml", "toml_syntax"), ("routes.toml", "unknown_destination")]);
    let found = faults(folder("[htpt]\n", "[[route\n").path(), &environment(&[]));
    let codes: Vec<_> = found.iter().map(|fault| (file_name(fault), fault.code)).collect();
    assert_eq!(
        codes,
        [("relay.toml", "no_organization"), ("relay.toml", "unknown_table"), ("routes.toml", "toml_syntax")]
    );
}
