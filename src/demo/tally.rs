//! The tally: what was sent, what came, and whether anything is missing.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::folder::{audience, is_announced};
use super::picture::title;
use super::play::{Posted, Step, ending, ids};
use super::receivers::{Answer, Message, Received, Receiver};
use crate::preview::body::nested_text_at;
use crate::sample::Shape;

/// How the demo went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoSummary {
    /// Webhooks sent to the relay.
    pub sent: usize,
    /// Those answered 202.
    pub accepted: usize,
    /// Those answered 200, as duplicates.
    pub duplicates: usize,
    /// How many of them should have been.
    pub expected_duplicates: usize,
    /// What each receiver has, and should have.
    pub counts: Vec<Count>,
    /// How often cards were edited.
    pub edits: usize,
    /// Attempts that a receiver failed on purpose.
    pub failures: usize,
    /// Requests that a receiver refused as wrong.
    pub refused: usize,
    /// Half of the audit webhook's messages came within this time of their webhook.
    pub median: Option<Duration>,
    /// All of them did within this.
    pub slowest: Option<Duration>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Runs with exactly one card, which shows how the run ended.
    Cards,
    /// Short messages beside the cards.
    Announcements,
    /// Messages, one per event.
    Messages,
}

/// What one receiver has of something, and should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Who.
    pub receiver: Receiver,
    /// Of what.
    pub what: What,
    /// How many there are.
    pub arrived: usize,
    /// How many the accepted webhooks and the routes make.
    pub expected: usize,
}

impl Count {
    /// Returns whether there are as many as there should be.
    pub fn is_right(&self) -> bool {
        match self.what {
            What::Cards | What::Announcements => self.arrived == self.expected,
            // At least once is what the relay promises.
            What::Messages => self.arrived >= self.expected,
        }
    }
}

impl DemoSummary {
    /// Returns whether every webhook was stored or known, and everything came that they make.
    pub fn all_arrived(&self) -> bool {
        self.sent == self.accepted + self.duplicates
            && self.duplicates == self.expected_duplicates
            && self.refused == 0
            && self.nothing_is_missing()
    }

    /// Returns whether everything came that the accepted webhooks make.
    pub fn nothing_is_missing(&self) -> bool {
        self.counts.iter().all(Count::is_right)
    }
}

/// Counts while the demo goes on.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: usize,
    duplicates: usize,
    expected_duplicates: usize,
    failures: usize,
    refused: usize,
    accepted: Vec<Step>,
    webhooks: usize,
    posted_at: HashMap<String, Instant>,
    delays: Vec<Duration>,
}

impl Tally {
    /// Counts a webhook.
    pub(super) fn posted(&mut self, step: &Step, posted: &Posted) {
        self.sent += 1;
        self.expected_duplicates += usize::from(step.repeated);
        self.duplicates += usize::from(posted.status == 200 && posted.word == "duplicate");
        if posted.status != 202 {
            return;
        }
        self.accepted.push(step.clone());
        if let Some(id) = posted.event_id.clone() {
            self.posted_at.insert(id, posted.sent);
        }
    }

    /// Counts a request to a receiver.
    pub(super) fn received(&mut self, received: &Received) {
        match received.answer {
            Answer::Unavailable | Answer::RateLimited(_) | Answer::Lost => self.failures += 1,
            Answer::Refused(..) => self.refused += 1,
            Answer::Taken if received.receiver == Receiver::Webhook && !received.repeated => {
                self.webhooks += 1;
                self.delays.extend(self.delay(received));
            }
            // What a chat has of it is counted where it stands; a repeat is no news.
            Answer::Taken => {}
        }
    }

    /// Only a webhook's body names its event.
    fn delay(&self, received: &Received) -> Option<Duration> {
        let data = received.body.get("data").unwrap_or(&Value::Null);
        let posted_at = self.posted_at.get(nested_text_at(data, "event", "id"))?;
        Some(received.arrived.saturating_duration_since(*posted_at))
    }

    /// Returns the count so far; `messages` tells what a chat has.
    pub(super) fn summary(&self, messages: impl Fn(Receiver) -> Vec<Message>) -> DemoSummary {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        let mut counts = Vec::new();
        let mut edits = 0;
        for receiver in [Receiver::Slack, Receiver::Discord] {
            let standing: Vec<Message> =
                messages(receiver).into_iter().filter(|message| !message.deleted).collect();
            edits += standing.iter().map(|message| message.edits).sum::<usize>();
            counts.extend(self.chat_counts(receiver, &standing));
        }
        let expected = self.heard_by(Receiver::Webhook).count();
        let (receiver, what) = (Receiver::Webhook, What::Messages);
        counts.push(Count { receiver, what, arrived: self.webhooks, expected });
        DemoSummary {
            sent: self.sent,
            accepted: self.accepted.len(),
            duplicates: self.duplicates,
            expected_duplicates: self.expected_duplicates,
            counts,
            edits,
            failures: self.failures,
            refused: self.refused,
            median: delays.get(delays.len().saturating_sub(1) / 2).copied(),
            slowest: delays.last().copied(),
        }
    }

    fn heard_by(&self, receiver: Receiver) -> impl Iterator<Item = &Step> {
        self.accepted.iter().filter(move |step| audience(&step.action).contains(&receiver))
    }

    fn chat_counts(&self, receiver: Receiver, messages: &[Message]) -> [Count; 2] {
        let with_card: Vec<Shape> = Shape::ALL
            .into_iter()
            .filter(|shape| self.heard_by(receiver).any(|step| step.shape == *shape))
            .collect();
        let ended = |shape: &&Shape| match cards(messages, **shape).as_slice() {
            [card] => title(receiver, &card.body).starts_with(ending(**shape)),
            _ => false,
        };
        let announced = messages.iter().filter(|message| run_of(message).is_none()).count();
        let expected = self.heard_by(receiver).filter(|step| is_announced(&step.action)).count();
        let count = |what, arrived, expected| Count { receiver, what, arrived, expected };
        [
            count(What::Cards, with_card.iter().filter(ended).count(), with_card.len()),
            count(What::Announcements, announced, expected),
        ]
    }
}

/// Returns a run's cards.
fn cards(messages: &[Message], shape: Shape) -> Vec<&Message> {
    messages.iter().filter(|message| run_of(message) == Some(shape)).collect()
}

/// Returns the run of the play that a message is the card of: of all messages only cards end with the run.
fn run_of(message: &Message) -> Option<Shape> {
    let body = message.body.to_string();
    Shape::ALL.into_iter().find(|shape| body.contains(&format!("Run {} ·", ids(*shape).run_id)))
}
