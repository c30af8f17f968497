//! The list of deliveries, and one of them as it stands wherever it is shown.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::visit::{Place, Visit};
use super::words::{self, Word, address, in_path, linked_html};
use crate::delivery::{DeliveryState, Rung};
use crate::http::api::set;
use crate::http::error::ErrorCode;
use crate::http::query::{Paging, Query};
use crate::http::{AppState, telling};
use crate::render::context::rfc3339;
use crate::store::{DeliveryRow, RunHistory, Try};

#[derive(Serialize)]
struct Content {
    fields: Fields,
    states: Vec<StateChoice>,
    destinations: Vec<String>,
    deliveries: Vec<DeliveryLine>,
    is_filtered: bool,
    is_first: bool,
    next: Option<String>,
    first: String,
    /// Where dead letters are shown.
    replay: Option<ReplayView>,
}

/// What is asked for, as it stands in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Fields {
    state: String,
    destination: String,
    since: String,
    until: String,
}

#[derive(Serialize)]
struct StateChoice {
    value: &'static str,
    word: Word,
}

#[derive(Serialize)]
struct DeliveryLine {
    #[serde(flatten)]
    delivery: DeliveryView,
    run: String,
    run_href: String,
    action: String,
    created_at: String,
    last_answer: String,
    /// What there is to say beside the state.
    notes_html: Vec<String>,
}

/// Dead letters that are shown, and how many of them were not sent again yet.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct ReplayView {
    /// The page that asks whether to send them again; `None` where all were.
    href: Option<String>,
    text: &'static str,
    /// How many are open, where that is not clear.
    note: Option<String>,
}

impl ReplayView {
    /// Tells of a page of the list, which may be all of it.
    fn of(rows: &[DeliveryRow], is_all: bool, href: String) -> Option<Self> {
        let open = rows.iter().filter(|row| row.replayed_by.is_none()).count();
        Self::counted(open, rows.len(), is_all, href)
    }

    fn counted(open: usize, shown: usize, is_all: bool, href: String) -> Option<Self> {
        let note = match (open, shown, is_all) {
            (_, 0, _) => return None,
            (0, _, true) => Some("All that are shown were sent again already.".to_owned()),
            (open, shown, true) if open == shown => None,
            (open, shown, true) => {
                Some(format!("{open} of the {shown} that are shown were not sent again yet."))
            }
            (open, shown, false) => {
                Some(format!("{open} of the {shown} on this page were not sent again yet."))
            }
        };
        Some(Self {
            href: (open > 0 || !is_all).then_some(href),
            text: if is_all { "Send again what is shown…" } else { "Send again all that fit…" },
            note,
        })
    }
}

/// One delivery.
#[derive(Debug, Serialize)]
pub(super) struct DeliveryView {
    id: String,
    href: String,
    destination: String,
    kind: &'static str,
    part: String,
    word: Word,
    standing_html: String,
    others_html: Vec<String>,
    mentions: Vec<String>,
    made_by: Option<String>,
    attempts: u32,
    tries: Vec<TryView>,
    /// The one attempt that there was, where it was taken: it needs no table.
    only_try: Option<String>,
    may_be_replayed: bool,
}

/// One attempt.
#[derive(Debug, Serialize)]
struct TryView {
    number: u32,
    started_at: String,
    millis: u128,
    rung: Option<&'static str>,
    answer: String,
    is_taken: bool,
    words: Option<String>,
}

/// Lists deliveries.
pub(super) async fn list(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(page(&request, &state, &visit).await),
        Err(refusal) => *refusal,
    }
}

async fn page(request: &HttpRequest, state: &AppState, visit: &Visit) -> Result<HttpResponse, ErrorCode> {
    let fields = Fields::of(request, visit);
    let mut query = Query::of(request, visit.now);
    let (filter, Paging { after, limit }) = (query.deliveries()?, query.paging()?);
    query.finish()?;
    let is_dead = filter.state == Some(DeliveryState::Dead);
    let (page, choices) =
        tokio::join!(state.history.deliveries(filter, after, limit, visit.now), state.history.choices());
    let (page, mut destinations) = (page?, choices?.destinations);
    let configured = visit.policy.senders.destinations.iter().map(|each| each.name.to_string());
    destinations
        .extend(configured.chain((!fields.destination.is_empty()).then(|| fields.destination.clone())));
    destinations.sort();
    destinations.dedup();
    let content = move || Content {
        states: DeliveryState::ALL
            .iter()
            .map(|state| StateChoice { value: state.as_str(), word: words::of_delivery(*state) })
            .collect(),
        destinations,
        replay: is_dead
            .then(|| {
                let is_all = after.is_none() && page.next.is_none();
                ReplayView::of(&page.items, is_all, fields.address("/replay", ""))
            })
            .flatten(),
        deliveries: page.items.iter().map(DeliveryLine::from).collect(),
        is_filtered: fields != Fields::default(),
        is_first: after.is_none(),
        next: page.next.map(|next| fields.address("/deliveries", &next.to_string())),
        first: fields.address("/deliveries", ""),
        fields,
    };
    Ok(visit.show(Place::Deliveries, "Deliveries", "deliveries.html", content).await)
}

impl Fields {
    /// Reads them from an address.
    pub(super) fn of(request: &HttpRequest, visit: &Visit) -> Self {
        let mut query = Query::of(request, visit.now);
        let mut text = |name: &str| query.text(name).unwrap_or_default();
        Self {
            state: text("state"),
            destination: text("destination"),
            since: text("since"),
            until: text("until"),
        }
    }

    /// Returns the address of a path with these, behind a place in the list.
    pub(super) fn address(&self, path: &str, after: &str) -> String {
        let Self { state, destination, since, until } = self;
        let pairs = [
            ("state", state.as_str()),
            ("destination", destination),
            ("since", since),
            ("until", until),
            ("after", after),
        ];
        address(path, pairs)
    }
}

impl From<&DeliveryRow> for DeliveryLine {
    fn from(row: &DeliveryRow) -> Self {
        let status = row.last_status.map(|status| status.to_string());
        let reason = row.last_reason.map(|reason| reason.to_string());
        let answer: Vec<String> = status.into_iter().chain(reason).collect();
        Self {
            delivery: DeliveryView::from(row),
            run: row.run.clone(),
            run_href: format!("/runs/{}", in_path(&row.run)),
            action: row.action.clone(),
            created_at: rfc3339(row.created_at),
            last_answer: answer.join(" "),
            notes_html: notes(row).iter().map(|note| linked_html(note)).collect(),
        }
    }
}

/// Says what the state alone does not.
fn notes(row: &DeliveryRow) -> Vec<String> {
    const SAID: [&str; 4] = ["waits", "is being sent", "delivered", "superseded"];
    let standing = match row.last_reason.filter(|_| row.state == DeliveryState::Dead) {
        Some(reason) => telling::words(reason),
        None => telling::standing(row, None, None),
    };
    let standing = standing.strip_prefix("waits, ").unwrap_or(&standing).to_owned();
    let standing = Some(standing).filter(|standing| !SAID.contains(&standing.as_str()));
    standing.into_iter().chain(telling::others(row)).collect()
}

impl From<&DeliveryRow> for DeliveryView {
    fn from(row: &DeliveryRow) -> Self {
        let is_over = matches!(row.state, DeliveryState::Delivered | DeliveryState::Dead);
        Self {
            id: row.id.to_string(),
            href: format!("/deliveries/{}", in_path(row.id.as_str())),
            destination: row.destination.to_string(),
            kind: row.kind.as_str(),
            part: telling::part(row),
            word: words::of_delivery(row.state),
            standing_html: linked_html(&telling::standing(row, None, None)),
            others_html: telling::others(row).map(|other| linked_html(&other)).collect(),
            mentions: row.mentions.iter().map(ToString::to_string).collect(),
            made_by: None,
            attempts: row.attempts,
            tries: Vec::new(),
            only_try: None,
            may_be_replayed: is_over && row.replayed_by.is_none(),
        }
    }
}

impl DeliveryView {
    /// Returns a delivery of a run with its account.
    pub(super) fn of(history: &RunHistory, row: &DeliveryRow) -> Self {
        let view = Self::from(row);
        let Some(account) = history.accounts.get(&row.id) else { return view };
        let event = history.events.iter().find(|event| event.event.id == row.event_id);
        let received_at = event.map(|event| event.event.received_at);
        Self {
            standing_html: linked_html(&telling::standing(row, Some(account), received_at)),
            made_by: Some(telling::made_by(set(history, row, account), &account.tries)),
            tries: account.tries.iter().map(TryView::from).collect(),
            only_try: only_try(&account.tries),
            ..view
        }
    }
}

/// Tells of the only attempt, where it was taken as it was.
fn only_try(tries: &[Try]) -> Option<String> {
    let [only] = tries else { return None };
    let is_plain = only.reason.is_none() && only.words.is_none() && only.rung == Rung::Whole;
    let status = only.status.map(|status| format!(", status {status}")).unwrap_or_default();
    is_plain.then(|| format!("taken at the first attempt{status}, in {} ms", only.duration.as_millis()))
}

impl From<&Try> for TryView {
    fn from(attempt: &Try) -> Self {
        let status = attempt.status.map(|status| status.to_string());
        let reason = attempt.reason.map(|reason| reason.to_string());
        let answer: Vec<String> = status.into_iter().chain(reason).collect();
        Self {
            number: attempt.number,
            started_at: rfc3339(attempt.started_at),
            millis: attempt.duration.as_millis(),
            rung: (attempt.rung != Rung::Whole).then(|| attempt.rung.as_str()),
            answer: if answer.is_empty() { "taken".to_owned() } else { answer.join(" ") },
            is_taken: attempt.reason.is_none(),
            words: attempt.words.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_dead_letters_it_is_said_how_many_are_open() {
        let told = |open, shown, is_all| {
            let view = ReplayView::counted(open, shown, is_all, "/replay".to_owned());
            view.map(|view| (view.href.is_some(), view.note.unwrap_or_default()))
        };
        assert_eq!(told(0, 0, true), None);
        assert_eq!(told(5, 5, true), Some((true, String::new())));
        let said = |note: &str| note.to_owned();
        assert_eq!(
            told(3, 5, true),
            Some((true, said("3 of the 5 that are shown were not sent again yet.")))
        );
        assert_eq!(told(0, 5, true), Some((false, said("All that are shown were sent again already."))));
        assert_eq!(
            told(0, 50, false),
            Some((true, said("0 of the 50 on this page were not sent again yet."))),
            "there may be others on other pages"
        );
    }
}
