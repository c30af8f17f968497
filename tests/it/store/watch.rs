//! Runs that have fallen silent: which are looked at, how often, and what is noticed of them.

use std::time::Duration;

use seer_relay::event::{Action, Artifacts, EventId, PullRequest};
use seer_relay::run::RunState;
use seer_relay::store::{Access, AfterLook, Look, Notice, ReplayTarget, SilentFor, SilentRuns, open};
use serde_json::json;

use super::bench::{Bench, Webhook, alert, at, config, webhook};

/// Half an hour, and a day.
const SILENCE: SilentFor = SilentFor { at_least: Duration::from_mins(30), at_most: Duration::from_hours(24) };
const HALF_AN_HOUR: i64 = 30 * 60;

fn started(run: &str, second: i64) -> Webhook {
    webhook("coding_started").run(run).with("group_id", json!(5)).at(second)
}

async fn silent(bench: &Bench, second: i64) -> SilentRuns {
    bench.store.silent_runs(SILENCE, at(second), 100).await.unwrap()
}

/// The newest events of the runs that are to be looked at, and how often they were.
async fn due(bench: &Bench, second: i64) -> Vec<(EventId, u32)> {
    let runs = silent(bench, second).await.runs;
    runs.iter().filter_map(|run| Some((run.events.last()?.id.clone(), run.looks))).collect()
}

async fn settle(bench: &Bench, sequence: i64, next: AfterLook, second: i64) -> Option<EventId> {
    bench.store.settle_look(Look { sequence, next }, at(second)).await.unwrap()
}

/// A notice, and that Sentry is asked again at this second.
fn notice(action: Action, again: Option<i64>) -> AfterLook {
    let notice = Notice { action, failed_pull_requests: Vec::new(), silence: None };
    AfterLook::Notice { notice, again: again.map(at) }
}

fn failed() -> AfterLook {
    notice(Action::RunFailed, None)
}

#[tokio::test]
async fn a_run_is_looked_at_once_nothing_was_heard_of_it_for_long_enough() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_completed").run("1").at(0)).await;
    let first = bench.accept(started("1", 1)).await;
    let second = bench.accept(started("2", 60)).await;

    let early = silent(&bench, HALF_AN_HOUR).await;
    assert!(
        early.runs.is_empty(),
        "the first event is not the newest of its run, and the second is a second younger"
    );
    assert_eq!(early.next_due, Some(at(HALF_AN_HOUR + 1)));
    assert_eq!(due(&bench, HALF_AN_HOUR + 1).await, [(first.clone(), 0)]);
    let both = silent(&bench, HALF_AN_HOUR + 60).await;
    assert_eq!((both.runs.len(), both.next_due, both.may_be_more), (2, None, false));
    assert_eq!(both.runs[0].events.len(), 2, "the whole run");

    settle(&bench, both.runs[0].sequence, AfterLook::Over, HALF_AN_HOUR + 60).await;
    assert_eq!(due(&bench, HALF_AN_HOUR + 60).await, [(second, 0)]);
    let bench = bench.restart().await;
    settle(&bench, both.seen.unwrap(), AfterLook::Seen, HALF_AN_HOUR + 61).await;
    let bench = bench.restart().await;
    assert_eq!(
        silent(&bench, HALF_AN_HOUR + 61).await,
        SilentRuns::default(),
        "the cursor outlives a restart"
    );
}

#[tokio::test]
async fn of_what_a_run_brought_its_pull_requests_are_known_and_nothing_that_may_be_long() {
    let bench = Bench::new().await;
    let failed = json!({ "repo_name": "acme/api", "pull_request": { "pr_id": null, "pr_number": null, "pr_url": null } });
    let change = json!({ "diff": "+a", "path": "a.py", "type": "M", "added": 1, "removed": 0 });
    bench.accept(webhook("pr_created").run("1").with("pull_requests", json!([failed])).at(0)).await;
    bench
        .accept(
            webhook("coding_completed").run("1").with("code_changes", json!({ "acme/api": [change] })).at(1),
        )
        .await;

    let run = silent(&bench, HALF_AN_HOUR + 1).await.runs.remove(0);
    let artifacts: Vec<_> = run.events.iter().map(|event| &event.artifacts).collect();
    let pull_requests = artifacts[0].pull_requests.as_deref().unwrap();
    assert_eq!(
        pull_requests.iter().map(|each| (each.repo.as_deref(), each.failed)).collect::<Vec<_>>(),
        [(Some("acme/api"), true)]
    );
    assert_eq!(artifacts[1], &Artifacts::default());
}

#[tokio::test]
async fn what_is_no_news_any_more_is_passed_over_and_no_more_is_read_than_was_asked_for() {
    let bench = Bench::new().await;
    bench.accept(started("old", 0)).await;
    for run in 0..5_i64 {
        bench.accept(started(&run.to_string(), 24 * 3600 + run)).await;
    }
    let now = at(24 * 3600 + HALF_AN_HOUR + 10);
    let some = bench.store.silent_runs(SILENCE, now, 3).await.unwrap();
    assert_eq!((some.runs.len(), some.may_be_more), (3, true));
    let labels: Vec<_> =
        some.runs.iter().map(|run| run.events[0].run_id.clone().unwrap().to_string()).collect();
    assert_eq!(labels, ["0", "1", "2"]);
    assert_eq!(some.seen, Some(some.runs[2].sequence));
}

#[tokio::test]
async fn a_run_is_looked_at_again_when_that_was_asked_for_unless_something_was_heard_of_it() {
    let bench = Bench::new().await;
    let one = bench.accept(started("1", 0)).await;
    bench.accept(started("2", 0)).await;
    let first = silent(&bench, HALF_AN_HOUR).await;
    for run in first.runs {
        settle(&bench, run.sequence, AfterLook::Again(at(2 * HALF_AN_HOUR)), HALF_AN_HOUR).await;
    }
    settle(&bench, first.seen.unwrap(), AfterLook::Seen, HALF_AN_HOUR).await;
    let bench = bench.restart().await;
    let waits = silent(&bench, HALF_AN_HOUR + 1).await;
    assert_eq!((waits.runs.len(), waits.next_due), (0, Some(at(2 * HALF_AN_HOUR))));
    bench.accept(webhook("coding_completed").run("2").at(HALF_AN_HOUR + 2)).await;

    let again = silent(&bench, 2 * HALF_AN_HOUR).await;
    assert_eq!(due(&bench, 2 * HALF_AN_HOUR).await, [(one, 1)]);
    assert!(again.runs[1].events.is_empty(), "something was heard of the other one");
    for (run, next) in again.runs.iter().zip([AfterLook::Again(at(3 * HALF_AN_HOUR)), AfterLook::Over]) {
        settle(&bench, run.sequence, next, 2 * HALF_AN_HOUR).await;
    }
    let third = silent(&bench, 3 * HALF_AN_HOUR).await;
    assert_eq!(third.runs.iter().map(|run| run.looks).collect::<Vec<_>>(), [2, 0]);
}

#[tokio::test]
async fn a_notice_is_an_event_of_the_run_that_waits_to_be_routed() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").run("1").sentry_run("uuid").with("group_id", json!(5))).await;
    bench.accept(webhook("coding_started").sentry_run("uuid").at(1)).await;
    bench.plan(1, &[]).await;
    let pull_request = PullRequest {
        repo: Some("acme/api".to_owned()),
        failed: true,
        reason: Some("no right".to_owned()),
        ..PullRequest::default()
    };
    let failed_pull_requests = vec![pull_request.clone()];
    let notice = Notice { action: Action::RunFailed, failed_pull_requests, silence: None };
    let run = silent(&bench, 4000).await.runs.remove(0);
    let next = AfterLook::Notice { notice, again: None };
    let id = settle(&bench, run.sequence, next, 4000).await.unwrap();

    let waiting = bench.waiting_events().await.remove(0);
    let event = waiting.events.last().unwrap();
    assert_eq!((&event.id, event.resource.as_str(), &event.action), (&id, "relay", &Action::RunFailed));
    let ids = (event.run_id.as_ref().unwrap().as_str(), event.sentry_run_id.as_ref().unwrap().as_str());
    assert_eq!((ids, event.group_id.as_ref().unwrap().as_str()), (("1", "uuid"), "5"));
    assert_eq!((event.received_at, event.sent_at), (at(4000), None));
    assert_eq!(event.artifacts.pull_requests.as_deref(), Some(std::slice::from_ref(&pull_request)));
    assert_eq!(waiting.payload.as_deref(), Some(&b""[..]), "no webhook brought it");

    bench.plan(4000, &["audit"]).await;
    assert_eq!(bench.deliver_all(4000, "audit").await, std::slice::from_ref(&id));
    let history = bench.store.run("acme/1").await.unwrap();
    assert_eq!((history.run.state, history.events.len()), (RunState::Failed, 3));
    assert_eq!(history.run.pull_requests, [pull_request]);
    let replayed = bench.store.replay(ReplayTarget::Event(id.clone()), at(4001)).await.unwrap();
    assert_eq!(replayed.events, [id]);
}

#[tokio::test]
async fn there_is_no_second_notice() {
    let bench = Bench::new().await;
    bench.accept(started("1", 0)).await;
    let run = silent(&bench, HALF_AN_HOUR).await.runs.remove(0);
    assert!(settle(&bench, run.sequence, failed(), HALF_AN_HOUR).await.is_some());
    assert_eq!(settle(&bench, run.sequence, failed(), HALF_AN_HOUR).await, None);
    let bench = bench.restart().await;
    let later = silent(&bench, 3 * HALF_AN_HOUR).await;
    assert_eq!((later.runs.len(), later.seen), (0, Some(run.sequence + 1)), "a notice is passed over");
}

#[tokio::test]
async fn an_event_that_comes_meanwhile_wins() {
    let bench = Bench::new().await;
    bench.accept(started("1", 0)).await;
    let run = silent(&bench, HALF_AN_HOUR).await.runs.remove(0);
    bench.accept(webhook("coding_completed").run("1").at(HALF_AN_HOUR)).await;
    assert_eq!(settle(&bench, run.sequence, failed(), HALF_AN_HOUR).await, None);
    let history = bench.store.run("acme/1").await.unwrap();
    assert_eq!((history.run.state, history.events.len()), (RunState::CodingCompleted, 2));
}

#[tokio::test]
async fn a_notice_of_two_runs_that_became_one_is_one_of_that_one() {
    let bench = Bench::new().await;
    bench.accept(webhook("root_cause_started").sentry_run("uuid").at(0)).await;
    bench.accept(started("1", 1)).await;
    let runs = silent(&bench, HALF_AN_HOUR + 1).await.runs;
    bench.accept(webhook("solution_started").run("1").sentry_run("uuid").at(HALF_AN_HOUR)).await;
    for run in runs {
        assert_eq!(settle(&bench, run.sequence, failed(), HALF_AN_HOUR).await, None);
    }
}

#[tokio::test]
async fn a_notice_does_not_keep_a_run_of_alerts_from_the_webhook_that_names_it() {
    let bench = Bench::new().await;
    bench.accept(alert("seer_root_cause_started", json!({ "id": "5" })).at(0)).await;
    let run = silent(&bench, HALF_AN_HOUR).await.runs.remove(0);
    settle(&bench, run.sequence, failed(), HALF_AN_HOUR).await.unwrap();
    bench.accept(started("1", HALF_AN_HOUR + 1)).await;
    let runs = bench.store.runs(10).await.unwrap();
    let shown: Vec<_> = runs.iter().map(|row| (row.run.label(), row.run.state, row.events)).collect();
    assert_eq!(shown, [("acme/1".to_owned(), RunState::CodingStarted, 3)]);
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_no_run_wait_for_all_of_it() {
    let bench = Bench::new().await;
    let event = bench.accept(started("1", 10 * HALF_AN_HOUR)).await;
    assert_eq!(due(&bench, 0).await, [(event, 0)]);
}

#[tokio::test]
async fn what_is_removed_takes_the_cursor_with_it() {
    let bench = Bench::new().await;
    for run in 0..3_i64 {
        bench.accept(started(&run.to_string(), run)).await;
    }
    bench.plan(3, &[]).await;
    let seen = silent(&bench, HALF_AN_HOUR + 3).await;
    settle(&bench, seen.runs[0].sequence, AfterLook::Again(at(3 * HALF_AN_HOUR)), HALF_AN_HOUR).await;
    settle(&bench, seen.seen.unwrap(), AfterLook::Seen, HALF_AN_HOUR + 3).await;
    assert_eq!(bench.store.prune(at(1000), 1000).await.unwrap(), 3);
    settle(&bench, seen.seen.unwrap(), AfterLook::Seen, HALF_AN_HOUR + 3).await;

    let event = bench.accept(started("new", 2 * HALF_AN_HOUR)).await;
    assert_eq!(due(&bench, 3 * HALF_AN_HOUR).await, [(event, 0)], "it has the place of one that was removed");
}

#[tokio::test]
async fn what_an_older_version_took_in_is_not_asked_about() {
    let bench = Bench::new().await;
    bench.accept(started("1", 0)).await;
    let path = config(&bench.folder).path;
    drop(bench.store);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch(
        "DROP INDEX delivery_digest; ALTER TABLE delivery DROP COLUMN digest; ALTER TABLE delivery DROP COLUMN digest_due_at;
         ALTER TABLE delivery DROP COLUMN digest_until;
         DROP INDEX delivery_card; ALTER TABLE delivery DROP COLUMN in_doubt; DROP INDEX issue_merged;
         ALTER TABLE delivery DROP COLUMN held_until; ALTER TABLE delivery DROP COLUMN muting;
         ALTER TABLE delivery DROP COLUMN mentions;
         ALTER TABLE issue DROP COLUMN merged_into; ALTER TABLE run DROP COLUMN earlier; DROP TABLE hearing;
         DROP TABLE watch; DROP TABLE watched; DROP TABLE message; DROP TABLE dead_untold;
         DROP INDEX delivery_fallback; ALTER TABLE delivery DROP COLUMN fallback_from;
         ALTER TABLE delivery DROP COLUMN fallback_of; ALTER TABLE delivery DROP COLUMN fallback_reason;
         ALTER TABLE delivery DROP COLUMN fallback_by; ALTER TABLE destination DROP COLUMN fallback;
         ALTER TABLE destination DROP COLUMN down_since; ALTER TABLE destination DROP COLUMN down_organization;
         ALTER TABLE destination DROP COLUMN down_is_told; ALTER TABLE destination DROP COLUMN down_told_at;
         ALTER TABLE destination DROP COLUMN dead_told_at; ALTER TABLE store DROP COLUMN counts_dead;
         DROP TABLE routing; ALTER TABLE event DROP COLUMN routing; ALTER TABLE event DROP COLUMN answers;
         ALTER TABLE event DROP COLUMN seen; ALTER TABLE event DROP COLUMN replays; ALTER TABLE delivery DROP COLUMN told_by;
         ALTER TABLE attempt DROP COLUMN template; DROP TABLE outline; DROP TABLE facet; DROP TABLE label; DROP TABLE search;
         DROP TABLE catalogue; DROP TABLE uncatalogued; DROP TABLE strip; DROP TABLE unstripped;
         DROP TABLE forgotten; DROP TABLE husk; PRAGMA user_version = 2",
    )
    .unwrap();
    drop(file);
    let store = open(&config(&bench.folder), Access::Serve).await.unwrap();
    let bench = Bench { store, folder: bench.folder };
    let event = bench.accept(started("2", 1)).await;
    assert_eq!(due(&bench, HALF_AN_HOUR + 1).await, [(event, 0)]);
}

#[tokio::test]
async fn a_run_that_is_not_due_yet_is_looked_at_when_it_is() {
    let bench = Bench::new().await;
    let event = bench.accept(started("1", 0)).await;
    let run = silent(&bench, HALF_AN_HOUR).await.runs.remove(0);
    assert_eq!(run.due_at, None);
    settle(&bench, run.sequence, AfterLook::Later(at(4 * HALF_AN_HOUR)), HALF_AN_HOUR).await;
    let bench = bench.restart().await;
    let waits = silent(&bench, 2 * HALF_AN_HOUR).await;
    assert_eq!((waits.runs.len(), waits.next_due), (0, Some(at(4 * HALF_AN_HOUR))));
    assert_eq!(due(&bench, 4 * HALF_AN_HOUR).await, [(event, 0)], "nobody was asked yet");
    assert_eq!(silent(&bench, 4 * HALF_AN_HOUR).await.runs[0].due_at, Some(at(4 * HALF_AN_HOUR)));
}

#[tokio::test]
async fn a_run_that_was_told_to_be_silent_is_asked_about_again_and_no_event_is_left_out() {
    let bench = Bench::new().await;
    bench.accept(started("1", 0)).await;
    let other = bench.accept(started("2", HALF_AN_HOUR)).await;
    let run = silent(&bench, HALF_AN_HOUR).await.runs.remove(0);
    let again = notice(Action::RunStalled, Some(2 * HALF_AN_HOUR));
    let told = settle(&bench, run.sequence, again, HALF_AN_HOUR).await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(due(&bench, 2 * HALF_AN_HOUR).await, [(told.clone(), 1), (other.clone(), 0)]);
    let stalled = silent(&bench, 2 * HALF_AN_HOUR).await.runs.remove(0);
    let next = AfterLook::Again(at(3 * HALF_AN_HOUR));
    settle(&bench, stalled.sequence, next, 2 * HALF_AN_HOUR).await;
    assert_eq!(due(&bench, 2 * HALF_AN_HOUR).await, [(other, 0)], "the notice lies behind it");
    let stalled = silent(&bench, 3 * HALF_AN_HOUR).await.runs.remove(0);
    assert_eq!(stalled.looks, 2);
    assert!(settle(&bench, stalled.sequence, failed(), 3 * HALF_AN_HOUR).await.is_some());
    let history = bench.store.run("acme/1").await.unwrap();
    assert_eq!((history.run.state, history.events.len()), (RunState::Failed, 3));
}

#[tokio::test]
async fn what_was_accepted_while_nobody_watched_is_never_looked_at() {
    let bench = Bench::new().await;
    bench.accept(started("1", 0)).await;
    bench.store.begin_watch(true, at(1)).await.unwrap();
    let event = bench.accept(started("2", 2)).await;
    assert_eq!(due(&bench, HALF_AN_HOUR + 2).await, [(event.clone(), 0)]);
    bench.store.begin_watch(true, at(3)).await.unwrap();
    assert_eq!(due(&bench, HALF_AN_HOUR + 2).await, [(event, 0)], "somebody watched all the time");
    let run = silent(&bench, HALF_AN_HOUR + 2).await.runs.remove(0);
    settle(&bench, run.sequence, AfterLook::Later(at(2 * HALF_AN_HOUR)), HALF_AN_HOUR + 2).await;

    bench.store.begin_watch(false, at(4)).await.unwrap();
    bench.accept(started("3", 5)).await;
    let bench = bench.restart().await;
    let during_the_start = bench.accept(started("4", 7)).await;
    bench.store.begin_watch(true, at(6)).await.unwrap();
    assert_eq!(due(&bench, 2 * HALF_AN_HOUR).await, [(during_the_start, 0)]);
}
