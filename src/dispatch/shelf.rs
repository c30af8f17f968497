//! The shelf: stories that the plan loop has just read, for the deliveries that it planned, most of which are sent at
//! once. Saves asking the store again; whoever finds nothing here asks it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::delivery::Part;
use crate::event::EventId;
use crate::store::{Entry, Plan, PlannedDelivery, Story, WaitingEvent};

/// How long a story lies here. Later its run may have changed: it may have become one with another.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// How much the stories may take together.
const MOST_BYTES: usize = 1024 * 1024;

/// Stories by their events.
#[derive(Default)]
pub(super) struct Shelf(Mutex<HashMap<EventId, Kept>>);

struct Kept {
    story: Arc<Story>,
    bytes: usize,
    /// How many deliveries have not taken it yet.
    wanted: usize,
    put_at: Instant,
}

impl Shelf {
    /// Puts the stories of events up whose deliveries wait, as far as there is room. They must be known here before the
    /// deliveries are known anywhere.
    pub(super) fn put<'a>(&self, planned: impl Iterator<Item = (WaitingEvent, &'a Plan)>, now: Instant) {
        let mut kept = self.kept();
        kept.retain(|_, kept| now.duration_since(kept.put_at) < FRESH_FOR);
        let mut room = MOST_BYTES.saturating_sub(kept.values().map(|kept| kept.bytes).sum());
        for (waiting, plan) in planned {
            let WaitingEvent { events, payload, issue, bytes, .. } = waiting;
            let wanted = plan.deliveries.iter().filter(|delivery| may_take(delivery)).count();
            let (Some(payload), Some(event)) = (payload, events.last()) else { continue };
            let Some(left) = room.checked_sub(bytes).filter(|_| wanted > 0) else { continue };
            room = left;
            let id = event.id.clone();
            let issue = issue.and_then(|kept| kept.issue).map(Box::new);
            let story = Arc::new(Story { events, payload, issue });
            kept.insert(id, Kept { story, bytes, wanted, put_at: now });
        }
    }

    /// Takes the story of an event for one of its deliveries, where it lies here.
    pub(super) fn take(&self, event: &EventId, now: Instant) -> Option<Arc<Story>> {
        let mut kept = self.kept();
        let found = kept.get_mut(event).filter(|kept| now.duration_since(kept.put_at) < FRESH_FOR)?;
        if found.wanted > 1 {
            found.wanted -= 1;
            return Some(Arc::clone(&found.story));
        }
        kept.remove(event).map(|kept| kept.story)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<EventId, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether a delivery wants the story up to its event, now or soon. A card tells the whole run, whatever the event,
/// and a digest many of them.
fn may_take(delivery: &PlannedDelivery) -> bool {
    let wants_story = match delivery.part {
        Part::Message | Part::Announcement => true,
        Part::Card | Part::Digest => false,
    };
    wants_story && delivery.entry != Entry::Superseded && delivery.muting.is_none()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::delivery::{DestinationKind, DestinationName};
    use crate::dispatch::tests::event;
    use crate::event::Action;
    use crate::store::EventTicket;

    /// An event of so many bytes and its plan: one delivery that is needless, a card, and so many that wait.
    fn planned(id: &str, bytes: usize, waiting: usize) -> (WaitingEvent, Plan) {
        let ticket = EventTicket { sequence: 1, fence: 0 };
        let events = vec![event(id, Action::PrCreated)];
        let delivery = |part, entry| PlannedDelivery {
            destination: DestinationName::new("audit"),
            kind: DestinationKind::Webhook,
            part,
            template_set: None,
            mentions: Vec::new(),
            muting: None,
            entry,
        };
        let mut deliveries =
            vec![delivery(Part::Message, Entry::Superseded), delivery(Part::Card, Entry::Waiting)];
        deliveries.extend((0..waiting).map(|_| delivery(Part::Message, Entry::Waiting)));
        let payload = Some(Bytes::new());
        let event =
            WaitingEvent { ticket, events, payload, issue: None, bytes, later: Vec::new(), replay: false };
        let card_keepers = Vec::new();
        (
            event,
            Plan {
                ticket,
                routes: Vec::new(),
                reasons: None,
                issue_unknown: false,
                deliveries,
                card_keepers,
            },
        )
    }

    fn put(shelf: &Shelf, events: impl IntoIterator<Item = (WaitingEvent, Plan)>, now: Instant) {
        for (event, plan) in events {
            shelf.put(std::iter::once((event, &plan)), now);
        }
    }

    #[test]
    fn a_story_lies_there_once_for_each_delivery_that_waits() {
        let (shelf, now) = (Shelf::default(), Instant::now());
        put(&shelf, [planned("a", 1, 2), planned("b", 1, 0)], now);

        let takes = |id: &str| shelf.take(&EventId::new(id), now).is_some();
        assert_eq!([takes("a"), takes("a"), takes("a"), takes("b")], [true, true, false, false]);
        assert!(shelf.kept().is_empty());
    }

    #[test]
    fn a_story_is_forgotten_when_it_is_no_longer_fresh() {
        let (shelf, now) = (Shelf::default(), Instant::now());
        put(&shelf, [planned("a", MOST_BYTES, 1)], now);

        assert!(shelf.take(&EventId::new("a"), now + FRESH_FOR).is_none());
        put(&shelf, [planned("b", MOST_BYTES, 1)], now + FRESH_FOR);
        assert!(shelf.take(&EventId::new("b"), now + FRESH_FOR).is_some(), "there is room again");
    }

    #[test]
    fn heavy_stories_and_more_than_there_is_room_for_are_left_to_the_store() {
        let (shelf, now) = (Shelf::default(), Instant::now());
        let (heavy, plan) = planned("heavy", 1, 1);
        put(&shelf, [(WaitingEvent { payload: None, ..heavy }, plan)], now);
        put(&shelf, [planned("a", MOST_BYTES, 1), planned("b", 1, 1)], now);

        let kept: Vec<_> = shelf.kept().keys().map(ToString::to_string).collect();
        assert_eq!(kept, ["a"]);
    }
}
