//! Digests: what one message tells of the runs of some time. However many there are, a few of each sort are kept whole
//! and the others counted.
//!
//! Knows neither how the runs were gathered nor how they are shown.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::delivery::DeliveryId;
use crate::event::Organization;
use crate::issue::Issue;
use crate::run::{Need, Run, RunState};

/// How many runs of each sort (those that want the same of a person, and those that want nothing) are listed: the newest.
pub const LISTED: usize = 15;

/// What one message tells of the runs of some time.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// The delivery that was opened for it.
    pub id: DeliveryId,
    /// When that was.
    pub since: Timestamp,
    /// Up to when was gathered.
    pub until: Timestamp,
    /// How many events it tells of.
    pub events: u64,
    /// How many runs are in each state, where any is.
    pub states: BTreeMap<RunState, u64>,
    /// How many runs want what of a person; `None` those that want nothing.
    pub needs: BTreeMap<Option<Need>, u64>,
    /// Whose runs these are.
    pub organizations: BTreeSet<Organization>,
    /// The runs that are listed: first those that want somebody, of each sort the newest first.
    pub runs: Vec<Digested>,
}

/// A run in a digest.
#[derive(Debug, Clone, PartialEq)]
pub struct Digested {
    /// The run as it was when the newest event of the digest came.
    pub run: Run,
    /// How many of the events are the run's.
    pub events: u64,
    /// What is known of its issue.
    pub issue: Option<Issue>,
}

impl Digest {
    /// Begins a digest of no runs.
    pub fn new(id: DeliveryId, since: Timestamp, until: Timestamp) -> Self {
        Self {
            id,
            since,
            until,
            events: 0,
            states: BTreeMap::new(),
            needs: BTreeMap::new(),
            organizations: BTreeSet::new(),
            runs: Vec::new(),
        }
    }

    /// Makes the digest of these runs, each with what is known of its issue and one event, as samples have them.
    pub fn of_samples(
        since: Timestamp,
        until: Timestamp,
        runs: impl IntoIterator<Item = (Run, Option<Issue>)>,
    ) -> Self {
        let mut digest = Self::new(DeliveryId::new("dlv_sample01"), since, until);
        runs.into_iter().for_each(|(run, issue)| digest.add(Digested { run, events: 1, issue }));
        digest.tidy();
        digest
    }

    /// Adds a run; of very many only some stay in memory.
    pub fn add(&mut self, digested: Digested) {
        let run = &digested.run;
        self.events += digested.events;
        *self.states.entry(run.state).or_default() += 1;
        *self.needs.entry(run.need()).or_default() += 1;
        if !self.organizations.contains(&run.organization) {
            self.organizations.insert(run.organization.clone());
        }
        self.runs.push(digested);
        if self.runs.len() >= LISTED * 16 {
            self.tidy();
        }
    }

    /// Leaves those runs that are listed, in their order.
    pub fn tidy(&mut self) {
        let sort = |digested: &Digested| digested.run.need().map_or(usize::MAX, |need| need as usize);
        self.runs.sort_by_key(|digested| {
            let run = &digested.run;
            (sort(digested), Reverse(run.updated_at), Reverse(run.first_event.clone()))
        });
        let mut listed = BTreeMap::<_, usize>::new();
        self.runs.retain(|digested| {
            let listed = listed.entry(sort(digested)).or_default();
            *listed += 1;
            *listed <= LISTED
        });
    }

    /// Returns how many runs there are.
    pub fn total(&self) -> u64 {
        self.states.values().sum()
    }

    /// Returns how many runs want this of a person.
    pub fn wanting(&self, need: Option<Need>) -> u64 {
        self.needs.get(&need).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::event::{Artifacts, Event, OWN_NOTICE, RELAY_RESOURCE};
    use crate::render::fixture::event;

    fn digested(number: usize, action: &str) -> Digested {
        let resource = if action.starts_with(OWN_NOTICE) { RELAY_RESOURCE } else { "seer" }.to_owned();
        let event = Event { resource, ..event(action, Artifacts::default()) };
        let later = SignedDuration::from_secs(i64::try_from(number).unwrap());
        let mut run = Run::fold([&event]).unwrap();
        run.updated_at += later;
        Digested { run, events: 2, issue: None }
    }

    #[test]
    fn of_very_many_runs_the_newest_of_each_sort_are_listed_and_all_are_counted() {
        let now = Timestamp::UNIX_EPOCH;
        let mut digest = Digest::new(DeliveryId::new("dlv_1"), now, now);
        let actions = ["coding_started", "pr_created", "relay.waiting", "relay.stalled"];
        for number in 0..10_000 {
            digest.add(digested(number, actions[number % 3]));
            assert!(digest.runs.len() < LISTED * 16);
        }
        digest.add(digested(0, actions[3]));
        digest.tidy();

        assert_eq!((digest.total(), digest.events), (10_001, 20_002));
        assert_eq!(digest.states[&RunState::PrCreated], 3_333);
        assert_eq!(digest.wanting(Some(Need::Review)), 3_333);
        assert_eq!(digest.wanting(None), 3_334);
        let needs: Vec<_> = digest.runs.iter().map(|digested| digested.run.need()).collect();
        let expected =
            [(Some(Need::Review), 15), (Some(Need::Answer), 15), (Some(Need::Look), 1), (None, 15)];
        assert_eq!(
            needs,
            expected.into_iter().flat_map(|(need, times)| vec![need; times]).collect::<Vec<_>>()
        );
        let first = digested(9_997, "pr_created").run;
        assert_eq!(digest.runs[0].run.updated_at, first.updated_at, "the newest of those is the first");
    }
}
