//! `route`: which routes match an event, and why.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::draw::{Look, Page, STEP, beside, deliveries, piece, plain, routes};
use super::forecast::{Forecast, forecast};
use super::settings::{json, load_with_templates};
use super::story::{EventArguments, IssueArguments};
use super::{Failure, Output, Terminal};
use crate::clock::Clock;
use crate::config::show;
use crate::delivery::Part;
use crate::http::api::MutedJson;
use crate::notify::Destination;
use crate::render::context::rfc3339;
use crate::routing::{RouteVerdict, SetFrom};
use crate::run::Run;

/// Show which routes match an event, why, and where it would go.
#[derive(Debug, clap::Args)]
pub(super) struct Route {
    #[command(flatten)]
    event: EventArguments,
    #[command(flatten)]
    issue: IssueArguments,
    /// As if it came then: tries what mutes do [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a time with its offset, as `2026-12-01T22:00:00+01:00`".to_owned())
}

impl Route {
    pub(super) fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        let checked = load_with_templates(dir)?;
        let organization = self.event.organization(&checked.config)?.organization.clone();
        let telling = self.issue.apply(self.event.telling(&organization)?);
        let (Some(event), Some(run)) = (telling.events.last(), Run::fold(&telling.events)) else {
            return Err(Failure::new("there is no such sample", "name another action or a file"));
        };
        let routing = &checked.config.routing;
        let decision = routing.route(event, &run, telling.issue.as_ref());
        let verdicts = routing.verdicts(event, &decision, telling.issue.is_none());
        let now = self.at.unwrap_or_else(|| Clock::system().now());
        let deliveries = forecast(&checked, &decision, event, now);
        if self.json {
            let document = json!({
                "action": event.action.as_str(), "organization": organization.as_str(),
                "routes": verdicts,
                "at": rfc3339(now),
                "deliveries": deliveries.iter().map(as_json).collect::<Vec<_>>(),
            });
            return Ok(json(&document).into());
        }
        Ok(page(&verdicts, &deliveries, terminal).into())
    }
}

fn as_json(forecast: &Forecast<'_>) -> Value {
    let (set, from) = forecast.set.clone().unzip();
    let destination = forecast.message.destination;
    json!({
        "destination": destination.name, "kind": destination.service.kind(), "part": forecast.message.part,
        "template": forecast.template, "template_set": set, "template_set_from": from.as_ref().map(SetFrom::as_str),
        "muted": forecast.muting.as_ref().map(MutedJson::from), "mentions": forecast.mentions,
        "fallback": destination.fallback.as_ref().map(|fallback| &fallback.to),
    })
}

fn page(verdicts: &[RouteVerdict], deliveries: &[Forecast<'_>], terminal: Terminal) -> String {
    let mut page = Page::new(terminal);
    routes::draw(&mut page, verdicts);
    page.gap();
    if deliveries.is_empty() {
        let kept = "the event would be kept and shown, and sent nowhere";
        page.line(0, STEP, [piece(Look::Strong, routes::NO_ROUTE), plain(format!(": {kept}"))]);
    }
    for forecast in deliveries {
        draw(&mut page, forecast);
    }
    page.into_text()
}

fn draw(page: &mut Page, forecast: &Forecast<'_>) {
    let Forecast { message, set, template, muting, mentions } = forecast;
    let destination = message.destination;
    let set = match set {
        None => String::new(),
        Some((set, SetFrom::Destination)) => format!("  (set `{set}` of the destination)"),
        Some((set, SetFrom::Route(route))) => format!("  (set `{set}` of route `{route}`)"),
    };
    let stand_in = destination.fallback.as_ref().map(|fallback| format!(", else to {}", fallback.to));
    let part = part(destination, message.part);
    let kind = destination.service.kind();
    let line = [
        plain("→ "),
        piece(Look::Strong, destination.name.as_str()),
        plain(format!(" ({kind}){part} by {template}{}", stand_in.unwrap_or_default())),
        piece(Look::Quiet, set),
    ];
    page.line(0, STEP, line);
    if let Some(muting) = muting {
        let or = if message.part == Part::Card { " (a card that stands already is edited)" } else { "" };
        page.line(STEP, 2, [piece(Look::Busy, muting.to_string()), plain(or)]);
    }
    deliveries::draw_mentions(page, STEP, mentions);
}

fn part(destination: &Destination, part: Part) -> String {
    match destination.digest {
        Some(within) if part == Part::Digest => format!(" in the digest of {}", show(within)),
        Some(_) | None => beside(" ", part),
    }
}
