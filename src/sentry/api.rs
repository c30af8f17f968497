//! Sentry's API: what it knows of an issue, and what became of a run.
//!
//! One question, one answer: when to ask and what is kept is decided elsewhere. The token goes to `api_url` alone, and
//! neither is part of any error.

mod autofix;
pub mod knock;
mod limits;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

pub use autofix::{Autofix, AutofixState, FailedPullRequest};
pub use limits::Limits;

use super::issue;
use crate::client::{Answer, End, HttpClient, TransportError};
use crate::event::{GroupId, Organization};
use crate::issue::Issue;
use crate::json::parse_lenient;

/// How long Sentry may take for an answer: longer than any message waits for it, for a late answer serves the next one.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read; issues take a few KiB, the blocks of a long run some hundred.
const LONGEST_ANSWER_BYTES: usize = 1024 * 1024;
/// A longer id is none of Sentry's.
const LONGEST_ID_BYTES: usize = 64;

/// Why Sentry did not say what was asked. No text holds an address or a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// It has no such issue: it was deleted, or is being merged into another one right now.
    #[error("Sentry has no such issue")]
    NotFound,
    /// 401: it does not know the token.
    #[error("Sentry does not know the token")]
    Unauthorized,
    /// 403: the token may not read issues.
    #[error("the token may not read issues")]
    Forbidden,
    /// 429: it was asked too often; for how long it wants to be left alone stands in the [`Limits`].
    #[error("Sentry was asked too often")]
    RateLimited,
    /// It cannot answer now.
    #[error("Sentry does not answer: {0}")]
    Unavailable(String),
    /// Something answered that is not what Sentry is known to say.
    #[error("Sentry's answer is not understood: {0}")]
    NotUnderstood(String),
}

impl ApiError {
    /// Returns its word in the metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Unavailable(_) => "unavailable",
            Self::NotUnderstood(_) => "not_understood",
        }
    }
}

/// The answer to one question, with what came along of Sentry's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<T> {
    /// What was asked for, or why it is not there.
    pub outcome: Result<T, ApiError>,
    /// Whether and when Sentry wants to be asked again.
    pub limits: Limits,
}

/// The API of one organization, for one token.
#[derive(Clone)]
pub struct SentryApi {
    client: HttpClient,
    organization: Organization,
    api_url: Url,
    authorization: SecretString,
}

impl fmt::Debug for SentryApi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SentryApi({})", self.organization)
    }
}

impl SentryApi {
    /// Sets up the API of an organization below `api_url`.
    pub fn new(client: HttpClient, organization: Organization, api_url: Url, token: &SecretString) -> Self {
        let authorization = SecretString::from(format!("Bearer {}", token.expose_secret().trim()));
        Self { client, organization, api_url, authorization }
    }

    /// Returns whose API it is.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Tells whether both ask the same: with the same token, at the same address, of the same organization.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.organization == other.organization
            && self.api_url == other.api_url
            && self.authorization.expose_secret() == other.authorization.expose_secret()
    }

    /// Asks for an issue. One that was merged answers as the survivor, which has another id.
    // Source: getsentry/sentry GroupDetailsEndpoint, scope event:read, 5 requests a second; read 2026-11-25.
    pub async fn issue(&self, group: &GroupId, now: Timestamp) -> Answered<Issue> {
        self.ask(group, &[], now, |answer| {
            let unknown = || ApiError::NotUnderstood("it is JSON, but no issue".to_owned());
            issue::read(answer, Some(group)).ok_or_else(unknown)
        })
        .await
    }

    /// Asks for the newest run of an issue, which need not be the one that is meant; `None` where it never had one.
    // Source: getsentry/sentry src/sentry/seer/endpoints/group_ai_autofix.py ("still experimental"), read 2026-11-25.
    pub async fn autofix(&self, group: &GroupId, now: Timestamp) -> Answered<Option<Autofix>> {
        self.ask(group, &["autofix"], now, |answer| {
            let unknown = |_| ApiError::NotUnderstood("it is JSON, but tells of no run".to_owned());
            autofix::read(answer).map_err(unknown)
        })
        .await
    }

    async fn ask<T>(
        &self,
        group: &GroupId,
        below: &[&str],
        now: Timestamp,
        read: impl FnOnce(&Value) -> Result<T, ApiError>,
    ) -> Answered<T> {
        // What cannot be an id must not lead to another page of the API.
        let Some(url) = self.address(group, below) else {
            return Answered { outcome: Err(ApiError::NotFound), limits: Limits::default() };
        };
        let headers = [("authorization", self.authorization.expose_secret()), ("accept", "application/json")];
        let answer = match self.client.get(&url, &headers, TIMEOUT, LONGEST_ANSWER_BYTES).await {
            Ok(answer) => answer,
            Err(error) => {
                return Answered { outcome: Err(unreached(&error)), limits: Limits::default() };
            }
        };
        let limits = Limits::read(&answer, now);
        Answered { outcome: content(&answer).and_then(|json| read(&json)), limits }
    }

    fn address(&self, group: &GroupId, below: &[&str]) -> Option<Url> {
        let id = group.as_str();
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > LONGEST_ID_BYTES || !id.bytes().all(is_id) {
            return None;
        }
        let mut url = self.api_url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let path = ["api", "0", "organizations", self.organization.as_str(), "issues", id];
        url.path_segments_mut().ok()?.pop_if_empty().extend(path).extend(below).push("");
        Some(url)
    }
}

fn unreached(error: &TransportError) -> ApiError {
    ApiError::Unavailable(error.to_string())
}

/// Returns the JSON of a good answer, or what another one means.
fn content(answer: &Answer) -> Result<Value, ApiError> {
    if answer.is_html() && !(500..600).contains(&answer.status) {
        return Err(not_understood(format!("a web page (status {})", answer.status)));
    }
    match answer.status {
        200 => {}
        300..=399 => return Err(not_understood(format!("a redirect (status {})", answer.status))),
        401 => return Err(ApiError::Unauthorized),
        403 => return Err(ApiError::Forbidden),
        404 => return Err(ApiError::NotFound),
        429 => return Err(ApiError::RateLimited),
        408 | 425 | 500..=599 => return Err(ApiError::Unavailable(format!("status {}", answer.status))),
        status => return Err(not_understood(format!("status {status}"))),
    }
    match &answer.end {
        End::Complete => {}
        End::Capped => return Err(not_understood("it is larger than 1 MiB".to_owned())),
        End::Broken(error) => return Err(unreached(error)),
    }
    parse_lenient(&answer.body).map_err(|_| not_understood("it is no JSON".to_owned()))
}

fn not_understood(why: String) -> ApiError {
    ApiError::NotUnderstood(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(url: &str) -> SentryApi {
        let client = HttpClient::new(None).unwrap();
        SentryApi::new(client, Organization::new("acme"), url.parse().unwrap(), &"hunter2-token".into())
    }

    fn address(url: &str, id: &str, below: &[&str]) -> Option<String> {
        api(url).address(&GroupId::new(id), below).map(String::from)
    }

    #[test]
    fn questions_go_below_the_api_s_address_whatever_its_path() {
        for (url, expected) in [
            ("https://sentry.io", "https://sentry.io/api/0/organizations/acme/issues/77/"),
            ("https://sentry.io/?a=b#c", "https://sentry.io/api/0/organizations/acme/issues/77/"),
            ("https://a.example/sentry", "https://a.example/sentry/api/0/organizations/acme/issues/77/"),
            ("https://a.example/sentry/", "https://a.example/sentry/api/0/organizations/acme/issues/77/"),
        ] {
            assert_eq!(address(url, "77", &[]).as_deref(), Some(expected), "{url}");
        }
        let autofix = "https://sentry.io/api/0/organizations/acme/issues/77/autofix/";
        assert_eq!(address("https://sentry.io", "77", &["autofix"]).as_deref(), Some(autofix));
    }

    #[tokio::test]
    async fn what_cannot_be_an_id_is_not_asked_for() {
        for id in ["", "..", ".", "7/8", "7?x", "7#", "7%2f", "sieben ", &"7".repeat(65)] {
            assert_eq!(address("https://sentry.io", id, &[]), None, "{id}");
        }
        let nobody = api("http://127.0.0.1:1");
        let answered = nobody.issue(&GroupId::new(".."), Timestamp::UNIX_EPOCH).await;
        assert_eq!(answered.outcome, Err(ApiError::NotFound));
    }

    #[test]
    fn every_status_has_a_meaning() {
        for status in 100..=599 {
            let answer = Answer::for_tests(status, &[], "{}");
            let expected = match status {
                200 => None,
                401 => Some(ApiError::Unauthorized),
                403 => Some(ApiError::Forbidden),
                404 => Some(ApiError::NotFound),
                429 => Some(ApiError::RateLimited),
                408 | 425 | 500.. => Some(ApiError::Unavailable(format!("status {status}"))),
                300..=399 => Some(ApiError::NotUnderstood(format!("a redirect (status {status})"))),
                _ => Some(ApiError::NotUnderstood(format!("status {status}"))),
            };
            assert_eq!(content(&answer).err(), expected, "{status}");
        }
    }

    #[test]
    fn a_web_page_is_the_word_of_a_gateway_and_says_nothing_of_token_or_issue() {
        for status in [200, 401, 403, 404, 429] {
            let answer = Answer::for_tests(status, &[("Content-Type", "text/html; charset=utf-8")], "<html>");
            let expected = ApiError::NotUnderstood(format!("a web page (status {status})"));
            assert_eq!(content(&answer).err(), Some(expected));
        }
        let down = Answer::for_tests(502, &[], "<html>bad gateway</html>");
        assert_eq!(content(&down).err(), Some(ApiError::Unavailable("status 502".to_owned())));
    }

    #[test]
    fn an_answer_that_is_cut_or_no_json_is_not_understood() {
        let mut answer = Answer::for_tests(200, &[], "{\"id\": 5}");
        assert!(content(&answer).is_ok());
        answer.end = End::Capped;
        assert!(matches!(content(&answer), Err(ApiError::NotUnderstood(_))));
        answer.end = End::Broken(TransportError::Timeout);
        assert_eq!(content(&answer), Err(ApiError::Unavailable("no answer in time".to_owned())));
        let text = Answer::for_tests(200, &[], "sentry");
        assert_eq!(content(&text), Err(ApiError::NotUnderstood("it is no JSON".to_owned())));
    }

    #[test]
    fn nothing_shows_the_token() {
        let shown = format!("{:?}", api("https://a.example/hunter2-path"));
        assert_eq!(shown, "SentryApi(acme)");
    }
}
