//! Alerts on Seer's steps: which run they tell of.

use serde_json::json;

use super::bench::{Bench, Webhook, alert, webhook};

fn cause_alert(second: i64) -> Webhook {
    alert("seer_root_cause_completed", json!({ "id": "5", "title": "boom" })).at(second)
}

fn of_issue(action: &'static str, run: &str, second: i64) -> Webhook {
    webhook(action).run(run).with("group_id", json!(5)).at(second)
}

/// The runs, newest event first, with how many events each has.
async fn runs(bench: &Bench) -> Vec<(String, u64)> {
    let runs = bench.store.runs(10).await.unwrap();
    runs.into_iter().map(|row| (row.run.label(), row.events)).collect()
}

const HOUR: i64 = 60 * 60;

#[tokio::test]
async fn an_alert_tells_of_the_newest_run_of_its_issue() {
    let bench = Bench::new().await;
    bench.accept(of_issue("root_cause_started", "1", 0)).await;
    bench.accept(of_issue("root_cause_started", "2", 1)).await;
    bench.accept(of_issue("solution_started", "1", 2)).await;
    bench.accept(webhook("root_cause_started").run("3").with("group_id", json!(6)).at(3)).await;
    bench.accept(of_issue("root_cause_started", "4", 4).organization("umbrella")).await;
    bench.accept(cause_alert(5)).await;
    let two = bench.store.run("acme/2").await.unwrap();
    assert_eq!(two.events.iter().map(|row| row.event.is_alert()).collect::<Vec<_>>(), [false, true]);
    assert_eq!(two.issue.unwrap().title.as_deref(), Some("boom"));
}

#[tokio::test]
async fn a_run_of_which_only_alerts_have_told_is_the_one_that_a_webhook_names() {
    let bench = Bench::new().await;
    bench.accept(cause_alert(0)).await;
    bench.accept(alert("seer_solution_completed", json!({ "id": "5" })).at(1)).await;
    assert_eq!(runs(&bench).await.len(), 1);
    let bench = bench.restart().await;
    bench.accept(of_issue("root_cause_completed", "1", 2)).await;
    assert_eq!(runs(&bench).await, [("acme/1".to_owned(), 3)]);
    bench.accept(of_issue("root_cause_started", "2", 3)).await;
    assert_eq!(runs(&bench).await, [("acme/2".to_owned(), 1), ("acme/1".to_owned(), 3)]);
}

#[tokio::test]
async fn a_webhook_leaves_a_run_alone_whose_alerts_are_from_another_day() {
    let bench = Bench::new().await;
    bench.accept(cause_alert(0)).await;
    bench.accept(of_issue("root_cause_started", "1", 25 * HOUR)).await;
    assert_eq!(runs(&bench).await.len(), 2);
}

#[tokio::test]
async fn an_alert_on_a_beginning_opens_a_run_where_the_last_one_is_over() {
    let bench = Bench::new().await;
    bench.accept(of_issue("pr_created", "1", 0)).await;
    bench.accept(alert("seer_pr_iteration_completed", json!({ "id": "5" })).at(100 * HOUR)).await;
    assert_eq!(runs(&bench).await, [("acme/1".to_owned(), 2)]);
    bench.accept(cause_alert(102 * HOUR)).await;
    assert_eq!(runs(&bench).await.len(), 2);
}

#[tokio::test]
async fn an_alert_is_read_with_what_came_after_it_of_its_step() {
    let bench = Bench::new().await;
    bench.accept(cause_alert(0)).await;
    let later = bench.accept(of_issue("root_cause_completed", "1", 1)).await;
    bench.accept(of_issue("solution_started", "1", 2)).await;

    let [alert, webhook, _] = bench.waiting_events().await.try_into().unwrap();
    assert!(webhook.later.is_empty(), "only an alert waits for another one");
    let [step, _] = alert.later.clone().try_into().unwrap();
    assert_eq!((&step.sign.id, step.sign.is_alert, step.is_planned), (&later, false, false));

    let aside = vec![alert.ticket.sequence];
    let others = bench.store.waiting_events(10, 1000, aside).await.unwrap();
    assert_eq!(others.len(), 2);
    let plans = others.iter().map(|waiting| super::bench::plan(waiting, &[])).collect();
    bench.store.plan(plans, super::bench::at(3)).await.unwrap();
    assert!(bench.waiting_events().await[0].later.iter().all(|step| step.is_planned));
}

#[tokio::test]
async fn the_same_alert_twice_is_one_event_whoever_has_told_of_the_run_meanwhile() {
    let bench = Bench::new().await;
    bench.accept(cause_alert(0)).await;
    bench.accept(of_issue("root_cause_completed", "1", 1)).await;
    let again = bench.store.accept(cause_alert(2).accepted(), super::bench::WINDOW).await.unwrap();
    assert!(matches!(again, seer_relay::store::Acceptance::Duplicate(_)), "{again:?}");
}

#[tokio::test]
async fn what_an_issue_is_found_by_goes_with_its_run() {
    let bench = Bench::new().await;
    bench.accept(of_issue("root_cause_started", "1", 0)).await;
    bench.plan(0, &[]).await;
    assert_eq!(bench.store.prune(super::bench::at(10), 10).await.unwrap(), 1);
    bench.accept(cause_alert(11)).await;
    let [(run, events)] = runs(&bench).await.try_into().unwrap();
    assert!(run.starts_with("acme/evt_"), "{run}");
    assert_eq!(events, 1);
}

#[tokio::test]
async fn an_alert_tells_of_the_run_whose_webhook_told_of_its_step() {
    let bench = Bench::new().await;
    let cause =
        |run| of_issue("root_cause_completed", run, 0).with("root_cause", json!({ "description": run }));
    bench.accept(cause("1")).await;
    bench.accept(cause("2").at(1)).await;
    bench.accept(cause_alert(2)).await;
    let again = bench.store.accept(cause_alert(3).accepted(), super::bench::WINDOW).await.unwrap();
    assert!(matches!(again, seer_relay::store::Acceptance::Duplicate(_)), "{again:?}");
    bench.accept(another("seer_root_cause_completed", 4)).await;
    assert_eq!(runs(&bench).await, [("acme/2".to_owned(), 2), ("acme/1".to_owned(), 2)]);
    bench.accept(alert("seer_solution_completed", json!({ "id": "5" })).at(5)).await;
    assert_eq!(runs(&bench).await[0], ("acme/2".to_owned(), 3), "of no run's step: the newest run's");
    bench.accept(alert("seer_coding_completed", json!({ "id": "5" })).at(40 * 60)).await;
    bench.accept(of_issue("coding_completed", "1", 41 * 60)).await;
    bench.accept(of_issue("coding_completed", "3", 42 * 60)).await;
    bench.accept(another("seer_coding_completed", 80 * 60)).await;
    assert_eq!(runs(&bench).await[0], ("acme/3".to_owned(), 2), "those steps are too long ago");
}

/// The alert on another activity of this kind.
fn another(activity: &str, second: i64) -> Webhook {
    let alert = alert(activity, json!({ "id": "5" })).at(second);
    alert.with("activity", json!({ "id": "2", "type": activity, "details": {} }))
}

#[tokio::test]
async fn an_issue_that_was_merged_and_the_one_that_survived_have_the_same_runs() {
    let bench = Bench::new().await;
    let of_survivor = |activity: &str, second| alert(activity, json!({ "id": "77" })).at(second);
    bench.accept(of_issue("root_cause_started", "1", 0)).await;
    bench.merged("5", "77", 1).await;
    bench.accept(of_survivor("seer_root_cause_completed", 2)).await;
    assert_eq!(runs(&bench).await, [("acme/1".to_owned(), 2)]);
    let bench = bench.restart().await;
    bench.accept(of_issue("root_cause_started", "2", 3)).await;
    bench.accept(of_survivor("seer_solution_completed", 4)).await;
    assert_eq!(runs(&bench).await[0], ("acme/2".to_owned(), 2));

    bench.merged("77", "78", 5).await;
    bench.accept(alert("seer_coding_completed", json!({ "id": "78" })).at(6)).await;
    assert_eq!(runs(&bench).await[0], ("acme/2".to_owned(), 3));
    bench.accept(cause_alert(7)).await;
    assert_eq!(runs(&bench).await[0], ("acme/2".to_owned(), 4), "whichever of the ids it names");
}

#[tokio::test]
async fn an_alert_that_comes_before_it_is_known_that_its_issue_was_merged_is_of_the_same_run() {
    let bench = Bench::new().await;
    bench.accept(of_issue("root_cause_completed", "1", 0)).await;
    bench.accept(alert("seer_root_cause_completed", json!({ "id": "77" })).at(1)).await;
    assert_eq!(runs(&bench).await.len(), 2);
    bench.merged("5", "77", 2).await;
    assert_eq!(runs(&bench).await, [("acme/1".to_owned(), 2)]);
    let [webhook, alert] = bench.waiting_events().await.try_into().unwrap();
    assert_eq!((webhook.events.len(), alert.events.len()), (1, 2), "the alert meets its webhook");

    bench.accept(webhook_of("78", "2", 3)).await;
    bench.accept(webhook_of("79", "3", 4)).await;
    bench.merged("78", "79", 5).await;
    assert_eq!(runs(&bench).await.len(), 3, "two runs that webhooks name are two");
}

fn webhook_of(group: &str, run: &str, second: i64) -> Webhook {
    webhook("root_cause_started").run(run).with("group_id", json!(group)).at(second)
}
