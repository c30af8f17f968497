//! Plans: which deliveries an event becomes, and which of them are needless from the start. Pure.

use std::time::Duration;

use crate::delivery::{DestinationKind, DestinationName, Part};
use crate::event::{Event, EventId};
use crate::routing::{RoutedDestination, Terms};
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
    /// Where it goes, and on which terms.
    pub(super) destinations: Vec<(RoutedDestination, Terms)>,
    /// Why; `None` where routing it broke off.
    pub(super) reasons: Option<Reasons>,
    /// Whether a route asks for the issue, which is not known.
    pub(super) issue_unknown: bool,
}

/// What an event becomes at a destination.
pub(super) struct Manner {
    /// What kind of service that is.
    pub(super) kind: DestinationKind,
    /// Its messages, in order.
    pub(super) parts: &'static [Part],
    /// How long what is told in a digest is gathered.
    pub(super) digest: Option<Duration>,
}

/// Turns the routing decision for an event into its plan.
///
/// A person does not want to hear late that something began, nor twice of one step or pull request; a program gets every
/// event, and a card shows what is new of any. What somebody asked to be sent again is sent, at once and by itself. A
/// destination that `manner_at` does not know is no destination.
pub(super) fn plan(
    waiting: &WaitingEvent,
    decided: Decided,
    manner_at: impl Fn(&DestinationName) -> Option<Manner>,
    card_keepers: Vec<CardKeeper>,
) -> Plan {
    let news = if waiting.replay { News::Fresh } else { News::of(waiting) };
    let Decided { routes, destinations, reasons, issue_unknown } = decided;
    let mut deliveries = Vec::with_capacity(destinations.len());
    for (RoutedDestination { name, template_set, .. }, terms) in destinations {
        let Some(Manner { kind, parts, digest }) = manner_at(&name) else { continue };
        let digest = digest.filter(|_| parts == [Part::Digest]);
        if let (Some(within), false) = (digest, waiting.replay) {
            deliveries.push(PlannedDelivery {
                destination: name,
                kind,
                part: Part::Digest,
                // A digest is the destination's, whichever routes lead there: so is its template, and it mentions nobody.
                template_set: None,
                mentions: Vec::new(),
                muting: terms.muting,
                entry: news.entry_into_digest(kind, within),
            });
            continue;
        }
        let parts = if digest.is_some() { &[Part::Message] } else { parts };
        deliveries.extend(parts.iter().map(|part| PlannedDelivery {
            destination: name.clone(),
            kind,
            part: *part,
            template_set: template_set.clone(),
            mentions: terms.mentioned_by(*part, parts, kind).to_vec(),
            muting: terms.muting.clone(),
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

    fn entry_into_digest(&self, kind: DestinationKind, within: Duration) -> Entry {
        match (kind, self) {
            (DestinationKind::Webhook, _) | (_, Self::Fresh) => Entry::Gathered { within, unless: None },
            (DestinationKind::Slack | DestinationKind::Discord, Self::Late) => Entry::Superseded,
            (DestinationKind::Slack | DestinationKind::Discord, Self::Repeats(event)) => {
                Entry::Gathered { within, unless: Some(event.clone()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Mention, Mentions, Muting};
    use crate::dispatch::tests::{event, start};
    use crate::event::Action;
    use crate::store::EventTicket;

    const HOUR: Duration = Duration::from_hours(1);

    fn entries(actions: &[Action], replay: bool) -> Vec<(String, Entry)> {
        entries_at(&["slack", "discord", "webhook", "card", "stranger"], actions, replay)
    }

    fn routed(to: &[&str]) -> Vec<RoutedDestination> {
        let named = |name: &&str| RoutedDestination {
            name: DestinationName::new(*name),
            template_set: Some("oncall".to_owned()),
            routes: vec![0],
        };
        to.iter().map(named).collect()
    }

    fn entries_at(to: &[&str], actions: &[Action], replay: bool) -> Vec<(String, Entry)> {
        let events = actions.iter().map(|action| event(action.as_str(), action.clone())).collect();
        let ticket = EventTicket { sequence: 1, fence: 1 };
        let waiting =
            WaitingEvent { ticket, events, payload: None, issue: None, bytes: 0, later: Vec::new(), replay };
        let routed = routed(to).into_iter().map(|routed| (routed, terms())).collect();
        let decided = Decided { routes: vec!["all".to_owned()], destinations: routed, ..Decided::default() };
        let slack = DestinationKind::Slack;
        let manner = |kind, parts, digest| Some(Manner { kind, parts, digest });
        let manner_at = |name: &DestinationName| match name.as_str() {
            "card" => manner(slack, &[Part::Card, Part::Announcement], None),
            "digest" => manner(slack, &[Part::Digest], Some(HOUR)),
            "digests" => manner(DestinationKind::Webhook, &[Part::Digest], Some(HOUR)),
            kind => manner(DestinationKind::from_word(kind)?, &[Part::Message], None),
        };
        let plan = plan(&waiting, decided, manner_at, Vec::new());
        assert_eq!(plan.routes, ["all"]);
        let shown = |planned: PlannedDelivery| match planned.part {
            Part::Message | Part::Digest => (planned.destination.to_string(), planned.entry),
            Part::Card | Part::Announcement => (planned.part.to_string(), planned.entry),
        };
        plan.deliveries.into_iter().map(shown).collect()
    }

    fn terms() -> Terms {
        let muting = Muting {
            by: vec!["nights".to_owned()],
            until: start(),
            timezone: "UTC".to_owned(),
            dropped: false,
        };
        let mentions = Mentions { slack: vec![Mention::Here], discord: vec![Mention::Everyone] };
        Terms { muting: Some(muting), mentions }
    }

    #[test]
    fn a_delivery_mentions_the_people_of_its_kind_once_beside_a_card() {
        let waiting = WaitingEvent {
            ticket: EventTicket { sequence: 1, fence: 1 },
            events: vec![event("1", Action::PrCreated)],
            payload: None,
            issue: None,
            bytes: 0,
            later: Vec::new(),
            replay: false,
        };
        let routed = |name| RoutedDestination {
            name: DestinationName::new(name),
            template_set: None,
            routes: vec![0],
        };
        let destinations =
            ["chat", "discord", "webhook", "card", "announced"].map(|name| (routed(name), terms())).to_vec();
        let decided = Decided { destinations, ..Decided::default() };
        let manner = |kind, parts| Some(Manner { kind, parts, digest: None });
        let plan = plan(
            &waiting,
            decided,
            |name| match name.as_str() {
                "chat" => manner(DestinationKind::Slack, &[Part::Message]),
                "card" => manner(DestinationKind::Slack, &[Part::Card]),
                "announced" => manner(DestinationKind::Slack, &[Part::Card, Part::Announcement]),
                kind => manner(DestinationKind::from_word(kind)?, &[Part::Message]),
            },
            Vec::new(),
        );

        assert!(plan.deliveries.iter().all(|planned| planned.muting == terms().muting));
        let mentioned: Vec<&[Mention]> =
            plan.deliveries.iter().map(|planned| planned.mentions.as_slice()).collect();
        let here: &[Mention] = &[Mention::Here];
        assert_eq!(mentioned, [here, &[Mention::Everyone], &[], here, &[], here]);
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
    fn what_is_told_in_a_digest_is_gathered_unless_it_says_nothing_new_to_people() {
        let entries = |actions: &[Action], replay| {
            let entries = entries_at(&["digest", "digests"], actions, replay).into_iter();
            entries.map(|(_, entry)| entry).collect::<Vec<_>>()
        };
        let gathered = || Entry::Gathered { within: HOUR, unless: None };
        let late = [Action::CodingCompleted, Action::CodingStarted];
        assert_eq!(entries(&late[..1], false), [gathered(), gathered()]);
        assert_eq!(entries(&late, false), [Entry::Superseded, gathered()]);
        let pair = [Action::PrCreated, Action::PrReadyForReview];
        let unless = Entry::Gathered { within: HOUR, unless: Some(EventId::new("pr_created")) };
        assert_eq!(entries(&pair, false), [unless, gathered()]);
        assert_eq!(
            entries(&pair, true),
            [Entry::Waiting, Entry::Waiting],
            "at once, as somebody asked for it"
        );
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
