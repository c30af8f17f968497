//! Plans: which deliveries an event becomes, and which of them are needless from the start. Pure.

use crate::delivery::{DestinationKind, DestinationName};
use crate::event::{Event, EventId};
use crate::routing::RoutedDestination;
use crate::run::{self, StepSign};
use crate::store::{Entry, LaterStep, Plan, PlannedDelivery, WaitingEvent};

/// The other webhook of an event's step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Twin {
    id: EventId,
    /// Whether it was planned, or is planned first.
    pub(super) is_planned: bool,
}

/// Finds the other webhook of the step that an event tells of, where it is accepted.
pub(super) fn twin(waiting: &WaitingEvent) -> Option<Twin> {
    if !waiting.events.iter().any(Event::is_alert) {
        return None;
    }
    let later = || waiting.later.iter();
    let signs = waiting.events.iter().map(StepSign::of).chain(later().map(|later| later.sign.clone()));
    let id = run::twin_of(&waiting.events.last()?.id, signs)?;
    let is_planned = later().find(|later| later.sign.id == id).is_none_or(|later| later.is_planned);
    Some(Twin { id, is_planned })
}

/// What was decided of an event.
pub(super) struct Decided {
    /// Names of the routes that matched.
    pub(super) routes: Vec<String>,
    /// Where it goes.
    pub(super) destinations: Vec<RoutedDestination>,
    /// Whether a route asks for the issue, which is not known.
    pub(super) issue_unknown: bool,
}

/// Turns the routing decision for an event into its plan.
///
/// A person does not want to hear late that something began, nor twice of one step or pull request; a program gets every
/// event. What somebody asked to be sent again is sent. A destination of unknown kind is no destination.
pub(super) fn plan(
    waiting: &WaitingEvent,
    decided: Decided,
    kind_of: impl Fn(&DestinationName) -> Option<DestinationKind>,
) -> Plan {
    let news = if waiting.replay { News::Fresh } else { News::of(waiting) };
    let Decided { routes, destinations, issue_unknown } = decided;
    let deliveries = destinations
        .into_iter()
        .filter_map(|RoutedDestination { name, template_set }| {
            let kind = kind_of(&name)?;
            Some(PlannedDelivery { destination: name, kind, template_set, entry: news.entry(kind) })
        })
        .collect();
    Plan { ticket: waiting.ticket, routes, issue_unknown, deliveries }
}

/// What an event is worth to a person.
enum News {
    /// It is new.
    Fresh,
    /// Its end was told already.
    Late,
    /// It says the same as this earlier event, where that one was told.
    Repeats(EventId),
}

impl News {
    fn of(waiting: &WaitingEvent) -> Self {
        let Some((event, earlier)) = waiting.events.split_last() else { return Self::Fresh };
        // An alert may have waited until the step was over.
        let is_over = |later: &LaterStep| run::ends(&later.sign, event);
        if run::is_late_start(event, earlier) || waiting.later.iter().any(is_over) {
            return Self::Late;
        }
        if let Some(twin) = twin(waiting) {
            return Self::Repeats(twin.id);
        }
        run::pair_of_ready(event, earlier).map_or(Self::Fresh, |pair| Self::Repeats(pair.id.clone()))
    }

    fn entry(&self, kind: DestinationKind) -> Entry {
        match (kind, self) {
            (DestinationKind::Webhook, _) | (_, Self::Fresh) => Entry::Waiting,
            (DestinationKind::Slack | DestinationKind::Discord, Self::Late) => Entry::Superseded,
            (DestinationKind::Slack | DestinationKind::Discord, Self::Repeats(event)) => {
                Entry::SupersededBy(event.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::event;
    use crate::event::Action;
    use crate::store::EventTicket;

    fn entries(actions: &[Action], replay: bool) -> Vec<(String, Entry)> {
        let events = actions.iter().map(|action| event(action.as_str(), action.clone())).collect();
        let ticket = EventTicket { sequence: 1, fence: 1 };
        let waiting =
            WaitingEvent { ticket, events, payload: None, issue: None, bytes: 0, later: Vec::new(), replay };
        let to = ["slack", "discord", "webhook", "stranger"];
        let routed = to
            .map(|name| RoutedDestination { name: DestinationName::new(name), template_set: None })
            .to_vec();
        let decided = Decided { routes: vec!["all".to_owned()], destinations: routed, issue_unknown: false };
        let plan = plan(&waiting, decided, |name| DestinationKind::from_word(name.as_str()));
        assert_eq!(plan.routes, ["all"]);
        plan.deliveries.into_iter().map(|planned| (planned.destination.to_string(), planned.entry)).collect()
    }

    fn at(slack: Entry, discord: Entry, webhook: Entry) -> Vec<(String, Entry)> {
        vec![("slack".to_owned(), slack), ("discord".to_owned(), discord), ("webhook".to_owned(), webhook)]
    }

    #[test]
    fn news_waits_for_its_turn_everywhere() {
        let entries = entries(&[Action::RootCauseStarted, Action::RootCauseCompleted], false);

        assert_eq!(entries, at(Entry::Waiting, Entry::Waiting, Entry::Waiting));
    }

    #[test]
    fn a_start_after_its_end_is_needless_in_chat_only() {
        let entries = entries(&[Action::CodingCompleted, Action::CodingStarted], false);

        assert_eq!(entries, at(Entry::Superseded, Entry::Superseded, Entry::Waiting));
    }

    #[test]
    fn a_ready_pull_request_repeats_its_creation_in_chat_only() {
        let entries = entries(&[Action::PrCreated, Action::PrReadyForReview], false);

        let repeats = Entry::SupersededBy(EventId::new("pr_created"));
        assert_eq!(entries, at(repeats.clone(), repeats, Entry::Waiting));
    }

    #[test]
    fn an_alert_that_waited_until_its_step_was_over_is_needless_in_chat() {
        let alert = |id: &str, action| Event {
            resource: crate::event::ACTIVITY_ALERT_RESOURCE.to_owned(),
            ..event(id, action)
        };
        let later = [alert("end", Action::CodingCompleted), event("start", Action::CodingStarted)];
        let later = later.iter().map(|event| LaterStep { sign: StepSign::of(event), is_planned: true });
        let waiting = WaitingEvent {
            ticket: EventTicket { sequence: 1, fence: 1 },
            events: vec![alert("alert", Action::CodingStarted)],
            payload: None,
            issue: None,
            bytes: 0,
            later: later.collect(),
            replay: false,
        };
        assert!(matches!(News::of(&waiting), News::Late));
        let waiting = WaitingEvent { later: waiting.later[1..].to_vec(), ..waiting };
        assert!(matches!(News::of(&waiting), News::Repeats(twin) if twin.as_str() == "start"));
    }

    #[test]
    fn a_replay_is_always_sent() {
        for story in
            [[Action::CodingCompleted, Action::CodingStarted], [Action::PrCreated, Action::PrReadyForReview]]
        {
            assert_eq!(entries(&story, true), at(Entry::Waiting, Entry::Waiting, Entry::Waiting));
        }
    }
}
