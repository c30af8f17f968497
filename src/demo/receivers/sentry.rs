//! A stand-in for Sentry's API, on loopback: two questions, tokens and their scopes, its limit, and trouble to order.
//!
//! Source: getsentry/sentry `GroupDetailsEndpoint`, `group_ai_autofix.py` and `middleware/ratelimit.py`, read
//! 2026-11-25. Knows nothing of the relay that asks.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, web};
use serde_json::{Value, json};

use crate::clock::Clock;

/// What a token needs to be answered, any of these.
const SCOPES: [&str; 3] = ["event:read", "event:write", "event:admin"];
/// How many issues may be asked for in a second.
const PER_SECOND: u64 = 5;
/// How many questions may be open at once.
const CONCURRENT: u64 = 25;
/// How much a huge answer has.
const HUGE_BYTES: usize = 10_000_000;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// What an issue is.
    Issue,
    /// What became of its newest run.
    Run,
}

/// A question that the stand-in got, and its answer's status; 0 where there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What was asked.
    pub question: Question,
    /// About which issue.
    pub group: String,
    /// What was answered.
    pub status: u16,
}

/// How the stand-in misbehaves, until it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never answers.
    Hang,
    /// A web page, with status 200.
    Html,
    /// 10 MB.
    Huge,
    /// JSON that says something else.
    OtherSchema,
    /// This status, with Sentry's `detail`.
    Status(u16),
    /// 429, and when to come back.
    RetryAfter(Duration),
}

/// The running stand-in.
pub struct SentryStandIn {
    address: SocketAddr,
    state: Arc<State>,
    handle: ServerHandle,
}

struct State {
    clock: Clock,
    organization: String,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    scopes: HashMap<String, Vec<String>>,
    issues: HashMap<String, Value>,
    /// Issues that were merged, and the survivors.
    merged: HashMap<String, String>,
    runs: HashMap<String, Value>,
    fault: Option<Fault>,
    asked: Vec<Asked>,
    /// The second that is counted, and how many issues were asked for in it.
    window: (i64, u64),
}

impl SentryStandIn {
    /// Starts it for one organization, on a free port of loopback. It knows no token and no issue yet.
    ///
    /// # Errors
    /// Where no port can be had.
    pub fn start(organization: &str, clock: Clock) -> io::Result<Self> {
        let state =
            Arc::new(State { clock, organization: organization.to_owned(), memory: Mutex::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            let issue = "/api/0/organizations/{organization}/issues/{group}/";
            App::new()
                .app_data(data.clone())
                .route(issue, web::get().to(tell_issue))
                .route(&format!("{issue}autofix/"), web::get().to(tell_run))
                .default_service(web::to(|| async { gone() }))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { address, state, handle })
    }

    /// Returns the address to configure as `api_url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a token known, with these scopes and no others.
    pub fn grant(&self, token: &str, scopes: &[&str]) {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.state.memory().scopes.insert(token.to_owned(), scopes);
    }

    /// Puts an issue in, as [`issue`] makes it or as a test likes it.
    pub fn put(&self, group: &str, issue: Value) {
        self.state.memory().issues.insert(group.to_owned(), issue);
    }

    /// Merges an issue into another one, as which it answers from now on.
    pub fn merge(&self, group: &str, survivor: &str) {
        let mut memory = self.state.memory();
        memory.issues.remove(group);
        memory.merged.insert(group.to_owned(), survivor.to_owned());
    }

    /// Deletes an issue.
    pub fn remove(&self, group: &str) {
        self.state.memory().issues.remove(group);
    }

    /// Says what became of an issue's newest run: the content of `autofix`.
    pub fn put_run(&self, group: &str, run: Value) {
        self.state.memory().runs.insert(group.to_owned(), run);
    }

    /// Lets it misbehave, or behave again.
    pub fn misbehave(&self, fault: Option<Fault>) {
        self.state.memory().fault = fault;
    }

    /// Returns what was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.memory().asked.clone()
    }

    /// Stops listening.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// Returns an issue as Sentry serializes it, as far as the relay looks.
pub fn issue(group: &str, short_id: &str, title: &str, project: &str) -> Value {
    json!({
        "id": group, "shortId": short_id, "title": title, "culprit": "api.views.totals in summarize",
        "permalink": format!("https://acme.sentry.io/issues/{group}/"), "level": "error", "priority": "high",
        "status": "unresolved", "substatus": "ongoing", "platform": "python",
        "project": { "id": "4501", "slug": project, "name": project, "platform": "python" },
        "metadata": { "type": "TypeError", "value": title }, "assignedTo": null, "isUnhandled": true,
        "firstSeen": "2026-11-20T08:00:00.123456Z", "lastSeen": "2026-11-25T09:30:00Z", "count": "1204",
        "userCount": 31, "issueType": "error", "issueCategory": "error", "seerFixabilityScore": 0.71,
    })
}

impl State {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question; a hang is answered with `None`.
    fn answer(
        &self,
        question: Question,
        request: &HttpRequest,
        (organization, group): (String, String),
    ) -> Option<HttpResponse> {
        let mut memory = self.memory();
        let response = match memory.fault {
            Some(fault) => misbehaving(fault),
            None => Some(match refusal(&memory, request).filter(|_| organization == self.organization) {
                Some(refusal) => refusal,
                None if organization != self.organization => gone(),
                None => self.tell(&mut memory, question, &group),
            }),
        };
        let status = response.as_ref().map_or(0, |response| response.status().as_u16());
        memory.asked.push(Asked { question, group, status });
        response
    }

    fn tell(&self, memory: &mut Memory, question: Question, group: &str) -> HttpResponse {
        let survivor = memory.merged.get(group).map_or(group, String::as_str).to_owned();
        let issue = memory.issues.get(&survivor).cloned();
        match (question, issue) {
            (Question::Issue, issue) => {
                let (mut response, is_allowed) = self.count(memory);
                match issue {
                    _ if !is_allowed => {
                        let words = format!(
                            "You are attempting to use this endpoint too frequently. Limit is {PER_SECOND} requests \
                             in 1 seconds"
                        );
                        response.status(StatusCode::TOO_MANY_REQUESTS).json(json!({ "detail": words }))
                    }
                    Some(issue) => response.json(issue),
                    None => gone(),
                }
            }
            (Question::Run, Some(_)) => {
                let run = memory.runs.get(&survivor).cloned().unwrap_or_default();
                HttpResponse::Ok().json(json!({ "autofix": run }))
            }
            (Question::Run, None) => gone(),
        }
    }

    /// Counts a question in its second; returns an answer with the headers that tell so, and whether it is allowed.
    fn count(&self, memory: &mut Memory) -> (HttpResponseBuilder, bool) {
        let second = self.clock.now().as_second();
        if memory.window.0 != second {
            memory.window = (second, 0);
        }
        memory.window.1 += 1;
        let left = PER_SECOND.saturating_sub(memory.window.1);
        let mut response = HttpResponse::Ok();
        for (name, value) in [
            ("x-sentry-rate-limit-limit", PER_SECOND.to_string()),
            ("x-sentry-rate-limit-remaining", left.to_string()),
            ("x-sentry-rate-limit-reset", (second + 1).to_string()),
            ("x-sentry-rate-limit-concurrentlimit", CONCURRENT.to_string()),
            ("x-sentry-rate-limit-concurrentremaining", (CONCURRENT - 1).to_string()),
        ] {
            response.insert_header((name, value));
        }
        (response, memory.window.1 <= PER_SECOND)
    }
}

/// Returns what keeps the request from being answered.
fn refusal(memory: &Memory, request: &HttpRequest) -> Option<HttpResponse> {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
        return Some(detail(401, "Authentication credentials were not provided."));
    };
    let Some(scopes) = memory.scopes.get(token) else { return Some(detail(401, "Invalid token")) };
    let may_read = scopes.iter().any(|scope| SCOPES.contains(&scope.as_str()));
    (!may_read).then(|| detail(403, "You do not have permission to perform this action."))
}

fn misbehaving(fault: Fault) -> Option<HttpResponse> {
    Some(match fault {
        Fault::Hang => return None,
        Fault::Html => HttpResponse::Ok().content_type("text/html").body("<html><h1>Sign in</h1></html>"),
        Fault::Huge => HttpResponse::Ok().content_type("application/json").body(vec![b' '; HUGE_BYTES]),
        Fault::OtherSchema => HttpResponse::Ok().json(json!({ "data": { "issue": { "name": "?" } } })),
        Fault::Status(status) => detail(status, "Internal Error"),
        Fault::RetryAfter(pause) => {
            let mut response = HttpResponse::TooManyRequests();
            response.insert_header(("retry-after", pause.as_secs().to_string())).json(json!({}))
        }
    })
}

fn gone() -> HttpResponse {
    detail(404, "The requested resource does not exist")
}

fn detail(status: u16, words: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).json(json!({ "detail": words }))
}

async fn tell_issue(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    tell(state.answer(Question::Issue, &request, path.into_inner())).await
}

async fn tell_run(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    tell(state.answer(Question::Run, &request, path.into_inner())).await
}

async fn tell(response: Option<HttpResponse>) -> HttpResponse {
    match response {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::HttpClient;

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn stand_in() -> SentryStandIn {
        let second = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let stand_in = SentryStandIn::start("acme", Clock::from_fn(move || second)).unwrap();
        stand_in.grant("good", &["event:read"]);
        stand_in.grant("poor", &["project:read"]);
        stand_in.put("5", issue("5", "API-5", "boom", "api"));
        stand_in
    }

    /// Returns status, `id` or `detail`, and how many questions are left in this second.
    async fn ask(stand_in: &SentryStandIn, path: &str, token: Option<&str>) -> (u16, String, Option<String>) {
        let url = format!("{}/api/0/organizations/{path}", stand_in.url()).parse().unwrap();
        let token = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
        let answer = HttpClient::new(None).unwrap().get(&url, &headers, TIMEOUT, 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let words = body.get("id").or(body.get("detail")).and_then(Value::as_str).unwrap_or_default();
        let left = answer.header("x-sentry-rate-limit-remaining").map(str::to_owned);
        (answer.status, words.to_owned(), left)
    }

    #[tokio::test]
    async fn only_a_token_with_the_scope_is_answered() {
        let stand_in = stand_in();
        for (token, expected) in [(None, 401), (Some("bad"), 401), (Some("poor"), 403), (Some("good"), 200)] {
            assert_eq!(ask(&stand_in, "acme/issues/5/", token).await.0, expected, "{token:?}");
        }
        let statuses: Vec<u16> = stand_in.asked().iter().map(|asked| asked.status).collect();
        assert_eq!(statuses, [401, 401, 403, 200]);
    }

    #[tokio::test]
    async fn issues_may_be_merged_and_deleted_and_belong_to_one_organization() {
        let stand_in = stand_in();
        stand_in.put("6", issue("6", "API-6", "bang", "api"));
        stand_in.merge("5", "6");
        assert_eq!(ask(&stand_in, "acme/issues/5/", Some("good")).await.1, "6");
        stand_in.remove("6");
        for path in ["acme/issues/6/", "acme/issues/5/", "other/issues/6/", "acme/issues/6/autofix/"] {
            assert_eq!(ask(&stand_in, path, Some("good")).await.0, 404, "{path}");
        }
    }

    #[tokio::test]
    async fn the_sixth_question_of_a_second_is_one_too_many() {
        let stand_in = stand_in();
        let mut told = Vec::new();
        for _ in 0..6 {
            let (status, _, left) = ask(&stand_in, "acme/issues/5/", Some("good")).await;
            told.push((status, left.unwrap()));
        }
        let expected = [(200, "4"), (200, "3"), (200, "2"), (200, "1"), (200, "0"), (429, "0")];
        assert_eq!(told, expected.map(|(status, left)| (status, left.to_owned())));
    }
}
