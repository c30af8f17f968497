//! `route`: which routes match an event, and why.

use std::path::Path;

use serde_json::json;

use super::draw::{Look, Page, STEP, beside, piece, plain, routes};
use super::forecast::{Forecast, forecast};
use super::settings::{json, load_with_templates};
use super::story::{EventArguments, IssueArguments};
use super::{Failure, Output, Terminal};
use crate::routing::{RouteVerdict, SetFrom};
use crate::run::Run;

/// Show which routes match an event, why, and where it would go.
#[derive(Debug, clap::Args)]
pub(super) struct Route {
    #[command(flatten)]
    event: EventArguments,
    #[command(flatten)]
    issue: IssueArguments,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
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
        let deliveries = forecast(&checked.config, &checked.renderer, &decision, event);
        if self.json {
            let document = json!({
                "action": event.action.as_str(), "organization": organization.as_str(),
                "routes": verdicts,
                "deliveries": deliveries.iter().map(as_json).collect::<Vec<_>>(),
            });
            return Ok(json(&document).into());
        }
        Ok(page(&verdicts, &deliveries, terminal).into())
    }
}

fn as_json(forecast: &Forecast<'_>) -> serde_json::Value {
    let (set, from) = forecast.set.clone().unzip();
    json!({
        "destination": forecast.destination.name, "kind": forecast.destination.service.kind(), "part": forecast.part,
        "template": forecast.template, "template_set": set, "template_set_from": from.as_ref().map(SetFrom::as_str),
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
    for Forecast { destination, part, set, template } in deliveries {
        let part = beside(" ", *part);
        let set = match set {
            None => String::new(),
            Some((set, SetFrom::Destination)) => format!("  (set `{set}` of the destination)"),
            Some((set, SetFrom::Route(route))) => format!("  (set `{set}` of route `{route}`)"),
        };
        let line = [
            plain("→ "),
            piece(Look::Strong, destination.name.as_str()),
            plain(format!(" ({}){part} by {template}", destination.service.kind())),
            piece(Look::Quiet, set),
        ];
        page.line(0, STEP, line);
    }
    page.into_text()
}
