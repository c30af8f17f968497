//! Differences: what another configuration changes for an event, and how many events it changes alike.

use std::collections::{BTreeMap, HashMap};

use super::side::{Message, Outcome};
use crate::event::{Event, EventId};

/// How many events of each kind of difference are named.
pub(super) const EXAMPLES: usize = 3;

/// How many kinds of difference are told apart; more are only counted.
const MOST_KINDS: usize = 1_000;

/// What changes for an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Difference {
    /// Messages that only the new configuration sends.
    pub(super) added: Vec<Message>,
    /// Messages that only today's sends.
    pub(super) removed: Vec<Message>,
    /// Messages that both send, but made by other templates, held back or not, or to other people: today's, and the new
    /// one.
    pub(super) changed: Vec<(Message, Message)>,
    /// Names of the routes that match today.
    pub(super) routes_before: Vec<String>,
    /// Names of the routes that match then.
    pub(super) routes_after: Vec<String>,
}

impl Difference {
    /// Returns what changes; `None` where the same messages go to the same destinations. That other routes lead there, or
    /// in another order, changes nothing.
    pub(super) fn between(before: &Outcome, after: &Outcome) -> Option<Self> {
        let twin = |message: &Message, others: &[Message]| {
            let is_twin = |other: &&Message| {
                let place = |message: &Message| (message.kind, message.part);
                other.destination == message.destination && place(other) == place(message)
            };
            others.iter().find(is_twin).cloned()
        };
        let only_in = |these: &[Message], others: &[Message]| -> Vec<Message> {
            let mut only: Vec<_> = these.iter().filter(|one| twin(one, others).is_none()).cloned().collect();
            only.sort_by(|one, other| one.destination.as_str().cmp(other.destination.as_str()));
            only
        };
        let (added, removed) =
            (only_in(&after.messages, &before.messages), only_in(&before.messages, &after.messages));
        let pairs = before.messages.iter().filter_map(|one| Some((one.clone(), twin(one, &after.messages)?)));
        let changed: Vec<_> = pairs.filter(|(one, other)| !one.is_like(other)).collect();
        let is_none = added.is_empty() && removed.is_empty() && changed.is_empty();
        (!is_none).then(|| Self {
            added,
            removed,
            changed,
            routes_before: before.routes.clone(),
            routes_after: after.routes.clone(),
        })
    }
}

/// Events that change alike.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// How many there are.
    pub(super) events: u64,
    /// How many of each action.
    pub(super) actions: BTreeMap<String, u64>,
    /// The first of them.
    pub(super) examples: Vec<EventId>,
    /// The place of the first one among all that differ.
    first: u64,
}

/// All differences.
#[derive(Debug)]
pub(super) struct Differences {
    /// How many runs were looked at.
    pub(super) runs: u64,
    /// How many events were looked at.
    pub(super) events: u64,
    /// How many of them differ.
    pub(super) differing: u64,
    /// How many of these differ in a way that is not told, because there are too many ways.
    pub(super) untold: u64,
    groups: HashMap<Difference, Group>,
    examples: usize,
}

impl Differences {
    /// None yet; of each kind so many events are to be named.
    pub(super) fn new(examples: usize) -> Self {
        Self { runs: 0, events: 0, differing: 0, untold: 0, groups: HashMap::new(), examples }
    }

    /// Adds what changes for an event, if anything.
    pub(super) fn add(&mut self, event: &Event, difference: Option<Difference>) {
        self.events += 1;
        let Some(difference) = difference else { return };
        self.differing += 1;
        if self.groups.len() >= MOST_KINDS && !self.groups.contains_key(&difference) {
            self.untold += 1;
            return;
        }
        let first = self.differing;
        let group = self.groups.entry(difference).or_insert_with(|| Group { first, ..Group::default() });
        group.events += 1;
        // Of actions that nobody knows strangers name as many as they like.
        let action =
            if event.action.is_known() { event.action.shown(&event.resource) } else { "others".to_owned() };
        *group.actions.entry(action).or_default() += 1;
        if group.examples.len() < self.examples {
            group.examples.push(event.id.clone());
        }
    }

    /// Returns every kind of difference, the most frequent first.
    pub(super) fn most_frequent(&self) -> Vec<(&Difference, &Group)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| (std::cmp::Reverse(group.events), group.first));
        groups
    }
}
