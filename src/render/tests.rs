//! What a user of the renderer sees: messages, request bodies, faults and errors.

mod built_in;
mod card;
mod digest;
mod hostile;
mod loading;
mod lookup;
mod output;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// Writes template files into a folder of their own: pairs of path and text.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn config(dir: &Path) -> TemplatesConfig {
    TemplatesConfig { dir: dir.to_owned(), dir_is_explicit: true }
}

/// Loads template files, which must be sound.
pub(super) fn renderer(files: &[(&str, &str)]) -> Renderer {
    match Renderer::load(&config(folder(files).path())) {
        Ok(renderer) => renderer,
        Err(faults) => panic!("{faults:#?}"),
    }
}

/// Loads template files, which must not be sound, and returns `file:line:column message | hint` of each fault.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let dir = folder(files);
    let Err(faults) = Renderer::load(&config(dir.path())) else { panic!("no faults") };
    let shown = faults.into_iter().map(|fault| {
        let file = fault.file.strip_prefix(dir.path()).unwrap_or(&fault.file).display().to_string();
        let place = [fault.line, fault.column].into_iter().flatten().map(|number| format!(":{number}"));
        let hint = fault.hint.map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{file}{} {}{hint}", place.collect::<String>(), fault.message)
    });
    shown.collect()
}
