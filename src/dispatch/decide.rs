//! Whether a claimed delivery is to be sent now, and what becomes of it if not. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::DeliveryConfig;
use super::backoff::gives_up_at;
use super::desk::Standing;
use super::moment::{after, between};
use crate::delivery::{Delivery, Part, Reason};
use crate::store::Next;

/// Returns `Ok` where a delivery is to be sent now; else what becomes of it.
///
/// While a destination cannot be called, the clocks of what waits for it run on. Where it can, what is claimed is tried
/// at least once, however late: the relay may have been down.
///
/// # Errors
/// What becomes of a delivery that is not to be sent.
pub(super) fn decide(
    standing: Standing,
    delivery: &Delivery,
    expire_after: Option<Duration>,
    settings: &DeliveryConfig,
    now: Timestamp,
) -> Result<(), Next> {
    match standing {
        Standing::Removed => return Err(Next::Dead(Reason::Removed)),
        Standing::Gone => return Err(Next::Dead(Reason::Gone)),
        Standing::Open | Standing::Held(_) | Standing::Keyless => {}
    }
    if expire_after.is_some_and(|news_for| between(news_since(delivery), now) > news_for) {
        return Err(Next::Dead(Reason::Expired));
    }
    let reason = match standing {
        Standing::Held(reason) => reason,
        Standing::Keyless => Reason::Auth,
        Standing::Open | Standing::Gone | Standing::Removed => return Ok(()),
    };
    let is_over = now > gives_up_at(delivery, settings);
    Err(if is_over { Next::Dead(reason) } else { Next::GivenBack })
}

/// Returns the moment at which one of a waiting delivery's clocks has run out.
pub(super) fn runs_out_at(
    delivery: &Delivery,
    expire_after: Option<Duration>,
    settings: &DeliveryConfig,
) -> Timestamp {
    let gives_up_at = gives_up_at(delivery, settings);
    let last = expire_after.map(|news_for| after(news_since(delivery), news_for));
    after(last.map_or(gives_up_at, |last| last.min(gives_up_at)), Duration::from_millis(1))
}

/// Returns since when a delivery is news that nobody gets: while a mute held it back, nobody was to get it, and a digest
/// that gathered for a day is none of yesterday.
fn news_since(delivery: &Delivery) -> Timestamp {
    let since = match delivery.part {
        Part::Message | Part::Card | Part::Announcement => delivery.created_at,
        Part::Digest => delivery.first_due_at,
    };
    delivery.held_until.map_or(since, |until| until.max(since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::{delivery, settings, start};

    const NEWS: Option<Duration> = Some(Duration::from_hours(6));
    const ALL: [Standing; 5] = [
        Standing::Open,
        Standing::Held(Reason::Connect),
        Standing::Keyless,
        Standing::Gone,
        Standing::Removed,
    ];

    fn decided(expire_after: Option<Duration>, hours: u64) -> [Result<(), Next>; 5] {
        let now = after(start(), Duration::from_hours(hours));
        ALL.map(|standing| decide(standing, &delivery("d"), expire_after, &settings(), now))
    }

    #[test]
    fn in_time_it_is_sent_where_the_destination_may_be_called_and_else_waits() {
        assert_eq!(
            decided(NEWS, 6),
            [
                Ok(()),
                Err(Next::GivenBack),
                Err(Next::GivenBack),
                Err(Next::Dead(Reason::Gone)),
                Err(Next::Dead(Reason::Removed)),
            ]
        );
    }

    #[test]
    fn old_news_expires_whether_or_not_the_destination_may_be_called() {
        assert_eq!(
            decided(NEWS, 7),
            [
                Err(Next::Dead(Reason::Expired)),
                Err(Next::Dead(Reason::Expired)),
                Err(Next::Dead(Reason::Expired)),
                Err(Next::Dead(Reason::Gone)),
                Err(Next::Dead(Reason::Removed)),
            ]
        );
    }

    #[test]
    fn the_time_for_which_a_mute_held_it_back_does_not_make_news_old() {
        let hours = |hours| after(start(), Duration::from_hours(hours));
        let held = Delivery { held_until: Some(hours(12)), first_due_at: hours(12), ..delivery("d") };
        let decided = |hour| decide(Standing::Open, &held, NEWS, &settings(), hours(hour));
        assert_eq!([decided(18), decided(19)], [Ok(()), Err(Next::Dead(Reason::Expired))]);
    }

    #[test]
    fn a_digest_is_news_from_when_it_was_due() {
        let day = after(start(), Duration::from_hours(24));
        let digest = Delivery { part: Part::Digest, first_due_at: day, ..delivery("d") };
        let decided = |hours| {
            decide(Standing::Open, &digest, NEWS, &settings(), after(day, Duration::from_hours(hours)))
        };
        assert_eq!((decided(0), decided(7)), (Ok(()), Err(Next::Dead(Reason::Expired))));
        assert_eq!(runs_out_at(&digest, NEWS, &settings()), after(day, Duration::from_millis(21_600_001)));
    }

    #[test]
    fn when_time_is_up_it_is_tried_once_more_where_it_can_be_and_else_dies() {
        assert_eq!(
            decided(None, 25),
            [
                Ok(()),
                Err(Next::Dead(Reason::Connect)),
                Err(Next::Dead(Reason::Auth)),
                Err(Next::Dead(Reason::Gone)),
                Err(Next::Dead(Reason::Removed)),
            ]
        );
    }

    #[test]
    fn at_the_moment_when_a_clock_runs_out_the_decision_is_final() {
        for expire_after in [None, NEWS, Some(Duration::from_hours(100))] {
            let now = runs_out_at(&delivery("d"), expire_after, &settings());
            let decision = decide(Standing::Keyless, &delivery("d"), expire_after, &settings(), now);
            assert!(matches!(decision, Err(Next::Dead(_))), "{decision:?}");
        }
    }
}
