//! The narration: what the demo prints between the messages.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};

use super::Place;
use super::folder::ORGANIZATION;
use super::picture::{self, accent};
use super::play::{Posted, Step, ids};
use super::receivers::{Answer, Received, Receiver};
use super::tally::DemoSummary;
use crate::preview::terminal::Style;
use crate::preview::terminal::text::{Line, Look, Span, hang, paint, wrap};
use crate::sample::Shape;

const GOOD: Look = Look::ink(2);
const BAD: Look = Look::ink(1);
const WARY: Look = Look::ink(3);
const SENTRY: Look = Look::ink(99);

/// Writes to the terminal.
pub(super) struct Narrator<'out> {
    out: &'out mut (dyn Write + Send),
    style: Style,
    zone: TimeZone,
    /// Whether the last line is empty: pictures stand apart, but not twice.
    gap: bool,
}

fn quiet(text: &str) -> Span {
    Span::new(text, Look::QUIET)
}

impl<'out> Narrator<'out> {
    /// Returns one that shows times as they are in a zone.
    pub(super) fn new(out: &'out mut (dyn Write + Send), style: Style, zone: TimeZone) -> Self {
        Self { out, style: style.fitted(), zone, gap: true }
    }

    fn lines(&mut self, lines: &[Line]) -> io::Result<()> {
        for line in lines {
            writeln!(self.out, "{}", paint(line, self.style).trim_end())?;
            self.gap = line.is_empty();
        }
        self.out.flush()
    }

    fn gap(&mut self) -> io::Result<()> {
        if self.gap { Ok(()) } else { self.lines(&[Line::new()]) }
    }

    fn time(&self, now: Timestamp) -> String {
        now.to_zoned_datetime(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// A name in front, the rest beside it.
    fn entry(&mut self, name: &str, spans: &[Span]) -> io::Result<()> {
        const COLUMNS: usize = 12;
        let head = quiet(&format!("  {name:<COLUMNS$}"));
        let margin = Span::plain(&" ".repeat(COLUMNS + 2));
        let style = self.style.narrower(COLUMNS + 2);
        self.lines(&hang(&head, &margin, wrap(spans, style)))
    }

    /// Says what is about to happen, and where.
    pub(super) fn opening(&mut self, place: &Place<'_>, token: &SecretString) -> io::Result<()> {
        let bold = |text: &str| Span::new(text, Look::BOLD);
        self.lines(&[
            vec![bold("seer-relay demo"), quiet("  the whole relay on this machine; nothing leaves it")],
            Line::new(),
        ])?;
        self.entry("relay", &[Span::plain(&format!("http://{}", place.relay))])?;
        self.entry("token", &[quiet(token.expose_secret())])?;
        self.entry("settings", &[Span::plain(&place.config_dir.display().to_string())])?;
        let mut receivers = Vec::new();
        for receiver in Receiver::ALL {
            let separator = if receivers.is_empty() { "" } else { " · " };
            receivers
                .extend([quiet(separator), Span::new(receiver.title(), accent(receiver).and(Look::BOLD))]);
            receivers.push(Span::plain(&format!(" {}", receiver.channel())));
        }
        receivers.push(quiet(" (stand-ins)"));
        self.entry("receivers", &receivers)?;
        self.gap()
    }

    /// Says that a webhook was sent, and what the relay answered.
    pub(super) fn posted(&mut self, now: Timestamp, step: &Step, posted: &Posted) -> io::Result<()> {
        let shape = match step.shape {
            Shape::Present => "today's shape",
            Shape::Documented => "documented shape",
        };
        let look = if matches!(posted.status, 200 | 202) { GOOD } else { BAD };
        let line = vec![
            quiet(&format!("{}  ", self.time(now))),
            Span::new("Sentry ", SENTRY.and(Look::BOLD)),
            quiet(" → "),
            Span::plain(&format!("{:<21}", step.action.as_str())),
            quiet(&format!(" {ORGANIZATION}/{}, {shape:<17} ", ids(step.shape).run_id)),
            Span::new(&format!("{} {}", posted.status, posted.word), look),
            quiet(&format!(" in {}", milliseconds(posted.took))),
        ];
        self.lines(&[line])
    }

    /// Shows what a receiver got, or says what it answered instead of taking it.
    pub(super) fn received(&mut self, now: Timestamp, received: &Received) -> io::Result<()> {
        let time = self.time(now);
        if received.answer == Answer::Taken {
            let apart = received.receiver != Receiver::Webhook;
            if apart {
                self.gap()?;
            }
            self.out.write_all(picture::draw(received, &time, self.style).as_bytes())?;
            self.gap = false;
            return if apart { self.gap() } else { self.out.flush() };
        }
        let (words, look) = match &received.answer {
            Answer::Taken => (String::new(), GOOD),
            Answer::Unavailable => {
                ("503, as if it were down: the relay tries again by itself".to_owned(), WARY)
            }
            Answer::RateLimited(pause) => {
                (format!("429, Retry-After {} s: the relay waits and tries again", pause.as_secs()), WARY)
            }
            Answer::Refused(status, words) => (format!("{status} {words}"), BAD),
        };
        self.lines(&[vec![
            quiet(&format!("{time}  ")),
            Span::new(
                &format!("{:<7}", received.receiver.title()),
                accent(received.receiver).and(Look::BOLD),
            ),
            quiet(" ✗ "),
            Span::new(&format!("answers {words}"), look),
        ]])
    }

    /// Counts up what happened.
    pub(super) fn summary(&mut self, summary: &DemoSummary) -> io::Result<()> {
        self.gap()?;
        let DemoSummary { sent, accepted, duplicates, .. } = summary;
        let duplicate = if *duplicates == 1 { "duplicate" } else { "duplicates" };
        self.entry(
            "webhooks",
            &[Span::plain(&format!("{sent} sent, {accepted} accepted, {duplicates} {duplicate}"))],
        )?;
        let mut counts = Vec::new();
        for count in &summary.messages {
            let separator = if counts.is_empty() { "" } else { ", " };
            let look = if count.arrived >= count.expected { Look::PLAIN } else { BAD };
            let words =
                format!("{separator}{} {} of {}", count.receiver.title(), count.arrived, count.expected);
            counts.push(Span::new(&words, look));
        }
        self.entry("messages", &counts)?;
        self.entry(
            "retries",
            &[Span::plain(&format!("{}, after receivers that failed on purpose", summary.failures))],
        )?;
        if summary.refused > 0 {
            self.entry("refused", &[Span::new(&summary.refused.to_string(), BAD)])?;
        }
        if let (Some(median), Some(slowest)) = (summary.median, summary.slowest) {
            self.entry(
                "delay",
                &[Span::plain(&format!(
                    "from webhook to message p50 {}, max {}",
                    milliseconds(median),
                    milliseconds(slowest)
                ))],
            )?;
        }
        let verdict = if summary.all_arrived() {
            Span::new("✓ all arrived", GOOD.and(Look::BOLD))
        } else {
            Span::new("✗ not all arrived", BAD.and(Look::BOLD))
        };
        self.entry("", &[verdict])
    }

    /// Says what else there is to try.
    pub(super) fn invitation(&mut self, place: &Place<'_>) -> io::Result<()> {
        let Place { relay, config_dir } = place;
        let config = config_dir.display();
        let commands = [
            format!(
                "  seer-relay send pr_created --config-dir {config} --url http://{relay}/webhooks/sentry"
            ),
            format!("  seer-relay runs --config-dir {config}"),
        ];
        self.gap()?;
        self.lines(&[vec![Span::plain("The relay stays up until Ctrl-C. From another terminal:")]])?;
        // Not wrapped: whoever copies a command wants it whole.
        self.lines(&commands.map(|command| vec![Span::new(&command, Look::BOLD)]))?;
        self.gap()
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.0} ms", (duration.as_secs_f64() * 1_000.0).ceil())
}
