//! Forecasts: what an event would become by a configuration, without a store.

use jiff::Timestamp;

use crate::check::Checked;
use crate::config::Config;
use crate::delivery::{Mention, Muting, Part};
use crate::event::{Action, Event};
use crate::notify::Destination;
use crate::render::Purpose;
use crate::routing::{Decision, RoutedDestination, SetFrom, Terms};

/// One of the messages that an event becomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    /// Where it would go.
    pub(super) destination: &'a Destination,
    /// Which of the event's messages there it would be.
    pub(super) part: Part,
    routed: &'a RoutedDestination,
}

impl<'a> Message<'a> {
    /// Returns the template set that a route asks for; a digest is the destination's, whichever routes lead there.
    pub(super) fn route_set(self) -> Option<&'a str> {
        self.routed.template_set.as_deref().filter(|_| self.part != Part::Digest)
    }

    /// Returns why it would not go out at once if its event came at `now`, and whom it would mention.
    pub(super) fn terms(
        self,
        config: &Config,
        action: &Action,
        now: Timestamp,
    ) -> (Option<Muting>, Vec<Mention>) {
        let Terms { muting, mentions } = config.routing.terms(self.routed, now);
        let mentioned = Terms { muting: None, mentions }
            .mentioned_by(self.part, self.destination.parts(action), self.destination.service.kind())
            .to_vec();
        (muting, mentioned)
    }
}

/// Returns the messages that an event becomes of which this was decided, in order. A destination that is not defined
/// gets none.
pub(super) fn messages<'a>(
    config: &'a Config,
    decision: &'a Decision,
    action: &Action,
) -> impl Iterator<Item = Message<'a>> {
    decision.destinations.iter().flat_map(move |routed| {
        let known = config.destinations.iter().find(|destination| destination.name == routed.name);
        let each = move |destination: &'a Destination| {
            destination.parts(action).iter().map(move |part| Message { destination, part: *part, routed })
        };
        known.into_iter().flat_map(each)
    })
}

/// What one message would be.
#[derive(Debug, Clone)]
pub(super) struct Forecast<'a> {
    /// The message.
    pub(super) message: Message<'a>,
    /// The template set by which it would be made, and who asks for it.
    pub(super) set: Option<(&'a str, SetFrom)>,
    /// The template, as people know it.
    pub(super) template: String,
    /// Why it would not go out at once.
    pub(super) muting: Option<Muting>,
    /// Whom it would mention.
    pub(super) mentions: Vec<Mention>,
}

/// Returns what destinations would get of an event of which this was decided, in order, if it came at `now`.
pub(super) fn forecast<'a>(
    checked: &'a Checked,
    decision: &'a Decision,
    event: &Event,
    now: Timestamp,
) -> Vec<Forecast<'a>> {
    let routing = &checked.config.routing;
    let foresee = |message: Message<'a>| {
        let Message { destination, part, .. } = message;
        let (muting, mentions) = message.terms(&checked.config, &event.action, now);
        let target = destination.target(message.route_set());
        Forecast {
            message,
            set: routing.set_for(decision, &destination.name, part),
            template: checked.renderer.template_for(Purpose::of_part(part, &event.action), &target),
            muting,
            mentions,
        }
    };
    messages(&checked.config, decision, &event.action).map(foresee).collect()
}
