//! Pairs: the two webhooks that Sentry may send of one step, Seer's own and an alert, in either order.

use jiff::{SignedDuration, Timestamp};

use crate::event::{Action, Event, EventId};

/// How far apart two webhooks of one step are accepted at most.
const ONE_STEP_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// What of an event tells which step it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSign {
    /// Of the event.
    pub id: EventId,
    /// Whether the event is an alert.
    pub is_alert: bool,
    /// What happened.
    pub action: Action,
    /// In which iteration, where that is said.
    pub iteration: Option<u64>,
    /// When the event was received.
    pub received_at: Timestamp,
}

impl StepSign {
    /// Reads the sign of an event.
    pub fn of(event: &Event) -> Self {
        Self {
            id: event.id.clone(),
            is_alert: event.is_alert(),
            action: event.action.clone(),
            iteration: event.iteration,
            received_at: event.received_at,
        }
    }

    fn is_of_step(&self, other: &Self) -> bool {
        let same_iteration = match (self.iteration, other.iteration) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        };
        self.is_alert != other.is_alert
            && self.action == other.action
            && same_iteration
            && self.received_at.duration_since(other.received_at).abs() <= ONE_STEP_WITHIN
    }
}

/// Finds the twin of one of these events, given in order of acceptance: the other webhook of the same step.
pub fn twin_of(id: &EventId, signs: impl IntoIterator<Item = StepSign>) -> Option<EventId> {
    let mut pairs = Pairs::default();
    for sign in signs {
        let this = sign.id.clone();
        match pairs.meet(sign) {
            Some(earlier) if this == *id => return Some(earlier),
            Some(earlier) if earlier == *id => return Some(this),
            Some(_) | None => {}
        }
    }
    None
}

/// Events that have met no twin so far. A step that was run again is one more step, so each has one twin at most.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    single: Vec<StepSign>,
}

impl Pairs {
    /// Takes the next event, and returns its twin where that came before.
    pub(super) fn meet(&mut self, sign: StepSign) -> Option<EventId> {
        let Some(place) = self.single.iter().position(|earlier| earlier.is_of_step(&sign)) else {
            self.single.push(sign);
            return None;
        };
        Some(self.single.remove(place).id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signs by their ids: `w` is Seer's own webhook and `a` an alert, received after so many minutes.
    fn signs(events: &[(&str, Action, Option<u64>, i64)]) -> Vec<StepSign> {
        let sign = |(id, action, iteration, minutes): &(&str, Action, Option<u64>, i64)| StepSign {
            id: EventId::new(*id),
            is_alert: id.starts_with('a'),
            action: action.clone(),
            iteration: *iteration,
            received_at: Timestamp::UNIX_EPOCH + SignedDuration::from_mins(*minutes),
        };
        events.iter().map(sign).collect()
    }

    #[track_caller]
    fn assert_twins(events: &[(&str, Action, Option<u64>, i64)], twins: &[(&str, &str)]) {
        for (id, ..) in events {
            let pair = twins.iter().find(|(one, other)| one == id || other == id);
            let expected = pair.map(|(one, other)| if one == id { *other } else { *one });
            let twin = twin_of(&EventId::new(*id), signs(events));
            assert_eq!(twin.as_ref().map(EventId::as_str), expected, "the twin of {id}");
        }
    }

    #[test]
    fn a_webhook_and_an_alert_of_one_step_are_a_pair_in_either_order() {
        let (cause, plan) = (Action::RootCauseCompleted, Action::SolutionCompleted);
        assert_twins(
            &[
                ("w1", cause.clone(), None, 0),
                ("a2", plan.clone(), None, 1),
                ("a1", cause, None, 2),
                ("w2", plan, None, 3),
            ],
            &[("w1", "a1"), ("a2", "w2")],
        );
    }

    #[test]
    fn a_step_that_is_run_again_is_another_step() {
        let code = Action::CodingCompleted;
        assert_twins(
            &[
                ("w1", code.clone(), None, 0),
                ("w2", code.clone(), None, 5),
                ("a1", code.clone(), None, 6),
                ("a2", code, None, 7),
            ],
            &[("w1", "a1"), ("w2", "a2")],
        );
    }

    #[test]
    fn two_of_a_kind_and_those_far_apart_are_no_pair() {
        let code = Action::CodingCompleted;
        assert_twins(&[("w1", code.clone(), None, 0), ("w2", code.clone(), None, 1)], &[]);
        assert_twins(&[("w1", code.clone(), None, 0), ("a1", code.clone(), None, 31)], &[]);
        assert_twins(&[("w1", code.clone(), None, 0), ("a1", Action::CodingStarted, None, 1)], &[]);
        assert_twins(
            &[("w1", code.clone(), None, 0), ("w2", code.clone(), None, 40), ("a1", code, None, 41)],
            &[("w2", "a1")],
        );
    }

    #[test]
    fn each_iteration_has_its_own_pair() {
        let done = Action::IterationCompleted;
        assert_twins(
            &[
                ("w1", done.clone(), Some(1), 0),
                ("w2", done.clone(), Some(2), 1),
                ("a2", done.clone(), Some(2), 2),
                ("a1", done, None, 3),
            ],
            &[("w1", "a1"), ("w2", "a2")],
        );
    }
}
