//! Stand-ins for Slack, Discord and any HTTP service, on loopback: they take, refuse and remember as the real ones do.
//!
//! Each message is handed to a channel with what was answered, and the chats keep what stands there. They know nothing
//! of the relay that calls them.

mod channel;
mod discord;
mod doors;
pub mod sentry;
mod slack;
mod state;
#[cfg(test)]
mod tests;
mod trouble;
mod webhook;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::guard::{self, GuardContext};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{App, HttpServer, web};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock::Clock;
use state::State;

pub use channel::Message;
pub use trouble::Trouble;

/// The largest body that the stand-ins read.
const MAX_BODY_BYTES: usize = 32 << 20;

/// The name of Slack's channel.
const NAME: &str = "seer-fixes";

/// One of the stand-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Receiver {
    /// Slack: an incoming webhook and its Web API, one channel for both.
    Slack,
    /// A Discord webhook.
    Discord,
    /// An HTTP service that verifies Standard Webhooks signatures.
    Webhook,
}

impl Receiver {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Slack, Self::Discord, Self::Webhook];

    /// Returns what people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Webhook => "webhook",
        }
    }

    /// Returns the channel that it shows messages in.
    pub fn channel(self) -> &'static str {
        match self {
            Self::Slack => "#seer-fixes",
            Self::Discord => "#code-review",
            Self::Webhook => "",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Slack => "/services/T0DEMO/B0DEMO/stand-in",
            Self::Discord => "/api/webhooks/1400000000000000001/stand-in",
            Self::Webhook => "/audit",
        }
    }
}

/// A message that a stand-in got, new or edited, and what it answered.
#[derive(Debug, Clone)]
pub struct Received {
    /// Who got it.
    pub receiver: Receiver,
    /// The body; null where it is no JSON. Of an edit that was taken: the message as it is from then on.
    pub body: Value,
    /// How large the body is, in bytes.
    pub bytes: usize,
    /// What was answered.
    pub answer: Answer,
    /// What it did to a chat's channel, where it was taken there.
    pub deed: Option<Deed>,
    /// Header `webhook-id`, where there is one.
    pub webhook_id: Option<String>,
    /// Whether the Standard Webhooks signature held; only the webhook receiver looks.
    pub signature: SignatureCheck,
    /// Whether a request with this `webhook-id` was taken before.
    pub repeated: bool,
    /// When it came.
    pub arrived: Instant,
}

/// What a message did to a channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// It stands for itself.
    Posted,
    /// It answers another one.
    Replied {
        /// Whether the channel shows it all the same.
        shown: bool,
    },
    /// It took the place of one that stood there.
    Edited {
        /// That one's body.
        before: Value,
    },
}

/// What a stand-in answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The message is there.
    Taken,
    /// The message is there, but whoever sent it does not hear so, as it was told to.
    Lost,
    /// The request is wrong; status and the platform's words.
    Refused(u16, String),
    /// 503, as it was told to.
    Unavailable,
    /// 429 with `Retry-After`, as it was told to or because there were too many calls.
    RateLimited(Duration),
}

/// Whether a signature held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureCheck {
    /// There was none to look at.
    None,
    /// It held.
    Verified,
    /// It is missing, old or wrong.
    Failed,
}

/// What lets the relay in.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The token of Slack's bot.
    pub slack_token: SecretString,
    /// By which the webhook's signatures are verified, `whsec_…`.
    pub audit_secret: SecretString,
}

/// The running stand-ins.
pub struct Receivers {
    address: SocketAddr,
    state: Arc<State>,
    handle: ServerHandle,
}

impl Receivers {
    /// Starts the stand-ins on a free port of loopback; the messages that they get come out of the channel.
    ///
    /// # Errors
    /// Where no port can be had.
    pub fn start(clock: Clock, keys: Keys) -> io::Result<(Self, mpsc::UnboundedReceiver<Received>)> {
        let (arrivals, received) = mpsc::unbounded_channel();
        let state = Arc::new(State::new(clock, keys, arrivals));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
                .route(Receiver::Slack.path(), web::post().to(doors::take_slack))
                .route("/api/{method}", web::get().to(doors::ask_slack))
                .route("/api/{method}", web::post().guard(guard::fn_guard(has_form)).to(doors::ask_slack))
                .route("/api/{method}", web::post().to(doors::call_slack))
                .route(Receiver::Discord.path(), web::post().to(doors::take_discord))
                .route(
                    &format!("{}/messages/{{message}}", Receiver::Discord.path()),
                    web::patch().to(doors::edit_discord),
                )
                .route(Receiver::Webhook.path(), web::post().to(doors::take_webhook))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .listen(listener)?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok((Self { address, state, handle }, received))
    }

    /// Returns the address to configure as a destination.
    pub fn url(&self, receiver: Receiver) -> String {
        format!("http://{}{}", self.address, receiver.path())
    }

    /// Returns where Slack's Web API is, to configure as `api_url`.
    pub fn slack_api_url(&self) -> String {
        format!("http://{}/api/", self.address)
    }

    /// Lets a receiver's next message meet trouble; several wait in line.
    pub fn trouble(&self, receiver: Receiver, trouble: Trouble) {
        self.state.memory().side(receiver).troubles.add(trouble);
    }

    /// Tells whether all the trouble that was meant for a receiver has come.
    pub fn is_untroubled(&self, receiver: Receiver) -> bool {
        self.state.memory().side(receiver).troubles.are_over()
    }

    /// Lets a receiver bear only so many calls a second from now on, and as many at once.
    pub fn limit(&self, receiver: Receiver, per_second: u32) {
        self.state.memory().side(receiver).troubles.limit(per_second, Instant::now());
    }

    /// Makes Discord's channel a forum, or a plain one again.
    pub fn set_forum(&self, is_forum: bool) {
        self.state.memory().discord.is_forum = is_forum;
    }

    /// Lets somebody delete a message of a chat.
    pub fn delete(&self, receiver: Receiver, id: &str) {
        self.state.memory().side(receiver).channel.delete(id);
    }

    /// Lets a message of a chat become too old to be edited.
    pub fn close(&self, receiver: Receiver, id: &str) {
        self.state.memory().side(receiver).channel.close(id);
    }

    /// Returns every message of a chat as it is now, the oldest first; what was deleted too.
    pub fn messages(&self, receiver: Receiver) -> Vec<Message> {
        self.state.memory().side(receiver).channel.messages().to_vec()
    }

    /// Returns what was wrong with requests that were taken all the same.
    pub fn faults(&self, receiver: Receiver) -> Vec<String> {
        self.state.memory().side(receiver).faults.clone()
    }

    /// Stops listening.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// Tells whether a request brings its arguments as a form does.
fn has_form(context: &GuardContext<'_>) -> bool {
    let kind = context.head().headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}
