//! Threads that give way to those that answer webhooks.
//!
//! A webhook has one second, a message has time. Where nothing else wants the processors, nothing changes.

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How nice they are: on a busy processor they get about a tenth of what others get.
// Source: https://man7.org/linux/man-pages/man7/sched.7.html, "The nice value", read 2026-11-25.
const NICENESS: i32 = 10;

/// Makes this thread give way, and those that it starts.
pub fn give_way() {
    // On Linux the niceness is a thread's own, and goes on to its children. Where the system forbids it, all are equal.
    let _ = setpriority_process(Some(gettid()), NICENESS);
}

/// What is done for people who look at pages takes turns, so that it never has more than one processor.
static TURNS: Semaphore = Semaphore::const_new(1);

/// A turn, which lasts until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _permit: Option<SemaphorePermit<'static>>,
}

impl Turn {
    /// Waits for one.
    pub async fn come() -> Self {
        // It is never closed.
        Self { _permit: TURNS.acquire().await.ok() }
    }
}

/// Does what takes milliseconds of a processor in turn, on a thread that gives way; `None` where it broke off. Whoever
/// answers webhooks on this thread meanwhile does not wait for it.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let turn = Turn::come().await;
    let done = tokio::task::spawn_blocking(move || {
        // To its end, whether or not somebody still waits for it.
        let _turn = turn;
        give_way();
        work()
    });
    done.await.ok()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn only_the_thread_that_gives_way_does_and_what_it_starts() {
        let niceness = || getpriority_process(Some(gettid())).unwrap();
        let before = niceness();
        let (own, child) = thread::spawn(move || {
            give_way();
            (niceness(), thread::spawn(niceness).join().unwrap())
        })
        .join()
        .unwrap();
        assert_eq!((own, child), (before.max(NICENESS), before.max(NICENESS)));
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn what_is_done_aside_gives_way_and_may_break_off() {
        let niceness = || getpriority_process(Some(gettid())).unwrap();
        let before = niceness();
        assert_eq!(aside(niceness).await, Some(before.max(NICENESS)));
        assert_eq!(niceness(), before);
        assert_eq!(aside(|| -> i32 { panic!("as a test") }).await, None);
    }
}
