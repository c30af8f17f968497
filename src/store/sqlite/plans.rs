//! How lists and the catalogue find what they ask for: no statement of theirs looks at all of a table that grows, but
//! where it walks along an index and ends with the page.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::catalogue::words::list_words;
use super::connection::open_to_serve;
use super::ids::Ids;
use super::writer::Writing;
use super::{catalogue, delivery_page, history, listing, place};
use crate::delivery::{DeliveryState, DestinationName};
use crate::event::{GroupId, Organization};
use crate::run::RunState;
use crate::store::{Cursor, DeliveryFilter, RunFilter};

/// Lines of plans that name a scan, and why each is none that grows with the store.
const ALLOWED: &[(&str, &str)] = &[
    ("SCAN catalogue", "a table of one row"),
    ("SCAN store", "a table of one row"),
    ("SCAN destination", "as many rows as there are destinations"),
    ("SCAN t", "destinations"),
    ("SCAN c VIRTUAL TABLE INDEX", "numbers that the statement was given, a page full"),
    ("SCAN uncatalogued", "what is to be looked at again: few rows, and gone once they were"),
    (
        "SCAN d",
        "deliveries along their own number, downwards, until the page is full or 20,000 were looked at",
    ),
    ("SCAN delivery", "the newest number alone: the end of the table"),
    ("SCAN event", "the newest number alone: the end of the table"),
    ("SCAN search VIRTUAL TABLE INDEX 0:=", "one row by its number"),
    ("SCAN c VIRTUAL TABLE INDEX 1:", "the labels of one run"),
    ("SCAN temp.search_word VIRTUAL TABLE INDEX 513", "the next word alone, found in the index of words"),
    ("SCAN s VIRTUAL TABLE INDEX", "runs that words lead to, downwards, until the page is full"),
    ("SCAN (subquery", "rows that a statement made itself"),
    ("SCAN of_issue", "the runs of one issue, a hundred at most"),
    ("SCAN o", "the runs of one issue, one behind the other"),
    ("SCAN CONSTANT ROW", "no table"),
];

thread_local! {
    static ASKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

#[expect(clippy::needless_pass_by_value, reason = "it is called so")]
fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event {
        ASKED.with_borrow_mut(|asked| asked.insert(sql.to_owned()));
    }
}

/// Opens a new store and notes every statement that is run from now on.
fn traced(path: &Path) -> Connection {
    place::inspect(path, super::connection::LATEST_VERSION).unwrap();
    let connection = open_to_serve(path).unwrap();
    connection
        .execute_batch(
            "INSERT INTO destination (id, name, kind) VALUES (1, 'audit', 'webhook');
             INSERT INTO run (number, organization, opened_at) VALUES (1, 'acme', 0), (2, 'acme', 5);
             INSERT INTO run_name (name, kind, organization, run_number) VALUES
                 ('5', 'group', 'acme', 2), ('7', 'run_id', 'acme', 1), ('8', 'run_id', 'acme', 2);
             INSERT INTO event (id, organization, run_number, resource, action, run_id, group_id, received_at) VALUES
                 ('evt_1', 'acme', 1, 'seer', 'pr_created', '7', '5', 0), ('evt_2', 'acme', 2, 'seer', 'pr_created', '8', '5', 5);
             INSERT INTO delivery (id, event_sequence, run_number, destination_id, origin, state, created_at) VALUES
                 ('dlv_1', 1, 1, 1, 'event', 'delivered', 0), ('dlv_2', 2, 2, 1, 'event', 'dead', 5);",
        )
        .unwrap();
    ASKED.with_borrow_mut(BTreeSet::clear);
    list_words(&connection).unwrap();
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note));
    connection
}

/// Returns each statement that was noted and scans something that no one allows, with its plan.
fn scans(connection: &Connection) -> Vec<String> {
    connection.trace_v2(TraceEventCodes::empty(), None);
    let asked = ASKED.with_borrow(Clone::clone);
    // What a trigger or a virtual table runs by itself begins with `--`.
    let asked = asked.iter().filter(|sql| !sql.starts_with("--"));
    let plan = |sql: &String| -> Vec<String> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        lines.collect::<rusqlite::Result<_>>().unwrap()
    };
    let is_allowed = |line: &String| {
        !line.starts_with("SCAN")
            || ALLOWED.iter().any(|(allowed, _)| {
                line.strip_prefix(allowed)
                    .is_some_and(|rest| rest.is_empty() || !rest.starts_with(char::is_alphanumeric))
            })
    };
    asked
        .map(|sql| (sql, plan(sql)))
        .filter(|(_, plan)| !plan.iter().all(is_allowed))
        .map(|(sql, plan)| format!("{sql}\n    {}", plan.join("\n    ")))
        .collect()
}

/// Every filter of runs alone, every two, and all of them.
fn filters() -> Vec<RunFilter> {
    let at = Timestamp::UNIX_EPOCH;
    let parts: [fn(&mut RunFilter); 8] = [
        |filter| filter.text = Some("api checkout".to_owned()),
        |filter| filter.organization = Some(Organization::new("acme")),
        |filter| filter.repo = Some("acme/api".to_owned()),
        |filter| filter.state = Some(RunState::PrCreated),
        |filter| filter.action = Some("pr_created".to_owned()),
        |filter| filter.destination = Some(DestinationName::new("audit")),
        |filter| filter.since = Some(Timestamp::UNIX_EPOCH),
        |filter| filter.until = Some(Timestamp::UNIX_EPOCH),
    ];
    let mut filters = vec![RunFilter::default()];
    for (place, one) in parts.iter().enumerate() {
        for other in parts.iter().skip(place) {
            let mut filter = RunFilter::default();
            one(&mut filter);
            other(&mut filter);
            filters.push(filter);
        }
    }
    let mut all = RunFilter { since: Some(at), ..RunFilter::default() };
    for part in parts {
        part(&mut all);
    }
    filters.push(all);
    filters
}

#[test]
fn no_list_of_runs_scans() {
    let folder = tempfile::tempdir().unwrap();
    let connection = traced(&folder.path().join("relay.db"));
    bring_up_to_date(&connection);
    for filter in filters() {
        for after in [None, Some(Cursor(2))] {
            listing::runs(&connection, &filter, after, 50).unwrap();
        }
    }
    assert!(!listing::runs(&connection, &RunFilter::default(), None, 50).unwrap().items.is_empty());
    listing::choices(&connection).unwrap();
    listing::behind(&connection).unwrap();
    assert_eq!(scans(&connection), [""; 0]);
}

#[test]
fn no_list_of_deliveries_and_no_single_run_scans() {
    let folder = tempfile::tempdir().unwrap();
    let connection = traced(&folder.path().join("relay.db"));
    for state in DeliveryState::ALL.iter().copied().map(Some).chain([None]) {
        for destination in [None, Some(DestinationName::new("audit"))] {
            for since in [None, Some(Timestamp::UNIX_EPOCH)] {
                let filter = DeliveryFilter { state, destination: destination.clone(), since, until: since };
                for after in [None, Some(Cursor(2))] {
                    delivery_page::deliveries(&connection, &filter, after, 1, Timestamp::UNIX_EPOCH).unwrap();
                }
            }
        }
    }
    for name in ["acme/7", "7", "evt_1"] {
        assert!(history::run(&connection, name).unwrap().is_ok());
    }
    assert!(history::event(&connection, "dlv_1").unwrap().is_ok());
    assert_eq!(scans(&connection), [""; 0]);
}

#[test]
fn keeping_the_catalogue_scans_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let connection = traced(&folder.path().join("relay.db"));
    bring_up_to_date(&connection);
    let mut ids = Ids::default();
    let writing = Writing::new(&connection, &mut ids);
    catalogue::note(&writing, 1).unwrap();
    catalogue::note_issue(&writing, &Organization::new("acme"), &GroupId::new("5")).unwrap();
    bring_up_to_date(&connection);
    catalogue::remove(&writing, 1).unwrap();
    assert_eq!(scans(&connection), [""; 0]);
}

fn bring_up_to_date(connection: &Connection) {
    let mut ids = Ids::default();
    let writing = Writing::new(connection, &mut ids);
    while let Some(step) = catalogue::read(connection).unwrap() {
        catalogue::write(&writing, &step).unwrap();
    }
}
