//! Ids of events and deliveries: a prefix and a ULID in lower case. Those that are made here of their own accord rise;
//! that of a planned delivery follows from what it is.
//!
//! Knows no clock: the time in an id is the one that the caller brings.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::delivery::{DeliveryId, DestinationName, Part};
use crate::event::EventId;

/// What every event's id begins with.
pub(super) const EVENT_PREFIX: &str = "evt_";
/// What every delivery's id begins with.
pub(super) const DELIVERY_PREFIX: &str = "dlv_";

/// The random bits of a ULID that are drawn anew; the highest stays 0, so that counting up never overflows.
const RANDOM_BITS: u128 = (1 << 79) - 1;

/// Makes ids that rise in the order in which they are asked for, even when the clock is turned back.
#[derive(Debug, Default)]
pub(super) struct Ids {
    event: Ulid,
    delivery: Ulid,
}

impl Ids {
    /// Returns the id of the next event.
    pub(super) fn event(&mut self, at: Timestamp) -> EventId {
        EventId::new(next(&mut self.event, EVENT_PREFIX, at))
    }

    /// Returns the id of the next delivery.
    pub(super) fn delivery(&mut self, at: Timestamp) -> DeliveryId {
        DeliveryId::new(next(&mut self.delivery, DELIVERY_PREFIX, at))
    }

    /// Takes note of ids that were given out earlier: the next ones will be greater.
    pub(super) fn follow(&mut self, event: Option<&str>, delivery: Option<&str>) {
        self.event = self.event.max(read(event, EVENT_PREFIX));
        self.delivery = self.delivery.max(read(delivery, DELIVERY_PREFIX));
    }
}

/// Returns the id of the delivery that a part of an event becomes for a destination. Whoever plans it anew, because the first plan
/// was lost with the machine, makes the same: a receiver knows by it what it has already.
pub(super) fn planned_delivery(event: &EventId, destination: &DestinationName, part: Part) -> DeliveryId {
    let mut digest =
        Sha256::new().chain_update(event.as_str()).chain_update([0]).chain_update(destination.as_str());
    match part {
        // Made before there were others.
        Part::Message => {}
        Part::Card | Part::Announcement | Part::Digest => {
            digest = digest.chain_update([0]).chain_update(part.as_str());
        }
    }
    derived(digest, read(Some(event.as_str()), EVENT_PREFIX).timestamp_ms())
}

/// Returns the id of the delivery that stands in for another one at a destination; the same whoever queues it anew.
pub(super) fn fallback_delivery(old: &DeliveryId, destination: &DestinationName) -> DeliveryId {
    let digest = Sha256::new()
        .chain_update("fallback")
        .chain_update([0])
        .chain_update(old.as_str())
        .chain_update([0])
        .chain_update(destination.as_str());
    let milliseconds = read(Some(old.as_str()), DELIVERY_PREFIX).timestamp_ms();
    derived(digest, milliseconds)
}

/// Makes the id of a delivery that follows from what it is.
fn derived(digest: Sha256, milliseconds: u64) -> DeliveryId {
    let digest: [u8; 32] = digest.finalize().into();
    let random = digest.first_chunk().copied().map(u128::from_be_bytes).unwrap_or_default();
    DeliveryId::new(write(Ulid::from_parts(milliseconds, random), DELIVERY_PREFIX))
}

fn next(last: &mut Ulid, prefix: &str, at: Timestamp) -> String {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or_default();
    *last = if milliseconds > last.timestamp_ms() {
        Ulid::from_parts(milliseconds, rand::random::<u128>() & RANDOM_BITS)
    } else {
        last.increment().unwrap_or_else(|next_millisecond| next_millisecond)
    };
    write(*last, prefix)
}

fn write(id: Ulid, prefix: &str) -> String {
    let mut text = String::with_capacity(prefix.len() + ulid::ULID_LEN);
    text.push_str(prefix);
    text.push_str(id.array_to_str(&mut [0; ulid::ULID_LEN]));
    text.make_ascii_lowercase();
    text
}

fn read(id: Option<&str>, prefix: &str) -> Ulid {
    id.and_then(|id| id.strip_prefix(prefix))
        .and_then(|text| Ulid::from_string(text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn ids_rise_even_when_the_clock_stands_or_is_turned_back() {
        let mut ids = Ids::default();
        let made: Vec<_> = [10, 10, 11, 5, 12].into_iter().map(|second| ids.event(at(second))).collect();
        assert!(made.is_sorted_by(|earlier, later| earlier < later), "{made:?}");
        assert!(made.iter().all(|id| id.as_str().starts_with(EVENT_PREFIX) && id.as_str().len() == 30));
    }

    #[test]
    fn a_planned_delivery_has_one_id_for_each_part_of_an_event_and_destination() {
        let mut ids = Ids::default();
        let (one, other) = (ids.event(at(10)), ids.event(at(10)));
        let (chat, audit) = (DestinationName::new("chat"), DestinationName::new("audit"));
        let message = |event, destination| planned_delivery(event, destination, Part::Message);
        let planned = message(&one, &chat);
        assert_eq!(planned, message(&one, &chat));
        assert_ne!(planned, message(&one, &audit));
        assert_ne!(planned, message(&other, &chat));
        let mut parts = Part::ALL.iter().map(|part| planned_delivery(&one, &chat, *part)).collect::<Vec<_>>();
        parts.dedup();
        assert_eq!(parts.len(), Part::ALL.len());
        assert!(planned.as_str().starts_with(DELIVERY_PREFIX) && planned.as_str().len() == 30);
        assert!(message(&ids.event(at(11)), &chat) > planned, "it sorts by its event's time");
    }

    #[test]
    fn what_stands_in_for_a_delivery_has_one_id_at_each_destination() {
        let old = Ids::default().delivery(at(10));
        let stand_in = |name: &str| fallback_delivery(&old, &DestinationName::new(name));
        assert_eq!(stand_in("ops"), stand_in("ops"));
        assert_ne!(stand_in("ops"), stand_in("dev"));
        assert!(stand_in("ops") != old && stand_in("ops").as_str().len() == 30);
    }

    #[test]
    fn ids_follow_on_those_of_an_earlier_process() {
        let earlier = Ids::default().delivery(at(1000));
        let mut ids = Ids::default();
        ids.follow(None, Some(earlier.as_str()));
        assert!(ids.delivery(at(1)) > earlier);
    }
}
