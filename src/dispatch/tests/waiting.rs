//! An alert and the webhook of its step: which waits, and which is told.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::scenes::pass;
use super::{Stage, destination, event, start};
use crate::delivery::DestinationName;
use crate::event::{ACTIVITY_ALERT_RESOURCE, Action, Event, EventId, GroupId};
use crate::notify::slack::SlackConfig;
use crate::notify::{Destination, Service};
use crate::routing::Route;
use crate::secret::Secret;
use crate::store::Entry;

/// A stage with one chat and one program, which get everything.
fn stage() -> Stage {
    let chat = SlackConfig::of_webhook(Secret::Known("http://127.0.0.1:9/".into()));
    let chat = Destination { service: Service::Slack(chat), ..destination("chat") };
    let mut stage = Stage::new().to(chat, None).to(destination("program"), None);
    stage.routes.push(Route {
        name: "all".to_owned(),
        to: ["chat", "program"].map(DestinationName::new).to_vec(),
        ..Route::default()
    });
    stage
}

fn webhook(received_at: Timestamp) -> Event {
    let group_id = Some(GroupId::new("5"));
    Event { group_id, received_at, ..event("webhook", Action::RootCauseCompleted) }
}

fn alert(received_at: Timestamp) -> Event {
    Event {
        id: EventId::new("alert"),
        resource: ACTIVITY_ALERT_RESOURCE.to_owned(),
        run_id: None,
        ..webhook(received_at)
    }
}

impl Stage {
    fn accept(&self, event: Event) {
        self.store.kept().accepted.push(event);
        self.wake.notify_one();
    }

    /// Waits until so many events are planned; returns of the last one its id, after how many seconds that was, and how
    /// it enters the queues of the chat and the program.
    async fn planned(&self, count: usize) -> (String, u64, Entry, Entry) {
        self.store.until("it is planned", |kept| kept.plans.len() >= count).await;
        let kept = self.store.kept();
        let (plan, at) = &kept.plans[count - 1];
        let [chat, program] = plan.deliveries.clone().try_into().expect("two destinations");
        let after = *at - (Instant::now() - (self.clock.now() - start()).unsigned_abs());
        (kept.planned(count - 1).id.to_string(), after.as_secs(), chat.entry, program.entry)
    }
}

fn told_by(id: &str) -> Entry {
    Entry::SupersededBy(EventId::new(id))
}

#[tokio::test(start_paused = true)]
async fn an_alert_that_stays_alone_waits_a_quarter_of_a_minute_and_is_sent() {
    let mut stage = stage();
    let _playing = stage.play();
    stage.accept(alert(start()));
    assert_eq!(stage.planned(1).await, ("alert".to_owned(), 15, Entry::Waiting, Entry::Waiting));
}

#[tokio::test(start_paused = true)]
async fn an_alert_whose_webhook_comes_in_time_is_told_by_that() {
    let mut stage = stage();
    let _playing = stage.play();
    stage.accept(alert(start()));
    pass(Duration::from_secs(3)).await;
    stage.accept(webhook(stage.clock.now()));
    assert_eq!(stage.planned(1).await, ("webhook".to_owned(), 3, told_by("alert"), Entry::Waiting));
    assert_eq!(stage.planned(2).await, ("alert".to_owned(), 3, told_by("webhook"), Entry::Waiting));
}

#[tokio::test(start_paused = true)]
async fn an_alert_behind_its_webhook_waits_for_nobody() {
    let mut stage = stage();
    let _playing = stage.play();
    stage.accept(webhook(start()));
    assert_eq!(stage.planned(1).await, ("webhook".to_owned(), 0, Entry::Waiting, Entry::Waiting));
    pass(Duration::from_mins(2)).await;
    stage.accept(alert(stage.clock.now()));
    assert_eq!(stage.planned(2).await, ("alert".to_owned(), 120, told_by("webhook"), Entry::Waiting));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_comes_after_its_alert_was_sent_is_told_by_that() {
    let mut stage = stage();
    let _playing = stage.play();
    stage.accept(alert(start()));
    stage.planned(1).await;
    pass(Duration::from_mins(2)).await;
    stage.accept(webhook(stage.clock.now()));
    assert_eq!(stage.planned(2).await, ("webhook".to_owned(), 135, told_by("alert"), Entry::Waiting));
}

#[tokio::test(start_paused = true)]
async fn both_that_waited_out_a_stop_are_told_once() {
    let mut stage = stage();
    let before = start() - SignedDuration::from_mins(5);
    stage.accept(alert(before));
    stage.accept(webhook(before));
    let _playing = stage.play();
    assert_eq!(stage.planned(1).await.0, "webhook");
    assert_eq!(stage.planned(2).await, ("alert".to_owned(), 0, told_by("webhook"), Entry::Waiting));
}

#[tokio::test(start_paused = true)]
async fn an_alert_holds_up_nothing_else_of_its_run() {
    let mut stage = stage();
    let _playing = stage.play();
    stage.accept(alert(start()));
    let next = Event { id: EventId::new("next"), action: Action::SolutionStarted, ..webhook(start()) };
    stage.accept(next);
    assert_eq!(stage.planned(1).await, ("next".to_owned(), 0, Entry::Waiting, Entry::Waiting));
    assert_eq!(stage.planned(2).await, ("alert".to_owned(), 15, Entry::Waiting, Entry::Waiting));
}
