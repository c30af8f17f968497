//! Slack, by an incoming webhook or by a bot: its settings, its limits, and how it is called.
//!
//! Knows neither how blocks are made (`slack/blocks.rs`) nor what an answer says (`slack/answer.rs`, `slack/bot.rs`).

mod answer;
mod blocks;
mod body;
mod bot;
mod classic;
mod disarm;
mod excess;
mod rich;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::ExposeSecret;

use crate::client::HttpClient;
use crate::delivery::{DestinationKind, Rung};
use crate::notify::answer::{failed, unreached};
use crate::notify::endpoint::Endpoint;
use crate::notify::{BuildError, Call, Envelope, Notifier, SendError, Sent, known};
use crate::render::Rendered;
use crate::secret::Secret;

pub(crate) use body::{body, fits};
pub(super) use bot::Bot;
pub use bot::{API_URL, SlackBot};
pub(crate) use classic::fits as classic_fits;
pub(crate) use excess::excess;

/// Settings of a `[slack.NAME]` table.
#[derive(Debug, Clone)]
pub struct SlackConfig {
    /// How it is reached.
    pub access: SlackAccess,
    /// Whether a link titled "button" becomes a button instead of a link. Default false.
    pub buttons: bool,
    /// Whether the receiver only knows Slack's classic form (Mattermost, Rocket.Chat): `text` and one attachment.
    /// Default false.
    pub slack_compatible: bool,
}

impl SlackConfig {
    /// Returns the settings of an incoming webhook, the rest as nobody changed it.
    pub fn of_webhook(url: Secret) -> Self {
        Self { access: SlackAccess::Webhook(url), buttons: false, slack_compatible: false }
    }
}

/// How Slack is reached.
#[derive(Debug, Clone)]
pub enum SlackAccess {
    /// By the address of an incoming webhook.
    Webhook(Secret),
    /// By the Web API.
    Bot(SlackBot),
}

impl SlackAccess {
    /// Returns what tells this place from others, as one secret.
    pub(crate) fn address(&self) -> Secret {
        match self {
            Self::Webhook(url) => url.clone(),
            Self::Bot(bot) => match &bot.token {
                Secret::Known(token) => {
                    let token = token.expose_secret();
                    Secret::Known(format!("{} {} {token}", bot.api_url, bot.channel).into())
                }
                Secret::Missing(why) => Secret::Missing(why.clone()),
            },
        }
    }
}

/// Slack's limits, in code points unless they say otherwise.
// Source: https://docs.slack.dev/reference/block-kit/blocks, read 2026-11-23.
pub(crate) mod limit {
    /// Blocks of a message.
    pub(crate) const BLOCKS: usize = 50;
    /// Text of a `header`.
    pub(crate) const HEADER: usize = 150;
    /// Text of a `section`.
    pub(super) const SECTION: usize = 3_000;
    /// Fields of a `section`.
    pub(super) const FIELDS: usize = 10;
    /// Text of a field.
    pub(super) const FIELD: usize = 2_000;
    /// Elements of an `actions` block.
    pub(super) const ACTIONS: usize = 25;
    /// Text of a button.
    pub(crate) const BUTTON: usize = 75;
    /// Address of a button.
    pub(super) const BUTTON_URL: usize = 3_000;
    /// Indentation of a list.
    pub(super) const INDENT: usize = 8;
    /// The top-level `text`. Documented is 40,000, but a longer one than about 4,000 is split into several messages.
    // Source: https://docs.slack.dev/reference/methods/chat.postMessage, read 2026-11-23.
    pub(super) const TEXT: usize = 3_000;
    /// The top-level `text` as a template may write it: what is documented.
    // Source: https://docs.slack.dev/changelog/2018-truncating-really-long-messages, read 2026-11-23.
    pub(super) const TEXT_REFUSED: usize = 40_000;
    /// Text of a whole message. Not documented; above about 13,200 Slack answers `msg_blocks_too_long`.
    // Source: https://github.com/slackapi/bolt-js/issues/2509, read 2026-11-23.
    pub(super) const MESSAGE: usize = 10_000;
    /// Text of a classic attachment; ours, well below Mattermost's 16,383 and Rocket.Chat's 5,000.
    // Source: https://docs.mattermost.com/integrations-guide/incoming-webhooks.html, read 2026-11-23.
    pub(super) const CLASSIC: usize = 4_000;
    /// The one sentence of a message; ours: it is a notification, not a letter.
    pub(super) const SENTENCE: usize = 600;
}

/// Speaks to one incoming webhook, or as one bot to one channel.
#[derive(Debug)]
pub(crate) struct SlackNotifier {
    config: SlackConfig,
    line: Line,
}

/// The way to Slack.
#[derive(Debug)]
enum Line {
    Webhook { endpoint: Endpoint, client: HttpClient, timeout: Duration },
    Bot(Box<Bot>),
}

impl SlackNotifier {
    /// Returns a notifier of this place.
    ///
    /// # Errors
    /// [`BuildError`] when its secret is missing or its address cannot be called.
    pub(crate) fn new(
        config: SlackConfig,
        client: HttpClient,
        timeout: Duration,
    ) -> Result<Self, BuildError> {
        let line = match &config.access {
            SlackAccess::Webhook(url) => {
                Line::Webhook { endpoint: Endpoint::parse(known(url)?)?, client, timeout }
            }
            SlackAccess::Bot(bot) => Line::Bot(Box::new(Bot::new(bot.clone(), client, timeout)?)),
        };
        Ok(Self { config, line })
    }
}

#[async_trait]
impl Notifier for SlackNotifier {
    fn body(&self, rendered: &Rendered, rung: Rung, envelope: &Envelope) -> Bytes {
        body(&self.config, rendered, rung, envelope)
    }

    fn next_rung(&self, rung: Rung, _status: Option<u16>) -> Option<Rung> {
        rung.plainer()
    }

    async fn send(&self, body: Bytes, call: &Call) -> Result<Sent, SendError> {
        let (endpoint, client, timeout) = match &self.line {
            Line::Webhook { endpoint, client, timeout } => (endpoint, client, *timeout),
            Line::Bot(bot) => return bot.send(body, call).await,
        };
        let headers = [("content-type", "application/json; charset=utf-8")];
        let doubt = call.envelope.doubt();
        let answer = client
            .post(&endpoint.url, &headers, body, timeout, true)
            .await
            .map_err(|error| unreached(&error).doubting(doubt))?;
        match answer::read(&answer, self.config.slack_compatible) {
            Ok(()) => Ok(Sent { status: answer.status, doubt, ..Sent::default() }),
            Err(reading) => {
                let error = failed(DestinationKind::Slack, endpoint, &answer, reading, call.now);
                Err(error.doubting(doubt))
            }
        }
    }
}
