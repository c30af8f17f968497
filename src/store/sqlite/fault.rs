//! What SQLite's errors mean for whoever runs the relay: one table from result code to words.

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// Returns the store's error for one of SQLite's, in words that say what to do. They name no value that was stored.
pub(super) fn unavailable(error: &rusqlite::Error) -> StoreError {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) if lacks_room_for_index(error) => {
            "the disk is full; free some space"
        }
        Some(ErrorCode::DiskFull) => "the disk is full; free some space",
        Some(ErrorCode::SystemIoFailure) => {
            "reading or writing its file failed; look at the disk (full? failing? gone? a limit on the size of files?)"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "its file is damaged; stop the relay and restore a backup, or move the file away to begin a new one; its `-wal` and \
             `-shm` have to go with it"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "its file or folder cannot be written; give the relay's user write permission on both"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process keeps its file locked; end what else works on it (a backup, a `sqlite3` shell)"
        }
        Some(ErrorCode::CannotOpen) => {
            "its file cannot be opened; see that it and its folder are there and may be read and written"
        }
        Some(ErrorCode::OutOfMemory) => "there is no memory left",
        Some(ErrorCode::TooBig) => "a value is larger than SQLite holds (1 GB)",
        Some(_) | None => return StoreError::Unavailable(error.to_string()),
    };
    StoreError::Unavailable(format!("{advice} ({error})"))
}

/// Returns whether the index of the log (`-shm`) could not grow, of which SQLite speaks as of any other failure.
fn lacks_room_for_index(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// Returns whether waiting may be all that it takes: there will be room again, the disk will be back.
pub(super) fn may_pass(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure))
}

/// Returns whether a connection that met this error is not to be trusted with the next transaction.
pub(super) fn spoils_connection(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::ApiMisuse
                | ErrorCode::InternalMalfunction
        )
    )
}
