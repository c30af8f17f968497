//! The store: whether it can be opened, and what waits in it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::disk;
use super::report::{Check, Group};
use super::spans::{ago, counted, span};
use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::DeliveryState;
use crate::store::{Access, Backlog, History, OldestDelivery, Queue, Store, StoreError, open};

/// What has waited longer than this is worth a look.
const LONG: SignedDuration = SignedDuration::from_hours(1);

/// Looks at the store and the disk below it.
pub(super) async fn look(config: &Config, clock: &Clock) -> Vec<Check> {
    let path = &config.store.path;
    let mut checks = Vec::new();
    match open(&config.store, Access::Beside).await {
        Ok(store) => {
            checks.push(Check::ok(Group::Store, format!("`{}` can be read", path.display())));
            checks.extend(contents(&store, clock.now()).await);
        }
        Err(StoreError::Missing { path }) => {
            let message = format!("there is none yet at `{path}`: `serve` makes it");
            checks.push(Check::unknown(Group::Store, message));
        }
        Err(error) => checks.push(unreadable(&error)),
    }
    checks.extend(disk::look(path));
    checks
}

fn unreadable(error: &StoreError) -> Check {
    let check = Check::fault(Group::Store, error.to_string());
    match error.hint() {
        Some(hint) => check.hint(hint),
        None => check,
    }
}

async fn contents(store: &Arc<Store>, now: Timestamp) -> Vec<Check> {
    let read = async {
        let (backlog, oldest) = (store.backlog().await?, store.oldest_delivery().await?);
        Ok::<_, StoreError>((backlog, oldest, store.destinations().await?))
    };
    let (backlog, oldest, statuses) = match read.await {
        Ok(read) => read,
        Err(error) => return vec![unreadable(&error)],
    };
    let mut checks = waiting(&backlog, oldest.as_ref(), now);
    for status in statuses {
        let Some(since) = status.gone_since else { continue };
        let name = &status.name;
        let message = format!("destination `{name}` said {} that it no longer exists", ago(since, now));
        let hint = format!(
            "nothing is sent there until its address changes or `seer-relay test {name}` succeeds; then \
             `seer-relay replay --dead --to {name}`"
        );
        checks.push(Check::fault(Group::Store, message).hint(hint));
    }
    checks
}

fn waiting(backlog: &Backlog, oldest: Option<&OldestDelivery>, now: Timestamp) -> Vec<Check> {
    let count = |wanted: &[DeliveryState]| -> u64 {
        let counts = backlog.deliveries.iter().filter(|(_, state, _)| wanted.contains(state));
        counts.map(|(_, _, count)| count).sum()
    };
    let unfinished = count(&[DeliveryState::Waiting, DeliveryState::Sending]);
    let mut checks = Vec::new();
    match oldest.map(|oldest| (oldest, now.duration_since(oldest.created_at))) {
        Some((oldest, waited)) if waited > LONG => {
            let deliveries = counted(unfinished, "delivery").replace("deliverys", "deliveries");
            let message = format!(
                "{deliveries} unfinished, the oldest for `{}` since {}",
                oldest.destination,
                span(waited)
            );
            let hint = "`seer-relay deliveries --state waiting` shows why: a destination that refuses, a secret that \
                        is not set, a relay that does not run";
            checks.push(Check::warning(Group::Store, message).hint(hint));
        }
        Some(_) | None => {
            let message = format!("{unfinished} deliveries and {} events wait", backlog.events);
            checks.push(Check::ok(Group::Store, message));
        }
    }
    let dead = count(&[DeliveryState::Dead]);
    if dead > 0 {
        let message = counted(dead, "dead letter");
        let hint =
            "`seer-relay deliveries --state dead` shows why each died, `seer-relay replay --dead` sends them";
        checks.push(Check::warning(Group::Store, message).hint(hint));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::DestinationName;
    use crate::doctor::State;

    #[test]
    fn what_waits_for_long_and_what_died_is_worth_a_look() {
        let dev = || DestinationName::new("dev");
        let backlog = Backlog {
            events: 2,
            deliveries: vec![
                (dev(), DeliveryState::Waiting, 3),
                (dev(), DeliveryState::Sending, 1),
                (dev(), DeliveryState::Dead, 1),
            ],
        };
        let now = Timestamp::from_second(100_000).unwrap();
        let told = |seconds: i64| {
            let created_at = now - SignedDuration::from_secs(seconds);
            let oldest = OldestDelivery { created_at, destination: dev() };
            let checks = waiting(&backlog, Some(&oldest), now);
            checks.into_iter().map(|check| (check.state, check.message)).collect::<Vec<_>>()
        };
        let dead = || (State::Warning, "1 dead letter".to_owned());
        assert_eq!(told(60), [(State::Ok, "4 deliveries and 2 events wait".to_owned()), dead()]);
        let message = "4 deliveries unfinished, the oldest for `dev` since 2 h".to_owned();
        assert_eq!(told(7_201), [(State::Warning, message), dead()]);
        let nothing = waiting(&Backlog::default(), None, now);
        assert_eq!(nothing, [Check::ok(Group::Store, "0 deliveries and 0 events wait")]);
    }
}
