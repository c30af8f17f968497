//! Plans: which deliveries an event becomes, and which of them are needless from the start. Pure.

use crate::delivery::{DestinationKind, DestinationName, Part};
use crate::event::{Event, EventId};
use crate::routing::RoutedDestination;
use crate::run::{self, StepSign};
use crate::store::{CardKeeper, Entry, LaterStep, Plan, PlannedDelivery, Reasons, WaitingEvent};

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
#[derive(Default)]
pub(super) struct Decided {
    /// Names of the routes that matched.
    pub(super) routes: Vec<String>,
    /// Where it goes.
    pub(super) destinations: Vec<RoutedDestination>,
    /// Why; `None` where routing it broke off.
    pub(super) reasons: Option<Reasons>,
    /// Whether a route asks for the issue, which is not known.
    pub(super) issue_unknown: bool,
}

/// Turns the routing decision for an event into its plan.
///
/// A person does not want to hear late that something began, nor twice of one step or pull request; a program gets every
/// event, and a card shows what is new of any. What somebody asked to be sent again is sent. A destination that
/// `parts_at` does not know is no destination.
pub(super) fn plan(
    waiting: &WaitingEvent,
    decided: Decided,
    parts_at: impl Fn(&DestinationName) -> Option<(DestinationKind, &'static [Part])>,
    card_keepers: Vec<CardKeeper>,
) -> Plan {
    let news = if waiting.replay { News::Fresh } else { News::of(waiting) };
    let Decided { routes, destinations, reasons, issue_unknown } = decided;
    let mut deliveries = Vec::with_capacity(destinations.len());
    for RoutedDestination { name, template_set } in destinations {
        let Some((kind, parts)) = parts_at(&name) else { continue };
        deliveries.extend(parts.iter().map(|part| PlannedDelivery {
            destination: name.clone(),
            kind,
            part: *part,
            template_set: template_set.clone(),
            entry: news.entry(kind, *part),
        }));
    }
    Plan { ticket: waiting.ticket, routes, reasons, issue_unknown, deliveries, card_keepers }
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

    fn entry(&self, kind: DestinationKind, part: Part) -> Entry {
        match (kind, part, self) {
            (DestinationKind::Webhook, _, _) | (_, Part::Card, _) | (_, _, Self::Fresh) => Entry::Waiting,
            (DestinationKind::Slack | DestinationKind::Discord, _, Self::Late) => Entry::Superseded,
            (DestinationKind::Slack | DestinationKind::Discord, _, Self::Repeats(event)) => {
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
        let to = ["slack", "discord", "webhook", "card", "stranger"];
        let routed = to
            .map(|name| RoutedDestination { name: DestinationName::new(name), template_set: None })
            .to_vec();
        let decided = Decided { routes: vec!["all".to_owned()], destinations: routed, ..Decided::default() };
        let parts_at = |name: &DestinationName| match name.as_str() {
            "card" => Some((DestinationKind::Slack, &[Part::Card, Part::Announcement][..])),
            kind => DestinationKind::from_word(kind).map(|kind| (kind, &[Part::Message][..])),
        };
        let plan = plan(&waiting, decided, parts_at, Vec::new());
        assert_eq!(plan.routes, ["all"]);
        let shown = |planned: PlannedDelivery| match planned.part {
            Part::Message => (planned.destination.to_string(), planned.entry),
            Part::Card | Part::Announcement => (planned.part.to_string(), planned.entry),
        };
        plan.deliveries.into_iter().map(shown).collect()
    }

    /// In chat, on a card beside it, and for a program.
    fn at(chat: &Entry) -> Vec<(String, Entry)> {
        let all = [
            ("slack", chat),
            ("discord", chat),
            ("webhook", &Entry::Waiting),
            ("card", &Entry::Waiting),
            ("announcement", chat),
        ];
        all.map(|(name, entry)| (name.to_owned(), entry.clone())).to_vec()
    }

    #[test]
    fn news_waits_for_its_turn_everywhere() {
        let entries = entries(&[Action::RootCauseStarted, Action::RootCauseCompleted], false);

        assert_eq!(entries, at(&Entry::Waiting));
    }

    #[test]
    fn a_start_after_its_end_is_needless_in_chat_only() {
        let entries = entries(&[Action::CodingCompleted, Action::CodingStarted], false);

        assert_eq!(entries, at(&Entry::Superseded));
    }

    #[test]
    fn a_ready_pull_request_repeats_its_creation_in_chat_only() {
        let entries = entries(&[Action::PrCreated, Action::PrReadyForReview], false);

        assert_eq!(entries, at(&Entry::SupersededBy(EventId::new("pr_created"))));
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
            assert_eq!(entries(&story, true), at(&Entry::Waiting));
        }
    }
}
