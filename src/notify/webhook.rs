//! Any HTTP service, by Standard Webhooks.

use crate::secret::Secret;

/// Settings of a `[webhook.NAME]` table.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// The address.
    pub url: Secret,
    /// Standard Webhooks secret, `whsec_` and base64 of 24 to 64 bytes.
    pub secret: Option<Secret>,
    /// Further request headers: name and value.
    pub headers: Vec<(String, Secret)>,
    /// Whether diffs and the payload are left out. Default false.
    pub thin: bool,
}
