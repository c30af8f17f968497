//! Answers: a page with everything that has to go with it, and the ways to another one.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, LOCATION, REFERRER_POLICY,
};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};

use crate::http::error::ApiError;

/// What a page may do: load what comes with the relay, ask the relay, and send its forms there. Nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Other sites learn nothing. `no-referrer` would have browsers send `Origin: null` with a page's own forms.
// Source: <https://fetch.spec.whatwg.org/#append-a-request-origin-header>, read 2026-11-30.
const REFERRERS: &str = "same-origin";
const OPENERS: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const EMBEDDERS: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const SAME_ORIGIN: &str = "same-origin";

/// Returns a page.
pub(super) fn page(status: StatusCode, html: String) -> HttpResponse {
    guarded(status).content_type("text/html; charset=utf-8").body(html)
}

/// Begins an answer that nobody keeps, embeds or frames.
pub(super) fn guarded(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, REFERRERS))
        .insert_header((OPENERS, SAME_ORIGIN))
        .insert_header((EMBEDDERS, SAME_ORIGIN))
        .insert_header((CACHE_CONTROL, "no-store"));
    answer
}

/// Sends a browser to another page, with cookies to keep or to forget.
pub(super) fn see(place: &str, cookies: impl IntoIterator<Item = Cookie<'static>>) -> HttpResponse {
    let mut answer = guarded(StatusCode::SEE_OTHER);
    answer.insert_header((LOCATION, place));
    for cookie in cookies {
        answer.cookie(cookie);
    }
    answer.finish()
}

/// Returns an error as programs get it.
pub(super) fn as_json(error: &ApiError) -> HttpResponse {
    error.error_response()
}
