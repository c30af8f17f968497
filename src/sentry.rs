//! Sentry: header names and limits of its webhooks, each with its source; its API; the secrets of each organization.
//!
//! Knows neither HTTP servers nor how events are kept.

pub mod api;
pub mod diagnosis;
pub mod issue;
pub mod payload;
mod reading;
pub mod signature;
#[cfg(test)]
pub(crate) mod vectors;
pub(crate) mod writing;

use std::time::Duration;

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
/// How many hexadecimal digits a signature has: HMAC-SHA-256, lower case as Sentry writes it.
pub const SIGNATURE_DIGITS: usize = 64;

/// Settings of a `[sentry.SLUG]` table.
#[derive(Debug, Clone)]
pub struct OrganizationConfig {
    /// The table's name: the organization's slug in Sentry.
    pub organization: Organization,
    /// Client secrets of its integration; any of them may have signed, so that one can be rotated without downtime.
    pub client_secrets: Vec<Secret>,
    /// Client secrets that it had before: none of them lets anybody in, but one that signed is named. Default none.
    pub retired_secrets: Vec<Secret>,
    /// For links. Default `https://<slug>.sentry.io`.
    pub base_url: Url,
    /// How Sentry is asked what it knows of an issue.
    pub lookup: LookupConfig,
}

/// Settings of a `[sentry.SLUG]` table that concern Sentry's API.
#[derive(Debug, Clone)]
pub struct LookupConfig {
    /// A token of the integration with scope `event:read`. Default none: nothing is asked.
    pub api_token: Option<Secret>,
    /// Where the API is. Default `base_url`.
    pub api_url: Url,
    /// How long an event waits for its issue. Default 2 s; 0 s to 1 min.
    pub lookup_wait: Duration,
    /// How long an answer counts. Default 1 h; 1 min to 30 d.
    pub issue_max_age: Duration,
}

impl LookupConfig {
    /// How long an event waits where nothing else is said.
    pub const DEFAULT_LOOKUP_WAIT: Duration = Duration::from_secs(2);
    /// How long an answer counts where nothing else is said.
    pub const DEFAULT_ISSUE_MAX_AGE: Duration = Duration::from_hours(1);

    /// Returns the settings of an organization that is not asked.
    pub fn without_token(api_url: Url) -> Self {
        Self {
            api_token: None,
            api_url,
            lookup_wait: Self::DEFAULT_LOOKUP_WAIT,
            issue_max_age: Self::DEFAULT_ISSUE_MAX_AGE,
        }
    }
}
