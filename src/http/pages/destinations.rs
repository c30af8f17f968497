//! The destinations: how each is, what waits for it, and a message by hand to try it.

use std::collections::BTreeMap;
use std::time::Instant;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::see;
use super::notice::{Notice, Refused};
use super::visit::{Place, Visit};
use super::words::{address, in_path};
use crate::delivery::{DestinationKind, DestinationName};
use crate::http::error::ErrorCode;
use crate::http::{AppState, telling};
use crate::notify::{Destination, Rate, trial};
use crate::render::context::rfc3339;
use crate::store::{DeliveryFilter, DestinationStatus, QueueLength};

/// How many of a destination's newest deliveries are looked at for its last answer.
const LOOKED_AT: usize = 20;

#[derive(Serialize)]
struct Content {
    destinations: Vec<DestinationView>,
}

#[derive(Serialize)]
struct DestinationView {
    name: String,
    /// `None` where it is configured no longer.
    kind: Option<&'static str>,
    style: Option<String>,
    pace: Option<String>,
    fallback: Option<String>,
    sign: &'static str,
    state: &'static str,
    look: &'static str,
    until: Option<String>,
    waiting: u64,
    sending: u64,
    dead: u64,
    oldest: Option<String>,
    last: Option<LastAnswer>,
    waiting_href: String,
    dead_href: String,
    test: Option<String>,
}

#[derive(Serialize)]
struct LastAnswer {
    href: String,
    text: String,
    is_taken: bool,
    at: String,
}

/// Lists destinations.
pub(super) async fn list(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(page(&state, &visit).await),
        Err(refusal) => *refusal,
    }
}

async fn page(state: &AppState, visit: &Visit) -> Result<HttpResponse, ErrorCode> {
    let (statuses, backlog) = tokio::join!(state.queue.destinations(), state.history.backlog());
    let statuses: BTreeMap<DestinationName, DestinationStatus> =
        statuses?.into_iter().map(|status| (status.name.clone(), status)).collect();
    let queues: BTreeMap<DestinationName, QueueLength> =
        backlog?.queues.into_iter().map(|queue| (queue.destination.clone(), queue)).collect();
    let configured = &visit.policy.senders.destinations;
    let is_configured = |name: &&DestinationName| configured.iter().any(|each| each.name == **name);
    let others: std::collections::BTreeSet<&DestinationName> =
        statuses.keys().chain(queues.keys()).filter(|name| !is_configured(name)).collect();
    let all = configured.iter().map(|each| (&each.name, Some(each)));
    let mut destinations = Vec::new();
    for (name, configured) in all.chain(others.into_iter().map(|name| (name, None))) {
        let seen = Seen {
            status: statuses.get(name),
            queue: queues.get(name),
            last: last(state, visit, name).await?,
        };
        destinations.push(seen.view(visit, name, configured));
    }
    let content = move || Content { destinations };
    Ok(visit.show(Place::Destinations, "Destinations", "destinations.html", content).await)
}

/// Returns what a destination answered last.
async fn last(
    state: &AppState,
    visit: &Visit,
    name: &DestinationName,
) -> Result<Option<LastAnswer>, ErrorCode> {
    let filter = DeliveryFilter { destination: Some(name.clone()), ..DeliveryFilter::default() };
    let page = state.history.deliveries(filter, None, LOOKED_AT, visit.now).await?;
    let row = page.items.into_iter().find(|row| row.attempts > 0);
    Ok(row.map(|row| {
        let status = row.last_status.map(|status| status.to_string());
        let reason = row.last_reason.map(|reason| reason.to_string());
        let said: Vec<String> = status.into_iter().chain(reason).collect();
        LastAnswer {
            href: format!("/deliveries/{}", in_path(row.id.as_str())),
            text: if said.is_empty() { "taken".to_owned() } else { said.join(" ") },
            is_taken: row.last_reason.is_none(),
            at: rfc3339(row.delivered_at.unwrap_or(row.created_at)),
        }
    }))
}

/// What the store knows of a destination.
struct Seen<'a> {
    status: Option<&'a DestinationStatus>,
    queue: Option<&'a QueueLength>,
    last: Option<LastAnswer>,
}

impl Seen<'_> {
    fn view(
        self,
        visit: &Visit,
        name: &DestinationName,
        configured: Option<&Destination>,
    ) -> DestinationView {
        let can_be_called = visit.policy.senders.notifiers.get(name).is_some();
        let (sign, state, look, until) = self.state(visit.now, configured.is_some(), can_be_called);
        let is_due = |at: &Timestamp| *at <= visit.now;
        let queue = self.queue;
        DestinationView {
            name: name.to_string(),
            kind: configured.map(|each| each.service.kind()).map(DestinationKind::as_str),
            style: configured.map(style),
            pace: configured.map(|each| pace(each.rate)),
            fallback: configured.and_then(|each| each.fallback.as_ref()).map(|fallback| {
                format!("{} after {}", fallback.to, humantime::format_duration(fallback.after))
            }),
            sign,
            state,
            look,
            until,
            waiting: queue.map_or(0, |queue| queue.waiting),
            sending: queue.map_or(0, |queue| queue.sending),
            dead: queue.map_or(0, |queue| queue.dead),
            oldest: queue.and_then(|queue| queue.first_due_at).filter(is_due).map(rfc3339),
            last: self.last,
            waiting_href: address("/deliveries", [("state", "waiting"), ("destination", name.as_str())]),
            dead_href: address("/deliveries", [("state", "dead"), ("destination", name.as_str())]),
            test: can_be_called.then(|| format!("/destinations/{}/test", in_path(name.as_str()))),
        }
    }

    /// Returns sign, word, look and the time that belongs to it.
    fn state(
        &self,
        now: Timestamp,
        is_configured: bool,
        can_be_called: bool,
    ) -> (&'static str, &'static str, &'static str, Option<String>) {
        let gone_since = self.status.and_then(|status| status.gone_since);
        let held_until = self.status.and_then(|status| status.held_until).filter(|until| *until > now);
        let has_refused = self.last.as_ref().is_some_and(|last| !last.is_taken);
        match (is_configured, gone_since, can_be_called, held_until) {
            (false, ..) => ("·", "no longer configured", "quiet", None),
            (true, Some(since), ..) => ("✗", "gone, since", "bad", Some(rfc3339(since))),
            (true, None, false, _) => ("!", "a secret is missing: it waits", "warn", None),
            (true, None, true, Some(until)) => ("!", "paused; goes on", "warn", Some(rfc3339(until))),
            (true, None, true, None) if has_refused => ("!", "did not take the last one", "warn", None),
            (true, None, true, None) => ("✓", "fine", "good", None),
        }
    }
}

fn style(destination: &Destination) -> String {
    match destination.digest {
        Some(digest) => format!("digest every {}", humantime::format_duration(digest)),
        None => destination.style.as_str().to_owned(),
    }
}

fn pace(rate: Rate) -> String {
    match rate {
        Rate::Unlimited => "unlimited".to_owned(),
        Rate::Limited { per_second, burst } => {
            let pace = match per_second {
                second if second >= 1.0 => format!("{second:.0} a second"),
                minute if minute * 60.0 >= 1.0 => format!("{:.0} a minute", minute * 60.0),
                hour => format!("{:.0} an hour", hour * 3600.0),
            };
            format!("{pace}, {burst} at once")
        }
    }
}

/// Sends a destination a message by hand.
pub(super) async fn test(request: HttpRequest, name: Path<String>, state: Data<AppState>) -> HttpResponse {
    let visit = match Visit::admitted_to_change(&request, &state) {
        Ok(visit) => visit,
        Err(refusal) => return *refusal,
    };
    let name = DestinationName::new(name.into_inner());
    let senders = &visit.policy.senders;
    let Some((destination, notifier)) = senders.destination(&name).zip(senders.notifiers.get(&name)) else {
        return visit.refuse(&ErrorCode::UnknownId(format!("no destination `{name}` can be called")));
    };
    let began = Instant::now();
    let tried = trial(destination, notifier.as_ref(), visit.now).await;
    let took = began.elapsed().as_millis();
    let notice = match tried {
        Ok(sent) => {
            if let Err(error) = state.queue.reopen_destination(&name).await {
                return visit.refuse(&error.into());
            }
            state.wake.notify_one();
            Notice::Tested { status: sent.status, millis: took }
        }
        Err(error) => {
            let words = telling::words(error.reason);
            tracing::warn!(destination = %name, %error, "a test message was not taken: {words}");
            Notice::Refused(Refused {
                destination: name.to_string(),
                reason: error.reason.to_string(),
                status: error.status,
                words: error.words,
                millis: u64::try_from(took).unwrap_or(u64::MAX),
            })
        }
    };
    see("/destinations", [notice.cookie(&visit.policy.token)])
}
