//! For operators: liveness, readiness, metrics.

use std::time::{Duration, Instant};

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use tokio::sync::Mutex;

use super::AppState;
use super::error::{ApiError, ErrorCode};

/// For how long one look at the store answers everybody who asks.
const READINESS_AGE: Duration = Duration::from_secs(1);

/// What the store answered last, and when; `Ok` or the reason why it cannot write.
pub(super) type Readiness = Mutex<Option<(Instant, Result<(), String>)>>;

/// Says that the process answers.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
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
        Ok(()) => HttpResponse::Ok().json(json!({ "status": "ready" })),
        Err(reason) => {
            HttpResponse::ServiceUnavailable().json(json!({ "status": "unready", "reason": reason }))
        }
    }
}

/// Shows what is counted, in Prometheus' text format.
pub(super) async fn metrics(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.token.admit(&request)?;
    let backlog = state.history.backlog().await.map_err(|_| ErrorCode::StoreUnavailable)?;
    let deliveries = backlog.deliveries.iter().map(|(name, state, count)| (name.as_str(), *state, *count));
    state.metrics.show_backlog(backlog.events, deliveries);
    let text = state.metrics.encode().map_err(|_| ErrorCode::StoreUnavailable)?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
