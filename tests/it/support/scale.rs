//! How much the tests of faults do: little among the other tests, all of it where a report is asked for.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Among other tests on the same cores, a bound on time is so much wider.
const AMONG_OTHERS: u32 = 10;

/// Small numbers, or the full ones and a report: `tests/faults/run` names its file in `FAULTS_REPORT`.
pub(crate) struct Scale(Option<PathBuf>);

impl Scale {
    /// Reads what was asked for.
    pub(crate) fn of_run() -> Self {
        Self(std::env::var_os("FAULTS_REPORT").map(PathBuf::from))
    }

    /// Returns the small number, or the full one.
    pub(crate) fn pick<T>(&self, small: T, full: T) -> T {
        if self.0.is_some() { full } else { small }
    }

    /// Returns a bound on time that holds for the relay alone on the machine, or its wider form.
    pub(crate) fn within(&self, alone: Duration) -> Duration {
        self.pick(alone * AMONG_OTHERS, alone)
    }

    /// Writes a row of the report.
    pub(crate) fn report(&self, fault: &str, numbers: &str, result: &str) {
        let Some(path) = &self.0 else { return };
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("| {fault} | {numbers} | {result} |\n").as_bytes()).unwrap();
    }
}

/// Returns what so many per hundred of these times do not exceed.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[place - 1]
}
