//! Threads that give way to those that answer webhooks.
//!
//! A webhook has one second, a message has time. Where nothing else wants the processors, nothing changes.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep_until;

/// How nice they are: on a busy processor they get about a tenth of what others get.
// Source: https://man7.org/linux/man-pages/man7/sched.7.html, "The nice value", read 2026-11-25.
const NICENESS: i32 = 10;

/// Makes this thread give way, and those that it starts.
pub fn give_way() {
    // On Linux the niceness is a thread's own, and goes on to its children. Where the system forbids it, all are equal.
    let _ = setpriority_process(Some(gettid()), NICENESS);
}

/// How long somebody's turn goes on until it lets those go first who wait for its processor. Left to itself, the system
/// lets it go on for a millisecond or more; at a shorter one it would come to nothing where others always wait.
// Source: https://docs.kernel.org/scheduler/sched-eevdf.html and `kernel/sched/fair.c`, "sysctl_sched_base_slice" and
// "yield_task_fair", Linux 6.18, read 2026-11-30.
const BREATH: Duration = Duration::from_micros(250);

/// A turn on this thread.
#[derive(Debug, Clone, Copy)]
struct Breaths {
    /// When it let others go first last.
    last: Instant,
    /// For how long others have worked in its place.
    yielded: Duration,
}

thread_local! {
    static BREATHS: Cell<Option<Breaths>> = const { Cell::new(None) };
}

/// In a turn, lets those go first who wait for this thread's processor, if it has gone on for long enough. To be called
/// often.
pub fn breathe() {
    let Some(Breaths { last, yielded }) = BREATHS.get() else { return };
    let now = Instant::now();
    if now.duration_since(last) >= BREATH {
        std::thread::yield_now();
        let last = Instant::now();
        BREATHS.set(Some(Breaths { last, yielded: yielded + last.duration_since(now) }));
    }
}

/// A text during whose writing a turn breathes.
#[derive(Debug, Default)]
pub struct Breathing {
    text: Vec<u8>,
    writes: u8,
}

impl Breathing {
    /// Returns what was written.
    pub fn into_inner(self) -> Vec<u8> {
        self.text
    }
}

impl Write for Breathing {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.writes = self.writes.wrapping_add(1);
        if self.writes == 0 {
            breathe();
        }
        self.text.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is done for people who look at pages takes turns, so that it never has more than one processor.
static TURNS: Semaphore = Semaphore::const_new(1);

/// For how long a turn waits at most because others worked during the one before.
const LONGEST_REST: Duration = Duration::from_millis(4);

/// Until when nobody comes to a turn.
static REST: Mutex<Option<Instant>> = Mutex::new(None);

/// A turn. Where others wanted the processor meanwhile, the next one begins later by as long as they worked.
#[derive(Debug)]
pub struct Turn {
    _permit: Option<SemaphorePermit<'static>>,
}

impl Turn {
    /// Waits for one, which lasts until it is spent or dropped.
    pub async fn come() -> Self {
        // It is never closed.
        let permit = TURNS.acquire().await.ok();
        let rest = *REST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = rest {
            sleep_until(until.into()).await;
        }
        Self { _permit: permit }
    }

    /// Does what it is for, to its end.
    pub fn spend<T>(self, work: impl FnOnce() -> T) -> T {
        BREATHS.set(Some(Breaths { last: Instant::now(), yielded: Duration::ZERO }));
        work()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let rest = BREATHS.take().map_or(Duration::ZERO, |breaths| breaths.yielded.min(LONGEST_REST));
        *REST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + rest);
    }
}

/// Does what takes milliseconds of a processor in turn, on a thread that gives way; `None` where it broke off. Whoever
/// answers webhooks on this thread meanwhile does not wait for it.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let turn = Turn::come().await;
    // To its end, whether or not somebody still waits for it.
    let done = tokio::task::spawn_blocking(move || {
        give_way();
        turn.spend(work)
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

    #[tokio::test]
    async fn whoever_has_a_turn_lets_others_go_first_from_time_to_time_and_nobody_else_does() {
        breathe();
        assert!(BREATHS.get().is_none());
        let began = Turn::come().await.spend(|| {
            let began = BREATHS.get().unwrap();
            breathe();
            assert_eq!(BREATHS.get().unwrap().last, began.last, "too soon");
            while began.last.elapsed() < BREATH {
                thread::yield_now();
            }
            breathe();
            assert!(BREATHS.get().unwrap().last >= began.last + BREATH);
            began
        });
        assert!(BREATHS.get().is_none(), "the turn of {began:?} is over");
    }

    #[test]
    fn what_is_written_in_a_turn_is_kept_whole() {
        let mut text = Breathing::default();
        (0..1_000).for_each(|number| write!(text, "{number} ").unwrap());
        let text = String::from_utf8(text.into_inner()).unwrap();
        assert!(text.split_whitespace().eq((0..1_000).map(|number| number.to_string())));
    }
}
