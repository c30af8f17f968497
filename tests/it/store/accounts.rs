//! Accounts: why an event was routed as it was, and everything that was written down of its deliveries.

use std::sync::Arc;
use std::time::Duration;

use seer_relay::delivery::{DestinationKind, Part, Reason};
use seer_relay::event::Event;
use seer_relay::routing::{Condition, Conditions, Field, Pattern, Route, RoutingTable, SetFrom};
use seer_relay::run::Run;
use seer_relay::store::{
    Account, DestinationChange, Entry, MadeBy, Needless, Next, Plan, PlannedDelivery, Reasons, Record,
    WaitingEvent,
};

use super::bench::{Bench, at, attempted, name, plan, planned, retry_at, webhook};

fn route(name_of_route: &str, field: Field, pattern: &str, to: &str) -> Route {
    Route {
        name: name_of_route.to_owned(),
        when: Conditions(vec![Condition { field, patterns: vec![Pattern::new(pattern)] }]),
        to: vec![name(to)],
        template_set: Some("oncall".to_owned()),
        ..Route::default()
    }
}

fn table(action: &str) -> RoutingTable {
    RoutingTable::new(vec![
        route("fixes", Field::Action, action, "audit"),
        route("web", Field::Repo, "acme/web", "other"),
    ])
}

/// A plan by a table, as the dispatcher makes it.
fn plan_by(table: &RoutingTable, waiting: &WaitingEvent) -> Plan {
    let event: &Event = waiting.events.last().unwrap();
    let decision = table.route(event, &Run::fold(&waiting.events).unwrap(), None);
    let deliveries =
        decision.destinations.iter().map(|to| planned(to.name.as_str(), Entry::Waiting)).collect();
    let routes = table.names_of(&decision);
    let reasons = Reasons { basis: Arc::clone(table.basis()), answers: decision.answers };
    Plan { routes, deliveries, reasons: Some(reasons), ..plan(waiting, &[]) }
}

impl Bench {
    async fn plan_by(&self, table: &RoutingTable, second: i64) {
        let plans = self.waiting_events().await.iter().map(|event| plan_by(table, event)).collect();
        self.store.plan(plans, at(second)).await.unwrap();
    }

    /// What the routes said to each event of run 1, a letter each: `+` for a match.
    async fn verdicts(&self) -> Vec<Option<String>> {
        let history = self.store.run("1").await.unwrap();
        let verdicts = |row: &seer_relay::store::EventRow| {
            let decided = row.decided.as_ref()?;
            let verdicts = decided.table.verdicts(&row.event, &decided.decision, row.issue_unknown);
            Some(verdicts.iter().map(|verdict| if verdict.matched { '+' } else { '-' }).collect())
        };
        history.events.iter().map(verdicts).collect()
    }

    /// The account of each delivery of run 1, in order of planning.
    async fn accounts(&self) -> Vec<Account> {
        let history = self.store.run("1").await.unwrap();
        history.deliveries.iter().map(|row| history.accounts[&row.id].clone()).collect()
    }
}

#[tokio::test]
async fn an_event_keeps_why_it_was_routed_so_whatever_the_routes_are_later() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    bench.accept(webhook("root_cause_completed").run("1")).await;
    bench.plan_by(&table("*_started"), 0).await;
    bench.accept(webhook("solution_started").run("1")).await;
    bench.plan_by(&table("*_completed"), 1).await;
    bench.accept(webhook("solution_completed").run("1")).await;
    bench.plan_by(&table("*_started"), 2).await;
    bench.accept(webhook("coding_started").run("1")).await;
    bench.plan(3, &["audit"]).await;
    bench.accept(webhook("coding_completed").run("1")).await;

    let bench = bench.restart().await;
    let kept = |verdicts: &str| Some(verdicts.to_owned());
    assert_eq!(bench.verdicts().await, [kept("+-"), kept("--"), kept("--"), kept("--"), None, None]);
    assert_eq!(bench.count("routing"), 2, "each table once");
    let history = bench.store.run("1").await.unwrap();
    let decided = history.events[0].decided.as_ref().unwrap();
    let set = decided.table.set_for(&decided.decision, &name("audit"), Part::Message);
    assert_eq!(set, Some(("oncall", SetFrom::Route("fixes".to_owned()))));
    assert_eq!(
        history.events.iter().map(|row| row.planned_at.is_some()).collect::<Vec<_>>(),
        [true, true, true, true, true, false]
    );
}

#[tokio::test]
async fn a_routing_table_goes_with_the_last_event_that_was_routed_by_it() {
    let bench = Bench::new().await;
    let day = 24 * 3600;
    bench.accept(webhook("root_cause_started").run("1")).await;
    bench.plan_by(&table("coding_*"), 0).await;
    bench.accept(webhook("root_cause_completed").run("1").at(day)).await;
    bench.plan_by(&table("pr_*"), day).await;
    bench.store.prune(at(day), 10).await.unwrap();
    assert_eq!(bench.count("routing"), 2, "the run is kept, and with it both of its events");
    bench.accept(webhook("root_cause_started").run("2").at(3 * day)).await;
    bench.plan_by(&table("iteration_*"), 3 * day).await;
    while bench.store.prune(at(2 * day), 10).await.unwrap() > 0 {}
    assert_eq!(bench.count("routing"), 1);
}

#[tokio::test]
async fn every_attempt_is_on_record_with_what_made_its_message() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["audit"]).await;
    for (second, next, template) in
        [(0, retry_at(5), Some("oncall/default.md.tera".to_owned())), (5, Next::Delivered, None)]
    {
        let claim = bench.claim_one(second, "audit").await;
        let record = attempted(&claim, second, next);
        let attempt = record.attempt.map(|attempt| seer_relay::delivery::Attempt { template, ..attempt });
        bench.store.record(Record { attempt, ..record }, at(second)).await.unwrap();
    }
    let account = bench.accounts().await.remove(0);
    let tries: Vec<_> =
        account.tries.iter().map(|each| (each.number, each.started_at, each.status, each.reason)).collect();
    assert_eq!(tries, [(1, at(0), Some(503), Some(Reason::ServerError)), (2, at(5), Some(204), None)]);
    let made_by: Vec<_> = account.tries.into_iter().map(|each| each.template).collect();
    assert_eq!(made_by, [MadeBy::Template("oncall/default.md.tera".to_owned()), MadeBy::BuiltIn]);
    assert_eq!(account.finished_at, Some(at(5)));
}

#[tokio::test]
async fn what_an_older_version_wrote_is_not_taken_for_more_than_it_is() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["audit"]).await;
    bench.deliver_all(0, "audit").await;
    // As the schema of this version makes the rows of an older one read.
    let connection = rusqlite::Connection::open(super::bench::config(&bench.folder).path).unwrap();
    connection.execute("UPDATE attempt SET template = ''", []).unwrap();
    assert_eq!(bench.verdicts().await, [None]);
    assert_eq!(bench.accounts().await[0].tries[0].template, MadeBy::Unknown);
}

#[tokio::test]
async fn a_delivery_says_why_it_was_superseded() {
    let bench = Bench::new().await;
    let created = bench.accept(webhook("pr_created").run("1")).await;
    bench.accept(webhook("pr_ready_for_review").run("1")).await;
    let waiting = bench.waiting_events().await;
    let card = || PlannedDelivery {
        kind: DestinationKind::Slack,
        part: Part::Card,
        ..planned("chat", Entry::Waiting)
    };
    let plan_of = |number: usize, entry| {
        let deliveries = vec![planned("audit", entry), planned("late", Entry::Superseded), card()];
        Plan { deliveries, ..plan(&waiting[number], &[]) }
    };
    bench.store.plan(vec![plan_of(0, Entry::Waiting)], at(0)).await.unwrap();
    bench.store.plan(vec![plan_of(1, Entry::SupersededBy(created.clone()))], at(1)).await.unwrap();
    let newest = bench.claim_one(2, "chat").await;
    bench.record(&newest, 2, Next::Superseded).await;

    let why: Vec<_> = bench.accounts().await.into_iter().map(|account| account.needless).collect();
    assert_eq!(
        why,
        [
            None,
            Some(Needless::Late),
            Some(Needless::NewerCard(newest.delivery.id)),
            Some(Needless::ToldBy(created)),
            Some(Needless::Late),
            Some(Needless::NothingNew),
        ]
    );
}

#[tokio::test]
async fn what_a_digest_tells_and_what_one_told_before_says_so() {
    let bench = Bench::new().await;
    let within = Duration::from_hours(1);
    let to_digest = |unless| PlannedDelivery {
        part: Part::Digest,
        ..planned("chat", Entry::Gathered { within, unless })
    };
    let plan_all = async |entry: PlannedDelivery, second| {
        let waiting = bench.waiting_events().await.remove(0);
        let plans = vec![Plan { deliveries: vec![entry], ..plan(&waiting, &[]) }];
        bench.store.plan(plans, at(second)).await.unwrap();
    };
    let created = bench.accept(webhook("pr_created").run("1")).await;
    plan_all(to_digest(None), 0).await;
    let digest = bench.claim_one(3_600, "chat").await;
    bench.record(&digest, 3_600, Next::Delivered).await;
    bench.accept(webhook("pr_ready_for_review").run("1")).await;
    plan_all(to_digest(Some(created.clone())), 3_601).await;
    bench.accept(webhook("iteration_started").run("1")).await;
    plan_all(to_digest(None), 3_602).await;
    bench.accept(webhook("iteration_completed").run("1")).await;
    plan_all(to_digest(None), 3_603).await;

    let why: Vec<_> = bench.accounts().await.into_iter().map(|account| account.needless).collect();
    assert_eq!(why, [None, Some(Needless::ToldBy(created)), None, Some(Needless::Gathered)]);
}

#[tokio::test]
async fn a_delivery_that_waits_says_for_what() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1")).await;
    bench.accept(webhook("root_cause_completed").run("1")).await;
    bench.plan(0, &["audit"]).await;
    let first = bench.claim_one(0, "audit").await;
    let hold = DestinationChange::HeldUntil(at(30));
    let record = Record { destination: hold, ..attempted(&first, 0, retry_at(5)) };
    bench.store.record(record, at(0)).await.unwrap();

    let accounts = bench.accounts().await;
    let behind: Vec<_> = accounts.iter().map(|account| account.behind.clone()).collect();
    assert_eq!(behind, [None, Some(first.delivery.id)]);
    assert!(accounts.iter().all(|account| account.paused_until == Some(at(30))));
}

#[tokio::test]
async fn an_event_is_found_by_its_own_id_and_by_that_of_a_delivery() {
    let bench = Bench::new().await;
    let event = bench.accept_and_plan(webhook("pr_created").run("1"), 0, &["audit"]).await;
    let delivery = bench.deliveries(0).await.remove(0).id;
    for id in [event.as_str(), delivery.as_str(), &event.as_str().to_uppercase()] {
        let found = bench.store.event(id).await.unwrap();
        assert_eq!((found.event.clone(), found.history.run.label().as_str()), (event.clone(), "acme/1"));
    }
    for id in ["1", "acme/1", "evt_", "dlv_none"] {
        assert!(bench.store.event(id).await.is_err(), "{id}");
    }
}

#[tokio::test]
async fn runs_are_read_a_few_at_a_time_from_those_that_have_something_since() {
    let bench = Bench::new().await;
    for (run, second) in [("1", 0), ("2", 10), ("3", 20)] {
        bench.accept(webhook("root_cause_started").run(run).at(second)).await;
    }
    bench.accept(webhook("root_cause_completed").run("1").at(30)).await;
    let runs = bench.store.runs_since(at(15)).await.unwrap();
    assert_eq!(runs.len(), 2);
    let tales = bench.store.tales(&runs).await.unwrap();
    assert_eq!(tales.iter().map(|tale| tale.events.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(bench.store.runs_since(at(31)).await.unwrap(), []);
    assert!(bench.store.tales(&[]).await.unwrap().is_empty());
}
