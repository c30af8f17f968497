//! Forecasts: what an event would become by a configuration, without a store.

use crate::config::Config;
use crate::delivery::Part;
use crate::event::Event;
use crate::notify::Destination;
use crate::render::{Purpose, Renderer};
use crate::routing::{Decision, SetFrom};

/// One message that a destination would get.
#[derive(Debug, Clone)]
pub(super) struct Forecast<'a> {
    /// Where it would go.
    pub(super) destination: &'a Destination,
    /// Which of the event's messages there it would be.
    pub(super) part: Part,
    /// The template set by which it would be made, and who asks for it.
    pub(super) set: Option<(&'a str, SetFrom)>,
    /// The template, as people know it.
    pub(super) template: String,
}

/// Returns what a destination would get of an event of which this was decided, in order. A destination that is not
/// defined is none.
pub(super) fn forecast<'a>(
    config: &'a Config,
    renderer: &Renderer,
    decision: &Decision,
    event: &Event,
) -> Vec<Forecast<'a>> {
    let mut forecasts = Vec::new();
    for routed in &decision.destinations {
        let known = config.destinations.iter().find(|destination| destination.name == routed.name);
        let Some(destination) = known else { continue };
        let target = destination.target(routed.template_set.as_deref());
        let set = config.routing.set_for(decision, &routed.name);
        forecasts.extend(destination.parts(&event.action).iter().map(|part| Forecast {
            destination,
            part: *part,
            set: set.clone(),
            template: renderer.template_for(Purpose::of_part(*part, &event.action), &target),
        }));
    }
    forecasts
}
