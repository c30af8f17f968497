//! What became of deliveries: where each stands and why, and every attempt.

use std::time::Duration;

use jiff::Timestamp;

use super::{Look, Page, STEP, beside, piece, plain};
use crate::delivery::{DeliveryState, Mention, Reason, Rung};
use crate::http::api::set;
use crate::routing::SetFrom;
use crate::store::{Account, DeliveryRow, MadeBy, Needless, RunHistory, Try};

/// How much is told of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Detail {
    /// Everything.
    All,
    /// What is not as one would expect.
    Short,
}

/// Draws one delivery of a run, so far from the left.
pub(in crate::cli) fn draw(
    page: &mut Page,
    indent: usize,
    history: &RunHistory,
    row: &DeliveryRow,
    detail: Detail,
) {
    let account = history.accounts.get(&row.id);
    let received_at =
        history.events.iter().find(|event| event.event.id == row.event_id).map(|each| each.event.received_at);
    let (look, sign) = sign(row.state);
    let part = part(row);
    let head = [
        piece(look, sign),
        plain(" "),
        piece(Look::Strong, row.destination.as_str()),
        piece(Look::Quiet, format!(" ({}{part})  ", row.kind)),
        plain(standing(row, account, received_at)),
        piece(Look::Quiet, format!("  {}", row.id)),
    ];
    page.line(indent, STEP, head);
    let Some(account) = account else { return };
    let inner = indent + STEP;
    for other in others(row) {
        page.line(inner, 2, [plain(other)]);
    }
    if detail == Detail::All {
        draw_mentions(page, inner, &row.mentions);
    }
    let set = set(history, row, account);
    if detail == Detail::All {
        page.line(inner, 2, [piece(Look::Quiet, made_by(set, &account.tries))]);
    }
    let is_plain = matches!(account.tries.as_slice(), [only] if only.reason.is_none());
    if detail == Detail::All || !is_plain {
        account.tries.iter().for_each(|attempt| draw_attempt(page, inner, attempt));
    }
}

fn sign(state: DeliveryState) -> (Look, &'static str) {
    match state {
        DeliveryState::Delivered => (Look::Good, "✓"),
        DeliveryState::Waiting | DeliveryState::Sending => (Look::Busy, "…"),
        DeliveryState::Superseded => (Look::Quiet, "·"),
        DeliveryState::Dead => (Look::Bad, "✗"),
    }
}

/// Says where a delivery stands, and why.
fn standing(row: &DeliveryRow, account: Option<&Account>, received_at: Option<Timestamp>) -> String {
    let finished_at = account.and_then(|account| account.finished_at);
    let at = finished_at.map(|at| format!(" {}", moment(at))).unwrap_or_default();
    match row.state {
        DeliveryState::Waiting => waiting(row, account),
        DeliveryState::Sending => "is being sent".to_owned(),
        DeliveryState::Delivered => {
            let took = finished_at.zip(received_at).and_then(|(at, from)| between(from, at));
            format!("delivered{at}{}", took.map(|took| format!(", {took} after it came")).unwrap_or_default())
        }
        DeliveryState::Superseded => {
            let why = match account.and_then(|account| account.needless.as_ref()) {
                Some(Needless::Late) => ": the end of its step was told already".to_owned(),
                Some(Needless::ToldBy(event)) => format!(": {event} told the same there"),
                Some(Needless::NewerCard(card)) => format!(" by {card}, a newer edit of the card"),
                Some(Needless::NothingNew) => ": it would have changed nothing".to_owned(),
                Some(Needless::Dropped) => return dropped(row),
                Some(Needless::TakenOver) => return taken_over(row).unwrap_or_default(),
                Some(Needless::Gathered) => return gathered(row),
                None => String::new(),
            };
            format!("superseded{why}")
        }
        DeliveryState::Dead => {
            let reason = row.last_reason.map(|reason| format!(": {}", words(reason))).unwrap_or_default();
            format!("dead letter{at}{reason}")
        }
    }
}

fn waiting(row: &DeliveryRow, account: Option<&Account>) -> String {
    if let Some(since) = account.and_then(|account| account.gone_since) {
        return format!("waits, its destination is gone since {}", moment(since));
    }
    if let Some(behind) = account.and_then(|account| account.behind.as_ref()) {
        return format!("waits for {behind} of the same run to go first");
    }
    let paused = account.and_then(|account| account.paused_until);
    let paused = paused.map(|until| format!("; its destination is to be left alone until {}", moment(until)));
    let due = row.next_attempt_at.map(|at| format!(", due {}", moment(at)));
    let why = match (&row.muting, row.held_until) {
        (Some(muting), _) if row.attempts == 0 => Some(format!(", {muting}")),
        (None, Some(_)) if row.attempts == 0 => {
            due.map(|due| format!("{due}, as what was before it was muted"))
        }
        (Some(_) | None, _) => due,
    };
    format!("waits{}{}", why.unwrap_or_default(), paused.unwrap_or_default())
}

/// Says why a mute keeps it from being sent at all.
fn dropped(row: &DeliveryRow) -> String {
    row.muting.as_ref().map_or_else(|| "dropped".to_owned(), ToString::to_string)
}

/// Says what stands in for it.
fn taken_over(row: &DeliveryRow) -> Option<String> {
    row.fallback_by.as_ref().map(|(delivery, name)| format!("taken over by {name}: {delivery}"))
}

/// Says which digest tells it.
fn gathered(row: &DeliveryRow) -> String {
    row.digest
        .as_ref()
        .map_or_else(|| "told in a digest".to_owned(), |digest| format!("told in {digest}, a digest"))
}

/// Says which of the event's messages it is, where that is not the one that one expects.
fn part(row: &DeliveryRow) -> String {
    match row.gathered {
        Some(1) => ", digest of 1 event".to_owned(),
        Some(events) => format!(", digest of {events} events"),
        None => beside(", ", row.part),
    }
}

/// Says what a reason means for a dead letter.
fn words(reason: Reason) -> String {
    let meaning = match reason {
        Reason::Timeout | Reason::Connect | Reason::Dns | Reason::Tls => "no answer in all the time it had",
        Reason::RateLimited => "it was asked to wait for longer than it may",
        Reason::Auth => "the destination does not let the relay in",
        Reason::Gone => "the webhook or channel no longer exists",
        Reason::ClientError => "the destination refused it as wrong",
        Reason::ServerError => "the destination kept failing",
        Reason::BadAnswer => "the answers were none that the platform gives",
        Reason::Render => "its template failed",
        Reason::Expired => "it waited for longer than its news is worth",
        Reason::Removed => "its destination is no longer configured",
        Reason::Shutdown => "the relay stopped in the middle",
    };
    format!("{reason}, {meaning}")
}

/// Says which other deliveries it has to do with.
fn others(row: &DeliveryRow) -> impl Iterator<Item = String> {
    let stands_for = row.fallback_for.as_ref();
    let stands_for = stands_for.map(|(id, name)| format!("stands in for {name}, which did not take {id}"));
    // Where that is why it was not sent, it was said above.
    let taken_over = taken_over(row).filter(|_| row.state != DeliveryState::Superseded);
    let repeats = row.replay_of.as_ref().map(|id| format!("repeats {id}"));
    let repeated = row.replayed_by.as_ref().map(|id| format!("repeated by {id}"));
    // Until it is tried, that is said above.
    let was_muted = row.muting.as_ref().filter(|muting| !muting.dropped && row.attempts > 0);
    let was_muted = was_muted.map(|muting| format!("was {muting}"));
    was_muted.into_iter().chain(stands_for).chain(taken_over).chain(repeats).chain(repeated)
}

/// Says whom a message mentions, where it does.
pub(in crate::cli) fn draw_mentions(page: &mut Page, indent: usize, mentions: &[Mention]) {
    if !mentions.is_empty() {
        let words: Vec<String> = mentions.iter().map(ToString::to_string).collect();
        page.line(indent, 2, [plain(format!("mentions {}", words.join(", ")))]);
    }
}

/// Says which template set and which template the message was made by, last.
fn made_by(set: Option<(String, SetFrom)>, tries: &[Try]) -> String {
    let set = match set {
        None => "no template set".to_owned(),
        Some((set, SetFrom::Destination)) => format!("template set `{set}` of the destination"),
        Some((set, SetFrom::Route(route))) if route.is_empty() => format!("template set `{set}` of a route"),
        Some((set, SetFrom::Route(route))) => format!("template set `{set}` of route `{route}`"),
    };
    match tries.last().map(|attempt| &attempt.template) {
        None | Some(MadeBy::Unknown) => set,
        Some(MadeBy::BuiltIn) => format!("{set}; made by what comes with the relay"),
        Some(MadeBy::Template(path)) => format!("{set}; made by {path}"),
    }
}

fn draw_attempt(page: &mut Page, indent: usize, attempt: &Try) {
    let millis = attempt.duration.as_millis();
    let rung = if attempt.rung == Rung::Whole { String::new() } else { format!(", {}", attempt.rung) };
    let status = attempt.status.map(|status| status.to_string());
    let reason = attempt.reason.map(|reason| reason.to_string());
    let answer: Vec<String> = status.into_iter().chain(reason).collect();
    let answer = if answer.is_empty() { "taken".to_owned() } else { answer.join(" ") };
    let look = if attempt.reason.is_some() { Look::Bad } else { Look::Good };
    let said = attempt.words.as_ref().map(|words| plain(format!("  “{}”", words.trim())));
    let head = [
        piece(
            Look::Quiet,
            format!("{}  {}  {millis} ms{rung}  ", attempt.number, moment(attempt.started_at)),
        ),
        piece(look, answer),
    ];
    page.line(indent, STEP, head.into_iter().chain(said));
}

/// Writes a time to the second; milliseconds are for programs.
pub(in crate::cli) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Says how long it was from one time to another; `None` where the clock was set back.
pub(in crate::cli) fn between(from: Timestamp, to: Timestamp) -> Option<String> {
    Duration::try_from(to.duration_since(from)).ok().map(length)
}

/// Says how long something took.
pub(in crate::cli) fn length(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{} ms", span.as_millis())
    } else if span < Duration::from_secs(10) {
        format!("{:.1} s", span.as_secs_f64())
    } else {
        humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
    }
}
