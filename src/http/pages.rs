//! The dashboard: what is known of runs, deliveries and destinations as pages for people, and what people can do there.
//!
//! Every page is written here, whole, and can be read without a script; what the script adds is that a page follows what
//! happens. No text of a stranger is markup in it: the engine escapes each, and the policy that goes with each page lets
//! nothing run or load but what comes with the relay.

mod answer;
mod assets;
mod deliveries;
mod destinations;
mod engine;
mod live;
mod login;
mod message;
mod notice;
mod payload;
mod prose;
mod replay;
mod report;
mod run;
mod runs;
mod stream;
mod visit;
mod words;

use actix_web::error::UrlencodedError;
use actix_web::web::{Data, FormConfig, ServiceConfig, get, head, post};
use actix_web::{HttpRequest, HttpResponse, Resource};

use super::error::{ApiError, ErrorCode};
use super::{AppState, READ, at};
use visit::Visit;

pub(super) use live::Live;
pub use live::follow;

/// What a path is asked by that shows something and takes a form.
const FORM: &str = "GET, HEAD, POST";

/// How long a form is at most, in bytes.
const FORM_BYTES: usize = 16 * 1024;

/// Adds the pages to a server.
pub(super) fn routes(service: &mut ServiceConfig) {
    service
        .app_data(form_limits())
        .service(at("/", READ).route(get().to(runs::list)).route(head().to(runs::list)))
        .service(at("/runs", READ).route(get().to(runs::home)).route(head().to(runs::home)))
        .service(at("/runs/{name:.+}", READ).route(get().to(run::show)).route(head().to(run::show)))
        .service(at("/deliveries", READ).route(get().to(deliveries::list)).route(head().to(deliveries::list)))
        .service(
            at("/deliveries/{name}", READ).route(get().to(message::show)).route(head().to(message::show)),
        )
        .service(
            at("/events/{name}/payload", READ).route(get().to(payload::show)).route(head().to(payload::show)),
        )
        .service(
            at("/destinations", READ)
                .route(get().to(destinations::list))
                .route(head().to(destinations::list)),
        )
        .service(at("/destinations/{name}/test", "POST").route(post().to(destinations::test)))
        .service(at("/report", READ).route(get().to(report::show)).route(head().to(report::show)))
        .service(at("/report/{part}.csv", READ).route(get().to(report::csv)).route(head().to(report::csv)))
        .service(
            form("/replay")
                .route(get().to(replay::ask))
                .route(head().to(replay::ask))
                .route(post().to(replay::replay)),
        )
        .service(
            form("/login")
                .route(get().to(login::form))
                .route(head().to(login::form))
                .route(post().to(login::log_in)),
        )
        .service(at("/logout", "POST").route(post().to(login::log_out)))
        .service(at("/live", "GET").route(get().to(live::listen)))
        .service(at("/assets/{name}", READ).route(get().to(assets::show)).route(head().to(assets::show)));
}

/// Returns what a form may send, and how others are refused.
fn form_limits() -> FormConfig {
    let refuse = |error: UrlencodedError, _: &HttpRequest| {
        ApiError::unread(ErrorCode::BadRequest(error.to_string())).into()
    };
    FormConfig::default().limit(FORM_BYTES).error_handler(refuse)
}

fn form(path: &str) -> Resource {
    at(path, FORM)
}

/// Says that there is nothing at a path: to people who are logged in as a page.
pub(super) async fn nothing(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    match Visit::known(&request, &state) {
        Some(visit) => visit.refuse(&ErrorCode::NotFound),
        None => answer::as_json(&ErrorCode::NotFound.into()),
    }
}
