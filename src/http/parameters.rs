//! The parameters of addresses: by which names `query.rs` reads them, and what `openapi.rs` says of them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::delivery::DeliveryState;
use crate::run::RunState;

/// How many rows a page has, unless it is said.
pub(super) const LIMIT: usize = 50;
/// How many rows a page has at most.
pub(super) const MOST: usize = 200;

/// One parameter.
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: &'static str,
    /// What it asks for.
    pub(super) about: &'static str,
    /// Which values it takes.
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

pub(super) const TEXT: Parameter = Parameter {
    name: "q",
    about: "Words that all occur in what is known of a run, each at least as a beginning: its issue's title and short id, \
            the repositories, the cause, the pull requests, the ids.",
    schema: text,
};
pub(super) const ORGANIZATION: Parameter =
    Parameter { name: "organization", about: "Whose it is: the slug.", schema: text };
pub(super) const REPO: Parameter =
    Parameter { name: "repo", about: "A repository that it is about, whole: `acme/api`.", schema: text };
pub(super) const RUN_STATE: Parameter =
    Parameter { name: "state", about: "How far the run has come.", schema: one_of::<RunState> };
pub(super) const ACTION: Parameter =
    Parameter { name: "action", about: "An action that an event of the run announced.", schema: text };
pub(super) const DESTINATION: Parameter =
    Parameter { name: "destination", about: "The name of a destination that it goes to.", schema: text };
pub(super) const DELIVERY_STATE: Parameter =
    Parameter { name: "state", about: "Where the delivery stands.", schema: one_of::<DeliveryState> };
pub(super) const SINCE: Parameter = Parameter {
    name: "since",
    about: "It began then or later: the run's first event was received, the delivery was planned. RFC 3339 \
            (`2026-12-01T08:00:00Z`), a day in UTC (`2026-12-01`), or how long ago (`7d`, `2h 30m`).",
    schema: text,
};
pub(super) const UNTIL: Parameter = Parameter {
    name: "until",
    about: "It began before; written as `since` is. A day means before that day began.",
    schema: text,
};
pub(super) const COUNTED_SINCE: Parameter = Parameter {
    name: "since",
    about: "Runs that began, and deliveries that were planned, then or later; written as `since` of a list is. Without it \
            the last 30 days.",
    schema: text,
};
pub(super) const COUNTED_UNTIL: Parameter = Parameter {
    name: "until",
    about: "And before; now, unless it is said. A day means before that day began.",
    schema: text,
};
pub(super) const AFTER: Parameter = Parameter {
    name: "after",
    about: "`next` of the page before; the first page without it.",
    schema: cursor,
};
pub(super) const ROWS: Parameter =
    Parameter { name: "limit", about: "How many rows at most.", schema: row_count };

/// What a list of runs is asked by.
pub(super) const OF_RUNS: &[&Parameter] =
    &[&TEXT, &ORGANIZATION, &REPO, &RUN_STATE, &ACTION, &DESTINATION, &SINCE, &UNTIL, &AFTER, &ROWS];
/// What a list of deliveries is asked by.
pub(super) const OF_DELIVERIES: &[&Parameter] =
    &[&DELIVERY_STATE, &DESTINATION, &SINCE, &UNTIL, &AFTER, &ROWS];
/// What a report is asked by.
pub(super) const OF_REPORTS: &[&Parameter] = &[&ORGANIZATION, &REPO, &COUNTED_SINCE, &COUNTED_UNTIL];

fn text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

fn cursor(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": r"^-?\d+$" })
}

fn row_count(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT })
}

fn one_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
