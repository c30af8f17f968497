//! Runs as a digest sums them up: every way in which one may stand, each of an issue of its own.

use jiff::{SignedDuration, Timestamp};

use super::variants::hostile_text;
use super::{SampleIds, Shape, Telling, issue};
use crate::event::{Action, GroupId, Organization, RunId};
use crate::issue::Issue;

/// How long before the digest each of its runs ended, one after the other.
const PACE: SignedDuration = SignedDuration::from_mins(4);

/// How many runs are very many.
const MANY: usize = 220;

/// How the runs of the sample stand, the newest first, and what their issues are called.
const RUNS: [(Action, &str); 11] = [
    (Action::PrReadyForReview, "TypeError: unsupported operand type(s) for /: 'NoneType' and 'int'"),
    (Action::RootCauseStarted, "KeyError: 'shipping_method'"),
    (Action::PrCreated, "IntegrityError: duplicate key value violates unique constraint \"orders_pkey\""),
    (Action::RunWaiting, "TimeoutError: payment provider took longer than 10 s"),
    (Action::IterationCompleted, "ZeroDivisionError: division by zero"),
    (Action::RunFailed, "ConnectionResetError: [Errno 104] Connection reset by peer"),
    (Action::RootCauseCompleted, "DoesNotExist: Cart matching query does not exist."),
    (Action::CodingCompleted, "AttributeError: 'NoneType' object has no attribute 'email'"),
    (Action::RunStalled, "OperationalError: database is locked"),
    (Action::SolutionCompleted, "ValueError: invalid literal for int() with base 10: ''"),
    (Action::SolutionStarted, "IndexError: list index out of range"),
];

/// Which runs a digest tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestSample {
    /// One of each sort.
    Plain,
    /// The same, and nothing is known of their issues.
    Unknown,
    /// One alone.
    One,
    /// Very many.
    Many,
    /// Some whose issues have titles that try to break out of their place.
    Hostile,
}

impl DigestSample {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Plain, Self::Unknown, Self::One, Self::Many, Self::Hostile];
}

/// Returns the runs of a digest that is made at `now`.
pub fn digest(sample: DigestSample, organization: &Organization, now: Timestamp) -> Vec<Telling> {
    of(sample, &all(organization, now))
}

/// Returns the runs of every sample of a digest that is made at `now`.
pub fn digests(organization: &Organization, now: Timestamp) -> Vec<(DigestSample, Vec<Telling>)> {
    let all = all(organization, now);
    DigestSample::ALL.into_iter().map(|sample| (sample, of(sample, &all))).collect()
}

fn all(organization: &Organization, now: Timestamp) -> Vec<(Telling, &'static str)> {
    let told = (0..).zip(&RUNS).filter_map(|(number, (action, title))| {
        let at = now.checked_sub(PACE * number).unwrap_or(now);
        Some((super::telling(action, Shape::Present, organization, at).ok()?, *title))
    });
    told.collect()
}

fn of(sample: DigestSample, all: &[(Telling, &str)]) -> Vec<Telling> {
    let runs = match sample {
        DigestSample::Many => MANY,
        DigestSample::One => 1,
        DigestSample::Plain | DigestSample::Unknown | DigestSample::Hostile => RUNS.len(),
    };
    let told = all.iter().cycle().take(runs).enumerate().map(|(number, (telling, title))| {
        let mut telling = telling.clone();
        let group = GroupId::new((1_170_820_242 + number).to_string());
        for event in &mut telling.events {
            event.run_id = Some(RunId::new((12_345 + number).to_string()));
            event.sentry_run_id = None;
            event.group_id = Some(group.clone());
        }
        telling.issue = match sample {
            DigestSample::Unknown => None,
            DigestSample::Hostile => Some(of_title(&group, number, &hostile_text())),
            DigestSample::Plain | DigestSample::One | DigestSample::Many => {
                Some(of_title(&group, number, title))
            }
        };
        telling
    });
    told.collect()
}

fn of_title(group: &GroupId, number: usize, title: &str) -> Issue {
    let known = issue(&SampleIds::default().group_id);
    Issue {
        id: group.clone(),
        short_id: Some(format!("API-{}X", number + 1)),
        title: Some(title.to_owned()),
        permalink: None,
        ..known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Need, Run};

    #[test]
    fn the_sample_has_a_run_of_every_sort_each_of_its_own() {
        let organization = Organization::new("acme");
        let tellings = digest(DigestSample::Plain, &organization, Timestamp::UNIX_EPOCH);
        let runs: Vec<Run> = tellings.iter().map(|each| Run::fold(&each.events).unwrap()).collect();
        assert_eq!(runs.len(), RUNS.len());
        for need in [Some(Need::Review), Some(Need::Answer), Some(Need::Look), None] {
            assert!(runs.iter().any(|run| run.need() == need), "{need:?}");
        }
        let labels: std::collections::BTreeSet<String> = runs.iter().map(Run::label).collect();
        assert_eq!(labels.len(), RUNS.len());
    }
}
