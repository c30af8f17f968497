//! The stage: sends the play's webhooks, and tells of all that arrives.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout_at};

use super::narration::Narrator;
use super::play::{self, Sentry};
use super::receivers::{Received, Receivers};
use super::tally::{DemoSummary, Tally};
use super::{DemoError, Place};
use crate::clock::Clock;

/// How long the last messages may take after the last webhook.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long people look at one step; they take turns.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(1_500), Duration::from_millis(2_500), Duration::from_secs(2)];

/// Sender, receivers and narrator of one demo.
pub(super) struct Stage<'demo> {
    sentry: Sentry,
    receivers: &'demo Receivers,
    arrivals: UnboundedReceiver<Received>,
    narrator: Narrator<'demo>,
    clock: Clock,
    tally: Tally,
    patience: Duration,
}

impl<'demo> Stage<'demo> {
    /// Puts them together.
    pub(super) fn new(
        sentry: Sentry,
        receivers: &'demo Receivers,
        arrivals: UnboundedReceiver<Received>,
        narrator: Narrator<'demo>,
        clock: Clock,
    ) -> Self {
        Self {
            sentry,
            receivers,
            arrivals,
            narrator,
            clock,
            tally: Tally::default(),
            patience: ARRIVAL_TIMEOUT,
        }
    }

    /// Returns the count so far.
    pub(super) fn summary(&self) -> DemoSummary {
        self.tally.summary(|chat| self.receivers.messages(chat))
    }

    /// Plays, waits for what is still to come, and sums up; unless `once`, tells of whatever else arrives, for ever.
    ///
    /// # Errors
    /// Where the relay does not answer or nothing can be written.
    pub(super) async fn play(&mut self, once: bool, place: &Place<'_>) -> Result<(), DemoError> {
        for (step, pause) in play::script().iter().zip(PAUSES.iter().cycle()) {
            if let Some((receiver, trouble)) = step.trouble {
                self.receivers.trouble(receiver, trouble);
            }
            let posted = self.sentry.post(step).await?;
            self.tally.posted(step, &posted);
            self.narrator.posted(self.clock.now(), step, &posted).map_err(DemoError::Write)?;
            let pause = if once { Duration::ZERO } else { *pause };
            self.listen(Instant::now() + pause, |_| false).await?;
        }
        self.listen(Instant::now() + self.patience, DemoSummary::nothing_is_missing).await?;
        self.narrator.summary(&self.summary()).map_err(DemoError::Write)?;
        if once {
            return Ok(());
        }
        self.narrator.invitation(place).map_err(DemoError::Write)?;
        while let Some(received) = self.arrivals.recv().await {
            self.show(&received)?;
        }
        Ok(())
    }

    /// Shows what arrives until it is enough or time is up.
    async fn listen(
        &mut self,
        until: Instant,
        enough: impl Fn(&DemoSummary) -> bool,
    ) -> Result<(), DemoError> {
        while !enough(&self.summary()) {
            let Ok(Some(received)) = timeout_at(until, self.arrivals.recv()).await else { break };
            self.show(&received)?;
        }
        Ok(())
    }

    fn show(&mut self, received: &Received) -> Result<(), DemoError> {
        self.tally.received(received);
        self.narrator.received(self.clock.now(), received).map_err(DemoError::Write)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use jiff::tz::TimeZone;
    use secrecy::SecretString;
    use textwrap::core::display_width;

    use super::*;
    use crate::client::HttpClient;
    use crate::demo::Style;
    use crate::demo::folder::{Folder, Secrets};
    use crate::demo::relay::start_relay;
    use crate::demo::tally::Count;

    /// How a play differs from the demo's.
    struct Changes {
        width: usize,
        /// Makes other routes of the demo's own.
        routes: fn(String) -> String,
        client_secret: Option<&'static str>,
        patience: Duration,
    }

    impl Default for Changes {
        fn default() -> Self {
            Self {
                width: 96,
                routes: |routes| routes,
                client_secret: None,
                patience: Duration::from_secs(30),
            }
        }
    }

    /// Plays to the real relay, and returns how it went and what was told.
    async fn play_once(changes: Changes) -> (DemoSummary, String) {
        let clock = Clock::system();
        let secrets = Secrets::random();
        let (receivers, arrivals) = Receivers::start(clock.clone(), secrets.keys.clone()).unwrap();
        let sentry_api = play::sentry_api(clock.clone(), &secrets.api_token).unwrap();
        let folder = Folder::write(&receivers, &sentry_api, &secrets, true).unwrap();
        let routes = folder.config_dir().join("routes.toml");
        fs::write(&routes, (changes.routes)(fs::read_to_string(&routes).unwrap())).unwrap();
        let relay = start_relay(&folder.config_dir(), clock.clone()).await.unwrap();
        let client_secret = changes.client_secret.map_or(secrets.client_secret, SecretString::from);
        let sentry =
            Sentry::new(relay.address(), client_secret, HttpClient::new(None).unwrap(), clock.clone());
        let mut out = Vec::new();
        let narrator = Narrator::new(&mut out, Style { colour: false, width: changes.width }, TimeZone::UTC);
        let mut stage = Stage::new(sentry, &receivers, arrivals, narrator, clock);
        stage.patience = changes.patience;
        let place = Place { relay: relay.address(), config_dir: Path::new("config"), program: "seer-relay" };
        stage.play(true, &place).await.unwrap();
        let summary = stage.summary();
        drop(stage);
        relay.stop().await;
        receivers.stop().await;
        (summary, String::from_utf8(out).unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_arrives_over_a_duplicate_and_two_failures() {
        let (summary, out) = play_once(Changes::default()).await;

        assert!(summary.all_arrived(), "{summary:?}\n{out}");
        assert_eq!((summary.sent, summary.accepted, summary.duplicates), (18, 17, 1));
        let of = |count: &Count| (count.arrived, count.expected);
        assert_eq!(
            summary.counts.iter().map(of).collect::<Vec<_>>(),
            [(2, 2), (2, 2), (2, 2), (2, 2), (17, 17)]
        );
        assert_eq!((summary.failures, summary.refused), (2, 0));
        assert!(summary.median <= summary.slowest && summary.slowest.is_some());
        // Whether a card was edited depends on how much of its run was there when it was posted; each edit is told.
        assert_eq!(out.contains("↻ edited in place"), summary.edits > 0, "{summary:?}\n{out}");
        for words in ["200 duplicate", "Slack · #seer-fixes", "✓ verified", "answers 503", "all arrived"] {
            assert!(out.contains(words), "{words}\n{out}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_line_fits_the_terminal_and_a_common_one_takes_no_second() {
        for width in [60, 80, 100] {
            let (_, out) = play_once(Changes { width, ..Changes::default() }).await;

            let wide: Vec<_> = out.lines().filter(|line| display_width(line) > width).collect();
            assert!(wide.is_empty(), "{width}: {wide:#?}");
            let told = out.lines().skip_while(|line| !line.contains("Sentry  →"));
            let told = told.take_while(|line| !line.contains("18 sent"));
            let seconds = told.filter(|line| line.starts_with("          ")).count();
            assert!(width < 96 || seconds == 0, "{width}\n{out}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_receiver_that_gets_nothing_is_told() {
        let (summary, out) = play_once(Changes {
            routes: |routes| routes.replace("to = [\"review\"]", "to = [\"audit\"]"),
            patience: Duration::from_millis(300),
            ..Changes::default()
        })
        .await;

        assert!(!summary.all_arrived());
        assert!(out.contains("Discord 0 of 2") && out.contains("not all arrived"), "{out}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn messages_instead_of_cards_and_announcements_that_are_missing_are_told() {
        for (style, missing) in [("style = \"messages\"", "Slack 0 of 2"), ("announce = []", "Slack 0 of 2")]
        {
            let routes: fn(String) -> String = if style.starts_with('s') {
                |routes| routes.replace("channel = ", "style = \"messages\"\nchannel = ")
            } else {
                |routes| routes.replace("channel = ", "announce = []\nchannel = ")
            };
            let patience = Duration::from_millis(300);
            let (summary, out) = play_once(Changes { routes, patience, ..Changes::default() }).await;
            assert!(!summary.all_arrived() && out.contains(missing), "{style}: {out}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_relay_that_refuses_webhooks_is_told() {
        let (summary, out) =
            play_once(Changes { client_secret: Some("another"), ..Changes::default() }).await;

        assert!(!summary.all_arrived());
        assert!(out.contains("401 signature_mismatch"), "{out}");
    }
}
