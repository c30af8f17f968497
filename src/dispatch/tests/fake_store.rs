//! A store in memory: just enough of one to watch the dispatcher.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::delivery::{Delivery, DeliveryId, DeliveryState, DestinationName, Reason};
use crate::dispatch::moment::after;
use crate::event::{Event, EventId, GroupId, Organization, RELAY_RESOURCE};
use crate::issue::Issue;
use crate::render::digest::{Digest, Digested};
use crate::run::{Run, StepSign};
use crate::sentry::payload::AcceptedEvent;
use crate::store::{
    Acceptance, AfterLook, Backlog, Choices, Claims, Cursor, DeadTold, DeliveryClaim, DeliveryFilter,
    DeliveryRow, DeliveryTicket, DestinationChange, DestinationEntry, DestinationStatus, Doomed, Downtime,
    EventHistory, EventTicket, ExportFilter, ExportPage, FindError, ForgetEnd, ForgetTarget, Forgotten,
    HandOver, HandedOver, HealthChange, HealthSettled, Hearing, History, IssueSource, KeptIssue, LaterStep,
    Look, Next, Notice, OpenDestination, Page, Plan, Pulse, Queue, Record, Recorded, ReplayTarget, Replayed,
    Report, ReportFilter, RunFilter, RunHistory, RunNumber, RunRow, SilentFor, SilentRun, SilentRuns,
    StoreError, Story, Stretch, Tale, Told, WaitingEvent, Wanted,
};

/// A delivery as the fake keeps it.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    pub(super) lane: String,
    pub(super) state: DeliveryState,
    pub(super) due_at: Timestamp,
    pub(super) lease_until: Option<Timestamp>,
    pub(super) fence: i64,
    pub(super) reason: Option<Reason>,
    pub(super) records: Vec<Record>,
}

impl Row {
    fn is_finished(&self) -> bool {
        match self.state {
            DeliveryState::Waiting | DeliveryState::Sending => false,
            DeliveryState::Delivered | DeliveryState::Superseded | DeliveryState::Dead => true,
        }
    }

    /// The reasons of the attempts on record.
    pub(super) fn attempts(&self) -> Vec<Option<Reason>> {
        let attempts = self.records.iter().filter_map(|record| record.attempt.as_ref());
        attempts.map(|attempt| attempt.reason).collect()
    }
}

/// What the fake holds.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) rows: Vec<Row>,
    pub(super) events: HashMap<EventId, Event>,
    pub(super) accepted: Vec<Event>,
    pub(super) plans: Vec<(Plan, Instant)>,
    pub(super) statuses: Vec<DestinationStatus>,
    /// The address of each destination, as it was made known.
    pub(super) addresses: HashMap<DestinationName, String>,
    pub(super) issues: HashMap<GroupId, KeptIssue>,
    /// Up to which event runs were looked at.
    pub(super) seen: Option<i64>,
    /// Whether runs are watched, as it was said.
    pub(super) watched: Vec<bool>,
    /// What was heard of each organization.
    pub(super) hearings: HashMap<Organization, Hearing>,
    /// How often it was asked for silent runs.
    pub(super) watches: usize,
    /// The runs that are looked at again, by their newest events: when, and how often they were.
    pub(super) looks: BTreeMap<i64, (Timestamp, u32)>,
    /// While true nothing works.
    pub(super) fails: bool,
    /// While true nothing can be recorded.
    pub(super) records_fail: bool,
    /// How often deliveries were claimed.
    pub(super) claims: usize,
    /// While true it never tells what it remembers of destinations.
    pub(super) polls_hang: bool,
    /// How often it was asked what it remembers of destinations.
    pub(super) polls: usize,
    /// What was to be handed over, and when.
    pub(super) handed_over: Vec<(HandOver, Timestamp)>,
    /// Whether dead letters are counted, as it was said.
    pub(super) counts_dead: Vec<bool>,
    /// Which destinations took nothing when the process began.
    pub(super) downtimes: Vec<Downtime>,
    /// What was written of destinations' health.
    pub(super) healths: Vec<HealthChange>,
    /// How often dead letters were to be told.
    pub(super) tells: usize,
}

impl Kept {
    /// The first row with this id.
    pub(super) fn row(&self, id: &str) -> &Row {
        self.rows.iter().find(|row| row.delivery.id.as_str() == id).expect("the delivery was queued")
    }

    pub(super) fn state(&self, id: &str) -> (DeliveryState, Option<Reason>) {
        (self.row(id).state, self.row(id).reason)
    }

    fn sequences(&self) -> impl Iterator<Item = i64> + use<> {
        0..i64::try_from(self.accepted.len()).expect("few events")
    }

    fn accepted(&self, sequence: i64) -> &Event {
        &self.accepted[usize::try_from(sequence).expect("it counts from 0")]
    }

    /// The event that was planned at this place in the order of planning.
    pub(super) fn planned(&self, place: usize) -> &Event {
        self.accepted(self.plans[place].0.ticket.sequence)
    }

    fn is_planned(&self, sequence: i64) -> bool {
        self.plans.iter().any(|(plan, _)| plan.ticket.sequence == sequence)
    }

    /// An event as it waits; all events of one issue are one run here.
    fn waiting_event(&self, sequence: i64) -> WaitingEvent {
        let event = self.accepted(sequence);
        let is_of_run = |other: &i64| self.accepted(*other).group_id == event.group_id;
        let (earlier, later) =
            self.sequences().filter(is_of_run).partition::<Vec<_>, _>(|other| *other <= sequence);
        let later = later.into_iter().map(|later| LaterStep {
            sign: StepSign::of(self.accepted(later)),
            is_planned: self.is_planned(later),
        });
        WaitingEvent {
            ticket: EventTicket { sequence, fence: 1 },
            events: earlier.into_iter().map(|earlier| self.accepted(earlier).clone()).collect(),
            payload: None,
            issue: self.issue_of(event).cloned(),
            bytes: 0,
            later: later.collect(),
            replay: false,
        }
    }

    /// A run that ends with an event; without its events where it goes on after it.
    fn silent_run(&self, sequence: i64, looks: u32, due_at: Option<Timestamp>) -> SilentRun {
        let waiting = self.waiting_event(sequence);
        let events = if waiting.later.is_empty() { waiting.events } else { Vec::new() };
        SilentRun { sequence, events, looks, due_at }
    }

    fn issue_of(&self, event: &Event) -> Option<&KeptIssue> {
        self.issues.get(event.group_id.as_ref()?)
    }

    fn status(&mut self, name: &DestinationName) -> &mut DestinationStatus {
        if !self.statuses.iter().any(|status| status.name == *name) {
            let status = DestinationStatus { name: name.clone(), held_until: None, gone_since: None };
            self.statuses.push(status);
        }
        self.statuses.iter_mut().find(|status| status.name == *name).expect("it was just added")
    }

    /// Takes the rows of one destination that are first in their lanes and due.
    fn claim(&mut self, open: &OpenDestination, now: Timestamp, lease: Duration, claims: &mut Claims) {
        let mut lanes = HashSet::new();
        let unfinished = self.rows.iter_mut().enumerate();
        let unfinished =
            unfinished.filter(|(_, row)| row.delivery.destination == open.name && !row.is_finished());
        let mut heads: Vec<_> = unfinished.filter(|(_, row)| lanes.insert(row.lane.clone())).collect();
        heads.sort_by_key(|(number, row)| (row.due_at, *number));
        let mut left = open.allowance;
        for (number, row) in heads {
            let next = row.lease_until.filter(|until| *until > now).unwrap_or(row.due_at);
            if next > now || left == 0 {
                claims.next_due.push((open.name.clone(), next));
                continue;
            }
            left -= 1;
            row.fence += 1;
            row.state = DeliveryState::Sending;
            row.lease_until = Some(after(now, lease));
            let number = i64::try_from(number).expect("few rows");
            let ticket = DeliveryTicket { number, fence: row.fence };
            claims.deliveries.push(DeliveryClaim { ticket, delivery: row.delivery.clone() });
        }
        let earliest = claims.next_due.iter().filter(|(name, _)| *name == open.name).min().cloned();
        claims.next_due.retain(|(name, _)| *name != open.name);
        claims.next_due.extend(earliest);
    }
}

/// A store in memory. Wakes whoever waits for a state of it.
#[derive(Default)]
pub(super) struct FakeStore {
    kept: Mutex<Kept>,
    changes: watch::Sender<u64>,
}

impl FakeStore {
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no test panics while it holds the store")
    }

    fn available(&self) -> Result<MutexGuard<'_, Kept>, StoreError> {
        self.changes.send_modify(|changes| *changes += 1);
        let kept = self.kept();
        if kept.fails { Err(StoreError::Unavailable("disk full".to_owned())) } else { Ok(kept) }
    }

    /// Waits until the store looks like this.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Kept) -> bool) {
        let mut changes = self.changes.subscribe();
        let look = async {
            while !holds(&self.kept()) {
                changes.changed().await.expect("the store outlives the wait");
            }
        };
        let waited = tokio::time::timeout(Duration::from_hours(48), look).await;
        waited.unwrap_or_else(|_| panic!("waited in vain until {what}"));
    }
}

#[async_trait]
impl Queue for FakeStore {
    async fn accept(&self, _: AcceptedEvent, _: Duration) -> Result<Acceptance, StoreError> {
        unreachable!("the dispatcher accepts nothing")
    }

    async fn waiting_events(
        &self,
        limit: usize,
        _: usize,
        left_aside: Vec<i64>,
    ) -> Result<Vec<WaitingEvent>, StoreError> {
        let kept = self.available()?;
        let waits = |sequence: &i64| !kept.is_planned(*sequence) && !left_aside.contains(sequence);
        Ok(kept.sequences().filter(waits).take(limit).map(|sequence| kept.waiting_event(sequence)).collect())
    }

    async fn plan(&self, plans: Vec<Plan>, _: Timestamp) -> Result<Vec<DestinationName>, StoreError> {
        self.available()?.plans.extend(plans.into_iter().map(|plan| (plan, Instant::now())));
        Ok(Vec::new())
    }

    async fn claim_deliveries(
        &self,
        open: Vec<OpenDestination>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Claims, StoreError> {
        let mut kept = self.available()?;
        kept.claims += 1;
        let mut claims = Claims::default();
        for destination in &open {
            assert!(destination.allowance > 0, "nothing is asked of a destination that may not be called");
            kept.claim(destination, now, lease, &mut claims);
        }
        Ok(claims)
    }

    async fn record(&self, record: Record, now: Timestamp) -> Result<Recorded, StoreError> {
        let mut kept = self.available()?;
        if kept.records_fail {
            return Err(StoreError::Unavailable("disk full".to_owned()));
        }
        let number = usize::try_from(record.ticket.number).expect("it came from a claim");
        let row = kept.rows.get_mut(number).expect("it came from a claim");
        if row.fence != record.ticket.fence {
            return Ok(Recorded::LeaseLost);
        }
        row.fence += 1;
        row.records.push(record.clone());
        row.delivery.attempts += u32::from(record.attempt.is_some());
        (row.state, row.lease_until) = (DeliveryState::Waiting, None);
        match record.next {
            Next::Delivered => row.state = DeliveryState::Delivered,
            Next::Superseded => row.state = DeliveryState::Superseded,
            Next::Dead(reason) => (row.state, row.reason) = (DeliveryState::Dead, Some(reason)),
            Next::GivenBack => {}
            Next::Retry { due_at, counted, rung } => {
                row.delivery.failures += u32::from(counted);
                row.delivery.rung = rung;
                row.due_at = due_at;
            }
        }
        let (name, lane) = (row.delivery.destination.clone(), row.lane.clone());
        if row.is_finished() {
            let next = kept
                .rows
                .iter_mut()
                .find(|row| row.delivery.destination == name && row.lane == lane && !row.is_finished());
            if let Some(next) = next {
                next.due_at = next.due_at.max(now);
            }
        }
        match record.destination {
            DestinationChange::None => {}
            DestinationChange::HeldUntil(moment) => kept.status(&name).held_until = Some(moment),
            DestinationChange::Gone => kept.status(&name).gone_since = Some(now),
        }
        Ok(Recorded::Done)
    }

    async fn hand_over(&self, wanted: HandOver, now: Timestamp) -> Result<HandedOver, StoreError> {
        self.available()?.handed_over.push((wanted, now));
        Ok(HandedOver::default())
    }

    async fn begin_heralding(&self, counts_dead: bool) -> Result<Vec<Downtime>, StoreError> {
        let mut kept = self.available()?;
        kept.counts_dead.push(counts_dead);
        Ok(kept.downtimes.clone())
    }

    async fn settle_health(&self, change: HealthChange, _: Timestamp) -> Result<HealthSettled, StoreError> {
        self.available()?.healths.push(change);
        Ok(HealthSettled::default())
    }

    async fn tell_dead(&self, _: Duration, _: Duration, _: Timestamp) -> Result<DeadTold, StoreError> {
        self.available()?.tells += 1;
        Ok(DeadTold::default())
    }

    async fn keep_issue(
        &self,
        _: &Organization,
        group: &GroupId,
        issue: Option<Issue>,
        source: IssueSource,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.available()?.issues.insert(group.clone(), KeptIssue { issue, source, kept_at: now });
        Ok(())
    }

    async fn begin_watch(&self, is_on: bool, _: Timestamp) -> Result<(), StoreError> {
        self.available()?.watched.push(is_on);
        Ok(())
    }

    async fn silent_runs(
        &self,
        silence: SilentFor,
        now: Timestamp,
        limit: usize,
    ) -> Result<SilentRuns, StoreError> {
        let mut kept = self.available()?;
        kept.watches += 1;
        let mut silent = SilentRuns::default();
        for (sequence, (due_at, looks)) in &kept.looks {
            if *due_at <= now {
                silent.runs.push(kept.silent_run(*sequence, *looks, Some(*due_at)));
            }
        }
        silent.next_due = kept.looks.values().map(|(due_at, _)| *due_at).filter(|due_at| *due_at > now).min();
        for sequence in kept.sequences().filter(|sequence| Some(*sequence) > kept.seen) {
            let due_at = after(kept.accepted(sequence).received_at, silence.at_least);
            if due_at > now {
                silent.next_due = silent.next_due.into_iter().chain([due_at]).min();
                break;
            }
            if silent.runs.len() >= limit {
                silent.may_be_more = true;
                break;
            }
            silent.seen = Some(sequence);
            let event = kept.accepted(sequence);
            let is_news = !event.is_notice() && after(event.received_at, silence.at_most) >= now;
            let run = kept.silent_run(sequence, 0, None);
            silent.runs.extend(Some(run).filter(|run| is_news && !run.events.is_empty()));
        }
        Ok(silent)
    }

    async fn settle_look(&self, look: Look, now: Timestamp) -> Result<Option<EventId>, StoreError> {
        let mut kept = self.available()?;
        if look.next == AfterLook::Seen {
            kept.seen = kept.seen.max(Some(look.sequence));
            return Ok(None);
        }
        let looks = kept.looks.remove(&look.sequence);
        if looks.is_none() {
            kept.seen = kept.seen.max(Some(look.sequence));
        }
        let looks = looks.map_or(0, |(_, looks)| looks);
        match look.next {
            AfterLook::Seen | AfterLook::Over => Ok(None),
            AfterLook::Later(due_at) => {
                kept.looks.insert(look.sequence, (due_at, looks));
                Ok(None)
            }
            AfterLook::Again(due_at) => {
                kept.looks.insert(look.sequence, (due_at, looks + 1));
                Ok(None)
            }
            AfterLook::Notice { notice, again } => {
                let run = kept.silent_run(look.sequence, 0, None).events;
                let Some(newest) = run.last() else { return Ok(None) };
                let place = kept.accepted.len();
                let id = EventId::new(format!("evt_{place}"));
                kept.accepted.push(Event {
                    id: id.clone(),
                    resource: RELAY_RESOURCE.to_owned(),
                    received_at: now,
                    sent_at: None,
                    artifacts: notice.artifacts(),
                    action: notice.action,
                    ..newest.clone()
                });
                if let Some(due_at) = again {
                    kept.looks.insert(i64::try_from(place).expect("few events"), (due_at, looks + 1));
                }
                Ok(Some(id))
            }
        }
    }

    async fn begin_hearing(
        &self,
        organizations: Vec<Organization>,
        _: Duration,
        now: Timestamp,
    ) -> Result<Vec<Hearing>, StoreError> {
        let mut kept = self.available()?;
        let listened = |organization: Organization| {
            let known = kept.hearings.entry(organization.clone());
            let new = Hearing {
                organization,
                heard_at: None,
                listens_since: now,
                bad_signatures: 0,
                is_told: false,
            };
            known.or_insert(new).clone()
        };
        Ok(organizations.into_iter().map(listened).collect())
    }

    async fn settle_hearing(
        &self,
        hearing: Hearing,
        notice: Option<Notice>,
        now: Timestamp,
    ) -> Result<Option<EventId>, StoreError> {
        let mut kept = self.available()?;
        let was_told = kept.hearings.get(&hearing.organization).is_some_and(|known| known.is_told);
        let is_told = hearing.is_told || notice.is_some();
        let organization = hearing.organization.clone();
        kept.hearings.insert(organization.clone(), Hearing { is_told, ..hearing });
        let Some(notice) = notice.filter(|_| !was_told) else { return Ok(None) };
        let id = EventId::new(format!("evt_{}", kept.accepted.len()));
        kept.accepted.push(Event {
            organization,
            resource: RELAY_RESOURCE.to_owned(),
            run_id: None,
            received_at: now,
            artifacts: notice.artifacts(),
            ..super::event(id.as_str(), notice.action)
        });
        Ok(Some(id))
    }

    async fn register_destinations(
        &self,
        entries: Vec<DestinationEntry>,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Vec<DestinationStatus>, StoreError> {
        let mut kept = self.available()?;
        for DestinationEntry { name, address, .. } in entries {
            let Some(address) = address.map(|address| address.expose_secret().to_owned()) else { continue };
            let former = kept.addresses.insert(name.clone(), address.clone());
            if former.is_some_and(|former| former != address) {
                let status = kept.status(&name);
                (status.gone_since, status.held_until) = (None, None);
            }
        }
        Ok(kept.statuses.clone())
    }

    async fn destinations(&self) -> Result<Vec<DestinationStatus>, StoreError> {
        let hangs = {
            let mut kept = self.available()?;
            kept.polls += 1;
            kept.polls_hang
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut kept = self.available()?;
        let waiting: Vec<DestinationName> = kept
            .rows
            .iter()
            .filter(|row| !row.is_finished())
            .map(|row| row.delivery.destination.clone())
            .collect();
        for name in waiting {
            kept.status(&name);
        }
        Ok(kept.statuses.clone())
    }

    async fn reopen_destination(&self, name: &DestinationName) -> Result<(), StoreError> {
        let mut kept = self.available()?;
        let status = kept.status(name);
        (status.gone_since, status.held_until) = (None, None);
        Ok(())
    }

    async fn replay(&self, _: ReplayTarget, _: Timestamp) -> Result<Replayed, FindError> {
        unreachable!("the dispatcher replays nothing")
    }

    async fn replay_named(&self, _: Vec<String>, _: Timestamp) -> Result<Replayed, FindError> {
        unreachable!("the dispatcher replays nothing")
    }

    async fn prune(&self, _: Timestamp, _: usize) -> Result<usize, StoreError> {
        unreachable!("the dispatcher prunes nothing")
    }

    async fn strip(&self, _: Timestamp) -> Result<usize, StoreError> {
        unreachable!("the dispatcher removes nothing")
    }

    async fn doomed(&self, _: ForgetTarget) -> Result<Doomed, FindError> {
        unreachable!("the dispatcher removes nothing")
    }

    async fn forget(&self, _: Doomed, _: Timestamp) -> Result<ForgetEnd, StoreError> {
        unreachable!("the dispatcher removes nothing")
    }

    async fn catalogue(&self) -> Result<bool, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.available().map(drop)
    }
}

#[async_trait]
impl History for FakeStore {
    async fn stories(&self, wanted: &[Wanted], _: usize) -> Result<Vec<Option<Told>>, StoreError> {
        let kept = self.available()?;
        let story = |event: &Event| {
            let issue = kept.issue_of(event).and_then(|kept| kept.issue.clone()).map(Box::new);
            Told::Story(Story { events: vec![event.clone()], payload: Bytes::from_static(b"{}"), issue })
        };
        Ok(wanted.iter().map(|wanted| kept.events.get(&wanted.event).map(story)).collect())
    }

    async fn digest(&self, delivery: &DeliveryId) -> Result<Option<Digest>, StoreError> {
        let kept = self.available()?;
        let row = kept.row(delivery.as_str());
        let mut digest = Digest::new(delivery.clone(), row.delivery.created_at, row.due_at);
        let run = kept.events.get(&row.delivery.event_id).and_then(|event| Run::fold([event]));
        if let Some(run) = run {
            digest.add(Digested { run, events: 1, issue: None });
        }
        Ok(Some(digest))
    }

    async fn issue(&self, _: &Organization, group: &GroupId) -> Result<Option<KeptIssue>, StoreError> {
        Ok(self.available()?.issues.get(group).cloned())
    }

    async fn runs(&self, _: usize) -> Result<Vec<RunRow>, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn find_runs(&self, _: RunFilter, _: Option<Cursor>, _: usize) -> Result<Page<RunRow>, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn choices(&self) -> Result<Choices, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn dead_letters(
        &self,
        _: Option<DestinationName>,
    ) -> Result<Vec<(DestinationName, u64)>, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn pulse(&self) -> Result<Pulse, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn catalogue_lag(&self) -> Result<u64, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn run(&self, _: &str) -> Result<RunHistory, FindError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn event(&self, _: &str) -> Result<EventHistory, FindError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn runs_since(&self, _: Timestamp) -> Result<Vec<RunNumber>, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn tales(&self, _: &[RunNumber]) -> Result<Vec<Tale>, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn deliveries(
        &self,
        _: DeliveryFilter,
        _: Option<Cursor>,
        _: usize,
        _: Timestamp,
    ) -> Result<Page<DeliveryRow>, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn report(&self, _: ReportFilter) -> Result<Report, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn forgotten(&self, _: Option<String>) -> Result<Vec<Forgotten>, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn begin_export(&self, _: ExportFilter) -> Result<Stretch, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn export(&self, _: ExportFilter, _: Stretch) -> Result<ExportPage, StoreError> {
        unreachable!("the dispatcher lists nothing")
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.available().map(|_| Backlog::default())
    }
}
