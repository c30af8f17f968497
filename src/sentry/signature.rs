//! Signatures: the proof that Sentry sent these bytes, and for which organization. Pure, constant time.
//!
//! Knows nothing of what the bytes say. [`verify`] alone makes a [`VerifiedWebhook`], and only of such is an event
//! made.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::diagnosis::Suspects;
use super::{OrganizationConfig, RESOURCE_HEADER, SIGNATURE_DIGITS, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use crate::event::{Organization, SEER_RESOURCE};

/// Headers that are not kept with the event: what they hold opens doors, or says nothing but how the bytes came.
const UNKEPT_HEADERS: [&str; 10] = [
    SIGNATURE_HEADER,
    "sentry-app-signature",
    "authorization",
    "proxy-authorization",
    "cookie",
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "host",
];

/// What the relay reads from a webhook's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookHeaders {
    /// From `Sentry-Hook-Signature`.
    pub signature: [u8; 32],
    /// From `Sentry-Hook-Resource`, where it is there and not empty.
    pub resource: Option<String>,
    /// From `Sentry-Hook-Timestamp`, where it is a time.
    pub timestamp: Option<Timestamp>,
    /// What is kept with the event: every header but the signature, credentials, cookies and those of the
    /// connection; names in lower case.
    pub all: Vec<(String, String)>,
}

impl WebhookHeaders {
    /// Reads a webhook's head; names in any case, of a header given twice the first counts.
    ///
    /// # Errors
    /// [`SignatureError::Missing`] and [`SignatureError::Malformed`], so that the body need not be read.
    pub fn read<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, SignatureError> {
        let mut signature = None;
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if name == SIGNATURE_HEADER {
                signature = signature.or(Some(value));
            }
            if !UNKEPT_HEADERS.contains(&name.as_str()) {
                let text: String =
                    String::from_utf8_lossy(value).chars().filter(|c| !c.is_control()).collect();
                all.push((name, text));
            }
        }
        let signature = parse_signature(signature)?;
        let first = |wanted: &str| {
            all.iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.trim())
                .filter(|v| !v.is_empty())
        };
        Ok(Self {
            signature,
            resource: first(RESOURCE_HEADER).map(str::to_owned),
            timestamp: first(TIMESTAMP_HEADER).and_then(parse_timestamp),
            all,
        })
    }
}

/// Why a webhook is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no `Sentry-Hook-Signature`.
    #[error("the header `Sentry-Hook-Signature` is missing")]
    Missing,
    /// It is no HMAC-SHA-256 in hexadecimal digits.
    #[error("the header `Sentry-Hook-Signature` is not {SIGNATURE_DIGITS} hexadecimal digits")]
    Malformed,
    /// No known client secret gives this signature for this body.
    #[error("no configured client secret gives this signature for this body")]
    Mismatch,
}

/// Reads the value of `Sentry-Hook-Signature`: 64 hexadecimal digits in either case, and nothing else.
///
/// # Errors
/// [`SignatureError::Missing`] for `None`, [`SignatureError::Malformed`] for anything else.
pub fn parse_signature(header: Option<&[u8]>) -> Result<[u8; 32], SignatureError> {
    let digits = header.ok_or(SignatureError::Missing)?;
    let mut signature = [0; 32];
    hex::decode_to_slice(digits, &mut signature).map_err(|_| SignatureError::Malformed)?;
    Ok(signature)
}

/// Reads the value of `Sentry-Hook-Timestamp`: Unix seconds; `None` for anything else.
pub fn parse_timestamp(header: &str) -> Option<Timestamp> {
    header.trim().parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// The client secrets of all organizations, ready to verify with. Shows none of them.
#[derive(Clone)]
pub struct SigningKeys {
    keys: Vec<(Organization, Hmac<Sha256>)>,
    suspects: Arc<Suspects>,
}

impl SigningKeys {
    /// Takes every secret that is known; an empty one would let everybody in and is left out.
    pub fn new(organizations: &[OrganizationConfig]) -> Self {
        let secrets = organizations.iter().flat_map(|config| {
            let known = config.client_secrets.iter().filter_map(|secret| secret.known());
            known.map(|secret| (&config.organization, secret.expose_secret()))
        });
        let keys = secrets.filter(|(_, secret)| !secret.is_empty()).filter_map(|(organization, secret)| {
            Some((organization.clone(), Hmac::new_from_slice(secret.as_bytes()).ok()?))
        });
        Self { keys: keys.collect(), suspects: Arc::new(Suspects::new(organizations)) }
    }

    /// Returns the same secrets, to find out why a signature does not hold.
    pub fn suspects(&self) -> &Arc<Suspects> {
        &self.suspects
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let organizations = self.keys.iter().map(|(organization, _)| organization.as_str());
        formatter.debug_list().entries(organizations).finish()
    }
}

/// Bytes that Sentry signed for an organization. Made by [`verify`] alone.
#[derive(Debug, Clone)]
pub struct VerifiedWebhook {
    organization: Organization,
    headers: WebhookHeaders,
    body: Bytes,
}

impl VerifiedWebhook {
    /// Returns whose secret verified it.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Returns the first half of the event's name; `seer` where the header is missing.
    pub fn resource(&self) -> &str {
        self.headers.resource.as_deref().unwrap_or(SEER_RESOURCE)
    }

    /// Returns the bytes as they came.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub(super) fn into_parts(self) -> (Organization, WebhookHeaders, Bytes) {
        (self.organization, self.headers, self.body)
    }
}

/// Tries every secret of every organization on the raw bytes, and says whose it was.
///
/// The comparison takes the same time however many digits agree.
///
/// # Errors
/// [`SignatureError::Mismatch`] where no secret fits.
// Source: getsentry/sentry src/sentry/sentry_apps/models/sentry_app.py (`build_signature`: HMAC-SHA-256 over the
// bytes as sent, keyed with the client secret as text), read 2026-11-24.
pub fn verify(
    headers: WebhookHeaders,
    body: Bytes,
    keys: &SigningKeys,
) -> Result<VerifiedWebhook, SignatureError> {
    let signed_by = keys
        .keys
        .iter()
        .find(|(_, key)| key.clone().chain_update(&body).verify_slice(&headers.signature).is_ok());
    let organization = signed_by.map(|(organization, _)| organization.clone());
    let organization = organization.ok_or(SignatureError::Mismatch)?;
    Ok(VerifiedWebhook { organization, headers, body })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;
    use crate::secret::Secret;
    use crate::sentry::vectors::{
        SECRET, V1, V1_OF_HEX_SECRET, V1_RESERIALISED, V1_SIGNATURE, V2, V2_SIGNATURE, V3, V3_SIGNATURE,
        V5_SIGNATURE, V6, V6_SIGNATURE, organization, sign,
    };

    fn check(
        body: &str,
        signature: &str,
        organizations: &[OrganizationConfig],
    ) -> Result<String, SignatureError> {
        let headers = WebhookHeaders::read([(SIGNATURE_HEADER, signature.as_bytes())])?;
        let webhook = verify(headers, Bytes::from(body.to_owned()), &SigningKeys::new(organizations))?;
        assert_eq!(webhook.body(), body);
        Ok(webhook.organization().to_string())
    }

    #[test]
    fn the_vectors_are_accepted() {
        let acme = [organization("acme", &[SECRET])];
        for (body, signature) in [
            (V1, V1_SIGNATURE),
            (V2, V2_SIGNATURE),
            (V3, V3_SIGNATURE),
            ("", V5_SIGNATURE),
            (V6, V6_SIGNATURE),
        ] {
            assert_eq!(check(body, signature, &acme).as_deref(), Ok("acme"), "{body}");
            assert_eq!(check(body, &signature.to_uppercase(), &acme).as_deref(), Ok("acme"));
        }
    }

    #[test]
    fn a_signature_of_other_bytes_is_refused_even_where_the_json_is_equal() {
        let acme = [organization("acme", &[SECRET])];
        for (body, signature) in [
            (V3, V2_SIGNATURE),
            (V2, V3_SIGNATURE),
            (V1, V1_RESERIALISED),
            (V1, V1_OF_HEX_SECRET),
            (V1, V5_SIGNATURE),
            ("", V1_SIGNATURE),
        ] {
            assert_eq!(check(body, signature, &acme), Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn any_secret_of_any_organization_may_have_signed_and_says_whose_it_is() {
        let organizations = [
            organization("other", &["a"]),
            organization("acme", &["new", SECRET]),
            organization("none", &[]),
        ];
        assert_eq!(check(V1, V1_SIGNATURE, &organizations).as_deref(), Ok("acme"));
        assert_eq!(check(V1, V1_SIGNATURE, &organizations[..1]), Err(SignatureError::Mismatch));
    }

    #[test]
    fn without_a_usable_secret_nobody_gets_in() {
        let unusable = OrganizationConfig {
            client_secrets: vec![Secret::Missing("unset".to_owned()), Secret::Known(SecretString::from(""))],
            ..organization("acme", &[])
        };
        let of_an_empty_secret = sign(V1.as_bytes(), "");
        assert_eq!(check(V1, &of_an_empty_secret, &[unusable]), Err(SignatureError::Mismatch));
    }

    #[test]
    fn only_64_hexadecimal_digits_are_a_signature() {
        assert_eq!(parse_signature(None), Err(SignatureError::Missing));
        let digits = V1_SIGNATURE;
        for malformed in [
            "",
            "x",
            &digits[1..],
            &format!("{digits}0"),
            &format!("{digits}00"),
            &format!("sha256={digits}"),
            &format!(" {digits}"),
            &format!("{digits} "),
            &format!("0x{}", &digits[2..]),
            &"g".repeat(64),
            &"é".repeat(32),
        ] {
            assert_eq!(
                parse_signature(Some(malformed.as_bytes())),
                Err(SignatureError::Malformed),
                "{malformed}"
            );
        }
        assert_eq!(parse_signature(Some(&[0xff; 64])), Err(SignatureError::Malformed));
        assert_eq!(parse_signature(Some(digits.as_bytes())).map(hex::encode).as_deref(), Ok(digits));
    }

    #[test]
    fn the_head_is_read_in_any_case_and_what_opens_doors_or_says_nothing_is_not_kept() {
        let headers = WebhookHeaders::read([
            ("Sentry-Hook-Signature", V1_SIGNATURE.as_bytes()),
            ("Sentry-Hook-Resource", b"seer"),
            ("Sentry-Hook-Timestamp", b"1764000000"),
            ("Request-ID", b"0123456789abcdef0123456789abcdef"),
            ("Authorization", b"Bearer x"),
            ("Proxy-Authorization", b"Basic x"),
            ("Cookie", b"a=b"),
            ("Host", b"relay.example.com"),
            ("Content-Length", b"17"),
            ("Idempotency-Key", b"caf\xc3\xa9\xff"),
        ]);
        let headers = headers.unwrap();
        assert_eq!(headers.resource.as_deref(), Some("seer"));
        assert_eq!(headers.timestamp, Timestamp::from_second(1_764_000_000).ok());
        let kept: Vec<&str> = headers.all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(kept, ["sentry-hook-resource", "sentry-hook-timestamp", "request-id", "idempotency-key"]);
        assert_eq!(headers.all[3].1, "caf\u{e9}\u{fffd}");
    }

    #[test]
    fn a_head_without_more_than_a_signature_is_seers() {
        let headers = WebhookHeaders::read([
            ("sentry-hook-signature", V1_SIGNATURE.as_bytes()),
            ("sentry-hook-resource", b" "),
            ("sentry-hook-timestamp", b"yesterday"),
        ]);
        let keys = SigningKeys::new(&[organization("acme", &[SECRET])]);
        let webhook = verify(headers.unwrap(), Bytes::from(V1), &keys).unwrap();
        assert_eq!(webhook.resource(), "seer");
        assert_eq!(webhook.headers.timestamp, None);
    }

    #[test]
    fn keys_show_no_secret() {
        let keys = SigningKeys::new(&[organization("acme", &[SECRET])]);
        assert_eq!(format!("{keys:?}"), r#"["acme"]"#);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse_signature(Some(&header));
            let _ = parse_timestamp(&String::from_utf8_lossy(&header));
        }

        #[test]
        fn one_changed_byte_is_noticed(at in 0..V1.len(), by in 1..=255_u8) {
            let mut body = V1.as_bytes().to_vec();
            body[at] ^= by;
            let headers = WebhookHeaders::read([(SIGNATURE_HEADER, V1_SIGNATURE.as_bytes())]).unwrap();
            let keys = SigningKeys::new(&[organization("acme", &[SECRET])]);
            prop_assert!(verify(headers, Bytes::from(body), &keys).is_err());
        }
    }
}
