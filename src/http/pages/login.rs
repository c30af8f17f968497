//! Logging in and out: with the token in a form, or with a key in an address, which then leaves it.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use url::Url;

use super::answer::see;
use super::visit::Visit;
use crate::http::query::Query;
use crate::http::{AccessToken, AppState};

/// Where the pages begin.
const HOME: &str = "/";

/// What the form shows.
#[derive(Serialize)]
struct LogIn {
    next: String,
    /// What did not open the door.
    failed: Option<&'static str>,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Offer {
    token: String,
    #[serde(default)]
    next: String,
}

/// Asks for the token; an address with a key logs in at once.
pub(super) async fn form(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    let visit = Visit::of(&request, &state);
    let mut query = Query::of(&request, visit.now);
    let (key, next) = (query.text("key"), local(&query.text("next").unwrap_or_default()));
    match key {
        Some(key) if visit.policy.token.is_key(&key, visit.now) => enter(&visit, &next),
        Some(_) => visit.show_stranger(
            StatusCode::UNAUTHORIZED,
            "login.html",
            LogIn {
                next,
                failed: Some("This address no longer logs in. `seer-relay dashboard` prints a new one."),
            },
        ),
        None if visit.policy.token.admit(&request).is_ok() => see(&next, []),
        None => visit.show_stranger(StatusCode::OK, "login.html", LogIn { next, failed: None }),
    }
}

/// Takes the token.
pub(super) async fn log_in(request: HttpRequest, offer: Form<Offer>, state: Data<AppState>) -> HttpResponse {
    let visit = Visit::of(&request, &state);
    let next = local(&offer.next);
    if visit.policy.token.opens(offer.token.trim()) {
        return enter(&visit, &next);
    }
    let failed = Some("This is not the relay’s token.");
    visit.show_stranger(StatusCode::UNAUTHORIZED, "login.html", LogIn { next, failed })
}

/// Forgets a browser.
pub(super) async fn log_out(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted_to_change(&request, &state) {
        Ok(_) => see("/login", [AccessToken::no_cookie()]),
        Err(refusal) => *refusal,
    }
}

/// Asks for the token in the place of a page.
pub(super) fn required(request: &HttpRequest, visit: &Visit) -> HttpResponse {
    let is_read = request.method().is_safe();
    let next = if is_read { local(&request.uri().to_string()) } else { HOME.to_owned() };
    visit.show_stranger(StatusCode::UNAUTHORIZED, "login.html", LogIn { next, failed: None })
}

fn enter(visit: &Visit, next: &str) -> HttpResponse {
    see(next, [visit.policy.token.cookie(visit.is_secure())])
}

/// Returns the page of the relay that an address names, or the first one: nobody is sent elsewhere.
pub(super) fn local(next: &str) -> String {
    let relay = "http://relay.invalid";
    let page = Url::parse(relay).and_then(|relay| relay.join(next));
    let page = page.ok().filter(|page| next.starts_with('/') && page.origin().ascii_serialization() == relay);
    page.map_or_else(
        || HOME.to_owned(),
        |page| {
            let query = page.query().map(|query| format!("?{query}")).unwrap_or_default();
            // `//host` would be another site again.
            format!("/{}{query}", page.path().trim_start_matches('/'))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for (next, page) in [
            ("/runs/acme/1?x=1", "/runs/acme/1?x=1"),
            ("/", "/"),
            ("", "/"),
            ("runs", "/"),
            ("https://evil.example/", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/.//evil.example", "/evil.example"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(local(next), page, "{next}");
        }
    }
}
