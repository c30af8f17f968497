//! `POST /webhooks/sentry`: verify, parse, store, answer. Nothing else happens before the answer.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use actix_web::dev::Payload as RawPayload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web::{Data, Payload};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde_json::json;

use super::body::read;
use super::error::{ApiError, CODES, ErrorCode};
use super::{AppState, Policy, doubts};
use crate::event::EventId;
use crate::sentry::payload::{self, AcceptedEvent, PayloadError};
use crate::sentry::signature::{VerifiedWebhook, WebhookHeaders, verify};
use crate::store::Acceptance;
use crate::telemetry::Metrics;

/// How long a commit may take before the answer is 503: Sentry waits for one second, and sends nothing again.
// Source: docs.sentry.io/integrations/integration-platform/webhooks/ ("should respond within 1 second"), and
// getsentry/sentry src/sentry/utils/sentry_apps/webhooks.py, `ignore_unpublished_app_errors`; read 2026-11-24.
const COMMIT_TIMEOUT: Duration = Duration::from_millis(800);

/// How many novelties are remembered as logged; further ones are only counted.
const MOST_NOVELTIES: usize = 500;

/// The word for a webhook whose event is committed.
const ACCEPTED: &str = "accepted";
/// The word for a webhook whose event was committed before.
const DUPLICATE: &str = "duplicate";

/// What was new in payloads and is logged already.
pub(super) type Novelties = HashSet<String>;

/// Shows how often each answer was given from the start on, before it is.
pub(super) fn expect_answers(metrics: &Metrics) {
    let read = [ACCEPTED, DUPLICATE, ErrorCode::StoreUnavailable.as_str()];
    metrics.expect_webhooks(CODES.iter().map(|(_, code, _)| *code), &read);
}

/// A webhook whose signature holds. There is no other way for a handler to get at one.
pub(super) struct SignedWebhook {
    verified: VerifiedWebhook,
    received_at: Timestamp,
    read_at: Instant,
    /// In force when it came.
    policy: Arc<Policy>,
}

impl FromRequest for SignedWebhook {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut RawPayload) -> Self::Future {
        let request = request.clone();
        let payload = Payload::from_request(&request, payload).into_inner();
        Box::pin(async move {
            let state = state_of(&request)?;
            let result = async {
                let payload = payload.map_err(|_| ApiError::unread(ErrorCode::NotJson("no body".into())))?;
                read_signed(&request, payload, &state).await
            };
            result.await.inspect_err(|error| state.metrics.webhook(None, None, error.code().as_str()))
        })
    }
}

fn state_of(request: &HttpRequest) -> Result<Data<AppState>, ApiError> {
    request.app_data::<Data<AppState>>().cloned().ok_or_else(|| ApiError::unread(ErrorCode::StoreUnavailable))
}

/// The checks in the order in which they cost a stranger most and the relay least.
async fn read_signed(
    request: &HttpRequest,
    payload: Payload,
    state: &AppState,
) -> Result<SignedWebhook, ApiError> {
    let mut encodings = request.headers().get_all(CONTENT_ENCODING);
    if encodings.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(ApiError::unread(ErrorCode::EncodingUnsupported));
    }
    let policy = state.policy();
    let announced_bytes = announced_bytes(request, policy.max_body_bytes).map_err(ApiError::unread)?;
    let headers = || request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers = WebhookHeaders::read(headers())
        .inspect_err(|error| doubts::note_head(headers(), *error, state))
        .map_err(|error| ApiError::unread(error.into()))?;
    let body = read(payload, announced_bytes, policy.max_body_bytes, &state.memory.budget)
        .await
        .map_err(ApiError::unread)?;
    let read_at = Instant::now();
    let (signature, doubtful) = (headers.signature, body.clone());
    let verified = verify(headers, body, &policy.keys).inspect_err(|_| {
        state.metrics.doubted();
        doubts::note_mismatch(signature, doubtful, state);
    });
    let verified = verified.map_err(ErrorCode::from)?;
    let received_at = state.clock.now();
    state.metrics.heard(verified.organization(), received_at);
    Ok(SignedWebhook { verified, received_at, read_at, policy })
}

fn announced_bytes(request: &HttpRequest, max_bytes: usize) -> Result<Option<usize>, ErrorCode> {
    let Some(value) = request.headers().get(CONTENT_LENGTH) else { return Ok(None) };
    match value.to_str().ok().and_then(|text| text.parse::<usize>().ok()) {
        Some(bytes) if bytes <= max_bytes => Ok(Some(bytes)),
        Some(_) | None => Err(ErrorCode::BodyTooLarge { max_bytes }),
    }
}

/// What a webhook is answered that nothing is wrong with.
enum Answer {
    /// Its event is committed.
    Accepted(EventId),
    /// The event that it repeats is committed.
    Duplicate(EventId),
    /// Another resource of Sentry's, or an alert on another activity: only acknowledged.
    Ignored,
}

impl Answer {
    /// Returns the word for it, the same in the body and in the metrics.
    fn word(&self) -> &'static str {
        match self {
            Self::Accepted(_) => ACCEPTED,
            Self::Duplicate(_) => DUPLICATE,
            Self::Ignored => "ignored",
        }
    }

    fn into_response(self) -> HttpResponse {
        let status = self.word();
        match self {
            Self::Accepted(id) => HttpResponse::Accepted().json(json!({ "status": status, "id": id })),
            Self::Duplicate(id) => HttpResponse::Ok().json(json!({ "status": status, "id": id })),
            Self::Ignored => HttpResponse::Ok().json(json!({ "status": status })),
        }
    }
}

/// Stores a signed webhook and answers once it is committed.
pub(super) async fn receive(webhook: SignedWebhook, state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    let SignedWebhook { verified, received_at, read_at, policy } = webhook;
    let resource = verified.resource().to_owned();
    let parsed = payload::parse(verified, received_at);
    let action = parsed.as_ref().ok().map(|event| event.action().clone());
    let answer = accept(parsed, policy.dedupe_window, &state).await;
    state.metrics.webhook_took(read_at.elapsed());
    let outcome = answer.as_ref().map_or_else(ErrorCode::as_str, Answer::word);
    state.metrics.webhook(Some(&resource), action.as_ref(), outcome);
    Ok(answer?.into_response())
}

async fn accept(
    parsed: Result<AcceptedEvent, PayloadError>,
    dedupe_window: Duration,
    state: &AppState,
) -> Result<Answer, ErrorCode> {
    let event = match parsed {
        Err(PayloadError::NotSeer) => return Ok(Answer::Ignored),
        parsed => parsed?,
    };
    note_novelties(event.novelties(), state);
    let commit = state.queue.accept(event, dedupe_window);
    match tokio::time::timeout(COMMIT_TIMEOUT, commit).await {
        Ok(Ok(Acceptance::Stored(id))) => {
            state.wake.notify_one();
            Ok(Answer::Accepted(id))
        }
        Ok(Ok(Acceptance::Duplicate(id))) => Ok(Answer::Duplicate(id)),
        Ok(Err(error)) => {
            tracing::error!(%error, "a webhook could not be stored");
            Err(ErrorCode::StoreUnavailable)
        }
        Err(_) => {
            tracing::error!(timeout = ?COMMIT_TIMEOUT, "a webhook was not stored in time");
            Err(ErrorCode::StoreUnavailable)
        }
    }
}

/// Sentry changes its payload without notice: what is new is said once, and counted each time.
fn note_novelties(novelties: &[String], state: &AppState) {
    for novelty in novelties {
        state.metrics.novelty();
        let mut seen = state.memory.novelties.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < MOST_NOVELTIES && seen.insert(novelty.clone()) {
            tracing::warn!(novelty, "Sentry's payload holds something that this version does not know");
        }
    }
}
