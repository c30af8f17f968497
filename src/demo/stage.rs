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
        self.tally.summary()
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
    use std::net::SocketAddr;
    use std::path::Path;
    use std::sync::Mutex;

    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
    use bytes::Bytes;
    use jiff::tz::TimeZone;
    use secrecy::{ExposeSecret, SecretString};
    use serde_json::{Value, json};
    use standardwebhooks::Webhook;
    use textwrap::core::display_width;
    use url::Url;

    use super::*;
    use crate::client::HttpClient;
    use crate::demo::Style;
    use crate::demo::folder::{Secrets, audience};
    use crate::demo::receivers::Receiver;
    use crate::event::Action;
    use crate::preview::body::text_at;
    use crate::sample::sign;

    const TIMEOUT: Duration = Duration::from_secs(5);

    /// A relay in a few lines: it stores nothing, and may lose what goes to one receiver.
    struct FakeRelay {
        secrets: (SecretString, SecretString),
        targets: Vec<(Receiver, Url)>,
        seen: Mutex<Vec<Bytes>>,
        client: HttpClient,
        loses: Option<Receiver>,
    }

    impl FakeRelay {
        fn start(receivers: &Receivers, secrets: &Secrets, loses: Option<Receiver>) -> SocketAddr {
            let targets = Receiver::ALL.map(|receiver| (receiver, receivers.url(receiver).parse().unwrap()));
            let relay = web::Data::new(Self {
                secrets: (secrets.client_secret.clone(), secrets.audit_secret.clone()),
                targets: targets.to_vec(),
                seen: Mutex::default(),
                client: HttpClient::new(None).unwrap(),
                loses,
            });
            let take = || web::post().to(take);
            let server =
                HttpServer::new(move || App::new().app_data(relay.clone()).route("/webhooks/sentry", take()))
                    .workers(1)
                    .disable_signals()
                    .bind("127.0.0.1:0")
                    .unwrap();
            let address = server.addrs()[0];
            tokio::spawn(server.run());
            address
        }

        /// Tries again at once, whatever went wrong.
        async fn deliver(&self, receiver: Receiver, id: &str, action: &str) {
            let body = match receiver {
                Receiver::Slack => json!({ "text": format!("*{action}*") }),
                Receiver::Discord => json!({ "content": format!("**{action}**") }),
                Receiver::Webhook => {
                    json!({ "type": format!("seer.{action}"), "data": { "event": { "id": id } } })
                }
            };
            let body = Bytes::from(body.to_string());
            let now = Clock::system().now().as_second();
            let signer = Webhook::new(self.secrets.1.expose_secret()).unwrap();
            let signature = signer.sign(id, now, &body).unwrap();
            let now = now.to_string();
            let headers =
                [("webhook-id", id), ("webhook-timestamp", &now), ("webhook-signature", &signature)];
            let (_, url) = self.targets.iter().find(|(whose, _)| *whose == receiver).unwrap();
            for _ in 0..3 {
                let answer = self.client.post(url, &headers, body.clone(), TIMEOUT, true).await.unwrap();
                if answer.status < 300 {
                    return;
                }
            }
        }
    }

    async fn take(relay: web::Data<FakeRelay>, request: HttpRequest, body: Bytes) -> HttpResponse {
        let signature = request.headers().get("sentry-hook-signature").unwrap().to_str().unwrap();
        if signature != sign(&body, &relay.secrets.0) {
            return HttpResponse::Unauthorized().json(json!({ "code": "signature_mismatch" }));
        }
        let id = {
            let mut seen = relay.seen.lock().unwrap();
            if seen.contains(&body) {
                return HttpResponse::Ok().json(json!({ "status": "duplicate", "id": "evt_0" }));
            }
            seen.push(body.clone());
            format!("evt_{}", seen.len())
        };
        let action = text_at(&serde_json::from_slice::<Value>(&body).unwrap(), "action").to_owned();
        let event = id.clone();
        tokio::spawn(async move {
            for receiver in audience(&Action::from_name(&action)) {
                if relay.loses != Some(*receiver) {
                    relay.deliver(*receiver, &event, &action).await;
                }
            }
        });
        HttpResponse::Accepted().json(json!({ "status": "accepted", "id": id }))
    }

    async fn play_once(loses: Option<Receiver>, client_secret: Option<&str>) -> (DemoSummary, String) {
        play_at(96, loses, client_secret).await
    }

    async fn play_at(
        width: usize,
        loses: Option<Receiver>,
        client_secret: Option<&str>,
    ) -> (DemoSummary, String) {
        let clock = Clock::system();
        let secrets = Secrets::random();
        let (receivers, arrivals) = Receivers::start(clock.clone(), secrets.audit_secret.clone()).unwrap();
        let relay = FakeRelay::start(&receivers, &secrets, loses);
        let client_secret = client_secret.map_or(secrets.client_secret, SecretString::from);
        let sentry = Sentry::new(relay, client_secret, HttpClient::new(None).unwrap(), clock.clone());
        let mut out = Vec::new();
        let narrator = Narrator::new(&mut out, Style { colour: false, width }, TimeZone::UTC);
        let mut stage = Stage::new(sentry, &receivers, arrivals, narrator, clock);
        stage.patience = Duration::from_millis(if loses.is_some() { 300 } else { 30_000 });
        let place = Place { relay, config_dir: Path::new("config"), program: "seer-relay" };
        stage.play(true, &place).await.unwrap();
        let summary = stage.summary();
        drop(stage);
        receivers.stop().await;
        (summary, String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn all_arrives_over_a_duplicate_and_two_failures() {
        let (summary, out) = play_once(None, None).await;

        assert!(summary.all_arrived(), "{summary:?}");
        assert_eq!((summary.sent, summary.accepted, summary.duplicates), (18, 17, 1));
        let counts: Vec<_> = summary.messages.iter().map(|count| (count.arrived, count.expected)).collect();
        assert_eq!(counts, [(9, 9), (4, 4), (17, 17)]);
        assert_eq!((summary.failures, summary.refused), (2, 0));
        assert!(summary.median <= summary.slowest && summary.slowest.is_some());
        for words in ["200 duplicate", "Slack · #seer-fixes", "✓ verified", "answers 503", "all arrived"] {
            assert!(out.contains(words), "{words}\n{out}");
        }
    }

    #[tokio::test]
    async fn a_line_fits_the_terminal_and_a_common_one_takes_no_second() {
        for width in [60, 80, 100] {
            let (_, out) = play_at(width, None, None).await;

            let wide: Vec<_> = out.lines().filter(|line| display_width(line) > width).collect();
            assert!(wide.is_empty(), "{width}: {wide:#?}");
            let told = out.lines().skip_while(|line| !line.contains("Sentry  →"));
            let told = told.take_while(|line| !line.contains("18 sent"));
            let seconds = told.filter(|line| line.starts_with("          ")).count();
            assert!(width < 80 || seconds == 0, "{width}\n{out}");
        }
    }

    #[tokio::test]
    async fn a_receiver_that_gets_nothing_is_told() {
        let (summary, out) = play_once(Some(Receiver::Discord), None).await;

        assert!(!summary.all_arrived());
        assert!(out.contains("Discord 0 of 4") && out.contains("not all arrived"), "{out}");
    }

    #[tokio::test]
    async fn a_relay_that_refuses_webhooks_is_told() {
        let (summary, out) = play_once(None, Some("another")).await;

        assert!(!summary.all_arrived());
        assert!(out.contains("401 signature_mismatch"), "{out}");
    }
}
