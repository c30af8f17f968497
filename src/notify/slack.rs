//! Slack incoming webhooks.

use crate::secret::Secret;

/// Settings of a `[slack.NAME]` table.
#[derive(Debug, Clone)]
pub struct SlackConfig {
    /// The incoming webhook's address.
    pub webhook_url: Secret,
    /// Whether a link titled "button" becomes a button instead of a link. Default false.
    pub buttons: bool,
    /// Whether the receiver only knows Slack's classic form (Mattermost, Rocket.Chat): `text` and one attachment.
    /// Default false.
    pub slack_compatible: bool,
}
