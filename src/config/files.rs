//! The two files of a config folder, read as documents.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::document::{Document, Node};
use super::findings::{Findings, Place};
use super::secrets::unreadable;
use super::settings::table_of;
use crate::words::{quoted, quoted_path, suggestion};

/// The settings.
pub(crate) const SETTINGS: &str = "relay.toml";
/// Destinations and routes.
pub(crate) const ROUTES: &str = "routes.toml";

/// A larger file is none that somebody wrote.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Both files, each where it could be read.
#[derive(Debug)]
pub(crate) struct Files {
    /// `relay.toml`
    pub(crate) settings: Option<Document>,
    /// `routes.toml`
    pub(crate) routes: Option<Document>,
}

/// Reads both files; `None` where there is not even a folder.
pub(crate) fn read(dir: &Path, findings: &mut Findings) -> Option<Files> {
    if !dir.is_dir() {
        let shown = quoted(&dir.to_string_lossy());
        let (what, hint) = if dir.exists() {
            (
                "is not a folder",
                "name the folder that holds `relay.toml` and `routes.toml`, with `--config-dir`".to_owned(),
            )
        } else {
            (
                "is not there",
                format!(
                    "`seer-relay init {}` writes a starter folder; `--config-dir` names another one",
                    dir.display()
                ),
            )
        };
        let place = Place::whole(dir.to_owned());
        findings.fault(place, "folder_missing", format!("the config folder {shown} {what}"), hint);
        return None;
    }
    let settings_hint =
        "write it with a table `[sentry.SLUG]` in it; `seer-relay init` shows how in a new folder";
    let routes_hint =
        "write it with a destination and a `[[route]]` in it; `seer-relay init` shows how in a new folder";
    Some(Files {
        settings: read_file(dir, SETTINGS, settings_hint, findings),
        routes: read_file(dir, ROUTES, routes_hint, findings),
    })
}

fn read_file(dir: &Path, name: &str, missing_hint: &str, findings: &mut Findings) -> Option<Document> {
    let path = dir.join(name);
    let shown = quoted(&path.to_string_lossy());
    let place = Place::whole(path.clone());
    match read_text(&path) {
        Ok(text) => {
            let (document, faults) = Document::parse(path, &text);
            findings.extend(faults);
            Some(document)
        }
        Err(Unread::NotText { line, column }) => {
            let hint = "save it as UTF-8: TOML knows no other encoding".to_owned();
            let place = Place::File { path, line: Some(line), column: Some(column) };
            findings.fault(place, "file_unreadable", format!("{shown} is not UTF-8 text"), hint);
            None
        }
        Err(Unread::Because(ErrorKind::NotFound)) => {
            findings.fault(place, "file_missing", format!("{shown} is not there"), missing_hint.to_owned());
            None
        }
        Err(Unread::Because(ErrorKind::FileTooLarge)) => {
            let message = format!("{shown} is larger than 1 MiB, and so no file of settings");
            findings.fault(place, "file_unreadable", message, "see what was written into it".to_owned());
            None
        }
        Err(Unread::Because(kind)) => {
            let hint = format!("put a file that `seer-relay` may read at {}", quoted_path(&path));
            findings.fault(place, "file_unreadable", format!("{shown} {}", unreadable(kind)), hint);
            None
        }
    }
}

/// Why a file was not read.
enum Unread {
    /// The system says so.
    Because(ErrorKind),
    /// It is not UTF-8 from here on.
    NotText { line: usize, column: usize },
}

fn read_text(path: &Path) -> Result<String, Unread> {
    let because = |error: std::io::Error| Unread::Because(error.kind());
    if !std::fs::metadata(path).map_err(because)?.is_file() {
        return Err(Unread::Because(ErrorKind::IsADirectory));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(because)?;
    let length = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(because)?;
    if u64::try_from(length).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(Unread::Because(ErrorKind::FileTooLarge));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        let last = before.rsplit('\n').next().unwrap_or_default();
        Unread::NotText { line: before.matches('\n').count() + 1, column: last.chars().count() + 1 }
    })
}

/// Reports every table of a file that does not belong into it.
pub(crate) fn check_tables(document: &Document, known: &[&str], others: &[&str], findings: &mut Findings) {
    let (own, other) =
        if document.path().ends_with(SETTINGS) { (SETTINGS, ROUTES) } else { (ROUTES, SETTINGS) };
    for entry in document.root.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        let place = document.place(entry.at);
        let shown = quoted(&entry.key);
        if others.contains(&entry.key.as_str()) {
            let message = format!("{shown} has no place in `{own}`");
            findings.fault(place, "misplaced_key", message, format!("move it to `{other}` beside it"));
        } else {
            let table =
                table_of(&entry.key).filter(|_| own == SETTINGS && !matches!(entry.value, Node::Table(_)));
            let hint = table
                .map(|table| format!("it belongs below `[{table}]`, on a line of its own"))
                .or_else(|| suggestion(&entry.key, "known", known.iter().copied()));
            findings.fault(place, "unknown_table", format!("unknown table or key {shown}"), hint);
        }
    }
}
