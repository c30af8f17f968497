//! Routing: which destinations an event goes to, and why. Pure.
//!
//! Knows neither the routing file nor how anything is sent.

pub mod answers;
mod basis;
pub mod condition;
pub mod mute;
pub mod pattern;
mod terms;
mod verdict;

use std::sync::Arc;

use serde::Serialize;

use crate::delivery::{DestinationName, Mentions, Part};
use crate::event::{Action, Event, OWN_NOTICE};
use crate::issue::Issue;
use crate::run::Run;

use self::answers::{Answer, Answers, Asking};
use self::condition::Facts;

pub use basis::Basis;
pub use condition::{Condition, Conditions, Field};
pub use mute::Mute;
pub use pattern::Pattern;
pub use terms::{Muted, Terms};
pub use verdict::{ConditionVerdict, Note, RouteVerdict};

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
#[derive(Debug, Clone, PartialEq)]
pub struct RoutingTable {
    routes: Vec<Route>,
    /// The template sets that destinations ask for themselves; a route's own wins.
    own_sets: Vec<(DestinationName, String)>,
    basis: Arc<Basis>,
}

impl Default for RoutingTable {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// Where an event goes, and what every condition that was asked said to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Where it goes, each destination once.
    pub destinations: Vec<RoutedDestination>,
    /// The places of the routes that matched, in order.
    pub matched: Vec<usize>,
    /// What the conditions said.
    pub answers: Answers,
}

/// Who asks for the template set by which a message is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetFrom {
    /// The first route that sends there, by its name.
    Route(String),
    /// The destination itself.
    Destination,
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

impl SetFrom {
    /// Returns its word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Route(_) => "route",
            Self::Destination => "destination",
        }
    }
}

impl RoutingTable {
    /// Makes a table of routes that are read from first to last.
    pub fn new(routes: Vec<Route>) -> Self {
        Self::whole(routes, Vec::new())
    }

    /// Adds which template sets destinations ask for themselves.
    #[must_use]
    pub fn with_own_sets(self, own_sets: Vec<(DestinationName, String)>) -> Self {
        Self::whole(self.routes, own_sets)
    }

    fn whole(routes: Vec<Route>, own_sets: Vec<(DestinationName, String)>) -> Self {
        Self { basis: Arc::new(Basis::of(&routes, &own_sets)), routes, own_sets }
    }

    /// Returns its written form.
    pub fn basis(&self) -> &Arc<Basis> {
        &self.basis
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

    /// Decides where an event goes. `run` is the run up to and including the event; `issue` is `None` while the issue is
    /// not known, and then no condition on it holds.
    pub fn route(&self, event: &Event, run: &Run, issue: Option<&Issue>) -> Decision {
        let mut asking = Asking::of(Facts { event, run, issue });
        let decision = self.read(event, |condition| asking.ask(condition));
        Decision { answers: asking.into_answers(), ..decision }
    }

    /// Returns the decision of which the answers were kept; `None` where they are not those of this table.
    pub fn decided(&self, event: &Event, answers: Answers) -> Option<Decision> {
        let mut kept = answers.list.iter();
        let mut is_short = false;
        let decision = self.read(event, |_| {
            let answer = kept.next();
            is_short |= answer.is_none();
            answer.is_some_and(|answer| *answer != Answer::Failed)
        });
        let is_whole = !is_short && kept.next().is_none();
        is_whole.then_some(Decision { answers, ..decision })
    }

    /// Reads the routes from first to last, whoever answers for the conditions. Of a route that is read every condition is
    /// asked, whatever the others say.
    fn read(&self, event: &Event, mut holds: impl FnMut(&Condition) -> bool) -> Decision {
        let mut decision = Decision::default();
        let mut reading = Reading::default();
        for (place, route) in self.routes.iter().enumerate() {
            if reading.stopped_by.is_some() {
                break;
            }
            let mut hold = |conditions: &Conditions| {
                let mut all = true;
                conditions.0.iter().for_each(|condition| all &= holds(condition));
                all
            };
            let when = hold(&route.when);
            let not = route.not.as_ref().is_some_and(hold);
            let is_meant = !is_own_notice(event) || route.when.names_own_notices();
            if when && !not && is_meant && (!route.otherwise || reading.first_match.is_none()) {
                decision.matched.push(place);
                reading.take(route, place, &mut decision.destinations);
            }
        }
        decision
    }

    /// Returns the names of the routes that matched, in order.
    pub fn names_of(&self, decision: &Decision) -> Vec<String> {
        let routes = decision.matched.iter().filter_map(|place| self.routes.get(*place));
        routes.map(|route| route.name.clone()).collect()
    }

    /// Returns the first route by which an event goes to a destination.
    pub fn leading_to(&self, decision: &Decision, destination: &DestinationName) -> Option<&Route> {
        let mut routes = decision.matched.iter().filter_map(|place| self.routes.get(*place));
        routes.find(|route| route.to.contains(destination))
    }

    /// Returns the template set by which a part of the messages about an event is made at a destination, and who asks for
    /// it. A digest is the destination's, whichever routes lead there.
    pub fn set_for(
        &self,
        decision: &Decision,
        destination: &DestinationName,
        part: Part,
    ) -> Option<(&str, SetFrom)> {
        let of_route = || {
            let route = self.leading_to(decision, destination).filter(|_| part != Part::Digest)?;
            Some((route.template_set.as_deref()?, SetFrom::Route(route.name.clone())))
        };
        of_route().or_else(|| Some((self.own_set(destination)?, SetFrom::Destination)))
    }

    /// Returns the template set that a destination asks for itself.
    pub fn own_set(&self, destination: &DestinationName) -> Option<&str> {
        self.own_sets.iter().find(|(name, _)| name == destination).map(|(_, set)| set.as_str())
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
