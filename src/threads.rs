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

/// What takes longer than this to come back from was somebody else's work, and not the way there and back.
const WAY_BACK: Duration = Duration::from_micros(20);

/// For how long a turn waits at most because others worked during the one before.
const LONGEST_REST: Duration = Duration::from_millis(4);

/// A turn that goes on on this thread.
#[derive(Debug, Clone, Copy)]
struct Breaths {
    /// When it began, or let others go first the last time.
    last: Instant,
    /// For how long others have worked in its place.
    yielded: Duration,
}

impl Breaths {
    fn is_due(&self, now: Instant) -> bool {
        now.duration_since(self.last) >= BREATH
    }

    /// Notes that it let others go first from one moment to another.
    fn note(self, from: Instant, to: Instant) -> Self {
        let others = Some(to.duration_since(from)).filter(|took| *took > WAY_BACK);
        Self { last: to, yielded: self.yielded + others.unwrap_or_default() }
    }

    /// Returns for how long nobody else has a turn afterwards.
    fn rest(&self) -> Option<Duration> {
        (!self.yielded.is_zero()).then(|| self.yielded.min(LONGEST_REST))
    }
}

thread_local! {
    static BREATHS: Cell<Option<Breaths>> = const { Cell::new(None) };
}

/// In a turn, lets those go first who wait for this thread's processor, if it has gone on for long enough. To be called
/// often.
pub fn breathe() {
    let Some(breaths) = BREATHS.get() else { return };
    let now = Instant::now();
    if breaths.is_due(now) {
        std::thread::yield_now();
        BREATHS.set(Some(breaths.note(now, Instant::now())));
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
        // Whoever sleeps until now sleeps for a millisecond.
        if let Some(until) = rest.filter(|until| *until > Instant::now()) {
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
        let rest = BREATHS.take().and_then(|breaths| breaths.rest());
        *REST.lock().unwrap_or_else(PoisonError::into_inner) = rest.map(|rest| Instant::now() + rest);
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
    async fn only_whoever_has_a_turn_breathes_and_a_panic_ends_it() {
        breathe();
        assert!(BREATHS.get().is_none());
        Turn::come().await.spend(|| {
            let began = BREATHS.get().unwrap();
            while !began.is_due(Instant::now()) {
                thread::yield_now();
            }
            breathe();
            assert!(BREATHS.get().unwrap().last >= began.last + BREATH);
        });
        assert!(BREATHS.get().is_none());
        let turn = Turn::come().await;
        let broken =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| turn.spend(|| panic!("as a test"))));
        assert!(broken.is_err() && BREATHS.get().is_none());
    }

    #[test]
    fn the_next_turn_rests_as_long_as_others_worked_but_not_for_long() {
        let began = Instant::now();
        let fresh = Breaths { last: began, yielded: Duration::ZERO };
        assert!(!fresh.is_due(began) && fresh.is_due(began + BREATH));
        let alone = fresh.note(began, began + WAY_BACK);
        assert_eq!((alone.last, alone.rest()), (began + WAY_BACK, None));
        let other = Duration::from_millis(1);
        let beside = alone.note(began, began + other).note(began, began + other);
        assert_eq!(beside.rest(), Some(2 * other));
        assert_eq!(beside.note(began, began + 10 * other).rest(), Some(LONGEST_REST));
    }

    #[test]
    fn what_is_written_in_a_turn_is_kept_whole() {
        let mut text = Breathing::default();
        (0..1_000).for_each(|number| write!(text, "{number} ").unwrap());
        let text = String::from_utf8(text.into_inner()).unwrap();
        assert!(text.split_whitespace().eq((0..1_000).map(|number| number.to_string())));
    }
}
