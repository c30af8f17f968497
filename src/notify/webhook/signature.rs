//! Standard Webhooks signatures: `v1`, HMAC-SHA-256 over id, time and body. Pure.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// Why a text is no Standard Webhooks secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// It does not begin with `whsec_`.
    #[error("does not begin with `whsec_`")]
    Prefix,
    /// What follows is not base64.
    #[error("is not base64 after `whsec_`")]
    Base64,
    /// The key has the wrong length.
    #[error("is a key of {0} bytes; 24 to 64 are allowed")]
    Length(usize),
}

/// The key of a Standard Webhooks secret.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a secret: `whsec_` and base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// [`SigningKeyError`] when it is none; its text does not show it.
    pub fn parse(secret: &SecretString) -> Result<Self, SigningKeyError> {
        let secret = secret.expose_secret().trim().strip_prefix(PREFIX).ok_or(SigningKeyError::Prefix)?;
        let bytes = STANDARD.decode(secret).map_err(|_error| SigningKeyError::Base64)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(SigningKeyError::Length(bytes.len()));
        }
        let key = Hmac::new_from_slice(&bytes).map_err(|_error| SigningKeyError::Length(bytes.len()))?;
        Ok(Self(key))
    }

    /// Returns the value of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example; it protects nothing.
    const EXAMPLE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn key(secret: &str) -> Result<SigningKey, SigningKeyError> {
        SigningKey::parse(&SecretString::from(secret))
    }

    #[test]
    fn the_published_example_has_the_published_signature() {
        let signature = key(EXAMPLE).unwrap().sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_reference_implementation_signs_alike() {
        let reference = standardwebhooks::Webhook::new(EXAMPLE).unwrap();
        for (id, timestamp, body) in [("dlv_1", 0_i64, ""), ("dlv_2", 1_795_435_200, "{\"a\":\"ü😀\"}")] {
            let ours = key(EXAMPLE).unwrap().sign(id, &timestamp.to_string(), body.as_bytes());
            assert_eq!(ours, reference.sign(id, timestamp, body.as_bytes()).unwrap());
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_without_showing_it() {
        let base64 = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert_eq!(key("hunter2").unwrap_err(), SigningKeyError::Prefix);
        assert_eq!(key("whsec_hunter2!").unwrap_err(), SigningKeyError::Base64);
        assert_eq!(key(&base64(23)).unwrap_err(), SigningKeyError::Length(23));
        assert_eq!(key(&base64(65)).unwrap_err(), SigningKeyError::Length(65));
        assert!(key(&base64(24)).is_ok() && key(&base64(64)).is_ok());
        assert_eq!(format!("{:?}", key(EXAMPLE).unwrap()), "SigningKey");
    }
}
