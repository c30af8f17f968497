//! Letters: what a claimed delivery sends, the message in its envelope.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::Shared;
use super::place::Place;
use super::regime::Regime;
use crate::delivery::{Delivery, Fingerprint, FirstMessage, Origin, Part};
use crate::event::Event;
use crate::notify::{Envelope, Notifier, Position, Sent, announcement, marked};
use crate::render::context::Context;
use crate::render::digest::Digest;
use crate::render::{Purpose, RenderError, Rendered, Target};
use crate::run::Run;
use crate::store::{MessageChange, Story};

/// What a delivery tells.
pub(super) enum Matter {
    /// Of one run.
    Story(Story),
    /// Of many.
    Digest(Digest),
}

impl Matter {
    /// Returns the events of the run that it is about, where that is one.
    pub(super) fn events(&self) -> Option<&[Event]> {
        match self {
            Self::Story(story) => Some(&story.events),
            Self::Digest(_) => None,
        }
    }
}

/// What a delivery sends.
pub(super) struct Letter {
    /// The exact request body.
    pub(super) body: Bytes,
    /// Where it goes.
    pub(super) envelope: Envelope,
    /// Of a card: what it shows.
    shows: Option<Fingerprint>,
    /// Whether it is the first message of its run, where there is none yet.
    may_be_first: bool,
}

impl Letter {
    /// Renders a delivery.
    ///
    /// # Errors
    /// What failed.
    pub(super) fn write(
        shared: &Shared,
        regime: &Regime,
        place: &Place,
        notifier: &dyn Notifier,
        delivery: &Delivery,
        matter: Option<Matter>,
    ) -> Result<Self, String> {
        let matter = matter.ok_or("the event is no longer in the store")?;
        // A panic would come again with every attempt, and nobody would learn of it.
        catch_unwind(AssertUnwindSafe(|| {
            let (envelope, rendered) = match matter {
                Matter::Story(story) => {
                    let envelope = envelope(place, delivery, &story).ok_or("the event has no run")?;
                    (envelope, render(shared, regime, place, delivery, story)?)
                }
                Matter::Digest(digest) => (alone(delivery), render_digest(shared, regime, place, &digest)?),
            };
            let rendered = match &delivery.stands_for {
                Some(stands_for) => marked(rendered, place.target.kind, delivery.rung, stands_for),
                None => rendered,
            };
            let body = notifier.body(&rendered, delivery.rung, &envelope);
            let shows = (delivery.part == Part::Card)
                .then(|| fingerprint(&notifier.body(&rendered, delivery.rung, &Envelope::default())));
            let may_be_first = place.may_be_first(delivery.part);
            Ok(Self { body, envelope, shows, may_be_first })
        }))
        .unwrap_or_else(|_| Err("rendering it broke off".to_owned()))
    }

    /// Tells whether to send it would change nothing: the card shows all of it. What somebody asked to be sent again is
    /// sent: the card may be there no longer.
    pub(super) fn is_needless(&self, delivery: &Delivery) -> bool {
        let shown = delivery.first.as_ref().and_then(|first| first.shows);
        let is_shown = self.edits() && self.shows.is_some() && self.shows == shown;
        is_shown && delivery.origin != Origin::Replay
    }

    /// Tells whether it changes a message that stands there: to send it twice does no harm.
    pub(super) fn edits(&self) -> bool {
        matches!(self.envelope.position, Position::Instead(_))
    }

    /// Returns what follows for the first message of the run, once the letter was taken.
    pub(super) fn change(&self, sent: &Sent) -> MessageChange {
        match (&self.envelope.position, &sent.message, self.shows) {
            (Position::Instead(_), _, Some(shows)) => MessageChange::Shows(shows),
            (Position::Alone, Some(place), shows) if self.may_be_first => {
                let mentions = self.envelope.mentions.clone();
                MessageChange::First(FirstMessage { place: place.clone(), shows, mentions })
            }
            (Position::Alone | Position::Under { .. } | Position::Instead(_), _, _) => MessageChange::None,
        }
    }
}

/// Addresses a delivery. All deliveries of a card carry one mark: whichever of them posted it, it is found again.
fn envelope(place: &Place, delivery: &Delivery, story: &Story) -> Option<Envelope> {
    let (first, event) = (story.events.first()?, story.events.last()?);
    let mark = match delivery.part {
        Part::Card => format!("{} {}", first.id, delivery.destination),
        Part::Message | Part::Announcement | Part::Digest => delivery.id.to_string(),
    };
    let in_doubt_since = delivery.in_doubt.then_some(first.received_at);
    let position = place.position(delivery, &event.action);
    let mentions = match (&position, &delivery.first) {
        // Whom it mentioned when it was posted stays there.
        (Position::Instead(_), Some(first)) => first.mentions.clone(),
        (Position::Alone | Position::Under { .. } | Position::Instead(_), _) => delivery.mentions.clone(),
    };
    Some(Envelope { position, mentions, mark, subject: subject(story), in_doubt_since })
}

/// Addresses a digest, which is about no single run.
fn alone(delivery: &Delivery) -> Envelope {
    Envelope {
        mark: delivery.id.to_string(),
        in_doubt_since: delivery.in_doubt.then_some(delivery.first_due_at),
        ..Envelope::default()
    }
}

/// Returns what people call the issue: `API-1X TypeError: …`, or its id where nothing else is known.
fn subject(story: &Story) -> String {
    let known = story.issue.as_ref().map(|issue| [issue.short_id.as_deref(), issue.title.as_deref()]);
    let known: Vec<&str> = known.into_iter().flatten().flatten().collect();
    match (known.is_empty(), Run::group_of(&story.events)) {
        (false, _) => known.join(" "),
        (true, Some(group)) => format!("Issue {group}"),
        (true, None) => String::new(),
    }
}

/// Returns the template of the team's own by which a delivery is rendered.
pub(super) fn template(
    regime: &Regime,
    place: &Place,
    delivery: &Delivery,
    matter: &Matter,
) -> Option<String> {
    let purpose = match matter {
        Matter::Story(story) => Purpose::of_part(delivery.part, &story.events.last()?.action),
        Matter::Digest(_) => Purpose::Digest,
    };
    let set = delivery.template_set.as_deref().or(place.target.set.as_deref());
    regime.rules.renderer.own_template_for(purpose, set, place.target.kind)
}

fn render(
    shared: &Shared,
    regime: &Regime,
    place: &Place,
    delivery: &Delivery,
    story: Story,
) -> Result<Rendered, String> {
    let Story { events, payload, issue } = story;
    let event = events.last().ok_or("the event has no run")?;
    let links = regime.links(&event.organization);
    let context = Context::new(&events, issue.as_deref(), &links, delivery.origin == Origin::Replay)
        .ok_or("the event has no run")?
        .standing_for(delivery.stands_for.as_ref())
        .made_at(shared.clock.wall());
    // Each of these may be megabytes, so none is kept for longer than it is needed.
    drop(events);
    let context = if place.wants_payload { context.with_payload(&payload) } else { context };
    drop(payload);
    let rendered = match &delivery.template_set {
        None => rendered(regime, delivery.part, context, &place.target),
        Some(set) => {
            let target = Target { set: Some(set.clone()), ..place.target.clone() };
            rendered(regime, delivery.part, context, &target)
        }
    };
    rendered.map_err(|error| error.to_string())
}

fn render_digest(
    shared: &Shared,
    regime: &Regime,
    place: &Place,
    digest: &Digest,
) -> Result<Rendered, String> {
    let context = Context::of_digest(digest, |organization| regime.links(organization));
    let context = context.made_at(shared.clock.wall());
    let renderer = &regime.rules.renderer;
    renderer.render_for(Purpose::Digest, &context, &place.target).map_err(|error| error.to_string())
}

fn rendered(regime: &Regime, part: Part, context: Context, target: &Target) -> Result<Rendered, RenderError> {
    let renderer = &regime.rules.renderer;
    match part {
        Part::Message | Part::Digest => renderer.render_once(context, target),
        Part::Card => renderer.render_card(&context, target),
        Part::Announcement => renderer.render_once(context, target).map(announcement),
    }
}

fn fingerprint(body: &[u8]) -> Fingerprint {
    let digest: [u8; 32] = Sha256::digest(body).into();
    Fingerprint(digest.first_chunk().copied().unwrap_or_default())
}
