//! Notifiers: how a rendered message becomes a request, and what a destination's answer means.
//!
//! One notifier per kind. Knows neither the queue nor when to try again; it says only what an answer means.

mod answer;
pub mod cuts;
mod dialect;
pub mod discord;
pub mod endpoint;
mod envelope;
mod excess;
mod fit;
#[cfg(test)]
mod hostile;
mod inline;
mod markdown;
mod mention;
mod shortening;
pub mod slack;
mod stand_in;
mod style;
mod summary;
mod table;
mod trial;
pub mod visit;
pub mod webhook;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::client::HttpClient;
use crate::delivery::{DeliveryId, DestinationKind, DestinationName, MessageRef, Part, Reason, Rung};
use crate::event::Action;
use crate::notify::discord::DiscordNotifier;
use crate::notify::endpoint::Endpoint;
use crate::notify::slack::SlackNotifier;
use crate::notify::webhook::{SigningKey, WebhookConfig, WebhookNotifier};
use crate::preview::Platform;
use crate::render::{Rendered, Target};
use crate::routing::Pattern;
use crate::secret::Secret;

pub use self::discord::Courtesy;
pub use self::envelope::{Doubt, Envelope, Position};
pub use self::excess::{Excess, excess};
pub use self::stand_in::marked;
pub use self::style::Style;
pub use self::trial::trial;
pub(crate) use shortening::SHORTENED;
pub(crate) use style::{announces, parts_of};

/// A destination of the routing file.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its name.
    pub name: DestinationName,
    /// The template set it asks for; a route's own wins.
    pub template_set: Option<String>,
    /// How often it may be called. Default by kind: Slack 1/s with a burst of 3, Discord 25/m with a burst of 5,
    /// webhook unlimited.
    pub rate: Rate,
    /// How many requests may be open at once. Default 1 for Slack and Discord, 64 for webhook; 1 to 1,000.
    pub in_flight: usize,
    /// How long one attempt may take. Default `delivery.attempt_timeout`.
    pub timeout: Duration,
    /// How long a message is news. Default 6 h for Slack and Discord, `None` (off) for webhook.
    pub expire_after: Option<Duration>,
    /// What stands in for it. Default `None`.
    pub fallback: Option<Fallback>,
    /// Lines of diff in a message. Default 0.
    pub diff_lines: usize,
    /// How the messages of a run hang together. Default `messages`.
    pub style: Style,
    /// How long what comes is gathered for one message that sums it up, from the first event on. Default `None`: every
    /// event is told by itself. 1 min to 24 h; with style `messages` alone.
    pub digest: Option<Duration>,
    /// Actions whose messages everybody in the channel is to see, though they answer another one. Default `pr_created`
    /// and `pr_ready_for_review`.
    pub announce: Vec<Pattern>,
    /// What is particular to its kind.
    pub service: Service,
}

/// What stands in for a destination that does not take its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The destination that does.
    pub to: DestinationName,
    /// After how long a delivery goes there that was not taken. Default 10 min; 1 s to `delivery.give_up_after`.
    pub after: Duration,
}

/// What is particular to a kind of destination.
#[derive(Debug, Clone)]
pub enum Service {
    /// Slack, or what speaks as it does.
    Slack(slack::SlackConfig),
    /// A Discord webhook.
    Discord(discord::DiscordConfig),
    /// Any HTTP service.
    Webhook(webhook::WebhookConfig),
}

impl Destination {
    /// Returns what the renderer is to know of it; a set that the route names wins over its own.
    pub fn target(&self, route_set: Option<&str>) -> Target {
        Target {
            kind: self.service.kind(),
            set: route_set.map(str::to_owned).or_else(|| self.template_set.clone()),
            destination: self.name.to_string(),
            diff_lines: self.diff_lines,
        }
    }

    /// Returns which messages an event of this action becomes here, in order.
    pub fn parts(&self, action: &Action) -> &'static [Part] {
        parts_of(self.style, self.digest, &self.announce, action)
    }
}

impl Service {
    /// Returns its kind.
    pub fn kind(&self) -> DestinationKind {
        match self {
            Self::Slack(_) => DestinationKind::Slack,
            Self::Discord(_) => DestinationKind::Discord,
            Self::Webhook(_) => DestinationKind::Webhook,
        }
    }

    /// Returns whose look its messages have; `None` where programs read them.
    pub fn platform(&self) -> Option<Platform> {
        match self {
            Self::Slack(config) if config.slack_compatible => Some(Platform::SlackCompatible),
            Self::Slack(_) => Some(Platform::Slack),
            Self::Discord(_) => Some(Platform::Discord),
            Self::Webhook(_) => None,
        }
    }

    /// Returns what tells its place from others, as one secret: mostly its address.
    pub fn address(&self) -> Secret {
        match self {
            Self::Slack(config) => config.access.address(),
            Self::Discord(config) => config.webhook_url.clone(),
            Self::Webhook(config) => config.url.clone(),
        }
    }
}

/// How often a destination may be called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// A bucket that fills steadily.
    Limited {
        /// Calls per second.
        per_second: f64,
        /// Calls at once when it is full, at least 1.
        burst: u32,
    },
    /// As often as there is something to send.
    Unlimited,
}

/// Speaks to one destination.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Builds the exact request body. Pure.
    fn body(&self, rendered: &Rendered, rung: Rung, envelope: &Envelope) -> Bytes;

    /// Returns the plainer form to try next when `rung` was refused as malformed with this status; `None` where
    /// there is none.
    fn next_rung(&self, rung: Rung, status: Option<u16>) -> Option<Rung>;

    /// Sends a body once. One that may stand there already is looked for first, where the platform can tell.
    ///
    /// # Errors
    /// [`SendError`]: what the answer, or its absence, means.
    async fn send(&self, body: Bytes, call: &Call) -> Result<Sent, SendError>;
}

/// What identifies one attempt to a destination.
#[derive(Debug, Clone)]
pub struct Call {
    /// The delivery's id, the same on every retry.
    pub delivery_id: DeliveryId,
    /// When the attempt is made.
    pub now: Timestamp,
    /// The envelope with which the body was built.
    pub envelope: Envelope,
}

impl Call {
    /// Returns a call for a message that stands for itself and was never sent before.
    pub fn new(delivery_id: DeliveryId, now: Timestamp) -> Self {
        Self { delivery_id, now, envelope: Envelope::default() }
    }
}

/// A destination took a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sent {
    /// The HTTP status.
    pub status: u16,
    /// How long the destination asks to be left alone from now on (Discord: `Remaining` is 0 until `Reset-After`).
    pub pause: Option<Duration>,
    /// Where the message stands, as far as that is said.
    pub message: Option<MessageRef>,
    /// Where it may have stood there already: what looking for it brought.
    pub doubt: Option<Doubt>,
}

/// A destination did not take a message, or is not known to have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason}{}", words.as_deref().map(|words| format!(": {words}")).unwrap_or_default())]
pub struct SendError {
    /// The class of the failure.
    pub reason: Reason,
    /// What follows from it.
    pub verdict: Verdict,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The platform's own words, at most 200 characters, free of secrets.
    pub words: Option<String>,
    /// How long the whole destination is to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether the message may have arrived all the same.
    pub in_doubt: bool,
    /// Where that is so, and it may have stood there before: what looking for it had brought.
    pub doubt: Option<Doubt>,
}

impl SendError {
    /// Says what was known of a message that may have stood there before it was sent, and may do so twice now.
    fn doubting(self, doubt: Option<Doubt>) -> Self {
        Self { doubt: doubt.filter(|_| self.in_doubt), ..self }
    }
}

/// What follows from a failure. Decided once, here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again later; counts for the back-off.
    Retry,
    /// Try again later; does not lengthen the back-off (429).
    RetryUncounted,
    /// Try again later, but not beyond so many counted attempts in all.
    RetryAtMost(u32),
    /// The body was called malformed: try the next rung at once, where there is one, else give up.
    NextRung,
    /// The message that it answers, or takes the place of, is no longer there: try at once without it.
    Afresh,
    /// Give up.
    GiveUp,
    /// Give up, and never call the destination again until its address changes.
    Gone,
}

/// The notifiers of all destinations whose secrets are known.
#[derive(Clone, Default)]
pub struct Notifiers(HashMap<DestinationName, Arc<dyn Notifier>>);

impl Notifiers {
    /// Returns the notifier of a destination; `None` where one of its secrets is missing or cannot be used: then its
    /// deliveries wait.
    pub fn get(&self, destination: &DestinationName) -> Option<&Arc<dyn Notifier>> {
        self.0.get(destination)
    }
}

impl FromIterator<(DestinationName, Arc<dyn Notifier>)> for Notifiers {
    fn from_iter<I: IntoIterator<Item = (DestinationName, Arc<dyn Notifier>)>>(notifiers: I) -> Self {
        Self(notifiers.into_iter().collect())
    }
}

impl std::fmt::Debug for Notifiers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a destination has no notifier. No text shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A secret could not be had; says why.
    #[error("{0}")]
    Missing(String),
    /// Its address cannot be called.
    #[error("its address is {0}")]
    Address(#[from] endpoint::EndpointError),
    /// Its Standard Webhooks secret is none.
    #[error("its `secret` {0}")]
    SigningKey(#[from] webhook::SigningKeyError),
}

/// Builds the notifiers of all destinations that can be called; logs why one cannot. All that were ever built with one
/// `courtesy` share it.
pub fn build(destinations: &[Destination], client: &HttpClient, courtesy: &Arc<Courtesy>) -> Notifiers {
    let notifier = |destination: &Destination| match notifier_beside(destination, client, courtesy) {
        Ok(notifier) => Some((destination.name.clone(), notifier)),
        Err(error) => {
            let name = destination.name.as_str();
            tracing::error!(
                destination = name,
                "destination `{name}` cannot be called, its deliveries wait: {error}"
            );
            None
        }
    };
    destinations.iter().filter_map(notifier).collect()
}

/// Builds the notifier of one destination.
///
/// # Errors
/// [`BuildError`] when one of its secrets is missing or cannot be used.
pub fn notifier(destination: &Destination, client: &HttpClient) -> Result<Arc<dyn Notifier>, BuildError> {
    notifier_beside(destination, client, &Arc::default())
}

/// Builds the notifier of one destination of several.
fn notifier_beside(
    destination: &Destination,
    client: &HttpClient,
    courtesy: &Arc<Courtesy>,
) -> Result<Arc<dyn Notifier>, BuildError> {
    let (client, timeout) = (client.clone(), destination.timeout);
    match &destination.service {
        Service::Slack(config) => Ok(Arc::new(SlackNotifier::new(config.clone(), client, timeout)?)),
        Service::Discord(config) => {
            let endpoint = Endpoint::parse(known(&config.webhook_url)?)?;
            let courtesy = Arc::clone(courtesy);
            Ok(Arc::new(DiscordNotifier::new(config.clone(), endpoint, client, timeout, courtesy)))
        }
        Service::Webhook(config) => Ok(Arc::new(webhook_notifier(config, client, timeout)?)),
    }
}

fn webhook_notifier(
    config: &WebhookConfig,
    client: HttpClient,
    timeout: Duration,
) -> Result<WebhookNotifier, BuildError> {
    let mut endpoint = Endpoint::parse(known(&config.url)?)?;
    let key = match &config.secret {
        Some(secret) => {
            endpoint.add_secret(known(secret)?.expose_secret());
            Some(SigningKey::parse(known(secret)?)?)
        }
        None => None,
    };
    let mut headers = Vec::with_capacity(config.headers.len());
    for (name, value) in &config.headers {
        let value = known(value)?;
        endpoint.add_secret(value.expose_secret());
        headers.push((name.clone(), value.clone()));
    }
    Ok(WebhookNotifier::new(config.thin, endpoint, key, headers, client, timeout))
}

fn known(secret: &Secret) -> Result<&SecretString, BuildError> {
    match secret {
        Secret::Known(value) => Ok(value),
        Secret::Missing(why) => Err(BuildError::Missing(why.clone())),
    }
}

/// Returns the exact request body for a destination. Pure; needs no secret.
pub fn body_for(destination: &Destination, rendered: &Rendered, rung: Rung, envelope: &Envelope) -> Bytes {
    match &destination.service {
        Service::Slack(config) => slack::body(config, rendered, rung, envelope),
        Service::Discord(config) => discord::body(config, rendered, rung, envelope),
        Service::Webhook(config) => webhook::body(config.thin, rendered, rung),
    }
}

/// Returns what stands beside a card, of an event's message: a short one. What a team's own template wrote as a body stays
/// as it is.
pub fn announcement(rendered: Rendered) -> Rendered {
    match rendered {
        Rendered::Message(message) => Rendered::Message(summary::announcement(&message)),
        Rendered::Body(_) | Rendered::Document(_) => rendered,
    }
}

/// Most bodies take no more than this.
const USUAL_BODY_BYTES: usize = 4 * 1024;

/// Returns a body as it goes out. What a body is made of can always be written as JSON.
fn written(body: &impl Serialize) -> Bytes {
    let mut bytes = Vec::with_capacity(USUAL_BODY_BYTES);
    if serde_json::to_writer(&mut bytes, body).is_err() {
        bytes.clear();
    }
    Bytes::from(bytes)
}

#[cfg(test)]
mod tests;
