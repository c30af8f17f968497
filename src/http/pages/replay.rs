//! Sending again: a page that says what and where to, and the deed.

use actix_web::web::{Data, Form};
use actix_web::{Error, HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::answer::see;
use super::deliveries::Fields;
use super::login::local;
use super::notice::Notice;
use super::visit::{Place, Visit};
use super::words::{address, counted, in_path};
use crate::delivery::{DeliveryId, DeliveryState, DestinationName};
use crate::http::AppState;
use crate::http::error::ErrorCode;
use crate::http::query::Query;
use crate::store::{DeliveryFilter, ReplayTarget, Replayed};

/// How many dead letters of some time are sent again at once; all dead letters are, however many.
const MOST: usize = 1_000;

#[derive(Serialize)]
struct Content {
    /// What is sent again, in a sentence.
    question: String,
    details: Vec<String>,
    /// Each destination with how many go there.
    destinations: Vec<(String, u64)>,
    /// Names and values of the form.
    fields: Vec<(&'static str, String)>,
    button: String,
    back: String,
    is_empty: bool,
}

/// What the form sends, and what the address of the page says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    id: String,
    #[serde(default)]
    dead: String,
    #[serde(default)]
    destination: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    back: String,
}

/// Asks whether to send again.
pub(super) async fn ask(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(question(&request, &state, &visit).await),
        Err(refusal) => *refusal,
    }
}

async fn question(request: &HttpRequest, state: &AppState, visit: &Visit) -> Result<HttpResponse, ErrorCode> {
    let mut query = Query::of(request, visit.now);
    let content = match query.text("id") {
        Some(id) => {
            query.finish()?;
            of_run(state, &id).await?
        }
        None => of_dead(request, state, visit).await?,
    };
    Ok(visit.show(Place::Deliveries, "Send again", "replay.html", move || content).await)
}

async fn of_run(state: &AppState, name: &str) -> Result<Content, ErrorCode> {
    let is_event = name.starts_with("evt_");
    let (history, events) = if is_event {
        (state.history.event(name).await?.history, 1)
    } else {
        let history = state.history.run(name).await?;
        let events = u64::try_from(history.events.len()).unwrap_or_default();
        (history, events)
    };
    let label = history.run.label();
    let what = if is_event { format!("event {name} of run {label}") } else { format!("run {label}") };
    let question = if is_event {
        format!("Route {what} anew?")
    } else {
        format!(
            "Route {} of {what} anew?",
            if events == 1 { "the one event".into() } else { format!("all {events} events") }
        )
    };
    Ok(Content {
        question,
        details: vec![
            "Each event goes through today’s routes and today’s templates, as if it came now. Where the same was said before, it is said again.".to_owned(),
        ],
        destinations: Vec::new(),
        button: format!("Route {} anew", counted(events, "event", "events")),
        is_empty: events == 0,
        back: format!("/runs/{}", in_path(&label)),
        fields: vec![("id", if is_event { name.to_owned() } else { label })],
    })
}

async fn of_dead(request: &HttpRequest, state: &AppState, visit: &Visit) -> Result<Content, ErrorCode> {
    let fields = Fields::of(request, visit);
    let mut query = Query::of(request, visit.now);
    let filter = query.deliveries()?;
    query.finish()?;
    let has_times = filter.since.is_some() || filter.until.is_some();
    let (destinations, is_cut) = if has_times {
        let (shown, is_cut) = shown(state, filter.clone(), visit).await?;
        (by_destination(shown.into_iter().map(|(_, destination)| destination)), is_cut)
    } else {
        (state.history.dead_letters(filter.destination.clone()).await?, false)
    };
    let total: u64 = destinations.iter().map(|(_, count)| count).sum();
    let mut details = vec![
        "Each goes again to its own destination, through today’s template; it is not routed anew.".to_owned(),
    ];
    if is_cut {
        details.push(format!("These are the newest {MOST}; do the same again for the rest."));
    }
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    Ok(Content {
        question: match total {
            0 => "There is no dead letter here that was not sent again already.".to_owned(),
            1 => "Send one dead letter again?".to_owned(),
            total => format!("Send {total} dead letters again?"),
        },
        details,
        destinations: destinations.into_iter().map(|(name, count)| (name.to_string(), count)).collect(),
        button: format!("Send {} again", counted(total, "dead letter", "dead letters")),
        is_empty: total == 0,
        back: fields.address("/deliveries", ""),
        fields: vec![
            ("dead", "1".to_owned()),
            ("destination", filter.destination.map(|name| name.to_string()).unwrap_or_default()),
            // As times, so that what is sent is what was counted.
            ("since", time(filter.since)),
            ("until", time(filter.until)),
        ],
    })
}

fn by_destination(all: impl Iterator<Item = DestinationName>) -> Vec<(DestinationName, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    for destination in all {
        *counts.entry(destination).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// Returns the dead letters that a list shows and that were not sent again yet; no more than are sent at once, and whether
/// that is not all.
async fn shown(
    state: &AppState,
    filter: DeliveryFilter,
    visit: &Visit,
) -> Result<(Vec<(ReplayTarget, DestinationName)>, bool), ErrorCode> {
    let filter = DeliveryFilter { state: Some(DeliveryState::Dead), ..filter };
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = state.history.deliveries(filter.clone(), after, 200, visit.now).await?;
        let letters = page.items.into_iter().filter(|row| row.replayed_by.is_none());
        all.extend(letters.map(|row| (ReplayTarget::Delivery(row.id), row.destination)));
        after = page.next;
        if all.len() > MOST || after.is_none() {
            let is_cut = all.len() > MOST;
            all.truncate(MOST);
            return Ok((all, is_cut));
        }
    }
}

/// Sends again.
pub(super) async fn replay(
    request: HttpRequest,
    wish: Result<Form<Wish>, Error>,
    state: Data<AppState>,
) -> HttpResponse {
    // Whoever is not let in is told that first, whatever they send.
    let visit = match Visit::admitted_to_change(&request, &state) {
        Ok(visit) => visit,
        Err(refusal) => return *refusal,
    };
    let wish = match wish {
        Ok(wish) => wish,
        Err(error) => return error.error_response(),
    };
    let (back, id) = (local(&wish.back), wish.id.clone());
    match send(&state, &visit, wish.into_inner()).await {
        Ok(Replayed { deliveries, events }) => {
            state.wake.notify_one();
            let notice = Notice::Replayed { deliveries: deliveries.len(), events: events.len() };
            see(&next(back, &id, &deliveries), [notice.cookie(&visit.policy.token)])
        }
        Err(code) => visit.refuse(&code),
    }
}

/// Returns the page that follows: after that of the delivery that is sent again, the new one's.
fn next(back: String, id: &str, deliveries: &[(DeliveryId, DeliveryId)]) -> String {
    let page = |id: &str| format!("/deliveries/{}", in_path(id));
    match deliveries {
        [(_, new)] if back == page(id) => page(new.as_str()),
        _ => back,
    }
}

async fn send(state: &AppState, visit: &Visit, wish: Wish) -> Result<Replayed, ErrorCode> {
    let now = visit.now;
    if wish.dead.is_empty() {
        if wish.id.is_empty() {
            return Err(ErrorCode::BadRequest("nothing was named to be sent again".to_owned()));
        }
        return Ok(state.queue.replay(ReplayTarget::of(&wish.id), now).await?);
    }
    let pairs = [("destination", wish.destination.as_str()), ("since", &wish.since), ("until", &wish.until)];
    let asked = address("/", pairs);
    let mut query = Query::read_text(asked.split_once('?').map_or("", |(_, query)| query), now);
    let filter = query.deliveries()?;
    if filter.since.is_none() && filter.until.is_none() {
        let target = ReplayTarget::Dead { destination: filter.destination, since: None };
        return Ok(state.queue.replay(target, now).await?);
    }
    let mut all = Replayed::default();
    for (target, _) in shown(state, filter, visit).await?.0 {
        all.deliveries.extend(state.queue.replay(target, now).await?.deliveries);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_page_of_a_delivery_one_is_led_to_the_new_one() {
        let sent = [("dlv_1", "dlv_2")].map(|(old, new)| (DeliveryId::new(old), DeliveryId::new(new)));
        let led =
            |back: &str, deliveries: &[(DeliveryId, DeliveryId)]| next(back.to_owned(), "dlv_1", deliveries);
        assert_eq!(led("/deliveries/dlv_1", &sent), "/deliveries/dlv_2");
        assert_eq!(led("/deliveries/dlv_1", &[]), "/deliveries/dlv_1");
        assert_eq!(led("/runs/acme/1", &sent), "/runs/acme/1");
    }
}
