//! For operators: liveness, readiness, metrics.

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::AppState;
use super::error::ApiError;
use crate::store::{Backlog, QueueLength};
use crate::telemetry::Queued;

/// For how long one look at the store answers everybody who asks.
const READINESS_AGE: Duration = Duration::from_secs(1);

/// What the store answered last, and when; `Ok` or the reason why it cannot write.
pub(super) type Readiness = Mutex<Option<(Instant, Result<(), String>)>>;

/// Says that the process answers.
pub(super) async fn healthz() -> HttpResponse {
    answer_anybody(StatusCode::OK, &json!({ "status": "alive" }))
}

/// Ends the connection as well: anybody may ask, and would ask thousands of times at once.
fn answer_anybody(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).force_close().json(body)
}

/// Says whether a webhook could be stored now.
pub(super) async fn readyz(state: Data<AppState>) -> HttpResponse {
    let mut last = state.memory.readiness.lock().await;
    let fresh = last.as_ref().filter(|(asked, _)| asked.elapsed() < READINESS_AGE);
    let answer = if let Some((_, answer)) = fresh {
        answer.clone()
    } else {
        let answer = state.queue.probe().await.map_err(|error| error.to_string());
        *last = Some((Instant::now(), answer.clone()));
        answer
    };
    match answer {
        Ok(()) => answer_anybody(StatusCode::OK, &json!({ "status": "ready" })),
        Err(reason) => {
            answer_anybody(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "unready", "reason": reason }))
        }
    }
}

/// Shows what is counted, in Prometheus' text format; while the store cannot be read, with what waited when it last
/// could.
pub(super) async fn metrics(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.policy().token.admit(&request)?;
    match state.history.backlog().await {
        Ok(Backlog { events, queues }) => {
            let now = state.clock.now();
            state.metrics.show_backlog(events, queues.iter().map(|queue| queued(queue, now)));
        }
        Err(error) => tracing::warn!(%error, "what waits could not be counted for the metrics"),
    }
    let text = state.metrics.encode();
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

fn queued(queue: &QueueLength, now: Timestamp) -> Queued<'_> {
    let due_for = |first_due_at: Timestamp| now.duration_since(first_due_at).try_into().ok();
    Queued {
        destination: queue.destination.as_str(),
        waiting: queue.waiting,
        sending: queue.sending,
        dead: queue.dead,
        oldest_due: queue.first_due_at.and_then(due_for),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;
    use secrecy::SecretString;
    use tokio::sync::watch;

    use super::*;
    use crate::clock::Clock;
    use crate::http::{AccessToken, Memory, Policy, Senders};
    use crate::notify::Notifiers;
    use crate::render::Renderer;
    use crate::sentry::signature::SigningKeys;
    use crate::store::{Access, StoreConfig, open};
    use crate::telemetry::Metrics;

    #[tokio::test]
    async fn metrics_are_shown_while_the_store_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let config =
            StoreConfig { path: path.clone(), retention: Duration::from_hours(1), payload_retention: None };
        let store = open(&config, Access::Serve).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let metrics_counted = Arc::new(Metrics::new().unwrap());
        metrics_counted.webhook(Some("seer"), None, "store_unavailable");
        let policy = Policy {
            keys: SigningKeys::new(&[]),
            max_body_bytes: 0,
            dedupe_window: Duration::ZERO,
            token: AccessToken::new(&SecretString::from("open sesame")),
            public_url: None,
            links: std::collections::HashMap::new(),
            senders: Senders {
                renderer: Arc::new(Renderer::built_in()),
                destinations: Vec::new(),
                notifiers: Notifiers::default(),
            },
        };
        let (_policy, policy) = watch::channel(Arc::new(policy));
        let state = Data::new(AppState {
            queue: store.clone(),
            history: store,
            policy,
            clock: Clock::system(),
            wake: Arc::default(),
            metrics: metrics_counted,
            memory: Memory::default(),
        });
        let request = TestRequest::default().insert_header(("authorization", "Bearer open sesame"));

        let answer = metrics(request.to_http_request(), state).await.unwrap();

        let text = to_bytes(answer.into_body()).await.unwrap();
        let text = String::from_utf8_lossy(&text);
        let counted =
            r#"seer_relay_webhooks_total{action="none",outcome="store_unavailable",resource="seer"} 1"#;
        assert!(text.contains(counted), "{text}");
    }
}
