//! The first message of a run at a destination: what further ones answer.

use seer_relay::delivery::{FirstMessage, MessageRef};
use seer_relay::store::{MessageChange, Next, Record};

use super::bench::{Bench, attempted, webhook};

fn message(id: &str) -> FirstMessage {
    FirstMessage {
        place: MessageRef { channel: "C1".to_owned(), id: id.to_owned() },
        shows: None,
        mentions: Vec::new(),
    }
}

impl Bench {
    /// Delivers what is due for `chat`, with what follows for the run's first message; returns what it was to answer.
    async fn deliver(&self, second: i64, change: MessageChange) -> Option<FirstMessage> {
        let claim = self.claim_one(second, "chat").await;
        let record = Record { message: change, ..attempted(&claim, second, Next::Delivered) };
        self.store.record(record, super::bench::at(second)).await.unwrap();
        claim.delivery.first
    }
}

#[tokio::test]
async fn what_follows_answers_the_first_message_of_its_run_there_through_a_restart() {
    let bench = Bench::new().await;
    for action in ["root_cause_started", "root_cause_completed", "solution_started"] {
        bench.accept_and_plan(webhook(action).run("1"), 0, &["chat", "other"]).await;
    }
    assert_eq!(bench.deliver(1, MessageChange::First(message("1"))).await, None);
    let bench = bench.restart().await;
    assert_eq!(bench.deliver(2, MessageChange::First(message("2"))).await, Some(message("1")));
    assert_eq!(bench.deliver(3, MessageChange::None).await, Some(message("1")));
    assert_eq!(bench.claim_one(4, "other").await.delivery.first, None, "elsewhere it is another one");

    bench.accept_and_plan(webhook("root_cause_started").run("2"), 5, &["chat"]).await;
    assert_eq!(bench.deliver(6, MessageChange::None).await, None, "of another run it is another one");
}

#[tokio::test]
async fn where_the_first_one_is_lost_the_next_one_is_the_first() {
    let bench = Bench::new().await;
    for action in ["root_cause_started", "root_cause_completed", "solution_started", "solution_completed"] {
        bench.accept_and_plan(webhook(action).run("1"), 0, &["chat"]).await;
    }
    bench.deliver(1, MessageChange::First(message("1"))).await;
    assert_eq!(bench.deliver(2, MessageChange::Lost).await, Some(message("1")));
    assert_eq!(bench.deliver(3, MessageChange::First(message("3"))).await, None);
    assert_eq!(bench.deliver(4, MessageChange::None).await, Some(message("3")));
}

#[tokio::test]
async fn of_two_runs_that_turn_out_to_be_one_the_older_ones_message_stays() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").sentry_run("aaa"), 0, &["chat"]).await;
    bench.deliver(1, MessageChange::First(message("old"))).await;
    bench.accept_and_plan(webhook("root_cause_completed").run("1"), 2, &["chat"]).await;
    bench.deliver(3, MessageChange::First(message("young"))).await;
    bench.accept_and_plan(webhook("solution_started").run("1").sentry_run("aaa"), 4, &["chat"]).await;
    assert_eq!(bench.deliver(5, MessageChange::None).await, Some(message("old")));
}

#[tokio::test]
async fn a_run_that_was_removed_leaves_no_message_to_the_next_one() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["chat"]).await;
    bench.deliver(1, MessageChange::First(message("1"))).await;
    assert_eq!(bench.store.prune(super::bench::at(10), 10).await.unwrap(), 1);
    bench.accept_and_plan(webhook("root_cause_started").run("1").at(11), 11, &["chat"]).await;
    assert_eq!(bench.deliver(12, MessageChange::None).await, None);
}
