//! A visit to Discord: whether a webhook still exists. Posts nothing.
// Source: https://docs.discord.com/developers/resources/webhook#get-webhook-with-token, read 2026-11-30.

use std::time::Duration;

use super::{USER_AGENT, answer};
use crate::client::HttpClient;
use crate::notify::Position;
use crate::notify::endpoint::Endpoint;
use crate::notify::visit::{Visit, Welcome};
use crate::words::quoted;

/// How much of the answer is read.
const LONGEST_ANSWER_BYTES: usize = 64 * 1024;

/// Asks Discord for the webhook itself: who has its address may.
pub(crate) async fn visit(endpoint: &Endpoint, client: &HttpClient, timeout: Duration) -> Visit {
    let mut url = endpoint.url.clone();
    url.set_query(None);
    let answered = client.get(&url, &[("user-agent", USER_AGENT)], timeout, LONGEST_ANSWER_BYTES).await;
    // A webhook has `id` and `channel_id`, as a message has.
    Visit::of(endpoint, answered, |answer| match answer::read(answer, &Position::Alone) {
        Ok(Some(webhook)) => Welcome::Known(format!("channel {}", quoted(&webhook.channel))),
        Ok(None) => Welcome::Known("the webhook exists".to_owned()),
        Err(reading) => Welcome::refused(&reading, endpoint),
    })
}
