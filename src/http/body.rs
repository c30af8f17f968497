//! Reading a body that nobody has vouched for yet: within a time, within a size, and within what all strangers
//! together may hold in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::error::ErrorCode;

/// How long a body may take from its head on.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// A body up to this size counts as small.
const SMALL_BYTES: usize = 256 * 1024;

/// How many bytes of unverified bodies may be in memory.
const TOTAL_BYTES: usize = 32 * 1024 * 1024;

/// How many of them may belong to bodies that are not small: the rest is kept for real webhooks, which are.
const LARGE_BYTES: usize = 24 * 1024 * 1024;

/// The first piece of memory that a body of unknown or great size gets.
const FIRST_BYTES: usize = 16 * 1024;

/// Counts the bytes of unverified bodies in memory.
#[derive(Debug, Default)]
pub(super) struct BodyBudget(Mutex<Used>);

impl BodyBudget {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Used {
    total: usize,
    large: usize,
    /// The small bodies by age, oldest first.
    small: BTreeMap<u64, Small>,
    /// How many bodies there were.
    count: u64,
}

#[derive(Debug)]
struct Small {
    bytes: usize,
    pushed_out: Arc<Notify>,
}

impl Used {
    /// Makes room in the total for so many bytes more of a small body: the oldest small ones have to go, since a real
    /// webhook is there within milliseconds, and whoever floods us lets his bodies lie about.
    fn push_out_for(&mut self, number: u64, more: usize) -> Result<(), ErrorCode> {
        while self.total + more > TOTAL_BYTES {
            let oldest = self.small.keys().copied().find(|other| *other != number);
            let (_, small) =
                oldest.and_then(|other| self.small.remove_entry(&other)).ok_or(ErrorCode::Busy)?;
            self.total -= small.bytes;
            small.pushed_out.notify_one();
        }
        Ok(())
    }
}

/// One body's share; given back when it is dropped.
#[derive(Debug)]
struct Share {
    budget: Arc<BodyBudget>,
    number: u64,
    /// Of a large body; those of a small one stand in the budget.
    large_bytes: usize,
    pushed_out: Arc<Notify>,
}

impl Share {
    fn new(budget: &Arc<BodyBudget>) -> Self {
        let pushed_out = Arc::new(Notify::new());
        let mut used = budget.used();
        used.count += 1;
        let number = used.count;
        used.small.insert(number, Small { bytes: 0, pushed_out: Arc::clone(&pushed_out) });
        drop(used);
        Self { budget: Arc::clone(budget), number, large_bytes: 0, pushed_out }
    }

    /// Takes the share to `bytes`, or says that there is no room.
    fn grow_to(&mut self, bytes: usize, large: bool) -> Result<(), ErrorCode> {
        if self.large_bytes > 0 || large { self.grow_large(bytes) } else { self.grow_small(bytes) }
    }

    fn grow_small(&self, bytes: usize) -> Result<(), ErrorCode> {
        let mut used = self.budget.used();
        let now = used.small.get(&self.number).ok_or(ErrorCode::Busy)?.bytes;
        let more = bytes.saturating_sub(now);
        used.push_out_for(self.number, more)?;
        used.total += more;
        used.small.entry(self.number).and_modify(|small| small.bytes += more);
        Ok(())
    }

    fn grow_large(&mut self, bytes: usize) -> Result<(), ErrorCode> {
        let mut used = self.budget.used();
        if self.large_bytes == 0 {
            let small = used.small.remove(&self.number).ok_or(ErrorCode::Busy)?;
            used.total -= small.bytes;
        }
        let more = bytes.saturating_sub(self.large_bytes);
        if used.total + more > TOTAL_BYTES || used.large + more > LARGE_BYTES {
            return Err(ErrorCode::Busy);
        }
        used.total += more;
        used.large += more;
        self.large_bytes += more;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut used = self.budget.used();
        used.total -= self.large_bytes;
        used.large -= self.large_bytes;
        if let Some(small) = used.small.remove(&self.number) {
            used.total -= small.bytes;
        }
    }
}

/// Reads a body whole.
///
/// # Errors
/// [`ErrorCode::SlowBody`], [`ErrorCode::BodyTooLarge`], [`ErrorCode::Busy`], or [`ErrorCode::NotJson`] where the
/// client went away in the middle of it.
pub(super) async fn read(
    payload: Payload,
    announced_bytes: Option<usize>,
    max_bytes: usize,
    budget: &Arc<BodyBudget>,
) -> Result<Bytes, ErrorCode> {
    let share = Share::new(budget);
    let pushed_out = Arc::clone(&share.pushed_out);
    tokio::select! {
        biased;
        body = read_all(payload, announced_bytes, max_bytes, share) => body,
        () = pushed_out.notified() => Err(ErrorCode::Busy),
        () = sleep(BODY_TIMEOUT) => Err(ErrorCode::SlowBody),
    }
}

async fn read_all(
    mut payload: Payload,
    announced_bytes: Option<usize>,
    max_bytes: usize,
    mut share: Share,
) -> Result<Bytes, ErrorCode> {
    let announced_large = announced_bytes.is_some_and(|bytes| bytes > SMALL_BYTES);
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ErrorCode::NotJson("the body broke off".into()))?;
        let needed = body.len() + chunk.len();
        if needed > max_bytes {
            return Err(ErrorCode::BodyTooLarge { max_bytes });
        }
        if needed > body.capacity() {
            let capacity = next_capacity(body.capacity(), needed, announced_bytes.unwrap_or(max_bytes));
            share.grow_to(capacity, announced_large || capacity > SMALL_BYTES)?;
            body.reserve(capacity - body.len());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Doubles the memory, so that announcing much costs nobody anything until it is sent.
fn next_capacity(now: usize, needed: usize, most: usize) -> usize {
    (now * 2).max(FIRST_BYTES).min(most).max(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is in memory, all and of large bodies.
    fn in_memory(budget: &BodyBudget) -> (usize, usize) {
        let used = budget.used();
        (used.total, used.large)
    }

    fn grown(budget: &Arc<BodyBudget>, bytes: usize, large: bool) -> Share {
        let mut share = Share::new(budget);
        share.grow_to(bytes, large).unwrap();
        share
    }

    #[test]
    fn large_bodies_leave_room_for_small_ones_and_give_theirs_back() {
        let budget = Arc::new(BodyBudget::default());
        let large = grown(&budget, LARGE_BYTES, true);
        assert_eq!(Share::new(&budget).grow_to(SMALL_BYTES + 1, true), Err(ErrorCode::Busy));
        let mut small = grown(&budget, SMALL_BYTES, false);
        drop(large);
        small.grow_to(SMALL_BYTES * 2, true).unwrap();
        assert_eq!(in_memory(&budget), (SMALL_BYTES * 2, SMALL_BYTES * 2));
        drop(small);
        assert_eq!(in_memory(&budget), (0, 0));
    }

    #[test]
    fn a_small_body_that_becomes_large_in_a_crowd_gives_back_what_it_had() {
        let budget = Arc::new(BodyBudget::default());
        let large = grown(&budget, LARGE_BYTES, true);
        let mut small = grown(&budget, SMALL_BYTES, false);
        assert_eq!(small.grow_to(SMALL_BYTES * 2, true), Err(ErrorCode::Busy));
        drop(small);
        assert_eq!(in_memory(&budget), (LARGE_BYTES, LARGE_BYTES));
        drop(large);
        assert_eq!(in_memory(&budget), (0, 0));
    }

    #[tokio::test]
    async fn in_a_crowd_the_oldest_small_body_makes_room_for_a_new_one() {
        let budget = Arc::new(BodyBudget::default());
        let large = grown(&budget, LARGE_BYTES, true);
        let places = (TOTAL_BYTES - LARGE_BYTES) / SMALL_BYTES;
        let mut crowd: Vec<_> = (0..places).map(|_| grown(&budget, SMALL_BYTES, false)).collect();

        let new = grown(&budget, 10_000, false);

        let mut oldest = crowd.remove(0);
        oldest.pushed_out.notified().await;
        assert_eq!(oldest.grow_to(SMALL_BYTES, false), Err(ErrorCode::Busy), "it does not come back");
        assert_eq!(oldest.grow_to(SMALL_BYTES * 2, true), Err(ErrorCode::Busy), "nor as a large one");
        for other in &mut crowd {
            other.grow_to(SMALL_BYTES, false).unwrap();
        }
        let others = SMALL_BYTES * (places - 1);
        assert_eq!(in_memory(&budget), (LARGE_BYTES + others + 10_000, LARGE_BYTES));
        drop((large, oldest, crowd, new));
        assert_eq!(in_memory(&budget), (0, 0));
    }

    #[test]
    fn memory_doubles_towards_what_was_announced() {
        assert_eq!(next_capacity(0, 10, 500), 500);
        assert_eq!(next_capacity(0, 10, 1 << 20), FIRST_BYTES);
        assert_eq!(next_capacity(FIRST_BYTES, FIRST_BYTES + 1, 1 << 20), FIRST_BYTES * 2);
        assert_eq!(next_capacity(FIRST_BYTES, 100_000, 1 << 20), 100_000);
    }
}
