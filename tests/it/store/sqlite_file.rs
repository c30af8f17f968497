//! What is particular to a store in a file: which files are opened, who may open them, and what a crash leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use seer_relay::store::{
    Access, FindError, History, Next, Queue, ReplayTarget, StoreConfig, StoreError, open,
};
use tempfile::TempDir;

use super::bench::{Bench, WINDOW, at, config, name, webhook};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Opens a file that must be refused, and sees to it that it is left as it was.
async fn refusal(config: &StoreConfig, access: Access) -> (String, String) {
    let before = fs::read(&config.path).ok();
    let error = open(config, access).await.expect_err("must be refused");
    assert_eq!(fs::read(&config.path).ok(), before, "it was changed");
    let StoreError::Refused { message, hint } = error else { panic!("{error:?}") };
    (message, hint)
}

fn file_with(content: &[u8]) -> (TempDir, StoreConfig) {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    fs::create_dir(config.path.parent().unwrap()).unwrap();
    fs::write(&config.path, content).unwrap();
    (folder, config)
}

#[tokio::test]
async fn a_new_store_is_for_its_user_alone() {
    let bench = Bench::new().await;
    let path = config(&bench.folder).path;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for file in fs::read_dir(path.parent().unwrap()).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    let connection = Connection::open(&path).unwrap();
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        (pragma("auto_vacuum"), pragma("application_id"), pragma("user_version")),
        (2, 0x5365_6572, 14)
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    for content in [b"hello".as_slice(), &[0; 4096], b"SQLite format 3\0"] {
        let (_folder, config) = file_with(content);
        for access in [Access::Serve, Access::Beside] {
            let (message, hint) = refusal(&config, access).await;
            assert_eq!(message, format!("`{}` is not an SQLite database", config.path.display()));
            assert!(hint.contains("store.url"), "{hint}");
        }
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let (_folder, config) = file_with(b"");
    Connection::open(&config.path).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    for access in [Access::Serve, Access::Beside] {
        let (message, _) = refusal(&config, access).await;
        assert_eq!(message, format!("`{}` belongs to another program", config.path.display()));
    }
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let bench = Bench::new().await;
    let config = config(&bench.folder);
    drop(bench.store);
    Connection::open(&config.path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for access in [Access::Serve, Access::Beside] {
        let (message, hint) = refusal(&config, access).await;
        assert!(
            message.contains("newer seer-relay (its schema is version 99, this one knows 14)"),
            "{message}"
        );
        assert!(hint.starts_with("upgrade seer-relay"), "{hint}");
    }
}

#[tokio::test]
async fn a_command_beside_the_relay_does_not_bring_an_older_store_up_to_date() {
    let bench = Bench::new().await;
    let config = config(&bench.folder);
    drop(bench.store);
    Connection::open(&config.path).unwrap().pragma_update(None, "user_version", 0).unwrap();
    let (message, hint) = refusal(&config, Access::Beside).await;
    assert!(message.contains("older seer-relay"), "{message}");
    assert_eq!(hint, "start `seer-relay serve` once: it brings the store up to date");
}

#[tokio::test]
async fn a_place_where_no_file_can_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data"), "in the way").unwrap();
    let (message, hint) = refusal(&config(&folder), Access::Serve).await;
    assert!(message.starts_with("cannot make the store's folder"), "{message}");
    assert!(hint.contains("write permission"), "{hint}");

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(config(&folder).path).unwrap();
    let (message, _) = refusal(&config(&folder), Access::Serve).await;
    assert!(message.starts_with("cannot open the store"), "{message}");
}

#[tokio::test]
async fn a_command_beside_the_relay_never_makes_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let error = open(&config, Access::Beside).await.expect_err("there is none");
    assert_eq!(error.to_string(), format!("there is no store at `{}`", config.path.display()));
    assert!(config.path.is_absolute() && !config.path.parent().unwrap().exists());
}

#[tokio::test]
async fn a_file_that_a_start_left_empty_is_no_store_yet_and_nobody_elses() {
    let (_folder, config) = file_with(b"");
    let error = open(&config, Access::Beside).await.expect_err("there is none");
    assert_eq!(error.to_string(), format!("there is no store at `{}`", config.path.display()));
    open(&config, Access::Serve).await.expect("it becomes one");
}

#[tokio::test]
async fn a_store_has_one_relay_at_a_time() {
    let bench = Bench::new().await;
    let error = open(&config(&bench.folder), Access::Serve).await.expect_err("it is in use");
    let path = config(&bench.folder).path;
    assert_eq!(
        error.to_string(),
        format!(
            "the store `{}` is in use by another `seer-relay serve` (process {})",
            path.display(),
            std::process::id()
        )
    );
    bench.restart().await;
}

#[tokio::test]
async fn commands_read_and_replay_beside_a_running_relay() {
    let bench = Bench::new().await;
    bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let claim = bench.claim_one(0, "audit").await;
    bench.record(&claim, 0, Next::Delivered).await;

    let beside = open(&config(&bench.folder), Access::Beside).await.unwrap();
    assert_eq!(beside.run("1").await.unwrap().deliveries.len(), 1);
    let target = ReplayTarget::Delivery(claim.delivery.id.clone());
    let replayed = beside.replay(target, at(1)).await.unwrap();
    beside.reopen_destination(&name("audit")).await.unwrap();
    assert!(matches!(beside.run("2").await, Err(FindError::Unknown(_))));

    let again = bench.claim_one(1, "audit").await;
    assert_eq!(replayed.deliveries, [(claim.delivery.id, again.delivery.id)]);
    drop(beside);
    bench.accept(webhook("root_cause_started").run("2")).await;
}

#[tokio::test]
async fn commands_work_on_a_store_whose_relay_is_down() {
    let bench = Bench::new().await;
    let event = bench.accept_and_plan(webhook("root_cause_started").run("1"), 0, &["audit"]).await;
    let config = config(&bench.folder);
    drop(bench.store);
    let beside = open(&config, Access::Beside).await.unwrap();
    assert_eq!(beside.runs(10).await.unwrap().len(), 1);
    beside.replay(ReplayTarget::Event(event), at(1)).await.unwrap();
    drop(beside);
    let store = open(&config, Access::Serve).await.unwrap();
    assert_eq!(store.backlog().await.unwrap().events, 1);
}

#[tokio::test]
async fn everything_that_was_answered_is_in_the_files_of_a_killed_process() {
    let bench = Bench::new().await;
    let mut events = Vec::new();
    for run in 0..50 {
        events.push(bench.accept(webhook("root_cause_started").run(&run.to_string())).await);
    }
    bench.plan(0, &["audit"]).await;
    let claims = bench.claim(0, "audit").await;
    bench.record(&claims[0], 0, Next::Delivered).await;

    // What lies on disk while the process still runs is what a kill would leave.
    let from = config(&bench.folder).path;
    let left = tempfile::tempdir().unwrap();
    let to = config(&left).path;
    fs::create_dir(to.parent().unwrap()).unwrap();
    for suffix in ["", "-wal"] {
        let (from, to) = (format!("{}{suffix}", from.display()), format!("{}{suffix}", to.display()));
        fs::copy(from, to).unwrap();
    }
    let store = open(&config(&left), Access::Serve).await.unwrap();
    let after = Bench { store, folder: left };
    assert_eq!(after.deliver_all(0, "audit").await, events[1..]);
}

#[tokio::test]
async fn a_file_that_is_taken_away_makes_the_store_unavailable_until_it_is_back() {
    let bench = Bench::new().await;
    let path = config(&bench.folder).path;
    let away = bench.folder.path().join("away.db");
    fs::rename(&path, &away).unwrap();
    let event = webhook("root_cause_started").run("1");
    let error = bench.store.accept(event.accepted(), WINDOW).await.unwrap_err();
    assert!(error.to_string().contains("was removed or replaced"), "{error}");
    assert!(bench.store.probe().await.is_err());
    fs::rename(&away, &path).unwrap();
    bench.accept(event).await;
}

#[tokio::test]
async fn what_is_pruned_gives_its_room_back_to_the_disk() {
    let bench = Bench::new().await;
    let path = config(&bench.folder).path;
    for run in 0..30 {
        let diff = "+".repeat(500_000);
        bench.accept(webhook("coding_completed").run(&run.to_string()).with("diff", diff.into())).await;
    }
    bench.plan(0, &[]).await;
    let bench = bench.restart().await;
    let full = fs::metadata(&path).unwrap().len();
    assert_eq!(bench.store.prune(at(1), 1000).await.unwrap(), 30);
    let bench = bench.restart().await;
    let pruned = fs::metadata(&path).unwrap().len();
    assert!(full > 15_000_000 && pruned < 5_000_000, "{full} bytes, then {pruned}");
    bench.accept(webhook("coding_completed").run("1")).await;
}

#[tokio::test]
async fn a_backup_that_takes_the_files_place_under_a_relay_is_what_the_next_one_goes_on_with() {
    let bench = Bench::new().await;
    for run in 0..50 {
        bench.accept(webhook("root_cause_started").run(&run.to_string())).await;
    }
    let path = config(&bench.folder).path;
    let (backup, moved) = (bench.folder.path().join("backup.db"), bench.folder.path().join("moved.db"));
    let into = format!("VACUUM INTO '{}'", backup.display());
    Connection::open(&path).unwrap().execute_batch(&into).unwrap();
    for run in 50..100 {
        bench.accept(webhook("root_cause_started").run(&run.to_string())).await;
    }
    fs::rename(&path, &moved).unwrap();
    fs::copy(&backup, &path).unwrap();
    let refused = bench.store.accept(webhook("pr_created").run("1").accepted(), WINDOW).await.unwrap_err();
    assert!(refused.to_string().contains("removed or replaced"), "{refused}");

    let bench = bench.restart().await;
    assert_eq!(bench.store.runs(200).await.unwrap().len(), 50);
    let look = |path: &std::path::Path| {
        let connection = Connection::open(path).unwrap();
        let events: i64 = connection.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        (events, check)
    };
    assert_eq!(look(&path), (50, "ok".to_owned()));
    assert_eq!(look(&moved), (100, "ok".to_owned()), "nothing that was accepted is lost with the old one");
}
