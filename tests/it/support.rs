//! What the tests share: a relay as a user runs it, Sentry as it signs, and receivers that keep what they get.

mod ledger;
mod load;
mod machine;
mod receiver;
mod relay;
mod rogue;
mod scale;
mod sentry;

pub(crate) use ledger::Ledger;
pub(crate) use load::{Answered, Load};
pub(crate) use machine::{Fault, Machine};
pub(crate) use receiver::{Answer, Received, Receiver};
pub(crate) use relay::{Relay, RelayFolder};
pub(crate) use rogue::{Conduct, Rogue};
pub(crate) use scale::{Scale, percentile};
pub(crate) use sentry::{SECRET, Sentry};

use std::time::Duration;

/// How long anything that must happen may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
