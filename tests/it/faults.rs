//! Proof under faults: a real process, real sockets, real files, and what goes wrong with them.
//!
//! Small numbers here; `tests/faults/run` runs the same code with the full ones, and prints what came of it.

mod backlog;
mod crash;
mod destinations;
mod disk;
mod reload;
mod retention;
mod stop;
mod time;

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Receiver, Sentry};

/// Routes that send everything to each of these `webhook` destinations.
fn everything_to(destinations: &[(&str, &Receiver)]) -> String {
    let tables = destinations.iter().map(|(name, receiver)| {
        format!("[webhook.{name}]\nurl = \"{}\"\n", receiver.url(&format!("/{name}")))
    });
    let names: Vec<&str> = destinations.iter().map(|(name, _)| *name).collect();
    format!("{}[[route]]\nname = \"all\"\nto = {names:?}\n", tables.collect::<String>())
}

/// Posts one webhook and waits until it is at a receiver that gets nothing else meanwhile; returns how long its
/// acknowledgement and its way took.
async fn time_one(sentry: &Sentry, action: &str, number: u64, receiver: &Receiver) -> (Duration, Duration) {
    let before = receiver.count();
    let began = Instant::now();
    sentry.accepted(action, &json!({ "run_id": number, "number": number })).await;
    let acknowledged = began.elapsed();
    receiver.more_than(before).await;
    (acknowledged, receiver.received_after(before)[0].at - began)
}

/// Returns the most requests that arrived within any second.
fn most_in_a_second(receiver: &Receiver) -> usize {
    let times: Vec<Instant> = receiver.received_after(0).iter().map(|each| each.at).collect();
    let (mut first, mut most) = (0, 0);
    for (last, at) in times.iter().enumerate() {
        while *at - times[first] >= Duration::from_secs(1) {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most
}
