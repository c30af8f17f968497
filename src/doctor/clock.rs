//! The clock, held against those of everybody who answered.

use jiff::SignedDuration;

use super::outside::Outside;
use super::report::{Check, Group};
use super::spans::span;

/// What receivers of signed webhooks forgive is minutes; what no clock that somebody keeps shows is half of one.
const MOST: SignedDuration = SignedDuration::from_secs(30);

/// Says whether the clock is right.
pub(super) fn judge(outside: &Outside) -> Check {
    of(&outside.dates())
}

fn of(dates: &[SignedDuration]) -> Check {
    // Of several the nearest counts: a cache may tell an old time, and nobody tells a right one by chance.
    let Some(nearest) = dates.iter().min_by_key(|ahead| ahead.abs()) else {
        return Check::unknown(Group::Clock, "nobody was reached whose clock it could be held against");
    };
    if nearest.abs() <= MOST {
        return Check::ok(Group::Clock, format!("it agrees with what {} told", others(dates.len())));
    }
    let way = if nearest.is_negative() { "fast" } else { "slow" };
    let message = format!("it is {} {way}, by what {} told", span(*nearest), others(dates.len()));
    let hint = "let this machine keep its time (`timedatectl set-ntp true`): receivers refuse signatures that are \
                minutes off, and times in messages are wrong";
    if dates.len() == 1 {
        // It may be that one which is wrong.
        return Check::warning(Group::Clock, message).hint(hint);
    }
    Check::fault(Group::Clock, message).hint(hint)
}

fn others(count: usize) -> String {
    if count == 1 { "one other clock".to_owned() } else { format!("{count} other clocks") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn half_a_minute_off_is_a_fault_where_nobody_agrees_and_several_told() {
        let judged = |seconds: &[i64]| {
            let dates: Vec<_> = seconds.iter().copied().map(SignedDuration::from_secs).collect();
            let check = of(&dates);
            (check.state, check.message)
        };
        for (seconds, state, message) in [
            (&[][..], State::Unknown, "nobody was reached whose clock it could be held against"),
            (&[0], State::Ok, "it agrees with what one other clock told"),
            (&[30, 5_000], State::Ok, "it agrees with what 2 other clocks told"),
            (&[31], State::Warning, "it is 31 s slow, by what one other clock told"),
            (&[31, 40], State::Fault, "it is 31 s slow, by what 2 other clocks told"),
            (&[-7_200, -7_300], State::Fault, "it is 2 h fast, by what 2 other clocks told"),
        ] {
            assert_eq!(judged(seconds), (state, message.to_owned()), "{seconds:?}");
        }
    }
}
