//! A relay as a user runs it: the real binary, a real folder, a real process.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;
use tempfile::TempDir;

use super::{PATIENCE, SECRET, Sentry, client};

/// A config folder and a place for the store.
pub(crate) struct RelayFolder {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl RelayFolder {
    /// Writes a folder with these routes, quick retries, and the organization `acme`.
    pub(crate) fn new(routes: &str) -> Self {
        Self::with_settings("", routes)
    }

    /// Writes a folder with further settings, too.
    pub(crate) fn with_settings(settings: &str, routes: &str) -> Self {
        Self::write(settings, "", routes)
    }

    /// Writes a folder whose relay asks this Sentry, with the token in `API_TOKEN`.
    pub(crate) fn asking(api_url: &str, routes: &str) -> Self {
        let api = format!("api_token = {{ env = \"API_TOKEN\" }}\napi_url = \"{api_url}\"\n");
        Self::write("", &api, routes)
    }

    fn write(settings: &str, api: &str, routes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        std::fs::create_dir(&config).unwrap();
        let store = folder.path().join("data/relay.db");
        let relay = format!(
            "http.listen = \"127.0.0.1:0\"\nlog.format = \"json\"\nstore.url = \"sqlite:{}\"\n\
             delivery.retry_min = \"10ms\"\n{settings}\n\
             [sentry.acme]\nclient_secrets = [{{ env = \"CLIENT_SECRET\" }}]\n{api}",
            store.display()
        );
        std::fs::write(config.join("relay.toml"), relay).unwrap();
        std::fs::write(config.join("routes.toml"), routes).unwrap();
        Self { folder, environment: vec![("CLIENT_SECRET".into(), SECRET.into())] }
    }

    /// Adds a line to the settings of the organization.
    pub(crate) fn add_setting(&self, line: &str) {
        let path = self.config().join("relay.toml");
        let settings = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{settings}{line}\n")).unwrap();
    }

    /// Adds destinations and routes.
    pub(crate) fn add_route(&self, routes: &str) {
        let path = self.config().join("routes.toml");
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{before}{routes}")).unwrap();
    }

    /// Sets a variable for every process that is started here.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Returns the config folder.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Returns the store's file.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("data/relay.db")
    }

    /// Returns the folder that holds everything.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a command that is not run yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seer-relay"));
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .args(arguments);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and reads its `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Starts `serve`, and returns once it accepts webhooks.
    pub(crate) fn serve(&self) -> Relay {
        Relay::start(self.command(&["serve"]))
    }

    /// Starts `serve` in a shell that has run these commands.
    pub(crate) fn serve_after(&self, commands: &str) -> Relay {
        let mut shell = Command::new("/bin/sh");
        let serve = self.command(&["serve"]);
        let environment = serve.get_envs().filter_map(|(name, value)| Some((name, value?)));
        shell.env_clear().envs(environment).current_dir(self.folder.path());
        shell.args(["-c", &format!("{commands}; exec \"$0\" serve")]).arg(serve.get_program());
        Relay::start(shell)
    }

    /// Starts `serve --strict`.
    pub(crate) fn serve_strictly(&self) -> Relay {
        Relay::start(self.command(&["serve", "--strict"]))
    }

    /// Starts `serve` with this as its standard input.
    pub(crate) fn serve_at(&self, input: impl Into<Stdio>) -> Relay {
        Relay::start_beside(self.command(&["serve"]), input.into(), |_| {})
    }

    /// Starts `serve` and sends it SIGHUP as soon as it listens to that.
    pub(crate) fn serve_and_hang_up(&self) -> Relay {
        Relay::start_beside(self.command(&["serve"]), Stdio::null(), |pid| {
            let began = Instant::now();
            while !catches_hang_ups(pid) {
                assert!(began.elapsed() < PATIENCE, "it does not listen to SIGHUP");
                std::thread::yield_now();
            }
            kill_process(pid, Signal::HUP).unwrap();
        })
    }

    /// Runs `serve` where it must not come up; returns what it says.
    pub(crate) fn serve_refused(&self) -> String {
        let mut child =
            self.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let (sender, said) = channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            let _ = sender.send(text);
        });
        let Ok(text) = said.recv_timeout(PATIENCE) else {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("`serve` did not end within {PATIENCE:?}, but said {:?}", said.recv().unwrap());
        };
        assert_eq!(child.wait().unwrap().code(), Some(1), "{text}");
        text
    }

    fn is_finished(&self) -> bool {
        let rows = self.json(&["deliveries", "--limit", "1000000"]);
        rows.as_array().unwrap().iter().all(|row| row["state"] != "waiting" && row["state"] != "sending")
    }

    /// Waits until no event and no delivery waits.
    pub(crate) async fn until_nothing_waits(&self) {
        let began = Instant::now();
        let mut every = tokio::time::interval(std::time::Duration::from_millis(50));
        loop {
            every.tick().await;
            let some = |state| !self.json(&["deliveries", "--state", state, "--limit", "1"])[0].is_null();
            // From one look to the next a delivery may have gone from one to the other; so the last look is at both.
            if !some("waiting") && !some("sending") && self.is_finished() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "something still waits after {PATIENCE:?}");
        }
    }

    /// Asks `deliveries` until `holds` of its list, for as long as the tests have patience.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let began = Instant::now();
        let mut every = tokio::time::interval(std::time::Duration::from_millis(50));
        loop {
            every.tick().await;
            let list = self.json(&["deliveries", "--limit", "10000"]);
            let list = list.as_array().unwrap();
            if holds(list) {
                return list.clone();
            }
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; deliveries are {list:#?}");
        }
    }
}

/// Tells whether a process has a handler for SIGHUP, which is the first bit.
fn catches_hang_ups(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & 1 == 1
}

/// A running `serve`; killed when it is dropped.
pub(crate) struct Relay {
    child: Child,
    address: String,
    log: Receiver<Value>,
}

impl Relay {
    fn start(command: Command) -> Self {
        Self::start_beside(command, Stdio::null(), |_| {})
    }

    /// Starts it with this as standard input, and does something as soon as there is a process.
    fn start_beside(mut command: Command, input: Stdio, beside: impl FnOnce(Pid)) -> Self {
        let mut child = command.stdin(input).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        beside(Pid::from_child(&child));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let entry = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(entry).is_err() {
                    return;
                }
            }
        });
        let mut relay = Self { child, address: String::new(), log };
        let entry = relay.logged("accepting webhooks");
        entry["address"].as_str().unwrap().clone_into(&mut relay.address);
        relay
    }

    /// Waits for a log line that holds these words.
    pub(crate) fn logged(&self, words: &str) -> Value {
        self.logged_until(words).pop().unwrap()
    }

    /// Waits for a log line that holds these words; returns it, and those before it that were not read yet.
    pub(crate) fn logged_until(&self, words: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let Ok(entry) = self.log.recv_timeout(PATIENCE) else { break };
            let is_wanted = entry.to_string().contains(words);
            seen.push(entry);
            if is_wanted {
                return seen;
            }
        }
        panic!("the relay never logged `{words}`, but\n{seen:#?}");
    }

    /// Returns every log line so far that was not read yet.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.try_iter().collect()
    }

    /// Returns its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns what it counts, as Prometheus would get it.
    pub(crate) async fn metrics(&self, folder: &RelayFolder) -> String {
        let token = std::fs::read_to_string(folder.path().join("data/token")).unwrap();
        let url = format!("http://{}/metrics", self.address);
        let answer = client().get(url).bearer_auth(token.trim()).send().await.unwrap();
        String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap()
    }

    /// Returns Sentry, connected to it.
    pub(crate) fn sentry(&self) -> Sentry {
        Sentry::new(&self.address)
    }

    /// Returns the most memory that it ever had, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(self) -> ExitStatus {
        self.tell_to_stop();
        self.ended()
    }

    /// Sends SIGTERM.
    pub(crate) fn tell_to_stop(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let began = Instant::now();
        // Its log ends with it.
        while self.log.recv_timeout(PATIENCE.saturating_sub(began.elapsed())).is_ok() {}
        assert!(began.elapsed() < PATIENCE, "it did not end within {PATIENCE:?}");
        self.child.wait().unwrap()
    }

    /// Lets no file that it writes grow beyond so many bytes; `None` lets it again.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let pid = Some(Pid::from_child(&self.child));
        prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    }

    /// Asks whether it is ready; returns why where it is not.
    pub(crate) async fn unready(&self) -> Option<String> {
        let (status, body) = self.sentry().get("/readyz").await;
        (status != 200).then(|| body["reason"].as_str().unwrap().to_owned())
    }

    /// Asks until it is ready, or not ready for a reason that holds these words.
    pub(crate) async fn until_readiness(&self, reason: Option<&str>) {
        let began = Instant::now();
        let mut every = tokio::time::interval(std::time::Duration::from_millis(50));
        loop {
            every.tick().await;
            let last = self.unready().await;
            let holds = match (&last, reason) {
                (Some(last), Some(words)) => last.contains(words),
                (last, reason) => last.is_none() && reason.is_none(),
            };
            if holds {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "expected readiness {reason:?}, but last it was {last:?}");
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
