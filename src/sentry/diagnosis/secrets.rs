//! What else a configured secret may have been when it signed. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Reads base64 of either alphabet with or without its padding, once both alphabets are one.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key, and what is wrong if it is the one that signed.
pub(super) type Variant = (&'static str, Vec<u8>);

/// Makes every key that a configured secret may have been meant to be; none of them is the secret as it is.
pub(super) fn variants(secret: &str) -> Vec<Variant> {
    let mut keys: Vec<Variant> = vec![
        ("white space stands around the configured secret", secret.trim().into()),
        ("whoever signs has a line break behind the secret", format!("{secret}\n").into()),
        ("whoever signs has a line break behind the secret", format!("{secret}\r\n").into()),
        ("the configured secret stands in quotes", unquoted(secret).into()),
        ("the configured secret has a name and `=` before it", unnamed(secret).into()),
        ("the configured secret is in capitals", secret.to_ascii_lowercase().into()),
        ("the configured secret is in small letters", secret.to_ascii_uppercase().into()),
        ("whoever signs writes the secret in hex", hex::encode(secret).into()),
        ("whoever signs writes the secret in base64", STANDARD.encode(secret).into()),
    ];
    if let Ok(decoded) = hex::decode(secret.trim()) {
        keys.push(("whoever signs decodes the secret from hex; Sentry uses it as text", decoded));
    }
    let alphabet = secret.trim().replace('-', "+").replace('_', "/");
    if let Ok(decoded) = BASE64.decode(alphabet) {
        // What Kubernetes shows of a secret is base64, and is easily taken for it.
        let text = decoded.trim_ascii().to_vec();
        keys.push(("the configured secret is base64 of the one that signs", decoded));
        keys.push(("the configured secret is base64 of the one that signs", text));
    }
    keys.retain(|(_, key)| !key.is_empty() && key.as_slice() != secret.as_bytes());
    keys
}

fn unquoted(secret: &str) -> &str {
    let inside = |quote| secret.trim().strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).or_else(|| inside('`')).unwrap_or_default()
}

/// Returns what stands behind `NAME=` or `export NAME=`.
fn unnamed(secret: &str) -> &str {
    let (name, value) = secret.split_once('=').unwrap_or_default();
    let is_name = !name.is_empty() && !value.trim_matches('=').is_empty();
    if is_name { value.trim() } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_secret_down_is_known() {
        let secret = "0123abcd";
        for (configured, said) in [
            (" 0123abcd\n", "white space stands around the configured secret"),
            ("\"0123abcd\"", "the configured secret stands in quotes"),
            ("'0123abcd'", "the configured secret stands in quotes"),
            ("export SENTRY_CLIENT_SECRET=0123abcd", "the configured secret has a name and `=` before it"),
            ("0123ABCD", "the configured secret is in capitals"),
            ("MDEyM2FiY2Q=", "the configured secret is base64 of the one that signs"),
            ("MDEyM2FiY2Q", "the configured secret is base64 of the one that signs"),
            ("MDEyM2FiY2QK", "the configured secret is base64 of the one that signs"),
        ] {
            let found = variants(configured).into_iter().find(|(_, key)| key == secret.as_bytes());
            assert_eq!(found.map(|(said, _)| said), Some(said), "{configured}");
        }
        for (signs_with, said) in [
            (b"0123abcd\n".as_slice(), "whoever signs has a line break behind the secret"),
            (b"\x01\x23\xab\xcd", "whoever signs decodes the secret from hex; Sentry uses it as text"),
            (b"3031323361626364", "whoever signs writes the secret in hex"),
            (b"MDEyM2FiY2Q=", "whoever signs writes the secret in base64"),
        ] {
            let found = variants(secret).into_iter().find(|(_, key)| key == signs_with);
            assert_eq!(found.map(|(said, _)| said), Some(said), "{said}");
        }
    }

    #[test]
    fn no_variant_is_the_secret_itself_or_nothing() {
        for secret in ["0123abcd", "a", "=", "\"\"", "é", " ", "A=", "=="] {
            for (said, key) in variants(secret) {
                assert!(!key.is_empty() && key != secret.as_bytes(), "{secret}: {said}");
            }
        }
    }
}
