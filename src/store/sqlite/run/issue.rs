//! Runs by their issue: which one an event belongs to whose ids lead nowhere.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{GROUP, Names, merge, named};
use crate::event::{ACTIVITY_ALERT_RESOURCE, Action, EventId, GroupId, Organization, RELAY_RESOURCE};
use crate::run::{StepSign, twin_of};
use crate::store::sqlite::value::time;
use crate::store::sqlite::writer::Writing;

/// After how long a run of which nothing was heard is not the one whose root cause an alert tells.
const OVER_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How long ago the newest of the alerts was at most that a run with ids makes its own.
const TAKES_OVER_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How many runs of one issue are at work at once, at most, that an alert may tell of.
const AT_ONCE: usize = 8;

/// Lists the runs of the issue that an event names, of those that were merged into it and of the one that it was merged
/// into, the newest first: of an alert all that it may tell of, else that one alone.
pub(super) fn runs(writing: &Writing<'_>, names: &Names<'_>, group: &str) -> rusqlite::Result<Vec<i64>> {
    let mut runs = BTreeSet::new();
    for issue in same_issues(writing, names.organization, group)? {
        runs.extend(named(writing, &issue, GROUP, names.organization)?);
    }
    if !names.is_alert {
        return Ok(runs.pop_last().into_iter().collect());
    }
    let mut earlier = writing.prepare("SELECT earlier FROM run WHERE number = ?1 AND earlier IS NOT NULL")?;
    let mut listed = Vec::new();
    while let Some(run) = runs.pop_last().filter(|_| listed.len() < AT_ONCE) {
        listed.push(run);
        // It is smaller, so that this comes to an end.
        let earlier: Option<i64> = earlier.query_row([run], |row| row.get(0)).optional()?;
        runs.extend(earlier.filter(|earlier| *earlier < run));
    }
    Ok(listed)
}

/// Lists the ids by which Sentry may name an issue: that of the one that survived, and of all that were merged into it.
fn same_issues(writing: &Writing<'_>, organization: &str, group: &str) -> rusqlite::Result<Vec<String>> {
    let survivor: Option<String> = writing
        .prepare("SELECT merged_into FROM issue WHERE group_id = ?1 AND organization = ?2")?
        .query_row([group, organization], |row| row.get(0))
        .optional()?
        .flatten();
    let survivor = survivor.unwrap_or_else(|| group.to_owned());
    let mut same: Vec<String> = writing
        .prepare("SELECT group_id FROM issue WHERE merged_into = ?1 AND organization = ?2")?
        .query_map([survivor.as_str(), organization], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    same.push(survivor);
    Ok(same)
}

/// Returns to which of its issue's runs an event belongs that no id leads anywhere. An alert belongs to the one whose
/// webhook has told of its step, of several the one that did first; else to the newest one, unless it tells how another
/// run begins. A webhook does where only alerts have told of that, and lately.
pub(super) fn belongs_to(
    writing: &Writing<'_>,
    names: &Names<'_>,
    runs: &[i64],
    now: Timestamp,
) -> rusqlite::Result<Option<i64>> {
    let Some(newest) = runs.first() else { return Ok(None) };
    if names.is_alert {
        let mut told: Option<(EventId, i64)> = None;
        for run in runs {
            let twin = twin_in(writing, names, *run)?.map(|twin| (twin, *run));
            told = told.into_iter().chain(twin).min();
        }
        if let Some((_, run)) = told {
            return Ok(Some(run));
        }
    }
    let heard = Heard::of(writing, *newest)?;
    let silent_for = heard.silent_for(now);
    let belongs = if names.is_alert {
        !names.begins || silent_for <= OVER_AFTER
    } else {
        heard.only_alerts && silent_for <= TAKES_OVER_WITHIN
    };
    Ok(belongs.then_some(*newest))
}

/// Finds the webhook of an alert's step among the events of a run, where no other alert has told of that one.
fn twin_in(writing: &Writing<'_>, names: &Names<'_>, run: i64) -> rusqlite::Result<Option<EventId>> {
    let alert = StepSign {
        id: EventId::new(""),
        is_alert: true,
        action: names.event.action().clone(),
        iteration: names.event.iteration(),
        received_at: names.event.received_at(),
    };
    let mut signs: Vec<StepSign> = writing
        .prepare(
            "SELECT id, resource = ?3, action, iteration, received_at FROM event
             WHERE run_number = ?1 AND action = ?2 AND resource <> ?4 ORDER BY sequence",
        )?
        .query_map(params![run, alert.action.as_str(), ACTIVITY_ALERT_RESOURCE, RELAY_RESOURCE], |row| {
            Ok(StepSign {
                id: EventId::new(row.get::<_, String>(0)?),
                is_alert: row.get(1)?,
                action: Action::from_name(row.get_ref(2)?.as_str()?),
                iteration: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
                received_at: time(row.get(4)?),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let id = alert.id.clone();
    signs.push(alert);
    Ok(twin_of(&id, signs))
}

/// What was heard of a run; what the relay noticed itself is nothing that was heard.
struct Heard {
    last: Option<Timestamp>,
    only_alerts: bool,
}

impl Heard {
    fn of(writing: &Writing<'_>, run: i64) -> rusqlite::Result<Self> {
        writing
            .prepare(
                "SELECT max(received_at), min(resource = ?2) FROM event WHERE run_number = ?1 AND resource <> ?3",
            )?
            .query_row(params![run, ACTIVITY_ALERT_RESOURCE, RELAY_RESOURCE], |row| {
                let last = row.get::<_, Option<i64>>(0)?.map(time);
                Ok(Self { last, only_alerts: row.get::<_, Option<bool>>(1)?.unwrap_or(false) })
            })
    }

    fn silent_for(&self, now: Timestamp) -> SignedDuration {
        self.last.map(|last| now.duration_since(last)).unwrap_or_default()
    }
}

/// Makes one of the newest runs of two issues, now that one is known to be merged into the other: where both are at work,
/// and of one of them only alerts have told, Sentry spoke of one run by both ids.
pub(in crate::store::sqlite) fn unite(
    writing: &Writing<'_>,
    organization: &Organization,
    merged: &GroupId,
    survivor: &GroupId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut newest: Vec<i64> = writing
        .prepare(
            "SELECT DISTINCT run_number FROM run_name WHERE name IN (?1, ?2) AND kind = ?3 AND organization = ?4",
        )?
        .query_map(params![merged.as_str(), survivor.as_str(), GROUP, organization.as_str()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    newest.sort_unstable();
    let [older, younger] = newest[..] else { return Ok(()) };
    let (one, other) = (Heard::of(writing, older)?, Heard::of(writing, younger)?);
    let at_work = one.silent_for(now).max(other.silent_for(now)) <= OVER_AFTER;
    if at_work && one.only_alerts != other.only_alerts {
        merge(writing, older, younger, now)?;
    }
    Ok(())
}
