//! Notices: what was done just before, told once on the page that follows.
//!
//! Kept in a cookie for a moment, so that no address says it again when it is shared or kept.

use std::fmt;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieAge;
use actix_web::cookie::{Cookie, SameSite};

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
    /// A test message was not taken, for this reason.
    Refused(String),
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
            Self::Refused(reason) => write!(formatter, "The test message was not taken: {reason}."),
        }
    }
}

impl Notice {
    /// Returns the cookie that carries it to the next page.
    pub(super) fn cookie(&self) -> Cookie<'static> {
        let value = match self {
            Self::Replayed { deliveries, events } => format!("replayed.{deliveries}.{events}"),
            Self::Tested { status, millis } => format!("tested.{status}.{millis}"),
            Self::Refused(reason) => format!("refused.{reason}"),
        };
        Cookie::build(COOKIE, value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .max_age(CookieAge::minutes(1))
            .finish()
    }

    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split('.');
        let (kind, first, second) = (parts.next()?, parts.next()?, parts.next());
        match kind {
            "replayed" => {
                Some(Self::Replayed { deliveries: first.parse().ok()?, events: second?.parse().ok()? })
            }
            "tested" => Some(Self::Tested { status: first.parse().ok()?, millis: second?.parse().ok()? }),
            "refused" => {
                let reason = crate::delivery::Reason::from_word(first)?;
                Some(Self::Refused(reason.to_string()))
            }
            _ => None,
        }
    }
}

/// Reads the notice that a browser brings.
pub(super) fn read(request: &HttpRequest) -> Option<Notice> {
    Notice::parse(request.cookie(COOKIE)?.value())
}

/// Returns the cookie that makes a browser forget it.
pub(super) fn none() -> Cookie<'static> {
    Cookie::build(COOKIE, "").path("/").http_only(true).max_age(CookieAge::ZERO).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_brings_a_notice_and_never_a_text() {
        for (notice, text) in [
            (Notice::Replayed { deliveries: 1, events: 0 }, "1 delivery queued to be sent again."),
            (Notice::Replayed { deliveries: 12, events: 0 }, "12 deliveries queued to be sent again."),
            (Notice::Replayed { deliveries: 0, events: 7 }, "7 events queued to be routed anew."),
            (Notice::Tested { status: 204, millis: 31 }, "The test message was taken: status 204, 31 ms."),
            (Notice::Refused("auth".into()), "The test message was not taken: auth."),
        ] {
            assert_eq!(Notice::parse(notice.cookie().value()), Some(notice.clone()));
            assert_eq!(notice.to_string(), text);
        }
        for stranger in ["", "replayed", "replayed.a.b", "refused.you were hacked", "else.1.2"] {
            assert_eq!(Notice::parse(stranger), None, "{stranger}");
        }
    }
}
