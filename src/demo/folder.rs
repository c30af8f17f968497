//! The demo's folder: settings, routes and secrets as a user would write them, in a temporary place.
//!
//! Secrets are files, so that the other commands work on the folder from another terminal.

use std::fs;
use std::io;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use super::receivers::sentry::SentryStandIn;
use super::receivers::{Keys, Receiver, Receivers};
use crate::event::Action;

/// The organization whose webhooks are played.
pub(super) const ORGANIZATION: &str = "acme";

const ROUTES: &str = include_str!("folder/routes.toml");

/// What only the demo and its relay know; made anew each time.
pub(super) struct Secrets {
    /// Signs webhooks as Sentry does.
    pub(super) client_secret: SecretString,
    /// Lets the relay ask Sentry.
    pub(super) api_token: SecretString,
    /// Lets it in at Slack, and signs what the audit webhook gets.
    pub(super) keys: Keys,
    /// Opens what asks for a token.
    pub(super) token: SecretString,
}

impl Secrets {
    /// Makes random ones.
    pub(super) fn random() -> Self {
        let random = || hex::encode(rand::random::<[u8; 32]>());
        let audit_secret = format!("whsec_{}", STANDARD.encode(rand::random::<[u8; 32]>()));
        Self {
            client_secret: random().into(),
            api_token: random().into(),
            keys: Keys { slack_token: random().into(), audit_secret: audit_secret.into() },
            token: random().into(),
        }
    }
}

/// The folder; it goes when this is dropped.
pub(super) struct Folder {
    root: TempDir,
}

impl Folder {
    /// Writes settings that send to the stand-ins; with `hasten` retries come sooner and no pace is kept.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub(super) fn write(
        receivers: &Receivers,
        sentry: &SentryStandIn,
        secrets: &Secrets,
        hasten: bool,
    ) -> io::Result<Self> {
        // Made with mode 0700: nobody else can read the secrets.
        let root = tempfile::Builder::new().prefix("seer-relay-demo-").tempdir()?;
        let folder = Self { root };
        let config = folder.config_dir();
        fs::create_dir_all(config.join("secrets"))?;
        fs::write(config.join("relay.toml"), folder.settings(&sentry.url(), hasten))?;
        fs::write(config.join("routes.toml"), routes(&receivers.slack_api_url(), hasten))?;
        let secret = |name: &str, value: &str| fs::write(config.join("secrets").join(name), value);
        secret("sentry-client-secret", secrets.client_secret.expose_secret())?;
        secret("sentry-api-token", secrets.api_token.expose_secret())?;
        secret("token", secrets.token.expose_secret())?;
        secret("slack-bot-token", secrets.keys.slack_token.expose_secret())?;
        secret("discord-webhook-url", &receivers.url(Receiver::Discord))?;
        secret("audit-url", &receivers.url(Receiver::Webhook))?;
        secret("audit-secret", secrets.keys.audit_secret.expose_secret())?;
        Ok(folder)
    }

    /// Returns the folder with `relay.toml` and `routes.toml`.
    pub(super) fn config_dir(&self) -> PathBuf {
        self.root.path().join("config")
    }

    fn settings(&self, api_url: &str, hasten: bool) -> String {
        let store = format!("sqlite:{}", self.root.path().join("data").join("relay.db").display());
        let retry_min = if hasten { "50ms" } else { "1s" };
        format!(
            "# The demo's settings: a relay of yours has the same, with other addresses and secrets.\n\
             \n\
             [http]\n\
             listen = \"127.0.0.1:0\"          # any free port\n\
             token = {{ file = \"secrets/token\" }}\n\
             \n\
             [sentry.{ORGANIZATION}]\n\
             client_secrets = [{{ file = \"secrets/sentry-client-secret\" }}]\n\
             api_token = {{ file = \"secrets/sentry-api-token\" }}    # with it messages name their issues\n\
             api_url = \"{api_url}\"\n\
             \n\
             [store]\n\
             url = {store}\n\
             \n\
             [delivery]\n\
             retry_min = \"{retry_min}\"\n\
             \n\
             [log]\n\
             level = \"error\"\n",
            store = toml::Value::String(store),
        )
    }
}

fn routes(slack_api_url: &str, hasten: bool) -> String {
    let pace = if hasten { "rate = \"unlimited\"\n" } else { "" };
    ROUTES.replace("#PACE\n", pace).replace("#SLACK_API_URL", slack_api_url)
}

/// Returns who hears of an action, by `folder/routes.toml`: a chat by the run's card, which is posted or edited.
pub(super) fn audience(action: &Action) -> &'static [Receiver] {
    use Receiver::{Discord, Slack, Webhook};
    match action {
        Action::CodingCompleted
        | Action::PrCreated
        | Action::PrReadyForReview
        | Action::IterationCompleted => &[Slack, Discord, Webhook],
        Action::RootCauseStarted
        | Action::RootCauseCompleted
        | Action::SolutionStarted
        | Action::SolutionCompleted
        | Action::CodingStarted
        | Action::IterationStarted
        | Action::Other(_) => &[Slack, Webhook],
        Action::RunFailed
        | Action::RunWaiting
        | Action::RunStalled
        | Action::Silent
        | Action::DestinationDown
        | Action::DestinationUp
        | Action::DeadLetter => &[],
    }
}

/// Tells whether an action of the play is announced beside the card. That a pull request is ready for review is, too, but
/// it comes as a pair with that it was opened, which is told once.
pub(super) fn is_announced(action: &Action) -> bool {
    *action == Action::PrCreated
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::play;
    use super::*;
    use crate::check::load_checked;
    use crate::clock::Clock;
    use crate::config::Environment;
    use crate::event::{Event, EventId, Organization};
    use crate::run::Run;
    use crate::sample::{self, SampleIds, Shape};
    use crate::sentry::issue;

    #[tokio::test]
    async fn the_settings_are_without_fault_and_the_routes_reach_the_audience() {
        let secrets = Secrets::random();
        let (receivers, _arrivals) = Receivers::start(Clock::system(), secrets.keys.clone()).unwrap();
        for hasten in [false, true] {
            let api = SentryStandIn::start(ORGANIZATION, Clock::system()).unwrap();
            let folder = Folder::write(&receivers, &api, &secrets, hasten).unwrap();
            let checked = match load_checked(&folder.config_dir(), &Environment::default()) {
                Ok(checked) => checked,
                Err(report) => panic!("{report}"),
            };
            assert_eq!(checked.config.warnings, []);
            for shape in Shape::ALL {
                let (story, issue) = (story(shape), issue::read(&play::issue_of(shape), None));
                for length in 1..=story.len() {
                    let run = Run::fold(&story[..length]).unwrap();
                    let event = &story[length - 1];
                    let destinations = checked.config.routing.route(event, &run, issue.as_ref()).destinations;
                    let names: Vec<_> = destinations.iter().map(|to| to.name.as_str()).collect();
                    let audience: Vec<_> = audience(&event.action).iter().map(|who| name(*who)).collect();
                    assert_eq!(names, audience, "{}", event.action);
                }
            }
        }
    }

    fn name(receiver: Receiver) -> &'static str {
        match receiver {
            Receiver::Slack => "fixes",
            Receiver::Discord => "review",
            Receiver::Webhook => "audit",
        }
    }

    fn story(shape: Shape) -> Vec<Event> {
        let organization = Organization::new(ORGANIZATION);
        let ids = SampleIds::for_run("1");
        let event = |action| {
            let body = sample::encode(&sample::body(&action, shape, &ids)).into();
            let accepted = sample::accept(body, &organization, Timestamp::UNIX_EPOCH).unwrap();
            accepted.to_event(EventId::new("evt_1"))
        };
        sample::run_script(shape).into_iter().map(event).collect()
    }
}
