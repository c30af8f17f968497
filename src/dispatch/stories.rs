//! Stories, fetched together for deliveries that were claimed together: one question to the store instead of many.
//!
//! Knows nothing of what is told in them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::Shared;
use super::shelf::Shelf;
use crate::event::EventId;
use crate::store::{Story, Told};

/// How many stories are fetched together: few enough that the first one need not wait long for the last.
pub(super) const TOGETHER: usize = 16;

/// What takes more than this is not fetched together with others, nor by many at once.
pub(super) const LIGHT_BYTES: usize = 64 * 1024;

/// How long is asked while the store fails, before the deliveries are given back.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How much heavy stories may take together in one place, in KiB. One that is heavier goes alone.
const HEAVY_KIB: u16 = 8 * 1024;

/// Room for heavy stories: one permit per KiB.
pub(super) struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(usize::from(HEAVY_KIB)))
    }
}

impl Room {
    /// Waits until there is room for so many bytes; `None` where the relay stops.
    pub(super) async fn room_for(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let kib = u16::try_from(bytes / 1024).unwrap_or(HEAVY_KIB).clamp(1, HEAVY_KIB);
        self.0.acquire_many(u32::from(kib)).await.ok()
    }

    /// Gives no more room.
    pub(super) fn close(&self) {
        self.0.close();
    }
}

/// The stories of deliveries that were claimed together.
pub(super) struct Stories {
    events: Vec<EventId>,
    /// Fetched by the first delivery that needs one; each takes its own, so that it is dropped with its message.
    fetched: OnceCell<Option<Vec<Mutex<Option<Told>>>>>,
}

/// One delivery's story, which it has or is to fetch.
pub(super) enum StoryTicket {
    /// It lay on the shelf.
    Here(Arc<Story>),
    /// It is among these.
    ToFetch {
        /// With the stories of the deliveries that were claimed together.
        stories: Arc<Stories>,
        /// Its place among them.
        number: usize,
    },
}

impl Stories {
    /// Returns a ticket for the story of each of these events.
    pub(super) fn tickets(events: &[&EventId], shelf: &Shelf) -> Vec<StoryTicket> {
        let now = Instant::now();
        let here: Vec<_> = events.iter().map(|event| shelf.take(event, now)).collect();
        let missing = events.iter().zip(&here).filter(|(_, story)| story.is_none());
        let missing: Vec<EventId> = missing.map(|(event, _)| (*event).clone()).collect();
        let stories = Arc::new(Self { events: missing, fetched: OnceCell::new() });
        let mut numbers = 0..;
        let ticket = |story| match story {
            Some(story) => StoryTicket::Here(story),
            None => StoryTicket::ToFetch {
                stories: Arc::clone(&stories),
                number: numbers.next().unwrap_or_default(),
            },
        };
        here.into_iter().map(ticket).collect()
    }
}

impl StoryTicket {
    /// Returns the story, or `None` in it where the store has none; `None` where the store could not be asked. A heavy
    /// one is only weighed.
    pub(super) async fn fetch(self, shared: &Shared) -> Option<Option<Told>> {
        let (stories, number) = match self {
            Self::Here(story) => return Some(Some(Told::Story(Arc::unwrap_or_clone(story)))),
            Self::ToFetch { stories, number } => (stories, number),
        };
        let fetch = || async {
            let until = Instant::now() + PATIENCE;
            let fetched =
                shared.outage.insist(until, || shared.history.stories(&stories.events, LIGHT_BYTES)).await?;
            Some(fetched.into_iter().map(Mutex::new).collect())
        };
        let fetched = stories.fetched.get_or_init(fetch).await.as_ref()?;
        let story = fetched.get(number)?;
        Some(story.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

/// Returns a story whatever its weight; `None` as [`StoryTicket::fetch`].
pub(super) async fn fetch_heavy(event: &EventId, shared: &Shared) -> Option<Option<Story>> {
    let events = std::slice::from_ref(event);
    let until = Instant::now() + PATIENCE;
    let told = shared.outage.insist(until, || shared.history.stories(events, usize::MAX)).await?.pop()?;
    Some(told.and_then(|told| match told {
        Told::Story(story) => Some(story),
        Told::Heavy { .. } => None,
    }))
}
