//! Discord webhooks.

use crate::secret::Secret;

/// Settings of a `[discord.NAME]` table.
#[derive(Debug, Clone)]
pub struct DiscordConfig {
    /// The webhook's address.
    pub webhook_url: Secret,
    /// The thread to post in.
    pub thread_id: Option<String>,
}
