//! FILE or ACTION on the command line, as the events of a run up to the one that is meant.

use std::path::Path;

use bytes::Bytes;

use super::Failure;
use crate::clock::Clock;
use crate::config::Config;
use crate::event::{Action, EventId, Organization};
use crate::sample::{self, Shape, Telling};
use crate::sentry::OrganizationConfig;
use crate::sentry::payload::PayloadError;
use crate::words::{quoted, suggestion};

/// Which event is meant.
#[derive(Debug, clap::Args)]
pub(super) struct EventArguments {
    /// A webhook's body in a file, as Sentry sends it, or an action's name for a sample that comes with the binary
    #[arg(value_name = "FILE|ACTION", required = true)]
    source: Option<String>,
    /// The organization that it belongs to [default: the first one of relay.toml]
    #[arg(long)]
    org: Option<String>,
    /// The payload shape of a sample
    #[arg(long, value_name = "documented|present", default_value = "present", value_parser = parse_shape)]
    shape: Shape,
}

fn parse_shape(word: &str) -> Result<Shape, String> {
    Shape::from_word(word).ok_or_else(|| "expected `documented` or `present`".to_owned())
}

/// What FILE or ACTION turned out to be.
pub(super) enum Source {
    /// A body, byte for byte.
    File(Bytes),
    /// A sample's action.
    Sample(Action),
}

impl EventArguments {
    /// Returns the organization's settings.
    pub(super) fn organization<'a>(&self, config: &'a Config) -> Result<&'a OrganizationConfig, Failure> {
        let known = &config.organizations;
        let found = match &self.org {
            Some(slug) => known.iter().find(|each| each.organization.as_str() == slug),
            None => known.first(),
        };
        found.ok_or_else(|| {
            let slug = self.org.as_deref().unwrap_or_default();
            let names = known.iter().map(|each| each.organization.as_str());
            Failure::new(
                format!("no organization {} in relay.toml", quoted(slug)),
                suggestion(slug, "defined", names).unwrap_or_default(),
            )
        })
    }

    /// Returns the payload shape of a sample.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Reads the file, or finds the action.
    pub(super) fn source(&self) -> Result<Source, Failure> {
        let source = self.source.as_deref().unwrap_or_default();
        let path = Path::new(source);
        let action = Action::from_name(source);
        if action.is_known() {
            return Ok(Source::Sample(action));
        }
        std::fs::read(path).map(|bytes| Source::File(Bytes::from(bytes))).map_err(|error| {
            let samples = suggestion(source, "samples", Action::KNOWN.iter().map(Action::as_str));
            Failure::new(
                format!(
                    "{} is no action with a sample, and no file that can be read: {error}",
                    quoted(source)
                ),
                samples.unwrap_or_default(),
            )
        })
    }

    /// Returns the events: of a file that one alone, of a sample the whole run up to it.
    pub(super) fn telling(&self, organization: &Organization) -> Result<Telling, Failure> {
        let now = Clock::system().now();
        let telling = match self.source()? {
            Source::File(body) => sample::accept(body.clone(), organization, now).map(|accepted| Telling {
                events: vec![accepted.to_event(EventId::new("evt_file"))],
                payload: body,
            }),
            Source::Sample(action) => sample::telling(&action, self.shape(), organization, now),
        };
        telling.map_err(|error: PayloadError| {
            Failure::new(
                format!("not a webhook of Sentry: {error}"),
                "the file must hold the body of one webhook, as Sentry sends it",
            )
        })
    }
}
