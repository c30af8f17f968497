//! Reports: how far runs came and what became of their messages, counted over a stretch of time. Pure.
//!
//! Everything about a run is counted on the day on which it began, and everything about a delivery on the day on which it
//! was planned. Days are those of UTC.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::delivery::{DeliveryState, Reason};
use crate::event::{Organization, Stage};
use crate::render::context::rfc3339;
use crate::run::RunState;

/// How many microseconds a day has.
const DAY_US: i64 = 86_400_000_000;

/// So many days are told whether or not anything was on them; of a longer stretch those from the first one on that had
/// something.
const MOST_EMPTY_DAYS: i64 = 3_660;

/// How far a run can come, in order.
pub const REACHED: [RunState; 8] = [
    RunState::Unknown,
    RunState::RootCauseStarted,
    RunState::RootCauseCompleted,
    RunState::SolutionStarted,
    RunState::SolutionCompleted,
    RunState::CodingStarted,
    RunState::CodingCompleted,
    RunState::PrCreated,
];

/// What a report is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFilter {
    /// Runs that began, and deliveries that were planned, then or later.
    pub since: Timestamp,
    /// And before.
    pub until: Timestamp,
    /// Only runs of this organization, and deliveries of its events.
    pub organization: Option<Organization>,
    /// Only runs that are about this repository, and deliveries of their events.
    pub repo: Option<String>,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// From when on.
    #[serde(serialize_with = "time")]
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Up to when.
    #[serde(serialize_with = "time")]
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Of which organization alone.
    pub organization: Option<String>,
    /// About which repository alone.
    pub repo: Option<String>,
    /// How many events the catalogue, from which runs are counted, has not seen yet: none, but for a moment, or while an
    /// older store is catalogued.
    pub uncounted_events: u64,
    /// The runs.
    pub runs: RunCounts,
    /// Root cause, solution, coding and pull request: how long they took.
    pub stages: Vec<StageTimes>,
    /// What Seer said is to be done about the causes, the most frequent first; runs of which it said nothing are in none.
    pub root_causes: Vec<Classified>,
    /// The deliveries.
    pub deliveries: DeliveryCounts,
    /// The same day by day, in order, without gaps.
    pub days: Vec<Day>,
}

/// How many runs there were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunCounts {
    /// All of them.
    pub total: u64,
    /// By how far they came, all of [`REACHED`] in order.
    pub reached: Vec<Reached>,
    /// How many pull requests they opened.
    pub pull_requests: u64,
    /// How often one was noticed to stall.
    pub stalls: u64,
}

/// How many runs came so far and no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reached {
    /// How far, whatever was noticed of them since.
    pub state: RunState,
    /// How many.
    pub runs: u64,
}

/// How long a stage took.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StageTimes {
    /// Which one.
    pub stage: Stage,
    /// Of how many runs both its ends are known.
    pub runs: u64,
    /// Half of them took no longer, in seconds; `None` where there are none.
    pub p50_seconds: Option<f64>,
    /// 95 % of them took no longer.
    pub p95_seconds: Option<f64>,
}

/// How many runs have a cause of a sort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Classified {
    /// Seer's word: `code_fix` …
    pub classification: String,
    /// How many.
    pub runs: u64,
}

/// How many deliveries there were; those that are being sent count as waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeliveryCounts {
    /// All of them.
    pub total: u64,
    /// By destination, in the order of their names.
    pub destinations: Vec<DestinationCounts>,
}

/// How many deliveries went to a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DestinationCounts {
    /// Its name.
    pub destination: String,
    /// All of them.
    pub total: u64,
    /// By what became of them.
    pub outcomes: Vec<Outcome>,
}

/// How many deliveries came to the same end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outcome {
    /// Where they stand.
    pub state: DeliveryState,
    /// Why their last attempt failed, where it did.
    pub reason: Option<Reason>,
    /// How many.
    pub deliveries: u64,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Day {
    /// Which one: `2026-11-24`.
    #[schemars(with = "String", extend("format" = "date"))]
    pub day: Date,
    /// How many runs began.
    pub runs: u64,
    /// By how far they came, those that there are.
    pub reached: Vec<Reached>,
    /// How many pull requests they opened.
    pub pull_requests: u64,
    /// How often one of them was noticed to stall.
    pub stalls: u64,
    /// How many deliveries were planned that were delivered by now.
    pub delivered: u64,
    /// How many that are dead letters.
    pub dead: u64,
}

fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

impl DeliveryCounts {
    /// Returns how many of all deliveries stand so.
    pub fn number(&self, state: DeliveryState) -> u64 {
        self.destinations.iter().map(|destination| destination.number(state)).sum()
    }
}

impl DestinationCounts {
    /// Returns how many stand so.
    pub fn number(&self, state: DeliveryState) -> u64 {
        self.outcomes.iter().filter(|outcome| outcome.state == state).map(|outcome| outcome.deliveries).sum()
    }
}

/// What is counted of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<'a> {
    /// When it began, in microseconds since 1970.
    pub started_at: i64,
    /// How far it came.
    pub reached: RunState,
    /// What is to be done about the cause.
    pub classification: Option<&'a str>,
    /// How many pull requests it opened.
    pub pull_requests: u64,
    /// How often it stalled.
    pub stalls: u64,
    /// How long its four stages took, in microseconds.
    pub stages_us: [Option<i64>; 4],
}

/// Returns on which day a time lies, counted from 1970 on.
pub fn day_of(micros: i64) -> i64 {
    micros.div_euclid(DAY_US)
}

/// A report as it is counted.
#[derive(Debug, Default)]
pub struct Tally {
    runs: BTreeMap<(i64, RunState), u64>,
    pull_requests: BTreeMap<i64, u64>,
    stalls: BTreeMap<i64, u64>,
    /// In milliseconds, in which 49 days fit.
    stages_ms: [Vec<u32>; 4],
    classifications: BTreeMap<String, u64>,
    outcomes: BTreeMap<String, BTreeMap<(DeliveryState, Option<Reason>), u64>>,
    delivered: BTreeMap<i64, u64>,
    dead: BTreeMap<i64, u64>,
}

impl Tally {
    /// Counts a run.
    pub fn add_run(&mut self, run: &Counted<'_>) {
        let day = day_of(run.started_at);
        *self.runs.entry((day, run.reached)).or_default() += 1;
        if run.pull_requests > 0 {
            *self.pull_requests.entry(day).or_default() += run.pull_requests;
        }
        if run.stalls > 0 {
            *self.stalls.entry(day).or_default() += run.stalls;
        }
        for (times, took) in self.stages_ms.iter_mut().zip(run.stages_us) {
            times.extend(took.map(|took| u32::try_from(took / 1_000).unwrap_or(u32::MAX)));
        }
        if let Some(classification) = run.classification {
            match self.classifications.get_mut(classification) {
                Some(runs) => *runs += 1,
                None => drop(self.classifications.insert(classification.to_owned(), 1)),
            }
        }
    }

    /// Counts deliveries that were planned on one day.
    pub fn add_deliveries(
        &mut self,
        destination: &str,
        day: i64,
        state: DeliveryState,
        reason: Option<Reason>,
        number: u64,
    ) {
        let outcomes = self.outcomes.entry(destination.to_owned()).or_default();
        *outcomes.entry((state, reason)).or_default() += number;
        match state {
            DeliveryState::Delivered => *self.delivered.entry(day).or_default() += number,
            DeliveryState::Dead => *self.dead.entry(day).or_default() += number,
            DeliveryState::Waiting | DeliveryState::Sending | DeliveryState::Superseded => {}
        }
    }

    /// Ends the counting.
    pub fn into_report(mut self, filter: &ReportFilter, uncounted_events: u64) -> Report {
        let days = self.days(filter);
        let runs = RunCounts {
            total: self.runs.values().sum(),
            reached: REACHED
                .map(|state| Reached {
                    state,
                    runs: self
                        .runs
                        .iter()
                        .filter(|((_, other), _)| *other == state)
                        .map(|(_, runs)| runs)
                        .sum(),
                })
                .to_vec(),
            pull_requests: self.pull_requests.values().sum(),
            stalls: self.stalls.values().sum(),
        };
        let stages = [Stage::RootCause, Stage::Solution, Stage::Coding, Stage::PullRequest];
        let stages = stages.into_iter().zip(&mut self.stages_ms);
        let stages = stages.map(|(stage, times)| stage_times(stage, times)).collect();
        Report {
            since: filter.since,
            until: filter.until,
            organization: filter.organization.as_ref().map(ToString::to_string),
            repo: filter.repo.clone(),
            uncounted_events,
            runs,
            stages,
            root_causes: classified(self.classifications),
            deliveries: counts(self.outcomes),
            days,
        }
    }

    fn days(&self, filter: &ReportFilter) -> Vec<Day> {
        let counted = || {
            let runs = self.runs.keys().map(|(day, _)| *day);
            runs.chain(self.delivered.keys().copied()).chain(self.dead.keys().copied())
        };
        let mut first = day_of(filter.since.as_microsecond());
        let mut last = day_of(filter.until.as_microsecond().saturating_sub(1));
        if last - first > MOST_EMPTY_DAYS {
            (first, last) = match (counted().min(), counted().max()) {
                (Some(oldest), Some(newest)) => (oldest.max(first), newest.min(last)),
                (None, _) | (_, None) => return Vec::new(),
            };
        }
        (first..=last).filter_map(|day| self.day(day)).collect()
    }

    /// Returns a day; `None` where the calendar has none of that number.
    fn day(&self, day: i64) -> Option<Day> {
        let date = Timestamp::from_microsecond(day.checked_mul(DAY_US)?).ok()?;
        let of = |counts: &BTreeMap<i64, u64>| counts.get(&day).copied().unwrap_or_default();
        let reached: Vec<Reached> = REACHED
            .iter()
            .filter_map(|state| {
                self.runs.get(&(day, *state)).map(|runs| Reached { state: *state, runs: *runs })
            })
            .collect();
        Some(Day {
            day: TimeZone::UTC.to_datetime(date).date(),
            runs: reached.iter().map(|reached| reached.runs).sum(),
            reached,
            pull_requests: of(&self.pull_requests),
            stalls: of(&self.stalls),
            delivered: of(&self.delivered),
            dead: of(&self.dead),
        })
    }
}

fn stage_times(stage: Stage, times: &mut [u32]) -> StageTimes {
    let runs = u64::try_from(times.len()).unwrap_or(u64::MAX);
    let [p50_seconds, p95_seconds] = [50, 95].map(|percent| nearest_rank(times, percent).map(seconds));
    StageTimes { stage, runs, p50_seconds, p95_seconds }
}

fn seconds(millis: u32) -> f64 {
    f64::from(millis) / 1_000.0
}

/// Returns the smallest of these values that so many percent of them do not exceed.
fn nearest_rank(values: &mut [u32], percent: usize) -> Option<u32> {
    let rank = (values.len() * percent).div_ceil(100).checked_sub(1)?;
    Some(*values.select_nth_unstable(rank).1)
}

fn classified(runs: BTreeMap<String, u64>) -> Vec<Classified> {
    let mut classified: Vec<Classified> =
        runs.into_iter().map(|(classification, runs)| Classified { classification, runs }).collect();
    classified.sort_by_key(|each| std::cmp::Reverse(each.runs));
    classified
}

fn counts(destinations: BTreeMap<String, BTreeMap<(DeliveryState, Option<Reason>), u64>>) -> DeliveryCounts {
    let destinations: Vec<DestinationCounts> = destinations
        .into_iter()
        .map(|(destination, outcomes)| DestinationCounts {
            destination,
            total: outcomes.values().sum(),
            outcomes: outcomes
                .into_iter()
                .map(|((state, reason), deliveries)| Outcome { state, reason, deliveries })
                .collect(),
        })
        .collect();
    DeliveryCounts { total: destinations.iter().map(|each| each.total).sum(), destinations }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(since: &str, until: &str) -> ReportFilter {
        let [since, until] = [since, until].map(|at| at.parse().unwrap());
        ReportFilter { since, until, organization: None, repo: None }
    }

    fn run(started_at: &str) -> Counted<'static> {
        Counted {
            started_at: started_at.parse::<Timestamp>().unwrap().as_microsecond(),
            reached: RunState::PrCreated,
            classification: None,
            pull_requests: 0,
            stalls: 0,
            stages_us: [None; 4],
        }
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(nearest_rank(&mut [], 50), None);
        assert_eq!(nearest_rank(&mut [7], 95), Some(7));
        assert_eq!(nearest_rank(&mut [4, 1, 3, 2], 50), Some(2));
        let mut hundred: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(nearest_rank(&mut hundred, 95), Some(95));
        assert_eq!(nearest_rank(&mut hundred, 50), Some(50));
    }

    #[test]
    fn days_are_those_of_utc_and_none_is_missing() {
        let mut tally = Tally::default();
        tally.add_run(&run("2026-11-24T23:59:59.999999Z"));
        tally.add_run(&Counted { pull_requests: 2, ..run("2026-11-26T00:00:00Z") });
        tally.add_deliveries("chat", day_of(0), DeliveryState::Delivered, None, 5);
        let report = tally.into_report(&filter("2026-11-23T12:00:00Z", "2026-11-27T00:00:00Z"), 0);
        let days: Vec<_> =
            report.days.iter().map(|day| (day.day.to_string(), day.runs, day.pull_requests)).collect();
        let expected =
            [("2026-11-23", 0, 0), ("2026-11-24", 1, 0), ("2026-11-25", 0, 0), ("2026-11-26", 1, 2)];
        assert_eq!(days, expected.map(|(day, runs, pull_requests)| (day.to_owned(), runs, pull_requests)));
        assert_eq!((report.runs.total, report.deliveries.number(DeliveryState::Delivered)), (2, 5));
    }

    #[test]
    fn of_all_times_the_days_are_told_on_which_something_was() {
        let mut tally = Tally::default();
        assert!(
            Tally::default()
                .into_report(&filter("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"), 0)
                .days
                .is_empty()
        );
        tally.add_run(&run("2026-11-24T00:00:00Z"));
        tally.add_run(&run("2026-11-26T00:00:00Z"));
        let report = tally.into_report(&filter("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"), 0);
        assert_eq!(report.days.len(), 3);
    }
}
