//! The play: which webhooks are sent, in which order, and what goes wrong on purpose.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::folder::ORGANIZATION;
use super::receivers::sentry::{SentryStandIn, issue};
use super::receivers::{Receiver, Trouble};
use crate::client::{HttpClient, TransportError};
use crate::clock::Clock;
use crate::event::Action;
use crate::preview::body::text_at;
use crate::sample::{self, SampleIds, Shape};

/// How long an answer may take: longer than Sentry would wait, so that a busy machine does not spoil the play.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// One webhook of the play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// What it announces.
    pub(super) action: Action,
    /// In which shape.
    pub(super) shape: Shape,
    /// Whether it was sent before, so that the relay is to call it a duplicate.
    pub(super) repeated: bool,
    /// Whose next request fails.
    pub(super) trouble: Option<(Receiver, Trouble)>,
}

/// Returns the play: one run in the shape that Sentry sends today, with every action, and one as documented, their
/// webhooks taking turns.
pub(super) fn script() -> Vec<Step> {
    let mut present = steps(Shape::Present).into_iter();
    let mut documented = steps(Shape::Documented).into_iter();
    let mut script: Vec<_> = present.by_ref().take(2).collect();
    loop {
        let turn: Vec<_> = documented.next().into_iter().chain(present.next()).collect();
        if turn.is_empty() {
            return script;
        }
        script.extend(turn);
    }
}

fn steps(shape: Shape) -> Vec<Step> {
    let mut steps = Vec::new();
    for action in sample::run_script(shape) {
        let trouble = match (&action, shape) {
            (Action::RootCauseCompleted, Shape::Documented) => Some((Receiver::Slack, Trouble::Unavailable)),
            (Action::CodingCompleted, Shape::Present) => {
                Some((Receiver::Discord, Trouble::RateLimited(Duration::from_secs(1))))
            }
            _ => None,
        };
        let twice = action == Action::SolutionCompleted && shape == Shape::Present;
        let step = Step { action, shape, repeated: false, trouble };
        let again = twice.then(|| Step { repeated: true, ..step.clone() });
        steps.push(step);
        steps.extend(again);
    }
    steps
}

/// Returns what the samples of a run have in common.
pub(super) fn ids(shape: Shape) -> SampleIds {
    match shape {
        Shape::Present => SampleIds::for_run("4101"),
        Shape::Documented => SampleIds { group_id: "1170820577".to_owned(), ..SampleIds::for_run("4102") },
    }
}

/// Returns the words with which the title of a run's card begins once the run was played.
pub(super) fn ending(shape: Shape) -> &'static str {
    match shape {
        Shape::Present => "Pull request updated (round 1)",
        Shape::Documented => "Pull request opened",
    }
}

/// Starts the API of the stand-in Sentry, which knows the issues of both runs. One of them has a title as strangers
/// write them.
///
/// # Errors
/// Where no port can be had.
pub(super) fn sentry_api(clock: Clock, token: &SecretString) -> io::Result<SentryStandIn> {
    let api = SentryStandIn::start(ORGANIZATION, clock)?;
    api.grant(token.expose_secret(), &["event:read"]);
    for shape in Shape::ALL {
        api.put(&ids(shape).group_id, issue_of(shape));
    }
    Ok(api)
}

/// Returns the issue of a run as Sentry serializes it.
pub(super) fn issue_of(shape: Shape) -> Value {
    let (short_id, title) = match shape {
        Shape::Present => ("API-2K", "TypeError: 'NoneType' object is not iterable"),
        Shape::Documented => {
            ("API-31", "ValueError: <!channel> [pay](javascript:alert(1)) **now** `\u{202e}txt.exe`")
        }
    };
    issue(&ids(shape).group_id, short_id, title, "api")
}

/// Sends webhooks as Sentry does.
pub(super) struct Sentry {
    url: Url,
    client_secret: SecretString,
    client: HttpClient,
    clock: Clock,
}

/// A webhook that was answered.
#[derive(Debug, Clone)]
pub(super) struct Posted {
    /// The HTTP status.
    pub(super) status: u16,
    /// `accepted`, `duplicate`, or the error's code.
    pub(super) word: String,
    /// The event's id, where there is one.
    pub(super) event_id: Option<String>,
    /// When it was sent.
    pub(super) sent: Instant,
    /// How long the answer took.
    pub(super) took: Duration,
}

impl Sentry {
    /// Returns one that knows a relay and the secret that both share.
    pub(super) fn new(
        relay: SocketAddr,
        client_secret: SecretString,
        client: HttpClient,
        clock: Clock,
    ) -> Self {
        #[expect(clippy::expect_used, reason = "a socket's address is a valid host and port")]
        let url = Url::parse(&format!("http://{relay}/webhooks/sentry")).expect("the address is valid");
        Self { url, client_secret, client, clock }
    }

    /// Signs and posts the webhook of a step.
    ///
    /// # Errors
    /// Where no answer came.
    pub(super) async fn post(&self, step: &Step) -> Result<Posted, TransportError> {
        let body = Bytes::from(sample::encode(&sample::body(&step.action, step.shape, &ids(step.shape))));
        let headers = sample::headers(&body, &self.client_secret, self.clock.now());
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let sent = Instant::now();
        let answer = self.client.post(&self.url, &headers, body, ANSWER_TIMEOUT, true).await?;
        let took = sent.elapsed();
        let answered: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let word = [text_at(&answered, "status"), text_at(&answered, "code")].concat();
        let event_id = Some(text_at(&answered, "id").to_owned()).filter(|id| !id.is_empty());
        Ok(Posted { status: answer.status, word, event_id, sent, took })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_action_appears_in_the_present_shape_and_both_runs_take_turns() {
        let script = script();
        for action in Action::OF_SEER {
            assert!(
                script.iter().any(|step| step.action == action && step.shape == Shape::Present),
                "{action}"
            );
        }
        let turns = script.windows(2).filter(|pair| pair[0].shape != pair[1].shape).count();
        assert!(turns >= 10, "{turns}");
    }

    #[test]
    fn one_webhook_comes_twice_and_two_receivers_fail_once() {
        let script = script();
        let repeated: Vec<_> = script.iter().filter(|step| step.repeated).collect();
        assert_eq!(repeated.len(), 1);
        assert!(script.iter().any(|step| !step.repeated && step.action == repeated[0].action));
        assert_eq!(script.iter().filter(|step| step.trouble.is_some()).count(), 2);
    }
}
