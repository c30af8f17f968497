//! Letters: what a claimed delivery sends, the message in its envelope.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Shared;
use super::desk::Place;
use crate::delivery::{Delivery, Fingerprint, FirstMessage, Origin, Part};
use crate::notify::{Envelope, Notifier, Position, Sent, announcement};
use crate::render::context::Context;
use crate::render::{Purpose, RenderError, Rendered, Target};
use crate::run::Run;
use crate::store::{MessageChange, Story};

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
        place: &Place,
        notifier: &dyn Notifier,
        delivery: &Delivery,
        story: Option<Story>,
    ) -> Result<Self, String> {
        let story = story.ok_or("the event is no longer in the store")?;
        // A panic would come again with every attempt, and nobody would learn of it.
        catch_unwind(AssertUnwindSafe(|| {
            let envelope = envelope(place, delivery, &story).ok_or("the event has no run")?;
            let rendered = render(shared, place, delivery, story)?;
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
                MessageChange::First(FirstMessage { place: place.clone(), shows })
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
        Part::Message | Part::Announcement => delivery.id.to_string(),
    };
    let in_doubt_since = delivery.in_doubt.then_some(first.received_at);
    let position = place.position(delivery, &event.action);
    Some(Envelope { position, mark, subject: subject(story), in_doubt_since })
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
pub(super) fn template(shared: &Shared, place: &Place, delivery: &Delivery, story: &Story) -> Option<String> {
    let purpose = Purpose::of_part(delivery.part, &story.events.last()?.action);
    let set = delivery.template_set.as_deref().or(place.target.set.as_deref());
    shared.rules.renderer.own_template_for(purpose, set, place.target.kind)
}

fn render(shared: &Shared, place: &Place, delivery: &Delivery, story: Story) -> Result<Rendered, String> {
    let Story { events, payload, issue } = story;
    let event = events.last().ok_or("the event has no run")?;
    let links = shared.links(&event.organization);
    let context = Context::new(&events, issue.as_deref(), &links, delivery.origin == Origin::Replay)
        .ok_or("the event has no run")?
        .made_at(shared.clock.wall());
    // Each of these may be megabytes, so none is kept for longer than it is needed.
    drop(events);
    let context = if place.wants_payload { context.with_payload(&payload) } else { context };
    drop(payload);
    let rendered = match &delivery.template_set {
        None => rendered(shared, delivery.part, context, &place.target),
        Some(set) => {
            let target = Target { set: Some(set.clone()), ..place.target.clone() };
            rendered(shared, delivery.part, context, &target)
        }
    };
    rendered.map_err(|error| error.to_string())
}

fn rendered(shared: &Shared, part: Part, context: Context, target: &Target) -> Result<Rendered, RenderError> {
    let renderer = &shared.rules.renderer;
    match part {
        Part::Message => renderer.render_once(context, target),
        Part::Card => renderer.render_card(&context, target),
        Part::Announcement => renderer.render_once(context, target).map(announcement),
    }
}

fn fingerprint(body: &[u8]) -> Fingerprint {
    let digest: [u8; 32] = Sha256::digest(body).into();
    Fingerprint(digest.first_chunk().copied().unwrap_or_default())
}
