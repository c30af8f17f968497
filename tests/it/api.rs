//! The API, asked as programs ask it: over HTTP, of the real binary.

mod access;
mod contract;
mod document;
mod lists;
mod reports;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{PATIENCE, Receiver, Relay, RelayFolder, Sentry, client};

/// The client secret of a second organization.
const OTHER_SECRET: &str = "what only the other organization knows";

/// Somebody who has the relay's token.
struct Api {
    client: reqwest::Client,
    base: String,
    token: String,
}

/// What was answered.
#[derive(Debug)]
struct Answered {
    status: u16,
    body: Value,
    headers: reqwest::header::HeaderMap,
}

impl Answered {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Api {
    fn of(relay: &Relay, folder: &RelayFolder) -> Self {
        let token = std::fs::read_to_string(folder.path().join("data/token")).unwrap();
        Self { client: client(), base: format!("http://{}", relay.address()), token: token.trim().to_owned() }
    }

    /// Sends a request without the token.
    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answered {
        let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.expect("the relay answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answered { status, body, headers }
    }

    async fn get(&self, path: &str) -> Answered {
        self.send("GET", path, &[("authorization", &self.bearer())], None).await
    }

    /// Asks for what must be there.
    async fn ok(&self, path: &str) -> Value {
        let Answered { status, body, .. } = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn replay(&self, wanted: &Value) -> Answered {
        self.send("POST", "/api/replay", &[("authorization", &self.bearer())], Some(wanted)).await
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Asks for a list until `holds` of it.
    async fn until(&self, path: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let began = Instant::now();
        let mut every = tokio::time::interval(Duration::from_millis(20));
        loop {
            every.tick().await;
            let items = self.ok(path).await["items"].as_array().unwrap().clone();
            if holds(&items) {
                return items;
            }
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {path} is {items:#?}");
        }
    }

    /// The values of a field over all pages of a list.
    async fn all(&self, path: &str, field: &str) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.ok(&format!("{path}&after={after}")).await;
            found.extend(texts(page["items"].as_array().unwrap(), field));
            let Some(next) = page["next"].as_str() else { return found };
            next.clone_into(&mut after);
        }
    }
}

fn texts(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

fn pull_request(run: impl Into<Value>, repo: &str) -> Value {
    let pull_request =
        json!({ "pr_number": 12, "pr_url": format!("https://github.com/{repo}/pull/12"), "pr_id": 7 });
    let made = json!({ "repo_name": repo, "provider": "github", "pull_request": pull_request });
    json!({ "run_id": run.into(), "group_id": 5, "pull_requests": [made] })
}

/// Posts a webhook of the second organization, where there is one.
async fn post_as_other(sentry: &Sentry, action: &str, data: &Value) {
    let body = Sentry::body(action, data);
    let signature = Sentry::sign(&body, OTHER_SECRET);
    let headers = [("sentry-hook-signature", signature.as_str()), ("sentry-hook-resource", "seer")];
    assert_eq!(sentry.post_raw(body, &headers).await.status().as_u16(), 202);
}

/// A folder of two organizations that sends everything to `audit`, and what is about pull requests to `chat` as well.
fn folder(audit: &Receiver, chat: &Receiver) -> RelayFolder {
    let folder = RelayFolder::new(&format!(
        "[webhook.audit]\nurl = \"{}\"\n[slack.chat]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n\
         [[route]]\nname = \"fixes\"\nwhen = {{ action = \"pr_*\", organization = \"acme\" }}\nto = [\"chat\"]\n\
         [[route]]\nname = \"everything\"\nto = [\"audit\"]\n",
        audit.url("/audit"),
        chat.url("/slack/chat"),
    ));
    folder.add_setting(&format!("[sentry.other]\nclient_secrets = [\"{OTHER_SECRET}\"]"));
    folder
}
