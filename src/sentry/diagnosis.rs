//! Why a signature does not hold: what an operator wants to know, and no stranger may. Pure.
//!
//! Nothing here lets anybody in: [`super::signature::verify`] alone does. Knows neither how often it may be asked nor
//! who is told. A body costs some hundred hashes of it, so whoever asks on behalf of strangers asks seldom.

mod rewriting;
mod secrets;

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;

use super::signature::SignatureError;
use super::{OrganizationConfig, RESOURCE_HEADER, SIGNATURE_HEADER};
use crate::event::{Organization, words};
use crate::secret::Secret;

words! {
    /// Why a signature does not hold, as far as that can be told.
    Cause {
        /// There is none.
        Missing = "missing",
        /// It is no HMAC-SHA-256 in hexadecimal digits.
        Malformed = "malformed",
        /// Sentry's legacy `WebHooks` plugin sent it, which signs nothing.
        LegacyPlugin = "legacy_plugin",
        /// It is signed in a header that is not that of an integration's webhooks.
        OtherHeader = "other_header",
        /// It holds for another body that says the same: somebody touches it on its way.
        Reserialised = "reserialised",
        /// It was made with another form of a configured secret.
        DecodedSecret = "decoded_secret",
        /// It was made with a secret of `retired_secrets`.
        OldSecret = "old_secret",
        /// It was made with no secret that is known.
        Unknown = "unknown",
        /// Nobody looked: there were too many of them, or the body is too large.
        Unexamined = "unexamined",
    }
}

impl Cause {
    /// Returns what that means, as a sentence without its full stop.
    pub fn means(self) -> &'static str {
        match self {
            Self::Missing => "there is no signature: whoever sends this is no integration of Sentry",
            Self::Malformed => "the signature is not 64 hexadecimal digits",
            Self::LegacyPlugin => "the legacy WebHooks plugin sends this, and signs nothing",
            Self::OtherHeader => "it is signed in another header than an integration's webhooks are",
            Self::Reserialised => "the body is not the one that was signed: it is touched on its way here",
            Self::DecodedSecret => "it is signed with another form of a configured secret",
            Self::OldSecret => "it is signed with one of the `retired_secrets`",
            Self::Unknown => "no configured client secret signed it, in no form that is known",
            Self::Unexamined => "there were too many to look at each, or their bodies are too large",
        }
    }

    /// Returns what to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Missing => {
                "let an internal integration in Sentry send to this address, and proxies keep the header \
                 `Sentry-Hook-Signature`; strangers who knock need no answer"
            }
            Self::Malformed => {
                "send `Sentry-Hook-Signature` as Sentry makes it, without `sha256=` and blanks, and keep proxies from \
                 changing it"
            }
            Self::LegacyPlugin => {
                "in Sentry, take the address out of the project's WebHooks plugin (Settings, Legacy Integrations), and \
                 make an internal integration with it as its Webhook URL"
            }
            Self::OtherHeader => {
                "only webhooks of a Sentry integration belong here: let what else sends to this address go elsewhere"
            }
            Self::Reserialised => {
                "let the proxy, gateway or function before the relay pass the body on byte for byte: no reading and \
                 writing of JSON, no change of its charset or line breaks"
            }
            Self::DecodedSecret => {
                "write the Client Secret exactly as Sentry shows it (Settings, Developer Settings, your integration): \
                 64 characters, neither decoded nor encoded, with nothing around it"
            }
            Self::OldSecret => {
                "in Sentry the integration still has, or has again, the old secret: put it back into `client_secrets` \
                 until it is rotated"
            }
            Self::Unknown => {
                "compare the Client Secret in Sentry (Settings, Developer Settings, your integration) with \
                 `client_secrets` in relay.toml; strangers who guess need no answer"
            }
            Self::Unexamined => {
                "`seer-relay doctor --body FILE --signature HEX` looks at one that you have captured"
            }
        }
    }

    /// Returns whether only somebody who knows a secret can have made it, so that a real webhook is lost.
    pub fn is_ours(self) -> bool {
        match self {
            Self::Reserialised | Self::DecodedSecret | Self::OldSecret => true,
            Self::Missing
            | Self::Malformed
            | Self::LegacyPlugin
            | Self::OtherHeader
            | Self::Unknown
            | Self::Unexamined => false,
        }
    }
}

/// Why a signature does not hold, and what more can be told of it. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The cause.
    pub cause: Cause,
    /// Whose secret it has to do with.
    pub organization: Option<Organization>,
    /// What in particular, as a clause.
    pub detail: Option<&'static str>,
}

impl From<Cause> for Diagnosis {
    fn from(cause: Cause) -> Self {
        Self { cause, organization: None, detail: None }
    }
}

impl Diagnosis {
    fn of(cause: Cause, detail: &'static str) -> Self {
        Self { detail: Some(detail), ..cause.into() }
    }

    fn at(self, organization: &Organization) -> Self {
        Self { organization: Some(organization.clone()), ..self }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.cause.means())?;
        if let Some(detail) = self.detail {
            write!(formatter, ": {detail}")?;
        }
        if let Some(organization) = &self.organization {
            write!(formatter, " (organization `{organization}`)")?;
        }
        Ok(())
    }
}

/// Headers in which others sign, and whose they are.
const OTHER_HEADERS: [(&str, &str); 10] = [
    // Source: getsentry/integration-platform-example backend-py/src/api/middleware/verify_sentry_signature.py, read
    // 2026-11-24.
    ("sentry-app-signature", "it is a request of Sentry's for a part of its pages (`Sentry-App-Signature`)"),
    ("x-hub-signature-256", "GitHub signs so (`X-Hub-Signature-256`)"),
    ("x-hub-signature", "GitHub signs so (`X-Hub-Signature`)"),
    ("x-gitlab-token", "GitLab sends this (`X-Gitlab-Token`)"),
    ("x-slack-signature", "Slack signs so (`X-Slack-Signature`)"),
    ("x-signature-ed25519", "Discord signs so (`X-Signature-Ed25519`)"),
    ("stripe-signature", "Stripe signs so (`Stripe-Signature`)"),
    ("linear-signature", "Linear signs so (`Linear-Signature`)"),
    ("svix-signature", "Svix signs so (`Svix-Signature`)"),
    ("webhook-signature", "it is signed by Standard Webhooks (`webhook-signature`), as another relay does"),
];

/// Says why a head was refused, from the head alone.
pub fn of_head<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    error: SignatureError,
) -> Diagnosis {
    let headers: Vec<(String, &[u8])> =
        headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    match error {
        SignatureError::Mismatch => Cause::Unknown.into(),
        SignatureError::Malformed => {
            let signature = find(SIGNATURE_HEADER).unwrap_or_default();
            Diagnosis::of(Cause::Malformed, malformed(signature))
        }
        SignatureError::Missing => {
            let other = OTHER_HEADERS.iter().find(|(name, _)| find(name).is_some());
            if let Some((_, whose)) = other {
                return Diagnosis::of(Cause::OtherHeader, whose);
            }
            if find(RESOURCE_HEADER).is_some() {
                let detail = "Sentry's other headers are there, so something on its way takes this one out";
                return Diagnosis::of(Cause::Missing, detail);
            }
            // Source: getsentry/sentry src/sentry/plugins/sentry_webhooks/{plugin,client}.py: no header but what every
            // request of Sentry's has, of which none but its user agent tells it; read 2026-11-30.
            let agent = find("user-agent").unwrap_or_default();
            let is_sentry =
                agent.get(.."sentry".len()).is_some_and(|name| name.eq_ignore_ascii_case(b"sentry"));
            if is_sentry { Cause::LegacyPlugin.into() } else { Cause::Missing.into() }
        }
    }
}

/// Says what is wrong with a signature that is none.
fn malformed(signature: &[u8]) -> &'static str {
    let is_hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    if signature.is_empty() {
        "it is empty"
    } else if signature.starts_with(b"sha256=") {
        "it begins with `sha256=`, which Sentry does not write"
    } else if signature != signature.trim_ascii() {
        "there is white space around it"
    } else if is_hex(signature) && signature.len() < super::SIGNATURE_DIGITS {
        "it has fewer than 64 digits"
    } else if is_hex(signature) {
        "it has more than 64 digits"
    } else if signature.len() == 44 && signature.ends_with(b"=") {
        "it seems to be base64"
    } else {
        "it holds other characters than hexadecimal digits"
    }
}

/// The secrets of all organizations, to find out which of them a signature has to do with. Shows none of them.
#[derive(Clone, Default)]
pub struct Suspects {
    current: Vec<(Organization, SecretString)>,
    old: Vec<(Organization, SecretString)>,
}

impl fmt::Debug for Suspects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Suspects")
    }
}

impl Suspects {
    /// Takes every secret that is known.
    pub fn new(organizations: &[OrganizationConfig]) -> Self {
        let known = |secrets: fn(&OrganizationConfig) -> &Vec<Secret>| {
            let all = organizations.iter().flat_map(|config| {
                let known = secrets(config).iter().filter_map(Secret::known);
                known.map(|secret| (config.organization.clone(), secret.clone()))
            });
            all.filter(|(_, secret)| !secret.expose_secret().is_empty()).collect()
        };
        Self { current: known(|config| &config.client_secrets), old: known(|config| &config.retired_secrets) }
    }

    /// Says why no configured secret gives this signature for this body.
    pub fn diagnose(&self, signature: &[u8; 32], body: &[u8]) -> Diagnosis {
        let by_secret = || {
            self.current.iter().find_map(|(organization, secret)| {
                let mut variants = secrets::variants(secret.expose_secret()).into_iter();
                let (detail, _) = variants.find(|(_, key)| signs(key, body, signature))?;
                Some(Diagnosis::of(Cause::DecodedSecret, detail).at(organization))
            })
        };
        let by_old = || {
            let mut old = self.old.iter();
            let (organization, _) =
                old.find(|(_, secret)| signs(secret.expose_secret().as_bytes(), body, signature))?;
            Some(Diagnosis::from(Cause::OldSecret).at(organization))
        };
        let by_body = || {
            rewriting::rewritings(body).find_map(|(detail, form)| {
                let mut current = self.current.iter();
                let (organization, _) =
                    current.find(|(_, secret)| signs(secret.expose_secret().as_bytes(), &form, signature))?;
                Some(Diagnosis::of(Cause::Reserialised, detail).at(organization))
            })
        };
        by_old().or_else(by_secret).or_else(by_body).unwrap_or_else(|| unknown(body))
    }
}

/// Compares in constant time, as [`super::signature::verify`] does.
fn signs(key: &[u8], body: &[u8], signature: &[u8; 32]) -> bool {
    let Ok(key) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    key.chain_update(body).verify_slice(signature).is_ok()
}

/// Says what can be told of a body that nobody known signed.
fn unknown(body: &[u8]) -> Diagnosis {
    let detail = if body.is_empty() {
        "the body is empty, as if it was read before it came here"
    } else if is_of_legacy_plugin(body) {
        return Diagnosis::of(Cause::LegacyPlugin, "its body is that plugin's");
    } else if looks_like_webhook(body) {
        "its body looks like a webhook of a Sentry integration: is it another integration or secret, or does a \
         proxy change the body?"
    } else {
        "its body is no webhook of a Sentry integration"
    };
    Diagnosis::of(Cause::Unknown, detail)
}

/// Returns whether a body is what the legacy `WebHooks` plugin sends.
// Source: getsentry/sentry src/sentry/plugins/sentry_webhooks/plugin.py, `get_group_data`; read 2026-11-30.
pub fn is_of_legacy_plugin(body: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let has = |name: &str| json.get(name).is_some();
    has("project_slug") && has("event") && !has("action") && !has("installation")
}

fn looks_like_webhook(body: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    json.get("action").is_some_and(Value::is_string) && json.get("data").is_some_and(Value::is_object)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sentry::vectors::{
        SECRET, V1, V1_OF_HEX_SECRET, V1_RESERIALISED, V1_SIGNATURE, V2_SIGNATURE, V3, organization, sign,
    };

    fn suspects() -> Suspects {
        let mut acme = organization("acme", &[SECRET]);
        acme.retired_secrets = vec![Secret::Known("of last year".into())];
        Suspects::new(&[organization("other", &["another secret"]), acme])
    }

    fn diagnose(body: &str, signature: &str) -> Diagnosis {
        let mut digits = [0; 32];
        hex::decode_to_slice(signature, &mut digits).unwrap();
        suspects().diagnose(&digits, body.as_bytes())
    }

    #[test]
    fn the_vectors_that_must_be_refused_are_told_apart() {
        let of_old = sign(V1.as_bytes(), "of last year");
        let of_nobody = sign(V1.as_bytes(), "nobody's");
        for (body, signature, cause, said) in [
            (
                V1,
                V1_RESERIALISED,
                Cause::Reserialised,
                "the body is not the one that was signed: it is touched on its way here: its JSON is written \
                 anew (organization `acme`)",
            ),
            (
                V3,
                V2_SIGNATURE,
                Cause::Reserialised,
                "the body is not the one that was signed: it is touched on its way here: its JSON is written \
                 anew (organization `acme`)",
            ),
            (
                V1,
                V1_OF_HEX_SECRET,
                Cause::DecodedSecret,
                "it is signed with another form of a configured secret: whoever signs decodes the secret from hex; \
                 Sentry uses it as text (organization `acme`)",
            ),
            (
                V1,
                &of_old,
                Cause::OldSecret,
                "it is signed with one of the `retired_secrets` (organization `acme`)",
            ),
            (
                V1,
                &of_nobody,
                Cause::Unknown,
                "no configured client secret signed it, in no form that is known: its body looks like a webhook of a \
                 Sentry integration: is it another integration or secret, or does a proxy change the body?",
            ),
        ] {
            let diagnosis = diagnose(body, signature);
            assert_eq!((diagnosis.cause, diagnosis.to_string().as_str()), (cause, said));
        }
    }

    #[test]
    fn of_a_body_that_nobody_known_signed_it_is_told_what_it_looks_like() {
        for (body, signature, cause, said) in [
            (
                "",
                V1_SIGNATURE,
                Cause::Unknown,
                "no configured client secret signed it, in no form that is known: the body is empty, as if it was read \
                 before it came here",
            ),
            (
                "hello",
                V1_SIGNATURE,
                Cause::Unknown,
                "no configured client secret signed it, in no form that is known: its body is no webhook of a Sentry \
                 integration",
            ),
            (
                r#"{"id":"1","project":"api","project_slug":"api","event":{}}"#,
                V1_SIGNATURE,
                Cause::LegacyPlugin,
                "the legacy WebHooks plugin sends this, and signs nothing: its body is that plugin's",
            ),
        ] {
            let diagnosis = diagnose(body, signature);
            assert_eq!((diagnosis.cause, diagnosis.to_string().as_str()), (cause, said));
        }
    }

    #[test]
    fn a_head_tells_who_sent_it() {
        let of = |headers: &[(&str, &str)], error| {
            let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
            of_head(headers, error)
        };
        let missing = SignatureError::Missing;
        for (headers, cause, detail) in [
            (&[("User-Agent", "curl/8")][..], Cause::Missing, None),
            (&[], Cause::Missing, None),
            (&[("User-Agent", "sentry/26.11.0 (https://sentry.io)")], Cause::LegacyPlugin, None),
            (
                &[("User-Agent", "sentry/26.11.0 (https://sentry.io)"), ("Sentry-Hook-Resource", "seer")],
                Cause::Missing,
                Some("Sentry's other headers are there, so something on its way takes this one out"),
            ),
            (
                &[("X-Hub-Signature-256", "sha256=00")],
                Cause::OtherHeader,
                Some("GitHub signs so (`X-Hub-Signature-256`)"),
            ),
            (
                &[("Sentry-App-Signature", V1_SIGNATURE), ("User-Agent", "sentry/1")],
                Cause::OtherHeader,
                Some("it is a request of Sentry's for a part of its pages (`Sentry-App-Signature`)"),
            ),
        ] {
            let told = of(headers, missing);
            assert_eq!((told.cause, told.detail), (cause, detail), "{headers:?}");
        }
        assert_eq!(of(&[], SignatureError::Mismatch).cause, Cause::Unknown);
    }

    #[test]
    fn what_is_wrong_with_a_signature_that_is_none_is_told() {
        let digits = V1_SIGNATURE;
        for (signature, said) in [
            (String::new(), "it is empty"),
            (format!("sha256={digits}"), "it begins with `sha256=`, which Sentry does not write"),
            (format!("{digits} "), "there is white space around it"),
            (digits[1..].to_owned(), "it has fewer than 64 digits"),
            (format!("{digits}0"), "it has more than 64 digits"),
            (format!("{}=", "a".repeat(43)), "it seems to be base64"),
            ("g".repeat(64), "it holds other characters than hexadecimal digits"),
        ] {
            let headers = [("sentry-hook-signature", signature.as_bytes())];
            let told = of_head(headers, SignatureError::Malformed);
            assert_eq!((told.cause, told.detail), (Cause::Malformed, Some(said)), "{signature}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic_or_see_a_secret_where_none_signed(
            body in prop::collection::vec(any::<u8>(), 0..200),
            signature in any::<[u8; 32]>(),
        ) {
            prop_assert!(!suspects().diagnose(&signature, &body).cause.is_ours());
        }

        #[test]
        fn json_of_any_text_that_was_written_anew_is_recognised(text in any::<String>(), number in any::<i64>()) {
            let value = serde_json::json!({ "action": text, "data": { "run_id": number, "é": [text, null] } });
            let (signed, touched) = (value.to_string(), serde_json::to_vec_pretty(&value).unwrap());
            let mut signature = [0; 32];
            hex::decode_to_slice(sign(signed.as_bytes(), SECRET), &mut signature).unwrap();
            prop_assert_eq!(suspects().diagnose(&signature, &touched).cause, Cause::Reserialised);
        }
    }

    #[test]
    fn suspects_show_no_secret() {
        assert_eq!(format!("{:?}", suspects()), "Suspects");
    }

    #[test]
    fn every_cause_says_what_it_means_and_what_to_do() {
        for cause in Cause::ALL {
            assert!(!cause.means().ends_with('.') && !cause.hint().ends_with('.'), "{cause}");
        }
    }
}
