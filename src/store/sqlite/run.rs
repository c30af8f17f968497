//! Runs and their names: which run an event belongs to, and two runs that turn out to be one.

pub(super) mod issue;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::value::micros;
use super::{catalogue, lane, strip, writer::Writing};
use crate::event::{ACTIVITY_ALERT_RESOURCE, GroupId, RunId, SentryRunId, Stage};
use crate::sentry::payload::AcceptedEvent;

/// A name of Sentry's `run_id`.
pub(super) const RUN_ID: &str = "run_id";
/// A name of Sentry's `sentry_run_id`.
pub(super) const SENTRY_RUN_ID: &str = "sentry_run_id";
/// A name by content, for an event that shows no id: leads to an equal one alone, and is never shown.
const CONTENT: &str = "content";

/// A name by the issue: leads to its newest run, and by `run.earlier` to those before it. Never shown.
const GROUP: &str = "group";

/// What an event says of the run that it belongs to.
pub(super) struct Names<'a> {
    event: &'a AcceptedEvent,
    organization: &'a str,
    run_id: Option<&'a str>,
    sentry_run_id: Option<&'a str>,
    group: Option<&'a str>,
    is_alert: bool,
    /// Whether it tells of what every run begins with.
    begins: bool,
    /// Set where nothing else leads anywhere.
    content: Option<String>,
}

impl<'a> Names<'a> {
    /// Reads them from an event.
    pub(super) fn of(event: &'a AcceptedEvent) -> Self {
        let run_id = event.run_id().map(RunId::as_str);
        let sentry_run_id = event.sentry_run_id().map(SentryRunId::as_str);
        let group = event.group_id().map(GroupId::as_str);
        let is_alert = event.resource() == ACTIVITY_ALERT_RESOURCE;
        let nameless = run_id.is_none() && sentry_run_id.is_none() && !(is_alert && group.is_some());
        let content = nameless.then(|| hex::encode(event.fingerprint()));
        let begins = event.action().stage() == Some(Stage::RootCause);
        Self {
            event,
            organization: event.organization().as_str(),
            run_id,
            sentry_run_id,
            group,
            is_alert,
            begins,
            content,
        }
    }
}

/// The runs that an event's names lead to.
#[derive(Debug)]
pub(super) struct Found {
    run_id: Option<i64>,
    sentry_run_id: Option<i64>,
    /// The run of its issue that it may belong to.
    group: Option<i64>,
    /// The run of the newest event of the same content.
    content: Option<i64>,
    /// The runs of its issue, where no id leads anywhere.
    of_issue: Vec<i64>,
}

impl Found {
    /// Returns where an equal event may stand: in the oldest of them, or in any run of its issue.
    pub(super) fn runs(&self) -> impl Iterator<Item = i64> {
        let oldest = [self.run_id, self.sentry_run_id, self.group, self.content].into_iter().flatten().min();
        let others = self.of_issue.iter().copied().filter(move |run| Some(*run) != oldest);
        oldest.into_iter().chain(others)
    }
}

/// Looks an event's names up.
pub(super) fn find(writing: &Writing<'_>, names: &Names<'_>, now: Timestamp) -> rusqlite::Result<Found> {
    let look_up = |name: Option<&str>, kind: &str| match name {
        Some(name) => named(writing, name, kind, names.organization),
        None => Ok(None),
    };
    let run_id = look_up(names.run_id, RUN_ID)?;
    let sentry_run_id = look_up(names.sentry_run_id, SENTRY_RUN_ID)?;
    let content = look_up(names.content.as_deref(), CONTENT)?;
    let by_group = run_id.is_none() && sentry_run_id.is_none() && names.content.is_none();
    let of_issue = match names.group.filter(|_| by_group) {
        Some(group) => issue::runs(writing, names, group)?,
        None => Vec::new(),
    };
    let group = issue::belongs_to(writing, names, &of_issue, now)?;
    Ok(Found { run_id, sentry_run_id, group, content, of_issue })
}

/// Returns the run that a name leads to.
fn named(writing: &Writing<'_>, name: &str, kind: &str, organization: &str) -> rusqlite::Result<Option<i64>> {
    writing
        .prepare("SELECT run_number FROM run_name WHERE name = ?1 AND kind = ?2 AND organization = ?3")?
        .query_row([name, kind, organization], |row| row.get(0))
        .optional()
}

/// The run of a new event.
pub(super) struct Entered {
    pub(super) run: i64,
    /// Whether it is the first one there.
    pub(super) is_new: bool,
}

/// Returns the run of a new event. Opens one where its names lead nowhere, from then on the newest of its issue; links a name that is new to the run that the
/// other one leads to, and makes one of two where they lead to different runs.
pub(super) fn enter(
    writing: &Writing<'_>,
    names: &Names<'_>,
    found: &Found,
    now: Timestamp,
) -> rusqlite::Result<Entered> {
    let known = match (found.run_id, found.sentry_run_id) {
        (Some(one), Some(other)) if one != other => {
            let older = one.min(other);
            merge(writing, older, one.max(other), now)?;
            Some(older)
        }
        (run_id, sentry_run_id) => run_id.or(sentry_run_id).or(found.group),
    };
    let run = match known {
        Some(run) => run,
        None => open(writing, names, now)?,
    };
    if let (Some(name), None) = (names.run_id, found.run_id) {
        link(writing, name, RUN_ID, names.organization, run)?;
    }
    if let (Some(name), None) = (names.sentry_run_id, found.sentry_run_id) {
        link(writing, name, SENTRY_RUN_ID, names.organization, run)?;
    }
    if let Some(content) = &names.content {
        link(writing, content, CONTENT, names.organization, run)?;
    }
    Ok(Entered { run, is_new: known.is_none() })
}

fn open(writing: &Writing<'_>, names: &Names<'_>, now: Timestamp) -> rusqlite::Result<i64> {
    let run = writing
        .prepare(
            "INSERT INTO run (organization, opened_at, earlier) VALUES (?1, ?2,
                 (SELECT run_number FROM run_name WHERE name = ?3 AND kind = ?4 AND organization = ?1))",
        )?
        .insert(params![names.organization, micros(now), names.group, GROUP])?;
    if let Some(group) = names.group {
        link(writing, group, GROUP, names.organization, run)?;
    }
    Ok(run)
}

fn link(writing: &Writing<'_>, name: &str, kind: &str, organization: &str, run: i64) -> rusqlite::Result<()> {
    writing
        .prepare(
            "INSERT INTO run_name (name, kind, organization, run_number) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET run_number = excluded.run_number",
        )?
        .execute(params![name, kind, organization, run])
        .map(drop)
}

/// Moves everything of the younger run to the older one.
fn merge(writing: &Writing<'_>, older: i64, younger: i64, now: Timestamp) -> rusqlite::Result<()> {
    for name in names_of(writing, younger)? {
        writing
            .prepare(
                "UPDATE run_name SET run_number = ?4
                 WHERE name = ?1 AND kind = ?2 AND organization = ?3 AND run_number = ?5",
            )?
            .execute(params![name.text, name.kind, name.organization, older, younger])?;
    }
    for sql in [
        // Deliveries are found through the events, so these go last.
        "UPDATE delivery SET run_number = ?1
         WHERE event_sequence IN (SELECT sequence FROM event WHERE run_number = ?2) AND run_number = ?2",
        "UPDATE event SET run_number = ?1 WHERE run_number = ?2",
        // Where both have one, the older run's stays the first.
        "INSERT OR IGNORE INTO message (run_number, destination_id, channel, id, shows, mentions)
         SELECT ?1, destination_id, channel, id, shows, mentions FROM message WHERE run_number = ?2",
        "UPDATE run SET opened_at = min(opened_at, (SELECT opened_at FROM run WHERE number = ?2)) WHERE number = ?1",
    ] {
        writing.prepare(sql)?.execute([older, younger])?;
    }
    for sql in ["DELETE FROM message WHERE run_number = ?1", "DELETE FROM run WHERE number = ?1"] {
        writing.prepare(sql)?.execute([younger])?;
    }
    catalogue::remove(writing, younger)?;
    catalogue::note(writing, older)?;
    lane::put_right(writing, older, now)
}

/// Removes a run and everything of it.
pub(super) fn remove(writing: &Writing<'_>, run: i64) -> rusqlite::Result<()> {
    catalogue::remove(writing, run)?;
    strip::forget_run(writing, run)?;
    for name in names_of(writing, run)? {
        writing
            .prepare(
                "DELETE FROM run_name WHERE name = ?1 AND kind = ?2 AND organization = ?3 AND run_number = ?4",
            )?
            .execute(params![name.text, name.kind, name.organization, run])?;
    }
    for sql in [
        "DELETE FROM attempt WHERE delivery_number IN (
             SELECT d.number FROM event e JOIN delivery d ON d.event_sequence = e.sequence WHERE e.run_number = ?1)",
        "DELETE FROM delivery WHERE event_sequence IN (SELECT sequence FROM event WHERE run_number = ?1)",
        "DELETE FROM payload WHERE sequence IN (SELECT sequence FROM event WHERE run_number = ?1)",
        "DELETE FROM event_artifacts WHERE sequence IN (SELECT sequence FROM event WHERE run_number = ?1)",
        "DELETE FROM watched WHERE sequence IN (SELECT sequence FROM event WHERE run_number = ?1)",
        "DELETE FROM event WHERE run_number = ?1",
        "DELETE FROM message WHERE run_number = ?1",
        "DELETE FROM run WHERE number = ?1",
    ] {
        writing.prepare(sql)?.execute([run])?;
    }
    Ok(())
}

/// A row of `run_name` that may lead to a run.
struct Name {
    text: String,
    kind: String,
    organization: String,
}

/// Lists the names that the events of a run have shown: every name that leads to it is among them.
fn names_of(writing: &Writing<'_>, run: i64) -> rusqlite::Result<Vec<Name>> {
    writing
        .prepare(
            "SELECT run_id, 'run_id', organization FROM event WHERE run_number = ?1 AND run_id IS NOT NULL
             UNION
             SELECT sentry_run_id, 'sentry_run_id', organization FROM event
             WHERE run_number = ?1 AND sentry_run_id IS NOT NULL
             UNION
             SELECT group_id, 'group', organization FROM event WHERE run_number = ?1 AND group_id IS NOT NULL
             UNION
             SELECT lower(hex(fingerprint)), 'content', organization FROM event
             WHERE run_number = ?1 AND run_id IS NULL AND sentry_run_id IS NULL AND fingerprint IS NOT NULL",
        )?
        .query_map([run], |row| Ok(Name { text: row.get(0)?, kind: row.get(1)?, organization: row.get(2)? }))?
        .collect()
}
