//! What a report says, section by section: its gist in words, a plot, and the numbers.

mod deliveries;
mod runs;
mod times;

use serde::Serialize;

use super::ink::{Ink, Key};
use super::periods::{Length, Period};
use super::plot::{Column, Plot};
use super::sheets::Part;
use crate::store::Report;

/// How many rows a table has at most; the CSV has all.
const MOST_ROWS: usize = 200;

/// One section.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    id: &'static str,
    title: String,
    gist: String,
    /// What has to be known to read it.
    note: Option<String>,
    /// `None` where there is nothing to draw.
    plot_html: Option<String>,
    /// In the order in which things stand in the plot.
    legend: Vec<Key>,
    table: Table,
    /// Where its numbers are as CSV.
    csv: Part,
}

/// The numbers.
#[derive(Debug, Default, Serialize)]
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// How many rows there are beside these.
    more: usize,
}

impl Table {
    fn new<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> Self {
        let rows = rows.into_iter().map(Vec::from).collect();
        Self { head: head.map(str::to_owned).into(), rows, more: 0 }.cut()
    }

    fn cut(mut self) -> Self {
        self.more = self.rows.len().saturating_sub(MOST_ROWS);
        self.rows.truncate(MOST_ROWS);
        self
    }
}

/// Returns everything that a report says.
pub(super) fn all(report: &Report) -> Vec<Section> {
    let series = Series::of(report);
    vec![
        runs::by_day(report, &series),
        runs::reached(report),
        times::section(report),
        runs::root_causes(report),
        runs::pull_requests(report, &series),
        runs::stalls(report, &series),
        deliveries::by_destination(report),
        deliveries::by_day(report, &series),
    ]
}

/// The periods of a report.
struct Series {
    length: Length,
    periods: Vec<Period>,
}

impl Series {
    fn of(report: &Report) -> Self {
        let length = Length::of(report.days.len());
        Self { length, periods: Period::all(&report.days, length) }
    }

    /// Returns the columns of a plot.
    fn columns(&self, stack: impl Fn(&Period) -> Vec<(Ink, u64)>) -> Vec<Column> {
        let years =
            [self.periods.first(), self.periods.last()].map(|period| period.map(|each| each.first.year()));
        let is_one_year = years[0] == years[1];
        let column =
            |period: &Period| Column { label: period.label(self.length, is_one_year), stack: stack(period) };
        self.periods.iter().map(column).collect()
    }

    /// Says where most was.
    fn most(&self, number: impl Fn(&Period) -> u64) -> String {
        let most = self.periods.iter().rev().max_by_key(|period| number(period));
        let told = most.filter(|period| number(period) > 0);
        told.map(|period| format!("most on {}: {}", self.on(period), number(period))).unwrap_or_default()
    }

    fn on(&self, period: &Period) -> String {
        match self.length {
            Length::Day => period.name(self.length),
            Length::Week => format!("the days from {}", period.name(self.length)),
            Length::Month => format!("the days of {}", period.name(self.length)),
        }
    }

    /// Returns the head of the column that names periods.
    fn head(&self) -> &'static str {
        match self.length {
            Length::Day => "Day",
            Length::Week => "Week",
            Length::Month => "Month",
        }
    }

    /// Says how long the periods are, where they are not days.
    fn note(&self) -> Option<String> {
        match self.length {
            Length::Day => None,
            Length::Week => Some("Weeks, from Monday on; the first and the last may be cut.".to_owned()),
            Length::Month => Some("Months; the first and the last may be cut.".to_owned()),
        }
    }

    /// Returns a section of one number for each period.
    fn section(
        &self,
        id: &'static str,
        title: &str,
        gist: String,
        number: impl Fn(&Period) -> u64 + Copy,
    ) -> Section {
        let title = format!("{title} by {}", self.length.name());
        let is_there = self.periods.iter().any(|period| number(period) > 0);
        let plot = Plot { id, title: &title, gist: &gist };
        let columns = self.columns(|period| vec![(Ink::Plain, number(period))]);
        let rows =
            self.periods.iter().rev().map(|period| [period.name(self.length), number(period).to_string()]);
        let head = title.split(" by ").next().unwrap_or_default();
        Section {
            id,
            plot_html: is_there.then(|| plot.columns(&columns)),
            legend: Vec::new(),
            table: if is_there { Table::new([self.head(), head], rows) } else { Table::default() },
            note: self.note().filter(|_| is_there),
            csv: Part::Days,
            title,
            gist,
        }
    }
}

/// Returns a number as a length.
#[expect(clippy::cast_precision_loss, reason = "nobody sees so little on a plot")]
fn length(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{DeliveryState, Reason};
    use crate::run::RunState;
    use crate::store::{Counted, ReportFilter, Tally};

    pub(super) const HOSTILE: &str = "<script>hacked=1</script>";

    fn report(since: &str) -> Report {
        let [since, until]: [jiff::Timestamp; 2] =
            [since, "2026-11-27T00:00:00Z"].map(|at| at.parse().unwrap());
        let mut tally = Tally::default();
        let day = |day: i64| (since.as_microsecond().div_euclid(86_400_000_000) + day) * 86_400_000_000;
        for (number, reached) in crate::store::REACHED.into_iter().enumerate() {
            for _ in 0..=number {
                tally.add_run(&Counted {
                    started_at: day(i64::try_from(number % 2).unwrap()),
                    reached,
                    classification: (reached != RunState::Unknown).then_some(HOSTILE),
                    pull_requests: u64::from(reached == RunState::PrCreated),
                    stalls: u64::from(number == 3),
                    stages_us: [Some(41_000_000), Some(90_000_000), None, None],
                });
            }
        }
        let planned = crate::store::day_of(day(1));
        tally.add_deliveries(HOSTILE, planned, DeliveryState::Delivered, None, 11);
        tally.add_deliveries(HOSTILE, planned, DeliveryState::Dead, Some(Reason::Auth), 3);
        tally.add_deliveries("quiet", planned, DeliveryState::Waiting, None, 2);
        tally.into_report(&ReportFilter { since, until, organization: None, repo: None }, 0)
    }

    fn section<'a>(sections: &'a [Section], id: &str) -> &'a Section {
        sections.iter().find(|section| section.id == id).unwrap()
    }

    #[test]
    fn every_number_of_a_report_stands_in_a_table() {
        let sections = all(&report("2026-11-24T00:00:00Z"));
        let rows = |id: &str| &section(&sections, id).table.rows;
        let reached: Vec<&str> = rows("reached").iter().map(|row| row[1].as_str()).collect();
        assert_eq!(reached, ["8", "7", "6", "5", "4", "3", "2", "1"], "the furthest first");
        assert_eq!(rows("runs")[2][..2], ["2026-11-24", "16"], "the newest first");
        assert_eq!(rows("runs")[1], ["2026-11-25", "20", "8", "0", "6", "0", "4", "0", "2", "0"]);
        assert_eq!(rows("stages")[0], ["Root cause", "36", "41s", "41s"]);
        assert_eq!(rows("stages")[3], ["Pull request", "0", "-", "-"]);
        assert_eq!(rows("causes")[0], [HOSTILE, "35", "100 %"]);
        assert_eq!(rows("pull-requests")[1], ["2026-11-25", "8"]);
        assert_eq!(rows("stalls")[1], ["2026-11-25", "4"]);
        assert_eq!(rows("deliveries")[0], [HOSTILE, "14", "11", "0", "0", "3", "auth 3"]);
        assert_eq!(rows("deliveries")[1], ["quiet", "2", "0", "2", "0", "0", ""]);
        assert_eq!(rows("delivered")[1], ["2026-11-25", "11", "3"]);
    }

    #[test]
    fn every_section_says_its_gist_and_no_stranger_is_more_than_words_in_its_plot() {
        let sections = all(&report("2026-11-24T00:00:00Z"));
        assert_eq!(section(&sections, "reached").gist, "36 runs; 8 of them opened a pull request (22 %).");
        assert_eq!(section(&sections, "runs").gist, "36 runs; most on 2026-11-25: 20.");
        assert!(
            section(&sections, "deliveries")
                .gist
                .contains("11 delivered, 2 waiting, 0 superseded, 3 dead letters")
        );
        for section in &sections {
            let svg = section.plot_html.as_ref().unwrap();
            assert!(!svg.contains("<script") && svg.contains("<desc "), "{}", section.id);
        }
        assert!(section(&sections, "deliveries").plot_html.as_ref().unwrap().contains("&lt;script"));
    }

    #[test]
    fn a_long_stretch_is_told_by_week_and_says_so() {
        let sections = all(&report("2026-09-01T00:00:00Z"));
        let runs = section(&sections, "runs");
        assert_eq!(runs.title, "Runs by week");
        assert!(runs.note.as_ref().unwrap().starts_with("Weeks"));
        assert_eq!(runs.table.rows.last().unwrap()[..2], ["2026-09-01 to 2026-09-06", "36"]);
    }

    #[test]
    fn where_nothing_was_nothing_is_drawn_and_no_table_stands_empty() {
        let [since, until] = ["2026-11-24T00:00:00Z", "2026-11-27T00:00:00Z"].map(|at| at.parse().unwrap());
        let filter = ReportFilter { since, until, organization: None, repo: None };
        for section in all(&Tally::default().into_report(&filter, 0)) {
            assert!(section.plot_html.is_none() && section.table.rows.is_empty(), "{}", section.id);
            assert!(!section.gist.is_empty() && section.note.is_none(), "{}", section.id);
        }
    }
}
