//! Sentry's webhooks: header names and limits, each with its source; the client secrets of each organization.
//!
//! Knows neither HTTP servers nor how events are kept.

pub mod payload;
pub mod signature;

use url::Url;

use crate::event::Organization;
use crate::secret::Secret;

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
