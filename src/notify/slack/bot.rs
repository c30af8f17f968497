//! Slack's Web API, as a bot speaks to it: its settings, and the calls that post, edit and look for a message.
//!
//! Knows neither how a body is made (`slack/body.rs`) nor what an answer says (`bot/answer.rs`).

mod answer;
mod channel;
mod search;
mod visit;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use self::channel::Channel;
use self::search::Finding;
use crate::client::HttpClient;
use crate::delivery::DestinationKind;
use crate::notify::answer::{Class, failed, unreached};
use crate::notify::endpoint::Endpoint;
use crate::notify::slack::answer::class_of_word;
use crate::notify::slack::body::{in_channel, placed};
use crate::notify::{BuildError, Call, Doubt, Position, SendError, Sent, Verdict, known};
use crate::secret::Secret;

/// Where Slack's Web API is.
pub const API_URL: &str = "https://slack.com/api/";

/// The part of an attempt's time that may go to looking for what may be there already, and that to the channel's id.
const SEARCH_SHARE: u32 = 3;

/// How often a page is asked for while Slack fails.
const TRIES: usize = 3;

/// A bot that posts into a channel.
#[derive(Debug, Clone)]
pub struct SlackBot {
    /// Its token, `xoxb-…`, with scope `chat:write`.
    pub token: Secret,
    /// The channel: its id, or `#name`.
    pub channel: String,
    /// Where the Web API is; ends with a slash. Default [`API_URL`].
    pub api_url: Url,
}

impl SlackBot {
    /// Returns the address of a method.
    pub(super) fn method(&self, name: &str) -> Url {
        let mut url = self.api_url.clone();
        url.set_path(&format!("{}{name}", url.path()));
        url
    }
}

/// Speaks as one bot to one channel.
#[derive(Debug)]
pub(in crate::notify) struct Bot {
    settings: SlackBot,
    endpoint: Endpoint,
    /// The value of the header that lets it in.
    authorization: SecretString,
    channel: Channel,
    client: HttpClient,
    timeout: Duration,
}

impl Bot {
    /// Returns this bot.
    ///
    /// # Errors
    /// [`BuildError`] when its token is missing.
    pub(in crate::notify) fn new(
        settings: SlackBot,
        client: HttpClient,
        timeout: Duration,
    ) -> Result<Self, BuildError> {
        let token = known(&settings.token)?.expose_secret().trim();
        let mut endpoint = Endpoint::public(settings.method("chat.postMessage"));
        endpoint.add_secret(token);
        let authorization = format!("Bearer {token}").into();
        let channel = Channel::new(&settings.channel);
        Ok(Self { settings, endpoint, authorization, channel, client, timeout })
    }

    /// Posts or edits as the envelope says. What may stand there already is looked for first, and edited where it does.
    ///
    /// # Errors
    /// [`SendError`]: what the answer, or its absence, means.
    pub(super) async fn send(&self, body: Bytes, call: &Call) -> Result<Sent, SendError> {
        let deadline = Instant::now() + self.timeout;
        let envelope = &call.envelope;
        let doubt = match (&envelope.position, envelope.in_doubt_since) {
            (Position::Instead(_), _) | (_, None) => None,
            (Position::Alone | Position::Under { .. }, Some(since)) => {
                match self.search(envelope, since, self.timeout / SEARCH_SHARE, call.now).await? {
                    Finding::Found(message) => {
                        let position = Position::Instead(message);
                        match self.say(placed(&body, &position), &position, deadline, call).await {
                            // It can be edited no longer, so it is as if it were not there.
                            Err(error) if error.verdict == Verdict::Afresh => Some(Doubt::Absent),
                            edited => return edited.map(|sent| Sent { doubt: Some(Doubt::Found), ..sent }),
                        }
                    }
                    Finding::Absent => Some(Doubt::Absent),
                    Finding::Unknown => Some(Doubt::Unknown),
                }
            }
        };
        let body = match envelope.position {
            Position::Alone => self.addressed(body, call.now).await?,
            Position::Under { .. } | Position::Instead(_) => body,
        };
        match self.say(body, &envelope.position, deadline, call).await {
            Ok(sent) => Ok(Sent { doubt, ..sent }),
            Err(error) => Err(error.doubting(doubt)),
        }
    }

    /// Names the channel by its id, where that is known or Slack tells it: its name is not what every method takes.
    async fn addressed(&self, body: Bytes, now: Timestamp) -> Result<Bytes, SendError> {
        if !self.channel.is_named() {
            return Ok(body);
        }
        let deadline = Instant::now() + self.timeout / SEARCH_SHARE;
        let id = self.channel_id(deadline, now).await?;
        Ok(id.map_or_else(|| body.clone(), |id| in_channel(&body, &id)))
    }

    /// Makes the call for a message in this position.
    async fn say(
        &self,
        body: Bytes,
        position: &Position,
        deadline: Instant,
        call: &Call,
    ) -> Result<Sent, SendError> {
        let method = match position {
            Position::Alone | Position::Under { .. } => "chat.postMessage",
            Position::Instead(_) => "chat.update",
        };
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("authorization", self.authorization.expose_secret()),
        ];
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = self
            .client
            .post(&self.settings.method(method), &headers, body, left, true)
            .await
            .map_err(|error| unreached(&error))?;
        match answer::read(&answer, position, self.channel.id()) {
            Ok(message) => {
                if let (Position::Alone, Some(message)) = (position, &message) {
                    self.channel.learn(&message.channel);
                }
                Ok(Sent { status: answer.status, message, ..Sent::default() })
            }
            Err(reading) => Err(failed(DestinationKind::Slack, &self.endpoint, &answer, reading, call.now)),
        }
    }

    /// Asks for a page of what Slack has, a few times where it fails. It takes a form there, and JSON not everywhere.
    ///
    /// # Errors
    /// [`SendError`] where Slack says when it may be asked again.
    async fn page(
        &self,
        method: &str,
        question: &[(&str, &str)],
        deadline: Instant,
        longest_bytes: usize,
        now: Timestamp,
    ) -> Result<Page, SendError> {
        let url = self.settings.method(method);
        let headers = [("authorization", self.authorization.expose_secret())];
        for _ in 0..TRIES {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = self.client.post_form(&url, &headers, question, left, longest_bytes).await;
            let Ok(answer) = answer else { continue };
            match answer::parse(&answer, class_of_word) {
                Ok(page) => return Ok(Page::Read(page)),
                Err(reading) => match reading.class {
                    Class::Failed | Class::Unreadable => {}
                    Class::TooMany => {
                        return Err(failed(DestinationKind::Slack, &self.endpoint, &answer, reading, now));
                    }
                    Class::Malformed
                    | Class::NoAccess
                    | Class::Gone
                    | Class::Redirect
                    | Class::Refused
                    | Class::Lost
                    | Class::Unwanted => return Ok(Page::Refused),
                },
            }
        }
        Ok(Page::Missing)
    }
}

/// What came of a question for a page.
enum Page {
    /// This.
    Read(Value),
    /// The bot may not have it.
    Refused,
    /// Slack fails, or does not answer in time.
    Missing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_lies_below_the_address() {
        for (base, url) in [
            (API_URL, "https://slack.com/api/chat.postMessage"),
            ("http://127.0.0.1:1/", "http://127.0.0.1:1/chat.postMessage"),
        ] {
            let bot = SlackBot {
                token: Secret::Known("x".into()),
                channel: String::new(),
                api_url: base.parse().unwrap(),
            };
            assert_eq!(bot.method("chat.postMessage").as_str(), url);
        }
    }
}
