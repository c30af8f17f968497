//! Messages: one delivery with what became of it, and its message as today's templates make it.
//!
//! What was sent is not kept; what is drawn here is made anew, and said to be so.

use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::deliveries::DeliveryView;
use super::visit::{Place, Visit};
use super::words::{self, in_path};
use crate::delivery::{DeliveryId, Origin, Part, Rung, StandsFor};
use crate::event::EventId;
use crate::http::error::ErrorCode;
use crate::http::{AppState, Policy};
use crate::notify::{Destination, Envelope, announcement, body_for, marked};
use crate::preview::drawn;
use crate::render::context::{Context, rfc3339};
use crate::render::digest::Digest;
use crate::render::{Purpose, Rendered};
use crate::store::{DeliveryRow, Reach, RunHistory, Story, Told, Wanted};
use crate::threads::aside;

/// A run beyond this is not drawn, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// So much of a body for a program is shown, in bytes.
const SHOWN_BYTES: usize = 64 * 1024;

#[derive(Serialize)]
struct Content {
    delivery: DeliveryView,
    run: String,
    run_href: String,
    action: String,
    created_at: String,
    message: Drawn,
}

/// A message as it would look today.
#[derive(Debug, Serialize)]
pub(super) struct Drawn {
    destination: String,
    /// By which template, as people know it.
    template: Option<String>,
    chat_html: Option<String>,
    json: Option<String>,
    /// Why nothing is drawn.
    failed: Option<String>,
}

/// Shows one delivery.
pub(super) async fn show(request: HttpRequest, name: Path<String>, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(page(&state, &visit, &name).await),
        Err(refusal) => *refusal,
    }
}

async fn page(state: &AppState, visit: &Visit, name: &str) -> Result<HttpResponse, ErrorCode> {
    let history = state.history.event(name).await?.history;
    let row = history.deliveries.iter().find(|row| row.id.as_str().eq_ignore_ascii_case(name));
    let row = row.ok_or_else(|| ErrorCode::UnknownId(format!("no delivery is known as `{name}`")))?;
    let event = history.events.iter().find(|event| event.event.id == row.event_id);
    let content = Content {
        delivery: DeliveryView::of(&history, row),
        run: row.run.clone(),
        run_href: format!("/runs/{}", in_path(&row.run)),
        action: event.map_or_else(String::new, |row| words::action(&row.event.action, &row.event.resource)),
        created_at: rfc3339(row.created_at),
        message: draw(state, &visit.policy, &history, row).await?,
    };
    Ok(visit.show(Place::Deliveries, "Delivery", "delivery.html", move || content).await)
}

/// What is known of a delivery that is to be drawn.
struct Wish {
    destination: Destination,
    part: Part,
    template_set: Option<String>,
    envelope: Envelope,
    stands_for: Option<StandsFor>,
    is_replay: bool,
}

/// Draws the message of a delivery as it would be made today.
pub(super) async fn draw(
    state: &AppState,
    policy: &Arc<Policy>,
    history: &RunHistory,
    row: &DeliveryRow,
) -> Result<Drawn, ErrorCode> {
    let name = row.destination.to_string();
    let Some(destination) = policy.senders.destination(&row.destination) else {
        return Ok(Drawn::failed(name, "The destination is no longer configured."));
    };
    let account = history.accounts.get(&row.id);
    let wish = Wish {
        destination: destination.clone(),
        part: row.part,
        template_set: account.and_then(|account| account.template_set.clone()),
        envelope: Envelope { mentions: row.mentions.clone(), ..Envelope::default() },
        stands_for: row.fallback_for.as_ref().map(|(id, name)| StandsFor {
            destination: name.clone(),
            reason: history
                .deliveries
                .iter()
                .find(|other| other.id == *id)
                .and_then(|other| other.last_reason),
        }),
        is_replay: account.is_some_and(|account| account.origin == Origin::Replay),
    };
    let matter = matter(state, row.part, &row.id, &row.event_id).await?;
    let Some(matter) = matter else {
        return Ok(Drawn::failed(name, "Its run is too large to be drawn here, or no longer in the store."));
    };
    let (policy, now) = (Arc::clone(policy), state.clock.now());
    let time = now.strftime("%H:%M").to_string();
    let made = aside(move || wish.make(&policy, &matter, now, &time)).await;
    Ok(made.unwrap_or_else(|| Drawn::failed(name, "Drawing it broke off.")))
}

enum Matter {
    Story(Box<Story>),
    Digest(Box<Digest>),
}

async fn matter(
    state: &AppState,
    part: Part,
    delivery: &DeliveryId,
    event: &EventId,
) -> Result<Option<Matter>, ErrorCode> {
    let reach = match part {
        Part::Digest => {
            let digest = state.history.digest(delivery).await?;
            return Ok(digest.map(|digest| Matter::Digest(Box::new(digest))));
        }
        Part::Card => Reach::WholeRun,
        Part::Message | Part::Announcement => Reach::UpToEvent,
    };
    let told = state.history.stories(&[Wanted { event: event.clone(), reach }], MOST_BYTES).await?;
    Ok(match told.into_iter().flatten().next() {
        Some(Told::Story(story)) => Some(Matter::Story(Box::new(story))),
        Some(Told::Heavy { .. }) | None => None,
    })
}

impl Wish {
    fn make(self, policy: &Policy, matter: &Matter, now: jiff::Timestamp, time: &str) -> Drawn {
        let name = self.destination.name.to_string();
        let target = self.destination.target(self.template_set.as_deref());
        let renderer = &policy.senders.renderer;
        let (context, action) = match matter {
            Matter::Digest(digest) => {
                (Some(Context::of_digest(digest, |whose| std::borrow::Cow::Owned(policy.links(whose)))), None)
            }
            Matter::Story(story) => {
                let event = story.events.last();
                let context = event.and_then(|event| {
                    let links = policy.links(&event.organization);
                    Context::new(&story.events, story.issue.as_deref(), &links, self.is_replay)
                });
                let context = context.map(|context| {
                    context.standing_for(self.stands_for.as_ref()).with_payload(&story.payload)
                });
                (context, event.map(|event| event.action.clone()))
            }
        };
        let Some(context) = context else { return Drawn::failed(name, "The event has no run.") };
        let context = context.made_at(now);
        let purpose = action.as_ref().map_or(Purpose::Digest, |action| Purpose::of_part(self.part, action));
        let template = Some(renderer.template_for(purpose, &target));
        let dressed = match renderer.render_for(purpose, &context, &target) {
            Ok(made) => self.dressed(made),
            Err(error) => return Drawn { template, ..Drawn::failed(name, &error.to_string()) },
        };
        let body = body_for(&self.destination, &dressed, Rung::Whole, &self.envelope);
        let (chat_html, json) = match self.destination.service.platform() {
            Some(platform) => (Some(drawn(platform, &name, &body, time)), None),
            None => (None, Some(pretty(&body))),
        };
        Drawn { destination: name, template, chat_html, json, failed: None }
    }

    /// Makes of what a template wrote what is sent of it.
    fn dressed(&self, rendered: Rendered) -> Rendered {
        let rendered = match self.part {
            Part::Announcement => announcement(rendered),
            Part::Message | Part::Card | Part::Digest => rendered,
        };
        match &self.stands_for {
            Some(stands_for) => marked(rendered, self.destination.service.kind(), Rung::Whole, stands_for),
            None => rendered,
        }
    }
}

impl Drawn {
    fn failed(destination: String, why: &str) -> Self {
        Self { destination, template: None, chat_html: None, json: None, failed: Some(why.to_owned()) }
    }
}

/// Returns JSON line by line, cut where it is long.
fn pretty(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    if text.len() > SHOWN_BYTES {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES));
        text.push_str("\n… and more");
    }
    text
}
