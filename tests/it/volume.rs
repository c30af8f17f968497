//! A store that has been filled for months: how fast lists and pages come, and what readers cost webhooks.
//!
//! Small numbers here; `tests/volume/run` runs the same code with a million events, and prints what came of it.

mod fill;

use std::process::Stdio;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use seer_relay::threads::give_way;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{PATIENCE, Receiver, Relay, RelayFolder, Scale, client, percentile};
use fill::{Volume, days_ago};

/// A page's first byte.
const FIRST_BYTE: Duration = Duration::from_millis(100);
/// How many people reload at once.
const READERS: usize = 10;
/// How long each of them looks at what came before reloading it.
const LOOKS: Duration = Duration::from_millis(50);

/// Filters of runs, each part of an address; two that begin alike are not combined.
fn filters(volume: &Volume) -> Vec<String> {
    let mut filters = vec![
        "organization=acme".to_owned(),
        "organization=other".to_owned(),
        "repo=acme/repo-0".to_owned(),
        format!("repo=acme/repo-{}", volume.repos - 1),
        "state=pr_ready".to_owned(),
        "state=solution_completed".to_owned(),
        "state=failed".to_owned(),
        "action=root_cause_started".to_owned(),
        "action=pr_created".to_owned(),
        "destination=audit".to_owned(),
        "destination=chat".to_owned(),
        "q=acme".to_owned(),
        "q=api%20typeerror".to_owned(),
        "q=checkout%20zanzibar".to_owned(),
        "q=nowhere".to_owned(),
    ];
    filters.extend([10, 45, 89].map(|days| format!("since={}", days_ago(days))));
    filters.extend([1, 45, 89].map(|days| format!("until={}", days_ago(days))));
    filters
}

fn name(filter: &str) -> &str {
    filter.split_once('=').unwrap().0
}

/// Tells whether two filters are the beginning of a stretch and an end that lies before it, which nobody may ask for.
fn ends_before(one: &str, other: &str) -> bool {
    let day = |filter: &str, name: &str| filter.strip_prefix(name).map(str::to_owned);
    day(one, "since=").zip(day(other, "until=")).is_some_and(|(since, until)| until < since)
}

/// Everything that people can ask of lists, filters alone and in pairs.
fn questions(volume: &Volume) -> Vec<String> {
    let filters = filters(volume);
    let mut asked = vec!["/api/runs".to_owned(), "/api/runs?limit=200".to_owned()];
    for (place, one) in filters.iter().enumerate() {
        asked.push(format!("/api/runs?{one}"));
        let others = filters.iter().skip(place + 1);
        let others = others.filter(|other| name(other) != name(one) && !ends_before(one, other));
        asked.extend(others.map(|other| format!("/api/runs?{one}&{other}")));
    }
    for state in ["", "waiting", "sending", "delivered", "superseded", "dead"] {
        for destination in ["", "audit", "chat", "none"] {
            let of_both = format!("/api/deliveries?state={state}&destination={destination}");
            asked.extend(
                ["", "&since=10d", "&until=45d", "&since=80d&until=79d"]
                    .map(|time| format!("{of_both}{time}")),
            );
        }
    }
    asked
}

/// Looks at a page, as a browser does.
async fn look(client: &reqwest::Client, address: &str, token: &str, path: &str) -> reqwest::Response {
    let request = client.get(format!("http://{address}{path}")).bearer_auth(token);
    let answer = request.header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer
}

/// The page that shows a list to people.
fn as_page(list: &str) -> String {
    list.replacen("/api/runs", "/", 1).replacen("/api/deliveries", "/deliveries", 1)
}

/// Asks for a list, and returns how long its first byte took, and what it says.
async fn list(client: &reqwest::Client, relay: &Relay, token: &str, path: &str) -> (Duration, Value) {
    let request = client.get(format!("http://{}{path}", relay.address())).bearer_auth(token);
    let began = Instant::now();
    let response = request.send().await.unwrap();
    let took = began.elapsed();
    assert_eq!(response.status().as_u16(), 200, "{path}");
    (took, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

/// A relay with many events, and somebody who asks it.
struct Scene {
    folder: RelayFolder,
    relay: Relay,
    client: reqwest::Client,
    token: String,
    volume: Volume,
    _receivers: [Receiver; 2],
}

impl Scene {
    /// Fills a store, starts a relay on it and waits until its catalogue knows them all; returns how long that took.
    async fn new(events: i64) -> (Self, Duration) {
        let receivers = [Receiver::start(), Receiver::start()];
        let folder = RelayFolder::with_settings(
            "store.retention = \"3650d\"",
            &format!(
                "[webhook.audit]\nurl = \"{}\"\nrate = \"unlimited\"\n[slack.chat]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n\
                 [[route]]\nname = \"fixes\"\nwhen = {{ action = \"pr_*\" }}\nto = [\"chat\"]\n\
                 [[route]]\nname = \"everything\"\nto = [\"audit\"]\n",
                receivers[0].url("/audit"),
                receivers[1].url("/slack/chat"),
            ),
        );
        fill::play_model_run(&folder, &receivers).await;
        let volume = fill::fill(&folder.store(), events);
        let began = Instant::now();
        let relay = folder.serve();
        let token = std::fs::read_to_string(folder.path().join("data/token")).unwrap().trim().to_owned();
        fill::until_catalogued(&folder.store()).await;
        let scene = Self { folder, relay, client: client(), token, volume, _receivers: receivers };
        (scene, began.elapsed())
    }

    async fn ask(&self, path: &str) -> (Duration, Value) {
        list(&self.client, &self.relay, &self.token, path).await
    }

    /// The slowest of these pages, each looked at once, and which it was.
    async fn slowest_for_people(&self, paths: &[String]) -> (Duration, String) {
        let mut slowest = (Duration::ZERO, String::new());
        for path in paths {
            let began = Instant::now();
            let answer = self.look(path).await;
            slowest = slowest.max((began.elapsed(), path.clone()));
            answer.bytes().await.unwrap();
        }
        slowest
    }

    async fn look(&self, path: &str) -> reqwest::Response {
        look(&self.client, self.relay.address(), &self.token, path).await
    }

    /// Looks at the report's page: how long its first byte took, and all of it.
    async fn report(&self) -> (Duration, Duration) {
        let began = Instant::now();
        let mut answer = self.look("/report?since=90d").await;
        let mut page = answer.chunk().await.unwrap().unwrap().to_vec();
        let first = began.elapsed();
        while let Some(piece) = answer.chunk().await.unwrap() {
            page.extend_from_slice(&piece);
        }
        assert!(String::from_utf8(page).unwrap().contains("How far runs came"));
        (first, began.elapsed())
    }

    /// The slowest of these, each asked once, and what it was.
    async fn slowest(&self, paths: &[String]) -> (Duration, String) {
        let mut slowest = (Duration::ZERO, String::new());
        for path in paths {
            let (took, _) = self.ask(path).await;
            slowest = slowest.max((took, path.clone()));
        }
        slowest
    }

    /// The slowest of so many pages of a list, one behind the other.
    async fn slowest_page(&self, path: &str, pages: usize) -> (Duration, String) {
        let mut slowest = (Duration::ZERO, String::new());
        let mut at = path.to_owned();
        for _ in 0..pages {
            let (took, page) = self.ask(&at).await;
            slowest = slowest.max((took, at.clone()));
            let Some(next) = page["next"].as_str() else { break };
            at = format!("{path}&after={next}");
        }
        slowest
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_many_events_every_list_comes_at_once_and_readers_cost_webhooks_little() {
    let scale = Scale::of_run();
    let (scene, catalogued) = Scene::new(scale.pick(3_000, 1_000_000)).await;
    let volume = &scene.volume;
    let within = scale.within(FIRST_BYTE);

    let lists = questions(volume);
    let (slowest, path) = scene.slowest(&lists).await;
    assert!(slowest < within, "{path} took {slowest:?}");
    let pages: Vec<String> = lists.iter().map(|list| as_page(list)).collect();
    let (page, page_path) = scene.slowest_for_people(&pages).await;
    assert!(page < within, "{page_path} took {page:?}");

    let depth = scale.pick(3, 200);
    let mut deep = (Duration::ZERO, String::new());
    for list in [
        "/api/runs?limit=200",
        "/api/runs?organization=acme&limit=200",
        "/api/runs?q=typeerror&limit=200",
        "/api/runs?repo=acme/repo-0&action=pr_created&limit=20",
        "/api/deliveries?limit=200",
        "/api/deliveries?state=dead&limit=200",
        "/api/deliveries?destination=chat&limit=200",
    ] {
        deep = deep.max(scene.slowest_page(list, depth).await);
    }
    assert!(deep.0 < within, "{} took {:?}", deep.1, deep.0);

    let mut single = Vec::new();
    for run in [1, volume.runs / 2, volume.runs] {
        let path = format!("/api/runs/acme/{}", volume.run_id(run));
        let event = scene.ask(&path).await.1["events"][0]["id"].as_str().unwrap().to_owned();
        single.extend([path, format!("/api/events/{event}")]);
    }
    let (one, one_path) = scene.slowest(&single).await;
    assert!(one < within, "{one_path} took {one:?}");

    let (report, counted) = scene.report().await;
    assert!(report < within, "the report's page began after {report:?}");

    let (with, without, reloads) = acks(&scene, scale.pick(40, 1_000), &pages).await;
    let ratio = percentile(&with, 99).as_secs_f64() / percentile(&without, 99).as_secs_f64();
    let most = scale.pick(20.0, 1.5);
    assert!(ratio < most, "with readers p99 is {ratio:.2} times as long: {with:?}");

    scale.report(
        "lists with many events",
        &format!("{} events of {} runs, {} deliveries; {} questions", volume.events, volume.runs, volume.deliveries, lists.len()),
        &format!(
            "catalogued in {:.0} s; first byte of a list in {} ms at most (`{path}`), of a page in {} ms (`{page_path}`), on pages {depth} deep {} ms (`{}`), of one run or \
             event {} ms, of the report {} ms (counted in {} ms); p99 of an acknowledgement {:.1} ms, with {READERS} readers ({reloads:.0} pages a second) and an export {:.1} \
             ms: {ratio:.2} times; {} MiB of memory, a file of {} MiB",
            catalogued.as_secs_f64(),
            slowest.as_millis(),
            page.as_millis(),
            deep.0.as_millis(),
            deep.1,
            one.as_millis(),
            report.as_millis(),
            counted.as_millis(),
            percentile(&without, 99).as_secs_f64() * 1_000.0,
            percentile(&with, 99).as_secs_f64() * 1_000.0,
            scene.relay.peak_memory() / 1024 / 1024,
            std::fs::metadata(scene.folder.store()).unwrap().len() / 1024 / 1024,
        ),
    );
}

/// How long acknowledgements take while people reload pages and one exports everything, and while nobody does, in turn;
/// and how often they reload.
async fn acks(scene: &Scene, count: usize, pages: &[String]) -> (Vec<Duration>, Vec<Duration>, f64) {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let (mut reloads, mut reading) = (0, Duration::ZERO);
    let sentry = scene.relay.sentry();
    let rounds = 10;
    for round in 0..rounds {
        for has_readers in [false, true] {
            let readers = has_readers.then(|| Readers::start(scene, pages));
            let export = has_readers.then(|| Export::start(&scene.folder));
            let began = Instant::now();
            for step in 0..count / rounds {
                let run = 9_000_000 + round * count + step;
                let posted = Instant::now();
                sentry
                    .accepted("root_cause_started", &json!({ "run_id": run, "readers": has_readers }))
                    .await;
                let took = posted.elapsed();
                if has_readers { with.push(took) } else { without.push(took) }
            }
            if has_readers {
                reading += began.elapsed();
            }
            reloads += readers.map_or(0, Readers::end);
            drop(export);
        }
    }
    (with, without, f64::from(reloads) / reading.as_secs_f64())
}

/// An export of everything, which ends with its owner.
struct Export(std::process::Child);

impl Export {
    fn start(folder: &RelayFolder) -> Self {
        let mut export = folder.command(&["export", "--format", "jsonl"]);
        Self(export.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        // It may be over.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

/// People who reload pages, on a thread that leaves the processors to others, as if they were at machines of their own.
struct Readers {
    stop: watch::Sender<bool>,
    thread: JoinHandle<u32>,
}

impl Readers {
    fn start(scene: &Scene, pages: &[String]) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (address, token) = (scene.relay.address().to_owned(), scene.token.clone());
        let shares: Vec<Vec<String>> =
            (0..READERS).map(|number| pages.iter().skip(number * 7).step_by(13).cloned().collect()).collect();
        let thread = std::thread::spawn(move || {
            give_way();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let client = client();
            let all = shares.iter().map(|share| reload(&client, &address, &token, share, stopped.clone()));
            runtime.block_on(futures_util::future::join_all(all)).into_iter().sum()
        });
        Self { stop, thread }
    }

    /// Returns how many pages they looked at.
    fn end(self) -> u32 {
        self.stop.send_replace(true);
        self.thread.join().unwrap()
    }
}

/// Looks at one page after the other, until told to stop.
async fn reload(
    client: &reqwest::Client,
    address: &str,
    token: &str,
    pages: &[String],
    mut stopped: watch::Receiver<bool>,
) -> u32 {
    let mut every = tokio::time::interval(LOOKS);
    let mut reloads = 0;
    for path in pages.iter().cycle() {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            _ = every.tick() => {}
        }
        look(client, address, token, path).await.bytes().await.unwrap();
        reloads += 1;
    }
    reloads
}

/// Waits, for as long as a step may take, until `holds`.
async fn until(what: &str, patience: Duration, holds: impl Fn() -> bool) {
    let began = Instant::now();
    let mut every = tokio::time::interval(Duration::from_millis(50));
    while !holds() {
        every.tick().await;
        assert!(began.elapsed() < patience.max(PATIENCE), "not within {patience:?}: {what}");
    }
}
