//! Settings that change under load: every event goes as one of the good settings says, once, and broken ones change
//! nothing.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use crate::support::{Answered, Ledger, Load, Receiver, RelayFolder, Scale};

/// Webhooks of settings that flip have numbers from here on.
const MARKS: u64 = 100_000_000;

/// A config folder that flips, and the receivers that tell how events went.
struct Scene {
    folder: RelayFolder,
    sound: [String; 2],
    receivers: [Receiver; 3],
}

impl Scene {
    fn new() -> Self {
        let receivers = [Receiver::start(), Receiver::start(), Receiver::start()];
        let tables = ["one", "two", "all"].iter().zip(&receivers).map(|(name, receiver)| {
            format!("[webhook.{name}]\nurl = \"{}\"\n", receiver.url(&format!("/{name}")))
        });
        let tables: String = tables.collect();
        let sound = ["one", "two"]
            .map(|name| format!("{tables}[[route]]\nname = \"to {name}\"\nto = [\"{name}\", \"all\"]\n"));
        Self { folder: RelayFolder::new(&sound[0]), sound, receivers }
    }

    fn routes(&self, text: &str) {
        std::fs::write(self.folder.config().join("routes.toml"), text).unwrap();
    }

    /// Breaks the folder in one of three ways, and returns how to mend it.
    fn break_it(&self, way: usize) -> Box<dyn FnOnce() + '_> {
        match way {
            0 => {
                self.routes("[[route]\nname =");
                Box::new(|| self.routes(&self.sound[0]))
            }
            1 => {
                let dir = self.folder.config().join("templates/webhook");
                std::fs::create_dir_all(&dir).unwrap();
                std::fs::write(dir.join("default.json.tera"), "{\"x\": {{ event.nothing.more }}}").unwrap();
                Box::new(move || std::fs::remove_dir_all(dir).unwrap())
            }
            _ => {
                let path = self.folder.config().join("relay.toml");
                let sound = std::fs::read_to_string(&path).unwrap();
                std::fs::write(&path, sound.clone() + "retry = \"1s\"\n").unwrap();
                Box::new(move || std::fs::write(path, sound).unwrap())
            }
        }
    }

    /// Returns where each event went, by its id.
    fn ways(&self) -> HashMap<String, BTreeSet<String>> {
        let mut ways: HashMap<String, BTreeSet<String>> = HashMap::new();
        for delivery in self.folder.json(&["deliveries", "--limit", "1000000"]).as_array().unwrap() {
            let text = |key: &str| delivery[key].as_str().unwrap().to_owned();
            assert_eq!(text("state"), "delivered", "{delivery}");
            assert!(ways.entry(text("event_id")).or_default().insert(text("destination")), "{delivery}");
        }
        ways
    }
}

impl Scene {
    /// Holds where everything went against what was accepted, and against what was in force while some of it was.
    fn holds(&self, answered: &Answered, expected: &HashMap<String, &str>, least: usize) {
        let ways = self.ways();
        assert_eq!(ways.len(), answered.accepted.len() + expected.len());
        for (id, way) in &ways {
            let is_sound = [way_of("one"), way_of("two")].contains(way);
            assert!(is_sound, "{id} went to {way:?}, as no settings say");
        }
        for (id, name) in expected {
            assert_eq!(ways[id], way_of(name), "accepted and planned while that was in force");
        }
        for receiver in &self.receivers {
            let mut ledger = Ledger::of(receiver);
            ledger.read();
            assert_eq!(ledger.repeated().len(), 0, "{:?}", ledger.repeated());
        }
        let took = [0, 1].map(|either| self.receivers[either].taken().len());
        assert_eq!(took.iter().sum::<usize>(), ways.len());
        // How much comes in one's time depends on how long it takes to refuse the other.
        assert!(took.iter().all(|took| *took > least), "both had their turns: {took:?}");
    }
}

fn way_of(name: &str) -> BTreeSet<String> {
    BTreeSet::from([name.to_owned(), "all".to_owned()])
}

/// Waits until the webhook of this number was delivered, and so was planned before. Begins after the first `read` requests.
async fn until_delivered(receiver: &Receiver, number: u64, read: &mut usize) {
    loop {
        let new = receiver.received_after(*read);
        *read += new.len();
        if new.iter().any(|each| each.json()["data"]["payload"]["data"]["number"] == number) {
            return;
        }
        receiver.more_than(*read).await;
    }
}

// Several threads: the load must not wait while the log is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_flip_under_load_lose_nothing_send_nothing_twice_and_are_never_mixed() {
    let scale = Scale::of_run();
    let (webhooks, lanes, flips) = scale.pick((80, 1, 8), (5_000, 4, 50));
    let scene = Scene::new();
    let relay = scene.folder.serve();
    let mut answered = Answered::default();
    let mut expected: HashMap<String, &str> = HashMap::new();
    let (mut in_force, mut read) = ("one", 0);
    for flip in 0..flips {
        let mut mend: Box<dyn FnOnce() + '_> = Box::new(|| {});
        let outcome = if flip % 2 == 1 {
            mend = scene.break_it(flip / 2 % 3);
            "the settings were not taken over"
        } else {
            let next = 1 - flip / 2 % 2;
            scene.routes(&scene.sound[next]);
            in_force = ["one", "two"][next];
            "the settings were taken over"
        };
        let number = MARKS + u64::try_from(flip).unwrap();
        let load = Load::start(&relay.sentry(), lanes, (number - MARKS) * 1_000_000);
        load.until_accepted(webhooks / flips / 2).await;
        relay.hang_up();
        relay.logged(outcome);
        let id = relay.sentry().accepted("step", &json!({ "run_id": number, "number": number })).await;
        expected.insert(id, in_force);
        load.until_accepted(webhooks / flips).await;
        answered.add(load.end().await);
        until_delivered(&scene.receivers[2], number, &mut read).await;
        mend();
    }
    assert_eq!((answered.unavailable.len(), answered.unanswered), (0, 0));
    let mut ledger = Ledger::of(&scene.receivers[2]);
    ledger.settles(&answered).await;
    scene.folder.until_nothing_waits().await;
    scene.holds(&answered, &expected, webhooks / 4);
    assert!(relay.terminate().success());
    scale.report(
        "SIGHUP under load, half of the settings broken",
        &format!("{flips} reloads, {} acknowledged", answered.accepted.len()),
        &format!(
            "0 lost, 0 duplicates, in order, each as one of the good settings says; the slowest acknowledgement took {} ms",
            answered.slowest().as_millis()
        ),
    );
}
