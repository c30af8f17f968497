//! History as JSON: the same shapes for `--json` and for the API.
//!
//! Knows neither the store's tables nor who asks. Fields may be added, never renamed; what `openapi.rs` says of them is
//! made of these structs and their comments.

mod deliveries;
mod events;
mod page;
mod replays;
mod runs;

pub use deliveries::{AccountJson, AttemptJson, DeliveryJson, MutedJson, ToldDeliveryJson, set};
pub use events::{EventHistoryJson, EventJson, ToldEventJson, event_history};
pub use page::PageJson;
pub use replays::{ReplayJson, ReplayedJson, replayed};
pub use runs::{PullRequestJson, RunHistoryJson, RunJson, RunSummary, StageJson, run_history};
