//! The starter folder: what `init` writes.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::editors;

/// One file of the starter folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StarterFile {
    /// Its name in the folder.
    pub name: &'static str,
    /// What stands in it.
    pub text: &'static str,
}

/// The files of the starter folder that are for people.
pub const FILES: [StarterFile; 2] = [
    StarterFile { name: "relay.toml", text: include_str!("../../config/starter/relay.toml") },
    StarterFile { name: "routes.toml", text: include_str!("../../config/starter/routes.toml") },
];

/// Why the starter folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum StarterError {
    /// Files of it are there already; nothing was written.
    #[error("{} already there, and `init` overwrites nothing", shown(.0))]
    Exists(Vec<PathBuf>),
    /// The file system refused.
    #[error("cannot write `{}`: {source}", path.display())]
    Io {
        /// What was being written.
        path: PathBuf,
        /// Why it could not be.
        source: std::io::Error,
    },
}

/// Writes the starter folder and returns the paths of its files. An existing folder is fine, an existing file is not.
///
/// # Errors
/// [`StarterError`]; no file that was there is ever changed.
pub fn write(dir: &Path) -> Result<Vec<PathBuf>, StarterError> {
    let files = files();
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| dir.join(name)).collect();
    let taken: Vec<PathBuf> = paths.iter().filter(|path| path.symlink_metadata().is_ok()).cloned().collect();
    if !taken.is_empty() {
        return Err(StarterError::Exists(taken));
    }
    DirBuilder::new()
        .recursive(true)
        .create(dir)
        .map_err(|source| StarterError::Io { path: dir.to_owned(), source })?;
    for (path, (_, text)) in paths.iter().zip(files) {
        write_new(path, &text).map_err(|source| {
            if source.kind() == ErrorKind::AlreadyExists {
                StarterError::Exists(vec![path.clone()])
            } else {
                StarterError::Io { path: path.clone(), source }
            }
        })?;
    }
    Ok(paths)
}

/// Returns name and text of every file: those for people, and what editors read of them.
fn files() -> Vec<(&'static str, String)> {
    let schemas = editors::NAMES.into_iter().zip([editors::relay(), editors::routes()]);
    let schemas = schemas.map(|(name, schema)| (name, editors::written(&schema)));
    FILES.iter().map(|file| (file.name, file.text.to_owned())).chain(schemas).collect()
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn shown(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    format!("{} {}", shown.join(" and "), if shown.len() == 1 { "is" } else { "are" })
}
