//! Issues: what Sentry said of them last.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::value::{micros, time, word};
use super::writer::Writing;
use crate::event::{GroupId, Organization};
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

/// Reads what is kept of an issue. What a newer version wrote in a way that this one cannot read counts as not known.
pub(super) fn read(
    connection: &Connection,
    organization: &Organization,
    group: &GroupId,
) -> rusqlite::Result<Option<KeptIssue>> {
    connection
        .prepare_cached(
            "SELECT issue, source, fetched_at FROM issue WHERE group_id = ?1 AND organization = ?2",
        )?
        .query_row([group.as_str(), organization.as_str()], |row| {
            let issue = row.get_ref(0)?.as_str_or_null()?.and_then(|text| serde_json::from_str(text).ok());
            let source = word(row.get_ref(1)?.as_str()?, IssueSource::from_word)?;
            Ok(KeptIssue { issue, source, kept_at: time(row.get(2)?) })
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
