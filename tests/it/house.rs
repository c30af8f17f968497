//! The house rules that no compiler knows: who imports whom, and who may know what.
//!
//! Sources are read as tokens, so that neither a line break, a comment, a text nor a full path hides a name.

mod source;

use std::collections::BTreeSet;

use source::{Source, sources};

/// The import table of `src/lib.rs`, lowest rank first.
const RANKS: &[&[&str]] = &[
    &["event", "clock", "secret", "json", "sheet", "threads", "words", "client"],
    &["run", "issue", "delivery", "message"],
    &["sentry", "routing", "render", "sample", "preview", "telemetry"],
    &["store", "notify"],
    &["http", "dispatch"],
    &["config"],
    &["check"],
    &["app"],
    &["demo", "doctor"],
    &["cli"],
];

/// Imports between equal ranks that the house allows.
const NEIGHBOURS: &[(&str, &str)] = &[("sample", "sentry")];

fn rank(family: &str) -> Option<usize> {
    RANKS.iter().position(|rank| rank.contains(&family))
}

fn may_import(family: &str, other: &str) -> bool {
    family == other || rank(other) < rank(family) || NEIGHBOURS.contains(&(family, other))
}

/// Every import of one family by another that the table does not allow; unit tests are no exception.
fn forbidden_imports(source: &Source) -> Vec<String> {
    let is_forbidden = |other: &&String| rank(other).is_some() && !may_import(&source.family, other);
    let imports = source.imports();
    let forbidden = imports.iter().filter(is_forbidden);
    forbidden.map(|family| format!("{}: imports `{family}`", source.place_of(family))).collect()
}

#[test]
fn every_file_imports_only_from_lower_ranks_or_its_own_family() {
    let faults: Vec<String> =
        sources().iter().filter(|source| source.family != "lib").flat_map(forbidden_imports).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_way_of_writing_an_import_hides_it() {
    for hidden in [
        "use crate::dispatch::Rules;",
        "use crate::{\n    clock::Clock,\n    dispatch::{pace, Rules},\n};",
        "use crate :: {store, dispatch as other};",
        "fn f() -> crate::dispatch::Rules { todo!() }",
        "mod inner { fn f() { super::super::super::dispatch::pace(); } }",
        "use super::{body, super::dispatch};",
        "#[cfg(test)]\nmod tests { use crate::dispatch::Rules; }",
        "macro_rules! m { () => { $crate::dispatch::Rules } }",
    ] {
        let source = Source::new("http/webhook.rs", hidden);
        assert_eq!(forbidden_imports(&source).len(), 1, "{hidden}");
    }
    for harmless in [
        "// use crate::dispatch::Rules;\n/// crate::dispatch\nconst A: &str = \"crate::dispatch\";",
        "use crate::store::Queue;\nuse super::body::read;\nuse super::super::http::AppState;",
    ] {
        assert_eq!(forbidden_imports(&Source::new("http/webhook.rs", harmless)), [""; 0], "{harmless}");
    }
}

#[test]
fn the_table_of_the_crate_doc_names_every_module_in_its_rank() {
    let lib = source::read("src/lib.rs");
    let declared: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let ranked: BTreeSet<&str> = RANKS.iter().copied().flatten().copied().collect();
    assert_eq!(declared, ranked, "what `src/lib.rs` declares, and what stands in a rank here");
    for (number, families) in RANKS.iter().enumerate() {
        let row = lib.lines().find(|line| line.starts_with(&format!("//! | {number} |"))).unwrap();
        let members = row.split("[`").skip(1).map(|rest| rest.split('`').next().unwrap());
        let missing: Vec<_> =
            families.iter().filter(|family| !row.contains(&format!("[`{family}`]"))).collect();
        assert!(missing.is_empty(), "{missing:?} are missing in row {number}");
        let strangers: Vec<_> = members.into_iter().filter(|member| !families.contains(member)).collect();
        assert!(strangers.is_empty(), "{strangers:?} do not belong in row {number}");
    }
}

/// Names that only some files may use, and which.
const KNOWLEDGE: &[(&str, &[&str])] = &[
    ("rusqlite::", &["store/"]),
    ("hyper::", &["client"]),
    ("hyper_util::", &["client"]),
    ("actix_web::", &["http.rs", "http/", "app.rs", "demo/"]),
    ("std::env", &["config/environment.rs"]),
    ("stdout(", &["main.rs", "cli.rs", "cli/demo.rs", "cli/export/sink.rs"]),
    ("ExitCode", &["main.rs"]),
    ("process::exit", &[]),
];

/// Every use of a name outside the rooms that may know it.
fn trespasses(source: &Source) -> Vec<String> {
    let is_outside = |rooms: &[&str]| !rooms.iter().any(|room| source.inside.starts_with(room));
    let outside = KNOWLEDGE.iter().filter(|(name, rooms)| is_outside(rooms) && source.uses(name));
    let told = outside.map(|(name, rooms)| {
        let place = source.place_of(name.split(['(', ':']).next().unwrap());
        format!("{place}: `{name}` belongs into {rooms:?}")
    });
    told.collect()
}

#[test]
fn only_the_right_rooms_know_sql_http_the_environment_and_the_terminal() {
    let faults: Vec<String> = sources().iter().flat_map(trespasses).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_way_of_writing_a_name_hides_it() {
    for (hidden, name) in [
        ("use std::{env, fs};", "std::env"),
        ("let home = std::env::var_os(\"HOME\");", "std::env"),
        ("use {rusqlite::Connection, std::fs};", "rusqlite::"),
        ("use std::process::{self, ExitCode};", "ExitCode"),
        ("hyper :: body()", "hyper::"),
    ] {
        let faults = trespasses(&Source::new("routing.rs", hidden));
        assert!(faults.iter().any(|fault| fault.contains(name)), "{hidden}: {faults:?}");
    }
    let harmless =
        Source::new("routing.rs", "//! rusqlite::\nconst A: &str = \"std::env\"; fn my_stdout() {}");
    assert_eq!(trespasses(&harmless), [""; 0]);
}

#[test]
fn what_is_proven_cannot_be_made_by_hand() {
    for (file, name) in [("sentry/signature.rs", "VerifiedWebhook"), ("sentry/payload.rs", "AcceptedEvent")] {
        let source = sources().into_iter().find(|source| source.inside == file).unwrap();
        let fields = source.fields_of(name);
        assert!(!fields.is_empty() && fields.iter().all(|field| !field.is_public), "{fields:?} of {name}");
        let derived = source.derives_of(name);
        assert!(
            !derived.iter().any(|each| each == "Default" || each == "Deserialize"),
            "{derived:?} of {name}"
        );
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for source in sources() {
        assert!(source.text.starts_with("//!"), "src/{}", source.inside);
    }
}
