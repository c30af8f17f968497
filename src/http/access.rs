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
pub const KEY_AGE: SignedDuration = SignedDuration::from_mins(15);
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
            // Another program on this host may have left one of the same name.
            None => request.cookies().is_ok_and(|all| {
                all.iter().any(|each| each.name() == COOKIE && self.is_session(each.value()))
            }),
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

    /// Returns a text for a cookie, with a proof that the relay itself wrote it.
    pub(super) fn sealed(&self, text: &str) -> String {
        let text = URL_SAFE_NO_PAD.encode(text);
        let proof = self.made_for(&["text", &text]);
        format!("{text}.{proof}")
    }

    /// Returns the text of a cookie that the relay itself wrote.
    pub(super) fn unsealed(&self, sealed: &str) -> Option<String> {
        let (text, proof) = sealed.split_once('.')?;
        let is_own = is_same(proof, &self.made_for(&["text", text]));
        is_own.then(|| String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()).flatten()
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

    const EVIL: &str = "https://evil.example";

    fn token() -> AccessToken {
        AccessToken::new(&SecretString::from("open sesame"))
    }

    fn noon() -> Timestamp {
        "2026-12-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_key_of_an_address_logs_in_for_a_quarter_of_an_hour() {
        let key = token().key(noon());
        for (seconds, logs_in) in [(0, true), (900, true), (901, false), (86_400, false)] {
            let then = noon() + SignedDuration::from_secs(seconds);
            assert_eq!(token().is_key(&key, then), logs_in, "{seconds}");
        }
        assert!(!key.contains("open sesame") && !token().opens(&key));
    }

    #[test]
    fn a_key_that_was_tampered_with_or_is_of_another_token_logs_nobody_in() {
        let key = token().key(noon());
        let (until, proof) = key.split_once('.').unwrap();
        let later = until.parse::<i64>().unwrap() + 1;
        for other in [
            format!("{later}.{proof}"),
            format!("+{until}.{proof}"),
            format!("{until}.{}", &proof[1..]),
            format!("{until}."),
            format!(".{proof}"),
            until.to_owned(),
            String::new(),
            AccessToken::new(&SecretString::from("another")).key(noon()),
            // A cookie is no key.
            format!("{until}.{}", token().cookie(false).value()),
        ] {
            assert!(!token().is_key(&other, noon()), "{other}");
        }
    }

    #[test]
    fn a_sealed_text_is_read_again_and_that_of_nobody_else() {
        let sealed = token().sealed("no such “channel”");
        assert_eq!(token().unsealed(&sealed).as_deref(), Some("no such “channel”"));
        let (text, proof) = sealed.split_once('.').unwrap();
        let other = AccessToken::new(&SecretString::from("another")).sealed("no such “channel”");
        for stranger in
            [other, format!("{text}x.{proof}"), format!("{text}."), text.to_owned(), String::new()]
        {
            assert_eq!(token().unsealed(&stranger), None, "{stranger}");
        }
        assert!(!token().is_key(&sealed, noon()) && !token().is_session(&sealed));
    }

    #[test]
    fn a_browser_that_logged_in_is_known_by_its_cookie_until_the_token_changes() {
        let cookie = token().cookie(true);
        assert_eq!((cookie.http_only(), cookie.secure()), (Some(true), Some(true)));
        assert_eq!(cookie.same_site(), Some(SameSite::Lax));
        assert!(!cookie.value().contains("open sesame"));
        let shown = |value: &str| {
            TestRequest::default().cookie(Cookie::new(COOKIE, value.to_owned())).to_http_request()
        };
        assert!(token().admit(&shown(cookie.value())).is_ok());
        let renewed = AccessToken::new(&SecretString::from("a new one"));
        assert!(renewed.admit(&shown(cookie.value())).is_err(), "a change of the token ends all sessions");
        for other in ["", "open sesame", &cookie.value()[1..], &token().key(noon())] {
            assert!(token().admit(&shown(other)).is_err(), "{other}");
        }
        assert_eq!(AccessToken::no_cookie().value(), "");
    }

    #[test]
    fn a_wrong_token_in_the_header_is_not_made_good_by_a_cookie() {
        let request = TestRequest::default()
            .cookie(token().cookie(false))
            .insert_header((AUTHORIZATION, "Bearer wrong"))
            .to_http_request();
        assert!(token().admit(&request).is_err());
    }

    /// Whether a browser that is logged in may change something, from this origin and with this hint of its own.
    fn may_change(
        host: &str,
        origin: Option<&str>,
        fetch_site: Option<&str>,
        public_url: Option<&str>,
    ) -> bool {
        let mut request = TestRequest::default().cookie(token().cookie(false)).insert_header((HOST, host));
        if let Some(origin) = origin {
            request = request.insert_header((ORIGIN, origin));
        }
        if let Some(site) = fetch_site {
            request = request.insert_header((FETCH_SITE, site));
        }
        let public_url = public_url.map(|url| url.parse().unwrap());
        match token().admit_change(&request.to_http_request(), public_url.as_ref()) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.code(), &ErrorCode::CrossOrigin);
                false
            }
        }
    }

    #[test]
    fn only_a_page_of_the_relay_itself_changes_something_by_cookie() {
        let relay = "relay.acme.dev";
        for (origin, allowed) in [
            (Some("https://relay.acme.dev"), true),
            (Some("http://relay.acme.dev"), true),
            (Some("https://relay.acme.dev:8443"), false),
            (Some("https://relay.acme.dev.evil.example"), false),
            (Some("https://acme.dev"), false),
            (Some(EVIL), false),
            (Some("null"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(may_change(relay, origin, None, None), allowed, "{origin:?}");
        }
    }

    #[test]
    fn what_the_browser_says_of_the_sender_counts_too() {
        let own = Some("https://relay.acme.dev");
        for (site, allowed) in
            [("same-origin", true), ("same-site", false), ("cross-site", false), ("none", false)]
        {
            assert_eq!(may_change("relay.acme.dev", own, Some(site), None), allowed, "{site}");
        }
    }

    #[test]
    fn behind_a_proxy_the_public_address_is_the_relays_own() {
        let public = Some("https://relay.acme.dev/");
        assert!(may_change("127.0.0.1:8080", Some("https://relay.acme.dev"), None, public));
        assert!(!may_change("127.0.0.1:8080", Some("https://relay.acme.dev"), None, None));
        assert!(!may_change("127.0.0.1:8080", Some(EVIL), None, public));
    }

    #[test]
    fn bearer_changes_something_from_anywhere_and_basic_only_from_the_relays_own_pages() {
        let basic = format!("Basic {}", STANDARD.encode("x:open sesame"));
        for (header, origin, allowed) in [
            ("Bearer open sesame", None, true),
            ("Bearer open sesame", Some(EVIL), true),
            (basic.as_str(), None, false),
            (basic.as_str(), Some(EVIL), false),
            (basic.as_str(), Some("http://relay.acme.dev"), true),
        ] {
            let mut request = TestRequest::default()
                .insert_header((AUTHORIZATION, header))
                .insert_header((HOST, "relay.acme.dev"));
            if let Some(origin) = origin {
                request = request.insert_header((ORIGIN, origin));
            }
            let changed = token().admit_change(&request.to_http_request(), None);
            assert_eq!(changed.is_ok(), allowed, "{header} {origin:?}");
        }
        let stranger = TestRequest::default().insert_header((ORIGIN, "http://relay.acme.dev"));
        let refused = token().admit_change(&stranger.to_http_request(), None).unwrap_err();
        assert_eq!(refused.code(), &ErrorCode::TokenRequired);
    }
}
