//! A terminal that a command is run in: what it writes there, and what somebody types.

use std::fs::File;
use std::io::{Read, Write};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A terminal.
pub(crate) struct Terminal {
    ours: File,
    theirs: File,
}

impl Terminal {
    /// Opens one.
    pub(crate) fn open() -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        Self { ours: File::from(ours), theirs }
    }

    /// The end that a command gets.
    pub(crate) fn end(&self) -> File {
        self.theirs.try_clone().unwrap()
    }

    /// Types something.
    pub(crate) fn types(&mut self, text: &str) {
        self.ours.write_all(text.as_bytes()).unwrap();
    }

    /// Everything that was written there, once nobody has it open any more.
    pub(crate) fn written(self) -> String {
        let Self { mut ours, theirs } = self;
        drop(theirs);
        let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
        // Its end is an error.
        while let Ok(read @ 1..) = ours.read(&mut some) {
            bytes.extend_from_slice(&some[..read]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
