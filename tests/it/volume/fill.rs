//! Fills a store: one run is played through the real relay, and then its rows are copied as often as it takes.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OpenFlags, params};
use seer_relay::clock::Clock;

use super::until;
use crate::support::{Receiver, RelayFolder};

/// The steps of the run that is copied, in order.
const STEPS: [&str; 8] = [
    "root_cause_started",
    "root_cause_completed",
    "solution_started",
    "solution_completed",
    "coding_started",
    "coding_completed",
    "pr_created",
    "pr_ready_for_review",
];
/// How many of them a run has: most have all.
const LENGTHS: [i64; 8] = [8, 8, 8, 8, 8, 8, 6, 4];
/// Over how many days the runs are spread.
const DAYS: i64 = 90;
/// The first id of a run.
const FIRST_RUN_ID: i64 = 1_000_000;
/// How long cataloguing a million events may take.
const CATALOGUING: Duration = Duration::from_mins(20);
/// What issues are about.
const WORDS: [&str; 16] = [
    "TypeError",
    "checkout",
    "invoice",
    "session",
    "KeyError",
    "gateway",
    "search",
    "cart",
    "webhook",
    "deadline",
    "ValueError",
    "profile",
    "export",
    "queue",
    "payment",
    "avatar",
];

/// What a store is filled with.
pub(super) struct Volume {
    pub(super) events: i64,
    pub(super) runs: i64,
    pub(super) deliveries: i64,
    pub(super) repos: i64,
}

impl Volume {
    /// Sentry's id of the run of this number, from 1.
    pub(super) fn run_id(&self, number: i64) -> i64 {
        assert!((1..=self.runs).contains(&number));
        FIRST_RUN_ID + number
    }
}

/// A time as the address of a list has it.
pub(super) fn days_ago(days: i64) -> String {
    (Clock::system().now() - SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Sends one whole run through a relay.
pub(super) async fn play_model_run(folder: &RelayFolder, receivers: &[Receiver; 2]) {
    let relay = folder.serve();
    let url = format!("http://{}/webhooks/sentry", relay.address());
    for step in STEPS {
        let sent = folder.run(&["send", step, "--run", "1", "--org", "acme", "--url", &url]);
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
    receivers[0].took(STEPS.len()).await;
    folder.until_nothing_waits().await;
    assert!(relay.terminate().success());
}

/// Copies the run's rows until there are so many events, about.
pub(super) fn fill(store: &Path, events: i64) -> Volume {
    let connection = Connection::open(store).unwrap();
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    connection.pragma_update(None, "cache_size", -200_000).unwrap();
    let per_round: i64 = LENGTHS.iter().sum();
    let runs = events * 8 / per_round;
    let repos = (runs / 700).clamp(5, 200);
    let now = Clock::system().now();
    let first = (now - SignedDuration::from_hours(24 * DAYS)).as_microsecond();
    let apart = (now - Timestamp::from_microsecond(first).unwrap()).as_secs() * 1_000_000 / (runs + 1);
    prepare(&connection, runs, repos, first, apart);
    connection.execute_batch(COPY).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let volume = Volume {
        events: count("SELECT count(*) FROM event"),
        runs,
        deliveries: count("SELECT count(*) FROM delivery"),
        repos,
    };
    connection
        .execute_batch("DROP TABLE copy; DROP TABLE model; DROP TABLE sent; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    volume
}

/// Writes down which runs there are to be, and numbers what is copied.
fn prepare(connection: &Connection, runs: i64, repos: i64, first: i64, apart: i64) {
    connection
        .execute_batch(
            "CREATE TABLE model AS SELECT e.*, row_number() OVER (ORDER BY sequence) AS step, a.artifacts
                 FROM event e LEFT JOIN event_artifacts a USING (sequence);
             CREATE TABLE sent AS SELECT d.*, m.step, row_number() OVER (PARTITION BY m.step ORDER BY d.number) - 1 AS nth
                 FROM delivery d JOIN model m ON m.sequence = d.event_sequence;
             CREATE TABLE copy (run INTEGER PRIMARY KEY, opened_at INTEGER, organization TEXT, repo TEXT, length INTEGER,
                                title TEXT, base INTEGER);",
        )
        .unwrap();
    let mut insert = connection.prepare("INSERT INTO copy VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)").unwrap();
    connection.execute_batch("BEGIN").unwrap();
    let mut base = i64::try_from(STEPS.len()).unwrap();
    for run in 1..=runs {
        // Scattered, but the same at each call.
        let chance = |salt: i64, most: i64| ((run * 2_654_435_761 + salt * 40_503) >> 7).rem_euclid(most);
        let length = LENGTHS[usize::try_from(chance(1, 8)).unwrap()];
        let organization = if chance(2, 10) == 0 { "other" } else { "acme" };
        // A few repositories have most of the runs.
        let repo = chance(3, repos) * chance(4, repos) / repos;
        let word = |salt| WORDS[usize::try_from(chance(salt, 16)).unwrap()];
        let rare = if run == runs / 3 { "zanzibar" } else { "" };
        let title = format!("{}: {} of {} {rare}", word(5), word(6), word(7));
        let repo = format!("acme/repo-{repo}");
        insert.execute(params![run, first + run * apart, organization, repo, length, title, base]).unwrap();
        base += length;
    }
    connection.execute_batch("COMMIT").unwrap();
}

/// The run of number 1 is the model; copies begin at 1,000. What a delivery became is a matter of its number: most were
/// delivered, one in a hundred died, few wait for long.
const COPY: &str = "
BEGIN;
INSERT INTO run (number, organization, opened_at) SELECT 1000 + run, organization, opened_at FROM copy;
INSERT INTO run_name (name, kind, organization, run_number)
    SELECT 1000000 + run, 'run_id', organization, 1000 + run FROM copy
    UNION ALL SELECT 5000000 + run, 'group', organization, 1000 + run FROM copy ORDER BY 1;
INSERT INTO event (sequence, id, organization, run_number, resource, action, run_id, sentry_run_id, group_id, iteration,
                   received_at, sent_at, fingerprint, due_at, planned_at, routes, routing, answers, seen)
    SELECT c.base + m.step, 'evt_01a' || printf('%023d', c.base + m.step), c.organization, 1000 + c.run, m.resource, m.action,
           1000000 + c.run, NULL, 5000000 + c.run, m.iteration, c.opened_at + m.step * 30000000, c.opened_at, randomblob(32),
           NULL, c.opened_at + m.step * 30000000, m.routes, m.routing, m.answers, m.seen
    FROM copy c JOIN model m ON m.step <= c.length ORDER BY 1;
INSERT INTO event_artifacts (sequence, artifacts)
    SELECT c.base + m.step, replace(m.artifacts, 'acme/api', c.repo)
    FROM copy c JOIN model m ON m.step <= c.length WHERE m.artifacts IS NOT NULL ORDER BY 1;
INSERT INTO payload (sequence, headers, body)
    SELECT c.base + m.step, '[]', x'7b7d' FROM copy c JOIN model m ON m.step <= c.length ORDER BY 1;
INSERT INTO issue (group_id, organization, issue, source, fetched_at)
    SELECT 5000000 + run, organization,
           json_object('id', CAST(5000000 + run AS TEXT), 'title', title, 'short_id', 'API-' || run), 'api', opened_at
    FROM copy ORDER BY 1;
INSERT INTO delivery (number, id, event_sequence, run_number, destination_id, part, origin, state, created_at, first_due_at,
                      due_at, attempts, last_status, last_reason, finished_at)
    SELECT 1000 + 2 * (c.base + s.step) + s.nth, 'dlv_01a' || printf('%023d', 2 * (c.base + s.step) + s.nth),
           c.base + s.step, 1000 + c.run, s.destination_id, s.part, 'event', w.state,
           c.opened_at + s.step * 30000000, c.opened_at + s.step * 30000000,
           iif(w.state = 'waiting' AND s.step = 1, 4000000000000000, NULL), 1,
           CASE w.state WHEN 'delivered' THEN 200 WHEN 'dead' THEN 403 END, iif(w.state = 'dead', 'auth', NULL),
           iif(w.state = 'waiting', NULL, c.opened_at + s.step * 30000000 + 500000)
    FROM copy c JOIN sent s ON s.step <= c.length
         JOIN (SELECT 0 AS least, 0 AS most, 'waiting' AS state UNION ALL SELECT 1, 1, 'superseded'
               UNION ALL SELECT 2, 4, 'dead' UNION ALL SELECT 5, 299, 'delivered') w
           ON c.run % 300 BETWEEN w.least AND w.most ORDER BY 1;
INSERT INTO attempt (delivery_number, attempt, started_at, duration_us, rung, status, reason)
    SELECT number, 1, created_at, 400000, 'whole', last_status, last_reason FROM delivery WHERE number > 1000;
COMMIT;";

/// Waits until the catalogue has seen everything.
pub(super) async fn until_catalogued(store: &Path) {
    let connection = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let behind = "SELECT (SELECT max(sequence) FROM event) - seen_event + (SELECT max(number) FROM delivery) - seen_delivery
                  FROM catalogue";
    until("the catalogue knows every event", CATALOGUING, || {
        connection.query_row(behind, [], |row| row.get::<_, i64>(0)).unwrap() == 0
    })
    .await;
}
