//! A machine whose disk and clock fail when told so, under the real binary.
//!
//! A small library in C (`machine.c`), preloaded into the process, stands between it and the system; the two share a
//! file of numbers, which a test changes while the process runs.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::RelayFolder;

/// What can fail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// fsync: an error of the disk.
    Fsync,
    /// No file grows: the disk is full.
    DiskFull,
    /// Nothing opens for writing: the file system is read-only.
    ReadOnly,
}

/// The machine; goes with the relays that run on it.
pub(crate) struct Machine {
    folder: TempDir,
    switches: File,
}

impl Machine {
    /// Builds a machine on which nothing fails yet, and lets every process of this folder run on it.
    pub(crate) fn under(folder: &mut RelayFolder) -> Self {
        let home = tempfile::tempdir().unwrap();
        let switches = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(home.path().join("switches"))
            .unwrap();
        switches.set_len(4 * 8).unwrap();
        let machine = Self { folder: home, switches };
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/machine.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(machine.library())
            .arg(source)
            .output()
            .expect("`cc`, with which SQLite was compiled");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        folder.set("LD_PRELOAD", machine.library().to_str().unwrap());
        folder.set("MACHINE_SWITCHES", machine.folder.path().join("switches").to_str().unwrap());
        machine
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("machine.so")
    }

    /// Lets it fail, or work again.
    pub(crate) fn fails(&self, fault: Fault, fails: bool) {
        let place = match fault {
            Fault::Fsync => 0,
            Fault::DiskFull => 1,
            Fault::ReadOnly => 2,
        };
        self.set(place, i64::from(fails));
    }

    /// Sets the wall clock so many seconds ahead of the real one.
    pub(crate) fn clock_ahead(&self, seconds: i64) {
        self.set(3, seconds);
    }

    fn set(&self, place: u64, value: i64) {
        self.switches.write_all_at(&value.to_ne_bytes(), place * 8).unwrap();
    }
}
