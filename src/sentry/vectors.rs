//! Bodies with their signatures, computed with another implementation of HMAC than the relay's; and the way to get any
//! other body past the signature in a test.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;
use url::Url;

use super::signature::{SigningKeys, VerifiedWebhook, WebhookHeaders, verify};
use super::{LookupConfig, OrganizationConfig};
use crate::event::{Organization, SEER_RESOURCE};
use crate::secret::Secret;

/// The client secret of all of them, used as text though it looks like hex.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A started step, present shape.
pub(crate) const V1: &str = r#"{"action":"root_cause_started","installation":{"uuid":"a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},"data":{"run_id":12345,"sentry_run_id":"5c2a6a0e-7d0e-4b39-9d0b-0c8d6f2f9a11","group_id":1170820242},"actor":{"type":"application","id":"sentry","name":"Sentry"}}"#;
pub(crate) const V1_SIGNATURE: &str = "eb767128dc422ce38f6e6d9f533b20e9e44386536cd67b97430061d4cf4012d1";
/// Of V1 written anew with blanks behind commas and colons.
pub(crate) const V1_RESERIALISED: &str = "28fc2c7ee7cafcffceca81fc3f89c3d778ff0c8be062c5a5865330d5abbcb482";
/// Of V1, with the secret decoded from hex.
pub(crate) const V1_OF_HEX_SECRET: &str = "ec28aaf1272bf096ae54246538d7d4460b650cac183810d5b273c968ac6bae07";

/// A root cause with escapes as Sentry writes them.
pub(crate) const V2: &str = r#"{"action":"root_cause_completed","installation":{"uuid":"a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},"data":{"run_id":12345,"sentry_run_id":null,"group_id":1170820242,"root_cause":{"one_line_description":"Caf\u00e9 \ud83d\udca5 <b> & 'x'","five_whys":["a"],"reproduction_steps":[],"relevant_repo":null}},"actor":{"type":"application","id":"sentry","name":"Sentry"}}"#;
pub(crate) const V2_SIGNATURE: &str = "7e8642d2c2b97d924db247b17c3f0dc0e3dcf07cf65774c0d1a01dbce9289b35";

/// The same value as V2, other bytes.
pub(crate) const V3: &str = r#"{"action":"root_cause_completed","installation":{"uuid":"a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},"data":{"run_id":12345,"sentry_run_id":null,"group_id":1170820242,"root_cause":{"one_line_description":"Café 💥 <b> & 'x'","five_whys":["a"],"reproduction_steps":[],"relevant_repo":null}},"actor":{"type":"application","id":"sentry","name":"Sentry"}}"#;
pub(crate) const V3_SIGNATURE: &str = "8af0e7c4fdae209745ead6bae8f998a45231fe9e3af11026d5f8e50a99f21ea7";

/// An activity alert on the end of a step, which says what V2 does and the issue beside it.
pub(crate) const V6: &str = r#"{"action":"triggered","installation":{"uuid":"a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},"data":{"issue":{"id":"1170820242","shortId":"API-1X","title":"TypeError: Caf\u00e9 \ud83d\udca5 <b> & 'x'","culprit":"api.views in totals","permalink":"https://acme.sentry.io/issues/1170820242/","level":"error","status":"unresolved","substatus":"escalating","platform":"python","project":{"id":"7","name":"The API","slug":"api","platform":"python"},"priority":"high","count":"1204","userCount":31,"firstSeen":"2026-11-20T08:00:00.123456Z","lastSeen":"2026-11-24T09:30:00Z"},"activity":{"type":"seer_root_cause_completed","details":{"summary":"Caf\u00e9 \ud83d\udca5 <b> & 'x'"}},"alert":{"id":10,"title":"Seer","sentry_app_id":2,"url":"https://acme.sentry.io/api/0/organizations/acme/workflows/10/","web_url":"https://acme.sentry.io/monitors/alerts/10/"}},"actor":{"type":"application","id":"sentry","name":"Sentry"}}"#;
pub(crate) const V6_SIGNATURE: &str = "569ea50a9112458d69f0cc73b72fa145100e32d142537296a3c87e2e4fc233bd";

/// Of an empty body.
pub(crate) const V5_SIGNATURE: &str = "081247dc68bb7fafbf13220013a0ab71db8b628d679161f87b5e5bd9e19b1494";

/// Returns an organization with these client secrets.
pub(crate) fn organization(slug: &str, secrets: &[&str]) -> OrganizationConfig {
    OrganizationConfig {
        organization: Organization::new(slug),
        client_secrets: secrets.iter().map(|secret| Secret::Known(SecretString::from(*secret))).collect(),
        retired_secrets: Vec::new(),
        base_url: Url::parse("https://acme.sentry.io").unwrap(),
        lookup: LookupConfig::without_token(Url::parse("https://acme.sentry.io").unwrap()),
    }
}

/// Signs a body with a secret.
pub(crate) fn sign(body: &[u8], secret: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}

/// Returns a body as `acme` signed it at the start of 1970, with a header that is kept.
pub(crate) fn verified(body: Bytes) -> VerifiedWebhook {
    verified_as(SEER_RESOURCE, body)
}

/// As [`verified`], of another resource.
pub(crate) fn verified_as(resource: &str, body: Bytes) -> VerifiedWebhook {
    let signature = sign(&body, SECRET);
    let headers = WebhookHeaders::read([
        ("sentry-hook-resource", resource.as_bytes()),
        ("sentry-hook-signature", signature.as_bytes()),
        ("sentry-hook-timestamp", b"0"),
        ("request-id", b"0123456789abcdef0123456789abcdef"),
    ]);
    verify(headers.unwrap(), body, &SigningKeys::new(&[organization("acme", &[SECRET])])).unwrap()
}
