//! `kill -9` at any moment: nothing that was acknowledged is lost, and only what was under way comes twice.

use std::collections::HashMap;

use super::everything_to;
use crate::support::{Answered, Ledger, Load, Receiver, RelayFolder, Scale};

#[tokio::test]
async fn nothing_acknowledged_is_lost_to_kills_and_only_what_was_under_way_comes_twice() {
    let scale = Scale::of_run();
    let rounds = scale.pick(5, 50);
    let (audit, chat) = (Receiver::start(), Receiver::start());
    let folder = RelayFolder::new(&everything_to(&[("audit", &audit), ("chat", &chat)]));
    let mut answered = Answered::default();
    let mut under_way: HashMap<String, usize> = HashMap::new();
    for round in 0..rounds {
        let relay = folder.serve();
        let load = Load::start(&relay.sentry(), 16, round * 1_000_000);
        load.until_accepted(rand::random_range(1..scale.pick(150, 1_500))).await;
        relay.kill();
        answered.add(load.end().await);
        for delivery in
            folder.json(&["deliveries", "--state", "sending", "--limit", "100000"]).as_array().unwrap()
        {
            *under_way.entry(delivery["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }

    let relay = folder.serve();
    let mut duplicates = 0;
    for receiver in [&audit, &chat] {
        let mut ledger = Ledger::of(receiver);
        ledger.settles(&answered).await;
        folder.until_nothing_waits().await;
        ledger.read();
        for (id, times) in ledger.repeated() {
            let kills = under_way.get(id).copied().unwrap_or_default();
            assert!(times <= kills, "{id} came {times} times too often, and was under way at {kills} kills");
            duplicates += times;
        }
    }
    drop(relay);

    let most: usize = under_way.values().sum();
    scale.report(
        "`kill -9` under load, restart",
        &format!("{rounds} kills, {} acknowledged, {} refused (401)", answered.accepted.len(), answered.refused.len()),
        &format!("0 lost, 0 refused ones delivered, in order; {duplicates} duplicates, {most} were being sent at a kill"),
    );
}
