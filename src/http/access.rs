//! Who may see more than that the relay is alive, and change something: whoever has its token.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieAge;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::error::{ApiError, ErrorCode};

/// The cookie by which a browser that has logged in is known.
pub(super) const COOKIE: &str = "seer_relay";
/// How long a browser stays logged in.
const LOGGED_IN_DAYS: i64 = 30;
/// For how long an address that logs in does so.
const KEY_AGE: SignedDuration = SignedDuration::from_mins(15);
/// Whether a browser asks on behalf of a page, and of which. Source: <https://www.w3.org/TR/fetch-metadata/>, read
/// 2026-11-30.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The relay's token, kept as its digest, so that comparing takes the same time whatever is guessed, and what is made of
/// it for browsers.
#[derive(Clone)]
pub struct AccessToken([u8; 32]);

impl AccessToken {
    /// Takes the token that opens the door.
    pub fn new(token: &SecretString) -> Self {
        Self(Sha256::digest(token.expose_secret()).into())
    }

    /// Lets a request through that has the token: `Authorization: Bearer`, or Basic with it as the password, or the cookie
    /// of a browser that has logged in with it.
    ///
    /// # Errors
    /// 401 `token_required`.
    pub(super) fn admit(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let is_known = match offered(request) {
            Some(Offer::Bearer(token) | Offer::Basic(token)) => self.opens(&token),
            None => request.cookie(COOKIE).is_some_and(|cookie| self.is_session(cookie.value())),
        };
        if is_known { Ok(()) } else { Err(ErrorCode::TokenRequired.into()) }
    }

    /// Lets a request through that changes something: one with the token as `Bearer`, which no page of a stranger can send,
    /// or one that a page of the relay itself sent.
    ///
    /// # Errors
    /// 401 `token_required`, 403 `cross_origin`.
    pub(super) fn admit_change(
        &self,
        request: &HttpRequest,
        public_url: Option<&Url>,
    ) -> Result<(), ApiError> {
        self.admit(request)?;
        let is_bearer = matches!(offered(request), Some(Offer::Bearer(_)));
        if is_bearer || is_same_origin(request, public_url) {
            Ok(())
        } else {
            Err(ErrorCode::CrossOrigin.into())
        }
    }

    /// Tells whether this is the token.
    pub(super) fn opens(&self, token: &str) -> bool {
        <[u8; 32]>::from(Sha256::digest(token)) == self.0
    }

    /// Returns the cookie for a browser that has logged in: `is_secure` where people reach the relay by https.
    pub(super) fn cookie(&self, is_secure: bool) -> Cookie<'static> {
        Cookie::build(COOKIE, self.made_for(&["session"]))
            .path("/")
            .http_only(true)
            .secure(is_secure)
            // A link in a message leads here, and whoever follows it is logged in still.
            .same_site(SameSite::Lax)
            .max_age(CookieAge::days(LOGGED_IN_DAYS))
            .finish()
    }

    /// Returns the cookie that makes a browser forget that it has logged in.
    pub(super) fn no_cookie() -> Cookie<'static> {
        Cookie::build(COOKIE, "").path("/").http_only(true).max_age(CookieAge::ZERO).finish()
    }

    fn is_session(&self, value: &str) -> bool {
        is_same(value, &self.made_for(&["session"]))
    }

    /// Returns a key that logs in for a quarter of an hour, for an address: the token itself stands in none.
    pub fn key(&self, now: Timestamp) -> String {
        let until = now.checked_add(KEY_AGE).unwrap_or(now).as_second().to_string();
        let proof = self.made_for(&["key", &until]);
        format!("{until}.{proof}")
    }

    /// Tells whether this key logs in now.
    pub(super) fn is_key(&self, key: &str, now: Timestamp) -> bool {
        let Some((until, proof)) = key.split_once('.') else { return false };
        let is_young = until.parse::<i64>().is_ok_and(|until| now.as_second() <= until);
        is_young && is_same(proof, &self.made_for(&["key", until]))
    }

    /// Returns a proof of the token for one purpose, from which the token cannot be found.
    fn made_for(&self, purpose: &[&str]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(purpose.join(" ").as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

/// Compares in a time that does not depend on how much is right.
fn is_same(offered: &str, real: &str) -> bool {
    !real.is_empty() && Sha256::digest(offered) == Sha256::digest(real)
}

/// What a request offers in its header.
enum Offer {
    Bearer(String),
    Basic(String),
}

fn offered(request: &HttpRequest) -> Option<Offer> {
    let (scheme, value) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Offer::Bearer(value.trim().to_owned()));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        return pair.split_once(':').map(|(_, password)| Offer::Basic(password.to_owned()));
    }
    None
}

/// Tells whether a page of the relay itself sent a request: its `Origin` names the host that was asked, or where people
/// reach the relay.
fn is_same_origin(request: &HttpRequest, public_url: Option<&Url>) -> bool {
    let text = |name: &HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    if text(&FETCH_SITE).is_some_and(|site| site != "same-origin") {
        return false;
    }
    let Some(origin) = text(&ORIGIN).and_then(|origin| Url::parse(origin).ok()) else { return false };
    if public_url.is_some_and(|public| public.origin() == origin.origin()) {
        return true;
    }
    // Behind a proxy the scheme may be another one than what came here; the host is what counts.
    let asked = text(&HOST).and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    asked.is_some_and(|asked| asked.origin().is_tuple() && asked.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn bearer_and_basic_with_the_token_get_in_and_nothing_else_does() {
        let token = AccessToken::new(&SecretString::from("open sesame"));
        let basic = format!("Basic {}", STANDARD.encode("anyone:open sesame"));
        for (header, admitted) in [
            (Some("Bearer open sesame"), true),
            (Some("bearer open sesame"), true),
            (Some(basic.as_str()), true),
            (Some("Bearer open"), false),
            (Some("Bearer "), false),
            (Some("Basic !!"), false),
            (Some("open sesame"), false),
            (None, false),
        ] {
            let mut request = TestRequest::default();
            if let Some(header) = header {
                request = request.insert_header((AUTHORIZATION, header));
            }
            assert_eq!(token.admit(&request.to_http_request()).is_ok(), admitted, "{header:?}");
        }
    }
}
