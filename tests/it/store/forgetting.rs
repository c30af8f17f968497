//! Runs that are removed for good: what goes, what stays, and what of it stands in the file afterwards.

use seer_relay::delivery::{DeliveryState, Part};
use seer_relay::event::{GroupId, Organization};
use seer_relay::issue::Issue;
use seer_relay::store::{Entry, FindError, ForgetTarget, Forgotten, IssueSource, Next, Recorded, RunFilter};
use serde_json::json;

use super::bench::{Bench, at, config, plan, planned, webhook};

/// Stands in everything that strangers wrote of the run that is to go.
const MARKER: &str = "Zyxomma";

impl Bench {
    async fn catalogued(&self) {
        while self.store.catalogue().await.unwrap() {}
        while self.store.catalogue().await.unwrap() {}
    }

    async fn forget(&self, target: ForgetTarget, second: i64) -> Forgotten {
        let doomed = self.store.doomed(target).await.unwrap();
        let end = self.store.forget(doomed, at(second)).await.unwrap();
        assert!(end.is_overwritten);
        end.forgotten
    }

    async fn forget_run(&self, name: &str, second: i64) -> Forgotten {
        self.forget(ForgetTarget::Run(name.to_owned()), second).await
    }

    /// A run in which everything has the marker, about a repository.
    async fn marked(&self, run: &str, repo: &str, second: i64) {
        let pull_request = json!([{ "repo_name": repo, "pull_request": { "pr_number": second } }]);
        let diff =
            format!("--- a/{MARKER}.py\n+++ b/{MARKER}.py\n@@ -1 +1 @@\n-old\n+{}\n", MARKER.repeat(2_000));
        let cause = json!({ "summary": format!("{MARKER} is the cause"), "classification": "code_fix" });
        let of = |action| webhook(action).run(run).with("group_id", json!(format!("{MARKER}-{run}")));
        self.accept(of("root_cause_completed").with("root_cause", cause).at(second)).await;
        let changes = json!([{ "repo_name": repo, "diff": diff }]);
        self.accept(of("coding_completed").with("changes", changes).at(second + 1)).await;
        self.accept(of("pr_created").with("pull_requests", pull_request).at(second + 2)).await;
        let group = GroupId::new(format!("{MARKER}-{run}"));
        let issue = Issue { title: Some(format!("{MARKER} broke")), ..Issue::unknown(group.clone()) };
        let organization = Organization::new("acme");
        self.store
            .keep_issue(&organization, &group, Some(issue), IssueSource::Api, at(second))
            .await
            .unwrap();
    }

    /// Whether the marker stands anywhere in the store's files.
    fn holds_marker(&self) -> bool {
        let path = config(&self.folder).path;
        let folder = path.parent().unwrap();
        std::fs::read_dir(folder).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let is_there = |marker: &[u8]| bytes.windows(marker.len()).any(|window| window == marker);
            is_there(MARKER.as_bytes()) || is_there(MARKER.to_lowercase().as_bytes())
        })
    }
}

#[tokio::test]
async fn nothing_of_a_run_that_is_forgotten_stands_in_the_file() {
    let bench = Bench::new().await;
    for other in 0..20 {
        bench.accept(webhook("pr_created").run(&format!("other{other}")).at(other)).await;
    }
    bench.catalogued().await;
    let run = format!("{MARKER}1");
    bench.marked(&run, &format!("acme/{MARKER}"), 50).await;
    bench.plan(60, &["audit", "chat"]).await;
    bench.deliver_all(61, "audit").await;
    bench.catalogued().await;
    for other in 20..40 {
        bench.accept(webhook("pr_created").run(&format!("other{other}")).at(other)).await;
    }
    bench.catalogued().await;
    assert!(bench.holds_marker());

    let forgotten = bench.forget_run(&format!("acme/{run}"), 100).await;

    assert!(!bench.holds_marker());
    assert_eq!((forgotten.runs, forgotten.events, forgotten.deliveries), (1, 3, 6));
    assert_eq!((forgotten.at, forgotten.kind.as_str()), (at(100), "run"));
    assert!(matches!(bench.store.run(&run).await, Err(FindError::Unknown(_))));
    let text = RunFilter { text: Some(MARKER.to_owned()), ..RunFilter::default() };
    assert!(bench.store.find_runs(text, None, 10).await.unwrap().items.is_empty());
    assert_eq!(bench.store.find_runs(RunFilter::default(), None, 100).await.unwrap().items.len(), 40);
    let bench = bench.restart().await;
    assert!(!bench.holds_marker());
    assert_eq!(bench.store.runs(100).await.unwrap().len(), 40);
}

#[tokio::test]
async fn every_run_about_a_repository_goes_and_no_other() {
    let bench = Bench::new().await;
    for (run, repo) in [("1", "acme/api"), ("2", "acme/web"), ("3", "acme/api")] {
        bench.marked(run, repo, 10 * run.parse::<i64>().unwrap()).await;
    }
    bench.plan(60, &["audit"]).await;
    // The catalogue has seen none of them yet.
    let forgotten = bench.forget(ForgetTarget::Repo("acme/api".to_owned()), 100).await;
    assert_eq!((forgotten.runs, forgotten.events, forgotten.deliveries), (2, 6, 6));
    assert_eq!(forgotten.kind, "repo");
    let left: Vec<_> = bench.store.runs(10).await.unwrap().iter().map(|row| row.run.label()).collect();
    assert_eq!(left, ["acme/2"]);
    assert_eq!(bench.count("issue"), 1);
    let doomed = bench.store.doomed(ForgetTarget::Repo("acme/api".to_owned())).await.unwrap();
    assert_eq!((doomed.runs(), doomed.events), (0, 0));
}

#[tokio::test]
async fn that_it_was_is_on_record_and_not_what_it_was() {
    let bench = Bench::new().await;
    bench.marked("1", "acme/api", 0).await;
    bench.marked("2", "acme/api", 10).await;
    let first = bench.forget_run("1", 100).await;
    let second = bench.forget_run("acme/2", 200).await;
    assert_ne!(first.fingerprint, second.fingerprint);
    assert_eq!(bench.store.forgotten(None).await.unwrap(), [second, first.clone()]);
    assert_eq!(bench.store.forgotten(Some("acme/1".to_owned())).await.unwrap(), [first]);
    assert_eq!(bench.store.forgotten(Some("acme/3".to_owned())).await.unwrap(), []);
    let unknown = bench.store.doomed(ForgetTarget::Run("acme/1".to_owned())).await;
    assert!(matches!(unknown, Err(FindError::Unknown(_))));
}

#[tokio::test]
async fn what_waits_of_it_is_not_sent_and_what_is_under_way_changes_nothing_any_more() {
    let bench = Bench::new().await;
    bench.marked("1", "acme/api", 0).await;
    bench.plan(10, &["audit", "chat"]).await;
    let claim = bench.claim_one(11, "audit").await;
    let unplanned = bench.accept(webhook("pr_ready_for_review").run("1").at(12)).await;
    let waiting = bench.waiting_events().await;

    let doomed = bench.store.doomed(ForgetTarget::Run("1".to_owned())).await.unwrap();
    assert_eq!((doomed.runs(), doomed.events, doomed.deliveries), (1, 4, 6));
    bench.store.forget(doomed, at(13)).await.unwrap();

    // New ones come, and get none of the old numbers.
    bench.accept_and_plan(webhook("root_cause_started").run("9").at(14), 14, &["audit"]).await;
    let plans = waiting.iter().map(|event| plan(event, &["chat"])).collect();
    bench.store.plan(plans, at(15)).await.unwrap();
    assert_eq!(bench.record(&claim, 15, Next::Delivered).await, Recorded::LeaseLost);
    assert!(bench.claim(16, "chat").await.is_empty());
    let new = bench.claim_one(16, "audit").await;
    assert_eq!(
        bench.record(&claim, 17, Next::Dead(seer_relay::delivery::Reason::Auth)).await,
        Recorded::LeaseLost
    );
    assert_eq!(bench.record(&new, 17, Next::Delivered).await, Recorded::Done);
    assert!(bench.store.event(unplanned.as_str()).await.is_err());
    assert_eq!(bench.deliveries(18).await.len(), 1);
    bench.store.prune(at(0), 10).await.unwrap();
    assert_eq!((bench.count("event"), bench.count("delivery"), bench.count("husk")), (1, 1, 0));
}

#[tokio::test]
async fn a_digest_goes_on_without_what_is_forgotten() {
    let bench = Bench::new().await;
    let digest =
        || planned("chat", Entry::Gathered { within: std::time::Duration::from_mins(1), unless: None });
    for (run, second) in [("1", 0), ("2", 1), ("3", 2)] {
        bench.accept(webhook("pr_created").run(run).at(second)).await;
    }
    let waiting = bench.waiting_events().await;
    let plans = waiting.iter().map(|event| {
        let deliveries = vec![seer_relay::store::PlannedDelivery { part: Part::Digest, ..digest() }];
        seer_relay::store::Plan { deliveries, ..plan(event, &[]) }
    });
    bench.store.plan(plans.collect(), at(3)).await.unwrap();
    let carrier = bench.deliveries(3).await[0].id.clone();

    bench.forget_run("1", 10).await;

    let told = bench.store.digest(&carrier).await.unwrap().unwrap();
    let runs: Vec<_> = told.runs.iter().map(|each| each.run.label()).collect();
    assert_eq!(runs.len(), 2, "{runs:?}");
    let claim = bench.claim_one(100, "chat").await;
    assert_eq!(claim.delivery.id, carrier);
    bench.record(&claim, 100, Next::Delivered).await;
    bench.forget_run("2", 110).await;
    bench.forget_run("3", 120).await;
    assert!(bench.deliveries(130).await.is_empty());
}

#[tokio::test]
async fn an_issue_is_known_as_long_as_a_run_is_about_it_and_leads_to_that() {
    let bench = Bench::new().await;
    let of = |run: &str, second: i64| {
        webhook("root_cause_started").run(run).with("group_id", json!("77")).at(second)
    };
    for (run, second) in [("1", 0), ("2", 10), ("3", 20)] {
        bench.accept(of(run, second)).await;
    }
    let (acme, group) = (Organization::new("acme"), GroupId::new("77"));
    let issue = Issue { title: Some("broken".to_owned()), ..Issue::unknown(group.clone()) };
    bench.store.keep_issue(&acme, &group, Some(issue), IssueSource::Api, at(30)).await.unwrap();
    for run in ["2", "3"] {
        bench.forget_run(run, 40).await;
        assert!(bench.store.issue(&acme, &group).await.unwrap().is_some());
    }
    bench.catalogued().await;
    let found = bench.store.find_runs(RunFilter::default(), None, 5).await.unwrap().items;
    assert_eq!(found[0].issue.as_ref().and_then(|issue| issue.title.as_deref()), Some("broken"));
    bench.forget_run("1", 50).await;
    assert!(bench.store.issue(&acme, &group).await.unwrap().is_none());
    for table in ["run_name", "outline", "facet", "label", "issue", "uncatalogued"] {
        assert_eq!(bench.count(table), 0, "{table}");
    }
    assert!(bench.deliveries(60).await.iter().all(|row| row.state != DeliveryState::Waiting));
}
