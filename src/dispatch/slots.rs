//! Slots: how many requests may be open at a destination at once, a number that the settings may change meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// One permit per request that may be open at once.
#[derive(Debug)]
pub(super) struct Slots {
    permits: Semaphore,
    /// Never held over an await.
    count: Mutex<Count>,
}

#[derive(Debug)]
struct Count {
    /// How many there are to be.
    size: usize,
    /// How many permits are out that are too many; each is taken away once it is back.
    surplus: usize,
}

impl Slots {
    /// Sets up so many slots.
    pub(super) fn new(size: usize) -> Self {
        let size = size.min(Semaphore::MAX_PERMITS);
        Self { permits: Semaphore::new(size), count: Mutex::new(Count { size, surplus: 0 }) }
    }

    /// Waits until a request may begin; `None` where it never may, because the relay stops.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        loop {
            let permit = self.permits.acquire().await.ok()?;
            let mut count = self.count();
            if count.surplus == 0 {
                return Some(permit);
            }
            count.surplus -= 1;
            permit.forget();
        }
    }

    /// Lets there be so many from now on. Requests under way go on; where there are too many, none begins until enough
    /// of them have ended.
    pub(super) fn resize(&self, size: usize) {
        let size = size.min(Semaphore::MAX_PERMITS);
        let mut count = self.count();
        let (more, fewer) = (size.saturating_sub(count.size), count.size.saturating_sub(size));
        let kept = more.min(count.surplus);
        count.surplus -= kept;
        self.permits.add_permits(more - kept);
        count.surplus += fewer - self.permits.forget_permits(fewer);
        count.size = size;
    }

    /// Lets no further request begin.
    pub(super) fn close(&self) {
        self.permits.close();
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    /// Takes as many as there are.
    async fn all(slots: &Slots) -> Vec<SemaphorePermit<'_>> {
        let mut taken = Vec::new();
        while let Some(permit) = take_now(slots).await {
            taken.push(permit);
        }
        taken
    }

    async fn take_now(slots: &Slots) -> Option<SemaphorePermit<'_>> {
        let mut take = pin!(slots.take());
        poll_fn(|context| match take.as_mut().poll(context) {
            Poll::Ready(permit) => Poll::Ready(permit),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[tokio::test]
    async fn fewer_slots_let_nothing_begin_until_enough_has_ended() {
        let slots = Slots::new(5);
        let mut open = all(&slots).await;
        assert_eq!(open.len(), 5);
        slots.resize(2);
        for left in [4, 3] {
            open.pop();
            assert_eq!((all(&slots).await.len(), open.len()), (0, left));
        }
        open.pop();
        assert_eq!(all(&slots).await.len(), 0, "two are open");
        open.pop();
        assert_eq!(all(&slots).await.len(), 1);
        drop(open);
        assert_eq!(all(&slots).await.len(), 2);
    }

    #[tokio::test]
    async fn more_slots_are_there_at_once_and_change_nothing_of_what_is_open() {
        let slots = Slots::new(1);
        let open = all(&slots).await;
        slots.resize(3);
        assert_eq!(all(&slots).await.len(), 2);
        slots.resize(1);
        assert_eq!(all(&slots).await.len(), 0);
        drop(open);
        assert_eq!(all(&slots).await.len(), 1);
    }

    #[tokio::test]
    async fn what_was_to_go_may_stay_again() {
        let slots = Slots::new(4);
        let open = all(&slots).await;
        slots.resize(1);
        slots.resize(4);
        assert_eq!(all(&slots).await.len(), 0);
        drop(open);
        assert_eq!(all(&slots).await.len(), 4);
    }
}
