//! What a backtest found, for people and for programs.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::difference::{Difference, Differences, Group};
use super::side::{Message, Template};
use crate::cli::Terminal;
use crate::cli::draw::{Look, Page, Piece, STEP, beside, piece, plain};
use crate::config::Fault;
use crate::http::telling::moment;
use crate::render::context::rfc3339;

/// What is told of the differences.
pub(super) struct Report<'a> {
    pub(super) differences: &'a Differences,
    /// From when on events were looked at; `None` for all.
    pub(super) since: Option<Timestamp>,
    /// How many kinds of difference are told at most.
    pub(super) limit: usize,
}

impl Report<'_> {
    /// Returns the document.
    pub(super) fn as_json(&self) -> Value {
        let kinds = self.differences.most_frequent();
        let told = kinds.iter().take(self.limit);
        json!({
            "since": self.since.map(rfc3339),
            "runs": self.differences.runs,
            "events": self.differences.events,
            "differing": self.differences.differing,
            "differences": told.map(|(difference, group)| group_as_json(difference, group)).collect::<Vec<_>>(),
            "left_out": kinds.len().saturating_sub(self.limit),
            "faults": [],
            "against_faults": [],
        })
    }

    /// Returns the page.
    pub(super) fn draw(&self, terminal: Terminal) -> String {
        let mut page = Page::new(terminal);
        let Differences { runs, events, differing, untold, .. } = self.differences;
        let since = self.since.map(|since| format!(" since {}", moment(since))).unwrap_or_default();
        let looked_at = format!("{} of {}{since}: ", counted(*events, "event"), counted(*runs, "run"));
        let verdict = match differing {
            0 => piece(Look::Good, "nothing would change"),
            1 => piece(Look::Strong, "1 would become something else"),
            _ => piece(Look::Strong, format!("{differing} would become something else")),
        };
        page.line(0, STEP, [plain(looked_at), verdict]);
        let kinds = self.differences.most_frequent();
        for (difference, group) in kinds.iter().take(self.limit) {
            page.gap();
            draw_group(&mut page, difference, group);
        }
        let more = kinds.len().saturating_sub(self.limit);
        if more > 0 {
            page.gap();
            page.line(
                0,
                STEP,
                [plain(format!("and {} of difference; see --limit", counted(more as u64, "more kind")))],
            );
        }
        if *untold > 0 {
            page.gap();
            page.line(0, STEP, [plain(format!("and {} in still other ways", counted(*untold, "event")))]);
        }
        page.into_text()
    }
}

/// Returns the document where configurations have faults: those of the new one, and those of today's.
pub(super) fn as_json_of_faults(new: &[Fault], today: &[Fault]) -> Value {
    json!({
        "since": null, "runs": 0, "events": 0, "differing": 0, "differences": [], "left_out": 0,
        "faults": new, "against_faults": today,
    })
}

fn draw_group(page: &mut Page, difference: &Difference, group: &Group) {
    let actions: Vec<String> =
        group.actions.iter().map(|(action, count)| format!("{action} {count}")).collect();
    page.line(
        0,
        STEP,
        [
            piece(Look::Strong, counted(group.events, "event")),
            piece(Look::Quiet, format!("  {}", actions.join(", "))),
        ],
    );
    for message in &difference.added {
        page.line(STEP, 2, changed_line(Look::Good, "+", message, &by(&message.template)));
    }
    for message in &difference.removed {
        page.line(STEP, 2, changed_line(Look::Bad, "-", message, &by(&message.template)));
    }
    for (before, after) in &difference.changed {
        page.line(STEP, 2, changed_line(Look::Busy, "~", before, &changes(before, after).join("; ")));
    }
    let names = |routes: &[String]| if routes.is_empty() { "no route".to_owned() } else { routes.join(", ") };
    let (before, after) = (names(&difference.routes_before), names(&difference.routes_after));
    let routes = if before == after { format!("by {before}") } else { format!("by {before} → {after}") };
    page.line(STEP, 2, [plain(routes)]);
    let examples: Vec<&str> = group.examples.iter().map(crate::event::EventId::as_str).collect();
    page.line(STEP, 2, [piece(Look::Quiet, examples.join(" "))]);
}

fn changed_line(look: Look, sign: &str, message: &Message, template: &str) -> [Piece; 4] {
    let part = beside(" ", message.part);
    [
        piece(look, sign),
        plain(" "),
        piece(Look::Strong, message.destination.as_str()),
        plain(format!(" ({}){part} {template}", message.kind)),
    ]
}

/// Says what is another way about a message.
fn changes(before: &Message, after: &Message) -> Vec<String> {
    let mut changes = Vec::new();
    if before.template != after.template {
        changes.push(format!("{} → {}", by(&before.template), by(&after.template)));
    }
    let held = |message: &Message| if message.muted.is_some() { "held back" } else { "at once" };
    if before.muted != after.muted {
        changes.push(format!("{} → {}", held(before), held(after)));
    }
    let people = |message: &Message| {
        let words: Vec<String> = message.mentions.iter().map(ToString::to_string).collect();
        if words.is_empty() { "nobody".to_owned() } else { words.join(", ") }
    };
    if before.mentions != after.mentions {
        changes.push(format!("mentions {} → {}", people(before), people(after)));
    }
    let stand_in = |message: &Message| {
        message.fallback.as_ref().map_or_else(|| "no fallback".to_owned(), |name| format!("fallback {name}"))
    };
    if before.fallback != after.fallback {
        changes.push(format!("{} → {}", stand_in(before), stand_in(after)));
    }
    changes
}

fn by(template: &Template) -> String {
    let built_in = if template.is_built_in { ", built in" } else { "" };
    match &template.set {
        None => format!("by {}{built_in}", template.path),
        Some(set) => format!("by {}{built_in} (set `{set}`)", template.path),
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn group_as_json(difference: &Difference, group: &Group) -> Value {
    let changed = difference.changed.iter().map(|(before, after)| {
        json!({
            "destination": before.destination, "kind": before.kind, "part": before.part,
            "before": manner_as_json(before), "after": manner_as_json(after),
        })
    });
    json!({
        "events": group.events,
        "actions": group.actions,
        "added": difference.added.iter().map(message_as_json).collect::<Vec<_>>(),
        "removed": difference.removed.iter().map(message_as_json).collect::<Vec<_>>(),
        "changed": changed.collect::<Vec<_>>(),
        "routes_before": difference.routes_before,
        "routes_after": difference.routes_after,
        "examples": group.examples,
    })
}

fn message_as_json(message: &Message) -> Value {
    let place = [
        ("destination", json!(message.destination)),
        ("kind", json!(message.kind)),
        ("part", json!(message.part)),
    ];
    let place = place.map(|(name, value)| (name.to_owned(), value));
    Value::Object(place.into_iter().chain(manner_as_json(message)).collect())
}

fn manner_as_json(message: &Message) -> Map<String, Value> {
    let Message { template, muted, mentions, fallback, .. } = message;
    let manner = [
        ("template", json!(template.path)),
        ("template_set", json!(template.set)),
        ("built_in", json!(template.is_built_in)),
        ("held_back", json!(muted.is_some())),
        ("mentions", json!(mentions)),
        ("fallback", json!(fallback)),
    ];
    manner.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}
