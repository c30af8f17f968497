//! The regime: the rules in force, and the desks at which they are carried out. One value, replaced as one: whoever takes
//! it once for a step is never in two minds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::desk::{self, Desk};
use super::moment::{SteadyClock, between};
use super::plan::Manner;
use super::{Rules, bearable};
use crate::delivery::DestinationName;
use crate::event::{Action, Organization};
use crate::render::context::Links;
use crate::store::{CardKeeper, DestinationEntry, DestinationStatus};
use crate::telemetry::Metrics;

/// What a lease allows beside the longest attempt: to have its story read, to be rendered, to wait for a slot, and to be
/// written down.
const LEASE_MARGIN: Duration = Duration::from_mins(1);

/// How long the deliveries of a closed destination are left unlooked at, at most.
const CLOSED_AT_MOST: Duration = Duration::from_secs(10);

/// What is in force.
pub(super) struct Regime {
    /// What the configuration says.
    pub(super) rules: Rules,
    /// Those of the destinations that are configured, in their order, and then those of others that were before in this
    /// process.
    desks: Vec<Arc<Desk>>,
    desk_of: HashMap<DestinationName, Arc<Desk>>,
    /// The configured ones that keep cards.
    pub(super) card_keepers: Vec<CardKeeper>,
    /// How long a claim is ours: longer than any attempt may take.
    pub(super) lease: Duration,
}

impl Regime {
    /// Sets up a regime, which changes nothing of `former`, the one in force, before it [succeeds](Self::succeed) it.
    pub(super) fn new(rules: Rules, former: Option<&Self>, metrics: &Arc<Metrics>, now: Instant) -> Self {
        let former_desk = |name| former.and_then(|former| former.desk_of.get(name)).map(|desk| &**desk);
        let configured = rules.destinations.iter().map(|destination| {
            let name = &destination.name;
            let notifier = rules.notifiers.get(name).cloned();
            Desk::configured(destination, notifier, Arc::clone(metrics), former_desk(name), now)
        });
        let mut desks: Vec<Arc<Desk>> = configured.map(Arc::new).collect();
        let card_keepers = desks.iter().filter_map(|desk| desk.as_card_keeper()).collect();
        let is_removed = |desk: &&Arc<Desk>| !rules.destinations.iter().any(|kept| kept.name == desk.name);
        let removed = former.iter().flat_map(|former| &former.desks).filter(is_removed);
        desks.extend(removed.map(|desk| Arc::new(Desk::removed(desk))));
        let desk_of = desks.iter().map(|desk| (desk.name.clone(), Arc::clone(desk))).collect();
        let timeouts = rules.destinations.iter().map(|destination| destination.timeout);
        let lease = timeouts.fold(rules.delivery.attempt_timeout, Duration::max) + LEASE_MARGIN;
        Self { rules, desks, desk_of, card_keepers, lease }
    }

    /// Begins, with what the store remembers of the configured destinations.
    pub(super) fn begin(&self, statuses: &[DestinationStatus], clock: &SteadyClock) {
        for status in statuses {
            if let Some(desk) = self.desk_of.get(&status.name) {
                self.remember(desk, status, clock);
            }
        }
    }

    /// Takes the place of `former`, with what the store remembers of the destinations that are configured now.
    pub(super) fn succeed(&self, former: &Self, statuses: &[DestinationStatus], clock: &SteadyClock) {
        let now = Instant::now();
        for desk in &self.desks {
            let destination =
                self.rules.destinations.iter().find(|destination| destination.name == desk.name);
            let status = statuses.iter().find(|status| status.name == desk.name);
            let former = former.desk_of.get(&desk.name);
            if let Some(former) = former {
                desk.succeed(former, destination, now);
            }
            match (status, former.filter(|former| desk.goes_on_at(former))) {
                // All that the store knows it was told from here, unless somebody took it back.
                (Some(status), Some(_)) => {
                    desk.reopen(status.gone_since.is_some(), status.held_until.is_some(), now);
                }
                (Some(status), None) => self.remember(desk, status, clock),
                (None, _) => {}
            }
        }
    }

    fn remember(&self, desk: &Desk, status: &DestinationStatus, clock: &SteadyClock) {
        let hold = status.held_until.map(|moment| between(clock.wall(), moment));
        let hold = hold.map(|hold| bearable(hold, &self.rules.delivery));
        desk.remember(status.gone_since.is_some(), hold, Instant::now());
    }

    /// Returns what the store is to know of the configured destinations.
    pub(super) fn entries(&self) -> Vec<DestinationEntry> {
        self.rules.destinations.iter().map(desk::entry).collect()
    }

    /// Returns every desk: those of the destinations that are configured, and of those that were before.
    pub(super) fn desks(&self) -> impl Iterator<Item = &Arc<Desk>> {
        self.desks.iter()
    }

    /// Says that new deliveries wait for these destinations.
    pub(super) fn announce<'a>(&self, destinations: impl Iterator<Item = &'a DestinationName>) {
        for desk in destinations.filter_map(|name| self.desk_of.get(name)) {
            desk.announce();
        }
    }

    /// Tells whether what is heard at a desk says something of the destination as it is configured: not so where that
    /// has another address by now.
    pub(super) fn concerns(&self, desk: &Desk) -> bool {
        self.desk_of.get(&desk.name).is_none_or(|current| current.goes_on_at(desk))
    }

    /// Returns what an event of this action becomes at a destination; `None` where it is not configured.
    pub(super) fn manner_at(&self, name: &DestinationName, action: &Action) -> Option<Manner> {
        let place = self.desk_of.get(name)?.place.as_ref()?;
        Some(Manner { kind: place.target.kind, parts: place.parts(action), digest: place.digest })
    }

    /// Returns where links lead for an organization; for one that is no longer configured, to its place at Sentry.
    pub(super) fn links(&self, organization: &Organization) -> Cow<'_, Links> {
        if let Some(links) = self.rules.links.get(organization) {
            return Cow::Borrowed(links);
        }
        let public_url = self.rules.links.values().find_map(|links| links.public_url.clone());
        Cow::Owned(Links::at_sentry(organization, public_url))
    }

    /// Returns how long no clock of a delivery to a closed destination may run out unnoticed.
    pub(super) fn closed_at_most(&self) -> Duration {
        let news_for = self.rules.destinations.iter().filter_map(|destination| destination.expire_after);
        news_for.chain([self.rules.delivery.give_up_after]).fold(CLOSED_AT_MOST, Duration::min)
    }
}
