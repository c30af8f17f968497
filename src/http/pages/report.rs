//! The report: what was counted over a stretch of time, as plots with their numbers, and as CSV.
//!
//! To count takes a moment where there are very many runs; the page begins before.

mod canvas;
mod ink;
mod periods;
mod plot;
mod sections;
mod sheets;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::ink::patterns_html;
use self::sections::Section;
use self::sheets::Part;
use super::answer::guarded;
use super::engine;
use super::visit::{Place, Visit};
use super::words::{address, counted as number_of};
use crate::http::AppState;
use crate::http::endpoints::counted;
use crate::http::error::ErrorCode;
use crate::http::query::Query;
use crate::store::{Choices, Report, ReportFilter, StoreError};
use crate::threads::aside;

const PATH: &str = "/report";
/// What is counted unless it is said.
const USUAL: &str = "30d";
/// Stretches that are offered, the shortest first, with their days.
const STRETCHES: [(&str, i64, &str); 4] =
    [("7d", 7, "7 days"), (USUAL, 30, "30 days"), ("90d", 90, "90 days"), ("365d", 365, "a year")];

#[derive(Serialize)]
struct Frame {
    fields: Fields,
    stretches: Vec<StretchLink>,
    choices: ChoicesView,
    is_filtered: bool,
}

/// What is asked for, as it stands in the address.
#[derive(Debug, Clone, Serialize)]
struct Fields {
    organization: String,
    repo: String,
    since: String,
    until: String,
}

#[derive(Serialize)]
struct StretchLink {
    href: String,
    text: &'static str,
    is_chosen: bool,
}

#[derive(Serialize)]
struct ChoicesView {
    organizations: Vec<String>,
    repos: Vec<String>,
}

/// What was counted, for the page.
#[derive(Serialize)]
struct Body {
    /// From when to when it was counted, in a sentence.
    stretch: String,
    /// Whether it ends when it begins.
    has_no_length: bool,
    /// How much is not counted yet.
    uncounted: Option<String>,
    is_empty: bool,
    /// A longer stretch, to look at where there is nothing.
    longer: Option<StretchLink>,
    is_narrowed: bool,
    clear: String,
    /// What stands behind the name of a part in the address of its CSV.
    query: String,
    sections: Vec<Section>,
    patterns_html: String,
}

#[derive(Serialize)]
struct Counted {
    /// `None` where it could not be counted.
    report: Option<Body>,
}

/// Shows the report.
pub(super) async fn show(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(page(&request, state, &visit).await),
        Err(refusal) => *refusal,
    }
}

async fn page(
    request: &HttpRequest,
    state: Data<AppState>,
    visit: &Visit,
) -> Result<HttpResponse, ErrorCode> {
    let fields = Fields::of(request, visit);
    let filter = asked(request, visit)?;
    if request.method() == Method::HEAD {
        return Ok(guarded(StatusCode::OK).content_type("text/html; charset=utf-8").finish());
    }
    let choices = state.history.choices().await?;
    let frame = Frame {
        stretches: STRETCHES.iter().map(|stretch| fields.stretch(*stretch)).collect(),
        choices: ChoicesView::of(choices, &fields),
        is_filtered: fields.is_narrowed() || !fields.since.is_empty() || !fields.until.is_empty(),
        fields: fields.clone(),
    };
    let body = async move {
        let counted = state.history.report(filter).await;
        aside(move || body(&counted, &fields)).await.unwrap_or_else(unwritten)
    };
    Ok(visit.show_in_pieces(Place::Report, "Report", "report.html", frame, body))
}

fn asked(request: &HttpRequest, visit: &Visit) -> Result<ReportFilter, ErrorCode> {
    let mut query = Query::of(request, visit.now);
    let filter = query.report()?;
    query.finish()?;
    Ok(filter)
}

/// Writes what was counted, or that it could not be.
fn body(counted: &Result<Report, StoreError>, fields: &Fields) -> String {
    let content = match counted {
        Ok(report) => Some(Body::of(report, fields)),
        Err(error) => {
            tracing::warn!(%error, "a report could not be counted");
            None
        }
    };
    engine::render("_report.html", &Counted { report: content }).unwrap_or_else(|error| {
        tracing::error!(%error, "a report could not be written");
        unwritten()
    })
}

fn unwritten() -> String {
    "<p class=\"alert\" role=\"alert\">The report could not be written. The relay’s log says why.</p>"
        .to_owned()
}

/// Sends a part of it as CSV.
pub(super) async fn csv(request: HttpRequest, part: Path<String>, state: Data<AppState>) -> HttpResponse {
    match Visit::admitted(&request, &state) {
        Ok(visit) => visit.answer(sheet(&request, &part, &state, &visit).await),
        Err(refusal) => *refusal,
    }
}

async fn sheet(
    request: &HttpRequest,
    part: &str,
    state: &AppState,
    visit: &Visit,
) -> Result<HttpResponse, ErrorCode> {
    let part = Part::named(part).ok_or(ErrorCode::NotFound)?;
    let report = counted(state, asked(request, visit)?).await?;
    let (first, last) = days(&report);
    let name = format!("attachment; filename=\"seer-relay-{}-{first}-{last}.csv\"", part.name());
    Ok(guarded(StatusCode::OK)
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(part.sheet(&report)))
}

/// Returns the first day of a report and the last one.
fn days(report: &Report) -> (String, String) {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let last = report.until.checked_sub(SignedDuration::from_micros(1)).unwrap_or(report.until);
    (day(report.since), day(last.max(report.since)))
}

/// Says from when to when a report is, whose end was asked for in these words.
fn stretch(report: &Report, until: &str) -> String {
    let is_short = report.until.duration_since(report.since) < SignedDuration::from_hours(1);
    let form = if is_short { "%-d %b %Y, %H:%M:%S UTC" } else { "%-d %b %Y, %H:%M UTC" };
    let (since, end) = (report.since.strftime(form), report.until.strftime(form));
    match until.trim() {
        "" => format!("From {since} to now."),
        day if day.parse::<Timestamp>().is_err() && day.parse::<Date>().is_ok() => {
            format!("From {since} to before {day} began ({end}): that day is not counted.")
        }
        _ => format!("From {since} to {end}."),
    }
}

impl Fields {
    fn of(request: &HttpRequest, visit: &Visit) -> Self {
        let mut query = Query::of(request, visit.now);
        let mut text = |name: &str| query.text(name).unwrap_or_default();
        Self {
            organization: text("organization"),
            repo: text("repo"),
            since: text("since"),
            until: text("until"),
        }
    }

    /// Tells whether not everything of the stretch is looked at.
    fn is_narrowed(&self) -> bool {
        !self.organization.is_empty() || !self.repo.is_empty()
    }

    fn address(&self, path: &str) -> String {
        let Self { organization, repo, since, until } = self;
        let pairs = [("organization", organization), ("repo", repo), ("since", since), ("until", until)];
        address(path, pairs.map(|(name, value)| (name, value.as_str())))
    }

    /// Leads to a stretch up to now.
    fn stretch(&self, (since, _, text): (&str, i64, &'static str)) -> StretchLink {
        let chosen = if self.since.is_empty() { USUAL } else { &self.since };
        let there = Self { since: since.to_owned(), until: String::new(), ..self.clone() };
        StretchLink { href: there.address(PATH), text, is_chosen: self.until.is_empty() && chosen == since }
    }

    /// Leads to a stretch up to now that is longer than what was counted; `None` where there is none.
    fn longer(&self, report: &Report) -> Option<StretchLink> {
        let days = report.until.duration_since(report.since).as_hours() / 24;
        let longer = STRETCHES.into_iter().find(|(_, length, _)| *length > days)?;
        Some(self.stretch(longer))
    }
}

impl ChoicesView {
    /// Lists what there is to choose from, and what was chosen, which may be there no longer.
    fn of(choices: Choices, fields: &Fields) -> Self {
        let with = |mut values: Vec<String>, chosen: &str| {
            if !chosen.is_empty() && !values.iter().any(|value| value == chosen) {
                values.push(chosen.to_owned());
            }
            values
        };
        Self {
            organizations: with(choices.organizations, &fields.organization),
            repos: with(choices.repos, &fields.repo),
        }
    }
}

impl Body {
    fn of(report: &Report, fields: &Fields) -> Self {
        let is_empty = report.runs.total == 0 && report.deliveries.total == 0;
        let uncounted = report.uncounted_events;
        let everything = Fields { organization: String::new(), repo: String::new(), ..fields.clone() };
        Self {
            stretch: stretch(report, &fields.until),
            has_no_length: report.until <= report.since,
            uncounted: (uncounted > 0).then(|| match uncounted {
                1 => "One newer event is not counted yet.".to_owned(),
                _ => format!("{} are not counted yet.", number_of(uncounted, "newer event", "newer events")),
            }),
            is_empty,
            longer: fields.longer(report),
            is_narrowed: fields.is_narrowed(),
            clear: everything.address(PATH),
            query: fields.address(""),
            sections: if is_empty { Vec::new() } else { sections::all(report) },
            patterns_html: patterns_html(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Tally;

    fn fields(since: &str, until: &str) -> Fields {
        Fields {
            organization: String::new(),
            repo: "acme/a&b".to_owned(),
            since: since.to_owned(),
            until: until.to_owned(),
        }
    }

    fn nothing(since: &str, until: &str, uncounted: u64) -> Report {
        let [since, until] = [since, until].map(|at| at.parse().unwrap());
        let filter = ReportFilter { since, until, organization: None, repo: None };
        Tally::default().into_report(&filter, uncounted)
    }

    #[test]
    fn where_nothing_was_a_longer_stretch_is_offered() {
        let week = nothing("2026-11-20T12:00:00Z", "2026-11-27T12:00:00Z", 0);
        let page = body(&Ok(week), &fields("7d", ""));
        assert!(page.contains("Nothing was counted"), "{page}");
        assert!(page.contains("href=\"/report?repo=acme%2Fa%26b&amp;since=30d\""), "{page}");
        assert!(page.contains("href=\"/report?since=7d\""), "{page}");
        let years = nothing("2020-01-01T00:00:00Z", "2026-11-27T12:00:00Z", 0);
        assert!(fields("2020-01-01", "").longer(&years).is_none());
    }

    #[test]
    fn the_stretch_is_said_as_it_was_counted() {
        let said = |since, until, words| stretch(&nothing(since, until, 0), words);
        assert_eq!(
            said("2026-10-29T14:05:10Z", "2026-11-28T14:05:10Z", ""),
            "From 29 Oct 2026, 14:05 UTC to now."
        );
        assert_eq!(
            said("2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z", "2026-11-30"),
            "From 29 Nov 2026, 00:00 UTC to before 2026-11-30 began (30 Nov 2026, 00:00 UTC): that day is not counted."
        );
        assert_eq!(
            said("2026-11-29T08:00:00Z", "2026-11-29T08:00:30Z", "10s"),
            "From 29 Nov 2026, 08:00:00 UTC to 29 Nov 2026, 08:00:30 UTC."
        );
    }

    #[test]
    fn an_empty_stretch_is_said_to_be_empty() {
        let page =
            |until| body(&Ok(nothing("2026-11-30T00:00:00Z", until, 0)), &fields("2026-11-30", "2026-11-30"));
        assert!(page("2026-11-30T00:00:00Z").contains("This stretch is empty"), "a day up to itself");
        assert!(!page("2026-12-01T00:00:00Z").contains("This stretch is empty"));
    }

    #[test]
    fn what_is_not_counted_yet_is_said() {
        let page = body(&Ok(nothing("2026-11-20T12:00:00Z", "2026-11-27T12:00:00Z", 7_000)), &fields("", ""));
        assert!(page.contains("7000 newer events are not counted yet."), "{page}");
    }

    #[test]
    fn a_report_that_fails_says_so_in_its_place() {
        let page = body(&Err(StoreError::Unavailable("it is gone".to_owned())), &fields("", ""));
        assert!(page.contains("role=\"alert\"") && page.contains("could not be counted"), "{page}");
        assert!(!page.contains("it is gone"), "{page}");
    }

    #[test]
    fn the_stretch_that_is_looked_at_is_marked() {
        let chosen = |since, until| -> Vec<&'static str> {
            let fields = fields(since, until);
            let links = STRETCHES.into_iter().map(|stretch| fields.stretch(stretch));
            links.filter(|link| link.is_chosen).map(|link| link.text).collect()
        };
        assert_eq!(chosen("", ""), ["30 days"]);
        assert_eq!(chosen("90d", ""), ["90 days"]);
        assert!(chosen("90d", "2d").is_empty() && chosen("2026-11-01", "").is_empty());
    }

    #[test]
    fn a_report_is_named_by_the_days_that_it_has() {
        let days = |since, until| super::days(&nothing(since, until, 0));
        let named = |first: &str, last: &str| (first.to_owned(), last.to_owned());
        assert_eq!(days("2026-11-20T12:00:00Z", "2026-11-27T00:00:00Z"), named("2026-11-20", "2026-11-26"));
        assert_eq!(days("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"), named("2026-11-20", "2026-11-20"));
    }
}
