//! `replay`: sends again what was sent, or what died.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::settings::{json, store};
use super::{Failure, Output};
use crate::clock::Clock;
use crate::delivery::DestinationName;
use crate::http::api::replayed;
use crate::store::{Queue, ReplayTarget, Replayed};

/// Send again. A running relay notices within a second; else the next `serve` sends.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["ids", "dead"])))]
pub(super) struct Replay {
    /// Deliveries (`dlv_…`), events (`evt_…`) or runs (`acme/12345`); events and runs are routed anew
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Every dead letter that was not replayed yet
    #[arg(long)]
    dead: bool,
    /// With --dead: only those to this destination
    #[arg(long, value_name = "DEST", requires = "dead")]
    to: Option<String>,
    /// With --dead: only those that died within this time (`2h`)
    #[arg(long, value_name = "DURATION", requires = "dead", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(super) async fn run(self, dir: &Path) -> Result<Output, Failure> {
        let store = store(dir).await?;
        let now = Clock::system().now();
        let all = if self.dead {
            store.replay(self.dead_letters(now), now).await?
        } else {
            store.replay_named(self.ids.clone(), now).await?
        };
        Ok(if self.json { json(&replayed(&all)) } else { as_text(&all) }.into())
    }

    fn dead_letters(&self, now: jiff::Timestamp) -> ReplayTarget {
        let since = self.since.and_then(|since| now.checked_sub(since).ok());
        ReplayTarget::Dead { destination: self.to.clone().map(DestinationName::new), since }
    }
}

fn as_text(replayed: &Replayed) -> String {
    let mut text = String::new();
    for (old, new) in &replayed.deliveries {
        let _ = writeln!(text, "{new} repeats {old}");
    }
    for event in &replayed.events {
        let _ = writeln!(text, "{event} will be routed anew");
    }
    if text.is_empty() {
        text.push_str("nothing to replay\n");
    }
    text
}
