//! A load: webhooks from many at once, each with a number of its own, and what was answered to each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{PATIENCE, SECRET, Sentry};

/// How many events of a run a lane posts before it begins the next run.
const EVENTS_PER_RUN: u64 = 8;
/// Every so many posts, one whose signature does not hold.
const FORGED_EVERY: u64 = 10;

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    /// Numbers that were answered 202.
    pub(crate) accepted: Vec<u64>,
    /// Numbers that were answered 4xx.
    pub(crate) refused: Vec<u64>,
    /// Numbers that were answered 503.
    pub(crate) unavailable: Vec<u64>,
    /// How many were not answered, because the relay was gone.
    pub(crate) unanswered: usize,
    /// How long each 202 took.
    pub(crate) times: Vec<Duration>,
}

impl Answered {
    /// Takes over what another lane or round was answered.
    pub(crate) fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.refused.extend(other.refused);
        self.unavailable.extend(other.unavailable);
        self.unanswered += other.unanswered;
        self.times.extend(other.times);
    }

    /// Returns how long the slowest 202 took.
    pub(crate) fn slowest(&self) -> Duration {
        self.times.iter().max().copied().unwrap_or_default()
    }
}

/// Lanes that post, one webhook after the other, until they are stopped or the relay is gone.
pub(crate) struct Load {
    lanes: Vec<JoinHandle<Answered>>,
    stop: Arc<AtomicBool>,
    counts: watch::Sender<Counts>,
}

/// How many were answered so far.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    accepted: usize,
    unavailable: usize,
}

impl Load {
    /// Starts so many lanes; their numbers begin with `first`, which no other load may come near.
    pub(crate) fn start(sentry: &Sentry, lanes: u64, first: u64) -> Self {
        Self::start_with(sentry, lanes, first, 0)
    }

    /// Starts lanes whose bodies carry so many further bytes.
    pub(crate) fn start_with(sentry: &Sentry, lanes: u64, first: u64, bytes: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let counts = watch::channel(Counts::default()).0;
        let filler: Arc<str> = "x".repeat(bytes).into();
        let lanes = (0..lanes).map(|lane| {
            let lane = Lane {
                sentry: sentry.clone(),
                numbers: (first + lane..).step_by(usize::try_from(lanes).unwrap()),
                run: first + lane,
                lanes,
                filler: Arc::clone(&filler),
            };
            tokio::spawn(lane.post(Arc::clone(&stop), counts.clone()))
        });
        Self { lanes: lanes.collect(), stop, counts }
    }

    /// Waits until so many were answered 202.
    pub(crate) async fn until_accepted(&self, count: usize) {
        self.until(|counts| counts.accepted >= count, &format!("{count} accepted")).await;
    }

    /// Waits until so many were answered 503.
    pub(crate) async fn until_unavailable(&self, count: usize) {
        self.until(|counts| counts.unavailable >= count, &format!("{count} unavailable")).await;
    }

    async fn until(&self, holds: impl Fn(&Counts) -> bool, what: &str) {
        let mut counts = self.counts.subscribe();
        let began = Instant::now();
        while !holds(&counts.borrow_and_update()) {
            let moved = tokio::time::timeout(PATIENCE, counts.changed()).await.is_ok();
            assert!(moved, "nothing moves, and not yet: {what}, but {:?}", *counts.borrow());
            assert!(began.elapsed() < 4 * PATIENCE, "not yet: {what}, but {:?}", *counts.borrow());
        }
    }

    /// Ends it, and returns what was answered.
    pub(crate) async fn end(self) -> Answered {
        self.stop.store(true, Ordering::Relaxed);
        let mut answered = Answered::default();
        for lane in self.lanes {
            answered.add(lane.await.unwrap());
        }
        answered
    }
}

struct Lane<N> {
    sentry: Sentry,
    numbers: N,
    run: u64,
    lanes: u64,
    filler: Arc<str>,
}

impl<N: Iterator<Item = u64>> Lane<N> {
    async fn post(self, stop: Arc<AtomicBool>, counts: watch::Sender<Counts>) -> Answered {
        let mut answered = Answered::default();
        for (step, number) in (0..).zip(self.numbers) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let run = self.run + step / EVENTS_PER_RUN * self.lanes;
            let data = json!({ "run_id": run, "number": number, "filler": &*self.filler });
            let body = Sentry::body("step", &data);
            let secret = if step % FORGED_EVERY == FORGED_EVERY - 1 { "of somebody else" } else { SECRET };
            let signature = Sentry::sign(&body, secret);
            let began = Instant::now();
            match self.sentry.try_post(body, &signature).await {
                Some(202) => {
                    answered.times.push(began.elapsed());
                    answered.accepted.push(number);
                    counts.send_modify(|counts| counts.accepted += 1);
                }
                Some(503) => {
                    answered.unavailable.push(number);
                    counts.send_modify(|counts| counts.unavailable += 1);
                }
                Some(401) => answered.refused.push(number),
                Some(status) => panic!("{status} for {number}"),
                None => {
                    answered.unanswered = 1;
                    break;
                }
            }
        }
        answered
    }
}
