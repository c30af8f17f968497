//! Secrets: values that are never shown, and may be missing without keeping the relay from starting.

use secrecy::SecretString;

/// A secret as the settings name it.
#[derive(Debug, Clone)]
pub enum Secret {
    /// Its value is known.
    Known(SecretString),
    /// Its value could not be had; says why, for example "environment variable `X` is not set".
    Missing(String),
}

impl Secret {
    /// Returns the value, where it is known.
    pub fn known(&self) -> Option<&SecretString> {
        match self {
            Self::Known(value) => Some(value),
            Self::Missing(_) => None,
        }
    }
}
