//! What became of deliveries: where each stands and why, and every attempt.

use super::{Look, Page, STEP, piece, plain};
use crate::delivery::{DeliveryState, Mention, Rung};
use crate::http::api::set;
use crate::http::telling::{made_by, moment, others, part, standing};
use crate::store::{DeliveryRow, RunHistory, Try};

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

/// Says whom a message mentions, where it does.
pub(in crate::cli) fn draw_mentions(page: &mut Page, indent: usize, mentions: &[Mention]) {
    if !mentions.is_empty() {
        let words: Vec<String> = mentions.iter().map(ToString::to_string).collect();
        page.line(indent, 2, [plain(format!("mentions {}", words.join(", ")))]);
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
