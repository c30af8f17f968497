//! What became of deliveries, in words: where each stands and why. The same for commands and pages.
//!
//! Knows neither a terminal nor a browser; strangers' texts stand in it as they are.

use std::time::Duration;

use jiff::Timestamp;

use crate::delivery::{DeliveryState, Part, Reason};
use crate::routing::SetFrom;
use crate::store::{Account, DeliveryRow, MadeBy, Needless, Try};

/// Says where a delivery stands, and why.
pub fn standing(row: &DeliveryRow, account: Option<&Account>, received_at: Option<Timestamp>) -> String {
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
pub fn part(row: &DeliveryRow) -> String {
    match row.gathered {
        Some(1) => ", digest of 1 event".to_owned(),
        Some(events) => format!(", digest of {events} events"),
        None if row.part == Part::Message => String::new(),
        None => format!(", {}", row.part),
    }
}

/// Says what a reason means for a dead letter.
pub fn words(reason: Reason) -> String {
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
pub fn others(row: &DeliveryRow) -> impl Iterator<Item = String> {
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

/// Says which template set and which template the message was made by, last.
pub fn made_by(set: Option<(String, SetFrom)>, tries: &[Try]) -> String {
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

/// Says what share of something this is, to the nearest hundredth: `31 %`; nothing where there is none of it.
pub fn share(part: u64, whole: u64) -> String {
    let (part, whole) = (u128::from(part), u128::from(whole));
    let percent = (200 * part + whole).checked_div(2 * whole);
    percent.map(|percent| format!("{percent} %")).unwrap_or_default()
}

/// Writes a time to the second; milliseconds are for programs.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Says how long it was from one time to another; `None` where the clock was set back.
pub fn between(from: Timestamp, to: Timestamp) -> Option<String> {
    Duration::try_from(to.duration_since(from)).ok().map(length)
}

/// Says how long something took.
pub fn length(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{} ms", span.as_millis())
    } else if span < Duration::from_secs(10) {
        format!("{:.1} s", span.as_secs_f64())
    } else {
        humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_to_the_nearest() {
        for (part, whole, told) in
            [(2, 3, "67 %"), (1, 3, "33 %"), (1, 200, "1 %"), (199, 200, "100 %"), (0, 7, "0 %"), (0, 0, "")]
        {
            assert_eq!(share(part, whole), told, "{part} of {whole}");
        }
        assert_eq!(share(u64::MAX, u64::MAX), "100 %");
    }
}
