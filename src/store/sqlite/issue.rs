//! Issues: what Sentry said of them last.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::value::{micros, time, word};
use super::{catalogue, run, writer::Writing};
use crate::event::{Event, GroupId, Organization};
use crate::run::Run;
use crate::store::{IssueSource, KeptIssue};

/// How many issues one transaction removes at most.
const ISSUES_AT_ONCE: i64 = 500;

/// What was said of an issue.
pub(super) struct Said<'a> {
    /// As JSON; `None` where Sentry has none.
    pub(super) issue: Option<&'a str>,
    /// The one that it was merged into.
    pub(super) merged_into: Option<&'a GroupId>,
    /// Who said it.
    pub(super) source: IssueSource,
}

/// Keeps what was said of an issue. Where Sentry has it no longer, what was known of it stays.
pub(super) fn keep(
    writing: &Writing<'_>,
    organization: &Organization,
    group: &GroupId,
    said: &Said<'_>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let Said { issue, merged_into, source } = said;
    writing
        .prepare(
            "INSERT INTO issue (group_id, organization, issue, source, fetched_at, merged_into)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET issue = coalesce(excluded.issue, issue), source = excluded.source,
                 fetched_at = excluded.fetched_at,
                 merged_into = iif(excluded.source = 'api' AND excluded.issue IS NOT NULL, excluded.merged_into, merged_into)",
        )?
        .execute(params![
            group.as_str(),
            organization.as_str(),
            issue,
            source.as_str(),
            micros(now),
            merged_into.map(GroupId::as_str)
        ])?;
    if issue.is_some() {
        catalogue::note_issue(writing, organization, group)?;
    }
    merged_into.map_or(Ok(()), |survivor| note_merged(writing, organization, group, survivor, now))
}

/// Lets the ids of an issue and of the one that it was merged into lead to the same runs.
fn note_merged(
    writing: &Writing<'_>,
    organization: &Organization,
    group: &GroupId,
    survivor: &GroupId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    // What was merged into it before is merged into that one now.
    writing
        .prepare("UPDATE issue SET merged_into = ?2 WHERE merged_into = ?1 AND organization = ?3")?
        .execute([group.as_str(), survivor.as_str(), organization.as_str()])?;
    run::issue::unite(writing, organization, group, survivor, now)
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
