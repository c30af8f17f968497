//! What was accepted a moment ago, kept until it is read for its plan: most events are planned at once, and one that lies
//! here is not read back from the file.
//!
//! Only the first event of a run: as long as that run is its own, its story up to it holds nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::accept::Arrival;
use super::story::EVENT_BYTES;
use super::value::{micros, time};
use crate::event::{Event, EventId};

/// How much may be kept of one event, and of all together.
const MOST_BYTES_OF_ONE: usize = 16 * 1024;
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// What an event takes beside its texts, about.
const BYTES_BESIDE: usize = 1024;

/// Where the first event of a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct First {
    pub(super) sequence: i64,
    pub(super) run: i64,
    pub(super) id: EventId,
}

/// First events of runs, by their places in the order of acceptance.
#[derive(Debug, Default)]
pub(super) struct Fresh(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    events: BTreeMap<i64, FreshEvent>,
    bytes: usize,
    /// Up to where was read: whatever stands there is not read for its first plan any more.
    read_up_to: i64,
}

/// An event as it came.
#[derive(Debug)]
pub(super) struct FreshEvent {
    first: First,
    arrival: Arc<Arrival>,
}

impl Fresh {
    /// Keeps an event that is committed, where there is room.
    pub(super) fn put(&self, first: First, arrival: Arc<Arrival>) {
        let event = FreshEvent { first, arrival };
        let (sequence, bytes) = (event.first.sequence, event.bytes());
        let mut all = self.all();
        // Who reads may have been faster than who puts it here.
        let is_wanted = sequence > all.read_up_to && bytes <= MOST_BYTES_OF_ONE;
        if is_wanted && all.bytes + bytes <= MOST_BYTES {
            all.bytes += bytes;
            all.events.insert(sequence, event);
        }
    }

    /// Takes the event at this place, where it lies here and is still of this run. They are asked for in the order of
    /// acceptance: what comes before it was read already, or is gone.
    pub(super) fn take(&self, sequence: i64, run: Option<i64>) -> Option<FreshEvent> {
        let mut all = self.all();
        all.read_up_to = all.read_up_to.max(sequence);
        while let Some(entry) = all.events.first_entry().filter(|entry| *entry.key() <= sequence) {
            let event = entry.remove();
            all.bytes -= event.bytes();
            if event.first.sequence == sequence {
                return Some(event).filter(|event| Some(event.first.run) == run);
            }
        }
        None
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FreshEvent {
    fn bytes(&self) -> usize {
        BYTES_BESIDE + self.arrival.bytes()
    }

    /// Returns it as it would be read back.
    pub(super) fn event(&self) -> Event {
        let event = self.arrival.event.to_event(self.first.id.clone());
        let as_kept = |at| time(micros(at));
        Event { received_at: as_kept(event.received_at), sent_at: event.sent_at.map(as_kept), ..event }
    }

    /// Returns what it takes as a story, about.
    pub(super) fn story_bytes(&self) -> usize {
        EVENT_BYTES + self.arrival.artifacts.as_ref().map_or(0, String::len)
    }

    /// Returns the body of its webhook.
    pub(super) fn body(&self) -> Bytes {
        self.arrival.event.raw().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::event::Organization;
    use crate::sample;
    use crate::store::sqlite::Store;
    use crate::store::{Access, Queue};

    fn arrival(bytes: usize) -> Arc<Arrival> {
        let body = serde_json::json!({
            "action": "pr_created", "data": { "run_id": 1, "group_id": 2, "filler": "x".repeat(bytes) },
        });
        let accepted =
            sample::accept(body.to_string().into(), &Organization::new("acme"), Timestamp::UNIX_EPOCH)
                .unwrap();
        Arc::new(Arrival::new(accepted, Duration::ZERO).unwrap())
    }

    fn first(sequence: i64) -> First {
        First { sequence, run: 10 * sequence, id: EventId::new(format!("evt_{sequence}")) }
    }

    fn kept(fresh: &Fresh) -> Vec<i64> {
        fresh.all().events.keys().copied().collect()
    }

    #[test]
    fn an_event_is_taken_once_and_what_came_before_it_goes_with_it() {
        let fresh = Fresh::default();
        for sequence in [2, 1, 4, 3] {
            fresh.put(first(sequence), arrival(1));
        }
        assert_eq!(fresh.take(2, Some(20)).map(|event| event.event().id), Some(EventId::new("evt_2")));
        assert_eq!(kept(&fresh), [3, 4]);
        assert!(fresh.take(2, Some(20)).is_none());
        assert!(fresh.take(3, Some(7)).is_none(), "its run has become one with an older one");
        assert!(fresh.take(4, Some(40)).is_some());
        assert_eq!(fresh.all().bytes, 0);
    }

    #[test]
    fn what_was_read_already_is_not_kept() {
        let fresh = Fresh::default();
        assert!(fresh.take(2, Some(20)).is_none());
        for sequence in 1..=3 {
            fresh.put(first(sequence), arrival(1));
        }
        assert_eq!(kept(&fresh), [3]);
    }

    #[tokio::test]
    async fn the_first_event_of_a_run_is_not_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("relay.db"), Access::Serve).await.unwrap();
        for action in ["root_cause_started", "root_cause_completed"] {
            let body = serde_json::json!({ "action": action, "data": { "run_id": 1 } }).to_string();
            let event =
                sample::accept(body.into(), &Organization::new("acme"), Timestamp::UNIX_EPOCH).unwrap();
            store.accept(event, Duration::ZERO).await.unwrap();
        }
        assert_eq!(kept(&store.fresh), [1]);
        let waiting = store.waiting_events(10, MOST_BYTES, Vec::new()).await.unwrap();
        assert_eq!(waiting.len(), 2);
        assert!(kept(&store.fresh).is_empty());
    }

    #[test]
    fn what_is_heavy_and_more_than_there_is_room_for_is_left_to_the_file() {
        let fresh = Fresh::default();
        fresh.put(first(1), arrival(MOST_BYTES_OF_ONE));
        assert!(kept(&fresh).is_empty());
        let large = arrival(MOST_BYTES_OF_ONE / 2);
        for sequence in 1..=2_000 {
            fresh.put(first(sequence), Arc::clone(&large));
        }
        let room = i64::try_from(MOST_BYTES / (BYTES_BESIDE + large.bytes())).unwrap();
        assert_eq!(kept(&fresh).last(), Some(&room));
        fresh.take(room, None);
        fresh.put(first(room + 1), large);
        assert_eq!(kept(&fresh), [room + 1], "there is room again");
    }
}
