//! A limit on the size of files: the store meets it as it meets a full disk, instead of the process ending by it.

use std::io::Error;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// Lets a write beyond the limit fail, where the system would end the process by SIGXFSZ.
pub(super) fn survive_limit() -> Result<(), Error> {
    // The handler stays for good, whether or not anybody listens.
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}
