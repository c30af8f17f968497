//! `test`: one message to a real destination, now.

use std::path::Path;
use std::time::Instant;

use super::render::destination;
use super::{Failure, Output};
use crate::client::HttpClient;
use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::DestinationName;
use crate::notify::{notifier, trial};
use crate::store::{Access, Queue, StoreError, open};

/// Send one test message to a real destination now.
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// The destination
    #[arg(value_name = "DEST")]
    destination: String,
}

impl Test {
    pub(super) async fn run(self, dir: &Path) -> Result<Output, Failure> {
        let config = super::settings::load(dir)?;
        let destination = destination(&config, &self.destination)?;
        let client = HttpClient::new(config.delivery.ca_file.as_deref()).map_err(anyhow::Error::from)?;
        let notifier = notifier(destination, &client).map_err(|error| {
            Failure::new(
                format!("destination `{}` cannot be called: {error}", destination.name),
                "set what it is read from; `seer-relay check` shows where it is named",
            )
        })?;
        let now = Clock::system().now();
        let began = Instant::now();
        let result = trial(destination, notifier.as_ref(), now).await;
        let took = began.elapsed().as_millis();
        match result {
            Ok(sent) => {
                reopen(&config, &destination.name).await?;
                Ok(format!("{}: delivered, status {}, {took} ms\n", destination.name, sent.status).into())
            }
            Err(error) => {
                let status =
                    error.status.map_or_else(|| "no answer".into(), |status| format!("status {status}"));
                Err(Failure::new(
                    format!("{}: {error} ({status}, {took} ms)", destination.name),
                    "compare the address and secrets of this destination with what the service shows",
                ))
            }
        }
    }
}

/// A destination that was gone is called again from now on.
async fn reopen(config: &Config, name: &DestinationName) -> Result<(), Failure> {
    match open(&config.store, Access::Beside).await {
        Ok(store) => Ok(store.reopen_destination(name).await?),
        Err(StoreError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
