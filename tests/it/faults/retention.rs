//! Old runs go under load without holding up an acknowledgement, and the file does not grow without end.

use std::time::{Duration, Instant};

use serde_json::json;

use super::everything_to;
use crate::support::{Ledger, Load, Machine, PATIENCE, Receiver, RelayFolder, Scale};

/// The retention, and so much time passes between two generations of runs.
const GENERATION_S: i64 = 2 * 3_600;

// Several threads: the load must not wait for the commands that are run beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_runs_go_under_load_without_holding_up_an_acknowledgement_and_the_file_keeps_its_size() {
    let scale = Scale::of_run();
    let (events, of_fat_run) = scale.pick((400, 40), (10_000, 400));
    let audit = Receiver::start();
    let mut folder =
        RelayFolder::with_settings("store.retention = \"1h\"", &everything_to(&[("audit", &audit)]));
    let machine = Machine::under(&mut folder);
    let mut ledger = Ledger::of(&audit);
    let (mut sizes, mut slowest) = (Vec::new(), Duration::ZERO);
    for generation in 0..4_u64 {
        machine.clock_ahead(i64::try_from(generation).unwrap() * GENERATION_S);
        let first = (generation + 1) * 1_000_000;
        let relay = folder.serve();
        // While the runs of the generation before are removed.
        let load = Load::start_with(&relay.sentry(), 8, first, 8_000);
        if generation > 0 {
            is_removed(&folder, &format!("acme/{}", generation * 1_000_000 + 500_000)).await;
        }
        load.until_accepted(events).await;
        let answered = load.end().await;
        assert_eq!(answered.unavailable.len(), 0);
        if generation > 0 {
            slowest = slowest.max(answered.slowest());
        }
        let filler = "x".repeat(100_000);
        for step in 0..of_fat_run {
            let data =
                json!({ "run_id": first + 500_000, "number": first + 500_000 + step, "filler": filler });
            relay.sentry().accepted("step", &data).await;
        }
        ledger.settles(&answered).await;
        folder.until_nothing_waits().await;
        assert!(relay.terminate().success());
        sizes.push(std::fs::metadata(folder.store()).unwrap().len());
    }
    assert!(slowest < scale.within(Duration::from_millis(50)), "an acknowledgement took {slowest:?}");
    let (first, last) = (sizes[0], sizes[3]);
    assert!(last < 2 * first, "{sizes:?} bytes");
    let mib: Vec<u64> = sizes.iter().map(|bytes| bytes / (1024 * 1024)).collect();
    scale.report(
        "runs older than the retention are removed under load",
        &format!("3 times {events} events of 8 kB and a run of {of_fat_run} of 100 kB"),
        &format!(
            "the slowest acknowledgement meanwhile took {} ms; the file had {mib:?} MiB",
            slowest.as_millis()
        ),
    );
}

/// Waits until a run is unknown.
async fn is_removed(folder: &RelayFolder, run: &str) {
    let began = Instant::now();
    let mut every = tokio::time::interval(Duration::from_millis(50));
    loop {
        every.tick().await;
        let shown = folder.run(&["show", run]);
        if String::from_utf8_lossy(&shown.stderr).contains("no event, run or delivery is known") {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{run} is still there after {PATIENCE:?}");
    }
}
