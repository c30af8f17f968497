//! What the stand-ins share: their channels, their troubles, and the way a message goes through both.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::channel::Channel;
use super::trouble::{Trouble, Troubles};
use super::{Answer, Keys, Received, Receiver, SignatureCheck, discord};
use crate::clock::Clock;

/// All of them together.
pub(super) struct State {
    /// What time it is.
    pub(super) clock: Clock,
    /// What lets the relay in.
    pub(super) keys: Keys,
    arrivals: mpsc::UnboundedSender<Received>,
    memory: Mutex<Memory>,
}

/// What they remember.
#[derive(Default)]
pub(super) struct Memory {
    slack: Side,
    /// Discord's.
    pub(super) discord: Side,
    webhook: Side,
    /// Of messages that the webhook receiver took.
    pub(super) webhook_ids: HashSet<String>,
}

/// What one of them remembers.
#[derive(Default)]
pub(super) struct Side {
    /// What it is to do instead of taking a message.
    pub(super) troubles: Troubles,
    /// What stands there.
    pub(super) channel: Channel,
    /// Whether each message begins a thread.
    pub(super) is_forum: bool,
    /// What was wrong with messages that were taken all the same.
    pub(super) faults: Vec<String>,
}

/// Where a request comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Slack's incoming webhook.
    SlackWebhook,
    /// Slack's Web API.
    SlackApi,
    /// Discord's webhook.
    Discord,
    /// The HTTP service.
    Webhook,
}

impl Door {
    fn receiver(self) -> Receiver {
        match self {
            Self::SlackWebhook | Self::SlackApi => Receiver::Slack,
            Self::Discord => Receiver::Discord,
            Self::Webhook => Receiver::Webhook,
        }
    }

    fn unavailable(self) -> HttpResponse {
        let mut response = HttpResponse::ServiceUnavailable();
        match self {
            Self::SlackApi => response.json(json!({ "ok": false, "error": "service_unavailable" })),
            Self::SlackWebhook | Self::Discord | Self::Webhook => response.body("service_unavailable"),
        }
    }

    fn rate_limited(self, pause: Duration) -> HttpResponse {
        let mut response = HttpResponse::TooManyRequests();
        response.insert_header(("retry-after", pause.as_secs_f64().ceil().to_string()));
        match self {
            Self::Discord => response.json(discord::rate_limited(pause)),
            Self::SlackApi => response.json(json!({ "ok": false, "error": "ratelimited" })),
            Self::SlackWebhook => response.body("rate_limited"),
            Self::Webhook => response.body("too many requests"),
        }
    }
}

impl Memory {
    /// Returns what one of them remembers.
    pub(super) fn side(&mut self, receiver: Receiver) -> &mut Side {
        match receiver {
            Receiver::Slack => &mut self.slack,
            Receiver::Discord => &mut self.discord,
            Receiver::Webhook => &mut self.webhook,
        }
    }
}

impl State {
    /// Sets them up.
    pub(super) fn new(clock: Clock, keys: Keys, arrivals: mpsc::UnboundedSender<Received>) -> Self {
        Self { clock, keys, arrivals, memory: Mutex::default() }
    }

    /// Returns what they remember, for nobody else meanwhile.
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers what only looks, unless there were too many calls.
    pub(super) fn look(&self, door: Door, judge: impl FnOnce(&mut Memory) -> HttpResponse) -> HttpResponse {
        let mut memory = self.memory();
        match memory.side(door.receiver()).troubles.count(Instant::now()) {
            Some(pause) => door.rate_limited(pause),
            None => judge(&mut memory),
        }
    }

    /// Answers a message with the trouble that is due, else with what `judge` makes of it; tells of it in any case.
    /// `None` is never to be answered.
    pub(super) fn take(
        &self,
        door: Door,
        body: &[u8],
        judge: impl FnOnce(&mut Received, &mut Memory) -> HttpResponse,
    ) -> Option<HttpResponse> {
        let mut received = received(door.receiver(), body);
        let mut memory = self.memory();
        let troubles = &mut memory.side(received.receiver).troubles;
        let trouble = troubles.count(received.arrived).map(Trouble::RateLimited).or_else(|| troubles.next());
        let response = match trouble {
            Some(Trouble::Unavailable) => {
                received.answer = Answer::Unavailable;
                Some(door.unavailable())
            }
            Some(Trouble::RateLimited(pause)) => {
                received.answer = Answer::RateLimited(pause);
                Some(door.rate_limited(pause))
            }
            None | Some(Trouble::AnswerLost | Trouble::Hang) => {
                let response = judge(&mut received, &mut memory);
                match trouble.filter(|_| received.answer == Answer::Taken) {
                    None => Some(response),
                    Some(trouble) => {
                        received.answer = Answer::Lost;
                        (trouble != Trouble::Hang).then(|| HttpResponse::BadGateway().body("bad gateway"))
                    }
                }
            }
        };
        // Nobody listens any more once the demo stops.
        drop(self.arrivals.send(received));
        response
    }
}

fn received(receiver: Receiver, body: &[u8]) -> Received {
    Received {
        receiver,
        body: serde_json::from_slice(body).unwrap_or_default(),
        bytes: body.len(),
        answer: Answer::Taken,
        deed: None,
        webhook_id: None,
        signature: SignatureCheck::None,
        repeated: false,
        arrived: Instant::now(),
    }
}
