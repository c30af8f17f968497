//! Connections: how the file is opened and set up, for writing and for reading, and the schema brought up to date.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use rusqlite_migration::{M, Migrations};

use super::catalogue::words::list_words;
use super::fault::{may_pass, unavailable};
use super::ids::Ids;
use super::log_file::LogFile;
use super::place::{self, APPLICATION_ID};
use crate::store::StoreError;
use crate::threads::breathe;

/// The schema's versions, oldest first; the number of a version is its place in this list, from 1.
const MIGRATION_STEPS: &[M<'static>] = &[
    M::up(include_str!("../migrations/sqlite/0001_store.sql")),
    M::up(include_str!("../migrations/sqlite/0002_issue.sql")),
    M::up(include_str!("../migrations/sqlite/0003_watch.sql")),
    M::up(include_str!("../migrations/sqlite/0004_message.sql")),
    M::up(include_str!("../migrations/sqlite/0005_card.sql")),
    M::up(include_str!("../migrations/sqlite/0006_issue_run.sql")),
    M::up(include_str!("../migrations/sqlite/0007_silence.sql")),
    M::up(include_str!("../migrations/sqlite/0009_mute.sql")),
    M::up(include_str!("../migrations/sqlite/0010_fallback.sql")),
    M::up(include_str!("../migrations/sqlite/0011_digest.sql")),
    M::up(include_str!("../migrations/sqlite/0012_reasons.sql")),
    M::up(include_str!("../migrations/sqlite/0013_catalogue.sql")),
    M::up(include_str!("../migrations/sqlite/0014_keeping.sql")),
    M::up(include_str!("../migrations/sqlite/0015_compact_catalogue.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(MIGRATION_STEPS);

/// The newest version in [`MIGRATIONS`].
pub(super) const LATEST_VERSION: i32 = 14;

/// Neither makes a file, and no connection is used by two threads at once.
const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
const READ_WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// How long a statement waits for a process beside us that writes; those hold the file for milliseconds.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of the file a connection keeps in memory, in KiB. The newest pages are the ones that are used.
const CACHE_KIB: i64 = 2_000;
/// After how many pages of log (4 KiB each) a commit moves them to the file, where no thread does it.
const CHECKPOINT_PAGES: i64 = 1_000;
/// How many prepared statements a connection keeps; more than there are.
const STATEMENTS: usize = 128;
/// After how many steps of a question, which take some 50 microseconds, it is time to think of others.
const STEPS: i32 = 1_000;

/// Why the file could not be opened for the relay.
#[derive(Debug)]
pub(super) struct NotOpened {
    /// What is wrong.
    pub(super) error: StoreError,
    /// Whether it may do to try again later.
    pub(super) may_pass: bool,
}

impl From<rusqlite::Error> for NotOpened {
    fn from(error: rusqlite::Error) -> Self {
        Self { may_pass: may_pass(&error), error: unavailable(&error) }
    }
}

impl From<StoreError> for NotOpened {
    fn from(error: StoreError) -> Self {
        Self { error, may_pass: false }
    }
}

/// Opens the file for the relay itself: makes the schema where it is missing, and ends all leases, whose owners are
/// gone.
///
/// # Errors
/// [`NotOpened`]; nothing is half done then, so that it can be called again.
pub(super) fn open_to_serve(path: &Path) -> Result<Connection, NotOpened> {
    let mut connection = connect_to_write(path)?;
    let version = prepare_file(&connection)?;
    place::check_marks(path, APPLICATION_ID, version, LATEST_VERSION)?;
    MIGRATIONS.to_latest(&mut connection).map_err(|error| {
        if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
            return NotOpened::from(err);
        }
        StoreError::Unavailable(format!("its schema could not be brought up to date: {error}")).into()
    })?;
    // They are few and found by their index: it takes as long with 100,000 waiting as with none.
    connection.execute("UPDATE delivery SET lease_until = NULL WHERE lease_until IS NOT NULL", [])?;
    Ok(connection)
}

/// Marks a new file as ours, which has to happen in this order, and returns the schema's version.
fn prepare_file(connection: &Connection) -> rusqlite::Result<i32> {
    let version = pragma_number(connection, "user_version")?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if pages == 0 {
        // Before the log is switched on: later the one is ignored, and the mark is to stand in the file itself whatever
        // happens next.
        connection.execute_batch(&format!(
            "BEGIN; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = {APPLICATION_ID}; COMMIT"
        ))?;
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    Ok(version)
}

/// Opens the file for writing as it is.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    connect_to_write(path).map_err(|error| unavailable(&error))
}

fn connect_to_write(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, READ_WRITE)?;
    set_up(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    LogFile::limit(&connection)?;
    // What is deleted is overwritten where that costs no writing, so that little is left to be found of it.
    // Source: https://www.sqlite.org/pragma.html#pragma_secure_delete, read 2026-11-30.
    connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
    Ok(connection)
}

/// Opens the file for reading alone.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, READ_ONLY).map_err(|error| unavailable(&error))?;
    set_up(&connection).map_err(|error| unavailable(&error))?;
    let go_on = || {
        breathe();
        false
    };
    connection.progress_handler(STEPS, Some(go_on)).map_err(|error| unavailable(&error))?;
    list_words(&connection).map_err(|error| unavailable(&error))?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else a statement is compiled anew whenever other values are bound that might want another plan.
    // Source: https://www.sqlite.org/queryplanner-ng.html#qpsg, read 2026-11-30.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", false)
}

/// Refuses a file that is not a store of exactly this version: a command beside the relay never changes the schema.
pub(super) fn check_beside(path: &Path) -> Result<(), StoreError> {
    // SQLite itself looks, and reads only: a handle of our own would, once closed, drop the locks of a relay in this
    // process.
    let marks = Connection::open_with_flags(path, READ_ONLY).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        Ok((
            pages,
            pragma_number(&connection, "application_id")?,
            pragma_number(&connection, "user_version")?,
        ))
    });
    let (application, version) = match marks {
        // `serve` made the file and came no further, or it was made for it.
        Ok((0, ..)) => return Err(StoreError::Missing { path: path.display().to_string() }),
        Ok((_, application, version)) => (application, version),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(place::not_a_store(path, "is not an SQLite database"));
        }
        Err(error) => return Err(unavailable(&error)),
    };
    place::check_marks(path, application, version, LATEST_VERSION)?;
    if version < LATEST_VERSION {
        return Err(StoreError::Refused {
            message: format!(
                "`{}` was written by an older seer-relay (its schema is version {version}, this one needs \
                 {LATEST_VERSION})",
                path.display()
            ),
            hint: "start `seer-relay serve` once: it brings the store up to date".to_owned(),
        });
    }
    Ok(())
}

fn pragma_number(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Tells the ids that are to be made from now on which ones were given out before.
pub(super) fn follow_ids(connection: &Connection, ids: &mut Ids) -> rusqlite::Result<()> {
    let newest = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).optional();
    let event = newest("SELECT id FROM event ORDER BY sequence DESC LIMIT 1")?;
    let delivery = newest("SELECT id FROM delivery ORDER BY number DESC LIMIT 1")?;
    ids.follow(event.as_deref(), delivery.as_deref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_runs_and_the_newest_is_the_version_that_is_checked_for() {
        MIGRATIONS.validate().unwrap();
        let mut connection = Connection::open_in_memory().unwrap();
        MIGRATIONS.to_latest(&mut connection).unwrap();
        assert_eq!(pragma_number(&connection, "user_version").unwrap(), LATEST_VERSION);
    }

    #[test]
    fn whoever_writes_waits_for_the_disk_at_each_commit_and_keeps_little_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, LATEST_VERSION).unwrap();
        let served = open_to_serve(&path).unwrap();
        for connection in [served, open_to_write(&path).unwrap(), open_to_read(&path).unwrap()] {
            let number = |name| pragma_number(&connection, name).unwrap();
            let full = 2;
            assert_eq!(number("synchronous"), full);
            assert_eq!((number("cache_size"), number("mmap_size")), (-2_000, 0));
            let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
        }
    }

    #[test]
    fn a_statement_is_compiled_once_whatever_its_values_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, LATEST_VERSION).unwrap();
        let connection = open_to_serve(&path).unwrap();
        let mut statement = connection
            .prepare("SELECT number FROM delivery WHERE destination_id = ?1 ORDER BY due_at LIMIT ?2")
            .unwrap();
        for values in [[1, 1], [2, 64], [3, 1]] {
            assert!(!statement.exists(values).unwrap());
        }
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }
}
