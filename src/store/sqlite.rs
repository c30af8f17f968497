//! The store in one SQLite file: one writer thread, a few readers, one more that counts, and nothing else that knows SQL.
//!
//! Each part of [`Queue`] is a function of its own in the files below; here they are only handed to the writer or to a
//! reader. What people read is handed on in `sqlite/questions.rs`.

mod accept;
mod account;
mod card;
mod catalogue;
mod checkpoint;
mod claim;
mod connection;
mod count;
mod cursor;
mod dead;
mod delivery;
mod delivery_page;
mod destination;
mod digest;
mod export;
mod fallback;
mod fault;
mod find;
mod forget;
mod fresh;
mod health;
mod hearing;
mod history;
mod ids;
mod issue;
mod keeping;
mod lane;
mod listing;
mod log_file;
mod message;
mod place;
mod plan;
#[cfg(test)]
mod plans;
mod prune;
mod questions;
mod reader;
mod record;
mod replay;
mod report;
mod routing;
mod run;
mod story;
mod stretch;
mod strip;
mod value;
mod watch;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

use self::accept::Arrival;
use self::count::Counter;
use self::fresh::Fresh;
pub use self::place::holder;
use self::place::{Found, Lock};
use self::reader::Readers;
use self::writer::{Opening, Writer};
use super::{
    Acceptance, Access, AfterLook, Claims, DeadTold, DeliveryClaim, DestinationEntry, DestinationStatus,
    Doomed, Downtime, FindError, ForgetEnd, ForgetTarget, HandOver, HandedOver, HealthChange, HealthSettled,
    Hearing, IssueSource, Look, Notice, OpenDestination, Plan, Queue, Record, Recorded, ReplayTarget,
    Replayed, SilentFor, SilentRuns, StoreError, WaitingEvent,
};
use crate::delivery::{DestinationName, Part};
use crate::event::{Artifacts, EventId, GroupId, Organization};
use crate::issue::Issue;
use crate::sentry::payload::AcceptedEvent;

/// How many dead letters one transaction repeats, so that nobody waits long behind a replay of very many.
const REPLAYS_AT_ONCE: usize = 500;
/// How many runs one transaction removes at most.
const RUNS_AT_ONCE: usize = 10;
/// For how many times as long as a step of pruning took nothing is pruned.
const RESTS: u32 = 4;
/// How much a probe writes: about as much as an event, so that a disk on which none fits any more is found out.
const PROBE_BYTES: i64 = 16 * 1024;
/// How long a command beside the relay leaves the file alone between two transactions.
const PAUSE_BESIDE: Duration = Duration::from_millis(20);

/// The store in an SQLite file.
///
/// Dropping it waits until everything handed to the writer is committed, and gives the lock back last.
#[derive(Debug)]
pub struct Store {
    // The order matters: fields are dropped from top to bottom.
    readers: Readers,
    counter: Counter,
    writer: Writer,
    /// `None` for a command beside the relay.
    lock: Option<Lock>,
    path: PathBuf,
    fresh: Arc<Fresh>,
}

impl Store {
    /// Opens the store at `path`.
    pub(super) async fn open(path: PathBuf, access: Access) -> Result<Self, StoreError> {
        let opened = tokio::task::spawn_blocking(move || {
            let path = std::path::absolute(&path).unwrap_or(path);
            match access {
                Access::Serve => Self::open_to_serve(&path),
                Access::Beside => Self::open_beside(&path),
            }
        });
        opened.await.unwrap_or_else(|_| Err(StoreError::Unavailable("opening it was interrupted".to_owned())))
    }

    fn open_to_serve(path: &Path) -> Result<Self, StoreError> {
        place::make_folder(path)?;
        let lock = place::lock(path)?;
        let found = place::inspect(path, connection::LATEST_VERSION)?;
        let opening = match connection::open_to_serve(path) {
            Ok(connection) => Opening::Served(connection),
            // What is owed to the destinations lies there already: better to wait for room than to be gone.
            Err(failed) if failed.may_pass && found == Found::Store => {
                tracing::error!(error = %failed.error, "the store cannot be written; the relay waits until it can");
                Opening::ToServe
            }
            Err(failed) => return Err(failed.error),
        };
        let writer = Writer::start(path.to_owned(), opening)?;
        Self::of(path, writer, Some(lock))
    }

    fn open_beside(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.display().to_string() });
        }
        place::check_kind(path)?;
        connection::check_beside(path)?;
        let writer = Writer::start(path.to_owned(), Opening::Beside)?;
        Self::of(path, writer, None)
    }

    fn of(path: &Path, writer: Writer, lock: Option<Lock>) -> Result<Self, StoreError> {
        let (readers, counter) = (Readers::start(path)?, Counter::of(path));
        Ok(Self { readers, counter, writer, lock, path: path.to_owned(), fresh: Arc::default() })
    }

    /// Moves what the log holds into the file, so that the next start finds it there: for a store to which nothing is
    /// written any more.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; nothing is lost, and the next start does it.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let path = self.path.clone();
        let settled = tokio::task::spawn_blocking(move || checkpoint::settle(&path));
        settled
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("settling it was interrupted".to_owned())))
    }

    /// Tells whether a relay works with it, this one or another process.
    pub fn is_served(&self) -> bool {
        holder(&self.path).is_some()
    }

    async fn replay_dead(
        &self,
        destination: Option<DestinationName>,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Replayed, FindError> {
        let list = move |connection: &_| replay::list_dead(connection, destination.as_ref(), since);
        let numbers = self.readers.run(list).await?;
        let mut replayed = Replayed::default();
        for chunk in numbers.chunks(REPLAYS_AT_ONCE) {
            let chunk = chunk.to_vec();
            let pairs = self.writer.run(move |writing| replay::dead(writing, &chunk, now)).await?;
            replayed.deliveries.extend(pairs);
            if self.lock.is_none() {
                tokio::time::sleep(PAUSE_BESIDE).await;
            }
        }
        Ok(replayed)
    }
}

/// Writes what a notice says as JSON; `None` where that is nothing.
fn artifacts_of(notice: &Notice) -> Result<Option<String>, StoreError> {
    let artifacts = Some(notice.artifacts()).filter(|artifacts| *artifacts != Artifacts::default());
    artifacts
        .as_ref()
        .map(value::brief_json)
        .transpose()
        .map_err(|error| StoreError::Unavailable(format!("the notice cannot be written as JSON: {error}")))
}

#[async_trait]
impl Queue for Store {
    async fn accept(&self, event: AcceptedEvent, dedupe_window: Duration) -> Result<Acceptance, StoreError> {
        let arrival = Arrival::new(event, dedupe_window).map_err(|error| {
            StoreError::Unavailable(format!("the event cannot be written as JSON: {error}"))
        })?;
        let (bytes, arrival) = (arrival.bytes(), Arc::new(arrival));
        let accepted = Arc::clone(&arrival);
        let accept = move |writing: &mut writer::Writing<'_>| accept::accept(writing, &arrival);
        let (acceptance, first) = self.writer.run_with_bytes(bytes, accept).await?;
        if let Some(first) = first {
            self.fresh.put(first, accepted);
        }
        Ok(acceptance)
    }

    async fn waiting_events(
        &self,
        limit: usize,
        light_bytes: usize,
        left_aside: Vec<i64>,
    ) -> Result<Vec<WaitingEvent>, StoreError> {
        let fresh = Arc::clone(&self.fresh);
        let read = move |connection: &_| plan::waiting(connection, &fresh, limit, light_bytes, &left_aside);
        self.readers.run(read).await
    }

    async fn plan(&self, plans: Vec<Plan>, now: Timestamp) -> Result<Vec<DestinationName>, StoreError> {
        self.writer.run_lightly(move |writing| plan::plan(writing, &plans, now)).await
    }

    async fn claim_deliveries(
        &self,
        open: Vec<OpenDestination>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Claims, StoreError> {
        let claims = self.writer.run_lightly(move |writing| claim::claim(writing, &open, now, lease)).await?;
        let is_digest = |claim: &&DeliveryClaim| claim.delivery.part == Part::Digest;
        let digests = claims.deliveries.iter().filter(is_digest);
        let digests: Vec<_> = digests.map(|claim| (claim.ticket.number, claim.delivery.in_doubt)).collect();
        if !digests.is_empty() {
            // On disk before it is sent, and with it the claim: what it covers must not grow, not even where the machine
            // goes down.
            let seal = move |writing: &mut writer::Writing<'_>| {
                digests.iter().try_for_each(|(number, doubt)| digest::seal(writing, *number, *doubt, now))
            };
            self.writer.run(seal).await?;
        }
        Ok(claims)
    }

    async fn record(&self, record: Record, now: Timestamp) -> Result<Recorded, StoreError> {
        self.writer.run_whenever(move |writing| record::record(writing, &record, now)).await
    }

    async fn hand_over(&self, wanted: HandOver, now: Timestamp) -> Result<HandedOver, StoreError> {
        self.writer.run_lightly(move |writing| fallback::hand_over(writing, &wanted, now)).await
    }

    async fn begin_heralding(&self, counts_dead: bool) -> Result<Vec<Downtime>, StoreError> {
        self.writer.run_lightly(move |writing| health::begin(writing, counts_dead)).await
    }

    async fn settle_health(&self, change: HealthChange, now: Timestamp) -> Result<HealthSettled, StoreError> {
        self.writer.run(move |writing| health::settle(writing, &change, now)).await
    }

    async fn tell_dead(
        &self,
        gather: Duration,
        at_most_every: Duration,
        now: Timestamp,
    ) -> Result<DeadTold, StoreError> {
        self.writer.run(move |writing| dead::tell(writing, gather, at_most_every, now)).await
    }

    async fn keep_issue(
        &self,
        organization: &Organization,
        group: &GroupId,
        issue: Option<Issue>,
        source: IssueSource,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let survivor = issue.as_ref().map(|issue| issue.id.clone()).filter(|id| id != group);
        let json = issue.map(|issue| serde_json::to_string(&issue)).transpose().map_err(|error| {
            StoreError::Unavailable(format!("the issue cannot be written as JSON: {error}"))
        })?;
        let (organization, group) = (organization.clone(), group.clone());
        let keep = move |writing: &mut writer::Writing<'_>| {
            let said = issue::Said { issue: json.as_deref(), merged_into: survivor.as_ref(), source };
            issue::keep(writing, &organization, &group, &said, now)
        };
        self.writer.run_lightly(keep).await
    }

    async fn silent_runs(
        &self,
        silence: SilentFor,
        now: Timestamp,
        limit: usize,
    ) -> Result<SilentRuns, StoreError> {
        self.readers.run(move |connection| watch::silent_runs(connection, silence, now, limit)).await
    }

    async fn begin_watch(&self, is_on: bool, since: Timestamp) -> Result<(), StoreError> {
        self.writer.run_lightly(move |writing| watch::begin(writing, is_on, since)).await
    }

    async fn settle_look(&self, look: Look, now: Timestamp) -> Result<Option<EventId>, StoreError> {
        let AfterLook::Notice { notice, .. } = &look.next else {
            return self.writer.run_lightly(move |writing| watch::settle(writing, &look, None, now)).await;
        };
        let artifacts = artifacts_of(notice)?;
        let settle =
            move |writing: &mut writer::Writing<'_>| watch::settle(writing, &look, artifacts.as_deref(), now);
        self.writer.run(settle).await
    }

    async fn begin_hearing(
        &self,
        organizations: Vec<Organization>,
        longest_break: Duration,
        now: Timestamp,
    ) -> Result<Vec<Hearing>, StoreError> {
        let begin = move |writing: &mut writer::Writing<'_>| {
            hearing::begin(writing, &organizations, longest_break, now)
        };
        self.writer.run_lightly(begin).await
    }

    async fn settle_hearing(
        &self,
        hearing: Hearing,
        notice: Option<Notice>,
        now: Timestamp,
    ) -> Result<Option<EventId>, StoreError> {
        let Some(notice) = notice else {
            let settle =
                move |writing: &mut writer::Writing<'_>| hearing::settle(writing, &hearing, None, now);
            return self.writer.run_lightly(settle).await;
        };
        let artifacts = artifacts_of(&notice)?.unwrap_or_default();
        let settle = move |writing: &mut writer::Writing<'_>| {
            hearing::settle(writing, &hearing, Some((&notice, &artifacts)), now)
        };
        self.writer.run(settle).await
    }

    async fn register_destinations(
        &self,
        destinations: Vec<DestinationEntry>,
        now: Timestamp,
        latest_due: Timestamp,
    ) -> Result<Vec<DestinationStatus>, StoreError> {
        self.writer.run(move |writing| destination::register(writing, &destinations, now, latest_due)).await
    }

    async fn destinations(&self) -> Result<Vec<DestinationStatus>, StoreError> {
        self.readers.run(destination::list).await
    }

    async fn reopen_destination(&self, name: &DestinationName) -> Result<(), StoreError> {
        let name = name.clone();
        self.writer.run(move |writing| destination::reopen(writing, &name)).await
    }

    async fn replay(&self, target: ReplayTarget, now: Timestamp) -> Result<Replayed, FindError> {
        match target {
            ReplayTarget::Dead { destination, since } => self.replay_dead(destination, since, now).await,
            named @ (ReplayTarget::Delivery(_) | ReplayTarget::Event(_) | ReplayTarget::Run(_)) => {
                let targets = [named];
                self.writer.run(move |writing| replay::named(writing, &targets, now)).await?
            }
        }
    }

    async fn replay_named(&self, names: Vec<String>, now: Timestamp) -> Result<Replayed, FindError> {
        let targets: Vec<_> = names.iter().map(|name| ReplayTarget::of(name)).collect();
        self.writer.run(move |writing| replay::named(writing, &targets, now)).await?
    }

    async fn prune(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut runs = self.readers.run(move |connection| prune::list(connection, before, limit)).await?;
        let mut removed = 0;
        while !runs.is_empty() {
            let some: Vec<i64> = runs.iter().take(RUNS_AT_ONCE).copied().collect();
            let step =
                unhurried(self.writer.run(move |writing| prune::remove(writing, &some, before))).await?;
            runs.drain(..step.done);
            removed += step.removed;
        }
        while unhurried(self.writer.run(move |writing| issue::prune(writing, before))).await? {}
        let unused = self.readers.run(move |connection| routing::unused(connection, before)).await?;
        if !unused.is_empty() {
            self.writer.run(move |writing| routing::remove(writing, &unused)).await?;
        }
        self.writer.run(|writing| forget::husk::clear(writing)).await?;
        while unhurried(self.writer.run(|writing| prune::shrink(writing, prune::FREE_PAGES_KEPT))).await? {}
        Ok(removed)
    }

    async fn strip(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.strip_old(before).await
    }

    async fn doomed(&self, target: ForgetTarget) -> Result<Doomed, FindError> {
        self.find_doomed(target).await
    }

    async fn forget(&self, doomed: Doomed, now: Timestamp) -> Result<ForgetEnd, StoreError> {
        self.remove_for_good(doomed, now).await
    }

    async fn catalogue(&self) -> Result<bool, StoreError> {
        // Many events of a run make one step, so that to rest is to do less.
        let step = async {
            let Some(step) = self.readers.run(catalogue::read).await? else { return Ok(false) };
            let may_be_more = step.may_be_more;
            self.writer.run_whenever(move |writing| catalogue::write(writing, &step)).await?;
            Ok(may_be_more)
        };
        let before = self.writer.tally();
        let done = unhurried(step).await;
        self.writer.let_crowd_pass(before).await;
        done
    }

    async fn probe(&self) -> Result<(), StoreError> {
        // Random, since SQLite does not write again what stays the same.
        let write = |writing: &mut writer::Writing<'_>| {
            writing.prepare("UPDATE probe SET filler = randomblob(?1)")?.execute([PROBE_BYTES]).map(drop)
        };
        self.writer.run(write).await
    }
}

/// Does a piece of work that is in no hurry, and then leaves the disk to others for several times as long.
async fn unhurried<T>(work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    tokio::time::sleep(began.elapsed() * RESTS).await;
    done
}
