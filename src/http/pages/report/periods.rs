//! Periods: the days of a report one by one, or as weeks or months where there are many.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use crate::run::RunState;
use crate::store::{Day, REACHED};

/// More days are drawn as weeks.
const MOST_DAYS: usize = 62;
/// More days, two years, are drawn as months.
const MOST_DAYS_AS_WEEKS: usize = 732;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Day,
    /// From Monday on.
    Week,
    Month,
}

/// What was counted in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Period {
    /// Its first day that is in the report.
    pub(super) first: Date,
    /// Its last one.
    pub(super) last: Date,
    pub(super) runs: u64,
    /// In the order of [`REACHED`].
    pub(super) reached: [u64; REACHED.len()],
    pub(super) pull_requests: u64,
    pub(super) stalls: u64,
    pub(super) delivered: u64,
    pub(super) dead: u64,
}

impl Length {
    /// Returns how long the periods of so many days are.
    pub(super) fn of(days: usize) -> Self {
        if days <= MOST_DAYS {
            Self::Day
        } else if days <= MOST_DAYS_AS_WEEKS {
            Self::Week
        } else {
            Self::Month
        }
    }

    /// Returns what one is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Returns the first day of the period that a day is in, whether or not it is in the report.
    fn begin(self, day: Date) -> Date {
        let back: Span = match self {
            Self::Day => return day,
            Self::Week => i64::from(day.weekday().to_monday_zero_offset()).days(),
            Self::Month => return day.first_of_month(),
        };
        day.checked_sub(back).unwrap_or(day)
    }
}

impl Period {
    /// Puts days, which are in order, together.
    pub(super) fn all(days: &[Day], length: Length) -> Vec<Self> {
        let mut periods: Vec<Self> = Vec::new();
        for day in days {
            match periods.last_mut() {
                Some(period) if length.begin(period.first) == length.begin(day.day) => period.add(day),
                Some(_) | None => {
                    let mut period = Self::empty(day.day);
                    period.add(day);
                    periods.push(period);
                }
            }
        }
        periods
    }

    fn empty(day: Date) -> Self {
        Self {
            first: day,
            last: day,
            runs: 0,
            reached: [0; REACHED.len()],
            pull_requests: 0,
            stalls: 0,
            delivered: 0,
            dead: 0,
        }
    }

    fn add(&mut self, day: &Day) {
        self.last = day.day;
        self.runs += day.runs;
        for (number, state) in self.reached.iter_mut().zip(REACHED) {
            *number += reached(day, state);
        }
        self.pull_requests += day.pull_requests;
        self.stalls += day.stalls;
        self.delivered += day.delivered;
        self.dead += day.dead;
    }

    /// Says which one it is: `2026-11-24`, `2026-11-23 to 2026-11-29`, `2026-11`.
    pub(super) fn name(&self, length: Length) -> String {
        match length {
            Length::Day => self.first.to_string(),
            Length::Week => format!("{} to {}", self.first, self.last),
            Length::Month => self.first.strftime("%Y-%m").to_string(),
        }
    }

    /// Says it as shortly as it can be: by its first day, without the year where that is clear.
    pub(super) fn label(&self, length: Length, is_one_year: bool) -> String {
        let form = match (length, is_one_year) {
            (Length::Day | Length::Week, true) => "%-d %b",
            (Length::Day | Length::Week, false) => "%-d %b %y",
            (Length::Month, _) => "%b %Y",
        };
        self.first.strftime(form).to_string()
    }
}

/// Returns how many runs of a day came so far.
pub(super) fn reached(day: &Day, state: RunState) -> u64 {
    day.reached.iter().filter(|reached| reached.state == state).map(|reached| reached.runs).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Reached;

    fn days(first: &str, number: usize) -> Vec<Day> {
        let first: Date = first.parse().unwrap();
        let dates = first.series(1.day()).take(number).zip(1..);
        let reached = |runs| vec![Reached { state: RunState::PrCreated, runs }];
        dates
            .map(|(day, runs)| Day {
                day,
                runs,
                reached: reached(runs),
                pull_requests: runs,
                stalls: 1,
                delivered: 2 * runs,
                dead: 3,
            })
            .collect()
    }

    fn told(first: &str, number: usize) -> (Length, Vec<(String, u64)>) {
        let length = Length::of(number);
        let periods = Period::all(&days(first, number), length);
        (length, periods.iter().map(|period| (period.name(length), period.runs)).collect())
    }

    #[test]
    fn up_to_two_months_each_day_is_told() {
        let (length, told) = told("2026-11-28", 3);
        assert_eq!(length, Length::Day);
        assert_eq!(
            told,
            [("2026-11-28", 1), ("2026-11-29", 2), ("2026-11-30", 3)].map(|(n, r)| (n.to_owned(), r))
        );
        assert_eq!(Length::of(62), Length::Day);
    }

    #[test]
    fn weeks_begin_on_monday_and_the_first_and_the_last_may_be_cut() {
        let (length, told) = told("2026-11-28", 63);
        assert_eq!(length, Length::Week);
        assert_eq!(told[0], ("2026-11-28 to 2026-11-29".to_owned(), 3));
        assert_eq!(told[1], ("2026-11-30 to 2026-12-06".to_owned(), 3 + 4 + 5 + 6 + 7 + 8 + 9));
        assert_eq!(told.last().unwrap().0, "2027-01-25 to 2027-01-29");
        assert_eq!(told.iter().map(|(_, runs)| runs).sum::<u64>(), (1..=63).sum::<u64>());
    }

    #[test]
    fn of_more_than_two_years_months_are_told() {
        let (length, told) = told("2024-02-28", 733);
        assert_eq!(length, Length::Month);
        assert_eq!(told[0], ("2024-02".to_owned(), 1 + 2));
        assert_eq!(told[1].0, "2024-03");
        assert_eq!(told.iter().map(|(_, runs)| runs).sum::<u64>(), (1..=733).sum::<u64>());
    }

    #[test]
    fn everything_of_a_day_is_in_its_period() {
        let [period] = &Period::all(&days("2026-11-02", 7), Length::Week)[..] else { panic!("one week") };
        let Period { runs, reached, pull_requests, stalls, delivered, dead, .. } = period;
        assert_eq!((*runs, reached[7], *pull_requests, *stalls, *delivered, *dead), (28, 28, 28, 7, 56, 21));
        assert_eq!(period.label(Length::Week, true), "2 Nov");
        assert_eq!(period.label(Length::Week, false), "2 Nov 26");
        assert_eq!(period.label(Length::Month, true), "Nov 2026");
    }
}
