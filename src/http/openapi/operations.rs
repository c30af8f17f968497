//! Every path of the API: what it takes, what it answers and what it refuses.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::http::api::{DeliveryJson, EventHistoryJson, PageJson, ReplayedJson, RunHistoryJson, RunJson};
use crate::http::endpoints::ReplayRequest;
use crate::http::parameters::{OF_DELIVERIES, OF_REPORTS, OF_RUNS, Parameter};
use crate::store::Report;

/// By which method a path is asked.
#[derive(Clone, Copy)]
pub(super) enum Method {
    /// To see something.
    Get,
    /// To change something.
    Post,
}

/// One path and method.
pub(super) struct Operation {
    pub(super) path: &'static str,
    pub(super) method: Method,
    /// What programs call it that are made of the document.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) about: Option<&'static str>,
    /// What `{id}` of the path is, where it has one.
    pub(super) id_in_path: Option<&'static str>,
    pub(super) parameters: &'static [&'static Parameter],
    pub(super) body: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// What a 200 means.
    pub(super) answers: &'static str,
    pub(super) answer: fn(&mut SchemaGenerator) -> Schema,
    /// The codes of what it refuses.
    pub(super) errors: &'static [&'static str],
}

/// What lists refuse, and paths of one thing but for its id.
const OF_QUESTIONS: &[&str] = &["bad_query", "token_required", "store_unavailable"];

/// All of them.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/api/runs",
        method: Method::Get,
        id: "listRuns",
        summary: "List runs, those that began last first",
        about: Some(
            "By words (`q`) runs are found in the order in which they were opened. A run shows in lists a moment after its \
             event was accepted.",
        ),
        id_in_path: None,
        parameters: OF_RUNS,
        body: None,
        answers: "A page of runs.",
        answer: schema_of::<PageJson<RunJson>>,
        errors: OF_QUESTIONS,
    },
    Operation {
        path: "/api/runs/{id}",
        method: Method::Get,
        id: "getRun",
        summary: "Show one run: what is known of it, its events and why each went where it did, its deliveries",
        about: None,
        id_in_path: Some(
            "The run as it is shown, `acme/12345` (the slash as it is, or as `%2F`), or its last part alone where no other \
             run has it.",
        ),
        parameters: &[],
        body: None,
        answers: "The run.",
        answer: schema_of::<RunHistoryJson<'static>>,
        errors: &["bad_query", "token_required", "unknown_id", "ambiguous_id", "store_unavailable"],
    },
    Operation {
        path: "/api/events/{id}",
        method: Method::Get,
        id: "getEvent",
        summary: "Show one event: why it was routed as it was, and what became of it",
        about: None,
        id_in_path: Some("The event (`evt_…`), or one of its deliveries (`dlv_…`)."),
        parameters: &[],
        body: None,
        answers: "The event.",
        answer: schema_of::<EventHistoryJson<'static>>,
        errors: &["bad_query", "token_required", "unknown_id", "store_unavailable"],
    },
    Operation {
        path: "/api/deliveries",
        method: Method::Get,
        id: "listDeliveries",
        summary: "List deliveries, those that were planned last first",
        about: None,
        id_in_path: None,
        parameters: OF_DELIVERIES,
        body: None,
        answers: "A page of deliveries.",
        answer: schema_of::<PageJson<DeliveryJson>>,
        errors: OF_QUESTIONS,
    },
    Operation {
        path: "/api/report",
        method: Method::Get,
        id: "getReport",
        summary: "Count runs by how far they came, their stages, root causes and pull requests, and deliveries by outcome",
        about: Some(
            "Runs are counted on the day on which they began, deliveries on the one on which they were planned. One report is \
             counted at a time; of some million runs it takes seconds, and more than 12 s are refused.",
        ),
        id_in_path: None,
        parameters: OF_REPORTS,
        body: None,
        answers: "The report.",
        answer: schema_of::<Report>,
        errors: OF_QUESTIONS,
    },
    Operation {
        path: "/api/replay",
        method: Method::Post,
        id: "replay",
        summary: "Send again: deliveries, events, runs, or dead letters",
        about: Some(
            "A delivery goes again to its destination with today's template; an event or a run is routed anew. Where an id \
             is unknown, those before it are sent again all the same. Without `Bearer` the request needs an `Origin` that is \
             the relay's own, as its pages send it.",
        ),
        id_in_path: None,
        parameters: &[],
        body: Some(schema_of::<ReplayRequest>),
        answers: "What was queued.",
        answer: schema_of::<ReplayedJson<'static>>,
        errors: &[
            "bad_request",
            "token_required",
            "cross_origin",
            "unknown_id",
            "ambiguous_id",
            "store_unavailable",
        ],
    },
    Operation {
        path: "/api/openapi.json",
        method: Method::Get,
        id: "getOpenapi",
        summary: "This document",
        about: None,
        id_in_path: None,
        parameters: &[],
        body: None,
        answers: "An OpenAPI 3.1 document.",
        answer: any_object,
        errors: &["bad_query", "token_required"],
    },
];

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}
