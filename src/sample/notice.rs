//! Notices of the relay's own, as it would make them of a sample run that has fallen silent.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::variants::{HOSTILE, LARGE, LARGE_TEXT, LARGE_TIMES, hostile_text};
use super::{Shape, Telling};
use crate::event::{
    Action, Artifacts, DestinationReport, Event, EventId, Organization, PullRequest, RELAY_RESOURCE,
    ReasonCount, Silence,
};
use crate::sentry::payload::PayloadError;

/// How long the run was silent before the relay asked what became of it.
const SILENCE: SignedDuration = SignedDuration::from_mins(30);
/// How long no webhook came before the relay told so.
const DAYS: SignedDuration = SignedDuration::from_hours(48);
/// How long a destination took nothing before the relay told so.
const DOWN: SignedDuration = SignedDuration::from_mins(14);
/// What Sentry may say of a pull request that could not be opened.
const REASON: &str = "403: Resource not accessible by integration";

/// Returns a notice at the end of a run that fell silent while it wrote code.
pub(super) fn telling(
    action: &Action,
    shape: Shape,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    if *action == Action::Silent {
        return silent(Some(now.checked_sub(DAYS).unwrap_or(now)), 0, shape, organization, now);
    }
    if action.is_of_destination() {
        return of_destination(action, report(action, now), shape, organization, now);
    }
    after(&Action::CodingStarted, action, Vec::new(), shape, organization, now)
}

/// Returns the events of runs with this notice at their end, each with its name: pull requests that could not be opened,
/// with as much as may be known of them, a hostile one and very many, other steps, and the notice alone.
///
/// # Errors
/// [`PayloadError`] never: a test holds that every sample is a webhook.
pub fn notice_variants(
    action: &Action,
    organization: &Organization,
    now: Timestamp,
) -> Result<Vec<(String, Telling)>, PayloadError> {
    let named = |name: &str, telling| (name.to_owned(), telling);
    if *action == Action::Silent {
        let heard = now.checked_sub(DAYS).ok();
        let silent = |heard, bad| silent(heard, bad, Shape::Present, organization, now);
        return Ok(vec![
            named("a bad signature meanwhile", silent(heard, 1)?),
            named("nothing but bad signatures", silent(None, 3)?),
            named("nothing was ever heard", silent(None, 0)?),
        ]);
    }
    if action.is_of_destination() {
        return destination_variants(action, organization, now);
    }
    let run = |step: &Action, failed: Vec<PullRequest>| {
        after(step, action, failed, Shape::Present, organization, now)
    };
    let coding = |failed| run(&Action::CodingStarted, failed);
    let failed = |repo: &str, reason: &str| PullRequest {
        repo: Some(repo.to_owned()),
        failed: true,
        reason: Some(reason.to_owned()),
        ..PullRequest::default()
    };
    let api = || failed("acme/api", REASON);
    let many = (1..=LARGE_TIMES).map(|number| {
        failed(&format!("acme/service-{number}"), &format!("{REASON}. ").repeat(LARGE_TEXT / REASON.len()))
    });
    let mut alone = coding(Vec::new())?;
    alone.events = alone.events.pop().into_iter().collect();
    for event in &mut alone.events {
        (event.run_id, event.sentry_run_id, event.group_id) = (None, None, None);
    }
    Ok(vec![
        named("a pull request that could not be opened", coding(vec![api()])?),
        named("one without a reason", coding(vec![PullRequest { reason: None, ..api() }])?),
        named("one without a repository", coding(vec![PullRequest { repo: None, ..api() }])?),
        named("two of them", coding(vec![api(), failed("acme/web", REASON)])?),
        named("while it looks for the cause", run(&Action::RootCauseStarted, Vec::new())?),
        named("while it plans", run(&Action::SolutionStarted, Vec::new())?),
        named("while it revises its pull request", run(&Action::IterationStarted, Vec::new())?),
        named("the notice alone", alone),
        named(HOSTILE, coding(vec![failed(&hostile_text(), &hostile_text())])?),
        named(LARGE, coding(many.collect())?),
    ])
}

/// Returns a run that fell silent after a step, and then the notice.
fn after(
    step: &Action,
    action: &Action,
    failed: Vec<PullRequest>,
    shape: Shape,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    let silent_since = now.checked_sub(SILENCE).unwrap_or(now);
    let mut telling = super::telling(step, shape, organization, silent_since)?;
    let notice = telling.events.last().map(|newest| Event {
        id: EventId::new("evt_sample99"),
        resource: RELAY_RESOURCE.to_owned(),
        action: action.clone(),
        iteration: None,
        received_at: now,
        sent_at: None,
        artifacts: Artifacts {
            pull_requests: (!failed.is_empty()).then_some(failed),
            silence: (*action == Action::RunStalled).then(|| silence(Some(newest.received_at), None, now)),
            ..Artifacts::default()
        },
        ..newest.clone()
    });
    telling.events.extend(notice);
    telling.payload = Bytes::new();
    Ok(telling)
}

/// Returns the notice that no webhook comes, which is about no run.
fn silent(
    last_heard_at: Option<Timestamp>,
    bad_signatures: u64,
    shape: Shape,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    let silence = Some(silence(last_heard_at, Some(bad_signatures), now));
    let artifacts = Artifacts { silence, ..Artifacts::default() };
    of_no_run(&Action::Silent, &artifacts, shape, organization, now)
}

/// Returns a notice that is about no run.
fn of_no_run(
    action: &Action,
    artifacts: &Artifacts,
    shape: Shape,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    let mut telling = after(&Action::RootCauseStarted, action, Vec::new(), shape, organization, now)?;
    telling.events = telling.events.pop().into_iter().collect();
    for event in &mut telling.events {
        (event.run_id, event.sentry_run_id, event.group_id) = (None, None, None);
        event.artifacts = artifacts.clone();
    }
    telling.issue = None;
    Ok(telling)
}

/// Returns a notice about a destination.
fn of_destination(
    action: &Action,
    report: DestinationReport,
    shape: Shape,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    let artifacts = Artifacts { destination: Some(report), ..Artifacts::default() };
    of_no_run(action, &artifacts, shape, organization, now)
}

/// Returns what a notice would say of a destination that was down for a while.
fn report(action: &Action, now: Timestamp) -> DestinationReport {
    let known = DestinationReport {
        name: "backend".to_owned(),
        kind: "slack".to_owned(),
        since: now.checked_sub(DOWN).ok(),
        ..DestinationReport::default()
    };
    let reason = Some("server_error".to_owned());
    if *action == Action::DestinationDown {
        return DestinationReport { reason, waiting: Some(12), ..known };
    }
    if *action == Action::DestinationUp {
        return DestinationReport {
            seconds: Some(DOWN.as_secs().unsigned_abs()),
            waiting: Some(12),
            ..known
        };
    }
    let count = |reason: &str, number| ReasonCount { reason: reason.to_owned(), number };
    let reasons = vec![count("server_error", 3), count("client_error", 1)];
    DestinationReport { reason, dead_letters: Some(4), reasons, ..known }
}

/// Returns notices about a destination of which more or less is known.
fn destination_variants(
    action: &Action,
    organization: &Organization,
    now: Timestamp,
) -> Result<Vec<(String, Telling)>, PayloadError> {
    let known = report(action, now);
    let one = ReasonCount { reason: "gone".to_owned(), number: 1 };
    let single = DestinationReport {
        reason: Some("gone".to_owned()),
        waiting: known.waiting.map(|_| 1),
        dead_letters: known.dead_letters.map(|_| 1),
        reasons: known.reasons.first().map(|_| one).into_iter().collect(),
        ..known.clone()
    };
    let nothing = DestinationReport { waiting: known.waiting.map(|_| 0), reason: None, ..known.clone() };
    let name_alone = DestinationReport { name: known.name, kind: known.kind, ..DestinationReport::default() };
    let told = [
        ("one of them", single),
        ("none waits, for an unknown reason", nothing),
        ("nothing but its name", name_alone),
    ];
    let told = told.into_iter().map(|(name, report)| {
        Ok((name.to_owned(), of_destination(action, report, Shape::Present, organization, now)?))
    });
    told.collect()
}

fn silence(last_heard_at: Option<Timestamp>, bad_signatures: Option<u64>, now: Timestamp) -> Silence {
    let length = last_heard_at.map_or(DAYS, |heard| now.duration_since(heard));
    Silence { seconds: length.as_secs().unsigned_abs(), last_heard_at, bad_signatures }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stage;
    use crate::run::{Run, RunState, StageState};

    fn organization() -> Organization {
        Organization::new("acme")
    }

    #[test]
    fn a_notice_ends_a_run_that_was_at_work() {
        for (action, state) in [
            (Action::RunFailed, RunState::Failed),
            (Action::RunWaiting, RunState::WaitingForUser),
            (Action::RunStalled, RunState::Stalled),
        ] {
            for shape in Shape::ALL {
                let telling = telling(&action, shape, &organization(), Timestamp::UNIX_EPOCH).unwrap();
                let run = Run::fold(&telling.events).unwrap();
                assert_eq!(run.state, state);
                let coding = run.stages.iter().find(|stage| stage.stage == Stage::Coding).unwrap();
                assert_eq!(coding.state, StageState::Stalled);
                assert!(telling.payload.is_empty(), "no webhook brought it");
            }
        }
    }

    #[test]
    fn every_variant_is_the_notice_of_another_run() {
        for action in Action::NOTICES {
            let variants = notice_variants(&action, &organization(), Timestamp::UNIX_EPOCH).unwrap();
            for (number, (name, telling)) in variants.iter().enumerate() {
                assert_eq!(telling.events.last().unwrap().action, action, "{name}");
                let is_new = |(_, earlier): &(String, Telling)| earlier.events != telling.events;
                assert!(variants[..number].iter().all(is_new), "{name}");
            }
        }
    }

    #[test]
    fn the_silence_of_webhooks_is_about_no_run() {
        let telling =
            telling(&Action::Silent, Shape::Present, &organization(), Timestamp::UNIX_EPOCH).unwrap();
        let [event] = telling.events.try_into().unwrap();
        assert_eq!((event.run_id, event.group_id, telling.issue), (None, None, None));
        assert_eq!(event.artifacts.silence.unwrap().seconds, 48 * 60 * 60);
    }
}
