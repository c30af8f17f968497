//! Errors as a client of the relay sees them: status, stable code, message, hint. The only `ResponseError`.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::sentry::payload::PayloadError;
use crate::sentry::signature::SignatureError;
use crate::store::{FindError, StoreError};

/// Everything that the relay refuses, each with a stable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorCode {
    /// 400 `not_json`
    NotJson(String),
    /// 400 `not_a_webhook`
    NotAWebhook(String),
    /// 400 `bad_query`
    BadQuery(String),
    /// 400 `bad_request`
    BadRequest(String),
    /// 401 `signature_missing`
    SignatureMissing,
    /// 401 `signature_malformed`
    SignatureMalformed,
    /// 401 `signature_mismatch`
    SignatureMismatch,
    /// 401 `token_required`
    TokenRequired,
    /// 403 `cross_origin`
    CrossOrigin,
    /// 404 `not_found`
    NotFound,
    /// 404 `unknown_id`
    UnknownId(String),
    /// 405 `method_not_allowed`
    MethodNotAllowed {
        /// For the header `Allow`.
        allowed: &'static str,
    },
    /// 408 `slow_body`
    SlowBody,
    /// 409 `ambiguous_id`
    AmbiguousId(String),
    /// 413 `body_too_large`
    BodyTooLarge {
        /// The setting `http.max_body`, in bytes.
        max_bytes: usize,
    },
    /// 415 `encoding_unsupported`
    EncodingUnsupported,
    /// 503 `busy`
    Busy,
    /// 503 `store_unavailable`
    StoreUnavailable,
}

/// Status, code, and when it happens, for every error: the table that the README shows.
pub const CODES: &[(u16, &str, &str)] = &[
    (400, "not_json", "the signed body is not JSON, or nests deeper than 128"),
    (400, "not_a_webhook", "the signed body lacks `action` or `data`; the message names the field"),
    (
        400,
        "bad_query",
        "a parameter of the address is unknown, given twice or has a value that it cannot have",
    ),
    (400, "bad_request", "the body is not what this path takes"),
    (401, "signature_missing", "there is no `Sentry-Hook-Signature` header"),
    (401, "signature_malformed", "the signature is not 64 hex digits"),
    (401, "signature_mismatch", "no client secret in `relay.toml` made this signature for this body"),
    (401, "token_required", "this path asks for the relay's token"),
    (
        403,
        "cross_origin",
        "a change that neither the token as `Bearer` nor a page of the relay itself asks for",
    ),
    (404, "not_found", "there is nothing at this path"),
    (404, "unknown_id", "no run, event or delivery has this id"),
    (405, "method_not_allowed", "the path exists, but not for this method; see the header `Allow`"),
    (408, "slow_body", "the body did not arrive within 5 s of the head"),
    (409, "ambiguous_id", "several runs have this id; the message has their whole names"),
    (413, "body_too_large", "the body is larger than `http.max_body`"),
    (415, "encoding_unsupported", "the body is compressed; Sentry sends it as it is"),
    (503, "busy", "too many unverified bodies are in memory; try again in a second"),
    (
        503,
        "store_unavailable",
        "the store could not do it in time; a webhook's event may be stored all the same, and is then delivered",
    ),
];

impl ErrorCode {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotJson(_) | Self::NotAWebhook(_) | Self::BadQuery(_) | Self::BadRequest(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::SignatureMissing
            | Self::SignatureMalformed
            | Self::SignatureMismatch
            | Self::TokenRequired => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownId(_) => StatusCode::NOT_FOUND,
            Self::AmbiguousId(_) => StatusCode::CONFLICT,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::EncodingUnsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the stable word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::NotAWebhook(_) => "not_a_webhook",
            Self::BadQuery(_) => "bad_query",
            Self::BadRequest(_) => "bad_request",
            Self::SignatureMissing => "signature_missing",
            Self::SignatureMalformed => "signature_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::TokenRequired => "token_required",
            Self::CrossOrigin => "cross_origin",
            Self::NotFound => "not_found",
            Self::UnknownId(_) => "unknown_id",
            Self::AmbiguousId(_) => "ambiguous_id",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::SlowBody => "slow_body",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::EncodingUnsupported => "encoding_unsupported",
            Self::Busy => "busy",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// Returns whether somebody without a client secret or the token can be told this.
    fn is_for_strangers(&self) -> bool {
        match self {
            Self::NotJson(_)
            | Self::NotAWebhook(_)
            | Self::BadQuery(_)
            | Self::BadRequest(_)
            | Self::CrossOrigin
            | Self::UnknownId(_)
            | Self::AmbiguousId(_)
            | Self::StoreUnavailable => false,
            Self::SignatureMissing
            | Self::SignatureMalformed
            | Self::SignatureMismatch
            | Self::TokenRequired
            | Self::NotFound
            | Self::MethodNotAllowed { .. }
            | Self::SlowBody
            | Self::BodyTooLarge { .. }
            | Self::EncodingUnsupported
            | Self::Busy => true,
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::NotJson(message)
            | Self::NotAWebhook(message)
            | Self::BadQuery(message)
            | Self::BadRequest(message)
            | Self::UnknownId(message)
            | Self::AmbiguousId(message) => message.clone(),
            Self::CrossOrigin => "a page of another site may change nothing here".into(),
            Self::SignatureMissing => "the header `Sentry-Hook-Signature` is missing".into(),
            Self::SignatureMalformed => "the header `Sentry-Hook-Signature` is not 64 hex digits".into(),
            Self::SignatureMismatch => "no configured client secret made this signature for this body".into(),
            Self::TokenRequired => "this path asks for the relay's token".into(),
            Self::NotFound => "there is nothing at this path".into(),
            Self::MethodNotAllowed { allowed } => format!("only {allowed} is allowed here"),
            Self::SlowBody => "the body did not arrive within 5 s of the head".into(),
            Self::BodyTooLarge { max_bytes } => format!("the body is larger than {max_bytes} bytes"),
            Self::EncodingUnsupported => "the body is compressed".into(),
            Self::Busy => "too many unverified bodies are under way".into(),
            Self::StoreUnavailable => "the store could not do it in time".into(),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "send the body exactly as Sentry made and signed it",
            Self::NotAWebhook(_) => {
                "a webhook of a Sentry integration is an object with `action` and `data`; the test button of the \
                 legacy WebHooks plugin sends something else"
            }
            Self::BadQuery(_) | Self::BadRequest(_) => "see /api/openapi.json for what each path takes",
            Self::CrossOrigin => "send the token as `Authorization: Bearer`",
            Self::UnknownId(_) => "GET /api/runs and GET /api/deliveries list what is known",
            Self::AmbiguousId(_) => "name the run with its organization",
            Self::SignatureMissing | Self::SignatureMalformed => {
                "let an internal integration in Sentry send to this address; `seer-relay send` signs as it does"
            }
            Self::SignatureMismatch => {
                "compare the Client Secret in Sentry (Settings, Developer Settings, your integration) with \
                 `client_secrets` in relay.toml; a proxy must not change the body"
            }
            Self::TokenRequired => {
                "send `Authorization: Bearer TOKEN`; `serve` logs at its start where the token lies"
            }
            Self::NotFound => "webhooks go to POST /webhooks/sentry",
            Self::MethodNotAllowed { .. } => "see the header `Allow`",
            Self::SlowBody => "send the whole body at once",
            Self::BodyTooLarge { .. } => "raise `http.max_body` in relay.toml if Sentry sent it",
            Self::EncodingUnsupported => "send the body without Content-Encoding",
            Self::Busy => "try again in a second",
            Self::StoreUnavailable => "see GET /readyz and the relay's log for the reason",
        }
    }
}

impl From<SignatureError> for ErrorCode {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Missing => Self::SignatureMissing,
            SignatureError::Malformed => Self::SignatureMalformed,
            SignatureError::Mismatch => Self::SignatureMismatch,
        }
    }
}

impl From<FindError> for ErrorCode {
    fn from(error: FindError) -> Self {
        let message = error.to_string();
        match error {
            FindError::Unknown(_) => Self::UnknownId(message),
            FindError::Ambiguous { .. } => Self::AmbiguousId(message),
            FindError::Store(error) => Self::from(error),
        }
    }
}

impl From<StoreError> for ErrorCode {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a question to the store failed");
        Self::StoreUnavailable
    }
}

impl From<PayloadError> for ErrorCode {
    fn from(error: PayloadError) -> Self {
        let message = error.to_string();
        match error {
            PayloadError::NotJson(_) => Self::NotJson(message),
            PayloadError::NotAWebhook { .. } | PayloadError::NotSeer => Self::NotAWebhook(message),
        }
    }
}

/// An [`ErrorCode`] as an HTTP answer, and whether the connection can go on after it: only where the request's body was
/// read to its end, and never with a stranger, who would send thousands of requests at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    code: ErrorCode,
    closes: bool,
}

impl ApiError {
    /// An answer after which the connection is closed, because the request's body was not read to its end.
    pub fn unread(code: ErrorCode) -> Self {
        Self { code, closes: true }
    }

    /// Returns what is refused.
    pub fn code(&self) -> &ErrorCode {
        &self.code
    }
}

/// What is refused, as JSON.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(super) struct ErrorJson {
    /// A stable word.
    code: &'static str,
    /// What happened, for people.
    message: String,
    /// How to mend it, for people.
    hint: &'static str,
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self { code, closes: false }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code.as_str())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status_code());
        if self.closes || self.code.is_for_strangers() {
            response.force_close();
        }
        match &self.code {
            ErrorCode::MethodNotAllowed { allowed } => {
                response.insert_header((header::ALLOW, *allowed));
            }
            ErrorCode::TokenRequired => {
                response.insert_header((header::WWW_AUTHENTICATE, r#"Bearer realm="seer-relay""#));
                response.append_header((header::WWW_AUTHENTICATE, r#"Basic realm="seer-relay""#));
            }
            ErrorCode::Busy | ErrorCode::StoreUnavailable => {
                response.insert_header((header::RETRY_AFTER, "1"));
            }
            ErrorCode::NotJson(_)
            | ErrorCode::NotAWebhook(_)
            | ErrorCode::SignatureMissing
            | ErrorCode::SignatureMalformed
            | ErrorCode::SignatureMismatch
            | ErrorCode::NotFound
            | ErrorCode::SlowBody
            | ErrorCode::BodyTooLarge { .. }
            | ErrorCode::EncodingUnsupported
            | ErrorCode::BadQuery(_)
            | ErrorCode::BadRequest(_)
            | ErrorCode::CrossOrigin
            | ErrorCode::UnknownId(_)
            | ErrorCode::AmbiguousId(_) => {}
        }
        response.json(ErrorJson {
            code: self.code.as_str(),
            message: self.code.message(),
            hint: self.code.hint(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_table_with_its_status() {
        let all = [
            ErrorCode::NotJson(String::new()),
            ErrorCode::NotAWebhook(String::new()),
            ErrorCode::BadQuery(String::new()),
            ErrorCode::BadRequest(String::new()),
            ErrorCode::SignatureMissing,
            ErrorCode::SignatureMalformed,
            ErrorCode::SignatureMismatch,
            ErrorCode::TokenRequired,
            ErrorCode::CrossOrigin,
            ErrorCode::NotFound,
            ErrorCode::UnknownId(String::new()),
            ErrorCode::MethodNotAllowed { allowed: "GET" },
            ErrorCode::SlowBody,
            ErrorCode::AmbiguousId(String::new()),
            ErrorCode::BodyTooLarge { max_bytes: 1 },
            ErrorCode::EncodingUnsupported,
            ErrorCode::Busy,
            ErrorCode::StoreUnavailable,
        ];
        let shown: Vec<_> = CODES.iter().map(|(status, code, _)| (*status, *code)).collect();
        let real: Vec<_> = all.iter().map(|code| (code.status().as_u16(), code.as_str())).collect();
        assert_eq!(shown, real);
    }
}
