//! The verdict on one captured webhook: whether its signature holds, and why not.

use bytes::Bytes;
use serde::Serialize;

use crate::event::Organization;
use crate::sentry::diagnosis::{Cause, Diagnosis, is_of_legacy_plugin, of_head};
use crate::sentry::signature::{SignatureError, SigningKeys, WebhookHeaders, verify};
use crate::sentry::{OrganizationConfig, SIGNATURE_HEADER};

/// Whether a signature holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether the relay would take it.
    pub holds: bool,
    /// Whose secret signed it, or has to do with it.
    pub organization: Option<Organization>,
    /// Why it does not hold.
    pub cause: Option<Cause>,
    /// What was found, as a sentence without its full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

impl Verdict {
    /// Judges a body with the signature that came with it, if one did.
    pub fn of(organizations: &[OrganizationConfig], body: Bytes, signature: Option<&str>) -> Self {
        let keys = SigningKeys::new(organizations);
        let headers: Vec<(&str, &[u8])> =
            signature.map(|signature| (SIGNATURE_HEADER, signature.as_bytes())).into_iter().collect();
        let head = match WebhookHeaders::read(headers.iter().copied()) {
            Ok(head) => head,
            Err(SignatureError::Missing) if is_of_legacy_plugin(&body) => {
                return Cause::LegacyPlugin.into_verdict();
            }
            Err(error) => return Self::not(&of_head(headers, error)),
        };
        let (digest, touched) = (head.signature, body.clone());
        match verify(head, body, &keys) {
            Ok(webhook) => {
                let organization = webhook.organization().clone();
                let message = format!("the signature holds: `{organization}` signed it");
                Self { holds: true, organization: Some(organization), cause: None, message, hint: None }
            }
            Err(_) => Self::not(&keys.suspects().diagnose(&digest, &touched)),
        }
    }

    fn not(diagnosis: &Diagnosis) -> Self {
        Self {
            holds: false,
            organization: diagnosis.organization.clone(),
            cause: Some(diagnosis.cause),
            message: format!("the signature does not hold: {diagnosis}"),
            hint: Some(diagnosis.cause.hint()),
        }
    }
}

impl Cause {
    fn into_verdict(self) -> Verdict {
        Verdict::not(&self.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentry::vectors::{SECRET, V1, V1_RESERIALISED, V1_SIGNATURE, organization};

    #[test]
    fn a_captured_webhook_is_judged_as_the_relay_would() {
        let judged = |body: &'static str, signature| {
            let verdict = Verdict::of(&[organization("acme", &[SECRET])], Bytes::from(body), signature);
            (verdict.holds, verdict.cause, verdict.message)
        };
        for (body, signature, holds, cause, message) in [
            (V1, Some(V1_SIGNATURE), true, None, "the signature holds: `acme` signed it"),
            (
                V1,
                Some(V1_RESERIALISED),
                false,
                Some(Cause::Reserialised),
                "the signature does not hold: the body is not the one that was signed: it is touched on its way here: its JSON is written anew (organization `acme`)",
            ),
            (
                V1,
                Some("sha256=00"),
                false,
                Some(Cause::Malformed),
                "the signature does not hold: the signature is not 64 hexadecimal digits: it begins with `sha256=`, \
                 which Sentry does not write",
            ),
            (
                V1,
                None,
                false,
                Some(Cause::Missing),
                "the signature does not hold: there is no signature: whoever sends this is no integration of Sentry",
            ),
            (
                r#"{"project_slug":"api","event":{}}"#,
                None,
                false,
                Some(Cause::LegacyPlugin),
                "the signature does not hold: the legacy WebHooks plugin sends this, and signs nothing",
            ),
        ] {
            assert_eq!(judged(body, signature), (holds, cause, message.to_owned()));
        }
    }
}
