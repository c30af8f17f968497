//! Answers: the one table of what an answer, or its absence, means for a delivery.
//!
//! A platform's module finds the class of an answer (its word or code decides before the status); the table here
//! says what follows. Knows neither the queue nor how long a back-off is.

use std::time::Duration;

use jiff::Timestamp;

use crate::client::{Answer, End, TransportError};
use crate::delivery::{DestinationKind, Reason};
use crate::notify::endpoint::Endpoint;
use crate::notify::{SendError, Verdict};

/// Attempts that an answer which the platform would not give is worth.
const BAD_ANSWER_ATTEMPTS: u32 = 3;

/// The class of an answer that is not "delivered".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The destination failed, for now.
    Failed,
    /// It asks for fewer calls.
    TooMany,
    /// It is an answer that the platform would not give.
    Unreadable,
    /// The body is called malformed.
    Malformed,
    /// We are not let in.
    NoAccess,
    /// The webhook or channel no longer exists, or is archived.
    Gone,
    /// Another address.
    Redirect,
    /// Not found, and every other "wrong request".
    Refused,
    /// The message that it was to answer, or to take the place of, is no longer there or can no longer be edited.
    Lost,
    /// The request is wrong as the destination is configured, or this message is not wanted.
    Unwanted,
}

impl Class {
    /// Every class, for tests of the table.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 10] = [
        Self::Lost,
        Self::Failed,
        Self::TooMany,
        Self::Unreadable,
        Self::Malformed,
        Self::NoAccess,
        Self::Gone,
        Self::Redirect,
        Self::Refused,
        Self::Unwanted,
    ];

    /// Returns what a status means where neither word nor code says more; `None` for 2xx.
    pub(crate) fn of_status(status: u16) -> Option<Self> {
        match status {
            200..=299 => None,
            300..=399 => Some(Self::Redirect),
            400 | 413 | 422 => Some(Self::Malformed),
            401 | 403 => Some(Self::NoAccess),
            408 | 425 | 500..=599 => Some(Self::Failed),
            410 => Some(Self::Gone),
            429 => Some(Self::TooMany),
            400..=499 => Some(Self::Refused),
            _ => Some(Self::Unreadable),
        }
    }

    /// Returns what follows: the table.
    pub(crate) fn consequence(self, kind: DestinationKind) -> (Reason, Verdict) {
        match (self, kind) {
            (Self::Failed, _) => (Reason::ServerError, Verdict::Retry),
            (Self::TooMany, _) => (Reason::RateLimited, Verdict::RetryUncounted),
            (Self::Unreadable, _) => (Reason::BadAnswer, Verdict::RetryAtMost(BAD_ANSWER_ATTEMPTS)),
            (Self::Malformed, _) => (Reason::ClientError, Verdict::NextRung),
            (Self::Lost, _) => (Reason::ClientError, Verdict::Afresh),
            (Self::Gone, _) => (Reason::Gone, Verdict::Gone),
            (Self::Redirect | Self::Unwanted, _) => (Reason::ClientError, Verdict::GiveUp),
            // A chat platform means it; in front of one's own service a key may be being rotated, or a deploy run.
            (Self::NoAccess, DestinationKind::Slack | DestinationKind::Discord) => {
                (Reason::Auth, Verdict::GiveUp)
            }
            (Self::NoAccess, DestinationKind::Webhook) => (Reason::Auth, Verdict::Retry),
            (Self::Refused, DestinationKind::Slack | DestinationKind::Discord) => {
                (Reason::ClientError, Verdict::GiveUp)
            }
            (Self::Refused, DestinationKind::Webhook) => (Reason::ClientError, Verdict::Retry),
        }
    }
}

/// What a platform's module read in an answer that is not "delivered".
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// Its class.
    pub(crate) class: Class,
    /// The platform's own words, not yet freed of secrets.
    pub(crate) words: Option<String>,
    /// A pause that the body asks for.
    pub(crate) pause: Option<Duration>,
}

impl Reading {
    /// Returns a reading with the body as words.
    pub(crate) fn new(class: Class, words: impl Into<String>) -> Self {
        Self { class, words: Some(words.into()), pause: None }
    }

    /// Returns the reading of a web page from a chat platform: a gateway's, so that 401 and 403 are not the platform's
    /// word.
    pub(crate) fn of_web_page(status: u16) -> Self {
        let class = match status {
            401 | 403 => Class::Unreadable,
            status => Class::of_status(status).unwrap_or(Class::Unreadable),
        };
        Self::new(class, "a web page instead of an answer")
    }
}

/// Returns what an answer that is not "delivered" means.
pub(crate) fn failed(
    kind: DestinationKind,
    endpoint: &Endpoint,
    answer: &Answer,
    reading: Reading,
    now: Timestamp,
) -> SendError {
    let is_success = Class::of_status(answer.status).is_none();
    if let (Class::Unreadable, true, End::Broken(error)) = (reading.class, is_success, &answer.end) {
        return SendError { status: Some(answer.status), ..unreached(error) };
    }
    let (reason, verdict) = reading.class.consequence(kind);
    let asked = answer.retry_after(now);
    let retry_after = match verdict {
        Verdict::Retry | Verdict::RetryUncounted | Verdict::RetryAtMost(_) => asked.max(reading.pause),
        // The platform's own window is over, whatever was wrong with this message.
        Verdict::NextRung | Verdict::Afresh | Verdict::GiveUp => reading.pause,
        Verdict::Gone => None,
    };
    SendError {
        reason,
        verdict,
        status: Some(answer.status),
        words: reading.words.and_then(|words| endpoint.words(&words)),
        retry_after,
        in_doubt: matches!(reading.class, Class::Failed | Class::Unreadable),
        doubt: None,
    }
}

/// Returns the class of a failure to get an answer.
fn reason_of(error: &TransportError) -> Reason {
    match error {
        TransportError::Timeout => Reason::Timeout,
        TransportError::Connect(_) | TransportError::Broken(_) => Reason::Connect,
        TransportError::Dns => Reason::Dns,
        TransportError::Tls(_) => Reason::Tls,
        TransportError::Unsendable(_) => Reason::ClientError,
    }
}

/// Returns what the absence of an answer means.
pub(crate) fn unreached(error: &TransportError) -> SendError {
    let verdict = match error {
        TransportError::Timeout
        | TransportError::Connect(_)
        | TransportError::Broken(_)
        | TransportError::Dns
        | TransportError::Tls(_) => Verdict::Retry,
        TransportError::Unsendable(_) => Verdict::GiveUp,
    };
    SendError {
        reason: reason_of(error),
        verdict,
        status: None,
        words: Some(error.to_string()),
        retry_after: None,
        in_doubt: matches!(error, TransportError::Timeout | TransportError::Broken(_)),
        doubt: None,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_class_has_one_consequence_for_every_kind() {
        use DestinationKind::{Discord, Slack, Webhook};
        for kind in DestinationKind::ALL.iter().copied() {
            // A new kind does not compile until it stands here, and fails until its rows are right.
            let chat = match kind {
                Slack | Discord => true,
                Webhook => false,
            };
            let either = |chat_verdict, webhook_verdict| if chat { chat_verdict } else { webhook_verdict };
            for class in Class::ALL {
                let expected = match class {
                    Class::Failed => (Reason::ServerError, Verdict::Retry),
                    Class::TooMany => (Reason::RateLimited, Verdict::RetryUncounted),
                    Class::Unreadable => (Reason::BadAnswer, Verdict::RetryAtMost(3)),
                    Class::Malformed => (Reason::ClientError, Verdict::NextRung),
                    Class::Lost => (Reason::ClientError, Verdict::Afresh),
                    Class::NoAccess => (Reason::Auth, either(Verdict::GiveUp, Verdict::Retry)),
                    Class::Gone => (Reason::Gone, Verdict::Gone),
                    Class::Redirect | Class::Unwanted => (Reason::ClientError, Verdict::GiveUp),
                    Class::Refused => (Reason::ClientError, either(Verdict::GiveUp, Verdict::Retry)),
                };
                assert_eq!(class.consequence(kind), expected, "{kind} {class:?}");
            }
        }
    }

    #[test]
    fn every_status_has_a_class() {
        for status in 100..=599 {
            let expected = match status {
                200..=299 => None,
                300..=399 => Some(Class::Redirect),
                400 | 413 | 422 => Some(Class::Malformed),
                401 | 403 => Some(Class::NoAccess),
                410 => Some(Class::Gone),
                429 => Some(Class::TooMany),
                408 | 425 | 500.. => Some(Class::Failed),
                100..=199 => Some(Class::Unreadable),
                _ => Some(Class::Refused),
            };
            assert_eq!(Class::of_status(status), expected, "{status}");
        }
    }

    #[test]
    fn a_success_whose_body_broke_off_is_not_known_to_have_arrived() {
        let endpoint = Endpoint::parse(&SecretString::from("https://a.example/")).unwrap();
        let mut answer = Answer::for_tests(200, &[], "o");
        answer.end = End::Broken(TransportError::Timeout);
        let error =
            failed(DestinationKind::Slack, &endpoint, &answer, Reading::new(Class::Unreadable, "o"), now());
        assert_eq!((error.reason, error.verdict, error.status), (Reason::Timeout, Verdict::Retry, Some(200)));
    }

    #[test]
    fn the_longer_of_header_and_body_counts_and_only_where_it_is_tried_again() {
        let endpoint = Endpoint::parse(&SecretString::from("https://a.example/")).unwrap();
        let answer = Answer::for_tests(429, &[("Retry-After", "2")], "");
        let reading = |class| Reading { class, words: None, pause: Some(Duration::from_millis(2_500)) };
        let error = |class| failed(DestinationKind::Discord, &endpoint, &answer, reading(class), now());
        assert_eq!(error(Class::TooMany).retry_after, Some(Duration::from_millis(2_500)));
        assert_eq!(error(Class::Gone).retry_after, None);
    }
}
