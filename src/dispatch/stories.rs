//! Stories, fetched together for deliveries that were claimed together: one question to the store instead of many.
//!
//! Knows nothing of what is told in them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::Shared;
use super::shelf::Shelf;
use crate::delivery::{Delivery, Part};
use crate::render::digest::Digest;
use crate::store::{Reach, Story, Told, Wanted};

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
    wanted: Vec<Wanted>,
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
    /// It needs none: a digest is told of many runs.
    NotNeeded,
}

impl Stories {
    /// Returns a ticket for the story of each of these deliveries.
    pub(super) fn tickets(deliveries: &[&Delivery], shelf: &Shelf) -> Vec<StoryTicket> {
        let now = Instant::now();
        let mut wanted = Vec::new();
        let here: Vec<Option<Result<Arc<Story>, usize>>> = deliveries
            .iter()
            .map(|delivery| {
                let story = wanted_by(delivery)?;
                let here = (story.reach == Reach::UpToEvent).then(|| shelf.take(&story.event, now)).flatten();
                Some(here.ok_or_else(|| {
                    wanted.push(story);
                    wanted.len() - 1
                }))
            })
            .collect();
        let stories = Arc::new(Self { wanted, fetched: OnceCell::new() });
        let ticket = |here| match here {
            Some(Ok(story)) => StoryTicket::Here(story),
            Some(Err(number)) => StoryTicket::ToFetch { stories: Arc::clone(&stories), number },
            None => StoryTicket::NotNeeded,
        };
        here.into_iter().map(ticket).collect()
    }
}

/// Returns the story that a delivery tells: a card's is that of the run as it is now. A digest tells none.
fn wanted_by(delivery: &Delivery) -> Option<Wanted> {
    let reach = match delivery.part {
        Part::Card => Reach::WholeRun,
        Part::Message | Part::Announcement => Reach::UpToEvent,
        Part::Digest => return None,
    };
    Some(Wanted { event: delivery.event_id.clone(), reach })
}

impl StoryTicket {
    /// Returns the story, or `None` in it where the store has none; `None` where the store could not be asked. A heavy
    /// one is only weighed.
    pub(super) async fn fetch(self, shared: &Shared) -> Option<Option<Told>> {
        let (stories, number) = match self {
            Self::Here(story) => return Some(Some(Told::Story(Arc::unwrap_or_clone(story)))),
            Self::ToFetch { stories, number } => (stories, number),
            Self::NotNeeded => return Some(None),
        };
        let fetch = || async {
            let until = Instant::now() + PATIENCE;
            let fetched =
                shared.outage.insist(until, || shared.history.stories(&stories.wanted, LIGHT_BYTES)).await?;
            Some(fetched.into_iter().map(Mutex::new).collect())
        };
        let fetched = stories.fetched.get_or_init(fetch).await.as_ref()?;
        let story = fetched.get(number)?;
        Some(story.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

/// Returns what a digest tells, or `None` in it where the store has it no longer; `None` where the store could not be asked.
pub(super) async fn fetch_digest(delivery: &Delivery, shared: &Shared) -> Option<Option<Digest>> {
    let until = Instant::now() + PATIENCE;
    shared.outage.insist(until, || shared.history.digest(&delivery.id)).await
}

/// Returns a story whatever its weight; `None` as [`StoryTicket::fetch`].
pub(super) async fn fetch_heavy(delivery: &Delivery, shared: &Shared) -> Option<Option<Story>> {
    let wanted: Vec<Wanted> = wanted_by(delivery).into_iter().collect();
    let until = Instant::now() + PATIENCE;
    let told = shared.outage.insist(until, || shared.history.stories(&wanted, usize::MAX)).await?.pop()?;
    Some(told.and_then(|told| match told {
        Told::Story(story) => Some(story),
        Told::Heavy { .. } => None,
    }))
}
