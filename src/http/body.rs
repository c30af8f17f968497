//! Reading a body that nobody has vouched for yet: within a time, within a size, and within what all strangers
//! together may hold in memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

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

#[derive(Debug, Default)]
struct Used {
    total: usize,
    large: usize,
}

/// One body's share; given back when it is dropped.
#[derive(Debug)]
struct Share {
    budget: Arc<BodyBudget>,
    bytes: usize,
    large: bool,
}

impl Share {
    fn new(budget: &Arc<BodyBudget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0, large: false }
    }

    /// Takes the share to `bytes`, or says that there is no room.
    fn grow_to(&mut self, bytes: usize, large: bool) -> Result<(), ErrorCode> {
        let mut used = self.budget.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total = used.total + bytes.saturating_sub(self.bytes);
        let newly_large = match (self.large, large) {
            (false, true) => bytes,
            (true, _) => bytes.saturating_sub(self.bytes),
            (false, false) => 0,
        };
        if total > TOTAL_BYTES || used.large + newly_large > LARGE_BYTES {
            return Err(ErrorCode::Busy);
        }
        used.total = total;
        used.large += newly_large;
        self.bytes = self.bytes.max(bytes);
        self.large |= large;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut used = self.budget.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.total -= self.bytes;
        if self.large {
            used.large -= self.bytes;
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
    let reading = read_all(payload, announced_bytes, max_bytes, Share::new(budget));
    tokio::time::timeout(BODY_TIMEOUT, reading).await.unwrap_or(Err(ErrorCode::SlowBody))
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

    #[test]
    fn large_bodies_leave_room_for_small_ones_and_give_theirs_back() {
        let budget = Arc::new(BodyBudget::default());
        let mut large = Share::new(&budget);
        large.grow_to(LARGE_BYTES, true).unwrap();
        assert_eq!(Share::new(&budget).grow_to(SMALL_BYTES + 1, true), Err(ErrorCode::Busy));
        let mut small = Share::new(&budget);
        small.grow_to(SMALL_BYTES, false).unwrap();
        assert_eq!(small.grow_to(SMALL_BYTES * 2, true), Err(ErrorCode::Busy));
        drop(large);
        small.grow_to(SMALL_BYTES * 2, true).unwrap();
        drop(small);
        let used = budget.0.lock().unwrap();
        assert_eq!((used.total, used.large), (0, 0));
    }

    #[test]
    fn small_bodies_together_stay_within_the_total() {
        let budget = Arc::new(BodyBudget::default());
        let shares: Vec<_> = (0..TOTAL_BYTES / SMALL_BYTES)
            .map(|_| {
                let mut share = Share::new(&budget);
                share.grow_to(SMALL_BYTES, false).unwrap();
                share
            })
            .collect();
        assert_eq!(Share::new(&budget).grow_to(1, false), Err(ErrorCode::Busy));
        drop(shares);
        Share::new(&budget).grow_to(1, false).unwrap();
    }

    #[test]
    fn memory_doubles_towards_what_was_announced() {
        assert_eq!(next_capacity(0, 10, 500), 500);
        assert_eq!(next_capacity(0, 10, 1 << 20), FIRST_BYTES);
        assert_eq!(next_capacity(FIRST_BYTES, FIRST_BYTES + 1, 1 << 20), FIRST_BYTES * 2);
        assert_eq!(next_capacity(FIRST_BYTES, 100_000, 1 << 20), 100_000);
    }
}
