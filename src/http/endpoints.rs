//! What programs ask: lists, one run, one event, and to send again. Each answers the same question as a page and a command.

use std::time::Duration;

use actix_web::error::JsonPayloadError;
use actix_web::http::header::ContentType;
use actix_web::web::{Data, Json, JsonConfig, Path};
use actix_web::{Error, HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::AppState;
use super::api::{DeliveryJson, PageJson, RunJson, event_history, replayed, run_history};
use super::error::{ApiError, ErrorCode};
use super::openapi;
use super::query::{Paging, Query};
use crate::delivery::DestinationName;
use crate::store::{ReplayTarget, Report, ReportFilter};
use crate::threads::{Breathing, aside};

/// How many runs, events and deliveries one call sends again at most.
const MOST_IDS: usize = 100;

/// How long a body that asks for something is at most, in bytes.
const BODY_BYTES: usize = 64 * 1024;

/// How long a report may take: a connection on which nothing is answered for 15 s ends.
const REPORT_TIMEOUT: Duration = Duration::from_secs(12);

/// Returns what bodies may be that ask for something, and how others are refused.
pub(super) fn body_limits() -> JsonConfig {
    let refuse = |error: JsonPayloadError, _: &HttpRequest| {
        let what = if matches!(error, JsonPayloadError::ContentType) {
            "it is sent without `Content-Type: application/json`".to_owned()
        } else {
            error.to_string()
        };
        ApiError::unread(ErrorCode::BadRequest(what)).into()
    };
    JsonConfig::default().limit(BODY_BYTES).error_handler(refuse)
}

/// Lists runs.
pub(super) async fn runs(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.policy().token.admit(&request)?;
    let mut query = Query::of(&request, state.clock.now());
    let (filter, Paging { after, limit }) = (query.runs()?, query.paging()?);
    query.finish()?;
    let page = state.history.find_runs(filter, after, limit).await.map_err(ErrorCode::from)?;
    json(move || written(&PageJson::<RunJson>::of(&page))).await
}

/// Shows one run with its history.
pub(super) async fn run(
    request: HttpRequest,
    name: Path<String>,
    state: Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let policy = state.policy();
    policy.token.admit(&request)?;
    Query::of(&request, state.clock.now()).finish()?;
    let history = state.history.run(&name).await.map_err(ErrorCode::from)?;
    json(move || written(&run_history(&history, &policy.links(&history.run.organization)))).await
}

/// Shows one event, why it was routed as it was, and what became of it.
pub(super) async fn event(
    request: HttpRequest,
    name: Path<String>,
    state: Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let policy = state.policy();
    policy.token.admit(&request)?;
    Query::of(&request, state.clock.now()).finish()?;
    let found = state.history.event(&name).await.map_err(ErrorCode::from)?;
    json(move || match event_history(&found, &policy.links(&found.history.run.organization)) {
        Some(document) => written(&document),
        None => Err(ErrorCode::UnknownId(format!("no event is known as `{name}`"))),
    })
    .await
}

/// Lists deliveries.
pub(super) async fn deliveries(
    request: HttpRequest,
    state: Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.policy().token.admit(&request)?;
    let now = state.clock.now();
    let mut query = Query::of(&request, now);
    let (filter, Paging { after, limit }) = (query.deliveries()?, query.paging()?);
    query.finish()?;
    let page = state.history.deliveries(filter, after, limit, now).await.map_err(ErrorCode::from)?;
    json(move || written(&PageJson::<DeliveryJson>::of(&page))).await
}

/// Counts.
pub(super) async fn report(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.policy().token.admit(&request)?;
    let mut query = Query::of(&request, state.clock.now());
    let filter = query.report()?;
    query.finish()?;
    Ok(HttpResponse::Ok().json(counted(&state, filter).await?))
}

/// Counts for whoever gets the answer as one.
pub(super) async fn counted(state: &AppState, filter: ReportFilter) -> Result<Report, ErrorCode> {
    let counted = timeout(REPORT_TIMEOUT, state.history.report(filter)).await;
    Ok(counted.map_err(|_| ErrorCode::StoreUnavailable)??)
}

/// Answers with a document that is made and written aside: a long one takes milliseconds.
async fn json(
    document: impl FnOnce() -> Result<Vec<u8>, ErrorCode> + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    // Where it broke off, the panic was told of already.
    let written = aside(document).await.unwrap_or(Err(ErrorCode::StoreUnavailable))?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(written))
}

fn written(document: &impl Serialize) -> Result<Vec<u8>, ErrorCode> {
    let mut written = Breathing::default();
    // What is answered can always be written.
    serde_json::to_writer(&mut written, document).map_err(|_| ErrorCode::StoreUnavailable)?;
    Ok(written.into_inner())
}

/// Shows what all of this takes and answers.
pub(super) async fn openapi(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    let policy = state.policy();
    policy.token.admit(&request)?;
    Query::of(&request, state.clock.now()).finish()?;
    Ok(HttpResponse::Ok().json(openapi::document(policy.public_url.as_ref())))
}

/// What is to be sent again.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReplayRequest {
    /// Deliveries (`dlv_…`), events (`evt_…`) or runs (`acme/12345`). Either these or `dead`.
    #[schemars(length(max = MOST_IDS))]
    ids: Vec<String>,
    /// Every dead letter that was not sent again yet.
    dead: bool,
    /// Of dead letters: only those to this destination.
    destination: Option<String>,
    /// Of dead letters: only those that died since; as `since` of a list.
    since: Option<String>,
}

/// Sends again.
pub(super) async fn replay(
    request: HttpRequest,
    wanted: Result<Json<ReplayRequest>, Error>,
    state: Data<AppState>,
) -> Result<HttpResponse, Error> {
    let policy = state.policy();
    // Whoever has no token is told that first, whatever they send.
    policy.token.admit_change(&request, policy.public_url.as_ref())?;
    let now = state.clock.now();
    let replayed_now = match asked(wanted?.into_inner(), now).map_err(ApiError::from)? {
        Asked::Named(names) => state.queue.replay_named(names, now).await,
        Asked::Dead(target) => state.queue.replay(target, now).await,
    };
    let all = replayed_now.map_err(|error| ApiError::from(ErrorCode::from(error)))?;
    state.wake.notify_one();
    Ok(HttpResponse::Ok().json(replayed(&all)))
}

/// What is to be sent again, found to make sense.
enum Asked {
    Named(Vec<String>),
    Dead(ReplayTarget),
}

fn asked(wanted: ReplayRequest, now: jiff::Timestamp) -> Result<Asked, ErrorCode> {
    let ReplayRequest { ids, dead, destination, since } = wanted;
    let refused = |what: &str| Err(ErrorCode::BadRequest(what.to_owned()));
    match (dead, ids.as_slice()) {
        (true, []) => {
            let since = since
                .map(|since| {
                    super::query::moment(&since, now)
                        .ok_or_else(|| ErrorCode::BadRequest("`since` is no time".to_owned()))
                })
                .transpose()?;
            Ok(Asked::Dead(ReplayTarget::Dead { destination: destination.map(DestinationName::new), since }))
        }
        (false, []) => refused("name `ids`, or `dead` letters"),
        (true, _) => refused("name `ids` or `dead` letters, not both"),
        (false, _) if destination.is_some() || since.is_some() => {
            refused("`destination` and `since` choose among dead letters")
        }
        (false, _) if ids.len() > MOST_IDS => refused("there are more than 100 `ids`"),
        (false, _) => Ok(Asked::Named(ids)),
    }
}
