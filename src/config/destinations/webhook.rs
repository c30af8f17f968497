//! `[webhook.NAME]`

use secrecy::SecretString;

use super::WEB_ADDRESS;
use crate::config::document::{Entry, Node, Table};
use crate::config::reader::{Keys, Reader};
use crate::config::secrets::Demand;
use crate::notify::endpoint::parse_address;
use crate::notify::webhook::{SigningKey, WebhookConfig, is_reserved_header};
use crate::secret::Secret;
use crate::words::quoted;

const CHAT: &str = "it belongs to `[slack.NAME]` and `[discord.NAME]`: a webhook gets the whole document, or with \
                    `thin = true` the one without diffs";

/// What may stand in the table.
pub(super) const KEYS: Keys = Keys {
    known: &[
        "url",
        "secret",
        "headers",
        "thin",
        "style",
        "template",
        "rate",
        "in_flight",
        "timeout",
        "expire_after",
        "fallback",
        "fallback_after",
        "digest",
    ],
    later: &[],
    elsewhere: &[
        ("webhook_url", "it belongs to `[slack.NAME]` and `[discord.NAME]`; here it is `url`"),
        ("diff", CHAT),
        ("buttons", "it belongs to `[slack.NAME]`"),
        ("slack_compatible", "it belongs to `[slack.NAME]`"),
        ("bot_token", "it belongs to `[slack.NAME]`"),
        ("channel", "it belongs to `[slack.NAME]`"),
        ("api_url", "it belongs to `[slack.NAME]`"),
        ("announce", "it belongs to cards and threads: a webhook gets every event"),
        ("mention", "it belongs to chat, and comes with a later version"),
        ("thread_id", "it belongs to `[discord.NAME]`"),
        ("thread_name", "it belongs to `[discord.NAME]`, and comes with a later version"),
    ],
};

const URL: Demand = Demand { is_better_hidden: holds_credentials, ..WEB_ADDRESS };
const KEY: Demand = Demand {
    check: check_key,
    form: "write `whsec_` and base64 of 24 to 64 bytes, such as `openssl rand -base64 32` prints",
    ..Demand::ANY
};
const HEADER: Demand =
    Demand { check: check_header_value, form: "a header's value is one line of plain ASCII", ..Demand::ANY };

/// A header whose name holds one of these is a secret by all appearance.
const SECRET_WORDS: [&str; 7] = ["auth", "cookie", "key", "password", "secret", "signature", "token"];

/// Reads what is particular to a webhook.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<WebhookConfig> {
    let url = reader.secret("url", URL);
    let secret = reader.secret("secret", KEY);
    let headers = headers(reader);
    let thin = reader.boolean("thin");
    if reader.lacks("url", KEYS) {
        let message = format!("`[{}]` has no `url`", reader.name);
        reader.fault(
            "url",
            "missing_key",
            message,
            "write `url = \"https://…\"`, or `url = { env = \"NAME\" }`",
        );
    }
    Some(WebhookConfig {
        url: url?.secret,
        secret: secret.map(|named| named.secret),
        headers,
        thin: thin.unwrap_or(false),
    })
}

fn headers(reader: &mut Reader<'_>) -> Vec<(String, Secret)> {
    let Some(entry) = reader.table.get("headers") else { return Vec::new() };
    let Node::Table(table) = &entry.value else {
        reader.wrong_type(entry, "a table", "{ Authorization = { env = \"AUDIT_AUTHORIZATION\" } }");
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (index, header) in table.entries.iter().enumerate() {
        if check_header_name(reader, table, index, header) {
            let name = format!("{}.headers.{}", reader.name, header.key);
            let lower = header.key.to_ascii_lowercase();
            let is_secret = SECRET_WORDS.iter().any(|word| lower.contains(word));
            let is_better_hidden: fn(&str) -> bool = if is_secret { |_| true } else { |_| false };
            let demand = Demand { is_better_hidden, ..HEADER };
            let place = reader.document.place(header.at);
            let vault = reader.vault;
            let named = vault.read(reader.document, &header.value, &name, place, demand, reader.findings);
            headers.extend(named.map(|named| (header.key.clone(), named.secret)));
        }
    }
    headers
}

fn check_header_name(reader: &mut Reader<'_>, table: &Table, index: usize, header: &Entry) -> bool {
    let name = header.key.as_str();
    let is_earlier = |entry: &Entry| entry.key.eq_ignore_ascii_case(name);
    let (message, hint) = if !is_token(name) {
        (format!("{} cannot name a header", quoted(name)), "use letters, digits and `-`")
    } else if is_reserved_header(name) {
        (format!("header {} is set by the relay itself", quoted(name)), "take it out")
    } else if table.entries.iter().take(index).any(is_earlier) {
        (format!("header {} is given twice", quoted(name)), "case makes no difference in a header's name")
    } else {
        return true;
    };
    reader.findings.fault(reader.document.place(header.at), "header_name", message, hint.to_owned());
    false
}

fn is_token(name: &str) -> bool {
    // Source: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2, read 2026-11-23.
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= 100 && name.bytes().all(is_token_byte)
}

fn check_header_value(value: &str) -> Result<(), String> {
    if value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
        return Ok(());
    }
    Err("holds characters that a header cannot (the value is not shown)".to_owned())
}

/// An address may stand in the file unless it opens a door by itself.
fn holds_credentials(text: &str) -> bool {
    parse_address(text)
        .is_ok_and(|url| !url.username().is_empty() || url.password().is_some() || url.query().is_some())
}

fn check_key(text: &str) -> Result<(), String> {
    SigningKey::parse(&SecretString::from(text))
        .map(drop)
        .map_err(|error| format!("is no Standard Webhooks secret: it {error}"))
}
