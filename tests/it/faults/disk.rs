//! A disk that is full, fails, is read-only or was damaged, and files that are no store.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::everything_to;
use crate::support::{
    Answered, Fault, Ledger, Load, Machine, Receiver, Relay, RelayFolder, SECRET, Scale, Sentry,
};

/// Puts a relay under load through a disk that fails in between, and then through a kill.
async fn endures(
    folder: &RelayFolder,
    fault: &str,
    reason: &str,
    fails: impl Fn(&Relay, bool),
    audit: &Receiver,
) {
    let scale = Scale::of_run();
    let (rounds, some) = (scale.pick(1, 10), scale.pick(50, 300));
    let relay = folder.serve();
    let mut answered = Answered::default();
    for round in 0..rounds {
        let load = Load::start_with(&relay.sentry(), 4, round * 1_000_000, 2_000);
        load.until_accepted(some).await;
        fails(&relay, true);
        load.until_unavailable(some).await;
        relay.until_readiness(Some(reason)).await;
        assert_eq!(relay.sentry().get("/healthz").await.0, 200, "it is alive meanwhile");
        fails(&relay, false);
        relay.until_readiness(None).await;
        load.until_accepted(2 * some).await;
        answered.add(load.end().await);
    }
    relay.kill();
    let relay = folder.serve();
    Ledger::of(audit).settles(&answered).await;
    drop(relay);
    scale.report(
        fault,
        &format!(
            "{rounds} times, {} acknowledged, {} answered 503",
            answered.accepted.len(),
            answered.unavailable.len()
        ),
        "0 lost; `/readyz` says why; goes on by itself",
    );
}

#[tokio::test]
async fn a_limit_on_the_size_of_files_is_met_with_503_and_forgotten_once_it_is_lifted() {
    let audit = Receiver::start();
    let folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let bytes = |suffix| {
        std::fs::metadata(format!("{}{suffix}", folder.store().display())).map_or(0, |file| file.len())
    };
    let limit = |relay: &Relay, fails: bool| relay.limit_files(fails.then(|| bytes("").max(bytes("-wal"))));
    endures(&folder, "a limit on the size of files (SIGXFSZ)", "a limit on the size of files", limit, &audit)
        .await;
}

#[tokio::test]
async fn a_full_disk_is_met_with_503_and_forgotten_once_there_is_room() {
    let audit = Receiver::start();
    let mut folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let machine = Machine::under(&mut folder);
    let full = |_: &Relay, fails| machine.fails(Fault::DiskFull, fails);
    endures(&folder, "a full disk (ENOSPC)", "the disk is full; free some space", full, &audit).await;
}

#[tokio::test]
async fn an_fsync_that_fails_is_met_with_503_and_forgotten_once_it_works() {
    let audit = Receiver::start();
    let mut folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let machine = Machine::under(&mut folder);
    let failing = |_: &Relay, fails| machine.fails(Fault::Fsync, fails);
    endures(&folder, "fsync fails (EIO)", "reading or writing its file failed", failing, &audit).await;
}

#[tokio::test]
async fn on_a_full_disk_a_relay_starts_answers_503_and_goes_on_once_there_is_room() {
    let audit = Receiver::start();
    let mut folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let machine = Machine::under(&mut folder);
    machine.fails(Fault::DiskFull, true);
    let said = folder.serve_refused();
    assert!(said.contains("the disk is full") && !said.contains("by itself"), "{said}");

    machine.fails(Fault::DiskFull, false);
    assert!(folder.serve().terminate().success());
    machine.fails(Fault::DiskFull, true);
    let relay = folder.serve();
    relay.until_readiness(Some("the disk is full; free some space")).await;
    let body = Sentry::body("step", &json!({ "run_id": 1 }));
    let signature = Sentry::sign(&body, SECRET);
    assert_eq!(relay.sentry().try_post(body, &signature).await, Some(503));

    machine.fails(Fault::DiskFull, false);
    relay.until_readiness(None).await;
    relay.sentry().accepted("step", &json!({ "run_id": 2 })).await;
    audit.took(1).await;
    assert!(relay.terminate().success());
    Scale::of_run().report(
        "a full disk at the start",
        "1",
        "answers 503, goes on by itself; without a store: exit 1",
    );
}

/// Makes of a sound store what must be refused.
fn spoil(fault: &str, store: &Path) {
    // Whether the log outlives a stop is up to chance, and from a whole log the store could be read.
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", store.display()));
    }
    let set = |pragma: &str| rusqlite::Connection::open(store).unwrap().execute_batch(pragma).unwrap();
    match fault {
        "of another program" => set("PRAGMA application_id = 7"),
        "of a newer version" => set("PRAGMA user_version = 99"),
        "no database" => std::fs::write(store, "hello").unwrap(),
        "a folder" => {
            std::fs::remove_file(store).unwrap();
            std::fs::create_dir(store).unwrap();
        }
        "a named pipe" => {
            std::fs::remove_file(store).unwrap();
            assert!(Command::new("mkfifo").arg(store).status().unwrap().success());
        }
        other => panic!("`{other}`"),
    }
}

#[tokio::test]
async fn what_is_no_store_is_refused_with_what_to_do_and_left_as_it_is() {
    let faults = [
        ("of another program", "belongs to another program"),
        ("of a newer version", "newer seer-relay"),
        ("no database", "is not an SQLite database"),
        ("a folder", "it is not a regular file"),
        ("a named pipe", "it is not a regular file"),
    ];
    for (fault, words) in faults {
        let folder = RelayFolder::new("");
        assert!(folder.serve().terminate().success());
        spoil(fault, &folder.store());
        let before = folder.store().is_file().then(|| std::fs::read(folder.store()).unwrap());
        let said = folder.serve_refused();
        assert!(said.contains(words) && said.contains("hint: "), "{fault}: {said}");
        let beside = folder.run(&["runs"]);
        assert_eq!(beside.status.code(), Some(1), "{fault}");
        assert!(String::from_utf8_lossy(&beside.stderr).contains(words), "{fault}: {beside:?}");
        let after = folder.store().is_file().then(|| std::fs::read(folder.store()).unwrap());
        assert!(before == after, "{fault}: the file was changed");
    }
    let numbers = format!("{} files, a read-only file system", faults.len());
    Scale::of_run().report(
        "no store, another's or a newer one",
        &numbers,
        "exit 1 with what to do; never changed or replaced",
    );
}

#[tokio::test]
async fn a_read_only_file_system_is_said_at_the_start() {
    let mut folder = RelayFolder::new("");
    assert!(folder.serve().terminate().success());
    let machine = Machine::under(&mut folder);
    machine.fails(Fault::ReadOnly, true);
    let said = folder.serve_refused();
    assert!(said.contains("Read-only file system") && said.contains("write permission"), "{said}");
}

#[tokio::test]
async fn a_store_that_is_damaged_while_it_is_in_use_is_met_with_503_and_the_reason() {
    let audit = Receiver::start();
    let folder = RelayFolder::new(&everything_to(&[("audit", &audit)]));
    let relay = folder.serve();
    let load = Load::start_with(&relay.sentry(), 4, 0, 20_000);
    load.until_accepted(400).await;
    let answered = load.end().await;
    Ledger::of(&audit).settles(&answered).await;
    assert!(relay.terminate().success());

    let relay = folder.serve();
    let file = std::fs::File::options().write(true).open(folder.store()).unwrap();
    let garbage = vec![0xff; usize::try_from(file.metadata().unwrap().len()).unwrap() - 4096];
    file.write_all_at(&garbage, 4096).unwrap();
    let load = Load::start(&relay.sentry(), 1, 1_000_000);
    load.until_unavailable(10).await;
    load.end().await;
    relay.until_readiness(Some("its file is damaged")).await;
    drop(relay);
    Scale::of_run().report(
        "a store damaged while in use",
        "1",
        "503; `/readyz` says that its file is damaged",
    );
}
