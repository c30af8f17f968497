//! Issues: what Sentry said of them last.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::value::{micros, time, word};
use super::writer::Writing;
use crate::event::{Event, GroupId, Organization};
use crate::run::Run;
use crate::store::{IssueSource, KeptIssue};

/// How many issues one transaction removes at most.
const ISSUES_AT_ONCE: i64 = 500;

/// Keeps what was said of an issue (JSON). Where Sentry has it no longer, what was known of it stays.
pub(super) fn keep(
    writing: &Writing<'_>,
    organization: &Organization,
    group: &GroupId,
    issue: Option<&str>,
    source: IssueSource,
    now: Timestamp,
) -> rusqlite::Result<()> {
    writing
        .prepare(
            "INSERT INTO issue (group_id, organization, issue, source, fetched_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET issue = coalesce(excluded.issue, issue), source = excluded.source,
                                       fetched_at = excluded.fetched_at",
        )?
        .execute(params![group.as_str(), organization.as_str(), issue, source.as_str(), micros(now)])
        .map(drop)
}

/// Reads what is kept of the issue that these events are about, and how long it is.
pub(super) fn of_events(
    connection: &Connection,
    events: &[Event],
) -> rusqlite::Result<Option<(KeptIssue, usize)>> {
    match (events.last(), Run::group_of(events)) {
        (Some(event), Some(group)) => read(connection, &event.organization, group),
        (None, _) | (_, None) => Ok(None),
    }
}

/// Reads what is kept of an issue, and how long it is. What a newer version wrote in a way that this one cannot read counts as not known.
pub(super) fn read(
    connection: &Connection,
    organization: &Organization,
    group: &GroupId,
) -> rusqlite::Result<Option<(KeptIssue, usize)>> {
    connection
        .prepare_cached(
            "SELECT issue, source, fetched_at FROM issue WHERE group_id = ?1 AND organization = ?2",
        )?
        .query_row([group.as_str(), organization.as_str()], |row| {
            let json = row.get_ref(0)?.as_str_or_null()?.unwrap_or_default();
            let source = word(row.get_ref(1)?.as_str()?, IssueSource::from_word)?;
            let kept =
                KeptIssue { issue: serde_json::from_str(json).ok(), source, kept_at: time(row.get(2)?) };
            Ok((kept, json.len()))
        })
        .optional()
}

/// Removes some of the issues of which nothing was said since `before`; returns whether there may be more.
pub(super) fn prune(writing: &Writing<'_>, before: Timestamp) -> rusqlite::Result<bool> {
    let removed = writing
        .prepare(
            "DELETE FROM issue WHERE (group_id, organization) IN
                 (SELECT group_id, organization FROM issue INDEXED BY issue_fetched WHERE fetched_at < ?1 LIMIT ?2)",
        )?
        .execute([micros(before), ISSUES_AT_ONCE])?;
    Ok(i64::try_from(removed).is_ok_and(|removed| removed == ISSUES_AT_ONCE))
}
