//! Parts that are replaced as the settings change: what the settings make of each, built whole before anything is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::links_of;
use crate::client::HttpClient;
use crate::config::Config;
use crate::dispatch::Rules;
use crate::dispatch::lookup::Source;
use crate::event::Organization;
use crate::http::{AccessToken, Policy, Senders};
use crate::notify::{Courtesy, build};
use crate::render::Renderer;
use crate::render::context::Links;
use crate::sentry::signature::SigningKeys;
use crate::store::StoreConfig;

/// For how long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retention {
    /// Runs.
    pub(super) runs: Duration,
    /// Payloads and diffs; longer than any time where they stay as long as their run.
    pub(super) payloads: Duration,
}

impl Retention {
    fn of(store: &StoreConfig) -> Self {
        Self { runs: store.retention, payloads: store.payload_retention.unwrap_or(Duration::MAX) }
    }
}

/// What the settings make of the parts that can be replaced while the relay runs.
pub(super) struct Parts {
    /// For the server.
    pub(super) policy: Policy,
    /// For the dispatcher.
    pub(super) rules: Rules,
    /// For pruning.
    pub(super) retention: Retention,
}

impl Parts {
    /// Builds them; nothing is read for it.
    pub(super) fn build(
        config: Config,
        renderer: Renderer,
        client: &HttpClient,
        token: &SecretString,
        courtesy: &Arc<Courtesy>,
    ) -> Self {
        let retention = Retention::of(&config.store);
        let links = config.organizations.iter();
        let links: HashMap<Organization, Links> =
            links.map(|known| (known.organization.clone(), links_of(known, &config))).collect();
        let renderer = Arc::new(renderer);
        let notifiers = build(&config.destinations, client, courtesy);
        let senders = Senders {
            renderer: Arc::clone(&renderer),
            destinations: config.destinations.clone(),
            notifiers: notifiers.clone(),
        };
        let policy = Policy {
            keys: SigningKeys::new(&config.organizations),
            max_body_bytes: config.http.max_body_bytes,
            dedupe_window: config.delivery.dedupe_window,
            token: AccessToken::new(token),
            public_url: config.http.public_url.clone(),
            links: links.clone(),
            senders,
        };
        let rules = Rules {
            routing: config.routing,
            renderer,
            notifiers,
            destinations: config.destinations,
            links,
            sources: Source::of(&config.organizations, client),
            watch: config.watch,
            delivery: config.delivery,
        };
        Self { policy, rules, retention }
    }
}
