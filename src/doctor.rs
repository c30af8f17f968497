//! The doctor: what keeps, or may soon keep, webhooks from coming in and messages from going out, and what to do.
//!
//! It looks at the settings, at the relay that runs beside it, at the store and at everybody whom the relay calls; it sends
//! nothing to any of them, writes nothing, and needs no relay. On a machine without a network it says so, and ends in
//! seconds. No text holds a secret, or more of an address than its host.

mod clock;
mod destinations;
mod disk;
mod exposition;
mod outside;
mod public;
mod relay;
mod report;
mod sentry;
mod settings;
mod signatures;
mod spans;
mod store;
pub mod verdict;

use std::path::Path;

use crate::check::Checked;
use crate::client::HttpClient;
use crate::clock::Clock;
use crate::config::Environment;

pub use report::{Check, Group, Report, State};

use outside::Outside;

/// Examines the relay whose settings lie in `dir`; with `is_offline` nobody beyond this machine is called.
pub async fn examine(dir: &Path, environment: &Environment, clock: &Clock, is_offline: bool) -> Report {
    let mut report = Report::default();
    let Some(checked) = settings::look(dir, environment, &mut report) else { return report };
    let client = match HttpClient::new(checked.config.delivery.ca_file.as_deref()) {
        Ok(client) => client,
        Err(error) => {
            let hint = "see `delivery.ca_file` in relay.toml";
            report.add(Check::fault(Group::Settings, format!("nobody can be called: {error}")).hint(hint));
            return report;
        }
    };
    visit_all(&checked, &client, clock, is_offline, &mut report).await;
    report
}

/// Looks everywhere at once, and reports in the order in which one would mend things.
async fn visit_all(
    checked: &Checked,
    client: &HttpClient,
    clock: &Clock,
    is_offline: bool,
    report: &mut Report,
) {
    let config = &checked.config;
    let outside = Outside::new(client.clone(), clock.clone(), is_offline);
    let (relay, public, store, sentry, destinations) = tokio::join!(
        Box::pin(relay::look(config, &outside)),
        Box::pin(public::look(config, &outside)),
        Box::pin(store::look(config, clock)),
        Box::pin(sentry::look(config, &outside)),
        Box::pin(destinations::look(config, &outside)),
    );
    report.extend(relay.checks);
    report.extend(signatures::look(config, relay.metrics.as_deref(), clock.now()));
    report.extend(public);
    report.extend(store);
    report.extend(sentry);
    report.extend(destinations);
    report.add(clock::judge(&outside));
}
