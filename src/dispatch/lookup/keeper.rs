//! How soon Sentry may be asked again: its rate, what it asks for itself, and pauses that grow while it is down or
//! refuses. Pure.
//!
//! Knows neither what is asked nor who waits for it.

use std::time::Duration;

use tokio::time::Instant;

use crate::dispatch::pace::Pace;
use crate::notify::Rate;
use crate::sentry::api::Limits;

/// Sentry allows five questions a second of an organization; one less, evenly, since distances shrink on the way and
/// its windows begin when they like.
// Source: getsentry/sentry GroupDetailsEndpoint.rate_limits, read 2026-11-25.
const RATE: Rate = Rate::Limited { per_second: 4.0, burst: 1 };
/// How many questions may be open at once while all is well.
const MOST_OPEN: usize = 4;

/// The pauses while Sentry is down, or something else answers in its place.
const DOWN: Steps = Steps { first: Duration::from_secs(1), longest: Duration::from_mins(5) };
/// The pauses while it refuses the token: that is mended by hand.
const REFUSED: Steps = Steps { first: Duration::from_mins(1), longest: Duration::from_mins(10) };
/// The least pauses while it asks for fewer questions; a longer one that it names itself is kept.
const LIMITED: Steps = Steps { first: Duration::from_secs(1), longest: Duration::from_mins(1) };

/// Pauses that double.
struct Steps {
    first: Duration,
    longest: Duration,
}

impl Steps {
    fn pause(&self, earlier: u32) -> Duration {
        let doublings = 1_u32.checked_shl(earlier).unwrap_or(u32::MAX);
        self.first.saturating_mul(doublings).min(self.longest)
    }
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With an answer, be it that there is no such issue.
    Answered,
    /// With one that says nothing of whether others are answered.
    Apart,
    /// Sentry asks for fewer questions.
    Limited,
    /// It is down, or something else answers in its place.
    Down,
    /// It refuses the token.
    Refused,
}

/// The pace at which one organization is asked.
#[derive(Debug)]
pub(super) struct Keeper {
    pace: Pace,
    open: usize,
    is_crowded: bool,
    /// How many pauses there were since the last answer.
    pauses: u32,
    /// When the last pause began: what was asked before it tells nothing new.
    paused_at: Option<Instant>,
}

impl Keeper {
    /// Starts trusting.
    pub(super) fn new(now: Instant) -> Self {
        Self { pace: Pace::new(RATE, now), open: 0, is_crowded: false, pauses: 0, paused_at: None }
    }

    /// Returns from when on a question may be asked; `None` while as many are open as may be.
    pub(super) fn opens_at(&self, now: Instant) -> Option<Instant> {
        let most = if self.is_crowded || self.pauses > 0 { 1 } else { MOST_OPEN };
        (self.open < most).then(|| self.pace.opens_at(now))
    }

    /// Returns for how much longer Sentry is left alone.
    pub(super) fn held_for(&self, now: Instant) -> Duration {
        self.pace.held_until(now).map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Notes that a question is asked.
    pub(super) fn began(&mut self, now: Instant) {
        self.pace.take(1, now);
        self.open += 1;
    }

    /// Notes how a question ended that was asked at `began`; returns for how long Sentry is left alone then.
    pub(super) fn ended(&mut self, began: Instant, end: End, limits: Limits, now: Instant) -> Duration {
        self.open = self.open.saturating_sub(1);
        self.is_crowded = limits.is_crowded;
        let steps = match end {
            End::Answered => {
                (self.pauses, self.paused_at) = (0, None);
                None
            }
            End::Apart => None,
            End::Limited => Some(&LIMITED),
            End::Down => Some(&DOWN),
            End::Refused => Some(&REFUSED),
        };
        if let Some(pause) = limits.pause {
            self.pace.hold(pause, now);
        }
        if let Some(steps) = steps
            && self.paused_at.is_none_or(|paused_at| began >= paused_at)
        {
            self.pace.hold(steps.pause(self.pauses), now);
            self.pauses = self.pauses.saturating_add(1);
            self.paused_at = Some(now);
        }
        self.held_for(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Limits = Limits { pause: None, is_crowded: false };

    fn asks(pause: u64) -> Limits {
        Limits { pause: Some(Duration::from_secs(pause)), is_crowded: false }
    }

    /// Asks once as soon as that is allowed, and returns for how long Sentry is left alone then, in seconds.
    fn ask(keeper: &mut Keeper, now: &mut Instant, end: End, limits: Limits) -> u64 {
        *now = keeper.opens_at(*now).unwrap();
        keeper.began(*now);
        keeper.ended(*now, end, limits, *now).as_secs()
    }

    #[test]
    fn no_second_has_more_than_five_questions_and_no_moment_more_than_four() {
        let mut now = Instant::now();
        let mut keeper = Keeper::new(now);
        let mut asked = Vec::new();
        for _ in 0..50 {
            now = keeper.opens_at(now).unwrap();
            keeper.began(now);
            asked.push(now);
            keeper.ended(now, End::Answered, NONE, now);
        }
        for (index, first) in asked.iter().enumerate() {
            let in_a_second = asked[index..].iter().filter(|at| **at <= *first + Duration::from_secs(1));
            assert!(in_a_second.count() <= 5);
        }
        for _ in 0..4 {
            keeper.began(now);
        }
        assert_eq!(keeper.opens_at(now), None);
        keeper.ended(now, End::Answered, NONE, now);
        assert!(keeper.opens_at(now).is_some());
    }

    #[test]
    fn pauses_grow_up_to_their_longest() {
        for (end, limits, expected) in [
            (End::Down, NONE, vec![1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]),
            (End::Refused, NONE, vec![60, 120, 240, 480, 600, 600]),
            (End::Limited, NONE, vec![1, 2, 4, 8, 16, 32, 60, 60]),
            (End::Limited, asks(0), vec![1, 2, 4]),
            (End::Limited, asks(10), vec![10, 10, 10, 10, 16, 32, 60, 60]),
            (End::Limited, asks(3600), vec![3600, 3600]),
            (End::Answered, NONE, vec![0, 0]),
            (End::Answered, asks(1), vec![1, 1, 1]),
            (End::Apart, NONE, vec![0, 0]),
        ] {
            let mut now = Instant::now();
            let mut keeper = Keeper::new(now);
            let pauses: Vec<u64> = expected.iter().map(|_| ask(&mut keeper, &mut now, end, limits)).collect();
            assert_eq!(pauses, expected, "{end:?} {limits:?}");
        }
    }

    #[test]
    fn an_answer_ends_the_trouble() {
        let mut now = Instant::now();
        let mut keeper = Keeper::new(now);
        for expected in [1, 2, 4] {
            assert_eq!(ask(&mut keeper, &mut now, End::Down, NONE), expected);
        }
        assert_eq!(ask(&mut keeper, &mut now, End::Answered, NONE), 0);
        assert_eq!(ask(&mut keeper, &mut now, End::Down, NONE), 1);
    }

    #[test]
    fn in_trouble_one_question_is_open_and_those_from_before_it_do_not_add_to_it() {
        let begin = Instant::now();
        let mut keeper = Keeper::new(begin);
        for _ in 0..4 {
            keeper.began(begin);
        }
        let later = begin + Duration::from_secs(5);
        for _ in 0..4 {
            assert_eq!(keeper.ended(begin, End::Down, NONE, later).as_secs(), 1);
        }
        let opens = keeper.opens_at(later).unwrap();
        assert_eq!(opens, later + Duration::from_secs(1));
        keeper.began(opens);
        assert_eq!(keeper.opens_at(opens + Duration::from_mins(1)), None);
        assert_eq!(keeper.ended(opens, End::Down, NONE, opens).as_secs(), 2);
    }

    #[test]
    fn a_crowded_sentry_gets_one_question_at_a_time() {
        let now = Instant::now();
        let mut keeper = Keeper::new(now);
        keeper.began(now);
        keeper.began(now);
        keeper.ended(now, End::Answered, Limits { pause: None, is_crowded: true }, now);
        assert_eq!(keeper.opens_at(now), None);
        keeper.ended(now, End::Answered, NONE, now);
        keeper.began(now);
        assert!(keeper.opens_at(now).is_some());
    }
}
