//! Uses: the ways in which destinations use templates, and what each of them makes.

use std::fmt;

use crate::config::Reading;
use crate::delivery::DestinationKind;
use crate::event::Action;
use crate::notify::discord::DiscordConfig;
use crate::notify::slack::SlackConfig;
use crate::notify::webhook::WebhookConfig;
use crate::notify::{Destination, Service};
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
    /// The destination that uses them so.
    pub(super) destination: String,
    /// Whether an earlier one uses them in the same way: then only what Sentry sends is rendered for it.
    pub(super) is_repeated: bool,
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
    /// Returns everything that is made for it once an action was heard of.
    pub(super) fn pieces<'a>(&'a self, action: &'a Action) -> impl Iterator<Item = Piece<'a>> {
        let card = self.may_show_cards().then_some(Purpose::Card);
        let purposes = [Purpose::Action(action)].into_iter().chain(card);
        purposes.map(move |purpose| Piece { action, purpose, usage: self, target: self.target() })
    }

    /// Tells whether there may be cards: every chat can show them, whatever style it has today.
    fn may_show_cards(&self) -> bool {
        match &self.service {
            Service::Slack(_) | Service::Discord(_) => true,
            Service::Webhook(_) => false,
        }
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
            destination: self.destination.clone(),
            diff_lines: self.diff_lines,
        }
    }
}

/// Returns every way in which the destinations use templates, and for each kind the plainest one, with every set: a
/// template that nobody uses yet may be used tomorrow.
pub(super) fn uses(reading: &Reading, renderer: &Renderer) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    let mut add = |service: Service, set: Option<String>, diff_lines, destination: &str| {
        let kind = service.kind();
        let is_same =
            |known: &Use| (known.service.kind(), &known.set, known.diff_lines) == (kind, &set, diff_lines);
        let is_repeated = uses.iter().any(is_same);
        uses.push(Use { service, set, diff_lines, destination: destination.to_owned(), is_repeated });
    };
    for destination in reading.destinations() {
        for set in reading.sets_of(destination) {
            if set.as_deref().is_none_or(|set| renderer.has_set(set)) {
                let Destination { service, diff_lines, name, .. } = destination;
                add(service.clone(), set, *diff_lines, name.as_str());
            }
        }
    }
    let sets = renderer.sets().into_iter().map(Some).chain([None]);
    for set in sets {
        for kind in DestinationKind::ALL {
            add(plainest(*kind), set.clone(), 0, kind.as_str());
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
