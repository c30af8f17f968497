//! `render`: the exact request body that would be sent, or all of them on one page.

mod preview;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::settings::{load_for_drawing, load_with_templates};
use super::story::{EventArguments, IssueArguments};
use super::{Failure, Output};
use crate::app::links_of;
use crate::check::Checked;
use crate::clock::Clock;
use crate::config::{Config, Faults};
use crate::delivery::{MessageRef, Part, Rung};
use crate::event::Action;
use crate::notify::slack::{SlackAccess, SlackConfig};
use crate::notify::{Destination, Envelope, Position, Service, Style, announcement, body_for};
use crate::render::context::{Context, Links};
use crate::render::digest::Digest;
use crate::render::{Purpose, RenderError};
use crate::run::Run;
use crate::sample::{self, DigestSample, Telling};
use crate::words::{quoted, suggestion};

/// For how long the sample of a digest gathered at a destination that has none.
const A_DIGEST: Duration = Duration::from_hours(1);

/// The `ts` of a card, as a sample has it.
const CARD_SAMPLE: &str = "1764500000.000100";

/// Show the exact request body that would be sent to a destination, or draw all of them on one page. `digest` in place of
/// an action is the sample of a digest.
#[derive(Debug, clap::Args)]
#[command(mut_arg("source", |arg| arg.required(false).required_unless_present("preview")))]
pub(super) struct Render {
    #[command(flatten)]
    event: EventArguments,
    #[command(flatten)]
    issue: IssueArguments,
    /// The destination
    #[arg(long, value_name = "DEST", required_unless_present = "preview")]
    to: Option<String>,
    /// The short message beside the card, where the destination announces the action
    #[arg(long, conflicts_with = "preview")]
    announcement: bool,
    /// Draw every action for every destination as it will look, on one page for a browser
    #[arg(long, value_name = "FILE.html", conflicts_with_all = ["source", "to", "IssueArguments"])]
    preview: Option<PathBuf>,
}

impl Render {
    pub(super) fn run(self, dir: &Path) -> Result<Output, Failure> {
        if let Some(path) = &self.preview {
            return self.draw(path, dir);
        }
        let checked = load_with_templates(dir)?;
        let config = &checked.config;
        let organization = self.event.organization(config)?;
        let destination = destination(config, self.to.as_deref().unwrap_or_default())?;
        let links = links_of(organization, config);
        if self.event.is_digest() {
            let now = Clock::system().now();
            let tellings = sample::digest(DigestSample::Plain, &organization.organization, now);
            return body_of_digest(&checked, destination, tellings, &links);
        }
        let telling = self.issue.apply(self.event.telling(&organization.organization)?);
        let issue = telling.issue.as_ref();
        let context = Context::new(&telling.events, issue, &links, false)
            .ok_or_else(|| Failure::new("there is no such sample", "name another action or a file"))?
            .with_payload(&telling.payload);
        let routed = telling.events.last().zip(Run::fold(&telling.events)).and_then(|(event, run)| {
            let routed = config.routing.route(event, &run, issue).destinations;
            routed.into_iter().find(|each| each.name == destination.name)
        });
        let action = telling.events.last().map(|event| &event.action);
        let action = action.ok_or_else(|| Failure::new("there is no such sample", "name another action"))?;
        let part = part(destination, action, self.announcement)?;
        if part == Part::Digest {
            return body_of_digest(&checked, destination, vec![telling], &links);
        }
        let target = destination.target(routed.as_ref().and_then(|routed| routed.template_set.as_deref()));
        let terms = routed.map(|routed| config.routing.unmuted(&routed)).unwrap_or_default();
        let kind = destination.service.kind();
        let mentions = terms.mentioned_by(part, destination.parts(action), kind).to_vec();
        let rendered = checked
            .renderer
            .render_for(Purpose::of_part(part, action), &context, &target)
            .map_err(|error| unrendered(&error))?;
        let (rendered, position) = match part {
            Part::Announcement => (announcement(rendered), beside_card(destination)),
            Part::Message | Part::Card | Part::Digest => (rendered, Position::Alone),
        };
        let envelope = Envelope { position, mentions, ..Envelope::default() };
        let body = body_for(destination, &rendered, Rung::Whole, &envelope);
        Ok((String::from_utf8_lossy(&body).into_owned() + "\n").into())
    }

    /// Draws the page; a template that is at fault keeps no other one from it.
    fn draw(&self, path: &Path, dir: &Path) -> Result<Output, Failure> {
        let (checked, faults) = load_for_drawing(dir)?;
        let organization = self.event.organization(&checked.config)?;
        preview::write(path, &checked, organization, dir)?;
        let mut output = Output::from(format!("{}\n", path.display()));
        if !faults.is_empty() {
            let failure = Failure::of_faults(&Faults { faults, warnings: Vec::new() });
            output.warning = failure.report(false);
            output.code = 1;
        }
        Ok(output)
    }
}

fn unrendered(error: &RenderError) -> Failure {
    Failure::new(error.to_string(), "mend the template; `seer-relay check` tries them all")
}

/// Returns the body of a digest of these runs, which was made when the newest of them was heard of.
fn body_of_digest(
    checked: &Checked,
    destination: &Destination,
    tellings: Vec<Telling>,
    links: &Links,
) -> Result<Output, Failure> {
    let digest = digest_of(tellings, destination);
    let context = Context::of_digest(&digest, |_| Cow::Borrowed(links));
    let target = destination.target(None);
    let rendered = checked.renderer.render_for(Purpose::Digest, &context, &target);
    let rendered = rendered.map_err(|error| unrendered(&error))?;
    let body = body_for(destination, &rendered, Rung::Whole, &Envelope::default());
    Ok((String::from_utf8_lossy(&body).into_owned() + "\n").into())
}

/// Returns the digest of these runs at a destination.
fn digest_of(tellings: Vec<Telling>, destination: &Destination) -> Digest {
    let ends = tellings.iter().filter_map(|telling| telling.events.last()).map(|event| event.received_at);
    let until = ends.max().unwrap_or(Timestamp::UNIX_EPOCH);
    let since = until.checked_sub(destination.digest.unwrap_or(A_DIGEST)).unwrap_or(until);
    let runs = tellings.into_iter();
    let runs = runs.filter_map(|telling| Some((Run::fold(&telling.events)?, telling.issue)));
    Digest::of_samples(since, until, runs)
}

/// Finds the part that is asked for: mostly the first one.
fn part(destination: &Destination, action: &Action, announcement: bool) -> Result<Part, Failure> {
    let wanted = |part: &&Part| !announcement || **part == Part::Announcement;
    destination.parts(action).iter().find(wanted).copied().ok_or_else(|| {
        let name = &destination.name;
        let hint = match destination.style {
            Style::Card => {
                "its `announce` names the actions that are; take `--announcement` away to see what it becomes"
            }
            Style::Messages | Style::Thread => {
                "only a destination with `style = \"card\"` announces; take `--announcement` away"
            }
        };
        Failure::new(format!("`{action}` is not announced at `{name}`"), hint)
    })
}

/// Returns where an announcement stands, under a card that nobody has posted.
fn beside_card(destination: &Destination) -> Position {
    let channel = match &destination.service {
        Service::Slack(SlackConfig { access: SlackAccess::Bot(bot), .. }) => bot.channel.clone(),
        Service::Slack(_) | Service::Discord(_) | Service::Webhook(_) => String::new(),
    };
    Position::Under { message: MessageRef { channel, id: CARD_SAMPLE.to_owned() }, announced: true }
}

/// Finds a destination by its name.
pub(super) fn destination<'a>(config: &'a Config, name: &str) -> Result<&'a Destination, Failure> {
    config.destinations.iter().find(|each| each.name.as_str() == name).ok_or_else(|| {
        let names = config.destinations.iter().map(|each| each.name.as_str());
        let hint = suggestion(name, "defined", names);
        Failure::new(
            format!("no destination {} in routes.toml", quoted(name)),
            hint.unwrap_or_else(|| "none is defined: write a table like `[slack.backend]`".to_owned()),
        )
    })
}
