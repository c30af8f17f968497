//! Webhooks' heads: only the right signature of exactly these bytes is let in, and no credential is kept.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use seer_relay::event::Organization;
use seer_relay::sample;
use seer_relay::secret::Secret;
use seer_relay::sentry::signature::{SignatureError, SigningKeys, WebhookHeaders, verify};
use seer_relay::sentry::{LookupConfig, OrganizationConfig};
use sha2::Sha256;

use super::mutation::Structure;
use super::{Target, in_time};

/// Whose secrets may have signed.
const SECRETS: &[(&str, &str)] = &[("acme", "new secret"), ("acme", "old secret"), ("other", "a")];
const BODY: &str = r#"{"action":"pr_created","data":{"run_id":1}}"#;

const WORDS: &[&str] = &[
    "Sentry-Hook-Signature: ",
    "sentry-hook-signature: ",
    "Sentry-Hook-Resource: ",
    "Sentry-Hook-Timestamp: ",
    "Sentry-App-Signature: ",
    "Authorization: Bearer x",
    "Cookie: a=b",
    "Proxy-Authorization: x",
    "sha256=",
    "0x",
    " ",
    "\t",
    "\n",
    "\r",
    ":",
    "\n\n",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "٠",
    "ａ",
    "-1",
    "9223372036854775807",
    "253402207201",
    "1e9",
    "\u{0}",
    "\u{7f}",
    "seer",
    "issue",
];

#[test]
fn only_the_right_signature_is_let_in_and_no_credential_is_kept() {
    let seeds = SECRETS.iter().chain([&("none", "unknown"), &("none", "")]).flat_map(|(_, secret)| {
        let headers = sample::headers(
            BODY.as_bytes(),
            &SecretString::from(*secret),
            "2026-11-23T10:00:00Z".parse().unwrap(),
        );
        let head: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let bare = format!("Sentry-Hook-Signature: {}\n", hex::encode(mac(BODY.as_bytes(), secret)));
        [head.concat(), bare].map(|head| format!("{head}\n{BODY}").into_bytes())
    });
    let seeds = seeds.collect();
    let keys = keys();
    let target = Target { name: "signature", cases: 300, seeds, words: WORDS, structure: Structure::Lines };
    target.fuzz(|bytes| {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").map_or(bytes.len(), |at| at + 1);
        let (head, body) = bytes.split_at(end);
        let body = Bytes::copy_from_slice(body.get(1..).unwrap_or_default());
        let lines = head.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let headers: Vec<(&str, &[u8])> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name, value.as_bytes()))
            .collect();
        let got = in_time(|| enter(&headers, &body, &keys));
        assert_eq!(got, expected(&headers, &body));
        for (organization, secret) in SECRETS {
            let right = hex::encode_upper(mac(&body, secret));
            let first = ("SENTRY-HOOK-SIGNATURE", right.as_bytes());
            let signed: Vec<_> = [first].into_iter().chain(headers.iter().copied()).collect();
            assert_eq!(enter(&signed, &body, &keys).as_deref(), Ok(*organization));
        }
    });
}

fn keys() -> SigningKeys {
    let empty = ("empty", "");
    let organizations = SECRETS.iter().chain([&empty]).map(|(organization, secret)| OrganizationConfig {
        organization: Organization::new(*organization),
        client_secrets: vec![Secret::Known(SecretString::from(*secret))],
        retired_secrets: Vec::new(),
        base_url: "https://sentry.io".parse().unwrap(),
        lookup: LookupConfig::without_token("https://sentry.io".parse().unwrap()),
    });
    SigningKeys::new(&organizations.collect::<Vec<_>>())
}

fn enter(headers: &[(&str, &[u8])], body: &Bytes, keys: &SigningKeys) -> Result<String, SignatureError> {
    let head = WebhookHeaders::read(headers.iter().copied())?;
    for (name, value) in &head.all {
        let opens_doors = ["sentry-app-signature", "authorization", "proxy-authorization", "cookie"]
            .iter()
            .any(|word| name == word);
        assert!(
            !opens_doors && *name != "sentry-hook-signature" && *name == name.to_ascii_lowercase(),
            "{name}"
        );
        assert!(!value.contains(char::is_control), "{value:?}");
    }
    assert!(head.resource.as_deref().is_none_or(|resource| !resource.trim().is_empty()));
    let webhook = verify(head, body.clone(), keys)?;
    assert_eq!(webhook.body(), body);
    Ok(webhook.organization().to_string())
}

/// What the relay should say, found by other means.
fn expected(headers: &[(&str, &[u8])], body: &[u8]) -> Result<String, SignatureError> {
    let is_signature = |(name, _): &&(&str, &[u8])| name.eq_ignore_ascii_case("sentry-hook-signature");
    let (_, digits) = headers.iter().find(is_signature).ok_or(SignatureError::Missing)?;
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(SignatureError::Malformed);
    }
    let digits = digits.to_ascii_lowercase();
    let signer = SECRETS.iter().find(|(_, secret)| hex::encode(mac(body, secret)).as_bytes() == digits);
    signer.map(|(organization, _)| (*organization).to_owned()).ok_or(SignatureError::Mismatch)
}

fn mac(body: &[u8], secret: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.chain_update(body).finalize().into_bytes().to_vec()
}
