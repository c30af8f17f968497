//! The disk below the store: who may read it, how much room it has, and whether it is one.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::report::{Check, Group};
use super::spans::size;

/// With less room the relay may be unable to store within minutes.
const LEAST_BYTES: u64 = 64 << 20;
/// With less room it is time to look.
const FEW_BYTES: u64 = 512 << 20;
/// A log that is larger than this was kept from being moved into the file.
const LARGE_LOG_BYTES: u64 = 256 << 20;

/// What the store's files take, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) file: u64,
    pub(super) log: u64,
}

/// Returns what the store's files take.
pub(super) fn sizes(path: &Path) -> Sizes {
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Sizes { file: bytes(path), log: bytes(Path::new(&log)) }
}

/// Looks at the disk of a store that is there, or is to be made.
pub(super) fn look(path: &Path) -> Vec<Check> {
    let folder = nearest_folder(path);
    let sizes = sizes(path);
    let mut checks: Vec<Check> = Vec::new();
    checks.extend(room(&folder, sizes));
    checks.extend(writable(path, &folder));
    checks.extend(network(&folder));
    if let Some(own) = path.parent().filter(|own| *own == folder) {
        checks.extend(open_to_others(own, "the store's folder", "chmod 700"));
        checks.extend(open_to_others(path, "the store", "chmod 600"));
    }
    if sizes.log > LARGE_LOG_BYTES {
        let message = format!("its log has grown to {}: something reads it for long", size(sizes.log));
        let hint = "end whatever keeps the file open for reading, such as a backup that hangs";
        checks.push(Check::warning(Group::Store, message).hint(hint));
    }
    checks
}

/// Returns the store's folder, or the one in which it would be made.
fn nearest_folder(path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1).find(|folder| folder.is_dir());
    above.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn room(folder: &Path, sizes: Sizes) -> Option<Check> {
    let disk = statvfs(folder).ok()?;
    Some(judge_room(disk.f_bavail.saturating_mul(disk.f_frsize), sizes))
}

fn judge_room(free: u64, sizes: Sizes) -> Check {
    let (free_shown, taken) = (size(free), size(sizes.file.saturating_add(sizes.log)));
    let hint = "make room, shorten `store.retention`, or name a larger disk in `store.url`";
    if free < LEAST_BYTES {
        let message = format!("its disk has {free_shown} left: soon webhooks are answered 503, and lost");
        return Check::fault(Group::Store, message).hint(hint);
    }
    if free < FEW_BYTES || free < sizes.file {
        let message =
            format!("its disk has {free_shown} left, and the store takes {taken}: a backup may not fit");
        return Check::warning(Group::Store, message).hint(hint);
    }
    Check::ok(Group::Store, format!("it takes {taken}, and its disk has {free_shown} left"))
}

fn writable(path: &Path, folder: &Path) -> Option<Check> {
    let may = Access::READ_OK | Access::WRITE_OK;
    let closed = [folder, path].into_iter().find(|place| match access(*place, may) {
        Ok(()) => false,
        Err(error) => std::io::Error::from(error).kind() != ErrorKind::NotFound,
    })?;
    let message = format!("this user may not write `{}`", closed.display());
    let hint =
        "run `doctor` as the user that runs `serve`; if you did, give that user the folder and the file";
    Some(Check::warning(Group::Store, message).hint(hint))
}

fn open_to_others(path: &Path, what: &str, how: &str) -> Option<Check> {
    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        return None;
    }
    let message = format!("{what} is open to other users (mode {mode:04o}): it holds what Sentry sent");
    Some(Check::warning(Group::Store, message).hint(format!("{how} {}", path.display())))
}

/// SQLite's log needs memory that all who use the file share, and locks that hold.
// Source: https://www.sqlite.org/wal.html, "WAL does not work over a network filesystem", read 2026-11-30.
fn network(folder: &Path) -> Option<Check> {
    let (kind, is_certain) = network_kind(folder)?;
    let message = format!("it lies on a network file system ({kind})");
    let hint =
        "name a disk of this machine in `store.url`: SQLite's locks and its log do not hold over a network";
    let check =
        if is_certain { Check::fault(Group::Store, message) } else { Check::warning(Group::Store, message) };
    Some(check.hint(hint))
}

/// Returns what kind of network file system a folder lies on, and whether it is one for certain.
#[cfg(target_os = "linux")]
fn network_kind(folder: &Path) -> Option<(&'static str, bool)> {
    // Source: https://man7.org/linux/man-pages/man2/statfs.2.html, read 2026-11-30.
    const KINDS: [(u32, &str, bool); 8] = [
        (0x6969, "NFS", true),
        (0x517b, "SMB", true),
        (0xff53_4d42, "CIFS", true),
        (0xfe53_4d42, "SMB", true),
        (0x5346_414f, "AFS", true),
        (0x00c3_6400, "Ceph", true),
        (0x0102_1997, "9P", false),
        (0x6573_5546, "FUSE", false),
    ];
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    // Some systems have it as a signed number, of which 32 bits count.
    let kind = u32::try_from(i128::from(kind) & 0xffff_ffff).ok()?;
    KINDS.iter().find(|(magic, ..)| *magic == kind).map(|(_, name, is_certain)| (*name, *is_certain))
}

#[cfg(not(target_os = "linux"))]
fn network_kind(_folder: &Path) -> Option<(&'static str, bool)> {
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn little_room_is_told_before_there_is_none() {
        let sizes = Sizes { file: 2 << 30, log: 0 };
        for (free, state) in [
            (0, State::Fault),
            (LEAST_BYTES - 1, State::Fault),
            (LEAST_BYTES, State::Warning),
            (1 << 30, State::Warning),
            (3 << 30, State::Ok),
        ] {
            assert_eq!(judge_room(free, sizes).state, state, "{free}");
        }
        let message = judge_room(1 << 30, sizes).message;
        assert_eq!(message, "its disk has 1 GiB left, and the store takes 2 GiB: a backup may not fit");
    }

    #[test]
    fn what_others_may_read_is_told_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let check = open_to_others(&path, "the store", "chmod 600").unwrap();
        assert_eq!(check.message, "the store is open to other users (mode 0644): it holds what Sentry sent");
        assert_eq!(check.hint, Some(format!("chmod 600 {}", path.display())));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(open_to_others(&path, "the store", "chmod 600"), None);
    }

    #[test]
    fn of_a_store_that_is_not_there_yet_the_folder_above_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/relay.db");
        assert_eq!(nearest_folder(&path), folder.path());
        assert_eq!(look(&path).len(), 1, "its room");
        assert_eq!(sizes(&path).file, 0);
    }
}
