//! The tally: what was sent, what came, and whether anything is missing.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::folder::audience;
use super::play::{Posted, Step};
use super::receivers::{Answer, Received, Receiver};
use crate::preview::body::nested_text_at;

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
    /// Messages that each receiver took.
    pub messages: Vec<MessageCount>,
    /// Attempts that a receiver failed on purpose.
    pub failures: usize,
    /// Requests that a receiver refused as wrong.
    pub refused: usize,
    /// Half of the audit webhook's messages came within this time of their webhook.
    pub median: Option<Duration>,
    /// All of them did within this.
    pub slowest: Option<Duration>,
}

/// Messages that one receiver took, and should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCount {
    /// Who.
    pub receiver: Receiver,
    /// How many it took.
    pub arrived: usize,
    /// How many the accepted webhooks and the routes make.
    pub expected: usize,
}

impl DemoSummary {
    /// Returns whether every webhook was stored or known, and every message came.
    pub fn all_arrived(&self) -> bool {
        self.sent == self.accepted + self.duplicates
            && self.duplicates == self.expected_duplicates
            && self.refused == 0
            && self.nothing_is_missing()
    }

    /// Returns whether every message came that the accepted webhooks make.
    pub fn nothing_is_missing(&self) -> bool {
        self.messages.iter().all(|count| count.arrived >= count.expected)
    }
}

/// Counts while the demo goes on.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: usize,
    accepted: usize,
    duplicates: usize,
    expected_duplicates: usize,
    failures: usize,
    refused: usize,
    expected: HashMap<Receiver, usize>,
    arrived: HashMap<Receiver, usize>,
    posted_at: HashMap<String, Instant>,
    delays: Vec<Duration>,
}

impl Tally {
    /// Counts a webhook.
    pub(super) fn posted(&mut self, step: &Step, posted: &Posted) {
        self.sent += 1;
        self.expected_duplicates += usize::from(step.repeated);
        self.accepted += usize::from(posted.status == 202);
        self.duplicates += usize::from(posted.status == 200 && posted.word == "duplicate");
        if posted.status != 202 {
            return;
        }
        for receiver in audience(&step.action) {
            *self.expected.entry(*receiver).or_default() += 1;
        }
        if let Some(id) = posted.event_id.clone() {
            self.posted_at.insert(id, posted.sent);
        }
    }

    /// Counts a request to a receiver.
    pub(super) fn received(&mut self, received: &Received) {
        match received.answer {
            Answer::Unavailable | Answer::RateLimited(_) => self.failures += 1,
            Answer::Refused(..) => self.refused += 1,
            // At least once is what the relay promises: a repeat is no news.
            Answer::Taken if received.repeated => {}
            Answer::Taken => {
                *self.arrived.entry(received.receiver).or_default() += 1;
                self.delays.extend(self.delay(received));
            }
        }
    }

    /// Only a webhook's body names its event.
    fn delay(&self, received: &Received) -> Option<Duration> {
        let data = received.body.get("data").unwrap_or(&Value::Null);
        let posted_at = self.posted_at.get(nested_text_at(data, "event", "id"))?;
        Some(received.arrived.saturating_duration_since(*posted_at))
    }

    /// Returns the count so far.
    pub(super) fn summary(&self) -> DemoSummary {
        let count =
            |counts: &HashMap<Receiver, usize>, receiver| counts.get(&receiver).copied().unwrap_or_default();
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        DemoSummary {
            sent: self.sent,
            accepted: self.accepted,
            duplicates: self.duplicates,
            expected_duplicates: self.expected_duplicates,
            messages: Receiver::ALL
                .into_iter()
                .map(|receiver| MessageCount {
                    receiver,
                    arrived: count(&self.arrived, receiver),
                    expected: count(&self.expected, receiver),
                })
                .collect(),
            failures: self.failures,
            refused: self.refused,
            median: delays.get(delays.len().saturating_sub(1) / 2).copied(),
            slowest: delays.last().copied(),
        }
    }
}
