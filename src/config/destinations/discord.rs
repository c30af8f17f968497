//! `[discord.NAME]`

use super::WEB_ADDRESS;
use crate::config::document::Node;
use crate::config::reader::{Keys, Reader};
use crate::notify::discord::limit::THREAD_NAME;
use crate::notify::discord::{DiscordConfig, PLACEHOLDERS, TITLE};
use crate::words::quoted;

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
        "fallback",
        "fallback_after",
        "digest",
        "diff",
        "thread_id",
        "thread_name",
        "announce",
    ],
    later: &[("mention", "take it out: in this version nothing in a message pings")],
    elsewhere: &[
        ("buttons", "it belongs to `[slack.NAME]`: Discord always shows real buttons"),
        ("slack_compatible", "it belongs to `[slack.NAME]`"),
        ("bot_token", "it belongs to `[slack.NAME]`"),
        ("channel", "it belongs to `[slack.NAME]`: a Discord webhook knows its channel"),
        ("api_url", "it belongs to `[slack.NAME]`"),
        ("url", "it belongs to `[webhook.NAME]`; here it is `webhook_url`"),
        ("secret", "it belongs to `[webhook.NAME]`: Discord checks no signature"),
        ("headers", "it belongs to `[webhook.NAME]`"),
        ("thin", "it belongs to `[webhook.NAME]`; `diff` says how many lines of diff a message shows"),
    ],
};

/// Reads what is particular to Discord.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<DiscordConfig> {
    let webhook_url = reader.secret("webhook_url", WEB_ADDRESS);
    let thread_id = thread_id(reader);
    if reader.lacks("webhook_url", KEYS) {
        let message = format!("`[{}]` has no `webhook_url`", reader.name);
        let hint =
            "write `webhook_url = { env = \"DISCORD_WEBHOOK_URL\" }`: the address of a channel's webhook";
        reader.fault("webhook_url", "missing_key", message, hint);
    }
    let thread_name = thread_name(reader);
    if thread_id.is_some() && thread_name.is_some() {
        let message = format!("`[{}]` has both `thread_id` and `thread_name`", reader.name);
        let hint = "take one of them out: a message goes into the one thread, or each run's begins a thread of its own";
        reader.fault("thread_name", "misplaced_key", message, hint);
    }
    Some(DiscordConfig { webhook_url: webhook_url?.secret, thread_id, thread_name })
}

fn thread_name(reader: &mut Reader<'_>) -> Option<String> {
    let example = format!("\"{TITLE}\"");
    let name = reader.text("thread_name", &example)?.trim();
    let own = PLACEHOLDERS.iter().fold(name.to_owned(), |name, word| name.replace(word, ""));
    let length = own.chars().count();
    if !name.is_empty() && length <= THREAD_NAME && !name.chars().any(char::is_control) {
        return Some(name.to_owned());
    }
    let message = format!("{} is {}, which cannot name a thread", reader.full("thread_name"), quoted(name));
    let hint = format!(
        "write 1 to {THREAD_NAME} characters, for example `thread_name = {example}`; `{{issue}}` is the issue"
    );
    reader.fault("thread_name", "invalid_value", message, hint);
    None
}

fn thread_id(reader: &mut Reader<'_>) -> Option<String> {
    const EXAMPLE: &str = "\"1012345678901234567\"";
    let entry = reader.table.get("thread_id")?;
    let text = match &entry.value {
        Node::Text(text) | Node::Integer(text) => text,
        other @ (Node::Float | Node::Boolean(_) | Node::Time | Node::List(_) | Node::Table(_)) => {
            let message = format!("{} is {}, but has to be text", reader.full("thread_id"), other.kind());
            reader.fault("thread_id", "wrong_type", message, format!("for example `thread_id = {EXAMPLE}`"));
            return None;
        }
    };
    if !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.clone());
    }
    // The address with the thread in it, which is a secret, is pasted here easily.
    let shown = if text.contains('/') { "an address".to_owned() } else { quoted(text) };
    let message = format!("{} is {shown}, which is not the id of a thread", reader.full("thread_id"));
    let hint = format!("write its digits, for example `thread_id = {EXAMPLE}` (Discord: Copy Thread ID)");
    reader.fault("thread_id", "invalid_value", message, hint);
    None
}
