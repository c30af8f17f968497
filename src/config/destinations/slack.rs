//! `[slack.NAME]`

use url::Url;

use super::WEB_ADDRESS;
use crate::config::reader::{Keys, Reader};
use crate::config::secrets::{Demand, check_token};
use crate::config::values;
use crate::notify::slack::{API_URL, SlackAccess, SlackBot, SlackConfig};
use crate::words::quoted;

/// Longer than any channel's name, of which Slack takes 80 characters.
const MAX_CHANNEL_BYTES: usize = 255;

/// What a bot's token has to be.
const BOT_TOKEN: Demand = Demand {
    check: check_token,
    form: "write the app's Bot User OAuth Token, `xoxb-…` (its page OAuth & Permissions), with scope chat:write",
    ..Demand::ANY
};

/// What may stand in the table.
pub(super) const KEYS: Keys = Keys {
    known: &[
        "webhook_url",
        "bot_token",
        "channel",
        "api_url",
        "style",
        "announce",
        "template",
        "rate",
        "in_flight",
        "timeout",
        "expire_after",
        "fallback",
        "fallback_after",
        "digest",
        "diff",
        "buttons",
        "slack_compatible",
    ],
    later: &[("mention", "take it out: in this version nothing in a message pings")],
    elsewhere: &[
        ("url", "it belongs to `[webhook.NAME]`; here it is `webhook_url`"),
        ("secret", "it belongs to `[webhook.NAME]`: Slack checks no signature"),
        ("headers", "it belongs to `[webhook.NAME]`"),
        ("thin", "it belongs to `[webhook.NAME]`; `diff` says how many lines of diff a message shows"),
        ("thread_id", "it belongs to `[discord.NAME]`"),
        ("thread_name", "it belongs to `[discord.NAME]`"),
    ],
};

/// Reads what is particular to Slack.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<SlackConfig> {
    let access = access(reader);
    let buttons = reader.boolean("buttons");
    let slack_compatible = reader.boolean("slack_compatible");
    if let (Some(SlackAccess::Bot(_)), Some(true)) = (&access, slack_compatible) {
        let message = format!(
            "{} belongs to a `webhook_url`: what is only compatible has no bots",
            reader.full("slack_compatible")
        );
        reader.fault("slack_compatible", "misplaced_key", message, "take it out, or write `webhook_url`");
    }
    Some(SlackConfig {
        access: access?,
        buttons: buttons.unwrap_or(false),
        slack_compatible: slack_compatible.unwrap_or(false),
    })
}

fn access(reader: &mut Reader<'_>) -> Option<SlackAccess> {
    let has = |reader: &Reader<'_>, key: &str| reader.table.get(key).is_some();
    let webhook_url = reader.secret("webhook_url", WEB_ADDRESS);
    let token = reader.secret("bot_token", BOT_TOKEN);
    match (has(reader, "webhook_url"), has(reader, "bot_token")) {
        (true, true) => {
            let message = format!("`[{}]` has both `webhook_url` and `bot_token`", reader.name);
            let hint = "take one of them out: it is either an incoming webhook or a bot";
            reader.fault("bot_token", "misplaced_key", message, hint);
            None
        }
        (true, false) => {
            for key in ["channel", "api_url"] {
                if has(reader, key) {
                    let message = format!("{} belongs to a `bot_token`", reader.full(key));
                    let hint = "take it out: an incoming webhook knows its channel and address";
                    reader.fault(key, "misplaced_key", message, hint);
                }
            }
            Some(SlackAccess::Webhook(webhook_url?.secret))
        }
        (false, true) => {
            let (channel, api_url) = (channel(reader), api_url(reader));
            Some(SlackAccess::Bot(SlackBot { token: token?.secret, channel: channel?, api_url: api_url? }))
        }
        (false, false) => {
            if reader.lacks("webhook_url", KEYS) && reader.lacks("bot_token", KEYS) {
                let message = format!("`[{}]` has no `webhook_url`", reader.name);
                let hint = "write `webhook_url = { env = \"SLACK_WEBHOOK_URL\" }`, the address of an incoming webhook, \
                            or `bot_token` and `channel`";
                reader.fault("webhook_url", "missing_key", message, hint);
            }
            None
        }
    }
}

fn channel(reader: &mut Reader<'_>) -> Option<String> {
    const EXAMPLE: &str = "\"C0123ABC\"";
    let hint =
        format!("write the channel's id, for example `channel = {EXAMPLE}` (Slack: View channel details)");
    let Some(channel) = reader.text("channel", EXAMPLE) else {
        if reader.lacks("channel", KEYS) {
            let message = format!("`[{}]` has a `bot_token`, but no `channel`", reader.name);
            reader.fault("channel", "missing_key", message, hint);
        }
        return None;
    };
    let is_plain =
        |character: char| !character.is_whitespace() && !character.is_control() && character != '/';
    if channel.is_empty() || channel.len() > MAX_CHANNEL_BYTES || !channel.chars().all(is_plain) {
        let message = format!("{} is {}, which is not a channel", reader.full("channel"), quoted(channel));
        reader.fault("channel", "invalid_value", message, hint);
        return None;
    }
    Some(channel.to_owned())
}

/// Reads where the Web API is; `None` after a fault.
fn api_url(reader: &mut Reader<'_>) -> Option<Url> {
    if reader.table.get("api_url").is_none() {
        return Url::parse(API_URL).ok();
    }
    let example = format!("\"{API_URL}\"");
    let mut url = reader.parsed("api_url", &example, |text| values::page_url(text, API_URL))?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(url)
}
