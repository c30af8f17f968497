//! `[slack.NAME]`

use super::WEB_ADDRESS;
use crate::config::reader::{Keys, Reader};
use crate::notify::slack::SlackConfig;

const LATER: &str = "take it out: this version posts through an incoming webhook, \
                     `webhook_url = { env = \"SLACK_WEBHOOK_URL\" }`";

/// What may stand in the table.
pub(super) const KEYS: Keys = Keys {
    known: &[
        "webhook_url",
        "style",
        "template",
        "rate",
        "in_flight",
        "timeout",
        "expire_after",
        "diff",
        "buttons",
        "slack_compatible",
    ],
    later: &[
        ("bot_token", LATER),
        ("channel", LATER),
        ("api_url", LATER),
        ("announce", LATER),
        ("mention", "take it out: in this version nothing in a message pings"),
    ],
    elsewhere: &[
        ("url", "it belongs to `[webhook.NAME]`; here it is `webhook_url`"),
        ("secret", "it belongs to `[webhook.NAME]`: Slack checks no signature"),
        ("headers", "it belongs to `[webhook.NAME]`"),
        ("thin", "it belongs to `[webhook.NAME]`; `diff` says how many lines of diff a message shows"),
        ("thread_id", "it belongs to `[discord.NAME]`"),
        ("thread_name", "it belongs to `[discord.NAME]`, and comes with a later version"),
    ],
};

/// Reads what is particular to Slack.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<SlackConfig> {
    let webhook_url = reader.secret("webhook_url", WEB_ADDRESS);
    let buttons = reader.boolean("buttons");
    let slack_compatible = reader.boolean("slack_compatible");
    if reader.lacks("webhook_url", KEYS) {
        let message = format!("`[{}]` has no `webhook_url`", reader.name);
        let hint =
            "write `webhook_url = { env = \"SLACK_WEBHOOK_URL\" }`: the address of an incoming webhook";
        reader.fault("webhook_url", "missing_key", message, hint);
    }
    Some(SlackConfig {
        webhook_url: webhook_url?.secret,
        buttons: buttons.unwrap_or(false),
        slack_compatible: slack_compatible.unwrap_or(false),
    })
}
