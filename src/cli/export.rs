//! `export`: every event with its deliveries, as JSON lines or CSV, while the relay goes on.
//!
//! Reads page after page and keeps none, so that it takes the same memory for ten events and for ten millions. Beside a
//! relay it rests after each as long as that took: webhooks come first.

mod lines;
mod progress;
mod sink;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use self::lines::{Format, Lines};
use self::progress::Progress;
use self::sink::Sink;
use super::moment::Between;
use super::serve::signals::Stops;
use super::settings::{OpenStore, store_alone};
use super::{Failure, Output};
use crate::clock::Clock;
use crate::event::Organization;
use crate::store::{ExportFilter, History, Store};
use crate::threads::{Turn, breathe, give_way};

/// Take the record away: one line for each event with its deliveries, the oldest first. Works beside a running relay.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// JSON lines with everything, or CSV with the deliveries summed up
    #[arg(long, value_name = "jsonl|csv", value_parser = Format::parse)]
    format: Format,
    #[command(flatten)]
    between: Between,
    /// Only events of runs that are about this repository (`acme/api`)
    #[arg(long, value_name = "REPO")]
    repo: Option<String>,
    /// Only events of this organization
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// Write into this file, which is there only once it is whole [default: standard output, as does `-`]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self, dir: &Path) -> Result<Output, Failure> {
        give_way();
        let OpenStore { store, warning, .. } = store_alone(dir).await?;
        let filter = self.filter(Clock::system().now());
        let mut stops = Stops::listen_for_command()?;
        let sink = Sink::open(self.output.as_deref())?;
        // What is dropped in the middle leaves no file.
        tokio::select! {
            done = copy(&store, filter, self.format, sink) => {
                let whole = done?;
                Ok(Output { warning, code: u8::from(!whole), ..Output::default() })
            }
            () = stops.next() => {
                Err(Failure::new("the export was interrupted, and is not whole", "run it again; the store is as it was"))
            }
        }
    }

    fn filter(&self, now: Timestamp) -> ExportFilter {
        ExportFilter {
            since: self.between.since.map(|since| since.at(now)),
            until: self.between.until.map(|until| until.at(now)),
            organization: self.organization.clone().map(Organization::new),
            repo: self.repo.clone(),
        }
    }
}

/// Writes everything; returns whether it was taken: whoever reads it may have seen enough.
async fn copy(store: &Store, filter: ExportFilter, format: Format, mut sink: Sink) -> Result<bool, Failure> {
    let mut lines = Lines::new(format);
    let stretch = store.begin_export(filter.clone()).await?;
    let mut progress = Progress::start(stretch.left(), sink.leaves_terminal_free());
    let mut rest = Some(stretch);
    while let Some(stretch) = rest {
        let began = Instant::now();
        let page = store.export(filter.clone(), stretch).await?;
        rest = page.rest;
        Turn::come().await.spend(|| {
            for event in &page.events {
                lines.add(event);
                breathe();
            }
        });
        if !sink.write(&lines.take()).await? {
            return Ok(false);
        }
        progress.show(rest.map_or(0, |rest| rest.left()), page.events.len());
        if rest.is_some() && store.is_served() {
            sleep(began.elapsed()).await;
        }
    }
    progress.end();
    sink.finish().await
}
