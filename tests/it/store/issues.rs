//! What is kept of issues.

use seer_relay::event::{GroupId, Organization};
use seer_relay::issue::{Issue, Project};
use seer_relay::store::{IssueSource, KeptIssue};

use serde_json::json;

use super::bench::{Bench, alert, at, webhook};

fn issue(title: &str) -> Issue {
    Issue {
        id: GroupId::new("77"),
        short_id: Some("API-1X".to_owned()),
        title: Some(title.to_owned()),
        culprit: None,
        permalink: None,
        level: Some("error".to_owned()),
        priority: None,
        status: None,
        substatus: None,
        platform: None,
        project: Some(Project { slug: Some("api".to_owned()), ..Project::default() }),
        first_seen: Some(at(-60)),
        last_seen: None,
        event_count: Some(3),
        user_count: None,
    }
}

async fn keep(bench: &Bench, group: &str, issue: Option<Issue>, source: IssueSource, second: i64) {
    let (organization, group) = (Organization::new("acme"), GroupId::new(group));
    bench.store.keep_issue(&organization, &group, issue, source, at(second)).await.unwrap();
}

async fn kept(bench: &Bench, organization: &str, group: &str) -> Option<KeptIssue> {
    bench.store.issue(&Organization::new(organization), &GroupId::new(group)).await.unwrap()
}

#[tokio::test]
async fn an_issue_is_kept_under_the_id_that_was_asked_for_and_through_a_restart() {
    let bench = Bench::new().await;
    keep(&bench, "5", Some(issue("boom")), IssueSource::Api, 0).await;
    let bench = bench.restart().await;
    let expected = KeptIssue { issue: Some(issue("boom")), source: IssueSource::Api, kept_at: at(0) };
    assert_eq!(kept(&bench, "acme", "5").await, Some(expected));
    assert_eq!(kept(&bench, "acme", "77").await, None);
    assert_eq!(kept(&bench, "umbrella", "5").await, None);
}

#[tokio::test]
async fn what_is_said_last_counts_but_that_there_is_none_takes_nothing_away() {
    let bench = Bench::new().await;
    keep(&bench, "5", None, IssueSource::Api, 0).await;
    let none = KeptIssue { issue: None, source: IssueSource::Api, kept_at: at(0) };
    assert_eq!(kept(&bench, "acme", "5").await, Some(none));
    keep(&bench, "5", Some(issue("old")), IssueSource::Api, 1).await;
    keep(&bench, "5", Some(issue("new")), IssueSource::Alert, 2).await;
    keep(&bench, "5", None, IssueSource::Api, 3).await;
    let expected = KeptIssue { issue: Some(issue("new")), source: IssueSource::Api, kept_at: at(3) };
    assert_eq!(kept(&bench, "acme", "5").await, Some(expected));
}

#[tokio::test]
async fn an_issue_of_which_nothing_was_said_for_as_long_as_runs_are_kept_goes() {
    let bench = Bench::new().await;
    for number in 0..1_200 {
        keep(&bench, &number.to_string(), Some(issue("old")), IssueSource::Api, 0).await;
    }
    keep(&bench, "fresh", Some(issue("new")), IssueSource::Api, 10).await;
    bench.accept(webhook("root_cause_started").run("1").at(20)).await;
    assert_eq!(bench.store.prune(at(10), 10).await.unwrap(), 0);
    for number in [0, 499, 500, 1_199] {
        assert_eq!(kept(&bench, "acme", &number.to_string()).await, None);
    }
    assert!(kept(&bench, "acme", "fresh").await.is_some());
}

#[tokio::test]
async fn an_alert_brings_its_issue_along_unless_it_says_no_more_than_an_id() {
    let bench = Bench::new().await;
    let told = json!({ "id": "5", "title": "boom", "project": { "slug": "api" } });
    bench.accept(alert("seer_root_cause_started", told).at(1)).await;
    let first = kept(&bench, "acme", "5").await.unwrap();
    assert_eq!((first.source, first.kept_at), (IssueSource::Alert, at(1)));
    assert_eq!(first.issue.as_ref().unwrap().title.as_deref(), Some("boom"));
    bench.accept(alert("seer_root_cause_completed", json!({ "id": "5" })).at(2)).await;
    assert_eq!(kept(&bench, "acme", "5").await, Some(first));
    bench.accept(webhook("root_cause_started").with("group_id", json!(6))).await;
    assert_eq!(kept(&bench, "acme", "6").await, None);
}

#[tokio::test]
async fn an_event_is_read_with_what_is_known_of_its_issue_now() {
    let bench = Bench::new().await;
    let group = |action| webhook(action).run("1").with("group_id", json!(5));
    bench.accept(group("root_cause_started")).await;
    let event = bench.accept(webhook("root_cause_completed").run("1")).await;
    let stranger = bench.accept(group("root_cause_started").organization("umbrella")).await;
    keep(&bench, "5", Some(issue("boom")), IssueSource::Api, 0).await;

    let known = KeptIssue { issue: Some(issue("boom")), source: IssueSource::Api, kept_at: at(0) };
    let waiting: Vec<_> = bench.waiting_events().await.into_iter().map(|waiting| waiting.issue).collect();
    assert_eq!(waiting, [Some(known.clone()), Some(known), None]);
    assert_eq!(bench.story(&event).await.unwrap().issue.as_deref(), Some(&issue("boom")));
    assert_eq!(bench.story(&stranger).await.unwrap().issue, None);

    keep(&bench, "5", Some(issue("bang")), IssueSource::Api, 1).await;
    assert_eq!(bench.story(&event).await.unwrap().issue.as_deref(), Some(&issue("bang")));
}
