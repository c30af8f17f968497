//! Discord webhooks: their settings, their limits, and how one is called.
//!
//! Knows neither how an embed is made (`discord/embed.rs`) nor what an answer says (`discord/answer.rs`).

mod answer;
mod body;
mod courtesy;
mod embed;
mod excess;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use crate::client::HttpClient;
use crate::delivery::{DestinationKind, MessageRef, Reason, Rung};
use crate::notify::answer::{failed, unreached};
use crate::notify::endpoint::Endpoint;
use crate::notify::{Call, Envelope, Notifier, Position, SendError, Sent, Verdict};
use crate::render::Rendered;
use crate::secret::Secret;

pub(crate) use body::{PLACEHOLDERS, TITLE, body};
pub use courtesy::Courtesy;
pub(crate) use embed::fits;
pub(crate) use excess::excess;
pub(crate) use visit::visit;

/// Discord asks bots to name themselves so; without it its gateway may refuse them.
// Source: https://docs.discord.com/developers/reference#user-agent, read 2026-11-23.
const USER_AGENT: &str = concat!(
    "DiscordBot (https://github.com/seer-relay/seer-relay, ",
    env!("CARGO_PKG_VERSION"),
    ") seer-relay/",
    env!("CARGO_PKG_VERSION")
);

/// Settings of a `[discord.NAME]` table.
#[derive(Debug, Clone)]
pub struct DiscordConfig {
    /// The webhook's address.
    pub webhook_url: Secret,
    /// The thread to post in.
    pub thread_id: Option<String>,
    /// In a forum channel, where every message that stands for itself begins a thread: what the thread is called.
    /// `{title}` is what the message says in a few words, `{issue}` the issue as people know it.
    pub thread_name: Option<String>,
}

impl DiscordConfig {
    /// Returns the settings of a webhook, the rest as nobody changed it.
    pub fn of_webhook(webhook_url: Secret) -> Self {
        Self { webhook_url, thread_id: None, thread_name: None }
    }
}

/// Discord's limits, in code points unless they say otherwise.
// Source: https://docs.discord.com/developers/resources/message#embed-object-embed-limits and
// https://docs.discord.com/developers/components/reference, read 2026-11-23.
pub(crate) mod limit {
    /// `content`.
    pub(crate) const CONTENT: usize = 2_000;
    /// Embeds of a message.
    // Source: https://docs.discord.com/developers/resources/webhook#execute-webhook, read 2026-11-23.
    pub(super) const EMBED_COUNT: usize = 10;
    /// All texts of all embeds together.
    pub(super) const EMBEDS: usize = 6_000;
    /// Title of an embed.
    pub(crate) const TITLE: usize = 256;
    /// Description of an embed.
    pub(super) const DESCRIPTION: usize = 4_096;
    /// Address of an embed.
    pub(super) const URL: usize = 2_048;
    /// Fields of an embed.
    pub(super) const FIELDS: usize = 25;
    /// Name of a field.
    pub(super) const FIELD_NAME: usize = 256;
    /// Value of a field.
    pub(super) const FIELD_VALUE: usize = 1_024;
    /// Rows of buttons.
    pub(super) const ROWS: usize = 5;
    /// Buttons in a row.
    pub(super) const BUTTONS: usize = 5;
    /// Text of a button.
    pub(crate) const LABEL: usize = 80;
    /// Address of a button.
    pub(super) const BUTTON_URL: usize = 512;
    /// Name of a thread.
    // Source: https://docs.discord.com/developers/resources/webhook#execute-webhook, read 2026-11-23.
    pub(crate) const THREAD_NAME: usize = 100;
    /// The one sentence of a message; ours.
    pub(super) const SENTENCE: usize = 600;
}

/// Speaks to one Discord webhook.
#[derive(Debug)]
pub(crate) struct DiscordNotifier {
    config: DiscordConfig,
    endpoint: Endpoint,
    client: HttpClient,
    timeout: Duration,
    courtesy: Arc<Courtesy>,
}

impl DiscordNotifier {
    /// Returns a notifier of this webhook, which shares `courtesy` with all others.
    pub(crate) fn new(
        config: DiscordConfig,
        endpoint: Endpoint,
        client: HttpClient,
        timeout: Duration,
        courtesy: Arc<Courtesy>,
    ) -> Self {
        Self { config, endpoint, client, timeout, courtesy }
    }

    /// Returns the thread that a message in this position stands in.
    fn thread<'a>(&'a self, position: &'a Position) -> Option<&'a str> {
        match position {
            Position::Under { message, .. } | Position::Instead(message)
                if self.config.thread_name.is_some() =>
            {
                Some(&message.channel)
            }
            Position::Alone | Position::Under { .. } | Position::Instead(_) => {
                self.config.thread_id.as_deref()
            }
        }
    }
}

/// Adds what makes Discord save before it answers, and take link buttons from a webhook that no bot owns.
// Source: https://docs.discord.com/developers/resources/webhook#execute-webhook, read 2026-11-23.
fn execute_url(url: &Url, thread_id: Option<&str>) -> Url {
    with_query(
        url.clone(),
        &[("wait", Some("true")), ("with_components", Some("true")), ("thread_id", thread_id)],
    )
}

/// Returns the address by which a message is edited.
// Source: https://docs.discord.com/developers/resources/webhook#edit-webhook-message, read 2026-11-23.
fn edit_url(url: &Url, message: &MessageRef, thread_id: Option<&str>) -> Url {
    let mut url = url.clone();
    url.set_path(&format!("{}/messages/{}", url.path().trim_end_matches('/'), message.id));
    with_query(url, &[("wait", None), ("with_components", Some("true")), ("thread_id", thread_id)])
}

/// Returns an address with these parameters; `None` leaves one as it is given, but for `wait`.
fn with_query(mut url: Url, ours: &[(&str, Option<&str>)]) -> Url {
    let is_ours = |name: &str| {
        ours.iter().any(|(known, value)| *known == name && (value.is_some() || *known == "wait"))
    };
    let given: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !is_ours(name))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let ours = ours.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    url.query_pairs_mut().clear().extend_pairs(given).extend_pairs(ours);
    url
}

#[async_trait]
impl Notifier for DiscordNotifier {
    fn body(&self, rendered: &Rendered, rung: Rung, envelope: &Envelope) -> Bytes {
        body(&self.config, rendered, rung, envelope)
    }

    fn next_rung(&self, rung: Rung, _status: Option<u16>) -> Option<Rung> {
        rung.plainer()
    }

    async fn send(&self, body: Bytes, call: &Call) -> Result<Sent, SendError> {
        if let Some(wait) = self.courtesy.closed_for(Instant::now()) {
            return Err(uncalled(wait));
        }
        let headers = [("content-type", "application/json"), ("user-agent", USER_AGENT)];
        let position = &call.envelope.position;
        let (address, thread) = (&self.endpoint.url, self.thread(position));
        let answer = match position {
            Position::Instead(message) => {
                let url = edit_url(address, message, thread);
                self.client.patch(&url, &headers, body, self.timeout).await
            }
            Position::Alone | Position::Under { .. } => {
                let url = execute_url(address, thread);
                self.client.post(&url, &headers, body, self.timeout, true).await
            }
        };
        let doubt = call.envelope.doubt();
        let answer = answer.map_err(|error| unreached(&error).doubting(doubt))?;
        match answer::read(&answer, position) {
            Ok(message) => {
                let pause = answer::pause(&answer);
                Ok(Sent { status: answer.status, pause, message, doubt })
            }
            Err(reading) => {
                let error = failed(DestinationKind::Discord, &self.endpoint, &answer, reading, call.now);
                self.courtesy.note(&answer, error.retry_after, Instant::now());
                Err(error.doubting(doubt))
            }
        }
    }
}

/// What is said of a delivery for which Discord was not called, because it must not be for so long.
fn uncalled(wait: Duration) -> SendError {
    SendError {
        reason: Reason::RateLimited,
        verdict: Verdict::RetryUncounted,
        status: None,
        words: Some("Discord limits or refuses too much; nothing is sent to it for a while".to_owned()),
        retry_after: Some(wait),
        in_doubt: false,
        doubt: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_asks_to_wait_and_names_the_thread() {
        let url = |text: &str| Url::parse(text).unwrap();
        for (given, thread, expected) in [
            ("https://d.example/w/1/t", None, "https://d.example/w/1/t?wait=true&with_components=true"),
            (
                "https://d.example/w/1/t?wait=false&x=1",
                Some("42"),
                "https://d.example/w/1/t?x=1&wait=true&with_components=true&thread_id=42",
            ),
            (
                "https://d.example/w/1/t?thread_id=7",
                None,
                "https://d.example/w/1/t?thread_id=7&wait=true&with_components=true",
            ),
        ] {
            assert_eq!(execute_url(&url(given), thread).as_str(), expected);
        }
    }

    #[test]
    fn a_message_is_edited_below_the_webhooks_address() {
        let message = MessageRef { channel: "7".to_owned(), id: "9".to_owned() };
        for (given, thread, expected) in [
            ("https://d.example/w/1/t", None, "https://d.example/w/1/t/messages/9?with_components=true"),
            (
                "https://d.example/w/1/t/?wait=true&x=1",
                Some("7"),
                "https://d.example/w/1/t/messages/9?x=1&with_components=true&thread_id=7",
            ),
        ] {
            let url = Url::parse(given).unwrap();
            assert_eq!(edit_url(&url, &message, thread).as_str(), expected);
        }
    }
}
