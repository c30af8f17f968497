//! `doctor`: what keeps webhooks from coming in and messages from going out, and what to do.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use textwrap::{Options, fill};

use super::settings::{json, load};
use super::table::clean;
use super::{Failure, Output, Terminal};
use crate::clock::Clock;
use crate::config::Environment;
use crate::doctor::verdict::Verdict;
use crate::doctor::{Check, Report, State, examine};

/// No webhook is larger: the largest `http.max_body`.
const LONGEST_BODY_BYTES: u64 = 32 * 1024 * 1024;

/// Where text of a check begins, behind its state.
const MARGIN: usize = 12;

/// Look for what keeps the relay from doing its work, and say what to do.
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// Judge this captured body of a webhook instead
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    body: Option<PathBuf>,
    /// The `Sentry-Hook-Signature` that came with it
    #[arg(long, value_name = "HEX", requires = "body")]
    signature: Option<String>,
    /// Call nobody beyond this machine
    #[arg(long)]
    offline: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        if let Some(body) = &self.body {
            let verdict = judge(dir, body, self.signature.as_deref())?;
            let code = u8::from(!verdict.holds);
            let text = if self.json { json(&verdict) } else { verdict_text(&verdict, terminal) };
            return Ok(Output { code, ..text.into() });
        }
        let report = examine(dir, &Environment::of_process(), &Clock::system(), self.offline).await;
        let code = u8::from(report.count(State::Fault) > 0);
        let text = if self.json { json(&report) } else { page(&report, terminal) };
        Ok(Output { code, ..text.into() })
    }
}

fn judge(dir: &Path, body: &Path, signature: Option<&str>) -> Result<Verdict, Failure> {
    let config = load(dir)?;
    let unread = |why: String| {
        Failure::new(
            format!("cannot read `{}`: {why}", body.display()),
            "name a file that holds the body exactly as it came, and nothing else",
        )
    };
    let bytes = std::fs::metadata(body).map_err(|error| unread(error.to_string()))?.len();
    if bytes > LONGEST_BODY_BYTES {
        return Err(unread("it is larger than 32 MiB, and so no webhook".to_owned()));
    }
    let read = std::fs::read(body).map_err(|error| unread(error.to_string()))?;
    Ok(Verdict::of(&config.organizations, read.into(), signature))
}

fn verdict_text(verdict: &Verdict, terminal: Terminal) -> String {
    let state = if verdict.holds { State::Ok } else { State::Fault };
    entry(state, &verdict.message, verdict.hint, terminal)
}

fn page(report: &Report, terminal: Terminal) -> String {
    let mut text = String::new();
    for group in report.checks.chunk_by(|check, next| check.group == next.group) {
        let Some(first) = group.first() else { continue };
        let title = first.group.title();
        let _ = writeln!(text, "{}", paint(terminal, "1", title));
        for (index, Check { state, message, hint, .. }) in group.iter().enumerate() {
            // What several have in common is said below the last of them.
            let is_said_below = group.get(index + 1).is_some_and(|next| next.hint == *hint);
            text.push_str(&entry(*state, message, hint.as_deref().filter(|_| !is_said_below), terminal));
        }
        text.push('\n');
    }
    let counted = |state, noun: &str| match report.count(state) {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    match (report.count(State::Fault), report.count(State::Warning)) {
        (0, 0) => text.push_str("nothing to mend\n"),
        (0, _) => {
            let _ = writeln!(text, "no faults, {}", counted(State::Warning, "warning"));
        }
        (_, 0) => {
            let _ = writeln!(text, "{}", counted(State::Fault, "fault"));
        }
        (_, _) => {
            let (faults, warnings) = (counted(State::Fault, "fault"), counted(State::Warning, "warning"));
            let _ = writeln!(text, "{faults}, {warnings}");
        }
    }
    text
}

/// Lays out one check: its state, what was found, and below it what to do.
fn entry(state: State, message: &str, hint: Option<&str>, terminal: Terminal) -> String {
    // Only what fits beside the margin is broken into lines; where nobody sees the end of a line, it has none.
    let width = if terminal.is_terminal { terminal.width.max(40) } else { usize::MAX };
    let sign = sign(state, terminal);
    let margin = if terminal.colour { 4 } else { MARGIN };
    let indent = " ".repeat(margin);
    let lay = |text: &str| fill(text, Options::new(width).initial_indent(&indent).subsequent_indent(&indent));
    let laid = lay(&clean(message));
    let mut text = format!("{sign}{}\n", laid.trim_start());
    if let Some(hint) = hint {
        let laid = lay(&clean(hint));
        for line in laid.lines() {
            let _ = writeln!(text, "{}", paint(terminal, "2", line));
        }
    }
    text
}

/// Returns the state as a sign where there are colours, else as a word, as wide as the margin.
fn sign(state: State, terminal: Terminal) -> String {
    if !terminal.colour {
        return format!("  {:<width$}", state.as_str(), width = MARGIN - 2);
    }
    let (colour, sign) = match state {
        State::Ok => ("32", "✓"),
        State::Unknown => ("2", "·"),
        State::Warning => ("33", "!"),
        State::Fault => ("31", "✗"),
    };
    format!("  {} ", paint(terminal, colour, sign))
}

fn paint(terminal: Terminal, code: &str, text: &str) -> String {
    if terminal.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Terminal = Terminal { is_terminal: false, colour: false, width: 80 };

    #[test]
    fn without_colours_each_state_is_a_word_and_no_line_is_broken() {
        let long = "it is long ".repeat(20);
        let text = entry(State::Fault, long.trim(), Some("do this"), PLAIN);
        assert_eq!(text, format!("  fault     {}\n            do this\n", long.trim()));
        assert_eq!(entry(State::Ok, "it runs", None, PLAIN), "  ok        it runs\n");
    }

    #[test]
    fn on_a_terminal_there_are_signs_and_lines_that_fit() {
        let terminal = Terminal { is_terminal: true, colour: true, width: 40 };
        let text = entry(
            State::Warning,
            "a b c d e f g h i j k l m n o p q r s t u v w",
            Some("do\u{1b}[2J"),
            terminal,
        );
        let expected = "  \u{1b}[33m!\u{1b}[0m a b c d e f g h i j k l m n o p q r\n    s t u v w\n";
        assert!(text.starts_with(expected), "{text:?}");
        assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    }
}
