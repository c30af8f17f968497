//! `route`: which routes match an event, and why.

use std::fmt::Write;
use std::path::Path;

use serde_json::json;

use super::settings::{json, load_with_templates};
use super::story::{EventArguments, IssueArguments};
use super::table::clean;
use super::{Failure, Output, Terminal};
use crate::config::{Config, show};
use crate::delivery::Part;
use crate::event::Event;
use crate::notify::Destination;
use crate::render::{Purpose, Renderer, Target};
use crate::routing::{ConditionVerdict, Decision, Note, RoutedDestination};
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
        let decision = checked.config.routing.route(event, &run, telling.issue.as_ref());
        let deliveries = deliveries(&decision, &checked.config, &checked.renderer, event);
        if self.json {
            let document = json!({
                "action": event.action.as_str(), "organization": organization.as_str(),
                "routes": decision.routes,
                "deliveries": deliveries.iter().map(|(destination, part, template)| json!({
                    "destination": destination.name, "kind": destination.service.kind(), "part": part,
                    "template": template,
                })).collect::<Vec<_>>(),
            });
            return Ok(json(&document).into());
        }
        Ok(page(&decision, &deliveries, terminal).into())
    }
}

/// What a destination would get, and the template of it.
type Delivery<'a> = (&'a Destination, Part, String);

fn deliveries<'a>(
    decision: &Decision,
    config: &'a Config,
    renderer: &Renderer,
    event: &Event,
) -> Vec<Delivery<'a>> {
    let find = |routed: &RoutedDestination| {
        let destination = config.destinations.iter().find(|each| each.name == routed.name)?;
        Some((destination, destination.target(routed.template_set.as_deref())))
    };
    let each_part = |(destination, target): (&'a Destination, Target)| {
        let template = |part| {
            // A digest is the destination's, whichever routes lead there.
            let own = (part == Part::Digest).then(|| destination.target(None));
            let target = own.as_ref().unwrap_or(&target);
            renderer.template_for(Purpose::of_part(part, &event.action), target)
        };
        destination
            .parts(&event.action)
            .iter()
            .map(|part| (destination, *part, template(*part)))
            .collect::<Vec<_>>()
    };
    decision.destinations.iter().filter_map(find).flat_map(each_part).collect()
}

fn page(decision: &Decision, deliveries: &[Delivery<'_>], terminal: Terminal) -> String {
    let paint = |code: &str, text: &str| {
        if terminal.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let mut text = String::new();
    for route in &decision.routes {
        let verdict = if route.matched { paint("32", "✓ matches") } else { paint("2", "✗ no match") };
        let _ = writeln!(text, "{verdict}  {}", paint("1", &clean(&route.name)));
        for why in &route.why {
            let sign = if why.held { "✓" } else { "✗" };
            let _ = writeln!(text, "    {sign} {}", reason(why));
        }
    }
    text.push('\n');
    if deliveries.is_empty() {
        text.push_str("no route: the event would be kept and shown, and sent nowhere\n");
    }
    for (destination, part, template) in deliveries {
        let part = match (part, destination.digest) {
            (Part::Message, _) => String::new(),
            (Part::Digest, Some(within)) => {
                format!(" in the digest of {}", show(within))
            }
            (Part::Card | Part::Announcement | Part::Digest, _) => format!(" {part}"),
        };
        let (name, kind) = (&destination.name, destination.service.kind());
        let _ = writeln!(text, "→ {name} ({kind}){part} by {template}");
    }
    text
}

fn reason(why: &ConditionVerdict) -> String {
    let pattern = clean(&why.pattern);
    let value = why.value.as_deref().map(clean);
    let is = value.as_deref().map_or_else(|| "is unknown".to_owned(), |value| format!("is {value}"));
    let is = match why.note {
        Some(Note::IssueUnknown) => "the issue is not known".to_owned(),
        None => is,
    };
    match (why.condition, &value) {
        ("otherwise", None) => "otherwise  (no route above matched)".into(),
        ("otherwise", Some(above)) => format!("otherwise  (matched above: {above})"),
        ("stop", _) => format!("not read  (`{pattern}` matched and stops the reading)"),
        ("not", _) => format!("not {pattern}  ({is})"),
        (condition, _) => format!("{condition} = {pattern}  ({is})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_like_a_sentence() {
        let reason = |condition, pattern: &str, value: Option<&str>| {
            let (pattern, value) = (pattern.to_owned(), value.map(str::to_owned));
            super::reason(&ConditionVerdict { condition, pattern, value, held: true, note: None })
        };
        for (shown, expected) in [
            (reason("repo", "acme/*", Some("acme/api")), "repo = acme/*  (is acme/api)"),
            (reason("repo", "acme/*", None), "repo = acme/*  (is unknown)"),
            (reason("not", "path = docs/*", Some("src/a.py")), "not path = docs/*  (is src/a.py)"),
            (reason("otherwise", "true", None), "otherwise  (no route above matched)"),
            (reason("otherwise", "true", Some("fixes")), "otherwise  (matched above: fixes)"),
            (reason("stop", "noise", None), "not read  (`noise` matched and stops the reading)"),
        ] {
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn that_the_issue_is_not_known_is_said() {
        let reason = |condition, pattern: &str, value: Option<&str>| {
            let (pattern, value) = (pattern.to_owned(), value.map(str::to_owned));
            let note = Some(Note::IssueUnknown);
            super::reason(&ConditionVerdict { condition, pattern, value, held: false, note })
        };
        assert_eq!(reason("project", "api", None), "project = api  (the issue is not known)");
        let not = reason("not", "level = info, repo = a", Some("a"));
        assert_eq!(not, "not level = info, repo = a  (the issue is not known)");
    }
}
