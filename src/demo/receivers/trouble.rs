//! Trouble: what a stand-in does instead of taking a request as it should, and how many calls it bears.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What a stand-in does with its next message, new or edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 503, and nothing was taken.
    Unavailable,
    /// 429 with this `Retry-After`, and nothing was taken.
    RateLimited(Duration),
    /// The message is taken, but the answer is a gateway's 502.
    AnswerLost,
    /// The message is taken, and no answer ever comes.
    Hang,
}

/// The troubles of one stand-in.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    waiting: VecDeque<Trouble>,
    limit: Option<Limit>,
}

/// So many calls a second, and as many at once: a bucket that is filled again evenly.
#[derive(Debug)]
struct Limit {
    per_second: f64,
    left: f64,
    looked_at: Instant,
}

impl Troubles {
    /// Adds one for the request behind those that wait.
    pub(super) fn add(&mut self, trouble: Trouble) {
        self.waiting.push_back(trouble);
    }

    /// Bears so many calls a second from now on.
    pub(super) fn limit(&mut self, per_second: u32, now: Instant) {
        let per_second = f64::from(per_second);
        self.limit = Some(Limit { per_second, left: per_second, looked_at: now });
    }

    /// Tells whether none waits.
    pub(super) fn are_over(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the next one.
    pub(super) fn next(&mut self) -> Option<Trouble> {
        self.waiting.pop_front()
    }

    /// Counts a call; returns how long to wait where it is one too many.
    pub(super) fn count(&mut self, now: Instant) -> Option<Duration> {
        let limit = self.limit.as_mut()?;
        let filled = now.duration_since(limit.looked_at).as_secs_f64() * limit.per_second;
        limit.left = (limit.left + filled).min(limit.per_second);
        limit.looked_at = now;
        if limit.left < 1.0 {
            return Some(Duration::from_secs(1));
        }
        limit.left -= 1.0;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_beyond_the_limit_are_told_to_wait_until_there_is_room_again() {
        let start = Instant::now();
        let mut troubles = Troubles::default();
        assert_eq!(troubles.count(start), None, "without a limit all are borne");
        troubles.limit(2, start);
        let told = [0, 0, 0, 500, 500, 9_000, 9_000, 9_000].map(|later| {
            let now = start + Duration::from_millis(later);
            troubles.count(now).is_some()
        });
        assert_eq!(told, [false, false, true, false, true, false, false, true]);
    }
}
