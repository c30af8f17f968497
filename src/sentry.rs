//! Sentry's webhooks: header names and limits, each with its source; the client secrets of each organization.
//!
//! Knows neither HTTP servers nor how events are kept.

pub mod issue;
pub mod payload;
mod reading;
pub mod signature;
#[cfg(test)]
pub(crate) mod vectors;

use url::Url;

use crate::event::Organization;
use crate::secret::Secret;

/// The hex digest of the body; all that proves where a webhook comes from.
// Source: getsentry/sentry src/sentry/sentry_apps/api/serializers/app_platform_event.py, read 2026-11-24; the same
// for the four below.
pub const SIGNATURE_HEADER: &str = "sentry-hook-signature";
/// The first half of the event's name.
pub const RESOURCE_HEADER: &str = "sentry-hook-resource";
/// When Sentry built the request, in Unix seconds; not signed.
pub const TIMESTAMP_HEADER: &str = "sentry-hook-timestamp";
/// Sentry's id of this request; another one for each try, so it cannot tell duplicates.
pub const REQUEST_ID_HEADER: &str = "request-id";
/// The resource of Seer's webhooks.
pub const SEER_RESOURCE: &str = "seer";
/// How many hexadecimal digits a signature has: HMAC-SHA-256, lower case as Sentry writes it.
pub const SIGNATURE_DIGITS: usize = 64;

/// Settings of a `[sentry.SLUG]` table.
#[derive(Debug, Clone)]
pub struct OrganizationConfig {
    /// The table's name: the organization's slug in Sentry.
    pub organization: Organization,
    /// Client secrets of its integration; any of them may have signed, so that one can be rotated without downtime.
    pub client_secrets: Vec<Secret>,
    /// For links. Default `https://<slug>.sentry.io`.
    pub base_url: Url,
}
