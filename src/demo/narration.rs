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
use super::tally::{Count, DemoSummary, What};
use crate::preview::terminal::Style;
use crate::preview::terminal::text::{Line, Look, Span, beside, paint, wrap};
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

    /// The time in front, what happened beside it.
    fn happening(&mut self, now: Timestamp, spans: &[Span]) -> io::Result<()> {
        self.lines(&beside(&quiet(&format!("{}  ", self.time(now))), spans, self.style))
    }

    /// A name in front, the rest beside it.
    fn entry(&mut self, name: &str, spans: &[Span]) -> io::Result<()> {
        const COLUMNS: usize = 12;
        self.lines(&beside(&quiet(&format!("  {name:<COLUMNS$}")), spans, self.style))
    }

    /// Says what is about to happen, and where.
    pub(super) fn opening(&mut self, place: &Place<'_>, token: &SecretString) -> io::Result<()> {
        let bold = |text: &str| Span::new(text, Look::BOLD);
        let words = quiet("the whole relay on this machine; nothing leaves it");
        self.lines(&beside(&bold("seer-relay demo  "), &[words], self.style))?;
        self.gap()?;
        self.entry("relay", &[Span::plain(&format!("http://{}", place.relay))])?;
        self.entry("token", &[quiet(token.expose_secret())])?;
        self.entry("settings", &[Span::plain(&place.config_dir.display().to_string())])?;
        let mut receivers = Vec::new();
        for receiver in Receiver::ALL {
            let separator = if receivers.is_empty() { "" } else { " · " };
            receivers
                .extend([quiet(separator), Span::new(receiver.title(), accent(receiver).and(Look::BOLD))]);
            let channel = receiver.channel();
            receivers.extend((!channel.is_empty()).then(|| Span::plain(&format!(" {channel}"))));
        }
        receivers.push(quiet(" (stand-ins)"));
        self.entry("receivers", &receivers)?;
        let run = |shape| Span::plain(&format!("{ORGANIZATION}/{}", ids(shape).run_id));
        let [present, documented] = [run(Shape::Present), run(Shape::Documented)];
        let words = [quiet(" as Sentry sends it today · "), quiet(" as it is documented")];
        let [present_words, documented_words] = words;
        self.entry("runs", &[present, present_words, documented, documented_words])?;
        self.gap()
    }

    /// Says that a webhook was sent, and what the relay answered.
    pub(super) fn posted(&mut self, now: Timestamp, step: &Step, posted: &Posted) -> io::Result<()> {
        let look = if matches!(posted.status, 200 | 202) { GOOD } else { BAD };
        let spans = [
            Span::new("Sentry ", SENTRY.and(Look::BOLD)),
            quiet(" → "),
            Span::plain(&format!("{:<21}", step.action.as_str())),
            quiet(&format!(" {ORGANIZATION}/{}  ", ids(step.shape).run_id)),
            Span::new(&format!("{} {}", posted.status, posted.word), look),
            quiet(&format!(" in {}", milliseconds(posted.took))),
        ];
        self.happening(now, &spans)
    }

    /// Shows what a receiver got, or says what it answered instead of taking it.
    pub(super) fn received(&mut self, now: Timestamp, received: &Received) -> io::Result<()> {
        if received.answer == Answer::Taken {
            let time = self.time(now);
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
            Answer::Lost => ("502, though it took the message: the relay looks for it".to_owned(), WARY),
            Answer::Unavailable => ("503, as if it were down: the relay tries again".to_owned(), WARY),
            Answer::RateLimited(pause) => {
                (format!("429, Retry-After {} s: the relay waits as long", pause.as_secs_f64().ceil()), WARY)
            }
            Answer::Refused(status, words) => (format!("{status} {words}"), BAD),
        };
        let who = received.receiver;
        let name = Span::new(&format!("{:<7}", who.title()), accent(who).and(Look::BOLD));
        self.happening(now, &[name, quiet(" ✗ "), Span::new(&format!("answers {words}"), look)])
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
        let counts = |what: What| summary.counts.iter().filter(move |count| count.what == what);
        let edits = format!(", edited {} times", summary.edits);
        let edited = quiet(&edits);
        self.entry("cards", &[counted(counts(What::Cards)), vec![edited]].concat())?;
        self.entry("announced", &counted(counts(What::Announcements)))?;
        self.entry("messages", &counted(counts(What::Messages)))?;
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
        let Place { relay, config_dir, program } = place;
        let config = config_dir.display();
        let commands = [
            format!("  {program} send pr_created --config-dir {config} --url http://{relay}/webhooks/sentry"),
            format!("  {program} runs --config-dir {config}"),
        ];
        self.gap()?;
        let words = Span::plain("The relay stays up until Ctrl-C. From another terminal:");
        self.lines(&wrap(&[words], self.style))?;
        // Not wrapped: whoever copies a command wants it whole.
        self.lines(&commands.map(|command| vec![Span::new(&command, Look::BOLD)]))?;
        self.gap()
    }
}

/// Who has how many of how many.
fn counted<'a>(counts: impl Iterator<Item = &'a Count>) -> Vec<Span> {
    let mut spans = Vec::new();
    for count in counts {
        let separator = if spans.is_empty() { "" } else { ", " };
        let look = if count.is_right() { Look::PLAIN } else { BAD };
        let words = format!("{separator}{} {} of {}", count.receiver.title(), count.arrived, count.expected);
        spans.push(Span::new(&words, look));
    }
    spans
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.0} ms", (duration.as_secs_f64() * 1_000.0).ceil())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_commands_to_try_are_called_as_the_demo_was() {
        let mut out = Vec::new();
        let mut narrator = Narrator::new(&mut out, Style { colour: false, width: 80 }, TimeZone::UTC);
        let relay = ([127, 0, 0, 1], 8080).into();
        let place = Place { relay, config_dir: Path::new("x/config"), program: "target/release/relay" };
        narrator.invitation(&place).unwrap();
        let out = String::from_utf8(out).unwrap();
        for command in ["send pr_created", "runs"] {
            let line = format!("\n  target/release/relay {command} --config-dir x/config");
            assert!(out.contains(&line), "{out}");
        }
    }
}
