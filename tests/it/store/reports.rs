//! Reports: which runs and deliveries are counted.

use seer_relay::delivery::DeliveryState;
use seer_relay::event::Organization;
use seer_relay::store::{Report, ReportFilter};
use serde_json::json;

use super::bench::{Bench, at, webhook};

async fn report(bench: &Bench, repo: Option<&str>, until: i64) -> Report {
    let filter = ReportFilter {
        since: at(0),
        until: at(until),
        organization: Some(Organization::new("acme")),
        repo: repo.map(str::to_owned),
    };
    bench.store.report(filter).await.unwrap()
}

#[tokio::test]
async fn a_repository_is_counted_alike_whether_many_runs_are_about_it_or_few() {
    let bench = Bench::new().await;
    for number in 0..40 {
        let repo = if number == 7 { "acme/rare" } else { "acme/api" };
        let pull_request = json!([{ "repo_name": repo, "pull_request": { "pr_number": number } }]);
        let webhook = webhook("pr_created").run(&number.to_string()).with("pull_requests", pull_request);
        bench.accept_and_plan(webhook.at(number), number, &["audit", "chat"]).await;
    }
    while bench.store.catalogue().await.unwrap() {}
    for (repo, until, runs) in [
        (None, 100, 40),
        (Some("acme/api"), 100, 39),
        (Some("acme/rare"), 100, 1),
        (Some("acme/rare"), 7, 0),
        (Some("acme/api"), 7, 7),
    ] {
        let report = report(&bench, repo, until).await;
        let waiting = report.deliveries.number(DeliveryState::Waiting);
        assert_eq!(
            (report.runs.total, report.runs.pull_requests, report.deliveries.total, waiting),
            (runs, runs, 2 * runs, 2 * runs),
            "{repo:?} until {until}"
        );
        assert_eq!(report.uncounted_events, 0);
    }
}
