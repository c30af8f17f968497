//! Destinations that misbehave: each has its reason, and none delays another or grows the memory.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;

use super::time_one;
use crate::support::{Answer, Conduct, Receiver, RelayFolder, Rogue, Scale};

/// Where what follows from an answer is known only by its body.
const SLACK: &str = "slack";
const WEBHOOK: &str = "webhook";

/// Kind, conduct below HTTP, and the reason on record; `None` where it counts as delivered.
const ROGUES: &[(&str, Conduct, Option<&str>)] = &[
    (WEBHOOK, Conduct::Refuses, Some("connect")),
    (WEBHOOK, Conduct::Hangs, Some("timeout")),
    (SLACK, Conduct::HangsMidway, Some("timeout")),
    (WEBHOOK, Conduct::HangsMidway, None),
    (WEBHOOK, Conduct::Resets, Some("connect")),
    (WEBHOOK, Conduct::Drips, Some("timeout")),
    (SLACK, Conduct::Floods, Some("bad_answer")),
    (WEBHOOK, Conduct::Floods, None),
    (SLACK, Conduct::WrongLength, Some("connect")),
    (WEBHOOK, Conduct::ClosesIdle, None),
];

/// Kind, an answer that is HTTP, and the reason on record.
fn answers() -> Vec<(&'static str, Answer, Option<&'static str>)> {
    let html = vec![("content-type", "text/html".to_owned())];
    let elsewhere = vec![("location", "/elsewhere".to_owned())];
    vec![
        (WEBHOOK, Answer::Refuse(307, elsewhere, String::new()), Some("client_error")),
        (SLACK, Answer::Refuse(200, html.clone(), "<html>log in</html>".into()), Some("bad_answer")),
        (SLACK, Answer::Refuse(403, html, "<html>no</html>".into()), Some("bad_answer")),
        (WEBHOOK, Answer::Refuse(503, vec![], String::new()), Some("server_error")),
    ]
}

/// A healthy destination and all those that misbehave, with what is expected of each.
struct Scene {
    healthy: Receiver,
    rogues: Vec<Rogue>,
    receivers: Vec<Receiver>,
    expected: BTreeMap<String, Option<&'static str>>,
    routes: String,
}

impl Scene {
    fn set() -> Self {
        let healthy = Receiver::start();
        let rogues: Vec<Rogue> = ROGUES.iter().map(|(_, conduct, _)| Rogue::start(*conduct)).collect();
        let answers = answers();
        let receivers: Vec<Receiver> =
            answers.iter().map(|(_, answer, _)| Receiver::start_with(answer.clone())).collect();
        let urls = rogues.iter().map(|rogue| rogue.url("/slack/x"));
        let urls = urls.chain(receivers.iter().map(|receiver| receiver.url("/slack/x")));
        let kinds = ROGUES.iter().map(|(kind, _, reason)| (*kind, *reason));
        let kinds = kinds.chain(answers.iter().map(|(kind, _, reason)| (*kind, *reason)));
        let mut routes = table("healthy", WEBHOOK, &healthy.url("/healthy"));
        let mut expected = BTreeMap::new();
        for (number, (url, (kind, reason))) in (10..).zip(urls.zip(kinds)) {
            let name = format!("d{number}");
            routes += &table(&name, kind, &url);
            // What never comes is waited for briefly; what comes, for as long as a busy machine may take.
            let timeout = if reason == Some("timeout") { "400ms" } else { "10s" };
            writeln!(routes, "timeout = \"{timeout}\"").unwrap();
            expected.insert(name, reason);
        }
        let names: Vec<&String> = expected.keys().collect();
        routes += "[[route]]\nname = \"healthy\"\nto = [\"healthy\"]\n[[route]]\nname = \"all\"\n";
        writeln!(routes, "when = {{ action = \"all\" }}\nto = {names:?}").unwrap();
        Self { healthy, rogues, receivers, expected, routes }
    }

    /// Returns whether every destination was called.
    fn all_were_called(&self) -> bool {
        let called = |rogue: &Rogue| rogue.calls() > 0 || rogue.conduct() == Conduct::Refuses;
        self.rogues.iter().all(called) && self.receivers.iter().all(|receiver| receiver.count() > 0)
    }
}

fn table(name: &str, kind: &str, url: &str) -> String {
    let key = if kind == SLACK { "webhook_url" } else { "url" };
    format!("[{kind}.{name}]\n{key} = \"{url}\"\nrate = \"unlimited\"\n")
}

/// Returns the reason of the last attempt for each destination, where all that were tried have the same.
fn reasons(deliveries: &[Value]) -> BTreeMap<String, Option<&str>> {
    let tried = deliveries.iter().filter(|each| each["attempts"] != 0 && each["destination"] != "healthy");
    let mut reasons = BTreeMap::new();
    for each in tried {
        let name = each["destination"].as_str().unwrap().to_owned();
        let reason = each["last_reason"].as_str();
        reasons
            .entry(name)
            .and_modify(|known| {
                if *known != reason {
                    *known = Some("several");
                }
            })
            .or_insert(reason);
    }
    reasons
}

#[tokio::test]
async fn destinations_that_misbehave_have_their_reason_and_neither_delay_another_nor_grow_the_memory() {
    let scale = Scale::of_run();
    let rounds = scale.pick(30, 500);
    let scene = Scene::set();
    let settings = "delivery.retry_max = \"500ms\"\ndelivery.stop_grace = \"1s\"";
    let folder = RelayFolder::with_settings(settings, &scene.routes);

    let relay = folder.serve();
    let sentry = relay.sentry();
    let (mut alone, mut among) = (Duration::ZERO, Duration::ZERO);
    for number in 0..rounds {
        alone = alone.max(time_one(&sentry, "alone", number, &scene.healthy).await.1);
    }
    let before = relay.peak_memory();
    for number in rounds..2 * rounds {
        among = among.max(time_one(&sentry, "all", number, &scene.healthy).await.1);
    }
    folder.until(&format!("{:?}", scene.expected), |list| reasons(list) == scene.expected).await;
    assert!(scene.all_were_called());
    let grown = relay.peak_memory() - before;
    let delay = among.saturating_sub(alone);
    assert!(
        delay < scale.within(Duration::from_millis(100)),
        "the healthy destination waited {delay:?} longer"
    );
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes of memory");
    assert!(relay.terminate().success());
    scale.report(
        "destinations that refuse, hang, reset, drip, flood, redirect, lie",
        &format!("{} of them, {rounds} webhooks to each", scene.expected.len()),
        &format!(
            "each has its reason; a healthy one's slowest delivery: {} ms beside them, {} ms alone; memory +{} MiB",
            among.as_millis(),
            alone.as_millis(),
            grown / (1024 * 1024)
        ),
    );
}
