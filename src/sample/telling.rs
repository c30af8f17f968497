//! Tellings: a sample as the relay would see it, at its place in a run.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{SampleIds, Shape, accept, alert, body, encode, issue, notice, run_script};
use crate::event::{Action, Event, EventId, Organization};
use crate::issue::Issue;
use crate::sentry::payload::PayloadError;

/// How long one step of a sample run comes after the one before it.
const PACE: SignedDuration = SignedDuration::from_secs(47);

/// The events of a run up to the one that is meant, and that one's body.
#[derive(Debug, Clone)]
pub struct Telling {
    /// In order; the last is the one that is meant.
    pub events: Vec<Event>,
    /// The last one's body; empty where that is a notice of the relay's own, which has none.
    pub payload: Bytes,
    /// What is known of the issue.
    pub issue: Option<Issue>,
}

/// Returns the actions of a sample run up to this one, which is the last.
fn steps(action: &Action, shape: Shape) -> Vec<Action> {
    let earlier = run_script(shape).into_iter().take_while(|earlier| earlier != action);
    earlier.chain([action.clone()]).collect()
}

/// Returns a sample at its place in a run, which ends with it at `now`.
///
/// # Errors
/// [`PayloadError`] never: a test holds that every sample is a webhook.
pub fn telling(
    action: &Action,
    shape: Shape,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    if action.is_notice() {
        return notice::telling(action, shape, organization, now);
    }
    let sample = body(action, shape, &SampleIds::default());
    telling_of(action, shape, &sample, organization, now)
}

/// Returns a body, such as a variant of the sample, in place of the sample.
///
/// # Errors
/// [`PayloadError`] where the body is no webhook.
pub fn telling_of(
    action: &Action,
    shape: Shape,
    meant: &Value,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    let steps = steps(action, shape);
    let issue = issue(&SampleIds::default().group_id);
    let mut telling = Telling { events: Vec::new(), payload: Bytes::new(), issue: Some(issue) };
    for (number, step) in (1..).zip(&steps) {
        let earlier = (number < steps.len()).then(|| body(step, shape, &SampleIds::default()));
        let later = i32::try_from(steps.len() - number).unwrap_or_default();
        let received_at = now.checked_sub(PACE * later).unwrap_or(now);
        telling.payload = Bytes::from(encode(earlier.as_ref().unwrap_or(meant)));
        let accepted = accept(telling.payload.clone(), organization, received_at)?;
        telling.events.push(accepted.to_event(EventId::new(format!("evt_sample{number:02}"))));
    }
    Ok(telling)
}

/// Returns any body as what is told alone, with the issue that it describes: a user's file, an activity alert.
///
/// # Errors
/// [`PayloadError`] where the body is no webhook.
pub fn telling_alone(
    payload: Bytes,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    let accepted = accept(payload.clone(), organization, now)?;
    let event = accepted.to_event(EventId::new("evt_sample01"));
    Ok(Telling { events: vec![event], payload, issue: accepted.issue().cloned() })
}

/// Returns the sample of an activity alert.
///
/// # Errors
/// [`PayloadError`] never: a test holds that every sample is a webhook.
pub fn telling_of_alert(
    action: &Action,
    organization: &Organization,
    now: Timestamp,
) -> Result<Telling, PayloadError> {
    let body = encode(&alert(action, &SampleIds::default()));
    telling_alone(Bytes::from(body), organization, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Run, StageState};

    fn told(action: &Action, shape: Shape) -> Telling {
        telling(action, shape, &Organization::new("acme"), Timestamp::from_second(1_764_000_000).unwrap())
            .unwrap()
    }

    #[test]
    fn every_telling_ends_with_the_action_that_is_meant() {
        let unknown = Action::from_name("an_action_of_tomorrow");
        for shape in Shape::ALL {
            for action in Action::OF_SEER.iter().chain([&unknown]) {
                let telling = told(action, shape);
                assert_eq!(&telling.events.last().unwrap().action, action);
                assert!(String::from_utf8_lossy(&telling.payload).contains(action.as_str()));
            }
        }
    }

    #[test]
    fn its_steps_take_their_time() {
        let telling = told(&Action::SolutionCompleted, Shape::Present);
        assert_eq!(telling.events.len(), 4);
        let run = Run::fold(&telling.events).unwrap();
        assert!(run.stages.iter().take(2).all(|stage| stage.state == StageState::Completed));
        let times: Vec<_> = telling.events.iter().map(|event| event.received_at.as_second()).collect();
        assert_eq!(times, [1_763_999_859, 1_763_999_906, 1_763_999_953, 1_764_000_000]);
    }
}
