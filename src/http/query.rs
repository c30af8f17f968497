//! What the address of a list asks for: filters, a place in the list, how many.

use std::time::Duration;

use actix_web::HttpRequest;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;

use super::error::ErrorCode;
use super::parameters::{
    ACTION, AFTER, COUNTED_SINCE, COUNTED_UNTIL, DELIVERY_STATE, DESTINATION, LIMIT, MOST, ORGANIZATION,
    REPO, ROWS, RUN_STATE, SINCE, TEXT, UNTIL,
};
use crate::delivery::{DeliveryState, DestinationName};
use crate::event::Organization;
use crate::run::RunState;
use crate::store::{Cursor, DeliveryFilter, ReportFilter, RunFilter};

/// How far a report goes back, unless it is said; so does that of the command.
const REPORT_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The parameters of an address; what is empty counts as not given, as a form sends it.
pub(super) struct Query {
    given: Vec<(String, String)>,
    /// By which "7d" means seven days ago.
    now: Timestamp,
}

/// A place in a list, and how many rows from there on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paging {
    pub(super) after: Option<Cursor>,
    pub(super) limit: usize,
}

impl Query {
    /// Reads the parameters of a request.
    pub(super) fn of(request: &HttpRequest, now: Timestamp) -> Self {
        Self::read_text(request.query_string(), now)
    }

    /// Reads parameters as they stand in an address.
    pub(super) fn read_text(text: &str, now: Timestamp) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
        Self { given: pairs.filter(|(_, value)| !value.trim().is_empty()).collect(), now }
    }

    /// Refuses parameters that nobody asked for.
    ///
    /// # Errors
    /// 400 `bad_query`, which names the first of them.
    pub(super) fn finish(self) -> Result<(), ErrorCode> {
        let Some((name, _)) = self.given.first() else { return Ok(()) };
        Err(bad(name, "is no parameter here, or is given twice"))
    }

    /// Takes a parameter.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let place = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.remove(place).1)
    }

    fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ErrorCode> {
        let Some(text) = self.text(name) else { return Ok(None) };
        read(text.trim()).map(Some).ok_or_else(|| bad(name, expected))
    }

    /// Takes a time: RFC 3339, a day, or how long ago.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, ErrorCode> {
        let now = self.now;
        self.read(
            name,
            "is no time: write `2026-12-01T08:00:00Z`, `2026-12-01` or how long ago, `7d`",
            |text| moment(text, now),
        )
    }

    /// Takes the filter of a list of runs.
    pub(super) fn runs(&mut self) -> Result<RunFilter, ErrorCode> {
        let (since, until) = self.between()?;
        Ok(RunFilter {
            text: self.text(TEXT.name),
            organization: self.text(ORGANIZATION.name).map(Organization::new),
            repo: self.text(REPO.name),
            state: self.read(RUN_STATE.name, "is no state of a run", RunState::from_word)?,
            action: self.text(ACTION.name),
            destination: self.text(DESTINATION.name).map(DestinationName::new),
            since,
            until,
        })
    }

    /// Takes the filter of a list of deliveries.
    pub(super) fn deliveries(&mut self) -> Result<DeliveryFilter, ErrorCode> {
        let (since, until) = self.between()?;
        Ok(DeliveryFilter {
            state: self.read(DELIVERY_STATE.name, "is no state of a delivery", DeliveryState::from_word)?,
            destination: self.text(DESTINATION.name).map(DestinationName::new),
            since,
            until,
        })
    }

    /// Takes between when the rows of a list began.
    fn between(&mut self) -> Result<(Option<Timestamp>, Option<Timestamp>), ErrorCode> {
        let (since, until) = (self.time(SINCE.name)?, self.time(UNTIL.name)?);
        if since.zip(until).is_some_and(|(since, until)| until < since) {
            return Err(bad(UNTIL.name, "lies before `since`"));
        }
        Ok((since, until))
    }

    /// Takes what a report is asked for: of the last 30 days, unless it is said.
    pub(super) fn report(&mut self) -> Result<ReportFilter, ErrorCode> {
        let given = (self.time(COUNTED_SINCE.name)?, self.time(COUNTED_UNTIL.name)?);
        let since = given.0.unwrap_or_else(|| self.now.checked_sub(REPORT_AGE).unwrap_or(Timestamp::MIN));
        let until = given.1.unwrap_or(self.now);
        if until < since {
            return Err(match given {
                (Some(_), None) => {
                    bad(COUNTED_UNTIL.name, "is now unless it is said, and lies before `since`")
                }
                (None, _) => {
                    bad(COUNTED_UNTIL.name, "lies before `since`, which is 30 days ago unless it is said")
                }
                (Some(_), Some(_)) => bad(COUNTED_UNTIL.name, "lies before `since`"),
            });
        }
        Ok(ReportFilter {
            since,
            until,
            organization: self.text(ORGANIZATION.name).map(Organization::new),
            repo: self.text(REPO.name),
        })
    }

    /// Takes a place in a list and how many rows are wanted.
    pub(super) fn paging(&mut self) -> Result<Paging, ErrorCode> {
        let expected = format!("is no number from 1 to {MOST}");
        let in_range = |text: &str| text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        Ok(Paging {
            after: self.read(AFTER.name, "is no `next` of a page", |text| text.parse().ok())?,
            limit: self.read(ROWS.name, &expected, in_range)?.unwrap_or(LIMIT),
        })
    }
}

fn bad(name: &str, what: &str) -> ErrorCode {
    ErrorCode::BadQuery(format!("{} {what}", crate::words::quoted(name)))
}

/// Reads a time as people write it.
pub(super) fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(day) = text.parse::<Date>() {
        return TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok();
    }
    let ago: Duration = humantime::parse_duration(text).ok()?;
    now.checked_sub(ago).ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn now() -> Timestamp {
        "2026-12-01T12:00:00Z".parse().unwrap()
    }

    fn query(text: &str) -> Query {
        Query::of(&TestRequest::with_uri(&format!("/x?{text}")).to_http_request(), now())
    }

    fn message(error: ErrorCode) -> String {
        let ErrorCode::BadQuery(message) = error else { panic!("{error:?}") };
        message
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("2026-11-30T08:00:00%2B01:00", "2026-11-30T07:00:00Z"),
            ("2026-11-30", "2026-11-30T00:00:00Z"),
            ("7d", "2026-11-24T12:00:00Z"),
            ("+2h+30m+", "2026-12-01T09:30:00Z"),
        ] {
            let since = query(&format!("since={text}")).time("since").unwrap().unwrap();
            assert_eq!(since.to_string(), expected, "{text}");
        }
        for text in ["yesterday", "7", "-7d", "2026-13-01", "9999999999y"] {
            assert!(query(&format!("since={text}")).time("since").is_err(), "{text}");
        }
    }

    #[test]
    fn an_empty_field_of_a_form_asks_for_nothing() {
        let mut query = query("q=&repo=+&state=&since=&after=&limit=");
        assert_eq!(query.runs().unwrap(), RunFilter::default());
        assert_eq!(query.paging().unwrap().limit, LIMIT);
        query.finish().unwrap();
    }

    #[test]
    fn a_report_is_of_the_last_30_days_unless_it_is_said() {
        let report = query("repo=acme/api&until=").report().unwrap();
        assert_eq!(report.since.to_string(), "2026-11-01T12:00:00Z");
        assert_eq!((report.until, report.repo.as_deref()), (now(), Some("acme/api")));
        let report = query("since=2026-01-01&until=1d&organization=acme").report().unwrap();
        assert_eq!(report.since.to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(report.until.to_string(), "2026-11-30T12:00:00Z");
        assert_eq!(report.organization, Some(Organization::new("acme")));
        assert!(query("until=soon").report().is_err());
    }

    #[test]
    fn a_stretch_that_ends_before_it_begins_is_refused() {
        let told = "`until` lies before `since`";
        for text in ["since=1d&until=2d", "since=2026-11-30&until=2026-11-29"] {
            assert_eq!(message(query(text).runs().unwrap_err()), told, "{text}");
            assert_eq!(message(query(text).deliveries().unwrap_err()), told, "{text}");
            assert_eq!(message(query(text).report().unwrap_err()), told, "{text}");
        }
        let refused = |text| message(query(text).report().unwrap_err());
        assert_eq!(refused("since=2027-01-01"), "`until` is now unless it is said, and lies before `since`");
        assert_eq!(
            refused("until=31d"),
            "`until` lies before `since`, which is 30 days ago unless it is said"
        );
        for text in ["since=2026-11-30&until=2026-11-30", "since=1d&until=1d"] {
            query(text).runs().unwrap();
            let report = query(text).report().unwrap();
            assert_eq!(report.since, report.until, "{text}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused_by_name() {
        let refused = |text: &str| {
            let mut query = query(text);
            let all = (query.runs().map(drop)).and_then(|()| query.paging().map(drop));
            message(all.and_then(|()| query.finish()).unwrap_err())
        };
        assert_eq!(refused("stat=pr_created"), "`stat` is no parameter here, or is given twice");
        assert_eq!(refused("repo=a&repo=b"), "`repo` is no parameter here, or is given twice");
        assert_eq!(refused("state=done"), "`state` is no state of a run");
        assert_eq!(refused("limit=0"), "`limit` is no number from 1 to 200");
        assert_eq!(refused("limit=201"), "`limit` is no number from 1 to 200");
        assert_eq!(refused("after=x"), "`after` is no `next` of a page");
    }
}
