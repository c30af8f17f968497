//! Routing: which destinations an event goes to, and why. Pure.
//!
//! Knows neither the routing file nor how anything is sent.

pub mod condition;
pub mod mute;
pub mod pattern;
mod terms;
mod verdict;

use std::sync::Arc;

use serde::Serialize;

use crate::delivery::{DestinationName, Mentions};
use crate::event::{Action, Event, OWN_NOTICE};
use crate::issue::Issue;
use crate::run::Run;

use self::condition::Facts;

pub use condition::{Condition, Conditions, Field};
pub use mute::Mute;
pub use pattern::Pattern;
pub use terms::{Muted, Terms};
pub use verdict::{ConditionVerdict, Note};

/// A rule of the routing file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Route {
    /// Its name; `route 3` for an unnamed one that stands third.
    pub name: String,
    /// What must hold.
    pub when: Conditions,
    /// Excludes the events for which all of these hold.
    pub not: Option<Conditions>,
    /// Whether it only takes what no route above it took.
    pub otherwise: bool,
    /// Where it sends to.
    pub to: Vec<DestinationName>,
    /// The template set it asks for; wins over the destination's own.
    pub template_set: Option<String>,
    /// Whether the reading ends here for what it matches.
    pub stop: bool,
    /// The times in which its messages do not go out.
    pub mute: Vec<Arc<Mute>>,
    /// What becomes of them then.
    pub muted: Muted,
    /// Whom its messages mention.
    pub mention: Mentions,
}

/// The routes, in the order in which they are read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoutingTable {
    routes: Vec<Route>,
}

/// Where an event goes, and what every route said to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// Every route, in order.
    pub routes: Vec<RouteVerdict>,
    /// Each destination once.
    pub destinations: Vec<RoutedDestination>,
}

/// What one route said to an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteVerdict {
    /// The route's name.
    pub name: String,
    /// Whether it matched.
    pub matched: bool,
    /// Each of its conditions; it matched where all of them held.
    pub why: Vec<ConditionVerdict>,
}

/// A destination that an event goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoutedDestination {
    /// Its name.
    pub name: DestinationName,
    /// The template set that the first route which named it asks for, if any.
    pub template_set: Option<String>,
    /// The matching routes that name it, by their places in the table.
    #[serde(skip)]
    pub routes: Vec<usize>,
}

impl RoutingTable {
    /// Makes a table of routes that are read from first to last.
    pub fn new(routes: Vec<Route>) -> Self {
        Self { routes }
    }

    /// Returns the routes.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Returns whether any route asks for what only Sentry's description of an issue says.
    pub fn needs_issue(&self) -> bool {
        self.routes.iter().any(Route::needs_issue)
    }

    /// Returns whether any route names this notice of the relay's own: no other takes it.
    pub fn wants_notice(&self, notice: &Action) -> bool {
        let names = |pattern: &&Pattern| pattern.names_own_notices() && pattern.matches(notice.as_str());
        self.routes.iter().any(|route| {
            route
                .when
                .get(Field::Action)
                .is_some_and(|action| action.patterns.iter().any(|pattern| names(&pattern)))
        })
    }

    /// Decides where an event goes, with the reason of every route. `run` is the run up to and including the event;
    /// `issue` is `None` while the issue is not known, and then no condition on it holds.
    pub fn route(&self, event: &Event, run: &Run, issue: Option<&Issue>) -> Decision {
        let facts = Facts { event, run, issue };
        let mut decision = Decision { routes: Vec::new(), destinations: Vec::new() };
        let mut reading = Reading::default();
        for (place, route) in self.routes.iter().enumerate() {
            let why = verdict::explain(route, facts, reading);
            let matched = why.iter().all(|condition| condition.held);
            if matched {
                reading.take(route, place, &mut decision.destinations);
            }
            decision.routes.push(RouteVerdict { name: route.name.clone(), matched, why });
        }
        decision
    }

    /// Decides the same without the reasons: the names of the routes that matched, and the destinations.
    pub fn destinations(
        &self,
        event: &Event,
        run: &Run,
        issue: Option<&Issue>,
    ) -> (Vec<String>, Vec<RoutedDestination>) {
        let facts = Facts { event, run, issue };
        let mut names = Vec::new();
        let mut destinations = Vec::new();
        let mut reading = Reading::default();
        for (place, route) in self.routes.iter().enumerate() {
            if reading.stopped_by.is_some() {
                break;
            }
            if (route.otherwise && reading.first_match.is_some()) || !route.holds_for(facts) {
                continue;
            }
            names.push(route.name.clone());
            reading.take(route, place, &mut destinations);
        }
        (names, destinations)
    }
}

impl Route {
    /// Returns the template sets by which messages to a destination are made: of the routes that send to it, else its
    /// own.
    pub fn sets_of(routes: &[Self], destination: &DestinationName, own: Option<&str>) -> Vec<Option<String>> {
        let own = own.map(str::to_owned);
        let routes = routes.iter().filter(|route| route.to.contains(destination));
        let mut sets: Vec<Option<String>> =
            routes.map(|route| route.template_set.clone().or_else(|| own.clone())).collect();
        if sets.is_empty() {
            sets.push(own);
        }
        sets.sort();
        sets.dedup();
        sets
    }

    /// Returns whether it asks for what only Sentry's description of an issue says.
    fn needs_issue(&self) -> bool {
        self.when.need_issue() || self.not.as_ref().is_some_and(Conditions::need_issue)
    }

    /// Returns whether `when` and `not` let the event through.
    fn holds_for(&self, facts: Facts<'_>) -> bool {
        (!is_own_notice(facts.event) || self.when.names_own_notices())
            && self.when.hold(facts)
            && !self.not.as_ref().is_some_and(|not| not.hold(facts))
    }
}

/// Returns whether the event is one of the relay's own, which only a route that names it takes.
fn is_own_notice(event: &Event) -> bool {
    event.action.as_str().starts_with(OWN_NOTICE)
}

/// How far the table was read.
#[derive(Debug, Clone, Copy, Default)]
struct Reading<'a> {
    /// The first route that matched.
    first_match: Option<&'a Route>,
    /// The route that ended the reading.
    stopped_by: Option<&'a Route>,
}

impl<'a> Reading<'a> {
    /// Notes that `route`, which stands at this place, matched, and adds its destinations.
    fn take(&mut self, route: &'a Route, place: usize, destinations: &mut Vec<RoutedDestination>) {
        self.first_match.get_or_insert(route);
        if route.stop {
            self.stopped_by = Some(route);
        }
        for name in &route.to {
            match destinations.iter_mut().find(|destination| destination.name == *name) {
                Some(destination) => destination.routes.push(place),
                None => destinations.push(RoutedDestination {
                    name: name.clone(),
                    template_set: route.template_set.clone(),
                    routes: vec![place],
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
