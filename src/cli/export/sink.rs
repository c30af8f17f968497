//! Where an export goes: standard output, or a file that has its name only once it is whole.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::io::{AsyncWriteExt, Stdout};

use crate::cli::Failure;
use crate::words::quoted_path;

/// Where an export goes.
pub(super) enum Sink {
    /// Standard output.
    Standard(Stdout),
    /// A file beside the one that is asked for, until it takes its place.
    File {
        /// It goes where it is dropped.
        temporary: NamedTempFile,
        /// The name that it gets.
        path: PathBuf,
    },
}

impl Sink {
    /// Opens it; `-` is standard output, too.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        match path {
            None => Ok(Self::Standard(tokio::io::stdout())),
            Some(path) if path == Path::new("-") => Ok(Self::Standard(tokio::io::stdout())),
            Some(path) => Self::beside(path),
        }
    }

    fn beside(path: &Path) -> Result<Self, Failure> {
        // A link goes on leading to where it leads.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if path.file_name().is_none() || path.exists() && !path.is_file() {
            let kind = if path.is_dir() { "a folder" } else { "no file that can be replaced" };
            return Err(Failure::new(
                format!("{} is {kind}", quoted_path(&path)),
                "name a file with `-o`, or none and send standard output on",
            ));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary = tempfile::Builder::new().prefix(".seer-relay-export-").tempfile_in(folder);
        let temporary = temporary.map_err(|error| unwritable(&path, &error))?;
        Ok(Self::File { temporary, path })
    }

    /// Returns whether the terminal has room for something else.
    pub(super) fn leaves_terminal_free(&self) -> bool {
        match self {
            Self::Standard(_) => !std::io::stdout().is_terminal(),
            Self::File { .. } => true,
        }
    }

    /// Writes some of it; returns whether anybody takes it.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        match self {
            Self::Standard(output) => taken(write_and_flush(output, bytes).await),
            Self::File { temporary, path } => {
                temporary.write_all(bytes).map(|()| true).map_err(|error| unwritable(path, &error))
            }
        }
    }

    /// Ends it: the file has its name from now on. Returns whether everything was taken.
    pub(super) async fn finish(self) -> Result<bool, Failure> {
        match self {
            Self::Standard(mut output) => taken(output.flush().await),
            Self::File { temporary, path } => {
                if let Ok(old) = path.metadata() {
                    // Whoever may read the old one may read the new one.
                    let _ = temporary.as_file().set_permissions(old.permissions());
                }
                let kept = temporary.as_file().sync_all();
                let kept = kept.and_then(|()| temporary.persist(&path).map_err(|refused| refused.error));
                kept.map(|_| true).map_err(|error| unwritable(&path, &error))
            }
        }
    }
}

async fn write_and_flush(output: &mut Stdout, bytes: &[u8]) -> std::io::Result<()> {
    output.write_all(bytes).await?;
    output.flush().await
}

/// A closed pipe (`| head`) is no fault of ours.
fn taken(written: std::io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(anyhow::Error::from(error).context("cannot write the export").into()),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("cannot write {}: {error}", quoted_path(path)),
        "look at the folder: whether it is there, its permissions, the room on its disk",
    )
}
