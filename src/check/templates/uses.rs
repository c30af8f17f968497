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
    /// Whether runs have cards there.
    shows_cards: bool,
    /// The destination that uses them so; `None` where none does yet.
    destination: Option<String>,
    /// Whether an earlier one makes messages in the same way: then only of what Sentry sends.
    is_repeated: bool,
    /// Whether an earlier one makes cards in the same way.
    card_is_repeated: bool,
}

/// Something to be rendered: the message about an event, or the card as it is after it.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// The event's action.
    pub(super) action: &'a Action,
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
            Purpose::Card => write!(formatter, "the card after `{}`", self.action),
        }
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
        let card = (self.shows_cards && (is_plain || !self.card_is_repeated)).then_some(Purpose::Card);
        let purposes = message.into_iter().chain(card);
        purposes.map(move |purpose| Piece { action, purpose, usage: self, target: self.target() })
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
    let mut add = |service: Service, set: Option<String>, diff_lines, style, name: Option<&str>| {
        let kind = service.kind();
        let is_same =
            |known: &&Use| (known.service.kind(), &known.set, known.diff_lines) == (kind, &set, diff_lines);
        let is_repeated = uses.iter().any(|known| is_same(&known));
        let card_is_repeated = uses.iter().filter(is_same).any(|known| known.shows_cards);
        uses.push(Use {
            service,
            set,
            diff_lines,
            shows_cards: style == Style::Card,
            destination: name.map(str::to_owned),
            is_repeated,
            card_is_repeated,
        });
    };
    for destination in reading.destinations() {
        for set in reading.sets_of(destination) {
            if set.as_deref().is_none_or(|set| renderer.has_set(set)) {
                let Destination { service, diff_lines, style, name, .. } = destination;
                add(service.clone(), set, *diff_lines, *style, Some(name.as_str()));
            }
        }
    }
    let sets = renderer.sets().into_iter().map(Some).chain([None]);
    for set in sets {
        for kind in DestinationKind::ALL {
            // A chat that has no cards today may have them tomorrow.
            let style = match kind {
                DestinationKind::Slack | DestinationKind::Discord => Style::Card,
                DestinationKind::Webhook => Style::Messages,
            };
            add(plainest(*kind), set.clone(), 0, style, None);
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
