//! Settings of the table `[watch]`: after how long a silence is told.

use std::time::Duration;

use crate::event::Stage;

/// Settings of the `[watch]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchConfig {
    /// After how long without an event a run is looked at.
    pub stall_after: StallAfter,
    /// After how long without a webhook it is told that none comes. Default `None`, which is off; 1 min to 30 d.
    pub silent_after: Option<Duration>,
}

impl WatchConfig {
    /// Looks at nothing.
    pub const OFF: Self = Self { stall_after: StallAfter::all(None), silent_after: None };
}

/// After how long without an event a run counts as stalled, by the stage that has begun and not ended. Default 30 min;
/// 1 min to 7 d; `None` is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StallAfter {
    /// Where no stage is at work: then Sentry is asked what became of the run.
    pub otherwise: Option<Duration>,
    /// While it looks for the cause.
    pub root_cause: Option<Duration>,
    /// While it plans.
    pub solution: Option<Duration>,
    /// While it writes code.
    pub coding: Option<Duration>,
    /// While it works on its pull requests again.
    pub iteration: Option<Duration>,
}

impl StallAfter {
    /// The same for every stage.
    pub const fn all(after: Option<Duration>) -> Self {
        Self { otherwise: after, root_cause: after, solution: after, coding: after, iteration: after }
    }

    /// Returns it for the stage at work, if one is.
    pub fn of(&self, at_work: Option<Stage>) -> Option<Duration> {
        match at_work {
            Some(Stage::RootCause) => self.root_cause,
            Some(Stage::Solution) => self.solution,
            Some(Stage::Coding) => self.coding,
            Some(Stage::Iteration) => self.iteration,
            Some(Stage::PullRequest) | None => self.otherwise,
        }
    }

    /// Returns the shortest; `None` where all are off.
    pub fn shortest(&self) -> Option<Duration> {
        self.each().min()
    }

    /// Returns the longest; `None` where all are off.
    pub fn longest(&self) -> Option<Duration> {
        self.each().max()
    }

    /// Returns whether any stage is watched.
    pub fn tells(&self) -> bool {
        self.stages().into_iter().any(|after| after.is_some())
    }

    fn stages(&self) -> [Option<Duration>; 4] {
        [self.root_cause, self.solution, self.coding, self.iteration]
    }

    fn each(&self) -> impl Iterator<Item = Duration> {
        self.stages().into_iter().chain([self.otherwise]).flatten()
    }
}
