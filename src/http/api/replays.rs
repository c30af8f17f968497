//! What a replay queued, as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::EventId;
use crate::store::Replayed;

/// What a replay queued.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Replayed")]
pub struct ReplayedJson<'a> {
    /// The deliveries that are sent again.
    pub deliveries: Vec<ReplayJson<'a>>,
    /// The events that are routed anew, and sent wherever today's routes lead.
    pub events: Vec<&'a str>,
}

/// A delivery that is sent again.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Replay")]
pub struct ReplayJson<'a> {
    /// The delivery that is repeated; it stays as it is.
    pub replay_of: &'a str,
    /// The one that repeats it.
    pub id: &'a str,
}

/// Returns what a replay queued.
pub fn replayed(replayed: &Replayed) -> ReplayedJson<'_> {
    let pairs = replayed.deliveries.iter();
    ReplayedJson {
        deliveries: pairs
            .map(|(old, new)| ReplayJson { replay_of: old.as_str(), id: new.as_str() })
            .collect(),
        events: replayed.events.iter().map(EventId::as_str).collect(),
    }
}
