//! A knock at Sentry's door: whether it answers, and whether a token may read what the relay wants to know.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use url::Url;

use super::{ApiError, LONGEST_ANSWER_BYTES, SentryApi, TIMEOUT, content, unreached};
use crate::client::{HttpClient, TransportError};

/// How much of an answer is read that is not looked at.
const GLANCE_BYTES: usize = 1024;

/// What a knock brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knocked {
    /// Whether the token may read issues.
    pub outcome: Result<(), ApiError>,
    /// What time it is there.
    pub date: Option<Timestamp>,
}

impl SentryApi {
    /// Asks for one issue of the organization, whichever, as a token with scope `event:read` may.
    // Source: getsentry/sentry src/sentry/issues/endpoints/organization_group_index.py (OrganizationEventPermission),
    // read 2026-11-30. The organization itself would be asked for with `org:read`, which the relay does not need.
    pub async fn knock(&self) -> Knocked {
        let url = below(&self.api_url, &["organizations", self.organization.as_str(), "issues"]);
        let Some(mut url) = url else {
            return Knocked { outcome: Err(ApiError::NotFound), date: None };
        };
        url.set_query(Some("limit=1"));
        let headers = [("authorization", self.authorization.expose_secret()), ("accept", "application/json")];
        match self.client.get(&url, &headers, TIMEOUT, LONGEST_ANSWER_BYTES).await {
            Ok(answer) => Knocked { outcome: content(&answer).map(drop), date: answer.date() },
            Err(error) => Knocked { outcome: Err(unreached(&error)), date: None },
        }
    }
}

/// Asks whether anybody is there, without a token; returns what time it is there.
///
/// # Errors
/// [`TransportError`] when no answer came.
pub async fn without_token(
    client: &HttpClient,
    api_url: &Url,
    timeout: Duration,
) -> Result<Option<Timestamp>, TransportError> {
    let unsendable = TransportError::Unsendable("the address cannot be extended");
    let url = below(api_url, &[]).ok_or(unsendable)?;
    Ok(client.get(&url, &[], timeout, GLANCE_BYTES).await?.date())
}

fn below(api_url: &Url, path: &[&str]) -> Option<Url> {
    let mut url = api_url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().ok()?.pop_if_empty().extend(["api", "0"]).extend(path).push("");
    Some(url)
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{header, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::event::Organization;

    async fn knocked(answer: ResponseTemplate) -> Knocked {
        let server = MockServer::start().await;
        let door = Mock::given(path("/api/0/organizations/acme/issues/"));
        let door = door.and(query_param("limit", "1")).and(header("authorization", "Bearer a-token"));
        door.respond_with(answer).mount(&server).await;
        let (client, url) = (HttpClient::new(None).unwrap(), server.uri().parse().unwrap());
        SentryApi::new(client, Organization::new("acme"), url, &"a-token".into()).knock().await
    }

    #[tokio::test]
    async fn a_token_that_may_read_issues_is_welcome() {
        let answer = ResponseTemplate::new(200).insert_header("date", "Wed, 25 Nov 2026 12:00:10 GMT");
        let knocked = knocked(answer.set_body_string("[]")).await;
        assert_eq!(knocked.outcome, Ok(()));
        assert_eq!(knocked.date, "2026-11-25T12:00:10Z".parse().ok());
    }

    #[tokio::test]
    async fn a_token_that_may_not_is_told_why() {
        for (status, error) in
            [(401, ApiError::Unauthorized), (403, ApiError::Forbidden), (404, ApiError::NotFound)]
        {
            let answer = ResponseTemplate::new(status).set_body_string("{}");
            assert_eq!(knocked(answer).await.outcome, Err(error), "{status}");
        }
    }

    #[tokio::test]
    async fn without_a_token_it_is_enough_that_somebody_answers() {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(401).insert_header("date", "Wed, 25 Nov 2026 12:00:10 GMT");
        Mock::given(path("/sentry/api/0/")).respond_with(answer).mount(&server).await;
        let client = HttpClient::new(None).unwrap();
        let url: Url = format!("{}/sentry/", server.uri()).parse().unwrap();
        let date = without_token(&client, &url, TIMEOUT).await.unwrap();
        assert_eq!(date, "2026-11-25T12:00:10Z".parse().ok());
        let closed: Url = "http://127.0.0.1:1".parse().unwrap();
        assert!(without_token(&client, &closed, TIMEOUT).await.is_err());
    }
}
