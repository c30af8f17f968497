//! Notices: what was done just before, told once on the page that follows.
//!
//! Kept in a cookie for a moment, so that no address says it again when it is shared or kept.

use std::fmt;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieAge;
use actix_web::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};

use crate::delivery::Reason;
use crate::http::access::AccessToken;
use crate::http::telling;

const COOKIE: &str = "seer_relay_notice";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// So many deliveries are sent again, and so many events are routed anew.
    Replayed {
        /// Deliveries.
        deliveries: usize,
        /// Events.
        events: usize,
    },
    /// A test message was taken, with this status, after so many milliseconds.
    Tested {
        /// The HTTP status.
        status: u16,
        /// Milliseconds.
        millis: u128,
    },
    /// A test message was not taken.
    Refused(Refused),
}

/// How a test message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    /// Where to.
    pub(super) destination: String,
    /// The reason's word.
    pub(super) reason: String,
    /// The HTTP status, where there was an answer.
    pub(super) status: Option<u16>,
    /// The platform's own words.
    pub(super) words: Option<String>,
    /// Milliseconds.
    pub(super) millis: u64,
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted =
            |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
        match self {
            Self::Replayed { deliveries: 0, events: 0 } => {
                formatter.write_str("There was nothing to send again.")
            }
            Self::Replayed { deliveries, events: 0 } => {
                write!(
                    formatter,
                    "{} queued to be sent again.",
                    counted(*deliveries, "delivery").replace("deliverys", "deliveries")
                )
            }
            Self::Replayed { events, .. } => {
                write!(formatter, "{} queued to be routed anew.", counted(*events, "event"))
            }
            Self::Tested { status, millis } => {
                write!(formatter, "The test message was taken: status {status}, {millis} ms.")
            }
            Self::Refused(refused) => write!(formatter, "{refused}"),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, reason, status, words, millis } = self;
        let meaning = Reason::from_word(reason).map_or_else(|| reason.clone(), telling::words);
        let status = status.map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
        write!(
            formatter,
            "The test message was not taken by {destination}: {meaning} ({status}, {millis} ms)."
        )?;
        words.as_ref().map_or(Ok(()), |words| write!(formatter, " In its words: {words}"))
    }
}

impl Notice {
    /// Says what can be done about it, where something did not work.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused(_) => {
                Some("Compare the address and secrets of this destination with what the service shows.")
            }
            Self::Replayed { .. } | Self::Tested { .. } => None,
        }
    }

    /// Returns the cookie that carries it to the next page.
    pub(super) fn cookie(&self, token: &AccessToken) -> Cookie<'static> {
        let value = match self {
            Self::Replayed { deliveries, events } => format!("replayed.{deliveries}.{events}"),
            Self::Tested { status, millis } => format!("tested.{status}.{millis}"),
            // A stranger's words: told only where the relay itself has written them down.
            Self::Refused(refused) => {
                let text = serde_json::to_string(refused).unwrap_or_default();
                format!("refused.{}", token.sealed(&text))
            }
        };
        Cookie::build(COOKIE, value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .max_age(CookieAge::minutes(1))
            .finish()
    }

    fn parse(value: &str, token: &AccessToken) -> Option<Self> {
        if let Some(sealed) = value.strip_prefix("refused.") {
            return serde_json::from_str(&token.unsealed(sealed)?).ok().map(Self::Refused);
        }
        let mut parts = value.split('.');
        let (kind, first, second) = (parts.next()?, parts.next()?, parts.next());
        match kind {
            "replayed" => {
                Some(Self::Replayed { deliveries: first.parse().ok()?, events: second?.parse().ok()? })
            }
            "tested" => Some(Self::Tested { status: first.parse().ok()?, millis: second?.parse().ok()? }),
            _ => None,
        }
    }
}

/// Reads the notice that a browser brings.
pub(super) fn read(request: &HttpRequest, token: &AccessToken) -> Option<Notice> {
    Notice::parse(request.cookie(COOKIE)?.value(), token)
}

/// Returns the cookie that makes a browser forget it.
pub(super) fn none() -> Cookie<'static> {
    Cookie::build(COOKIE, "").path("/").http_only(true).max_age(CookieAge::ZERO).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> AccessToken {
        AccessToken::new(&"open sesame".into())
    }

    fn refused(status: Option<u16>, words: Option<&str>) -> Notice {
        Notice::Refused(Refused {
            destination: "chat".into(),
            reason: "auth".into(),
            status,
            words: words.map(str::to_owned),
            millis: 31,
        })
    }

    #[test]
    fn a_cookie_brings_a_notice_and_never_a_stranger_s_text() {
        let meaning =
            "The test message was not taken by chat: auth, the destination does not let the relay in";
        let told = [" (status 403, 31 ms). In its words: no; such. “token”", " (no answer, 31 ms)."]
            .map(|rest| format!("{meaning}{rest}"));
        for (notice, text) in [
            (Notice::Replayed { deliveries: 1, events: 0 }, "1 delivery queued to be sent again."),
            (Notice::Replayed { deliveries: 12, events: 0 }, "12 deliveries queued to be sent again."),
            (Notice::Replayed { deliveries: 0, events: 7 }, "7 events queued to be routed anew."),
            (Notice::Tested { status: 204, millis: 31 }, "The test message was taken: status 204, 31 ms."),
            (refused(Some(403), Some("no; such. “token”")), told[0].as_str()),
            (refused(None, None), told[1].as_str()),
        ] {
            let cookie = notice.cookie(&token());
            assert_eq!(Notice::parse(cookie.value(), &token()), Some(notice.clone()));
            assert_eq!(notice.to_string(), text);
        }
        let other = AccessToken::new(&"another".into());
        let theirs = refused(None, Some("you were hacked")).cookie(&other).value().to_owned();
        for stranger in
            ["", "replayed", "replayed.a.b", "refused.auth", "refused.you were hacked", "else.1.2", &theirs]
        {
            assert_eq!(Notice::parse(stranger, &token()), None, "{stranger}");
        }
    }

    #[test]
    fn only_what_did_not_work_is_told_with_a_hint() {
        assert!(refused(None, None).hint().is_some());
        assert!(Notice::Tested { status: 200, millis: 1 }.hint().is_none());
    }
}
