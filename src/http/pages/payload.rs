//! Payloads: a webhook's body as Sentry sent it, as a file and never as a page.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::answer::guarded;
use super::visit::Visit;
use crate::http::AppState;
use crate::http::error::ErrorCode;
use crate::store::{Reach, Told, Wanted};

/// So much is read for it at most, in bytes: more than the largest body, and the run before it.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Shows a payload.
pub(super) async fn show(request: HttpRequest, name: Path<String>, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(file(&state, &name).await),
        Err(refusal) => *refusal,
    }
}

async fn file(state: &AppState, name: &str) -> Result<HttpResponse, ErrorCode> {
    let event = state.history.event(name).await?.event;
    let wanted = [Wanted { event: event.clone(), reach: Reach::UpToEvent }];
    let told = state.history.stories(&wanted, MOST_BYTES).await?.into_iter().flatten().next();
    let payload = match told {
        Some(Told::Story(story)) if !story.payload.is_empty() => story.payload,
        Some(Told::Story(_) | Told::Heavy { .. }) | None => {
            return Err(ErrorCode::UnknownId(format!("no payload is kept of `{event}`")));
        }
    };
    Ok(guarded(StatusCode::OK)
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{event}.json\"")))
        .body(payload))
}
