//! What the tests share: a relay as a user runs it, Sentry as it signs, and receivers that keep what they get.

mod receiver;
mod relay;
mod sentry;

pub(crate) use receiver::{Answer, Received, Receiver};
pub(crate) use relay::{Relay, RelayFolder};
pub(crate) use sentry::{SECRET, Sentry};

use std::time::Duration;

/// How long anything that must happen may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
