//! Visits: somebody who has the token looks at a page, or asks for a change.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{as_json, guarded, page};
use super::assets::{NAMES, Names};
use super::notice::{self, Notice};
use super::stream::in_pieces;
use super::{engine, login};
use crate::http::error::{ApiError, ErrorCode};
use crate::http::{AppState, Policy};
use crate::render::context::rfc3339;
use crate::threads::aside;

/// Somebody who may see what there is.
pub(super) struct Visit {
    /// What is in force.
    pub(super) policy: Arc<Policy>,
    /// When it is.
    pub(super) now: Timestamp,
    /// Whether a person looks, and not a program.
    is_person: bool,
    /// What was done just before.
    notice: Option<Notice>,
}

/// What somebody gets who is not let in.
pub(super) type Refusal = Box<HttpResponse>;

/// Which of the pages one is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// The list of runs, or one.
    Runs,
    /// The list of deliveries, or one.
    Deliveries,
    /// The destinations.
    Destinations,
    /// The report.
    Report,
    /// None that stands in the navigation.
    Elsewhere,
}

/// What every page has around its content.
struct Frame {
    title: String,
    place: Place,
    now: String,
    notice: Option<NoticeView>,
}

/// What was done just before, or did not work.
#[derive(Serialize)]
struct NoticeView {
    text: String,
    /// What can be done about it, where it did not work.
    hint: Option<&'static str>,
}

/// A page as its template takes it.
#[derive(Serialize)]
struct Whole<'a, T: Serialize> {
    title: &'a str,
    place: Place,
    now: &'a str,
    assets: &'static Names,
    notice: Option<&'a NoticeView>,
    is_known: bool,
    version: &'static str,
    page: T,
}

impl Frame {
    /// Writes a page.
    fn draw(&self, template: &str, content: impl Serialize) -> Result<String, ErrorCode> {
        let whole = Whole {
            title: &self.title,
            place: self.place,
            now: &self.now,
            assets: &NAMES,
            notice: self.notice.as_ref(),
            is_known: template != "login.html",
            version: env!("CARGO_PKG_VERSION"),
            page: content,
        };
        engine::render(template, &whole).map_err(|error| {
            tracing::error!(%error, template, "a page could not be written");
            ErrorCode::StoreUnavailable
        })
    }
}

impl Visit {
    /// Lets in whoever has the token; others get what they can do about it.
    pub(super) fn admitted(request: &HttpRequest, state: &AppState) -> Result<Self, Refusal> {
        let visit = Self::of(request, state);
        match visit.policy.token.admit(request) {
            Ok(()) => Ok(visit),
            Err(_) if visit.is_person => Err(login::required(request, &visit).into()),
            Err(error) => Err(as_json(&error).into()),
        }
    }

    /// Lets in whoever has the token and asks for a change from a page of the relay, or as a program.
    pub(super) fn admitted_to_change(request: &HttpRequest, state: &AppState) -> Result<Self, Refusal> {
        let visit = Self::admitted(request, state)?;
        match visit.policy.token.admit_change(request, visit.policy.public_url.as_ref()) {
            Ok(()) => Ok(visit),
            Err(error) => Err(visit.refuse(error.code()).into()),
        }
    }

    /// Returns the visit of a person who has the token.
    pub(super) fn known(request: &HttpRequest, state: &AppState) -> Option<Self> {
        let visit = Self::of(request, state);
        (visit.is_person && visit.policy.token.admit(request).is_ok()).then_some(visit)
    }

    /// Returns the visit of anybody.
    pub(super) fn of(request: &HttpRequest, state: &AppState) -> Self {
        let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let policy = state.policy();
        Self {
            now: state.clock.now(),
            is_person: accepts.is_some_and(|accept| accept.contains("text/html")),
            notice: notice::read(request, &policy.token),
            policy,
        }
    }

    /// Whether cookies go over https alone.
    pub(super) fn is_secure(&self) -> bool {
        self.policy.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Answers with a page, which is written aside: a long one takes milliseconds.
    pub(super) async fn show<T: Serialize>(
        &self,
        place: Place,
        title: &str,
        template: &'static str,
        content: impl FnOnce() -> T + Send + 'static,
    ) -> HttpResponse {
        let frame = self.frame(place, title);
        let drawn = aside(move || frame.draw(template, content())).await;
        // Where it broke off, the panic was told of already.
        self.finish(StatusCode::OK, drawn.unwrap_or(Err(ErrorCode::StoreUnavailable)))
    }

    /// Answers with a page that begins before all of it is known; what comes later has its place in the template.
    pub(super) fn show_in_pieces(
        &self,
        place: Place,
        title: &str,
        template: &'static str,
        content: impl Serialize,
        later: impl Future<Output = String> + 'static,
    ) -> HttpResponse {
        let answer = self.frame(place, title).draw(template, content).map(|html| {
            let mut answer = guarded(StatusCode::OK);
            answer.content_type("text/html; charset=utf-8").streaming(in_pieces(html, later))
        });
        self.with_notice(answer)
    }

    /// Answers with a page for whoever is not let in.
    pub(super) fn show_stranger(
        &self,
        status: StatusCode,
        template: &'static str,
        content: impl Serialize,
    ) -> HttpResponse {
        self.write(status, Place::Elsewhere, "Log in", template, content)
    }

    /// Answers with what is wrong.
    pub(super) fn refuse(&self, code: &ErrorCode) -> HttpResponse {
        let error = ApiError::from(code.clone());
        if !self.is_person {
            return as_json(&error);
        }
        self.write(error.status_code(), Place::Elsewhere, "This did not work", "fault.html", Fault::of(code))
    }

    /// Answers with a page, or with what is wrong.
    pub(super) fn answer(&self, answer: Result<HttpResponse, ErrorCode>) -> HttpResponse {
        answer.unwrap_or_else(|code| self.refuse(&code))
    }

    /// Writes a small page at once.
    fn write(
        &self,
        status: StatusCode,
        place: Place,
        title: &str,
        template: &'static str,
        content: impl Serialize,
    ) -> HttpResponse {
        self.finish(status, self.frame(place, title).draw(template, content))
    }

    fn finish(&self, status: StatusCode, drawn: Result<String, ErrorCode>) -> HttpResponse {
        self.with_notice(drawn.map(|html| page(status, html)))
    }

    fn frame(&self, place: Place, title: &str) -> Frame {
        let notice = self.notice.as_ref();
        let notice = notice.map(|notice| NoticeView { text: notice.to_string(), hint: notice.hint() });
        Frame { title: title.to_owned(), place, now: rfc3339(self.now), notice }
    }

    /// Makes a browser forget the notice that a page has told.
    fn with_notice(&self, answer: Result<HttpResponse, ErrorCode>) -> HttpResponse {
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(code) => return as_json(&code.into()),
        };
        if self.notice.is_some() {
            // An answer that has no body yet takes any cookie.
            let _ = answer.add_cookie(&notice::none());
        }
        answer
    }
}

/// What is wrong, for people.
#[derive(Serialize)]
struct Fault {
    message: String,
    hint: &'static str,
}

impl Fault {
    fn of(code: &ErrorCode) -> Self {
        let hint = match code {
            ErrorCode::BadQuery(_) | ErrorCode::BadRequest(_) => "Go back and choose something else.",
            ErrorCode::UnknownId(_) => "What is older than `store.retention` is removed.",
            ErrorCode::NotFound => "Look at the address again, or begin at the list of runs.",
            ErrorCode::AmbiguousId(_) => "Name the run with its organization.",
            ErrorCode::CrossOrigin => "Ask for it on the page itself.",
            ErrorCode::StoreUnavailable => "The relay’s log says why the store cannot be read or written.",
            ErrorCode::NotJson(_)
            | ErrorCode::NotAWebhook(_)
            | ErrorCode::SignatureMissing
            | ErrorCode::SignatureMalformed
            | ErrorCode::SignatureMismatch
            | ErrorCode::TokenRequired
            | ErrorCode::MethodNotAllowed { .. }
            | ErrorCode::SlowBody
            | ErrorCode::BodyTooLarge { .. }
            | ErrorCode::EncodingUnsupported
            | ErrorCode::Busy => "",
        };
        let message = if *code == ErrorCode::StoreUnavailable {
            "The store does not answer.".to_owned()
        } else {
            code.message()
        };
        Self { message: sentence(&message), hint }
    }
}

/// Returns a message with a large letter at its beginning.
fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
