//! `send`: what Sentry has no button for, a signed test webhook.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use url::Url;

use super::story::{EventArguments, Source};
use super::{Failure, Output};
use crate::client::HttpClient;
use crate::clock::Clock;
use crate::sample::{self, SampleIds};
use crate::secret::Secret;
use crate::sentry::OrganizationConfig;

/// How long the relay may take: longer than Sentry would wait, so that a slow answer can be seen.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sign a webhook as Sentry does and post it to a running relay.
#[derive(Debug, clap::Args)]
pub(super) struct Send {
    #[command(flatten)]
    event: EventArguments,
    /// Where to post it [default: the relay of this configuration]
    #[arg(long)]
    url: Option<String>,
    /// The run's id, to add a step to a run [default: a fresh one; a file's own]
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

impl Send {
    pub(super) async fn run(self, dir: &Path) -> Result<Output, Failure> {
        let config = super::settings::load(dir)?;
        let organization = self.event.organization(&config)?;
        let secret = client_secret(organization)?;
        let now = Clock::system().now();
        let body = self.body(now)?;
        let url =
            self.url.clone().unwrap_or_else(|| format!("http://{}/webhooks/sentry", config.http.listen));
        let url = Url::parse(&url).map_err(|error| {
            Failure::new(
                format!("`{url}` is no address: {error}"),
                "for example http://127.0.0.1:8080/webhooks/sentry",
            )
        })?;
        let headers = sample::headers(&body, secret, now);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let client = HttpClient::new(config.delivery.ca_file.as_deref()).map_err(anyhow::Error::from)?;
        let answer = client.post(&url, &headers, body, TIMEOUT, true).await.map_err(|error| {
            Failure::new(
                format!("no answer from `{url}`: {error}"),
                "start the relay with `seer-relay serve`, or name another address with --url",
            )
        })?;
        let text = format!("{} {}\n", answer.status, String::from_utf8_lossy(&answer.body));
        Ok(Output { code: u8::from(!(200..300).contains(&answer.status)), ..text.into() })
    }

    fn body(&self, now: jiff::Timestamp) -> Result<Bytes, Failure> {
        match self.event.source()? {
            Source::File(body) => match &self.run {
                None => Ok(body),
                Some(run) => with_run(&body, run),
            },
            Source::Alert(_) if self.run.is_some() => Err(Failure::new(
                "an activity alert names no run",
                "leave --run out: the relay finds its run by the issue",
            )),
            Source::Alert(action) => {
                Ok(Bytes::from(sample::encode(&sample::alert(&action, &SampleIds::default()))))
            }
            Source::Sample(action) if action.is_notice() => Err(Failure::new(
                format!("`{action}` is a notice of the relay's own, which Sentry never sends"),
                "the relay makes it by itself; `seer-relay route` and `render` show what becomes of it",
            )),
            Source::Sample(action) => {
                let run = self.run.clone().unwrap_or_else(|| now.as_microsecond().to_string());
                let ids = SampleIds::for_run(run);
                Ok(Bytes::from(sample::encode(&sample::body(&action, self.event.shape(), &ids))))
            }
        }
    }
}

/// Returns the first client secret that is known.
fn client_secret(organization: &OrganizationConfig) -> Result<&SecretString, Failure> {
    let secrets = &organization.client_secrets;
    secrets.iter().find_map(Secret::known).ok_or_else(|| {
        let missing = secrets.iter().filter_map(|secret| match secret {
            Secret::Missing(why) => Some(why.as_str()),
            Secret::Known(_) => None,
        });
        let why = missing.collect::<Vec<_>>().join(", ");
        Failure::new(
            format!("no client secret of `{}` is known: {why}", organization.organization),
            "set what `client_secrets` in relay.toml reads it from, to the value that `serve` has",
        )
    })
}

/// Puts another run's id into a body.
fn with_run(body: &[u8], run: &str) -> Result<Bytes, Failure> {
    let mut document = crate::json::parse_lenient(body).map_err(|error| {
        Failure::new(format!("the file is not JSON: {error}"), "--run changes a webhook's body")
    })?;
    let Some(data) = document.get_mut("data").and_then(serde_json::Value::as_object_mut) else {
        return Err(Failure::new(
            "the file has no `data` object",
            "name a webhook's body as Sentry sends it",
        ));
    };
    let id = run.parse::<u64>().map_or_else(|_| run.into(), serde_json::Value::from);
    data.insert("run_id".into(), id);
    Ok(Bytes::from(sample::encode(&document)))
}
