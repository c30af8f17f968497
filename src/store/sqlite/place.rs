//! The place of a store on disk: its folder, its lock, and whether the file that lies there may be opened at all.
//!
//! Everything here happens before SQLite opens the file, and never after: closing another handle of the file would
//! drop the locks that SQLite holds on it. So the lock is taken on a file of its own.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Marks a SQLite file as a store of this program: "Seer".
pub(super) const APPLICATION_ID: i32 = 0x5365_6572;

/// What every SQLite file begins with.
/// Source: <https://www.sqlite.org/fileformat.html>, "The Database Header", with the offsets below; read 2026-11-23.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_LENGTH: usize = 100;
const USER_VERSION_OFFSET: usize = 60;
const APPLICATION_ID_OFFSET: usize = 68;

/// The lock of a running relay on its store; given back when it is dropped, or when the process ends in any way.
#[derive(Debug)]
pub(super) struct Lock {
    /// Closing it gives the lock back.
    _file: File,
}

/// Makes the store's folder where it is missing, for this user alone.
pub(super) fn make_folder(path: &Path) -> Result<(), StoreError> {
    let folder = folder_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| StoreError::Refused {
        message: format!("cannot make the store's folder `{}`: {error}", folder.display()),
        hint: "give the relay's user write permission there, or name another place in `store.url`".to_owned(),
    })
}

/// Takes the lock of the store at `path`.
pub(super) fn lock(path: &Path) -> Result<Lock, StoreError> {
    let lock_path = with_suffix(path, ".lock");
    let unusable = |error: std::io::Error| {
        StoreError::Refused {
        message: format!("cannot lock `{}`: {error}", lock_path.display()),
        hint: "give the relay's user write permission on the store's folder; a network file system may have no locks"
            .to_owned(),
    }
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock_path)
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::InUse {
                path: path.display().to_string(),
                holder: read_holder(&mut file),
            });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    // The number is for people alone: where it cannot be written, the lock holds all the same.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(Lock { _file: file })
}

fn read_holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(32).read_to_string(&mut text));
    match text.trim() {
        number if read.is_ok() && !number.is_empty() => format!("process {number}"),
        _ => "process unknown".to_owned(),
    }
}

/// Returns the number of the process that holds the lock of the store at `path`, where the system lists it. Takes no lock:
/// a `serve` that starts at this moment would find it taken.
// Source: https://man7.org/linux/man-pages/man5/proc_locks.5.html, read 2026-11-30.
pub fn holder(path: &Path) -> Option<u32> {
    let inode = std::fs::metadata(with_suffix(path, ".lock")).ok()?.ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", process, file, ..] = words.as_slice() else { return None };
        (file.rsplit(':').next() == Some(&inode)).then(|| process.parse().ok()).flatten()
    })
}

/// What lies at the place of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A file without content, perhaps made just now.
    Empty,
    /// A store.
    Store,
}

/// Looks at the file that lies at `path`, which the lock keeps ours: an empty one is made where there is none; one
/// that is not a store, or one of a newer version than `latest`, is refused and left as it is.
pub(super) fn inspect(path: &Path, latest: i32) -> Result<Found, StoreError> {
    check_kind(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            options.create_new(true).open(path).map_err(|error| cannot_open(path, &error))?;
            return Ok(Found::Empty);
        }
        opened => opened.map_err(|error| cannot_open(path, &error))?,
    };
    let mut header = Vec::with_capacity(HEADER_LENGTH);
    let limit = u64::try_from(HEADER_LENGTH).unwrap_or(u64::MAX);
    Read::by_ref(&mut file)
        .take(limit)
        .read_to_end(&mut header)
        .map_err(|error| cannot_open(path, &error))?;
    if header.is_empty() {
        return Ok(Found::Empty);
    }
    if header.len() < HEADER_LENGTH || !header.starts_with(MAGIC) {
        return Err(not_a_store(path, "is not an SQLite database"));
    }
    check_marks(
        path,
        number_at(&header, APPLICATION_ID_OFFSET),
        number_at(&header, USER_VERSION_OFFSET),
        latest,
    )?;
    Ok(Found::Store)
}

/// Refuses what is there and no file: opening a named pipe would wait for somebody at its other end.
pub(super) fn check_kind(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            Err(cannot_open(path, &std::io::Error::other("it is not a regular file")))
        }
        // What cannot be seen is said by whoever opens it.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Refuses another program's database, and one that a newer version of this program wrote.
pub(super) fn check_marks(
    path: &Path,
    application: i32,
    version: i32,
    latest: i32,
) -> Result<(), StoreError> {
    if application != APPLICATION_ID {
        return Err(not_a_store(path, "belongs to another program"));
    }
    if version > latest {
        return Err(StoreError::Refused {
            message: format!(
                "`{}` was written by a newer seer-relay (its schema is version {version}, this one knows {latest})",
                path.display()
            ),
            hint: "upgrade seer-relay, or name another place in `store.url` to begin a new store".to_owned(),
        });
    }
    Ok(())
}

/// Returns the error for a file that is not a store.
pub(super) fn not_a_store(path: &Path, what: &str) -> StoreError {
    StoreError::Refused {
        message: format!("`{}` {what}", path.display()),
        hint: "it is left as it is; name another place in `store.url`, or move the file away to begin a new store"
            .to_owned(),
    }
}

fn cannot_open(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Refused {
        message: format!("cannot open the store `{}`: {error}", path.display()),
        hint: "`store.url` must name a file that the relay's user may read and write, in a folder of the same kind"
            .to_owned(),
    }
}

fn number_at(header: &[u8], offset: usize) -> i32 {
    header.get(offset..).and_then(<[u8]>::first_chunk).copied().map_or(0, i32::from_be_bytes)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Which file lies at a path, whatever its name: tells when it was moved away under a running relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Returns which file lies at `path` now; `None` where none can be seen.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}
