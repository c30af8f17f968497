//! `backtest`: the stored events through today's routes and templates and through new ones, and what would change.
//!
//! Looks into the store and changes nothing, so that it works beside a running relay and on a copy. Every event is
//! routed with its run as it was up to it, and with its issue as it is kept now. What a template says is not compared,
//! only which one is used: `render` and `check` show the rest.

mod difference;
mod page;
mod side;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use jiff::Timestamp;

use self::difference::{Difference, Differences};
use self::page::Report;
use self::side::Side;
use super::settings::json;
use super::{CONFIG_DIR, Failure, Output, Terminal, config_dir};
use crate::check::{CheckReport, Checked, load_for_looking};
use crate::clock::Clock;
use crate::config::Environment;
use crate::run::Run;
use crate::store::{Access, History, Store, StoreConfig, Tale, open};

/// Send the stored events through today's configuration and through a new one (`--config-dir NEW`), and show what would
/// change. Exit code 1 where anything would.
#[derive(Debug, clap::Args)]
pub(super) struct Backtest {
    /// The folder of today's configuration, which names the store, too
    #[arg(
        long,
        value_name = "DIR",
        env = "SEER_RELAY_CONFIG_DIR",
        default_value = CONFIG_DIR,
        value_parser = OsStringValueParser::new().map(config_dir)
    )]
    against: PathBuf,
    /// Another store, for example a copy of it [default: the one that today's configuration names]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Only events that were received within this time (`7d`) [default: all that are kept]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// How many kinds of difference at most
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Name every event that differs, not only three of each kind
    #[arg(long)]
    all: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Backtest {
    pub(super) async fn run(self, new: &Path, terminal: Terminal) -> Result<Output, Failure> {
        if is_same(new, &self.against) {
            return Ok(compared_with_itself(new));
        }
        let environment = Environment::of_process();
        let (today, next) =
            (load_for_looking(&self.against, &environment), load_for_looking(new, &environment));
        let (today, next) = match (today, next) {
            (Ok(today), Ok(next)) => (today, next),
            (today, next) => return self.refuse(today, next),
        };
        let store = self.open(&today.config.store).await?;
        let since = self.since.and_then(|since| Clock::system().now().checked_sub(since).ok());
        let (mut today, mut next) = (Side::of(today), Side::of(next));
        let examples = if self.all { usize::MAX } else { difference::EXAMPLES };
        let differences = compare(&store, since, &mut today, &mut next, Differences::new(examples)).await?;
        let code = u8::from(differences.differing > 0);
        let report = Report { differences: &differences, since, limit: self.limit };
        let text = if self.json { json(&report.as_json()) } else { report.draw(terminal) };
        Ok(Output { code, ..text.into() })
    }

    async fn open(&self, config: &StoreConfig) -> Result<Arc<Store>, Failure> {
        let path = self.store.clone().unwrap_or_else(|| config.path.clone());
        Ok(open(&StoreConfig { path, ..config.clone() }, Access::Beside).await?)
    }

    /// One of the two has faults, or both.
    fn refuse(
        &self,
        today: Result<Checked, CheckReport>,
        next: Result<Checked, CheckReport>,
    ) -> Result<Output, Failure> {
        let faults = |loaded: Result<Checked, CheckReport>| loaded.err().map(|report| report.faults);
        let (today, next) = (faults(today).unwrap_or_default(), faults(next).unwrap_or_default());
        if self.json {
            return Ok(Output { code: 1, ..json(&page::as_json_of_faults(&next, &today)).into() });
        }
        let all = [today, next].concat();
        Err(Failure::of_faults(&CheckReport { faults: all, warnings: Vec::new() }))
    }
}

/// Tells whether two names are those of one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

fn compared_with_itself(dir: &Path) -> Output {
    let warning = format!(
        "error: `{}` would be compared with itself\n\nhint: name the new configuration with --config-dir, and today's \
         with --against where it is not `{CONFIG_DIR}`\n",
        dir.display()
    );
    Output { warning, code: 2, ..Output::default() }
}

/// Compares every event, a few runs at a time.
async fn compare(
    store: &Store,
    since: Option<Timestamp>,
    today: &mut Side,
    next: &mut Side,
    mut differences: Differences,
) -> Result<Differences, Failure> {
    let since = since.unwrap_or(Timestamp::MIN);
    let runs = store.runs_since(since).await?;
    let mut left = runs.as_slice();
    while !left.is_empty() {
        let tales = store.tales(left).await?;
        left = left.get(tales.len().max(1)..).unwrap_or_default();
        for tale in &tales {
            compare_run(tale, since, today, next, &mut differences);
        }
    }
    Ok(differences)
}

fn compare_run(
    tale: &Tale,
    since: Timestamp,
    today: &mut Side,
    next: &mut Side,
    differences: &mut Differences,
) {
    differences.runs += 1;
    for (place, event) in tale.events.iter().enumerate() {
        let told = tale.events.get(..=place).unwrap_or_default();
        let Some(run) = Run::fold(told).filter(|_| event.received_at >= since) else { continue };
        let before = today.outcome(event, &run, tale.issue.as_ref());
        let after = next.outcome(event, &run, tale.issue.as_ref());
        differences.add(event, Difference::between(&before, &after));
    }
}
