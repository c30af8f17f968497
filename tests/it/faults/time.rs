//! A wall clock that is set forward and back: nothing is lost, flooded or stalled.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{everything_to, most_in_a_second};
use crate::support::{Answer, Ledger, Load, Machine, Receiver, RelayFolder, Scale};

const HOUR: i64 = 3_600;
/// Calls a second that one of the destinations takes.
const RATE: usize = 100;

#[tokio::test]
async fn a_clock_that_is_set_forward_and_back_under_load_neither_loses_nor_floods_nor_stalls() {
    let scale = Scale::of_run();
    let steps = scale.pick(4, 40);
    let (audit, slow) = (Receiver::start(), Receiver::start());
    let routes = everything_to(&[("audit", &audit), ("slow", &slow)])
        .replace("[[route]]", &format!("rate = \"{RATE}/s\"\n[[route]]"));
    let mut folder = RelayFolder::with_settings("delivery.retry_max = \"1s\"", &routes);
    let machine = Machine::under(&mut folder);
    let relay = folder.serve();
    let load = Load::start(&relay.sentry(), 2, 0);
    for step in 1..=steps {
        // Fewer than make the relay leave the destination alone for a while.
        audit.next((0..4).map(|_| Answer::Refuse(503, vec![], String::new())));
        load.until_accepted(step * 50).await;
        let ahead = [HOUR, 0, -HOUR, 0][step % 4];
        machine.clock_ahead(ahead);
    }
    let answered = load.end().await;
    let ended_at = Instant::now();
    Ledger::of(&audit).settles(&answered).await;
    let late = ended_at.elapsed();
    Ledger::of(&slow).settles(&answered).await;
    let most = most_in_a_second(&slow);
    assert!(
        most <= 2 * RATE + RATE / 5,
        "{most} calls in a second, where {RATE} and a burst of as many are allowed"
    );
    assert!(late < scale.within(Duration::from_secs(5)), "the last retry came after {late:?}");
    drop(relay);
    scale.report(
        "the clock steps an hour forward and back, under load",
        &format!("{steps} steps, {} acknowledged", answered.accepted.len()),
        &format!(
            "0 lost; at most {most} calls within a second at `{RATE}/s`; all retried {} ms after the last",
            late.as_millis()
        ),
    );
}

#[tokio::test]
async fn a_clock_that_is_set_back_while_the_relay_is_down_delays_a_retry_by_its_longest_pause_at_most() {
    let scale = Scale::of_run();
    let audit = Receiver::start_with(Answer::Refuse(503, vec![], String::new()));
    let settings = "delivery.retry_max = \"1s\"";
    let mut folder = RelayFolder::with_settings(settings, &everything_to(&[("audit", &audit)]));
    let machine = Machine::under(&mut folder);
    let relay = folder.serve();
    for run in 0..20 {
        relay.sentry().accepted("step", &json!({ "run_id": run, "number": run })).await;
    }
    audit.more_than(40).await;
    relay.kill();
    machine.clock_ahead(-HOUR);
    audit.always(Answer::Take);

    let relay = folder.serve();
    let began = Instant::now();
    audit.took_different(20, |each| each.json()["id"].to_string()).await;
    let took = began.elapsed();
    assert!(took < scale.within(Duration::from_secs(2)), "{took:?}");
    drop(relay);
    scale.report(
        "the clock is set back an hour while the relay is down",
        "20 retries waiting, `retry_max` 1 s",
        &format!("all delivered {} ms after the start", took.as_millis()),
    );
}
