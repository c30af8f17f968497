//! How far an export is, for whoever watches it in a terminal.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, where that is a terminal.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    whole: u64,
    events: usize,
}

impl Progress {
    /// Begins, with so many events to look at.
    pub(super) fn start(whole: u64, is_wanted: bool) -> Self {
        let bar = (is_wanted && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(whole), ProgressDrawTarget::stderr());
            let look = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg} events  {eta} left");
            look.map_or(bar.clone(), |look| bar.with_style(look))
        });
        Self { bar, whole, events: 0 }
    }

    /// So many are left, and so many more are written.
    pub(super) fn show(&mut self, left: u64, events: usize) {
        self.events += events;
        if let Some(bar) = &self.bar {
            bar.set_message(self.events.to_string());
            bar.set_position(self.whole.saturating_sub(left));
        }
    }

    /// Takes it away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
