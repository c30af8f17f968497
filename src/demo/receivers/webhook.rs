//! Verifies a Standard Webhooks signature, as a careful service does.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>, read
//! 2026-09-20. Written apart from the code that signs, so that the two hold each other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far a timestamp may be from now.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// The three headers of a signed webhook.
pub(super) struct Signed {
    /// `webhook-id`
    pub(super) id: String,
    /// `webhook-timestamp`, seconds
    pub(super) timestamp: String,
    /// `webhook-signature`, one or more, separated by spaces
    pub(super) signatures: String,
}

impl Signed {
    /// Returns whether the body was signed with the secret, lately.
    pub(super) fn verify(&self, body: &[u8], secret: &SecretString, now: Timestamp) -> bool {
        let signed_at = self.timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let lately = signed_at.is_some_and(|signed_at| now.duration_since(signed_at).abs() <= TOLERANCE);
        let key = secret.expose_secret().strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        let Some(mac) = key.and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok()) else { return false };
        let mac = mac.chain_update(format!("{}.{}.", self.id, self.timestamp)).chain_update(body);
        lately
            && self
                .signatures
                .split(' ')
                .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
                .any(|signature| mac.clone().verify_slice(&signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the specification.
    fn vector() -> (Signed, SecretString, Timestamp) {
        let signed = Signed {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            timestamp: "1614265330".to_owned(),
            signatures: "v1,bm9uZQ== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned(),
        };
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        (signed, secret, Timestamp::from_second(1_614_265_330).unwrap())
    }

    #[test]
    fn the_vector_of_the_specification_holds() {
        let (signed, secret, now) = vector();
        assert!(signed.verify(br#"{"test": 2432232314}"#, &secret, now));
    }

    #[test]
    fn a_changed_body_or_an_old_timestamp_does_not() {
        let (signed, secret, now) = vector();
        assert!(!signed.verify(br#"{"test": 2432232315}"#, &secret, now));
        assert!(!signed.verify(br#"{"test": 2432232314}"#, &secret, now + SignedDuration::from_mins(6)));
    }
}
