//! FILE or ACTION on the command line, as the events of a run up to the one that is meant.

use std::path::Path;

use bytes::Bytes;

use super::Failure;
use crate::clock::Clock;
use crate::config::Config;
use crate::event::{ACTIVITY_ALERT_RESOURCE, Action, GroupId, Organization};
use crate::issue::{Issue, Project};
use crate::render::DIGEST;
use crate::sample::{self, SampleIds, Shape, Telling};
use crate::sentry::OrganizationConfig;
use crate::sentry::payload::PayloadError;
use crate::words::{quoted, suggestion};

/// Which event is meant.
#[derive(Debug, clap::Args)]
pub(super) struct EventArguments {
    /// A webhook's body in a file, as Sentry sends it, or an action's name for a sample that comes with the binary:
    /// `pr_created`, or `activity_alert.seer_pr_created` for Sentry's alert on it, or `relay.failed` for a notice of the
    /// relay's own
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

/// What is known of the issue.
#[derive(Debug, clap::Args)]
pub(super) struct IssueArguments {
    /// The slug of the issue's project [default: what the sample or the alert says; of another file, unknown]
    #[arg(long, value_name = "SLUG")]
    project: Option<String>,
    /// The issue's level, for example `error`
    #[arg(long)]
    level: Option<String>,
    /// The issue's priority: `high`, `medium` or `low`
    #[arg(long)]
    priority: Option<String>,
    /// The issue's title
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// As if Sentry had not answered: nothing is known of the issue
    #[arg(long, conflicts_with_all = ["project", "level", "priority", "title"])]
    no_issue: bool,
}

impl IssueArguments {
    /// Changes what is known of the issue to what was asked for.
    pub(super) fn apply(self, telling: Telling) -> Telling {
        let Self { project, level, priority, title, no_issue } = self;
        if no_issue {
            return Telling { issue: None, ..telling };
        }
        if project.is_none() && level.is_none() && priority.is_none() && title.is_none() {
            return telling;
        }
        let known = telling.issue.unwrap_or_else(|| {
            let named = telling.events.iter().find_map(|event| event.group_id.clone());
            Issue::unknown(named.unwrap_or_else(|| GroupId::new(SampleIds::default().group_id)))
        });
        let of_slug = |slug| Project { slug: Some(slug), ..Project::default() };
        let issue = Issue {
            project: project.map(of_slug).or(known.project),
            level: level.or(known.level),
            priority: priority.or(known.priority),
            title: title.or(known.title),
            ..known
        };
        Telling { issue: Some(issue), ..telling }
    }
}

/// What FILE or ACTION turned out to be.
pub(super) enum Source {
    /// A body, byte for byte.
    File(Bytes),
    /// A sample's action.
    Sample(Action),
    /// The sample of an activity alert on this action.
    Alert(Action),
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

    /// Tells whether a digest is meant in place of an event.
    pub(super) fn is_digest(&self) -> bool {
        self.source.as_deref() == Some(DIGEST)
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
        if let Some(action) = alert_named(source) {
            return Ok(Source::Alert(action));
        }
        std::fs::read(path).map(|bytes| Source::File(Bytes::from(bytes))).map_err(|error| {
            let alerts = Action::OF_SEER.iter().map(|action| action.full_name(ACTIVITY_ALERT_RESOURCE));
            let names: Vec<String> = Action::known().map(|action| action.to_string()).chain(alerts).collect();
            let samples = suggestion(source, "samples", names.iter().map(String::as_str));
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
            Source::File(body) => sample::telling_alone(body, organization, now),
            Source::Alert(action) => sample::telling_of_alert(&action, organization, now),
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

/// Finds the known action whose activity alert has this name: `activity_alert.seer_pr_created`.
fn alert_named(name: &str) -> Option<Action> {
    Action::OF_SEER.into_iter().find(|action| action.full_name(ACTIVITY_ALERT_RESOURCE) == name)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn asked(project: Option<&str>, level: Option<&str>, no_issue: bool) -> IssueArguments {
        let text = |text: Option<&str>| text.map(str::to_owned);
        IssueArguments { project: text(project), level: text(level), priority: None, title: None, no_issue }
    }

    /// A file of which nothing but this is known.
    fn file(data: &str) -> Telling {
        let body = format!(r#"{{"action":"pr_created","data":{data}}}"#);
        sample::telling_alone(Bytes::from(body), &Organization::new("acme"), Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn what_is_asked_for_is_known_of_a_files_issue_and_no_more() {
        let issue = asked(Some("api"), Some("fatal"), false).apply(file(r#"{"group_id":5}"#)).issue.unwrap();
        assert_eq!(issue.id.as_str(), "5");
        assert_eq!(issue.project.unwrap().slug.as_deref(), Some("api"));
        assert_eq!((issue.level.as_deref(), issue.priority, issue.title), (Some("fatal"), None, None));
        assert_eq!(asked(None, None, false).apply(file("{}")).issue, None);
        assert!(asked(Some("api"), None, false).apply(file("{}")).issue.is_some());
    }

    #[test]
    fn a_samples_issue_keeps_what_was_not_asked_for_and_can_be_unknown() {
        let sample = || {
            let organization = Organization::new("acme");
            sample::telling_of_alert(&Action::PrCreated, &organization, Timestamp::UNIX_EPOCH).unwrap()
        };
        let known = sample().issue.unwrap();
        assert_eq!(asked(None, None, false).apply(sample()).issue.as_ref(), Some(&known));
        let changed = asked(None, Some("info"), false).apply(sample()).issue.unwrap();
        assert_eq!(changed, Issue { level: Some("info".to_owned()), ..known });
        assert_eq!(asked(None, None, true).apply(sample()).issue, None);
    }

    #[test]
    fn an_alert_is_named_by_its_resource_and_its_activity() {
        assert_eq!(alert_named("activity_alert.seer_pr_created"), Some(Action::PrCreated));
        let iteration = alert_named("activity_alert.seer_pr_iteration_started");
        assert_eq!(iteration, Some(Action::IterationStarted));
        for other in
            ["activity_alert.pr_created", "seer.pr_created", "seer_pr_created", "activity_alert.seer_x"]
        {
            assert_eq!(alert_named(other), None, "{other}");
        }
    }
}
