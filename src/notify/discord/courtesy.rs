//! What all Discord webhooks of the relay have in common: one address from which they are called. Pure.
//!
//! Discord bans an address after 10,000 refused requests in ten minutes, and a global limit meets it as a whole. So
//! refusals are counted over all webhooks, and long before that number none of them is called.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::client::Answer;

/// How long a refusal counts.
// Source: https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans,
// read 2026-11-23.
const WINDOW: Duration = Duration::from_mins(10);

/// So many refusals are risked: half of what leads to a ban, for others may call from the same address.
const REFUSALS: usize = 5_000;

/// Counts refusals, and knows until when no webhook is to be called.
#[derive(Debug, Default)]
pub struct Courtesy(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    refusals: VecDeque<Instant>,
    closed_until: Option<Instant>,
}

impl Courtesy {
    /// Returns for how long no webhook is to be called; `None` where they may be.
    pub(super) fn closed_for(&self, now: Instant) -> Option<Duration> {
        let count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count.closed_until.filter(|until| *until > now).map(|until| until.saturating_duration_since(now))
    }

    /// Notes an answer, and how long it asks to be left alone.
    pub(super) fn note(&self, answer: &Answer, retry_after: Option<Duration>, now: Instant) {
        let scope = answer.header("x-ratelimit-scope").unwrap_or_default();
        let is_refusal = match answer.status {
            // A 404 does not lead to a ban, but whoever goes on after it is restricted, too.
            401 | 403 | 404 => true,
            429 => scope != "shared",
            _ => false,
        };
        if !is_refusal {
            return;
        }
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while count.refusals.front().is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW) {
            count.refusals.pop_front();
        }
        count.refusals.push_back(now);
        let is_global = scope == "global" || answer.header("x-ratelimit-global") == Some("true");
        let global = retry_after.filter(|_| answer.status == 429 && is_global);
        // As soon as so many are counted, until the oldest of them no longer counts.
        let spent = count.refusals.len().checked_sub(REFUSALS).and_then(|over| count.refusals.get(over));
        let spent = spent.map(|oldest| *oldest + WINDOW);
        let until = global.and_then(|wait| now.checked_add(wait)).max(spent);
        count.closed_until = count.closed_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(courtesy: &Courtesy, status: u16, scope: &str, times: usize, now: Instant) {
        let answer = Answer::for_tests(status, &[("X-RateLimit-Scope", scope)], "");
        for _ in 0..times {
            courtesy.note(&answer, Some(Duration::from_millis(1_500)), now);
        }
    }

    #[test]
    fn half_of_the_refusals_that_lead_to_a_ban_close_all_webhooks_until_they_are_old() {
        let now = Instant::now();
        let later = now + Duration::from_mins(4);
        let courtesy = Courtesy::default();
        for status in [401, 403, 404, 429] {
            noted(&courtesy, status, "user", REFUSALS / 4 - 1, now);
        }
        noted(&courtesy, 403, "", 3, later);
        assert_eq!(courtesy.closed_for(later), None);

        noted(&courtesy, 403, "", 1, later);

        assert_eq!(courtesy.closed_for(later), Some(Duration::from_mins(6)));
        assert_eq!(courtesy.closed_for(now + WINDOW), None);
        noted(&courtesy, 403, "", 1, now + WINDOW);
        assert_eq!(courtesy.closed_for(now + WINDOW), None, "the first ones no longer count");
    }

    #[test]
    fn what_is_no_refusal_of_ours_does_not_count() {
        let now = Instant::now();
        let courtesy = Courtesy::default();
        for status in [200, 204, 400, 500, 502] {
            noted(&courtesy, status, "", REFUSALS, now);
        }
        noted(&courtesy, 429, "shared", REFUSALS, now);

        assert_eq!(courtesy.closed_for(now), None);
    }

    #[test]
    fn a_global_limit_closes_all_webhooks_and_another_none() {
        let now = Instant::now();
        let courtesy = Courtesy::default();
        noted(&courtesy, 429, "user", 1, now);
        assert_eq!(courtesy.closed_for(now), None);

        noted(&courtesy, 429, "global", 1, now);

        assert_eq!(courtesy.closed_for(now), Some(Duration::from_millis(1_500)));
        assert_eq!(courtesy.closed_for(now + Duration::from_millis(1_500)), None);
    }
}
