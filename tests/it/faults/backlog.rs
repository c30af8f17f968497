//! Very many deliveries wait for a dead destination: nobody else notices, and they go out in order once it is back.

use std::time::{Duration, Instant};

use super::{most_in_a_second, time_one};
use crate::support::{Answer, Ledger, Load, Receiver, Relay, RelayFolder, Scale, percentile};

const MIB: u64 = 1024 * 1024;

/// A relay with a destination that is dead and one that is not, and its receivers.
struct Scene {
    dead: Receiver,
    healthy: Receiver,
    folder: RelayFolder,
}

impl Scene {
    fn new(rate: usize) -> Self {
        let dead = Receiver::start_with(Answer::Refuse(503, vec![], String::new()));
        let healthy = Receiver::start();
        let routes = format!(
            "[webhook.healthy]\nurl = \"{}\"\n[webhook.dead]\nurl = \"{}\"\nrate = \"{rate}/s\"\n\
             [[route]]\nname = \"dead\"\nwhen = {{ action = \"step\" }}\nto = [\"dead\"]\n\
             [[route]]\nname = \"healthy\"\nwhen = {{ action = \"probe\" }}\nto = [\"healthy\"]\n",
            healthy.url("/healthy"),
            dead.url("/dead"),
        );
        let folder = RelayFolder::with_settings("delivery.retry_max = \"2s\"", &routes);
        Self { dead, healthy, folder }
    }
}

/// Times of acknowledgements and of whole ways.
#[derive(Default)]
struct Times(Vec<Duration>, Vec<Duration>);

impl Times {
    async fn add(&mut self, relay: &Relay, number: u64, scene: &Scene) {
        let (acknowledged, delivered) = time_one(&relay.sentry(), "probe", number, &scene.healthy).await;
        self.0.push(acknowledged);
        self.1.push(delivered);
    }
}

fn ratio(one: &[Duration], other: &[Duration]) -> f64 {
    percentile(one, 99).as_secs_f64() / percentile(other, 99).as_secs_f64()
}

#[tokio::test]
async fn a_backlog_for_a_dead_destination_is_noticed_by_nobody_and_drains_in_order_and_at_its_rate() {
    let scale = Scale::of_run();
    let (waiting, rate, samples) = scale.pick((5_000, 1_000, 300), (100_000, 2_000, 1_000));
    let (busy, idle) = (Scene::new(rate), Scene::new(rate));
    let relay = busy.folder.serve();
    let load = Load::start(&relay.sentry(), 32, 0);
    load.until_accepted(waiting).await;
    let answered = load.end().await;
    assert!(relay.terminate().success());

    let began = Instant::now();
    let relay = busy.folder.serve();
    let start = began.elapsed();
    let beside = idle.folder.serve();
    let (mut with, mut without) = (Times::default(), Times::default());
    for sample in 0..samples {
        with.add(&relay, 10_000_000 + sample, &busy).await;
        without.add(&beside, 10_000_000 + sample, &idle).await;
    }
    let (acknowledged, delivered) = (ratio(&with.0, &without.0), ratio(&with.1, &without.1));
    let memory = relay.peak_memory();
    assert!(start < scale.within(Duration::from_secs(1)), "it started in {start:?}");
    assert!(memory < 64 * MIB, "{} MiB of memory", memory / MIB);
    let most = scale.pick(10.0, 1.5);
    assert!(
        acknowledged < most && delivered < most,
        "p99 is {acknowledged:.2} and {delivered:.2} times as long"
    );

    let back_at = Instant::now();
    busy.dead.always(Answer::Take);
    let mut ledger = Ledger::of(&busy.dead);
    ledger.settles(&answered).await;
    let drained = back_at.elapsed();
    let flood = most_in_a_second(&busy.dead);
    assert!(
        flood <= 2 * rate + rate / 5,
        "{flood} calls in a second, where {rate} and a burst of as many are allowed"
    );
    let memory = memory.max(relay.peak_memory());
    assert!(memory < 64 * MIB, "{} MiB of memory", memory / MIB);
    drop((relay, beside));
    scale.report(
        "a backlog for a dead destination",
        &format!("{} deliveries waiting", answered.accepted.len()),
        &format!(
            "started in {} ms; p99 of an acknowledgement {acknowledged:.2} and of a healthy delivery {delivered:.2} times \
             that of an empty relay; {} MiB of memory; drained in order in {:.0} s, at most {flood} within a second at \
             `{rate}/s`",
            start.as_millis(),
            memory / MIB,
            drained.as_secs_f64(),
        ),
    );
}
