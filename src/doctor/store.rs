//! The store: whether it can be opened, and what waits in it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::disk;
use super::report::{Check, Group};
use super::spans::{ago, counted, span};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Access, Backlog, History, Queue, QueueLength, Store, StoreError, open};

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
    let read = async { Ok::<_, StoreError>((store.backlog().await?, store.destinations().await?)) };
    let (backlog, statuses) = match read.await {
        Ok(read) => read,
        Err(error) => return vec![unreadable(&error)],
    };
    let mut checks = waiting(&backlog, now);
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

fn waiting(backlog: &Backlog, now: Timestamp) -> Vec<Check> {
    let count = |of: fn(&QueueLength) -> u64| -> u64 { backlog.queues.iter().map(of).sum() };
    let unfinished = count(|queue| queue.waiting + queue.sending);
    let mut checks = Vec::new();
    // What is held back on purpose is due in the future.
    let due =
        backlog.queues.iter().filter_map(|queue| Some((queue, now.duration_since(queue.first_due_at?))));
    match due.max_by_key(|(_, waited)| *waited) {
        Some((oldest, waited)) if waited > LONG => {
            let deliveries = counted(unfinished, "delivery").replace("deliverys", "deliveries");
            let message = format!(
                "{deliveries} unfinished, one for `{}` due since {}",
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
    let dead = count(|queue| queue.dead);
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
        let now = Timestamp::from_second(100_000).unwrap();
        let told = |seconds: i64| {
            let queue = QueueLength {
                destination: DestinationName::new("dev"),
                waiting: 3,
                sending: 1,
                dead: 1,
                first_due_at: Some(now - SignedDuration::from_secs(seconds)),
            };
            let checks = waiting(&Backlog { events: 2, queues: vec![queue] }, now);
            checks.into_iter().map(|check| (check.state, check.message)).collect::<Vec<_>>()
        };
        let dead = || (State::Warning, "1 dead letter".to_owned());
        for seconds in [60, -7_201] {
            assert_eq!(told(seconds), [(State::Ok, "4 deliveries and 2 events wait".to_owned()), dead()]);
        }
        let message = "4 deliveries unfinished, one for `dev` due since 2 h".to_owned();
        assert_eq!(told(7_201), [(State::Warning, message), dead()]);
        let nothing = waiting(&Backlog::default(), now);
        assert_eq!(nothing, [Check::ok(Group::Store, "0 deliveries and 0 events wait")]);
    }
}
