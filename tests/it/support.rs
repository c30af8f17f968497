//! What the tests share: a relay as a user runs it, Sentry as it signs, and receivers that keep what they get.

pub(crate) mod emulator;
mod ledger;
mod load;
mod machine;
mod receiver;
mod relay;
mod rogue;
mod scale;
mod sentry;
mod terminal;

pub(crate) use emulator::{Emulator, Gateway};
pub(crate) use ledger::Ledger;
pub(crate) use load::{Answered, Load};
pub(crate) use machine::{Fault, Machine};
pub(crate) use receiver::{Answer, Received, Receiver};
pub(crate) use relay::{Relay, RelayFolder};
pub(crate) use rogue::{Conduct, Rogue};
pub(crate) use scale::{Scale, percentile};
pub(crate) use sentry::{SECRET, Sentry};
pub(crate) use terminal::Terminal;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use seer_relay::clock::Clock;

/// How long anything that must happen may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Returns a client that speaks to loopback.
pub(crate) fn client() -> reqwest::Client {
    // Whoever comes second finds it done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Returns a mute `now` that is in force now, over two hours before and behind.
pub(crate) fn mute_now() -> String {
    let now = Clock::system().now();
    let hours = SignedDuration::from_hours(2);
    let time = |moment: Timestamp| moment.strftime("%H:%M").to_string();
    format!(
        "[mute.now]\nfrom = \"{}\"\nto = \"{}\"\ntimezone = \"UTC\"\n",
        time(now - hours),
        time(now + hours)
    )
}
