//! Reading the settings again while the relay runs: whole and free of faults they take the place of the old ones, else
//! the old ones stay.

use std::path::Path;
use std::thread;

use tokio::sync::oneshot;

use super::signals::{HangUp, HangUps};
use super::{Serve, report_warnings};
use crate::app::Running;
use crate::check::{CheckReport, Checked};
use crate::telemetry::LogLevel;
use crate::threads::give_way;

const STAYS: &str = "the settings were not taken over: the old ones stay in force";

/// Reads the settings of a running relay again.
pub(super) struct Reloader<'a> {
    /// How it was started.
    pub(super) serve: Serve,
    /// The config folder.
    pub(super) dir: &'a Path,
    /// The relay.
    pub(super) running: &'a Running,
    pub(super) log_level: LogLevel,
}

impl Reloader<'_> {
    /// Reloads at each SIGHUP, one after the other: what comes in between has the files read once more after that.
    /// Returns when the terminal is gone.
    pub(super) async fn reload_at_each(&self, hang_ups: &mut HangUps) {
        while hang_ups.next().await == HangUp::Reload {
            self.reload().await;
        }
        tracing::info!("the terminal is gone");
    }

    async fn reload(&self) {
        tracing::info!("told to read the settings again");
        let checked = match self.load().await {
            Ok(Ok(checked)) => checked,
            Ok(Err(report)) => {
                report_faults(&report);
                let count = report.faults.len();
                return self.refuse(&format!("{count} {}", if count == 1 { "fault" } else { "faults" }));
            }
            Err(error) => return self.refuse(&error.to_string()),
        };
        let (level, digest) = (checked.config.log.level, checked.digest.clone());
        let warnings = checked.config.warnings.clone();
        match self.running.take_over(checked).await {
            Ok(needs_restart) => {
                report_warnings(&warnings);
                for setting in needs_restart {
                    let hint = "restart the relay, or take the change back";
                    tracing::warn!(setting = setting.key, hint, "{setting}");
                }
                tracing::info!(digest, "the settings were taken over");
                self.log_level.set(level);
            }
            Err(error) => tracing::error!(reason = %error, hint = error.hint(), "{STAYS}"),
        }
    }

    /// Loads on a thread of its own, which gives way: every template is rendered for every action.
    async fn load(&self) -> Result<Result<Checked, CheckReport>, std::io::Error> {
        let (loaded, is_loaded) = oneshot::channel();
        let (serve, dir) = (self.serve, self.dir.to_owned());
        thread::Builder::new().name("reload".to_owned()).spawn(move || {
            give_way();
            let _ = loaded.send(serve.load(&dir));
        })?;
        is_loaded.await.map_err(std::io::Error::other)
    }

    fn refuse(&self, reason: &str) {
        self.running.refuse();
        tracing::error!(reason, hint = "`seer-relay check` shows all faults", "{STAYS}");
    }
}

fn report_faults(report: &CheckReport) {
    report_warnings(&report.warnings);
    for fault in &report.faults {
        let file = fault.file.as_ref().map(|file| file.display().to_string());
        let (line, column) = (fault.line, fault.column);
        tracing::error!(file, line, column, hint = fault.hint, "{}", fault.message);
    }
}
