//! Lists of runs: what is found by what, page after page, while rows arrive and go.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use seer_relay::event::{GroupId, Organization};
use seer_relay::issue::Issue;
use seer_relay::run::RunState;
use seer_relay::store::{IssueSource, Next, RunFilter};
use serde_json::json;

use super::bench::{Bench, at, name, retry_at, webhook};

impl Bench {
    /// Brings the catalogue up to date.
    async fn catalogue(&self) {
        while self.store.catalogue().await.unwrap() {}
        while self.store.catalogue().await.unwrap() {}
        assert_eq!(self.store.catalogue_lag().await.unwrap(), 0);
    }

    /// The runs that a filter lets through, all pages of `size` together.
    async fn found(&self, filter: &RunFilter, size: usize) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.find_runs(filter.clone(), after, size).await.unwrap();
            assert!(page.items.len() <= size);
            found.extend(page.items.iter().map(|row| row.run.label()));
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    }

    async fn pull_request(&self, run: &'static str, repo: &str, second: i64) {
        let pull_request = json!({ "repo_name": repo, "provider": "github",
            "pull_request": { "pr_number": 12, "pr_url": format!("https://github.com/{repo}/pull/12"), "pr_id": 1 } });
        let webhook = webhook("pr_created").run(run).with("pull_requests", json!([pull_request]));
        self.accept(webhook.at(second)).await;
    }
}

fn all() -> RunFilter {
    RunFilter::default()
}

fn text(text: &str) -> RunFilter {
    RunFilter { text: Some(text.to_owned()), ..all() }
}

fn repo(repo: &str) -> RunFilter {
    RunFilter { repo: Some(repo.to_owned()), ..all() }
}

fn action(action: &str) -> RunFilter {
    RunFilter { action: Some(action.to_owned()), ..all() }
}

/// Three runs: `3` began last.
async fn three_runs() -> Bench {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1").with("group_id", json!("77")).at(0)).await;
    bench.accept(webhook("root_cause_started").run("2").organization("other").at(10)).await;
    bench.pull_request("3", "acme/api", 20).await;
    bench.plan(21, &["audit"]).await;
    bench.pull_request("1", "acme/web", 30).await;
    bench.plan(31, &["audit", "chat"]).await;
    bench.catalogue().await;
    bench
}

#[tokio::test]
async fn runs_are_listed_by_when_they_began_and_filtered_by_what_is_known_of_them() {
    let bench = three_runs().await;
    for (filter, expected) in [
        (all(), vec!["acme/3", "other/2", "acme/1"]),
        (RunFilter { organization: Some(Organization::new("other")), ..all() }, vec!["other/2"]),
        (repo("acme/web"), vec!["acme/1"]),
        (repo("acme/%"), vec![]),
        (RunFilter { state: Some(RunState::PrCreated), ..all() }, vec!["acme/3", "acme/1"]),
        (RunFilter { state: Some(RunState::RootCauseStarted), ..all() }, vec!["other/2"]),
        (action("root_cause_started"), vec!["other/2", "acme/1"]),
        (RunFilter { destination: Some(name("chat")), ..all() }, vec!["acme/1"]),
        (RunFilter { destination: Some(name("chat")), ..repo("acme/api") }, vec![]),
        (RunFilter { repo: Some("acme/web".to_owned()), ..action("root_cause_started") }, vec!["acme/1"]),
        (RunFilter { since: Some(at(10)), ..all() }, vec!["acme/3", "other/2"]),
        (RunFilter { until: Some(at(10)), ..all() }, vec!["acme/1"]),
        (
            RunFilter { since: Some(at(5)), until: Some(at(20)), ..action("root_cause_started") },
            vec!["other/2"],
        ),
        (RunFilter { until: Some(at(20)), ..text("acme") }, vec!["acme/1"]),
    ] {
        for size in [1, 2, 50] {
            assert_eq!(bench.found(&filter, size).await, expected, "{filter:?} by {size}");
        }
    }
}

#[tokio::test]
async fn a_row_shows_what_a_list_needs() {
    let bench = three_runs().await;
    let claim = bench.claim_one(40, "chat").await;
    bench.record(&claim, 40, Next::Dead(seer_relay::delivery::Reason::Auth)).await;
    let row = bench.store.find_runs(repo("acme/web"), None, 5).await.unwrap().items.remove(0);
    assert_eq!((row.events, row.deliveries, row.dead), (2, 3, 1));
    assert_eq!((row.run.state, row.run.started_at, row.run.updated_at), (RunState::PrCreated, at(0), at(30)));
    let link = row.run.pull_requests[0].url.as_deref();
    assert_eq!(link, Some("https://github.com/acme/web/pull/12"));
}

#[tokio::test]
async fn runs_are_found_by_the_beginnings_of_words() {
    let bench = three_runs().await;
    let issue = Issue {
        title: Some("TypeError: Größe of 'NoneType' \"AND (x".to_owned()),
        short_id: Some("API-1X".to_owned()),
        ..Issue::unknown(GroupId::new("77"))
    };
    let (acme, group) = (Organization::new("acme"), GroupId::new("77"));
    bench.store.keep_issue(&acme, &group, Some(issue), IssueSource::Api, at(40)).await.unwrap();
    bench.catalogue().await;
    for (words, expected) in [
        ("typeerr", vec!["acme/1"]),
        ("grosse", vec![]),
        ("GROSE none", vec![]),
        ("größe", vec!["acme/1"]),
        ("grösse", vec![]),
        ("grö Type", vec!["acme/1"]),
        ("groß", vec!["acme/1"]),
        ("api-1x", vec!["acme/1"]),
        ("\"AND (", vec!["acme/1"]),
        ("NOT OR * : ^ acme", vec![]),
        ("acme pull", vec!["acme/3", "acme/1"]),
        ("github.com/acme/api/pull/12", vec!["acme/3", "acme/1"]),
        ("77", vec!["acme/1"]),
        (" EVT_none ", vec![]),
        (" -*\" ", vec!["acme/3", "other/2", "acme/1"]),
    ] {
        assert_eq!(bench.found(&text(words), 2).await, expected, "{words}");
    }
}

#[tokio::test]
async fn a_run_is_found_by_the_id_of_any_of_its_events_and_deliveries() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    let event = bench.accept(webhook("solution_started").run("1").at(1)).await;
    bench.accept(webhook("root_cause_started").run("2").at(2)).await;
    bench.plan(3, &["audit"]).await;
    bench.catalogue().await;
    let delivery = bench.deliveries(4).await.remove(0);
    for id in [event.to_string(), format!(" {} ", event.as_str().to_uppercase()), delivery.id.to_string()] {
        let found = bench.found(&text(&id), 5).await;
        let expected = if id == delivery.id.as_str() { delivery.run.clone() } else { "acme/1".to_owned() };
        assert_eq!(found, [expected], "{id}");
    }
    let elsewhere = RunFilter { organization: Some(Organization::new("other")), ..text(event.as_str()) };
    assert!(bench.found(&elsewhere, 5).await.is_empty());
}

#[tokio::test]
async fn what_becomes_one_is_listed_once_and_what_is_removed_no_longer() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").sentry_run("aaa").at(0)).await;
    bench.pull_request("1", "acme/api", 10).await;
    bench.catalogue().await;
    assert_eq!(bench.found(&all(), 5).await, ["acme/1", "acme/aaa"]);
    bench.accept(webhook("solution_started").run("1").sentry_run("aaa").at(20)).await;
    // The younger one is gone at once; the older one shows what it has become a moment later.
    assert_eq!(bench.found(&all(), 5).await, ["acme/aaa"]);
    assert_eq!(bench.found(&repo("acme/api"), 5).await, Vec::<String>::new());
    bench.catalogue().await;
    for filter in [all(), repo("acme/api"), text("aaa"), action("solution_started")] {
        assert_eq!(bench.found(&filter, 5).await, ["acme/1"], "{filter:?}");
    }
    bench.plan(21, &[]).await;
    while bench.store.prune(at(100), 10).await.unwrap() > 0 {}
    for filter in [all(), repo("acme/api"), text("aaa")] {
        assert!(bench.found(&filter, 5).await.is_empty(), "{filter:?}");
    }
    for table in ["outline", "facet", "label", "uncatalogued"] {
        assert_eq!(bench.count(table), 0, "{table}");
    }
}

#[tokio::test]
async fn a_page_stays_where_it_was_while_runs_arrive() {
    let bench = three_runs().await;
    let first = bench.store.find_runs(all(), None, 1).await.unwrap();
    let next: seer_relay::store::Cursor = first.next.unwrap().to_string().parse().unwrap();
    bench.accept(webhook("root_cause_started").run("4").at(100)).await;
    bench.catalogue().await;
    let second = bench.store.find_runs(all(), Some(next), 1).await.unwrap();
    assert_eq!(second.items[0].run.label(), "other/2");
    for broken in ["", "1.", ".", "a", "1.2", "9999999999999999999999"] {
        assert!(broken.parse::<seer_relay::store::Cursor>().is_err(), "{broken}");
    }
}

#[tokio::test]
async fn a_notice_about_no_run_is_no_run() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    bench.catalogue().await;
    let connection = rusqlite::Connection::open(super::bench::config(&bench.folder).path).unwrap();
    connection
        .execute_batch(
            "INSERT INTO run (number, organization, opened_at) VALUES (50, 'acme', 0);
             INSERT INTO event (id, organization, run_number, resource, action, received_at)
             VALUES ('evt_x', 'acme', 50, 'relay', 'relay.silent', 0)",
        )
        .unwrap();
    bench.catalogue().await;
    assert_eq!(bench.found(&all(), 5).await, ["acme/1"]);
}

#[tokio::test]
async fn people_choose_from_what_there_is() {
    let bench = three_runs().await;
    let choices = bench.store.choices().await.unwrap();
    assert_eq!(choices.organizations, ["acme", "other"]);
    assert_eq!(choices.repos, ["acme/api", "acme/web"]);
    assert_eq!(choices.actions, ["pr_created", "root_cause_started"]);
    assert_eq!(choices.destinations, ["audit", "chat"]);
}

/// What a filter should let through, counted by hand.
fn expected(
    runs: &[(i64, &'static str, &'static str)],
    by_repo: Option<&str>,
    by_action: Option<&str>,
    since: Option<i64>,
) -> BTreeSet<i64> {
    let fits = |(number, repo, action): &&(i64, &str, &str)| {
        by_repo.is_none_or(|wanted| wanted == *repo)
            && by_action.is_none_or(|wanted| wanted == *action)
            && since.is_none_or(|since| *number >= since)
    };
    runs.iter().filter(fits).map(|(number, ..)| *number).collect()
}

#[tokio::test]
async fn whatever_is_asked_for_each_run_that_fits_is_listed_once_in_order() {
    const REPOS: [&str; 3] = ["acme/api", "acme/web", "acme/docs"];
    const ACTIONS: [&str; 2] = ["pr_created", "pr_ready_for_review"];
    let bench = Bench::new().await;
    let mut runs = Vec::new();
    for number in 0..60_i64 {
        let place = usize::try_from(number * 7 % 13).unwrap();
        let (repo, action) = (REPOS[place % 3], ACTIONS[place % 2]);
        let pull_request = json!([{ "repo_name": repo, "pull_request": { "pr_number": number } }]);
        let webhook = webhook(action).run(&number.to_string()).with("pull_requests", pull_request);
        bench.accept(webhook.at(number)).await;
        runs.push((number, repo, action));
    }
    bench.catalogue().await;
    let mut runner = proptest::test_runner::TestRunner::default();
    let questions = (
        prop::option::of(prop::sample::select(REPOS.to_vec())),
        prop::option::of(prop::sample::select(ACTIONS.to_vec())),
        prop::option::of(0_i64..70),
        1_usize..70,
    );
    for _ in 0..100 {
        use proptest::strategy::ValueTree;
        let (by_repo, by_action, since, size) = questions.new_tree(&mut runner).unwrap().current();
        let filter = RunFilter {
            repo: by_repo.map(str::to_owned),
            action: by_action.map(str::to_owned),
            since: since.map(at) as Option<Timestamp>,
            ..all()
        };
        let found = bench.found(&filter, size).await;
        let wanted = expected(&runs, by_repo, by_action, since);
        let wanted: Vec<_> = wanted.iter().rev().map(|number| format!("acme/{number}")).collect();
        assert_eq!(found, wanted, "{filter:?} by {size}");
    }
}

#[tokio::test]
async fn the_pulse_is_another_one_whenever_a_list_is_and_the_same_otherwise() {
    let bench = Bench::new().await;
    let mut seen = vec![bench.store.pulse().await.unwrap()];
    let mut beats = async |what: &str| {
        let now = bench.store.pulse().await.unwrap();
        assert!(!seen.contains(&now), "{what}");
        assert_eq!(bench.store.pulse().await.unwrap(), now, "nothing happened since {what}");
        seen.push(now);
    };
    bench.accept(webhook("root_cause_started").run("1")).await;
    bench.catalogue().await;
    beats("an event came").await;
    bench.plan(0, &["a"]).await;
    bench.catalogue().await;
    beats("a delivery was planned").await;
    let claim = bench.claim_one(0, "a").await;
    beats("it is sent").await;
    bench.record(&claim, 1, retry_at(10)).await;
    beats("it is tried again").await;
    let claim = bench.claim_one(10, "a").await;
    bench.record(&claim, 11, retry_at(20)).await;
    beats("and again").await;
    let claim = bench.claim_one(20, "a").await;
    bench.record(&claim, 21, Next::Delivered).await;
    beats("it arrived").await;
}
