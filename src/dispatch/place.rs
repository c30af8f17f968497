//! Places: what is configured of a destination, as the dispatcher needs it. Pure.
//!
//! Knows nothing of what happens there; that is `traffic.rs`.

use std::sync::Arc;
use std::time::Duration;

use crate::delivery::{Delivery, Part};
use crate::event::Action;
use crate::notify::{Destination, Fallback, Notifier, Position, Rate, Service, Style, announces, parts_of};
use crate::render::Target;
use crate::routing::Pattern;
use crate::telemetry::Metrics;

/// What is configured of a destination.
pub(super) struct Place {
    /// Speaks to it; `None` while its secret is missing.
    pub(super) notifier: Option<Arc<dyn Notifier>>,
    /// What its messages are rendered for, unless a route named another template set.
    pub(super) target: Target,
    /// Whether its messages tell the payload.
    pub(super) wants_payload: bool,
    /// How the messages of a run hang together.
    style: Style,
    /// How long what comes is gathered for one message that sums it up.
    pub(super) digest: Option<Duration>,
    /// Actions that everybody is to see.
    announce: Vec<Pattern>,
    /// How long one attempt may take.
    pub(super) timeout: Duration,
    /// How long a message is news.
    pub(super) expire_after: Option<Duration>,
    /// What stands in for it.
    pub(super) fallback: Option<Fallback>,
    /// How many deliveries may be claimed for it at once.
    pub(super) capacity: usize,
    /// How many requests may be open at once.
    pub(super) in_flight: usize,
    /// How often it may be called.
    pub(super) rate: Rate,
    pub(super) metrics: Arc<Metrics>,
}

impl Place {
    /// Takes what is configured of a destination.
    pub(super) fn new(
        destination: &Destination,
        notifier: Option<Arc<dyn Notifier>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let in_flight = destination.in_flight.max(1);
        // Where no pace limits the calls, nearly as many deliveries again are claimed and rendered as may be under way, so
        // that a slot that falls free is not idle for the time of a claim, which is that of a commit and a question. Of a
        // destination that takes one at a time none waits so.
        let ahead = if destination.rate == Rate::Unlimited { in_flight - 1 } else { 0 };
        Self {
            notifier,
            target: destination.target(None),
            wants_payload: wants_payload(&destination.service),
            style: destination.style,
            digest: destination.digest,
            announce: destination.announce.clone(),
            timeout: destination.timeout,
            expire_after: destination.expire_after,
            fallback: destination.fallback.clone(),
            capacity: in_flight + ahead,
            in_flight,
            rate: destination.rate,
            metrics,
        }
    }

    /// Returns which messages an event of this action becomes here, in order.
    pub(super) fn parts(&self, action: &Action) -> &'static [Part] {
        parts_of(self.style, self.digest, &self.announce, action)
    }

    /// Tells whether a run has one card here.
    pub(super) fn keeps_cards(&self) -> bool {
        self.style == Style::Card
    }

    /// Returns where the message of a delivery goes.
    pub(super) fn position(&self, delivery: &Delivery, action: &Action) -> Position {
        let Some(first) = &delivery.first else { return Position::Alone };
        let message = first.place.clone();
        match (delivery.part, self.style) {
            (Part::Card, _) => Position::Instead(message),
            (Part::Announcement, _) => Position::Under { message, announced: true },
            (Part::Message, Style::Thread) => {
                Position::Under { message, announced: announces(&self.announce, action) }
            }
            (Part::Message, Style::Messages | Style::Card) | (Part::Digest, _) => Position::Alone,
        }
    }

    /// Tells whether the message of a delivery is the first one of its run here, where there is none yet.
    pub(super) fn may_be_first(&self, part: Part) -> bool {
        match part {
            Part::Card => true,
            Part::Message => self.style == Style::Thread,
            Part::Announcement | Part::Digest => false,
        }
    }
}

fn wants_payload(service: &Service) -> bool {
    match service {
        Service::Slack(_) | Service::Discord(_) => false,
        Service::Webhook(webhook) => !webhook.thin,
    }
}
