//! Uses: the ways in which destinations use templates, and what each of them makes.

use std::fmt;

use crate::config::Reading;
use crate::delivery::DestinationKind;
use crate::event::Action;
use crate::notify::discord::DiscordConfig;
use crate::notify::slack::SlackConfig;
use crate::notify::webhook::WebhookConfig;
use crate::notify::{Destination, Service, Style};
use crate::render::{Purpose, Renderer, Target};
use crate::secret::Secret;

/// One way in which templates are used.
#[derive(Debug)]
pub(super) struct Use {
    /// What is sent to.
    pub(super) service: Service,
    /// The template set.
    pub(super) set: Option<String>,
    diff_lines: usize,
    /// The digests there.
    digests: Made,
    /// The cards of runs there.
    cards: Made,
    /// The destination that uses them so; `None` where none does yet.
    destination: Option<String>,
    /// Whether an earlier one makes messages in the same way: then only of what Sentry sends.
    is_repeated: bool,
}

/// Whether a sort of things is made for a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// There is none.
    Never,
    /// No earlier use makes it in the same way.
    First,
    /// An earlier one does: it is tried with the plain samples alone.
    Again,
}

impl Made {
    fn of(is_made: bool, mut earlier: impl Iterator<Item = Self>) -> Self {
        match (is_made, earlier.any(|made| made != Self::Never)) {
            (false, _) => Self::Never,
            (true, false) => Self::First,
            (true, true) => Self::Again,
        }
    }

    fn is_tried(self, is_plain: bool) -> bool {
        match self {
            Self::Never => false,
            Self::First => true,
            Self::Again => is_plain,
        }
    }
}

/// What is made for a destination beside messages.
#[derive(Debug, Clone, Copy)]
struct Makes {
    cards: bool,
    digests: bool,
}

/// Something to be rendered: the message about an event, the card as it is after it, or a digest.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// The event's action; a digest is of many.
    pub(super) action: Option<&'a Action>,
    /// What it is rendered as.
    pub(super) purpose: Purpose<'a>,
    /// Who wants it.
    pub(super) usage: &'a Use,
    /// The same, for the renderer.
    pub(super) target: Target,
}

impl fmt::Display for Piece<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.purpose {
            Purpose::Action(action) => write!(formatter, "the message of `{action}`"),
            Purpose::Card => match self.action {
                Some(action) => write!(formatter, "the card after `{action}`"),
                None => formatter.write_str("the card"),
            },
            Purpose::Digest => formatter.write_str("the digest"),
        }
    }
}

impl Piece<'_> {
    /// Returns what its body is made of.
    pub(super) fn made_of(&self) -> String {
        self.action.map_or_else(|| "a digest".to_owned(), |action| format!("`{action}`"))
    }
}

impl Use {
    /// Returns what is made for it once an action was heard of; of a sample beyond what Sentry sends, only what is made
    /// in no other place.
    pub(super) fn pieces<'a>(
        &'a self,
        action: &'a Action,
        is_plain: bool,
    ) -> impl Iterator<Item = Piece<'a>> {
        let message = (is_plain || !self.is_repeated).then_some(Purpose::Action(action));
        let card = self.cards.is_tried(is_plain).then_some(Purpose::Card);
        let purposes = message.into_iter().chain(card);
        let action = Some(action);
        purposes.map(move |purpose| Piece { action, purpose, usage: self, target: self.target() })
    }

    /// Returns the digest that is made for it; of a sample beyond the plain one, only what is made in no other place.
    pub(super) fn digest(&self, is_plain: bool) -> Option<Piece<'_>> {
        let (purpose, target) = (Purpose::Digest, self.target());
        self.digests.is_tried(is_plain).then_some(Piece { action: None, purpose, usage: self, target })
    }

    /// Tells whether some destination uses templates so, and not only may tomorrow.
    pub(super) fn is_real(&self) -> bool {
        self.destination.is_some()
    }

    /// Returns what the destination is called.
    pub(super) fn name(&self) -> &str {
        self.destination.as_deref().unwrap_or(self.service.kind().as_str())
    }

    /// Returns whose limits count for it.
    pub(super) fn platform(&self) -> &'static str {
        match &self.service {
            Service::Slack(config) if config.slack_compatible => "slack_compatible",
            Service::Slack(_) | Service::Discord(_) | Service::Webhook(_) => self.service.kind().as_str(),
        }
    }

    fn target(&self) -> Target {
        Target {
            kind: self.service.kind(),
            set: self.set.clone(),
            destination: self.name().to_owned(),
            diff_lines: self.diff_lines,
        }
    }
}

/// Returns every way in which the destinations use templates, and for each kind the plainest one, with every set: a
/// template that nobody uses yet may be used tomorrow.
pub(super) fn uses(reading: &Reading, renderer: &Renderer) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    let mut add = |service: Service, set: Option<String>, diff_lines, makes: Makes, name: Option<&str>| {
        let kind = service.kind();
        let is_same =
            |known: &&Use| (known.service.kind(), &known.set, known.diff_lines) == (kind, &set, diff_lines);
        let is_repeated = uses.iter().any(|known| is_same(&known));
        let cards = Made::of(makes.cards, uses.iter().filter(is_same).map(|known| known.cards));
        let digests = Made::of(makes.digests, uses.iter().filter(is_same).map(|known| known.digests));
        uses.push(Use {
            service,
            set,
            diff_lines,
            digests,
            cards,
            destination: name.map(str::to_owned),
            is_repeated,
        });
    };
    for destination in reading.destinations() {
        let mut sets = reading.sets_of(destination);
        if destination.digest.is_some() && !sets.contains(&destination.template_set) {
            sets.push(destination.template_set.clone());
        }
        for set in sets {
            if set.as_deref().is_none_or(|set| renderer.has_set(set)) {
                let Destination { service, diff_lines, style, name, digest, .. } = destination;
                // A digest is the destination's own, whichever set a route names.
                let digests = digest.is_some() && set == destination.template_set;
                let makes = Makes { cards: *style == Style::Card, digests };
                add(service.clone(), set, *diff_lines, makes, Some(name.as_str()));
            }
        }
    }
    let sets = renderer.sets().into_iter().map(Some).chain([None]);
    for set in sets {
        for kind in DestinationKind::ALL {
            // A chat that has no cards today may have them tomorrow, and any destination a digest.
            let cards = match kind {
                DestinationKind::Slack | DestinationKind::Discord => true,
                DestinationKind::Webhook => false,
            };
            add(plainest(*kind), set.clone(), 0, Makes { cards, digests: true }, None);
        }
    }
    uses
}

/// Returns a service of a kind whose settings nobody changed.
fn plainest(kind: DestinationKind) -> Service {
    let nowhere = || Secret::Missing("only rendered for".to_owned());
    match kind {
        DestinationKind::Slack => Service::Slack(SlackConfig::of_webhook(nowhere())),
        DestinationKind::Discord => Service::Discord(DiscordConfig::of_webhook(nowhere())),
        DestinationKind::Webhook => {
            Service::Webhook(WebhookConfig { url: nowhere(), secret: None, headers: Vec::new(), thin: false })
        }
    }
}
