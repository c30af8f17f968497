//! Slack's Web API by a program that nobody here wrote, and a way to it that loses answers.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::client;

/// The token that the emulator knows from the start.
pub(crate) const TOKEN: &str = "test_token_admin";
/// The channel that it has from the start.
pub(crate) const CHANNEL: &str = "C000000001";

/// The running emulator; it ends with this.
pub(crate) struct Emulator {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Emulator {
    /// Installs it where that was not done before, starts it, and returns once it answers.
    pub(crate) fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slack-emulator");
        let node = install(&folder);
        // It takes no port that is open already, so there is a moment in which somebody else may.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new(node)
            .arg(folder.join("node_modules/emulate/dist/index.js"))
            .args(["start", "--service", "slack", "--port", &port.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It says its tokens once it listens.
        let is_up = lines.map_while(Result::ok).any(|line| line.contains(TOKEN));
        assert!(is_up, "the emulator ended before it listened");
        Self { child, url: format!("http://localhost:{port}"), client: client() }
    }

    /// Returns the messages of the channel, those alone that answer none.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        self.ask("conversations.history", &format!("channel={CHANNEL}&limit=1000")).await
    }

    /// Returns the messages that answer one of the channel.
    pub(crate) async fn answers(&self, ts: &str) -> Vec<Value> {
        let thread = self.ask("conversations.replies", &format!("channel={CHANNEL}&ts={ts}")).await;
        thread.into_iter().filter(|message| message["ts"] != ts).collect()
    }

    async fn ask(&self, method: &str, form: &str) -> Vec<Value> {
        let request = self.client.post(format!("{}/api/{method}", self.url)).bearer_auth(TOKEN);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form.to_owned()).send().await.unwrap().bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["messages"].as_array().unwrap_or_else(|| panic!("{method}: {answer}")).clone()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn install(folder: &Path) -> PathBuf {
    let output = Command::new(folder.join("install")).output().expect("the script is there");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the emulator cannot be installed: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// Stands before the emulator: now and then it refuses a call for want of calls, or loses the answer to one.
pub(crate) struct Gateway {
    port: u16,
    server: ServerHandle,
}

struct Way {
    to: String,
    client: reqwest::Client,
    chance: Mutex<StdRng>,
}

impl Gateway {
    /// Starts a way to an emulator; what it does there follows from `seed`.
    pub(crate) fn start(emulator: &Emulator, seed: u64) -> Self {
        let way = Data::new(Way {
            to: emulator.url.clone(),
            client: emulator.client.clone(),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server =
            HttpServer::new(move || App::new().app_data(way.clone()).default_service(web::to(pass_on)))
                .workers(1)
                .disable_signals()
                .shutdown_timeout(0)
                .listen(listener)
                .unwrap()
                .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { port, server: handle }
    }

    /// Returns where Slack's Web API is.
    pub(crate) fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}/api/", self.port)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let server = self.server.clone();
        tokio::spawn(async move { server.stop(false).await });
    }
}

async fn pass_on(request: HttpRequest, body: Bytes, way: Data<Way>) -> HttpResponse {
    let chance = way.chance.lock().unwrap().random_range(0..100);
    if chance < 10 {
        let refusal = json!({ "ok": false, "error": "ratelimited" });
        return HttpResponse::TooManyRequests().insert_header(("retry-after", "0.1")).json(refusal);
    }
    let mut onward = way.client.post(format!("{}{}", way.to, request.uri())).body(body);
    for name in ["authorization", "content-type"] {
        onward = onward.header(name, request.headers().get(name).unwrap().to_str().unwrap());
    }
    let answer = onward.send().await.unwrap();
    let status = answer.status().as_u16().try_into().unwrap();
    let body = answer.bytes().await.unwrap();
    if chance < 20 {
        return HttpResponse::BadGateway().body("the answer was lost");
    }
    HttpResponse::build(status).content_type("application/json").body(body)
}
