//! When an event is planned, and by what it is routed.

use std::time::Duration;

use tokio::time::Instant;

use super::fake_notifier::FakeNotifier;
use super::scenes::{TAKES, pass};
use super::{Stage, destination, event, start};
use crate::delivery::DestinationName;
use crate::event::{Action, Event, GroupId};
use crate::issue::{Issue, Project};
use crate::routing::{Condition, Conditions, Field, Pattern, Route};
use crate::store::{IssueSource, KeptIssue};

#[tokio::test(start_paused = true)]
async fn an_event_is_planned_at_once_when_it_is_announced_and_soon_when_it_is_not() {
    let mut stage = Stage::new();
    let _playing = stage.play();
    pass(Duration::from_millis(100)).await;

    let accepted_at = Instant::now();
    stage.store.kept().accepted.push(event("evt_1", Action::PrCreated));
    stage.wake.notify_one();
    stage.store.until("it is planned", |kept| kept.plans.len() == 1).await;
    assert_eq!(accepted_at.elapsed(), Duration::ZERO);

    let accepted_at = Instant::now();
    stage.store.kept().accepted.push(event("evt_2", Action::PrCreated));
    stage.store.until("it is planned", |kept| kept.plans.len() == 2).await;
    assert!(accepted_at.elapsed() <= Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn an_event_is_routed_by_what_is_known_of_its_issue() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    let project = Condition { field: Field::Project, patterns: vec![Pattern::new("api".to_owned())] };
    stage.routes.push(Route {
        name: "api".to_owned(),
        when: Conditions(vec![project]),
        to: vec![DestinationName::new("audit")],
        ..Route::default()
    });
    let known = Issue {
        project: Some(Project { slug: Some("api".to_owned()), ..Project::default() }),
        ..Issue::unknown(GroupId::new("5"))
    };
    let kept = KeptIssue { issue: Some(known), source: IssueSource::Alert, kept_at: start() };
    stage.store.kept().issues.insert(GroupId::new("5"), kept);
    for group in ["5", "6"] {
        let event = Event { group_id: Some(GroupId::new(group)), ..event(group, Action::PrCreated) };
        stage.store.kept().accepted.push(event);
    }

    let _playing = stage.play();
    stage.store.until("both are planned", |kept| kept.plans.len() == 2).await;

    let routed: Vec<usize> = stage.store.kept().plans.iter().map(|(plan, _)| plan.routes.len()).collect();
    assert_eq!(routed, [1, 0]);
}
