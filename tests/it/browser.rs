//! The dashboard in a real browser: Chromium, driven over the real binary, with axe as the judge of whether everybody can
//! use it. With `BROWSER_PICTURES=FOLDER` each page is pictured there, light, dark and as on a phone.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;
use seer_relay::clock::Clock;
use seer_relay::http::AccessToken;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::support::{Answer, Receiver, Relay, RelayFolder, SECRET};

/// How long a scene may take.
const SCENE: Duration = Duration::from_mins(4);
/// How many browsers run at once: each takes a processor and some hundred megabytes.
static BROWSERS: Semaphore = Semaphore::const_new(1);

/// What takes part in a scene.
struct Stage {
    folder: RelayFolder,
    relay: Relay,
    _chat: Receiver,
    _broken: Receiver,
}

impl Stage {
    /// Sets up a relay that tells a chat everything, with one destination that takes nothing.
    fn set_up() -> Self {
        let chat = Receiver::start();
        let broken = Receiver::start_with(Answer::Refuse(403, vec![], "invalid_token".into()));
        let routes = format!(
            "[slack.chat]\nwebhook_url = \"{}\"\n[discord.dev]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n\
             [slack.broken]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n[webhook.audit]\nurl = \"{}\"\n\
             [[route]]\nname = \"fixes\"\nwhen = {{ action = \"*_completed\" }}\nto = [\"chat\", \"dev\"]\n\
             [[route]]\nname = \"web only\"\nwhen = {{ repo = \"acme/web\", not = {{ action = \"*_started\" }} }}\nto = [\"audit\"]\n\
             [[route]]\nname = \"pull requests\"\nwhen = {{ action = \"pr_created\" }}\nto = [\"broken\", \"audit\"]\n",
            chat.url("/slack/1"),
            chat.url("/discord/1"),
            broken.url("/slack/2"),
            chat.url("/audit"),
        );
        let routes = routes.replacen("[discord.dev]", "rate = \"unlimited\"\n[discord.dev]", 1);
        let folder = RelayFolder::new(&routes);
        let relay = folder.serve();
        Self { folder, relay, _chat: chat, _broken: broken }
    }

    /// Sets up a relay that was there for 40 days, whose destinations have taken most of what it told.
    async fn with_a_past() -> Self {
        let chat = Receiver::start();
        let broken = Receiver::start();
        let routes = ["audit", "team-backend", "team-web", "oncall"]
            .map(|name| format!("[webhook.{name}]\nurl = \"{}\"\n", chat.url("/x")))
            .concat();
        let folder = RelayFolder::new(&routes);
        crate::past::fill(&folder, 200, 40).await;
        let relay = folder.serve();
        Self { folder, relay, _chat: chat, _broken: broken }
    }

    /// Plays the samples of one run, an alert with its issue among them.
    fn play_samples(&self) {
        let url = format!("http://{}/webhooks/sentry", self.relay.address());
        let send = |arguments: &[&str]| {
            let output = self.folder.run(&[&["send", "--url", &url], arguments].concat());
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{arguments:?}: {errors}");
        };
        for action in [
            "root_cause_started",
            "root_cause_completed",
            "solution_started",
            "solution_completed",
            "coding_started",
            "coding_completed",
            "pr_created",
        ] {
            send(&[action, "--run", "4711"]);
        }
        send(&["activity_alert.seer_pr_created"]);
    }

    /// Waits until nothing is on its way and the list of runs has all of it.
    async fn settle(&self, runs: usize) {
        self.folder.until_nothing_waits().await;
        let mut every = tokio::time::interval(Duration::from_millis(100));
        let url = format!("http://{}/api/runs?limit=200", self.relay.address());
        let listed = async || {
            let request = crate::support::client().get(&url).bearer_auth(self.token());
            let answer = request.send().await.unwrap().bytes().await.unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            answer["items"].as_array().unwrap().len()
        };
        let waiting = async {
            while listed().await < runs {
                every.tick().await;
            }
        };
        timeout(crate::support::PATIENCE, waiting).await.expect("the runs are listed");
    }

    fn token(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("data/token")).unwrap().trim().to_owned()
    }

    /// Has a browser play a scene, and returns what was wrong.
    async fn play(&self, scene: &'static str) -> Vec<String> {
        let tools = tools();
        let token = self.token();
        // A key is good for a quarter of an hour; this one is made as if it were early, and is good all the same.
        let now = Clock::system().now() - SignedDuration::from_mins(1);
        let settings = json!({
            "address": self.relay.address(),
            "key": AccessToken::new(&SecretString::from(token.clone())).key(now),
            "token": token,
            "secret": SECRET,
            "pid": self.relay.pid(),
            "browser": tools.browser,
            "pictures": pictures(),
        });
        let _turn = BROWSERS.acquire().await.unwrap();
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/drive.mjs");
        let play = move || {
            let mut child = Command::new(&tools.node)
                .arg(driver)
                .arg(scene)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("node runs");
            child.stdin.take().unwrap().write_all(settings.to_string().as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        };
        let output = timeout(SCENE, tokio::task::spawn_blocking(play)).await.expect("a scene ends").unwrap();
        serde_json::from_slice(&output.stdout).expect("the driver says what was wrong")
    }

    async fn must_go_well(&self, scene: &'static str) {
        let problems = self.play(scene).await;
        assert!(problems.is_empty(), "{scene}:\n{}", problems.join("\n"));
    }
}

/// Returns where pictures are wanted, if they are.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests asks for pictures by it")]
fn pictures() -> Option<String> {
    std::env::var("BROWSER_PICTURES").ok()
}

/// What drives, and what is driven.
#[derive(Debug)]
struct Tools {
    node: String,
    browser: String,
}

/// Installs what is missing, once.
fn tools() -> &'static Tools {
    static TOOLS: OnceLock<Tools> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/install");
        let output = Command::new(install).output().expect("the script is there");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "no browser can be driven here: {errors}");
        let said = String::from_utf8(output.stdout).unwrap();
        let mut lines = said.lines().map(str::to_owned);
        Tools { node: lines.next().unwrap(), browser: lines.next().unwrap() }
    })
}

#[tokio::test]
async fn with_an_empty_store_there_is_a_door_and_each_page_says_that_nothing_came() {
    Stage::set_up().must_go_well("empty").await;
}

#[tokio::test]
async fn one_run_is_told_whole_and_everything_that_was_sent_can_be_sent_again() {
    let stage = Stage::set_up();
    stage.play_samples();
    stage.settle(1).await;
    stage.must_go_well("one").await;
}

#[tokio::test]
async fn among_hundreds_of_runs_one_finds_ones_way_and_sees_what_happens() {
    let stage = Stage::set_up();
    let sentry = stage.relay.sentry();
    for run in 0..240_u64 {
        let repo = ["acme/api", "acme/web", "acme/billing"][usize::try_from(run % 3).unwrap()];
        let data = json!({ "run_id": 100_000 + run, "group_id": 7_000 + run });
        sentry.accepted("root_cause_started", &data).await;
        let cause =
            json!({ "one_line_description": format!("The cause of run {run}"), "relevant_repo": repo });
        let with = |name: &str, value: Value| {
            let mut data = data.clone();
            data[name] = value;
            data
        };
        sentry.accepted("root_cause_completed", &with("root_cause", cause)).await;
        if run % 4 == 0 {
            let opened = json!([{ "repo_name": repo, "pull_request": {
                "pr_number": run + 1, "pr_url": format!("https://github.com/{repo}/pull/{}", run + 1) } }]);
            sentry.accepted("pr_created", &with("pull_requests", opened)).await;
        }
    }
    stage.settle(200).await;
    stage.must_go_well("many").await;
}

/// Tells when everything is counted.
async fn counted(stage: &Stage) {
    let url = format!("http://{}/api/report", stage.relay.address());
    let mut every = tokio::time::interval(Duration::from_millis(100));
    let counting = async {
        loop {
            let request = crate::support::client().get(&url).bearer_auth(stage.token());
            let report = request.send().await.unwrap().bytes().await.unwrap();
            let report: Value = serde_json::from_slice(&report).unwrap();
            if report["uncounted_events"] == 0 {
                return;
            }
            every.tick().await;
        }
    };
    timeout(crate::support::PATIENCE, counting).await.expect("everything is counted");
}

#[tokio::test]
async fn a_report_can_be_read_by_everybody_narrowed_and_taken_away() {
    let stage = Stage::with_a_past().await;
    counted(&stage).await;
    stage.must_go_well("report").await;
}

#[tokio::test]
async fn that_the_relay_stops_is_said_on_open_pages_which_do_not_hold_it_up() {
    let stage = Stage::set_up();
    stage.must_go_well("stopping").await;
    assert!(stage.relay.ended().success());
}

/// Texts that try to break out of their place.
const HOSTILE: [&str; 7] = [
    "<script>hacked=1</script>",
    "\"><img src=x onerror=hacked=1>",
    "' onmouseover=hacked=1 x='",
    "[x](javascript:hacked=1) ![i](https://evil.example/i.png) <svg/onload=hacked=1>",
    "</title></textarea></style></script><iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "\u{202e}gnp.exe\u{202c}\u{2066}\u{0}\u{1b}[31m",
    "{{ 7 * 7 }}{% include \"login.html\" %}",
];

#[tokio::test]
async fn no_text_of_a_stranger_is_more_than_text() {
    let stage = Stage::set_up();
    let sentry = stage.relay.sentry();
    let word = "W".repeat(100_000);
    let texts = HOSTILE.iter().copied().chain([word.as_str()]);
    let mut runs = 0;
    for (number, text) in texts.enumerate() {
        runs += 1;
        let step = json!({ "title": text, "description": text, "code_snippet_and_analysis": text, "is_most_important_event": true,
            "relevant_code_file": { "file_path": text, "repo_name": text } });
        let data = json!({
            "run_id": format!("{number} {}", text.chars().take(300).collect::<String>()), "group_id": text,
            "root_cause": { "description": text, "one_line_description": text, "five_whys": [text], "relevant_repo": text,
                "steps": [step], "reproduction_steps": [text], "classification": text },
            "solution": { "description": text, "one_line_summary": text, "steps": [step] },
            "changes": [{ "repo_name": text, "title": text, "description": text, "branch_name": text,
                "diff": format!("--- a/{text}\n+++ b/{text}\n@@ -1 +1 @@ {text}\n-{text}\n+{text}\n") }],
            "code_changes": { text: [{ "path": text, "diff": format!("@@ -1 +1 @@ {text}\n-{text}\n+{text}\n"), "type": text }] },
            "pull_requests": [{ "repo_name": text, "provider": text,
                "pull_request": { "pr_number": text, "pr_url": format!("javascript:{text}"), "pr_id": text } }],
        });
        for action in ["root_cause_completed", "solution_completed", "coding_completed", "pr_created"] {
            sentry.post(action, &data).await;
        }
        if number < HOSTILE.len() {
            sentry.post(text, &data).await;
        }
    }
    stage.settle(runs).await;
    stage.must_go_well("hostile").await;
}

#[tokio::test]
async fn other_sites_show_nothing_and_change_nothing() {
    let stage = Stage::set_up();
    stage.play_samples();
    stage.settle(1).await;
    stage.must_go_well("strangers").await;
}
