//! The house rules that no compiler knows: who imports whom, and who may know what.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// The import table of `src/lib.rs`, lowest rank first.
const RANKS: &[&[&str]] = &[
    &["event", "clock", "secret", "json"],
    &["run", "delivery", "message"],
    &["sentry", "routing", "render", "sample", "preview", "telemetry"],
    &["store", "notify"],
    &["http", "dispatch"],
    &["config"],
    &["check"],
    &["app"],
    &["demo"],
    &["cli"],
];

/// Imports between equal ranks that the house allows.
const NEIGHBOURS: &[(&str, &str)] = &[("sample", "sentry")];

struct Source {
    path: PathBuf,
    family: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
                let family = first.trim_end_matches(".rs").to_owned();
                sources.push(Source { family, text: read_to_string(&path).unwrap(), path });
            }
        }
    }
    assert!(sources.len() > 20, "the sources were found");
    sources
}

fn rank(family: &str) -> usize {
    RANKS
        .iter()
        .position(|rank| rank.contains(&family))
        .unwrap_or_else(|| panic!("`{family}` stands in no rank: add it here and to src/lib.rs"))
}

/// The code of a file without its unit tests, by line number.
fn code(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source
        .text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line))
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The families that a line names by `crate::…`, in braces too.
fn imported(line: &str) -> Vec<String> {
    line.split("crate::")
        .skip(1)
        .flat_map(|rest| {
            let names = rest.strip_prefix('{').map_or(rest, |list| list);
            let split = if rest.starts_with('{') { ',' } else { '\u{0}' };
            names.split(split).map(first_name).collect::<Vec<_>>()
        })
        .filter(|name| !name.is_empty() && name.chars().all(|each| each.is_lowercase() || each == '_'))
        .collect()
}

fn first_name(text: &str) -> String {
    text.trim().chars().take_while(|each| each.is_alphanumeric() || *each == '_').collect()
}

#[test]
fn every_file_imports_only_from_lower_ranks_or_its_own_family() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !["lib", "main"].contains(&source.family.as_str())) {
        for (number, line) in code(source) {
            for family in imported(line) {
                let known = RANKS.iter().any(|rank| rank.contains(&family.as_str()));
                let allowed = !known
                    || family == source.family
                    || rank(&family) < rank(&source.family)
                    || NEIGHBOURS.contains(&(source.family.as_str(), family.as_str()));
                if !allowed {
                    faults.push(format!("{}:{number}: imports `{family}`", source.path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_family_stands_in_the_table_of_the_crate_doc() {
    let text = read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for (number, families) in RANKS.iter().enumerate() {
        let row = text.lines().find(|line| line.starts_with(&format!("//! | {number} |"))).unwrap();
        for family in *families {
            assert!(row.contains(&format!("[`{family}`]")), "`{family}` is missing in row {number}");
        }
    }
}

/// Names that only some files may use, and which.
const KNOWLEDGE: &[(&str, &[&str])] = &[
    ("rusqlite", &["store/"]),
    ("reqwest", &["notify/"]),
    ("actix_web", &["http.rs", "http/", "app.rs", "demo/"]),
    ("std::env::vars", &["config/", "config.rs"]),
    ("std::env::var", &["config/", "config.rs"]),
    ("stdout()", &["main.rs", "cli.rs", "cli/demo.rs"]),
    ("println!", &[]),
    ("ExitCode", &["main.rs"]),
    ("process::exit", &[]),
];

#[test]
fn only_the_right_rooms_know_sql_http_and_the_environment() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for source in sources() {
        let inside = source.path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        for (number, line) in code(&source) {
            for (word, rooms) in KNOWLEDGE {
                if line.contains(word) && !rooms.iter().any(|room| inside.starts_with(room)) {
                    faults.push(format!("src/{inside}:{number}: `{word}` belongs into {rooms:?}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn http_and_dispatch_never_name_each_other() {
    for source in sources() {
        let other = match source.family.as_str() {
            "http" => "dispatch",
            "dispatch" => "http",
            _ => continue,
        };
        for (number, line) in code(&source) {
            assert!(!imported(line).contains(&other.to_owned()), "{}:{number}", source.path.display());
        }
    }
}

#[test]
fn an_accepted_event_can_be_made_only_from_a_verified_webhook() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (name, maker) in [("VerifiedWebhook", "sentry/signature.rs"), ("AcceptedEvent", "sentry/payload")] {
        for source in sources() {
            let inside = source.path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            for (number, line) in code(&source) {
                let makes = line.contains(&format!("{name} {{"))
                    && !line.contains("struct")
                    && !line.contains("impl")
                    && !line.contains("->");
                assert!(!makes || inside.starts_with(maker), "src/{inside}:{number} makes a {name}");
            }
        }
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for source in sources() {
        assert!(source.text.starts_with("//!"), "{}", source.path.display());
    }
}
