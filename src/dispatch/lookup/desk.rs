//! One organization's wishes: which wait, which are being asked, and at what pace.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::keeper::{End, Keeper};
use super::voice::Voice;
use super::{Prospect, Source};
use crate::event::GroupId;
use crate::sentry::api::{ApiError, Limits};

/// How many wishes wait at most: at Sentry's pace, minutes of them.
const MOST_WISHES: usize = 1_000;
/// For how long nobody asks about runs after a question about one was not answered: each would wait for that in vain,
/// and everything silent behind it.
const RUNS_PAUSE: Duration = Duration::from_secs(30);
/// How soon is looked again for whether fewer questions are open.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One organization's wishes.
#[derive(Debug)]
pub(super) struct Desk {
    state: Mutex<State>,
    /// Raised when there may be more to do. Only the loop that serves the desk waits for it.
    pub(super) changed: Notify,
}

#[derive(Debug)]
struct State {
    source: Arc<Source>,
    keeper: Keeper,
    voice: Voice,
    waiting: VecDeque<GroupId>,
    /// Those that wait, and those that are being asked.
    wanted: HashSet<GroupId>,
    /// Until when nobody asks about runs.
    runs_closed_until: Option<Instant>,
    /// Whether a loop serves the desk.
    is_served: bool,
    /// Whether nobody is asked here any more.
    is_closed: bool,
}

/// What to do next.
pub(super) enum Step {
    /// Ask.
    Ask(Wish),
    /// Wait, until then where that is known.
    Wait(Option<Instant>),
    /// Nothing more.
    End,
}

impl Desk {
    pub(super) fn new(source: Source) -> Self {
        let state = State {
            source: Arc::new(source),
            keeper: Keeper::new(Instant::now()),
            voice: Voice::default(),
            waiting: VecDeque::new(),
            wanted: HashSet::new(),
            runs_closed_until: None,
            is_served: false,
            is_closed: false,
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// Returns who is asked here.
    pub(super) fn source(&self) -> Arc<Source> {
        Arc::clone(&self.state().source)
    }

    /// Goes on with the settings of a source, where that is the same one; else nobody is asked here any more.
    pub(super) fn goes_on_with(&self, source: &Source) -> bool {
        let mut state = self.state();
        let is_same = state.source.api.is_same_as(&source.api);
        if is_same {
            state.source = Arc::new(source.clone());
        }
        drop(state);
        if !is_same {
            self.close();
        }
        is_same
    }

    /// Asks nobody here any more; what is asked already is answered.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        for group in std::mem::take(&mut state.waiting) {
            state.wanted.remove(&group);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Tells whether a loop is to serve the desk that none serves yet; counts as served then.
    pub(super) fn is_served_now(&self) -> bool {
        !std::mem::replace(&mut self.state().is_served, true)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a wish, unless nothing would come of it in time.
    pub(super) fn wish(&self, group: &GroupId, now: Instant) -> Prospect {
        let mut state = self.state();
        if state.wanted.contains(group) {
            return Prospect::Coming;
        }
        let is_hopeless = state.keeper.held_for(now) > state.source.lookup_wait;
        if is_hopeless || state.is_closed || state.wanted.len() >= MOST_WISHES {
            return Prospect::Nothing;
        }
        state.wanted.insert(group.clone());
        state.waiting.push_back(group.clone());
        self.changed.notify_one();
        Prospect::Coming
    }

    /// Returns whether a wish waits or is being asked.
    pub(super) fn is_wanted(&self, group: &GroupId) -> bool {
        self.state().wanted.contains(group)
    }

    /// Takes the next wish, where one may be asked now.
    pub(super) fn next(self: &Arc<Self>, now: Instant) -> Step {
        let mut state = self.state();
        if state.is_closed {
            return Step::End;
        }
        if state.waiting.is_empty() {
            return Step::Wait(None);
        }
        match state.keeper.opens_at(now) {
            Some(at) if at <= now => {}
            opens_at => return Step::Wait(opens_at),
        }
        let Some(group) = state.waiting.pop_front() else { return Step::Wait(None) };
        Step::Ask(Wish { turn: self.begin(&mut state, now), group })
    }

    fn begin(self: &Arc<Self>, state: &mut State, now: Instant) -> Turn {
        state.keeper.began(now);
        Turn { desk: Arc::clone(self), began: now, end: (End::Apart, Limits::default(), None) }
    }

    /// Notes that a question about a run was not answered.
    pub(super) fn close_for_runs(&self, now: Instant) {
        self.state().runs_closed_until = Some(now + RUNS_PAUSE);
    }

    /// Waits for a turn outside of the wishes, to ask about a run, for so long at most.
    pub(super) async fn turn(self: &Arc<Self>, patience: Duration) -> Option<Turn> {
        let until = Instant::now() + patience;
        loop {
            let now = Instant::now();
            let opens_at = {
                let mut state = self.state();
                if state.is_closed || state.runs_closed_until.is_some_and(|until| now < until) {
                    return None;
                }
                let opens_at = state.keeper.opens_at(now);
                if opens_at.is_some_and(|at| at <= now) {
                    return Some(self.begin(&mut state, now));
                }
                opens_at.unwrap_or(now + LOOK_AGAIN)
            };
            if opens_at > until {
                return None;
            }
            sleep_until(opens_at).await;
        }
    }

    /// Notes how a question ended that was asked at `began`. Where Sentry is left alone for longer than anybody waits,
    /// all wishes are given up.
    fn ended(&self, began: Instant, end: End, limits: Limits, error: Option<&ApiError>) {
        let now = Instant::now();
        let mut state = self.state();
        let source = Arc::clone(&state.source);
        let organization = source.api.organization();
        let held = state.keeper.ended(began, end, limits, now);
        match (end, error) {
            (End::Answered, None) => state.voice.answered(organization),
            (End::Answered, Some(_)) => state.voice.not_found(organization, now),
            (End::Limited | End::Down | End::Refused, Some(error)) => {
                state.voice.failed(organization, error, held, now);
            }
            (End::Limited | End::Down | End::Refused, None) | (End::Apart, _) => {}
        }
        if held > source.lookup_wait {
            for group in std::mem::take(&mut state.waiting) {
                state.wanted.remove(&group);
            }
        }
        drop(state);
        self.changed.notify_one();
    }
}

/// The right to ask one question. Dropping it gives its place back, whatever became of it.
pub(super) struct Turn {
    pub(super) desk: Arc<Desk>,
    began: Instant,
    /// Where nobody says how it ended, Sentry was not asked.
    pub(super) end: (End, Limits, Option<ApiError>),
}

/// A wish that is being asked. Dropping it ends its turn, and whoever still wants the issue wishes again.
pub(super) struct Wish {
    pub(super) turn: Turn,
    pub(super) group: GroupId,
}

impl Drop for Wish {
    fn drop(&mut self) {
        self.turn.desk.state().wanted.remove(&self.group);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (end, limits, error) = &self.end;
        self.desk.ended(self.began, *end, *limits, error.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::HttpClient;
    use crate::event::Organization;
    use crate::sentry::api::SentryApi;

    fn source(token: &str, lookup_wait: Duration) -> Source {
        let client = HttpClient::new(None).unwrap();
        let url = "http://127.0.0.1:1".parse().unwrap();
        let api = SentryApi::new(client, Organization::new("acme"), url, &token.into());
        Source { api, lookup_wait, issue_max_age: Duration::from_hours(1) }
    }

    fn desk(lookup_wait: Duration) -> Arc<Desk> {
        Arc::new(Desk::new(source("token", lookup_wait)))
    }

    fn ask(desk: &Arc<Desk>) -> Option<Wish> {
        match desk.next(Instant::now()) {
            Step::Ask(wish) => Some(wish),
            Step::Wait(_) | Step::End => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_wishes_wait_than_fit_and_the_same_one_is_one() {
        let desk = desk(Duration::from_secs(2));
        for number in 0..MOST_WISHES {
            let group = GroupId::new(number.to_string());
            assert_eq!(desk.wish(&group, Instant::now()), Prospect::Coming);
            assert_eq!(desk.wish(&group, Instant::now()), Prospect::Coming);
        }
        assert_eq!(desk.wish(&GroupId::new("more"), Instant::now()), Prospect::Nothing);
        let first = ask(&desk).unwrap();
        assert_eq!(first.group.as_str(), "0");
        assert!(ask(&desk).is_none(), "one at a time, at Sentry's pace");
        drop(first);
        assert_eq!(desk.wish(&GroupId::new("more"), Instant::now()), Prospect::Coming);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_that_is_dropped_gives_its_place_back() {
        let desk = desk(Duration::from_secs(2));
        for _ in 0..20 {
            desk.wish(&GroupId::new("5"), Instant::now());
            tokio::time::advance(Duration::from_secs(1)).await;
            drop(ask(&desk).expect("a place is free"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_too_late_is_given_up_and_what_does_not_waits() {
        for (lookup_wait, expected) in [(500, Prospect::Nothing), (2_000, Prospect::Coming)] {
            let desk = desk(Duration::from_millis(lookup_wait));
            for group in ["1", "2"] {
                desk.wish(&GroupId::new(group), Instant::now());
            }
            let mut first = ask(&desk).unwrap();
            first.turn.end =
                (End::Down, Limits::default(), Some(ApiError::Unavailable("status 500".to_owned())));
            drop(first);
            for group in ["1", "2"] {
                assert_eq!(desk.wish(&GroupId::new(group), Instant::now()), expected);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_outside_of_the_wishes_keeps_the_same_pace() {
        let desk = desk(Duration::from_secs(2));
        let start = Instant::now();
        for _ in 0..4 {
            drop(desk.turn(Duration::from_secs(10)).await.unwrap());
        }
        assert_eq!(start.elapsed().as_millis() / 10, 75, "three quarters of a second");
        let limits = Limits { pause: Some(Duration::from_mins(1)), is_crowded: false };
        let mut turn = desk.turn(Duration::from_secs(10)).await.unwrap();
        turn.end = (End::Limited, limits, Some(ApiError::RateLimited));
        drop(turn);
        assert!(desk.turn(Duration::from_secs(10)).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_asks_about_runs_for_a_while_after_one_was_not_answered_and_issues_are_asked_for() {
        let desk = desk(Duration::from_secs(2));
        let patience = Duration::from_secs(10);
        desk.close_for_runs(Instant::now());
        assert!(desk.turn(patience).await.is_none());
        desk.wish(&GroupId::new("5"), Instant::now());
        assert!(ask(&desk).is_some());
        tokio::time::advance(RUNS_PAUSE).await;
        assert!(desk.turn(patience).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_the_same_goes_on_at_the_same_pace_and_who_is_not_is_asked_nothing_more() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
        let desk = desk(second);
        desk.wish(&GroupId::new("1"), Instant::now());
        let asked = ask(&desk).unwrap();
        desk.wish(&GroupId::new("2"), Instant::now());

        assert!(desk.goes_on_with(&source("token", minute)));
        assert_eq!(desk.source().lookup_wait, minute);
        assert!(ask(&desk).is_none(), "it is too soon");
        tokio::time::advance(second).await;
        drop(ask(&desk).expect("what was wished for is asked"));

        desk.wish(&GroupId::new("3"), Instant::now());
        assert!(!desk.goes_on_with(&source("another token", minute)));
        assert!(matches!(desk.next(Instant::now() + second), Step::End));
        assert!(desk.is_wanted(&GroupId::new("1")), "it is still being asked");
        assert!(!desk.is_wanted(&GroupId::new("3")));
        assert_eq!(desk.wish(&GroupId::new("4"), Instant::now()), Prospect::Nothing);
        assert!(desk.turn(second).await.is_none());
        drop(asked);
    }
}
