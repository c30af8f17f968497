//! One of the two configurations, and what an event becomes by it.

use std::collections::HashMap;

use crate::check::Checked;
use crate::cli::forecast;
use crate::delivery::{DestinationKind, DestinationName, Mention, Part};
use crate::event::{Action, Event};
use crate::issue::Issue;
use crate::render::Purpose;
use crate::routing::Muted;
use crate::run::Run;

/// A configuration, with what was looked up of its templates.
pub(super) struct Side {
    checked: Checked,
    templates: HashMap<Asked, Template>,
}

/// What a template is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    kind: DestinationKind,
    set: Option<String>,
    part: Part,
    action: Action,
}

/// What makes a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Template {
    /// The set that a route or the destination names.
    pub(super) set: Option<String>,
    /// The template, as people know it.
    pub(super) path: String,
    /// Whether it came with the relay.
    pub(super) is_built_in: bool,
}

/// A message that a destination would get.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Message {
    pub(super) destination: DestinationName,
    pub(super) kind: DestinationKind,
    pub(super) part: Part,
    pub(super) template: Template,
    /// Whether a mute would hold it back, or drop it, if its event came when it did.
    pub(super) muted: Option<Muted>,
    /// Whom it mentions.
    pub(super) mentions: Vec<Mention>,
    /// What stands in for its destination.
    pub(super) fallback: Option<DestinationName>,
}

impl Message {
    /// Tells whether it says the same way the same to the same people, made by the same template.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let Self { template, muted, mentions, fallback, .. } = self;
        (template, muted, mentions, fallback)
            == (&other.template, &other.muted, &other.mentions, &other.fallback)
    }
}

/// What an event becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Names of the routes that match.
    pub(super) routes: Vec<String>,
    /// The messages.
    pub(super) messages: Vec<Message>,
}

impl Side {
    pub(super) fn of(checked: Checked) -> Self {
        Self { checked, templates: HashMap::new() }
    }

    /// Returns what an event becomes.
    pub(super) fn outcome(&mut self, event: &Event, run: &Run, issue: Option<&Issue>) -> Outcome {
        let Self { checked, templates } = self;
        let config = &checked.config;
        if config.organizations.iter().all(|known| known.organization != event.organization) {
            // Its webhook would be refused.
            return Outcome::default();
        }
        let decision = config.routing.route(event, run, issue);
        let message = |message: forecast::Message<'_>| {
            let (muting, mentions) = message.terms(config, &event.action, event.received_at);
            let destination = message.destination;
            let muted = muting.map(|muting| if muting.dropped { Muted::Drop } else { Muted::Hold });
            Message {
                destination: destination.name.clone(),
                kind: destination.service.kind(),
                part: message.part,
                template: template(checked, templates, message, &event.action),
                muted,
                mentions,
                fallback: destination.fallback.as_ref().map(|fallback| fallback.to.clone()),
            }
        };
        // What is dropped is sent nowhere.
        let is_sent = |message: &Message| message.muted != Some(Muted::Drop);
        let messages =
            forecast::messages(config, &decision, &event.action).map(message).filter(is_sent).collect();
        Outcome { routes: config.routing.names_of(&decision), messages }
    }
}

fn template(
    checked: &Checked,
    known: &mut HashMap<Asked, Template>,
    message: forecast::Message<'_>,
    action: &Action,
) -> Template {
    let part = message.part;
    let target = message.destination.target(message.route_set());
    let asked = Asked { kind: target.kind, set: target.set.clone(), part, action: action.clone() };
    let look_up = |asked: &Asked| {
        let purpose = Purpose::of_part(part, action);
        Template {
            set: asked.set.clone(),
            path: checked.renderer.template_for(purpose, &target),
            is_built_in: checked.renderer.is_built_in(purpose, &target),
        }
    };
    if !action.is_known() {
        // Strangers name as many as they like.
        return look_up(&asked);
    }
    known.entry(asked.clone()).or_insert_with(|| look_up(&asked)).clone()
}
