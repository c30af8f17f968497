//! Exports, page after page, while the store goes on.

use seer_relay::event::Organization;
use seer_relay::store::{ExportFilter, ForgetTarget};
use serde_json::json;

use super::bench::{Bench, at, webhook};

impl Bench {
    /// Exports everything; `between` is done after the first page.
    async fn exported(&self, filter: &ExportFilter, between: impl AsyncFnOnce()) -> Vec<String> {
        let mut rest = Some(self.store.begin_export(filter.clone()).await.unwrap());
        let (mut exported, mut between) = (Vec::new(), Some(between));
        while let Some(stretch) = rest {
            let page = self.store.export(filter.clone(), stretch).await.unwrap();
            assert!(page.rest.is_none_or(|rest| rest.left() < stretch.left()), "it comes to an end");
            exported.extend(page.events.iter().map(|event| event.row.event.id.to_string()));
            rest = page.rest;
            if let Some(between) = between.take() {
                between().await;
            }
        }
        exported
    }
}

#[tokio::test]
async fn what_comes_and_goes_meanwhile_makes_nothing_else_be_missing_or_twice() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for number in 0..1_200 {
        let accepted = bench.accept(webhook("pr_created").run(&number.to_string()).at(number)).await;
        ids.push(accepted.to_string());
    }
    let forget = async |run: &str| {
        let doomed = bench.store.doomed(ForgetTarget::Run(run.to_owned())).await.unwrap();
        bench.store.forget(doomed, at(2_000)).await.unwrap();
    };
    let between = async || {
        for run in ["3", "700", "1199"] {
            forget(run).await;
        }
        bench.accept(webhook("pr_created").run("new").at(3_000)).await;
    };
    let exported = bench.exported(&ExportFilter::default(), between).await;
    ids.remove(1_199);
    ids.remove(700);
    assert_eq!(exported, ids);
}

#[tokio::test]
async fn a_clock_that_was_set_back_hides_nothing_that_lies_in_the_stretch() {
    let bench = Bench::new().await;
    let mut wanted = Vec::new();
    for (number, second) in [(0, 0), (1, 5_000), (2, 10_000), (3, 2_000), (4, 6_000), (5, 20_000)] {
        let id = bench.accept(webhook("pr_created").run(&number.to_string()).at(second)).await.to_string();
        wanted.extend((5_000..10_000).contains(&second).then_some(id));
    }
    let filter = ExportFilter { since: Some(at(5_000)), until: Some(at(10_000)), ..ExportFilter::default() };
    assert_eq!(bench.exported(&filter, async || {}).await, wanted);
    assert_eq!(wanted.len(), 2);
}

#[tokio::test]
async fn runs_that_the_catalogue_has_not_seen_are_told_as_they_are() {
    let bench = Bench::new().await;
    let of = |run: &str, repo: &str, second| {
        let pull_request = json!([{ "repo_name": repo, "pull_request": { "pr_number": 1 } }]);
        webhook("pr_created").run(run).with("pull_requests", pull_request).at(second)
    };
    bench.accept(webhook("coding_started").run("1").at(0)).await;
    while bench.store.catalogue().await.unwrap() {}
    bench.accept(of("1", "acme/api", 1)).await;
    bench.accept(of("2", "acme/web", 2)).await;
    let of_repo = |repo: &str| ExportFilter { repo: Some(repo.to_owned()), ..ExportFilter::default() };
    assert_eq!(bench.exported(&of_repo("acme/api"), async || {}).await.len(), 2);
    assert_eq!(bench.exported(&of_repo("acme/web"), async || {}).await.len(), 1);
    while bench.store.catalogue().await.unwrap() {}
    assert_eq!(bench.exported(&of_repo("acme/api"), async || {}).await.len(), 2);
    let other = ExportFilter { organization: Some(Organization::new("other")), ..ExportFilter::default() };
    assert!(bench.exported(&other, async || {}).await.is_empty());
}
