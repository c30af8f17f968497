//! Webhooks with good and with bad signatures, as the running relay counts them.

use jiff::{SignedDuration, Timestamp};

use super::exposition::samples;
use super::report::{Check, Group};
use super::spans::{ago, counted};
use crate::config::Config;
use crate::sentry::diagnosis::Cause;

/// A real webhook that was refused longer ago than this may have been mended since.
const RECENT: SignedDuration = SignedDuration::from_hours(1);

/// Says what came, and what did not hold.
pub(super) fn look(config: &Config, metrics: Option<&str>, now: Timestamp) -> Vec<Check> {
    let Some(metrics) = metrics else {
        let message =
            "no relay tells which signatures held; `doctor --body FILE --signature HEX` looks at one";
        return vec![Check::unknown(Group::Signatures, message)];
    };
    let failures = failures(metrics);
    let mut checks: Vec<Check> = failures.iter().map(|failure| failure.told(now)).collect();
    for organization in config.organizations.iter().map(|config| &config.organization) {
        checks.push(heard(metrics, organization.as_str(), !failures.is_empty(), now));
    }
    if failures.is_empty() {
        checks.push(Check::ok(Group::Signatures, "none failed since the relay started"));
    }
    checks
}

/// The failures of one cause.
struct Failure {
    cause: Cause,
    count: u64,
    last: Timestamp,
}

fn failures(metrics: &str) -> Vec<Failure> {
    let last = samples(metrics, "seer_relay_signature_failure_timestamp_seconds");
    let of = |(word, count): (&str, f64)| {
        let cause = Cause::from_word(word)?;
        let (_, last) = last.iter().find(|(other, _)| *other == word)?;
        Some(Failure { cause, count: whole(count), last: time(*last) })
    };
    let counts = samples(metrics, "seer_relay_signature_failures_total");
    let mut failures: Vec<Failure> = counts.into_iter().filter_map(of).collect();
    failures.sort_by_key(|failure| (!failure.cause.is_ours(), failure.cause));
    failures
}

impl Failure {
    fn told(&self, now: Timestamp) -> Check {
        let Self { cause, count, last } = self;
        let webhooks = counted(*count, "webhook");
        let message = format!("`{cause}`: {webhooks}, the last one {}: {}", ago(*last, now), cause.means());
        let check = if cause.is_ours() && now.duration_since(*last) < RECENT {
            Check::fault(Group::Signatures, message)
        } else {
            Check::warning(Group::Signatures, message)
        };
        check.hint(cause.hint())
    }
}

/// Says when a webhook of an organization came last.
fn heard(metrics: &str, organization: &str, some_failed: bool, now: Timestamp) -> Check {
    let heard = samples(metrics, "seer_relay_heard_timestamp_seconds");
    if let Some((_, at)) = heard.iter().find(|(other, _)| *other == organization) {
        let message =
            format!("`{organization}`: a webhook with a good signature came {}", ago(time(*at), now));
        return Check::ok(Group::Signatures, message);
    }
    let message = format!("`{organization}`: none came with a good signature since the relay started");
    let hint = "start a Seer run in Sentry, or post a sample with `seer-relay send pr_created`";
    if some_failed {
        Check::warning(Group::Signatures, message).hint(hint)
    } else {
        Check::unknown(Group::Signatures, message).hint(hint)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a counter is whole and not negative"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the relay writes whole seconds")]
fn time(seconds: f64) -> Timestamp {
    Timestamp::from_second(seconds as i64).unwrap_or(Timestamp::UNIX_EPOCH)
}
